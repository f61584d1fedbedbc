"""What an operator does at the MNO-SD of its enabled profile, as the cases on it say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.wire import tlv
from hil.wire.apdu import CommandApdu
from testcases.conformance.euicc.preparing import MNO_SD_TAR

if TYPE_CHECKING:
    from hil.equipment.card.over_the_air import OverTheAirSession
    from hil.wire.apdu import ResponseApdu

KEYS = CommandApdu(0x80, 0xCA, 0x00, 0xE0, le=256)
"""GET DATA of the key information template."""


def management(mno: OverTheAirSession, command: CommandApdu) -> ResponseApdu:
    """Send one command to the MNO-SD; return its answer."""
    (answer,) = mno.send(command, tar=MNO_SD_TAR)
    return answer


def keys_listed(mno: OverTheAirSession) -> set[tuple[int, int, int, int]]:
    """Return version, identifier, type and length of the keys of the MNO-SD (GET DATA E0)."""
    answer = management(mno, KEYS)
    assert answer.sw == 0x9000, f"{answer.sw:04X}"
    parts = [part.value for part in tlv.decode_one(answer.data)[0].children()]
    return {(value[1], value[0], value[2], value[3]) for value in parts}


def life_cycle(mno: OverTheAirSession, aid: bytes) -> int | None:
    """Return the life cycle byte that GET STATUS shows of an application; None without it."""
    wanted = tlv.encode(0x4F, aid)
    answer = management(mno, CommandApdu(0x80, 0xF2, 0x40, 0x02, wanted, 256))
    if answer.sw == 0x6A88:
        return None
    assert answer.sw == 0x9000, f"{answer.sw:04X}"
    (shown,) = tlv.decode_all(answer.data)
    return tlv.require(shown.children(), 0x9F70, where="GET STATUS")[0]


def set_status(mno: OverTheAirSession, aid: bytes, state: int) -> int:
    """Send SET STATUS of an application; return the status word."""
    return management(mno, CommandApdu(0x80, 0xF0, 0x40, state, aid)).sw
