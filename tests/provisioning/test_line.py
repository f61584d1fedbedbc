"""The line: a station with a device and its card, and what the server makes of their reports."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from hil.errors import LinkError, ProductRefusal
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.line_station import LineStation
from hil.provisioning.orders import ProfileRequest
from hil.provisioning.support_server.device_sessions import DevicePolicy, Subject
from hil.provisioning.support_server.outbox import StatusNotification
from hil.provisioning.support_server.server import InstallationReport
from hil.provisioning.trust import Principal, Role
from hil.virtual.euicc import VirtualCard, open_card
from hil.wire import isdr_commands
from hil.wire.device_auth import Mode
from hil.wire.identifiers import ISD_R_AID, isd_p_aid
from hil.wire.scp03 import HostSession
from tests.provisioning.air import transmit
from tests.provisioning.line_device import LineDevice
from tests.provisioning.station import LocalStation
from tests.provisioning.test_support_server import STATION, MakeWorld, hello_for, ordered
from tests.provisioning.world import OPERATOR, World, eid_of


class Line:
    """A station with one device and its card."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        eid = world.eids[0]
        self.card = open_card(folder / "card", world.factories[eid])
        trusted = {kind: key.private.public_key() for kind, key in world.signers.items()}
        self.device = LineDevice(
            f"DUT-{eid[-6:]}",
            eid,
            world.device_keys[eid],
            self.card,
            trusted,  # type: ignore[arg-type]
        )
        self.station = LineStation(LocalStation(world.support, STATION), self.device)

    def states(self) -> dict[str, str]:
        return {row.iccid: row.state for row in self.world.sm_sr.book.profiles(self.device.eid)}


@pytest.fixture
def line(world: World, tmp_path: Path) -> object:
    world.register_device()
    world.register_euicc()
    made = Line(world, tmp_path)
    yield made
    made.card.close()


def test_an_image_installs_and_the_sm_sr_is_told(line: Line) -> None:
    iccid = ordered(line.world)
    line.station.provision()
    line.device.boot()
    assert line.device.last.result == "installed", line.device.last.reason
    line.station.report()
    assert line.states() == {iccid: "enabled"}
    assert line.world.support.outbox.waiting() == 0


def test_two_images_in_a_row_use_the_counters_that_follow(line: Line) -> None:
    first = ordered(line.world)
    second = ordered(line.world)
    for iccid in (first, second):
        line.station.provision()
        line.device.boot()
        assert line.device.last.result == "installed", line.device.last.reason
        line.station.report()
        assert line.states()[iccid] == "enabled"
    assert line.states()[first] == "disabled"
    counters = [image.counter for image in line.world.support.workshop.images()]
    assert sorted(counters) == [1, 3]


def test_a_station_may_choose_and_only_what_leaves_takes_counters(line: Line) -> None:
    _, second = ordered(line.world), ordered(line.world)
    assert line.station.provision(second).iccid == second
    line.device.boot()
    assert line.device.last.result == "installed", line.device.last.reason
    line.station.report()
    assert line.states() == {second: "enabled"}
    with pytest.raises(Refusal, match="has no image for 8900101000000009994 on the eSIM"):
        line.station.provision("8900101000000009994")


def stray_session(line: Line) -> None:
    """Use the provisioning key set once, as nobody should."""
    eid = line.device.eid
    keys = line.world.maker.isd_r_keys(Principal("support-1", Role.SUPPORT_SERVER), eid, 0x30)
    host = HostSession(keys, bytes(8))
    transmit(line.card, isdr_commands.select(ISD_R_AID))
    host.open(transmit(line.card, host.initialize_update()))
    assert transmit(line.card, host.external_authenticate()).sw == 0x9000


def test_a_stale_image_is_made_anew_with_the_counter_that_was_found(line: Line) -> None:
    ordered(line.world)
    for _ in range(3):
        stray_session(line)
    line.station.provision()
    line.device.boot()
    assert line.device.last.result == "stale"
    again = line.station.report()
    assert again is not None
    assert line.station.provision().image_id == again
    line.device.boot()
    assert line.device.last.result == "installed", line.device.last.reason


def test_an_image_that_the_device_knows_to_be_stale_is_made_anew_at_once(line: Line) -> None:
    iccid = ordered(line.world)
    for _ in range(3):
        stray_session(line)
    accept = line.device.send_image
    sent: list[bytes] = []

    def refuse_first(raw: bytes) -> int:
        sent.append(raw)
        if len(sent) == 1:
            raise ProductRefusal("device refused the image")
        return accept(raw)

    line.device.send_image = refuse_first  # type: ignore[method-assign]
    report = line.station.provision()
    line.device.boot()
    assert line.device.last.result == "installed", line.device.last.reason
    assert (report.iccid, report.image_id) == (iccid, line.device.last.image_id)
    image = line.world.support.workshop.image(report.image_id)
    assert (image.issue, image.counter) == (2, 4)


def test_an_image_that_the_device_refused_can_be_asked_for_again(line: Line) -> None:
    iccid = ordered(line.world)
    accept = line.device.send_image

    def refuse(raw: bytes) -> int:
        raise ProductRefusal("device refused the image: not in this mode")

    line.device.send_image = refuse  # type: ignore[method-assign]
    with pytest.raises(ProductRefusal, match="not in this mode"):
        line.station.provision()
    assert [image.state for image in line.world.support.workshop.images()] == ["refused"]
    line.device.send_image = accept  # type: ignore[method-assign]
    assert line.station.provision().iccid == iccid
    line.device.boot()
    assert line.device.last.result == "installed", line.device.last.reason


def test_what_a_power_cut_left_is_cleared_by_the_next_image(line: Line) -> None:
    iccid = ordered(line.world)
    line.station.provision()
    full = line.card.transmit
    count = 0

    def cut(apdu: bytes) -> bytes:
        nonlocal count
        count += 1
        return full(apdu) if count < 30 else b"\x6f\x00"

    line.device.card = type("Cut", (), {"transmit": staticmethod(cut), "reset": line.card.reset})()
    line.device.boot()
    assert line.device.last.result == "failed"
    line.device.card = line.card
    line.device.last.result = "stale"
    line.device.last.reason = "power was cut while the profile was loaded"
    assert line.station.report() is not None
    line.station.provision()
    line.device.boot()
    assert line.device.last.result == "installed", line.device.last.reason
    line.station.report()
    assert line.states() == {iccid: "enabled"}


def test_images_are_not_made_for_ever(line: Line) -> None:
    iccid = ordered(line.world)
    for _ in range(4):
        line.world.support.workshop.build(iccid)
    with pytest.raises(Refusal) as caught:
        line.world.support.workshop.build(iccid)
    assert caught.value.code is RefusalCode.ATTEMPTS_EXHAUSTED


def test_an_image_that_was_not_sent_gives_its_counters_to_its_successor(line: Line) -> None:
    iccid = ordered(line.world)
    assert line.world.support.workshop.build(iccid).counter == 1
    states = [image.state for image in line.world.support.workshop.images()]
    assert sorted(states) == ["built", "withdrawn"]


def test_the_esim_itself_is_authenticated(make_world: MakeWorld, tmp_path: Path) -> None:
    world = make_world(policy=DevicePolicy(subject=Subject.ESIM))
    ordered(world)
    world.register_device()
    here, there = Line(world, tmp_path / "a"), Line(world, tmp_path / "b")
    result, _ = here.station.authenticate()
    assert (result.subject, result.eid) == (Subject.ESIM, world.eids[0])
    other = make_world()
    card = open_card(tmp_path / "c", other.factories[world.eids[0]])
    there.device.card, spare = card, there.device.card
    with pytest.raises(Refusal, match="eSIM:"):
        there.station.authenticate()
    for one in (here.card, card, spare):
        one.close()


def test_commands_need_a_device_that_is_authenticated(line: Line) -> None:
    with pytest.raises(Refusal, match="no such device session"):
        line.world.support.mode_command("0" * 32, STATION, bytes(16), Mode.TEST)
    offer = line.world.support.open_session(STATION)
    with pytest.raises(Refusal, match="no device is authenticated"):
        line.world.support.mode_command(offer.session, STATION, bytes(16), Mode.TEST)
    line.station.command_mode(Mode.TEST)
    assert line.device.mode == "test"


def test_a_report_on_somebody_elses_image_is_refused(make_world: MakeWorld, tmp_path: Path) -> None:
    world = make_world(eids=(eid_of(1), eid_of(2)))
    for eid in world.eids:
        world.register_device(eid)
    world.support.request_profiles(ProfileRequest(amount=2))
    theirs = world.support.workshop.images(eid_of(2))[0]
    offer = world.support.open_session(STATION)
    world.support.present(offer.session, STATION, hello_for(world, offer.server_nonce))
    for result in ("installed", "dancing"):
        report = InstallationReport(theirs.image_id, result)
        with pytest.raises(Refusal, match="is not for the eSIM"):
            world.support.report_installation(offer.session, STATION, report)


class Deaf:
    """An SM-SR that cannot be reached for a while, and forgets to answer once."""

    def __init__(self) -> None:
        self.fails = 3
        self.heard: list[StatusNotification] = []

    def notify(self, notification: StatusNotification) -> None:
        self.fails -= 1
        if self.fails >= 0:
            raise LinkError("sm-sr-1 cannot be reached")
        self.heard.append(notification)

    def check_image(self, eid: str, iccid: str, *, enable: bool, clear: bool) -> None:
        """Allow everything."""


def test_notifications_are_repeated_in_their_order_until_they_arrive(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    deaf = Deaf()
    world = make_world(sinks={"sm-sr-1": deaf})
    world.register_device()
    line = Line(world, tmp_path)
    ordered(world)
    line.station.provision()
    line.device.boot()
    line.station.report()
    assert world.support.outbox.waiting() == 2
    world.close()
    world.open()
    now = [0.0]
    world.support.outbox._clock = lambda: now[0]
    assert world.support.outbox.flush() == 0, "not due yet"
    for _ in range(6):
        now[0] += 1e10
        world.support.outbox.flush()
    assert world.support.outbox.waiting() == 0
    assert [note.event for note in deaf.heard] == ["installed", "enabled"]
    line.card.close()


def second_order(line: Line) -> str:
    request = ProfileRequest(amount=1, targets=(line.device.eid,))
    return line.world.support.request_profiles(request).profiles[0].iccid


def test_pol2_of_the_enabled_profile_stops_the_image_that_would_disable_it(line: Line) -> None:
    first = ordered(line.world)
    line.station.provision()
    line.device.boot()
    line.station.report()
    second = second_order(line)
    line.world.sm_sr.set_policy(OPERATOR, line.device.eid, first, 1)
    for ask in (partial(line.world.support.workshop.build, second), line.station.provision):
        with pytest.raises(Refusal, match="forbids to disable it") as caught:
            ask()
        assert caught.value.code is RefusalCode.POLICY
        assert caught.value.details == {"subject": "8.2.3", "reason": "3.8"}
    states = [row.state for row in line.world.support.workshop.images() if row.iccid == second]
    assert states == ["built"], "the image that was made in advance has not left"
    assert not line.world.support.workshop.build(second, enable=False).enable
    line.world.sm_sr.set_policy(OPERATOR, line.device.eid, first, 0)
    line.world.support.workshop.build(second)
    assert line.station.provision().iccid == second
    line.device.boot()
    line.station.report()
    assert line.states() == {first: "disabled", second: "enabled"}


def test_pol2_stops_the_image_that_would_delete_what_is_there(line: Line) -> None:
    iccid, eid, sm_sr = ordered(line.world), line.device.eid, line.world.sm_sr
    note = StatusNotification(
        "n-1", eid, iccid, isd_p_aid(0x100).hex(), "mno-1", "sm-dp-1", "installed", 0.0
    )
    sm_sr.notify(note)
    sm_sr.set_policy(OPERATOR, eid, iccid, 2)
    with pytest.raises(Refusal, match="forbids to delete it"):
        line.world.support.workshop.build(iccid)
    sm_sr.set_policy(OPERATOR, eid, iccid, 0)
    line.world.support.workshop.build(iccid)


class Gone:
    """An SM-SR that has given its eUICCs to another one, or cannot be reached."""

    def __init__(self, failure: Exception) -> None:
        self.failure = failure

    def notify(self, notification: StatusNotification) -> None:
        raise self.failure

    def check_image(self, eid: str, iccid: str, *, enable: bool, clear: bool) -> None:
        raise self.failure


def test_the_sm_sr_that_has_the_euicc_now_is_asked(make_world: MakeWorld) -> None:
    def gone(details: dict[str, str | int]) -> Gone:
        return Gone(Refusal(RefusalCode.UNKNOWN, "it went away", details))

    def forbid() -> Gone:
        return Gone(Refusal(RefusalCode.POLICY, "forbidden by the new one"))

    unreachable = Gone(LinkError("sm-sr-1 cannot be reached"))
    cases = (
        ({"sm-sr-1": gone({"sm_sr": "sm-sr-2"}), "sm-sr-2": forbid()}, "by the new one"),
        ({"sm-sr-1": gone({"sm_sr": "sm-sr-9"}), "sm-sr-2": forbid()}, "it went away"),
        ({"sm-sr-1": unreachable, "sm-sr-2": forbid()}, "cannot be reached"),
    )
    for sinks, said in cases:
        world = make_world(sinks=sinks)
        world.support._managing = {"mno-1": "sm-sr-1"}
        world.register_device()
        iccid = ordered(world)
        with pytest.raises((Refusal, LinkError), match=said):
            world.support.workshop.build(iccid)
        with pytest.raises((Refusal, LinkError), match=said):
            world.support.workshop.send_next(world.eids[0])


def test_a_notification_that_comes_twice_counts_once(line: Line) -> None:
    iccid = ordered(line.world)
    line.station.provision()
    line.device.boot()
    line.station.report()
    sm_sr, eid = line.world.sm_sr, line.device.eid
    note = StatusNotification(
        "n-1", eid, iccid, isd_p_aid(0x100).hex(), "mno-1", "sm-dp-1", "disabled", 0.0
    )
    sm_sr.notify(note)
    assert line.states() == {iccid: "disabled"}
    sm_sr.notify(replace(note, notification_id="n-2", event="enabled"))
    sm_sr.notify(note)
    assert line.states() == {iccid: "enabled"}
    with pytest.raises(Refusal, match="does not know"):
        sm_sr.notify(replace(note, notification_id="n-3", eid=eid_of(8)))


def test_a_device_keeps_its_esim_for_itself(make_world: MakeWorld) -> None:
    world = make_world()
    record = world.register_device()
    with pytest.raises(Refusal, match="belongs to the device"):
        world.support.register_device(replace(record, device_id="DUT-2"))
    with pytest.raises(Refusal, match="no valid EID"):
        world.support.register_device(replace(record, eid="123"))


class Meddling:
    """The card of a modem that sends commands of its own, right behind one that waits."""

    def __init__(self, card: VirtualCard, times: int) -> None:
        self._card = card
        self.left = times

    def transmit(self, apdu: bytes) -> bytes:
        answer = self._card.transmit(apdu)
        if apdu[1] == 0x50 and self.left:
            self.left -= 1
            self._card.transmit(bytes.fromhex("80F2000C00"))
        return answer


def test_a_modem_that_comes_in_between_hinders_no_proof_of_the_esim(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    world = make_world(policy=DevicePolicy(subject=Subject.ESIM))
    world.register_device()
    world.register_euicc()
    line = Line(world, tmp_path)
    meddling = Meddling(line.card, times=2)
    line.device.csim = meddling.transmit  # type: ignore[method-assign]
    result, _ = line.station.authenticate()
    assert (result.subject, result.state, meddling.left) == (Subject.ESIM, "passed", 0)
    line.card.close()
