"""Which file a command means: the current EF, or one by its SFI; and whether it may be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from hil.virtual.euicc.files import DEACTIVATED, USABLE_WHEN_DEACTIVATED, Df, Ef
from hil.virtual.euicc.refusal import RefusalError

if TYPE_CHECKING:
    from hil.virtual.euicc.channel import Channel
    from hil.wire.apdu import CommandApdu

READ: Final = 0x01
UPDATE: Final = 0x02
DEACTIVATE: Final = 0x08
ACTIVATE: Final = 0x10
DELETE_SELF: Final = 0x40
DELETE_CHILD: Final = 0x01
CREATE_EF: Final = 0x02
CREATE_DF: Final = 0x04
NAMED: Final = 0x100
"""Added to an instruction byte: an operation that rules name by its instruction."""
INCREASE: Final = NAMED | 0x32
RESIZE: Final = NAMED | 0xD4
_NO_SFI: Final = 0x1F


class AccessRules(Protocol):
    """Who may do what with a file."""

    def check(self, file: Df | Ef, operation: int) -> None:
        """Refuse with 6982 what no access rule allows now.

        ``operation`` is a bit of AM_DO, or :data:`NAMED` and an instruction byte.
        """


def current_ef(channel: Channel) -> Ef:
    """Return the current EF; 6986 if there is none."""
    if channel.ef is None:
        raise RefusalError(0x6986)
    return channel.ef


def by_sfi(sfi: int, channel: Channel) -> Ef:
    """Return the EF with an SFI in the current DF and make it current; 6A82 if there is none."""
    if sfi == _NO_SFI:
        raise RefusalError(0x6A86, "1F is no SFI")
    file = channel.df.by_sfi.get(sfi)
    if file is None:
        raise RefusalError(0x6A82, f"no file with SFI {sfi:02X}")
    channel.ef, channel.record, channel.transfer = file, 0, None
    return file


def check_usable(file: Ef) -> None:
    """Refuse with 6984 to read or change a deactivated file, unless it says that it may be."""
    if file.life_cycle == DEACTIVATED and not file.special & USABLE_WHEN_DEACTIVATED:
        raise RefusalError(0x6984, f"file {file.fid:04X} is deactivated")


def without_data(command: CommandApdu) -> None:
    """Refuse command data with 6700."""
    if command.data:
        raise RefusalError(0x6700, f"INS {command.ins:02X} takes no data")


def with_data(command: CommandApdu) -> None:
    """Refuse a command that lacks its data with 6700."""
    if not command.data:
        raise RefusalError(0x6700, f"INS {command.ins:02X} lacks its data")
