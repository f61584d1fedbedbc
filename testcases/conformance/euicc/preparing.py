"""What the cases of the eUICC begin with: profiles in a known state, made over the air."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.equipment.card.euicc import ProfileState
from hil.evidence import step
from hil.wire import isdr_commands, tlv
from hil.wire.apdu import CommandApdu

if TYPE_CHECKING:
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import LabProfile, ProfileMaker
    from hil.equipment.card.over_the_air import OverTheAirSession
    from hil.wire.apdu import ResponseApdu


def one(session: OverTheAirSession, command: CommandApdu) -> ResponseApdu:
    """Send one command to the ISD-R; return its answer."""
    (answer,) = session.send(command)
    return answer


def created(session: OverTheAirSession, profile: LabProfile) -> None:
    """Bring an ISD-P to its state after CreateISDP."""
    with step(f"Precondition: CreateISDP {profile.aid.hex().upper()}"):
        answer = one(session, isdr_commands.create_isdp(profile.aid, profile.packets.memory))
        assert answer.sw == 0x9000


def disabled(
    session: OverTheAirSession, maker: ProfileMaker, *, pol: bytes | None = None
) -> LabProfile:
    """Install a profile, with a POL1 if given; it is DISABLED then."""
    profile = maker.profile(pol=pol)
    created(session, profile)
    with step("Precondition: the profile is downloaded, DISABLED"):
        packets = profile.packets.packets
        answers = maker.esim.load(profile.aid, packets)
        assert answers == [one.expected for one in packets]
        assert_state(maker.esim, profile.aid, ProfileState.DISABLED)
    return profile


def enabled(
    session: OverTheAirSession, maker: ProfileMaker, *, pol: bytes | None = None
) -> LabProfile:
    """Install a profile, with a POL1 if given, and enable it."""
    profile = disabled(session, maker, pol=pol)
    with step("Precondition: the profile is ENABLED"):
        assert one(session, isdr_commands.enable_profile(profile.aid)).sw == 0x9000
        assert_state(maker.esim, profile.aid, ProfileState.ENABLED)
    return profile


def assert_state(esim: Esim, aid: bytes, state: ProfileState | None) -> None:
    """Hold GetStatus to showing an ISD-P in a state, or not at all (None)."""
    found = esim.profile(aid)
    shown = None if found is None else found.state
    assert shown is state, f"ISD-P {aid.hex().upper()} is {shown}, not {state}"


def assert_refused(
    session: OverTheAirSession, esim: Esim, command: CommandApdu, *expected: int
) -> None:
    """Hold the ISD-R to refusing a command with one of some status words, and to no change."""
    before = esim.profiles()
    with step(f"{command.header.hex().upper()}: {' or '.join(f'{sw:04X}' for sw in expected)}"):
        answer = one(session, command)
        assert answer.sw in expected, f"{answer.sw:04X}"
        assert answer.data == b""
    with step("GetStatus: nothing has changed"):
        assert esim.profiles() == before


def free_memory(session: OverTheAirSession) -> int:
    """Return the bytes left for profiles (GET DATA FF21, ETSI TS 102 226, 8.2.1.7)."""
    answer = one(session, CommandApdu(0x80, 0xCA, 0xFF, 0x21, le=256))
    assert answer.sw == 0x9000
    objects = tlv.decode_one(answer.data)[0].children()
    return int.from_bytes(tlv.require(objects, 0x82, where="FF21"), "big")
