"""What an SM-SR sends to a card, and what it reads from the answers (SGP.02 ES5; TS 102 226)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from hil.errors import CodecError
from hil.provisioning.sm_sr.ota_rows import OtaCommand
from hil.provisioning.sm_sr.packing import MessageSize, pack
from hil.wire import tlv
from hil.wire.apdu import CommandApdu
from hil.wire.command_script import (
    SECURED_ERRORS,
    SECURED_OBJECTS,
    CommandScript,
    ResponseScript,
)
from hil.wire.identifiers import ISD_R_AID, tar_of
from hil.wire.isdr_commands import get_status
from hil.wire.packets import PacketSet
from hil.wire.status_words import describe
from hil.wire.tlv import Tlv

ISD_R_TAR: Final = tar_of(ISD_R_AID)
LIFE_CYCLE: Final = {0x1F: "disabled", 0x3F: "enabled"}
_STATUS_OBJECT: Final = 0xE3


@dataclass(frozen=True, slots=True)
class CardProfile:
    """One ISD-P as the card tells it: ``state`` is created, disabled or enabled."""

    isdp_aid: bytes
    state: str
    fallback: bool


def isd_r_command(job: str, eid: str, name: str, command: CommandApdu) -> OtaCommand:
    """Return one command to the ISD-R."""
    script = CommandScript.of([command]).encode()
    return OtaCommand(job, eid, name, ISD_R_TAR, script)


def isd_r_commands(job: str, eid: str, name: str, commands: Sequence[CommandApdu]) -> OtaCommand:
    """Return several commands to the ISD-R in one script."""
    return OtaCommand(job, eid, name, ISD_R_TAR, CommandScript.of(commands).encode())


def packet_commands(job: str, packet_set: PacketSet, size: MessageSize) -> list[OtaCommand]:
    """Return the scripts that bring the packets, the very bytes of the SM-DP, to their ISD-P.

    They are packed so that the whole takes the fewest messages.
    """
    packets = packet_set.packets
    cuts = pack([len(packet.command) for packet in packets], size)
    commands = []
    for number, cut in enumerate(cuts, start=1):
        chosen = [packets[i] for i in cut]
        script = tlv.encode(0xAA, b"".join(packet.command for packet in chosen))
        answers = [packet.expected for packet in chosen if packet.expected is not None]
        commands.append(
            OtaCommand(
                job,
                packet_set.eid,
                f"packets {number}/{len(cuts)}",
                tar_of(packet_set.isdp_aid),
                script,
                b"".join(answers) if len(answers) == len(chosen) else None,
            )
        )
    return commands


def data_commands(
    job: str, eid: str, tar: bytes, items: Sequence[Tlv], size: MessageSize
) -> list[OtaCommand]:
    """Return the scripts that bring somebody's objects (22, 84 to 87) to the one at ``tar``.

    SCP03t objects are packed whole into the fewest messages; command APDUs stay in one script, for
    a chain of STORE DATA ends with its script. ConfigError for what is too large for one packet.
    """
    encoded = [item.encode() for item in items]
    sizes = [len(one) for one in encoded]
    if any(item.tag not in SECURED_OBJECTS for item in items):
        encoded, sizes = [b"".join(encoded)], [sum(sizes)]
    cuts = pack(sizes, size)
    return [
        OtaCommand(
            job,
            eid,
            f"data {number}/{len(cuts)}",
            tar,
            tlv.encode(0xAA, b"".join(encoded[i] for i in cut)),
        )
        for number, cut in enumerate(cuts, start=1)
    ]


def of_job(command: OtaCommand, job: str) -> OtaCommand:
    """Return the command as one of a job."""
    return replace(command, job=job)


def body_of(response: bytes) -> bytes:
    """Return the objects of a response script; nothing for what is none."""
    try:
        return b"".join(item.encode() for item in ResponseScript.decode(response).items)
    except CodecError:
        return b""


def objection(response: bytes, expected: bytes | None) -> str | None:
    """Return why a response script tells of a failure, or None when all was done."""
    try:
        script = ResponseScript.decode(response)
        failure = _failure(script)
    except CodecError as err:
        return f"the card's answer cannot be read: {err}"
    if failure is None and expected is not None:
        return _difference(script, expected)
    return failure


def _failure(script: ResponseScript) -> str | None:
    if script.bad_format is not None:
        return f"the card found the script badly formed ({script.bad_format:02X})"
    if not script.items:
        return "the card executed nothing"
    for item in script.items:
        if item.tag in SECURED_ERRORS:
            return f"the card answers {item.encode().hex().upper()} (SCP03t error)"
    for answer in script.answers:
        if answer.sw != 0x9000 and answer.sw >> 8 not in (0x91, 0x62, 0x63):
            return f"the card answers {describe(answer.sw)}"
    return None


def _difference(script: ResponseScript, expected: bytes) -> str | None:
    wanted = tlv.decode_all(expected)
    for place, (got, want) in enumerate(zip(script.items, wanted, strict=False), start=1):
        if got != want:
            return f"answer {place} of the card is not the one the SM-DP foretold"
    if len(script.items) != len(wanted):
        return f"the card answered {len(script.items)} of {len(wanted)} packets"
    return None


def get_status_next() -> CommandApdu:
    """Return GetStatus for what did not fit the answer before (GlobalPlatform, 11.4.2: P2 b1)."""
    first = get_status()
    return CommandApdu(first.cla, first.ins, first.p1, first.p2 | 1, first.data, first.le)


def has_more(response: bytes) -> bool:
    """Whether the answer to GetStatus ends with 6310: more ISD-Ps wait for GetStatus next."""
    try:
        return [answer.sw for answer in ResponseScript.decode(response).answers] == [0x6310]
    except CodecError:
        return False


def says_none(response: bytes) -> bool:
    """Whether the card answers that it has no ISD-P of the kind asked for (6A88)."""
    try:
        return [answer.sw for answer in ResponseScript.decode(response).answers] == [0x6A88]
    except CodecError:
        return False


def card_profiles(response: bytes) -> tuple[CardProfile, ...]:
    """Read the answer to GetStatus (SGP.02, table 28); CodecError when it is none."""
    answers: Sequence[bytes] = [answer.data for answer in ResponseScript.decode(response).answers]
    found = []
    for row in tlv.decode_all(b"".join(answers)):
        if row.tag != _STATUS_OBJECT:
            raise CodecError(f"GetStatus was answered with the object {row.tag:X}")
        fields = tlv.decode_all(row.value)
        aid, state = tlv.find(fields, 0x4F), tlv.find(fields, 0x9F70)
        attributes = tlv.find(fields, 0x53) or b"\x00"
        if aid is None or state is None or len(state) != 1:
            raise CodecError("GetStatus answer lacks AID or life cycle")
        found.append(
            CardProfile(aid, LIFE_CYCLE.get(state[0], "created"), bool(attributes[-1] & 1))
        )
    return tuple(found)
