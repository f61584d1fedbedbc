"""Blanks secrets in APDUs before anybody writes them down, at equal length, with FF.

Stateful: a GET RESPONSE inherits the rule of the command before it, and what a READ or UPDATE
touches depends on the file that is current on its logical channel. What is not known is blanked:
contents of an unknown file, data of an unknown instruction. Status words stay, always.
The policy, row by row, is in docs/traces.md. Sources: ETSI TS 102 221 (PINs, AUTHENTICATE), 3GPP
TS 31.102 (files), GlobalPlatform card specification 11.8 (PUT KEY), 11.11 (STORE DATA), its
amendments D (SCP03) and E.1 (SCP02: INITIALIZE UPDATE), SGP.02 4.1.3.3 (profile segments).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from hil.wire.blanking import Blanked, Rule, blank, blank_between, body_of
from hil.wire.current_files import GET_RESPONSE, CurrentFiles
from hil.wire.instructions import instruction_name
from hil.wire.secret_files import is_imsi, is_secret
from hil.wire.secret_store_data import StoreData
from hil.wire.secret_toolkit import hide_in_command, hide_in_fetched

_STORE_DATA: Final = 0xE2
_READ: Final = frozenset((0xB0, 0xB2, 0xCB))
_SEARCH: Final = frozenset((0xA2, 0x32))
_UPDATE: Final = frozenset((0xD6, 0xDC, 0xDB))
_CONTENTS: Final = _READ | _SEARCH | _UPDATE
_CLASSES: Final = frozenset((0x0, 0x1, 0x4, 0x5, 0x6, 0x7, 0x8, 0xA, 0xC, 0xE))
"""First digits of the class bytes of ISO/IEC 7816-4, GlobalPlatform and GSM: others are a
vendor's, whose instructions may mean anything."""

_IMSI_BYTES: Final = 9
_LAST_FOUR_DIGITS: Final = 2
_HEAD: Final = 10
"""Key diversification data in the answer to INITIALIZE UPDATE."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An APDU fit to be written down: ``raw``, ``blanks`` of its bytes are FF; ``digest`` of them.

    ``digest`` is the SHA-256 of what stood there, hex, only where that was enciphered.
    """

    raw: bytes
    blanks: int = 0
    digest: str = ""

    @property
    def note(self) -> str:
        """What to say of it: ``data redacted (8 bytes)``; "" if nothing is blank."""
        if not self.blanks:
            return ""
        told = f"data redacted ({self.blanks} bytes)"
        return f"{told}, SHA-256 {self.digest}" if self.digest else told


class Redactor:
    """The state of one card: current files, and what an answer may show."""

    def __init__(self) -> None:
        self._files = CurrentFiles()
        self._store_data = StoreData()
        self._hide: Rule | None = None
        self._digest = False

    def reset(self) -> None:
        """Forget the state, as the card does at a reset."""
        self._files.reset()
        self._store_data.reset()
        self._hide, self._digest = None, False

    def failed(self, command: bytes) -> None:
        """Take note that no answer to ``command`` came: nobody knows what the card did."""
        self._files.follow(command, b"")

    def command(self, raw: bytes) -> Shown:
        """Return a command APDU fit to be written down."""
        if len(raw) < 4:
            self._hide, self._digest = None, False
            return Shown(raw)
        if raw[1] == GET_RESPONSE:
            return Shown(raw)
        hide, self._hide = self._rules(raw)
        self._digest = raw[1] == _STORE_DATA and hide not in (None, blank)
        if hide is None:
            return Shown(raw)
        start, end = body_of(raw)
        body = raw[start:end]
        return self._shown(raw[:start], body, raw[end:], hide)

    def answer(self, command: bytes, raw: bytes) -> Shown:
        """Return the answer to ``command`` fit to be written down."""
        hide = self._hide
        self._files.follow(command, raw)
        if len(command) >= 4 and len(raw) >= 2:
            self._store_data.answered(command, raw)
        if hide is None or len(raw) <= 2:
            return Shown(raw)
        return self._shown(b"", raw[:-2], raw[-2:], hide)

    def _shown(self, before: bytes, body: bytes, behind: bytes, hide: Rule) -> Shown:
        shown, blanks = hide(body)
        digest = hashlib.sha256(body).hexdigest() if blanks and self._digest else ""
        return Shown(before + shown + behind, blanks, digest)

    def _rules(self, raw: bytes) -> tuple[Rule | None, Rule | None]:
        """Return how to hide command data and answer data, None where they may be shown."""
        ins = raw[1]
        if not instruction_name(ins, raw[0]) or raw[0] >> 4 not in _CLASSES:
            return blank, blank
        if ins in _CONTENTS:
            return self._contents(raw)
        if ins == _STORE_DATA:
            return self._store_data.rules(raw)
        return _FIXED.get(ins, (None, None))

    def _contents(self, raw: bytes) -> tuple[Rule | None, Rule | None]:
        place = self._files.target(raw)
        if not is_secret(place):
            return None, None
        rule = _imsi if is_imsi(place) and not raw[3] else blank
        ins = raw[1]
        return rule if ins not in _READ else None, rule if ins not in _UPDATE else None


def _imsi(data: bytes) -> Blanked:
    if len(data) != _IMSI_BYTES:
        return blank(data)
    return blank_between(data, 0, _IMSI_BYTES - _LAST_FOUR_DIGITS)


def _without_cryptogram(data: bytes) -> Blanked:
    """Keep key diversification data, key version, protocol and sequence counter."""
    protocol = data[_HEAD + 1 : _HEAD + 2]
    if protocol == b"\x02" and len(data) == 28:
        keep_to, go_on = _HEAD + 4, 28
    elif protocol == b"\x03" and len(data) in (29, 32):
        keep_to, go_on = _HEAD + 3, 29
    elif protocol == b"\x03" and len(data) in (45, 48):
        keep_to, go_on = _HEAD + 3, 45
    else:
        keep_to, go_on = 0, len(data)  # a part of an answer, or a protocol unknown here
    return blank_between(data, keep_to, go_on)


_FIXED: Final[dict[int, tuple[Rule | None, Rule | None]]] = {
    0x12: (None, hide_in_fetched),  # FETCH
    0x14: (hide_in_command, None),  # TERMINAL RESPONSE
    0x20: (blank, None),  # VERIFY, and below: CHANGE, DISABLE, ENABLE, UNBLOCK
    0x24: (blank, None),
    0x26: (blank, None),
    0x28: (blank, None),
    0x2C: (blank, None),
    0x50: (blank, _without_cryptogram),  # INITIALIZE UPDATE
    0x78: (None, blank),  # GET IDENTITY
    0x82: (blank, None),  # EXTERNAL AUTHENTICATE
    0x88: (blank, blank),  # AUTHENTICATE
    0x89: (blank, blank),
    0xC2: (hide_in_command, None),  # ENVELOPE
    0xD8: (blank, None),  # PUT KEY
}
"""Instructions whose rule needs no state: what to do with data of the command, of the answer."""
