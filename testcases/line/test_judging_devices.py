"""How the support server judges a device and the readings of its jig, whatever the station says.

The devices have key sets only, and the readings are made: what a real jig and a real pin do is
proven elsewhere. Here they come from a station that reads badly, or does not tell the truth.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from hil.checks import refusal
from hil.evidence import step
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.orders import ProfileRequest
from hil.provisioning.support_server.device_sessions import DevicePolicy
from hil.provisioning.support_server.devices import DeviceRecord
from hil.provisioning.support_server.jig import JigPolicy, JigSample, Window
from hil.wire.device_auth import DeviceKeySet, Manner
from testcases.line.paper_device import paper_devices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hil.bench.bench import Bench
    from hil.bench.desk import Desk
    from hil.provisioning.support_server.device_sessions import SessionResult
    from testcases.line.paper_device import PaperDevice

    SetPolicy = Callable[[DevicePolicy], None]

pytestmark = [
    pytest.mark.requires("servers.support-server", "servers.sm-dp", "servers.eum"),
    pytest.mark.severity("critical"),
]

VOLTS, AMPS = 1.8, 0.010
JIG: Final = JigPolicy(Window(1.7, 1.9), Window(0.009, 0.011), dwell_s=0.5, max_gap_s=0.2)
WRONG: Final = DeviceKeySet(1, bytes(16), bytes(16))
ATTEMPTS: Final = 20
"""No server may bear so many wrong proofs of one device in a row."""
SHORT_S: Final = 0.5
STEP_NS: Final = 100_000_000


@pytest.fixture
def set_policy(desk: Desk, bench: Bench) -> Iterator[SetPolicy]:
    """A way to replace the server's policy; the manner of the bench is back at the end."""
    support = desk.support()
    yield support.set_policy
    section = bench.lab.file.device
    manner = Manner(section.manner) if section else Manner.KEY_SET
    support.set_policy(DevicePolicy(manner=manner, jig=JIG))


def readings(count: int = 8) -> list[JigSample]:
    """Return good readings, 0.1 s from each to the next."""
    return [JigSample(1 + at * STEP_NS, VOLTS, AMPS, 0.01, 0.0001) for at in range(count)]


def present(desk: Desk, device: PaperDevice, jig: Sequence[JigSample] = ()) -> SessionResult:
    """Present a device in a session of its own."""
    station = desk.station()
    offer = station.open_session()
    return station.present(offer.session, device.hello(offer.server_nonce), jig=jig)


def refused(desk: Desk, device: PaperDevice, jig: Sequence[JigSample], reason: str) -> None:
    """Hold the server to refusing a device with a reason, and to giving nothing to that session."""
    station = desk.station()
    offer = station.open_session()
    with refusal(Refusal, match=reason) as caught:
        station.present(offer.session, device.hello(offer.server_nonce), jig=jig)
    assert caught.value.code is RefusalCode.DEVICE_REFUSED
    with step("That session gets no image"), refusal(Refusal) as silent:
        station.fetch_image(offer.session)
    assert silent.value.code is RefusalCode.NOT_AUTHENTICATED


def one_of(at: int, **changes: float | None) -> list[JigSample]:
    """Return good readings but for one."""
    found = readings()
    found[at] = replace(found[at], **changes)  # type: ignore[arg-type]
    return found


@pytest.mark.requirement("R-24")
@pytest.mark.requirement("R-24", "R-27", "R-28", refusal=True)
@pytest.mark.severity("blocker")
def test_every_reading_of_the_jig_counts(desk: Desk, set_policy: SetPolicy) -> None:
    """Each one inside both windows for certain, without a gap, for the dwell: or no image."""
    set_policy(DevicePolicy(manner=Manner.JIG, jig=JIG))
    (device,) = paper_devices(desk, 1)
    desk.support().request_profiles(
        ProfileRequest(mno="mno-1", sm_dp="sm-dp-1", targets=(device.eid,))
    )
    gap = [*readings(4), *(replace(one, at_ns=one.at_ns + 3 * STEP_NS) for one in readings()[4:])]
    for what, jig, reason in (
        ("a glitch in the middle", one_of(4, volts=2.4), "above the window"),
        ("a dip at the end", one_of(7, volts=1.0), "below the window"),
        ("a voltage too near to the edge", one_of(2, volts=1.895), "too near"),
        ("a wrong current once", one_of(5, amps=0.014), "above the window"),
        ("a current that was not read", one_of(5, amps=None), "no current"),
        ("too short a stay", readings(4), "dwell"),
        ("a while without readings", gap, "not watched"),
        ("readings out of their order", readings()[::-1], "order of their times"),
        ("no reading", [], "cannot show a dwell"),
    ):
        with step(f"Refused: {what}"):
            refused(desk, device, jig, reason)
            desk.support().unlock_device(device.device_id)
    with step("Good readings"):
        assert present(desk, device, readings()).state == "passed"


@pytest.mark.requirement("R-25", "R-32")
@pytest.mark.requirement("R-25", "R-27", refusal=True)
@pytest.mark.severity("blocker")
def test_both_key_set_and_jig_have_to_be_good(desk: Desk, set_policy: SetPolicy) -> None:
    """Of the four cases of key set and jig, the server lets good and good in alone."""
    set_policy(DevicePolicy(manner=Manner.BOTH, jig=JIG))
    (device,) = paper_devices(desk, 1)
    liar = replace(device, keys=WRONG)
    bad = one_of(3, volts=1.0)
    with step("A good key set, a bad jig"):
        refused(desk, device, bad, "below the window")
    with step("A bad key set, a good jig"):
        refused(desk, liar, readings(), "proof")
    with step("Neither"):
        refused(desk, liar, bad, r"proof|below the window")
    with step("Both"):
        result = present(desk, device, readings())
        assert (result.state, result.manner) == ("passed", Manner.BOTH)


@pytest.mark.requirement("R-33")
@pytest.mark.requirement("R-33", refusal=True)
def test_only_a_device_in_development_may_skip(desk: Desk, set_policy: SetPolicy) -> None:
    """A server that skips the authentication does so in development life alone, and says so."""
    set_policy(DevicePolicy(manner=Manner.SKIP, jig=JIG))
    (device,) = paper_devices(desk, 1)
    assert present(desk, device).state == "skipped"
    record = DeviceRecord(device.device_id, device.eid, "commercial", device.keys)
    desk.support().register_device(record)
    refused(desk, device, (), "development only")


@pytest.mark.requirement("R-23", "R-28")
@pytest.mark.requirement("R-23", "R-28", refusal=True)
def test_too_many_wrong_proofs_lock_a_device_out(desk: Desk, set_policy: SetPolicy) -> None:
    """The server bears so many in a row; a success ends the count, an operator the lock."""
    set_policy(DevicePolicy(jig=JIG))
    (device,) = paper_devices(desk, 1)
    liar = replace(device, keys=WRONG)

    def attempt() -> RefusalCode:
        with refusal(Refusal) as caught:
            present(desk, liar)
        return caught.value.code

    borne = 0
    while (code := attempt()) is RefusalCode.DEVICE_REFUSED:
        borne += 1
        assert borne < ATTEMPTS, f"{borne} wrong proofs, and the device is not locked out"
    assert code is RefusalCode.ATTEMPTS_EXHAUSTED
    with step("The right proof comes too late"), refusal(Refusal) as locked:
        present(desk, device)
    assert locked.value.code is RefusalCode.ATTEMPTS_EXHAUSTED
    desk.support().unlock_device(device.device_id)
    with step("After a success the count begins anew"):
        for _ in range(2):
            for _ in range(borne - 1):
                assert attempt() is RefusalCode.DEVICE_REFUSED
            assert present(desk, device).state == "passed"


@pytest.mark.requirement("R-22", "R-27", refusal=True)
def test_a_session_that_is_over_opens_nothing(desk: Desk, set_policy: SetPolicy) -> None:
    """What a session has not done in its time it does not do: no judgement, and no image."""
    set_policy(DevicePolicy(jig=JIG, session_s=SHORT_S))
    late, slow = paper_devices(desk, 2)
    for device in (late, slow):
        request = ProfileRequest(mno="mno-1", sm_dp="sm-dp-1", targets=(device.eid,))
        desk.support().request_profiles(request)
    station = desk.station()
    offers = [station.open_session() for _ in range(2)]
    opened = time.monotonic()
    hellos = [
        one.hello(offer.server_nonce) for one, offer in zip((late, slow), offers, strict=True)
    ]
    station.present(offers[0].session, hellos[0])
    time.sleep(max(0.0, opened + SHORT_S + 0.1 - time.monotonic()))
    with step("Let in, but late for the image"), refusal(Refusal) as silent:
        station.fetch_image(offers[0].session)
    with step("Late for the judgement"), refusal(Refusal) as unjudged:
        station.present(offers[1].session, hellos[1])
    for caught in (silent, unjudged):
        assert caught.value.code is RefusalCode.NOT_AUTHENTICATED


@pytest.mark.requirement("R-23")
@pytest.mark.requirement("R-23", "R-27", refusal=True)
def test_a_session_is_of_its_own_station_and_its_own_nonce(desk: Desk) -> None:
    """Nonces are fresh, a hello of one session is no good in another, and so is a stranger's."""
    (device,) = paper_devices(desk, 1)
    station = desk.station()
    offers = [station.open_session() for _ in range(3)]
    assert len({one.server_nonce for one in offers}) == len(offers)
    with step("The hello of another session"), refusal(Refusal, match="proof"):
        station.present(offers[0].session, device.hello(offers[1].server_nonce))
    with step("Presented by another than the one who opened it"):
        with refusal(Refusal):
            desk.support().present(offers[2].session, device.hello(offers[2].server_nonce))
        with refusal(Refusal):
            desk.support().fetch_image(offers[2].session)
    hello = device.hello(offers[2].server_nonce)
    assert station.present(offers[2].session, hello).state == "passed"
