"""Orders: what is accepted, where packets go, and that nothing is given out twice."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select

from hil.errors import LinkError
from hil.provisioning.door import DoorChallenge, PeerDoor
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.eum import EuiccMaker
from hil.provisioning.links import PacketReceipt
from hil.provisioning.mno import Mno
from hil.provisioning.numbering import NumberPlan
from hil.provisioning.orders import (
    ProfileRequest,
    Route,
    RoutingInformation,
    Source,
    Subscription,
)
from hil.provisioning.store import Store
from hil.provisioning.tables import ORDERS
from hil.provisioning.trust import Peer, Principal, Role
from hil.wire.packets import PacketSet
from tests.provisioning.world import World, eid_of, peer_keys

MakeWorld = Callable[..., World]


def subscription(**over: object) -> Subscription:
    fields: dict[str, object] = {
        "iccid": "8900101000000009994",
        "imsi": "001010000000999",
        "sm_sr": "sm-sr-1",
        "k": secrets.token_bytes(16),
        "opc": secrets.token_bytes(16),
    }
    return Subscription(**(fields | over))  # type: ignore[arg-type]


def test_an_order_that_says_nothing_is_refused_with_the_fields_it_lacks(world: World) -> None:
    with pytest.raises(Refusal, match="profile id, amount, MNO, SM-DP id and") as caught:
        world.sm_dp.place(ProfileRequest(targets=world.eids), "support-1")
    assert caught.value.code is RefusalCode.INCOMPLETE


@pytest.mark.parametrize(
    "given",
    [{"amount": 1}, {"mno": "mno-1"}, {"sm_dp": "sm-dp-1"}, {"profile_type": "prepaid"}],
    ids=lambda given: next(iter(given)),
)
def test_each_field_alone_is_enough(world: World, given: dict[str, object]) -> None:
    receipt = world.sm_dp.place(ProfileRequest(**given, targets=world.eids), "support-1")  # type: ignore[arg-type]
    assert receipt.state == "delivered"
    assert [profile.state for profile in receipt.profiles] == ["delivered"]


def test_a_profile_id_alone_names_the_subscription(world: World) -> None:
    world.mno.add_subscription(subscription())
    request = ProfileRequest(profile_id="8900101000000009994", targets=world.eids)
    receipt = world.sm_dp.place(request, "support-1")
    assert receipt.profiles[0].iccid == "8900101000000009994"
    assert world.support.reception.packet_set("8900101000000009994").eid == world.eids[0]


@pytest.mark.parametrize("field", ["iccid", "imsi", "sm_sr", "k", "opc"])
def test_a_subscription_that_lacks_something_is_refused_and_named(world: World, field: str) -> None:
    with pytest.raises(Refusal, match=field):
        world.mno.add_subscription(subscription(**{field: b"" if field in ("k", "opc") else ""}))
    assert not world.mno.owns("8900101000000009994")


def test_an_unknown_type_is_refused_and_the_known_ones_are_named(world: World) -> None:
    with pytest.raises(Refusal, match="deferred, prepaid, provisioning, test"):
        world.sm_dp.place(ProfileRequest(profile_type="gold"), "support-1")


@pytest.mark.parametrize("amount", [0, -1, 10_001])
def test_an_impossible_amount_is_refused(world: World, amount: int) -> None:
    with pytest.raises(Refusal, match="amount"):
        world.sm_dp.place(ProfileRequest(amount=amount), "support-1")


def test_too_many_targets_are_refused() -> None:
    targets = tuple(eid_of(number) for number in range(10_001))
    with pytest.raises(Refusal, match="amount 10001 is not between 1 and 10000"):
        ProfileRequest(profile_type="test", targets=targets).check()


@pytest.mark.parametrize("amount", [0, -1, 10_001, 2**31, 2**63])
def test_an_impossible_amount_of_numbers_is_refused_and_moves_none(
    world: World, amount: int
) -> None:
    sm_dp = Principal("sm-dp-1", Role.SM_DP)
    world.mno.add_subscription(subscription())
    (before,) = world.maker.subscriptions(sm_dp, 1)
    asked: tuple[Callable[[], object], ...] = (
        lambda: world.mno.reserve("sm-dp-1", "order", amount),
        lambda: world.maker.subscriptions(sm_dp, amount),
    )
    for ask in asked:
        with pytest.raises(Refusal, match="amount") as caught:
            ask()
        assert caught.value.code is RefusalCode.INVALID
    (after,) = world.maker.subscriptions(sm_dp, 1)
    assert int(after.imsi) == int(before.imsi) + 1, "each number once, and none left out"
    assert world.mno.reserve("sm-dp-1", "order", 1)[0].iccid == subscription().iccid


def test_a_maker_whose_plan_is_used_up_loses_nothing_by_being_asked(tmp_path: Path) -> None:
    plan = NumberPlan("890010123456", "001010000", "8821000000")
    store = Store(f"sqlite:///{tmp_path}/eum.db")
    key = ec.generate_private_key(ec.SECP256R1())
    maker = EuiccMaker("eum-1", store, key, plan=plan, sm_sr="sm-sr-1")
    sm_dp = Principal("sm-dp-1", Role.SM_DP)
    assert len(maker.subscriptions(sm_dp, 90)) == 90
    with pytest.raises(Refusal, match="is used up"):
        maker.subscriptions(sm_dp, 10)
    assert len(maker.subscriptions(sm_dp, 9)) == 9
    store.close()


def test_fifty_profiles_are_distinct_and_each_is_bound_to_its_own_euicc(
    make_world: MakeWorld,
) -> None:
    eids = tuple(eid_of(number) for number in range(1, 51))
    world = make_world(eids=eids)
    receipt = world.sm_dp.place(ProfileRequest(amount=50, targets=eids), "support-1")
    assert receipt.state == "delivered"
    sets = [world.support.reception.packet_set(row.iccid) for row in receipt.profiles]
    assert {one.eid for one in sets} == set(eids)
    assert len({one.iccid for one in sets}) == 50
    assert len({one.digest() for one in sets}) == 50
    given = world.mno.reserve("sm-dp-1", receipt.order_id, 50)
    assert {one.iccid for one in given} == {row.iccid for row in receipt.profiles}, "once given"
    assert len({one.imsi for one in given}) == 50
    assert len({one.k for one in given}) == 50


def test_without_targets_the_profiles_wait_for_an_euicc(world: World) -> None:
    receipt = world.sm_dp.place(ProfileRequest(amount=1), "support-1")
    assert (receipt.state, receipt.profiles[0].state) == ("waiting", "waiting")
    assert world.support.reception.stored() == ()
    done = world.sm_dp.assign(receipt.order_id, world.eids)
    assert (done.state, done.profiles[0].state) == ("delivered", "delivered")
    with pytest.raises(Refusal, match="0 profiles that wait"):
        world.sm_dp.assign(receipt.order_id, world.eids)


def test_the_support_server_names_its_waiting_devices_itself(world: World) -> None:
    with pytest.raises(Refusal, match="0 registered devices wait"):
        world.support.request_profiles(ProfileRequest(amount=1))
    world.register_device()
    receipt = world.support.request_profiles(ProfileRequest(amount=1))
    assert receipt.profiles[0].eid == world.eids[0]


def test_the_same_order_through_the_mno(world: World) -> None:
    receipt = world.mno.request_profiles(ProfileRequest(amount=1, targets=world.eids))
    assert receipt.mno == "mno-1"
    assert world.support.reception.stored() == (receipt.profiles[0].iccid,)
    with pytest.raises(Refusal, match="cannot order for mno-2"):
        world.mno.request_profiles(ProfileRequest(mno="mno-2"))
    with pytest.raises(Refusal, match="works with no SM-DP 'sm-dp-9'"):
        world.mno.request_profiles(ProfileRequest(sm_dp="sm-dp-9"))


@pytest.mark.parametrize("route", list(Route))
def test_packets_go_one_way_and_never_both(make_world: MakeWorld, route: Route) -> None:
    world = make_world(route=route)
    receipt = world.sm_dp.place(ProfileRequest(amount=1, targets=world.eids), "support-1")
    iccids = (receipt.profiles[0].iccid,)
    there = iccids if route is Route.SUPPORT_SERVER else ()
    assert world.support.reception.stored() == there
    assert world.sm_sr.reception.stored() == (() if there else iccids)


def test_information_of_the_euicc_maker_makes_a_profile_too(world: World) -> None:
    request = ProfileRequest(profile_type="test", targets=world.eids, source=Source.EUM)
    receipt = world.sm_dp.place(request, "support-1")
    assert receipt.profiles[0].iccid.startswith("8900102")
    stored = world.support.reception.packet_set(receipt.profiles[0].iccid)
    assert stored.profile_class == "test"
    assert stored.disclosed_key is not None


@pytest.mark.parametrize("kind", ["prepaid", "deferred", "provisioning"])
def test_only_a_test_profile_discloses_its_session_key(world: World, kind: str) -> None:
    request = ProfileRequest(profile_type=kind, targets=world.eids)
    receipt = world.sm_dp.place(request, "support-1")
    stored = world.support.reception.packet_set(receipt.profiles[0].iccid)
    assert stored.profile_type == kind
    assert stored.disclosed_key is None


def test_an_order_for_another_sm_dp_is_refused(world: World) -> None:
    with pytest.raises(Refusal, match="this is sm-dp-1"):
        world.sm_dp.place(ProfileRequest(sm_dp="sm-dp-2"), "support-1")


class Eavesdropper:
    """A server that is not the one it says it is, and notes what reaches it."""

    def __init__(self, door: PeerDoor) -> None:
        self.owner = "support-1"
        self._door = door
        self.heard: list[str] = []

    def challenge(self, initiator: str, nonce: bytes) -> DoorChallenge:
        return self._door.challenge(initiator, nonce)

    def prove(self, session: str, proof: bytes) -> None:
        self.heard.append("proof")

    def reserve_isdp(self, session: str, eid: str, iccid: str) -> bytes:
        self.heard.append("reserve")
        return bytes(16)

    def deliver(self, session: str, raw: bytes) -> PacketReceipt:
        self.heard.append("packets")
        packet_set = PacketSet.decode(raw)
        return PacketReceipt(packet_set.iccid, packet_set.digest(), len(packet_set.packets))


def test_from_a_wrong_server_no_packet_leaves(world: World) -> None:
    wrong = Eavesdropper(PeerDoor("support-1", [Peer("sm-dp-2", Role.SM_DP, peer_keys())]))
    sm_dp = world.new_sm_dp("sm-dp-2", {"mno-1": world.mno}, receivers={"support-1": wrong})
    with pytest.raises(Refusal, match="wrong server") as caught:
        sm_dp.place(ProfileRequest(amount=1, targets=world.eids), "support-1")
    assert caught.value.code is RefusalCode.NOT_AUTHENTICATED
    assert wrong.heard == []


class Flaky:
    """The real support server, on a line that breaks after some packet sets."""

    def __init__(self, world: World, *, after: int) -> None:
        self._inner = world.support.first_interface()
        self.owner = self._inner.owner
        self.challenge = self._inner.challenge
        self.prove = self._inner.prove
        self.reserve_isdp = self._inner.reserve_isdp
        self.left = after

    def deliver(self, session: str, raw: bytes) -> PacketReceipt:
        receipt = self._inner.deliver(session, raw)
        self.left -= 1
        if self.left < 0:
            raise LinkError("line cut before the answer")
        return receipt


def test_a_delivery_that_broke_off_goes_on_with_the_same_packets(make_world: MakeWorld) -> None:
    eids = tuple(eid_of(number) for number in range(1, 4))
    world = make_world(eids=eids)
    line = Flaky(world, after=1)
    world.sm_dp._delivery._receivers["support-1"] = line
    with pytest.raises(LinkError):
        world.sm_dp.place(ProfileRequest(amount=3, targets=eids), "support-1")
    stored = world.support.reception.stored()
    assert len(stored) == 2, "the second one arrived, its answer did not"
    digests = [world.support.reception.packet_set(iccid).digest() for iccid in stored]
    with world.store("sm-dp-1").transaction() as connection:
        order_id = connection.execute(select(ORDERS.c.order_id)).scalar_one()
    line.left = 100
    assert world.sm_dp.resume(order_id).state == "delivered"
    after = world.support.reception.stored()
    assert len(after) == 3
    assert [world.support.reception.packet_set(iccid).digest() for iccid in stored] == digests


class Liar(Flaky):
    """Confirms other packets than it got."""

    def deliver(self, session: str, raw: bytes) -> PacketReceipt:
        receipt = super().deliver(session, raw)
        return PacketReceipt(receipt.iccid, bytes(32), receipt.packets)


def test_a_receipt_for_other_packets_is_no_delivery(world: World) -> None:
    world.sm_dp._delivery._receivers["support-1"] = Liar(world, after=9)
    with pytest.raises(Refusal, match="confirmed other packets"):
        world.sm_dp.place(ProfileRequest(amount=1, targets=world.eids), "support-1")


def test_two_mnos_and_two_sm_dps_do_not_mix(make_world: MakeWorld) -> None:
    eids = (eid_of(1), eid_of(2))
    world = make_world(eids=eids)
    other = Mno(
        "mno-2",
        world.store("mno-2"),
        routing=RoutingInformation(Route.SM_SR, "sm-sr-1"),
        sm_sr="sm-sr-1",
    )
    other.add_subscription(subscription())
    second_keys = peer_keys()
    world.sm_sr.door._peers["sm-dp-2"] = Peer("sm-dp-2", Role.SM_DP, second_keys)
    second = world.new_sm_dp(
        "sm-dp-2", {"mno-1": world.mno, "mno-2": other}, keys={"sm-sr-1": second_keys}
    )
    first = world.sm_dp.place(ProfileRequest(amount=1, targets=eids[:1]), "support-1")
    third = second.place(ProfileRequest(mno="mno-2", targets=eids[1:]), "support-1")
    assert world.support.reception.stored() == (first.profiles[0].iccid,)
    assert world.sm_sr.reception.stored() == (third.profiles[0].iccid,)
    assert world.sm_sr.reception.packet_set(third.profiles[0].iccid).sm_dp == "sm-dp-2"
    with pytest.raises(Refusal, match="works for 2 MNOs"):
        second.place(ProfileRequest(amount=1), "support-1")
