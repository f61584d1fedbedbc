"""What the cases of the eUICC begin with: profiles in a known state, made over the air."""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import TYPE_CHECKING, Final

from hil.equipment.card.euicc import ProfileState
from hil.equipment.card.over_the_air import OverTheAirSession
from hil.evidence import step
from hil.wire import isdr_commands, tlv
from hil.wire.apdu import CommandApdu
from hil.wire.profile_package.generate import OtaKeys
from hil.wire.scp03 import HostSession
from hil.wire.scp80 import OtaKeySet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.bench.esim import Esim
    from hil.bench.profile_maker import LabProfile, ProfileMaker
    from hil.equipment.card import Card
    from hil.wire.apdu import ResponseApdu
    from hil.wire.scp03 import KeySet

MNO_SD_TAR: Final = bytes.fromhex("B20100")
"""Remote application management of the MNO-SD in the lab's profiles (ETSI TS 102 226, 8.2)."""

DISABLE_NOT_ALLOWED, DELETE_NOT_ALLOWED, DELETE_ON_DISABLE = 0x01, 0x02, 0x04
"""Rules of POL1, as the profile header carries them."""

NOT_INSTALLED: Final = (ProfileState.SELECTABLE, ProfileState.PERSONALIZED)
"""States of an ISD-P without a profile."""


def one(session: OverTheAirSession, command: CommandApdu) -> ResponseApdu:
    """Send one command to the ISD-R; return its answer."""
    (answer,) = session.send(command)
    return answer


def created(session: OverTheAirSession, profile: LabProfile) -> None:
    """Bring an ISD-P to its state after CreateISDP."""
    with step(f"Precondition: CreateISDP {profile.aid.hex().upper()}"):
        answer = one(session, isdr_commands.create_isdp(profile.aid, profile.packets.memory))
        assert answer.sw == 0x9000


def empty(session: OverTheAirSession, maker: ProfileMaker) -> LabProfile:
    """Return a profile whose ISD-P was created, and is empty."""
    profile = maker.profile()
    created(session, profile)
    return profile


def downloaded(session: OverTheAirSession, esim: Esim, profile: LabProfile) -> None:
    """Install a profile; it is DISABLED then."""
    created(session, profile)
    with step("Precondition: the profile is downloaded, DISABLED"):
        packets = profile.packets.packets
        assert esim.load(profile.aid, packets) == [packet.expected for packet in packets]
        assert_state(esim, profile.aid, ProfileState.DISABLED)


def taken_up(session: OverTheAirSession, esim: Esim, profile: LabProfile) -> None:
    """Install a profile, and enable it."""
    downloaded(session, esim, profile)
    with step("Precondition: the profile is ENABLED"):
        assert one(session, isdr_commands.enable_profile(profile.aid)).sw == 0x9000
        assert_state(esim, profile.aid, ProfileState.ENABLED)


def disabled(
    session: OverTheAirSession, maker: ProfileMaker, *, pol: bytes | None = None
) -> LabProfile:
    """Install a profile, with a POL1 if given; it is DISABLED then."""
    profile = maker.profile(pol=pol)
    downloaded(session, maker.esim, profile)
    return profile


def enabled(
    session: OverTheAirSession, maker: ProfileMaker, *, pol: bytes | None = None
) -> LabProfile:
    """Install a profile, with a POL1 if given, and enable it."""
    profile = maker.profile(pol=pol)
    taken_up(session, maker.esim, profile)
    return profile


def operator_keys(kvn: int = 1) -> OtaKeys:
    """Return OTA keys that no other profile has."""
    kic, kid, dek = (secrets.token_bytes(16) for _ in range(3))
    return OtaKeys(kvn, kic, kid, dek)


def operated(session: OverTheAirSession, maker: ProfileMaker) -> LabProfile:
    """Install a profile with OTA keys of its own, and enable it."""
    profile = maker.profile(ota_keys=(operator_keys(),))
    taken_up(session, maker.esim, profile)
    return profile


def assert_state(esim: Esim, aid: bytes, state: ProfileState | None) -> None:
    """Hold GetStatus to showing an ISD-P in a state, or not at all (None)."""
    found = esim.profile(aid)
    shown = None if found is None else found.state
    assert shown is state, f"ISD-P {aid.hex().upper()} is {shown}, not {state}"


def assert_made(esim: Esim, aid: bytes) -> None:
    """Hold GetStatus to showing an ISD-P that was created, and is empty."""
    found = esim.profile(aid)
    assert found is not None, f"there is no ISD-P {aid.hex().upper()}"
    assert found.state in NOT_INSTALLED


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


def fallback(esim: Esim) -> bytes:
    """Return the AID of the profile with the fall-back attribute; there is exactly one."""
    holders = [one.aid for one in esim.profiles() if one.fallback]
    assert len(holders) == 1, f"{len(holders)} profiles have the fall-back attribute, not one"
    return holders[0]


def operator(card: Card, profile: LabProfile) -> OverTheAirSession:
    """Return the operator's way to its enabled profile: SCP80 with the keys of the MNO-SD."""
    keys = profile.data.ota_keys[0]
    return OverTheAirSession(card, OtaKeySet(keys.kvn, keys.kic, keys.kid, keys.dek))


def update_policy(operator: OverTheAirSession, esim: Esim, policy: bytes) -> ResponseApdu:
    """Send ES6.UpdatePOL1 to the MNO-SD; return its answer."""
    command = isdr_commands.update_policy(policy, group=esim.functions.policy_dgi)
    (answer,) = operator.send(command, tar=MNO_SD_TAR)
    return answer


def set_fallback(session: OverTheAirSession, esim: Esim, aid: bytes) -> ResponseApdu:
    """Send SetFallbackAttribute; return its answer."""
    return one(session, isdr_commands.set_fallback(aid, group=esim.functions.fallback_dgi))


@contextlib.contextmanager
def pinned(
    session: OverTheAirSession, maker: ProfileMaker, policy: int, *, enable: bool = True
) -> Iterator[LabProfile]:
    """Have a profile under POL1, and free it again: the next test finds a card to restore."""
    prepare = enabled if enable else disabled
    profile = prepare(session, maker, pol=bytes((policy,)))
    try:
        yield profile
    finally:
        release(session, maker.esim, profile)


def release(session: OverTheAirSession, esim: Esim, profile: LabProfile) -> None:
    """Take the rules of POL1 from a profile, which is enabled for it, if it is still there."""
    found = esim.profile(profile.aid)
    if found is None:
        return
    with step("Afterwards: UpdatePOL1 takes the rules away"):
        if found.state is not ProfileState.ENABLED:
            assert one(session, isdr_commands.enable_profile(profile.aid)).sw == 0x9000
        assert update_policy(operator(esim.card, profile), esim, b"\x00").sw == 0x9000


@contextlib.contextmanager
def fallback_restored(session: OverTheAirSession, esim: Esim) -> Iterator[bytes]:
    """Give the AID of the fall-back profile; give the attribute back to it afterwards."""
    holder = fallback(esim)
    try:
        yield holder
    finally:
        if fallback(esim) != holder:
            with step("Afterwards: the fall-back attribute goes back"):
                assert set_fallback(session, esim, holder).sw == 0x9000


def inside(esim: Esim, aid: bytes, keys: KeySet, *commands: CommandApdu) -> list[ResponseApdu]:
    """Send commands to an ISD-P through SCP03; return the plain answers."""
    with esim.card.transaction() as card:
        card.select(aid)
        host = HostSession(keys, os.urandom(8))
        host.open(card.expect(host.initialize_update()), aid=aid)
        card.expect(host.external_authenticate(level=0x33))
        return [host.unwrap(card.send(host.wrap(command))) for command in commands]


def opened_counter(esim: Esim, aid: bytes, keys: KeySet) -> int | None:
    """Open SCP03 to a domain and return the sequence counter of the session."""
    with esim.card.transaction() as card:
        card.select(aid)
        host = HostSession(keys, os.urandom(8))
        host.open(card.expect(host.initialize_update()), aid=aid)
        card.expect(host.external_authenticate(level=0x33))
        return host.answer.counter


def next_counter(esim: Esim, aid: bytes, keys: KeySet) -> int:
    """Return the sequence counter that a domain's key set uses next, and use none."""
    with esim.card.transaction() as card:
        card.select(aid)
        host = HostSession(keys, os.urandom(8))
        host.open(card.expect(host.initialize_update()), aid=aid)
    assert host.answer.counter is not None
    return host.answer.counter


def assert_not_installed(esim: Esim, profile: LabProfile) -> None:
    """Hold the ISD-P to being as it was before the download."""
    found = esim.profile(profile.aid)
    assert found is not None
    assert found.state in NOT_INSTALLED


def assert_loads(esim: Esim, profile: LabProfile, maker: ProfileMaker) -> None:
    """Hold the ISD-P to taking a whole download after all."""
    again = maker.profile(tar=profile.tar, counter=profile.packets.counter + 1)
    for packets in (profile.packets.packets, again.packets.packets):
        # Whether the counter has moved depends on how far the first try came.
        answers = esim.load(profile.aid, packets)
        if answers == [row.expected for row in packets]:
            break
    assert_state(esim, profile.aid, ProfileState.DISABLED)
