"""Puts together what the card takes as one: chained commands, GET RESPONSE, a corrected Le.

ISO/IEC 7816-4 (5.1.1 chaining, 5.1.3 status words 61xx and 6Cxx), ETSI TS 102 221 (7.3.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from hil.report.exchanges import ApduExchange, Entry
from hil.wire.blanking import body_of
from hil.wire.current_files import GET_RESPONSE
from hil.wire.status_words import OK

_CHAINED: Final = 0x10
_MORE_DATA: Final = frozenset((0x61, 0x9F))
_WRONG_LE: Final = 0x6C
_MOST_PARTS: Final = 4096


@dataclass(frozen=True, slots=True)
class Joined:
    """One command and its whole answer, from one or several exchanges of one card."""

    parts: tuple[ApduExchange, ...]

    @property
    def first(self) -> ApduExchange:
        """The exchange that begins it."""
        return self.parts[0]

    @property
    def header(self) -> bytes:
        """CLA INS P1 P2 of the last command that is no GET RESPONSE; fewer bytes of a torn one."""
        return self._commands[-1].command[:4]

    @property
    def data(self) -> bytes:
        """Command data, of a chain all of it."""
        if len(self._commands) > 1 and self._commands[0].sw is not None and self._is_le_again:
            return _data(self._commands[0])
        return b"".join(_data(one) for one in self._commands)

    @property
    def answer(self) -> bytes:
        """Answer data, from GET RESPONSE too."""
        return b"".join(one.answer[:-2] for one in self.parts)

    @property
    def sw(self) -> int | None:
        """The last status word, None where no answer came."""
        return self.parts[-1].sw

    @property
    def _commands(self) -> list[ApduExchange]:
        found = [one for one in self.parts if not _is_get_response(one)]
        return found or [self.parts[0]]

    @property
    def _is_le_again(self) -> bool:
        sw = self._commands[0].sw
        return sw is not None and sw >> 8 == _WRONG_LE


def joined(entries: Iterable[Entry]) -> Iterator[Entry | Joined]:
    """Return entries with APDUs put together, as far as nothing else stands between them."""
    parts: list[ApduExchange] = []
    for entry in entries:
        if isinstance(entry, ApduExchange) and not entry.is_atr and entry.command:
            if parts and not _goes_on(parts, entry):
                yield Joined(tuple(parts))
                parts = []
            parts.append(entry)
            continue
        if parts:
            yield Joined(tuple(parts))
            parts = []
        yield entry
    if parts:
        yield Joined(tuple(parts))


def _goes_on(parts: list[ApduExchange], entry: ApduExchange) -> bool:
    last = parts[-1]
    if last.sw is None or last.equipment != entry.equipment or len(parts) >= _MOST_PARTS:
        return False
    if len(last.command) < 4 or len(entry.command) < 4:
        return False
    sw1 = last.sw >> 8
    if _is_get_response(entry):
        return sw1 in _MORE_DATA
    same = last.command[1:4] == entry.command[1:4]
    if sw1 == _WRONG_LE:
        return same and last.command[0] == entry.command[0]
    chained = bool(last.command[0] & _CHAINED) and not last.command[0] & 0x40
    one_class = not (last.command[0] ^ entry.command[0]) & 0xFF & ~_CHAINED
    return chained and same and one_class and last.sw == OK


def _is_get_response(one: ApduExchange) -> bool:
    return len(one.command) >= 4 and one.command[1] == GET_RESPONSE


def _data(one: ApduExchange) -> bytes:
    start, end = body_of(one.command)
    return one.command[start:end]
