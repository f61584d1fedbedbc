"""Access rules of files: EF.ARR records against PIN states (ETSI TS 102 221, section 9.2)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Protocol

from hil.errors import CodecError
from hil.virtual.euicc.current_file import NAMED
from hil.virtual.euicc.files import DF_ARR_ID, MF_ARR_ID, Df, Ef, FileTree, Structure
from hil.virtual.euicc.refusal import RefusalError
from hil.wire import tlv
from hil.wire.tlv import Tlv

if TYPE_CHECKING:
    from collections.abc import Iterable

log = logging.getLogger(__name__)

_AM, _ALWAYS, _NEVER, _USER, _OR, _AND = 0x80, 0x90, 0x97, 0xA4, 0xA0, 0xAF
_KEY: Final = 0x83
_INSTRUCTION: Final = 0x84
_CONDITIONS: Final = frozenset({_ALWAYS, _NEVER, _USER, _OR, _AND})


class PinStates(Protocol):
    """What has been proven about PINs."""

    def satisfied(self, key: int, file: Df | Ef) -> bool:
        """Whether a key reference counts as verified for a file: verified, or PIN disabled."""


class FileAccess:
    """Decides for one file system; a rule that can not be read refuses."""

    def __init__(self, tree: FileTree, pins: PinStates) -> None:
        self._tree = tree
        self._pins = pins
        self._rules: dict[bytes, tuple[Tlv, ...]] = {}

    def check(self, file: Df | Ef, operation: int) -> None:
        """Refuse with 6982 what no access rule allows now.

        ``operation`` is a bit of AM_DO, or :data:`NAMED` and an instruction byte.
        """
        if not self._allowed(file, operation):
            raise RefusalError(0x6982, f"file {file.fid:04X}, operation {operation:02X}")

    def _allowed(self, file: Df | Ef, operation: int) -> bool:
        rule = self._rule(file)
        applies = False
        for item in rule:
            if item.tag == _AM:
                applies = len(item.value) == 1 and bool(item.value[0] & operation & 0xFF)
                applies = applies and not operation & NAMED
            elif item.tag == _INSTRUCTION:
                applies = bool(operation & NAMED) and item.value == bytes((operation & 0xFF,))
            elif item.tag not in _CONDITIONS:
                applies = False
            elif applies and self._holds(item, file):
                return True
        return False

    def _holds(self, condition: Tlv, file: Df | Ef) -> bool:
        if condition.tag == _ALWAYS:
            return True
        if condition.tag == _USER:
            key = tlv.find(condition.children(), _KEY)
            return key is not None and len(key) == 1 and self._pins.satisfied(key[0], file)
        if condition.tag in (_OR, _AND):
            # One level is all the standard has; deeper ones would only be a way to exhaust us.
            inner: Iterable[bool] = (
                one.tag not in (_OR, _AND) and self._holds(one, file)
                for one in condition.children()
            )
            return any(inner) if condition.tag == _OR else all(inner)
        return False

    def _rule(self, file: Df | Ef) -> tuple[Tlv, ...]:
        record = rule_record(file) or b""
        known = self._rules.get(record)
        if known is None:
            try:
                known = tlv.decode_all(record.rstrip(b"\xff"))
                for item in known:
                    if item.tag in (_USER, _OR, _AND):
                        item.children()
            except CodecError as err:
                log.warning("access rule of file %04X: %s", file.fid, err)
                known = ()
            self._rules[record] = known
        return known


def rule_record(file: Df | Ef) -> bytes | None:
    """Return the record of EF.ARR that a file refers to, ``None`` if there is none."""
    reference = file.security
    if len(reference) == 3:
        wanted, number = int.from_bytes(reference[:2], "big"), reference[2]
    elif len(reference) == 1:
        under_mf = file.parent is None or file.parent.parent is None
        wanted, number = MF_ARR_ID if under_mf else DF_ARR_ID, reference[0]
    else:
        return None
    at = file if isinstance(file, Df) else file.parent
    while at is not None:
        arr = at.children.get(wanted)
        if isinstance(arr, Ef) and arr.structure is Structure.LINEAR:
            return arr.record(number) if 1 <= number <= arr.records else None
        at = at.parent
    return None
