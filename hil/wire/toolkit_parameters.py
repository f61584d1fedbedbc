"""What an application says about its remote access: TARs, security level, access domains.

ETSI TS 102 226, 8.2.1.3.2. The coding of the PIN and ADM bits of access domain 02 is recollected,
not sourced: it stands in :data:`PIN_BITS` alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from hil.errors import CodecError
from hil.wire.scp80_parameters import Spi

_MENU_ENTRY: Final = 2
_TAR: Final = 3
_MSL_IS_SPI1: Final = 0x01
FULL, CONDITIONS, NONE = 0x00, 0x02, 0xFF
ALWAYS: Final = 0x010000
"""Not a key reference: stands for ALWAYS among the conditions of an access domain."""

PIN_BITS: Final[tuple[tuple[int, ...], ...]] = (
    tuple(range(0x01, 0x09)),
    tuple(range(0x81, 0x89)),
    (ALWAYS, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E),
)
"""Key references by byte and bit (b1 first) of the data of access domain 02."""


@dataclass(frozen=True, slots=True)
class ToolkitParameters:
    """UICC toolkit parameters (tag 80): ``level`` is the least SPI octet 1, ``tars`` 3 bytes each.

    Timers, menus and channels of toolkit applications are passed over.
    """

    level: int = 0
    tars: tuple[bytes, ...] = ()

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read the field; :class:`CodecError` when its lengths do not fit."""
        cursor = _Cursor(raw)
        cursor.take(3)
        cursor.take(_MENU_ENTRY * cursor.byte())
        cursor.take(1)
        level = read_security_level(cursor.take(cursor.byte()))
        tars = cursor.take(cursor.byte())
        if len(tars) % _TAR:
            raise CodecError("UICC toolkit parameters: a TAR has 3 bytes")
        return cls(level, tuple(tars[at : at + _TAR] for at in range(0, len(tars), _TAR)))


class _Cursor:
    def __init__(self, raw: bytes) -> None:
        self._raw, self._at = raw, 0

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        taken = self._raw[self._at : self._at + count]
        if len(taken) != count:
            raise CodecError("UICC toolkit parameters are cut off")
        self._at += count
        return taken

    def byte(self) -> int:
        """Return the next byte."""
        return self.take(1)[0]


def read_security_level(raw: bytes) -> int:
    """Return the least SPI octet 1 from a minimum security level field: empty, or ``01`` and it."""
    if not raw:
        return 0
    if len(raw) != 2 or raw[0] != _MSL_IS_SPI1:
        raise CodecError(f"minimum security level {raw.hex().upper()} is not 01 and one byte")
    check_level(raw[1])
    return raw[1]


def check_level(level: int) -> None:
    """Refuse a minimum security level that is no first SPI octet."""
    Spi.decode(bytes((level, 0)))


def reaches(spi: Spi, level: int) -> bool:
    """Whether a command's security is at least ``level``, an SPI octet 1, in each of its parts."""
    least = Spi.decode(bytes((level, 0)))
    return (
        spi.integrity >= least.integrity
        and spi.ciphered >= least.ciphered
        and spi.counter >= least.counter
    )


@dataclass(frozen=True, slots=True)
class AccessDomain:
    """What an application may do with files.

    ``full``: everything. Else ``keys``: the key references that count as verified for it, and
    ``ALWAYS``; none of them means no access.
    """

    full: bool = False
    keys: frozenset[int] = frozenset()

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read access domain parameter and data: ``00`` full, ``02`` and 3 bytes, ``FF`` none."""
        if raw == bytes((FULL,)):
            return cls(full=True)
        if raw == bytes((NONE,)):
            return cls()
        if len(raw) != 1 + len(PIN_BITS) or raw[0] != CONDITIONS:
            raise CodecError(f"access domain {raw.hex().upper()} is not known")
        found = {
            key
            for octet, keys in zip(raw[1:], PIN_BITS, strict=True)
            for bit, key in enumerate(keys)
            if octet >> bit & 1
        }
        return cls(keys=frozenset(found))
