"""The packets on their way: from the right sender to the right receiver, whole, or not at all."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cbor2
import pytest

from hil.checks import refusal
from hil.evidence import step
from hil.not_applicable import not_applicable
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.http.clients import ReceiverClient, door_challenge
from hil.provisioning.orders import ProfileRequest
from hil.provisioning.trust import PeerExchange, PeerKeySet, Side, fresh_nonce
from hil.wire.identifiers import isd_p_aid
from hil.wire.packets import PacketSet, add_mac
from testcases.ordering.wrong_receiver import CHALLENGE_PATH, WrongReceiver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hil.bench.desk import Desk
    from hil.bench.profile_maker import ProfileMaker

pytestmark = [
    pytest.mark.requires("servers.support-server", "servers.sm-dp"),
    pytest.mark.severity("critical"),
]

PACKETS = 12
"""Where the rows of the packets stand in a packet set (docs/image-file.md)."""


@pytest.fixture
def sender(desk: Desk) -> Iterator[ReceiverClient]:
    """The SM-DP's own way to the support server, in the hands of the test."""
    with ExitStack() as held:
        client = desk.servers.client(ReceiverClient, desk.servers.support_server, me="sm-dp-1")
        held.callback(client.close)
        yield client


@pytest.fixture
def packet_set(desk: Desk, profile_maker: ProfileMaker) -> PacketSet:
    """Packets that the support server has not got yet, for an eUICC of their own."""
    made = profile_maker.profile(sm_dp="sm-dp-1").packets
    return replace(made, eid=desk.new_euicc(), isdp_aid=isd_p_aid(0x11), mno="mno-1")


def mac_key(desk: Desk) -> bytes:
    """Return the key of the link between SM-DP and support server."""
    return desk.servers.key_set(desk.servers.support_server, "sm-dp-1").mac


def dropped(rows: list[Any]) -> list[Any]:
    """Leave packet 2 out."""
    return [rows[0], *rows[2:]]


def doubled(rows: list[Any]) -> list[Any]:
    """Put packet 2 in twice."""
    return [rows[0], rows[1], rows[1], *rows[2:]]


def flipped(rows: list[Any]) -> list[Any]:
    """Flip one bit of packet 2."""
    number, command, *rest = rows[1]
    return [rows[0], [number, command[:-1] + bytes((command[-1] ^ 1,)), *rest], *rows[2:]]


def cut(rows: list[Any]) -> list[Any]:
    """Leave out all after packet 1."""
    return rows[:1]


@pytest.mark.requires("card.m2m")
@pytest.mark.requirement("R-13", "R-19", "R-20", refusal=True)
@pytest.mark.severity("blocker")
@pytest.mark.parametrize("spoil", [dropped, doubled, flipped, cut])
def test_a_damaged_set_is_refused_with_the_number_of_its_packet(
    desk: Desk,
    sender: ReceiverClient,
    packet_set: PacketSet,
    spoil: Callable[[list[Any]], list[Any]],
) -> None:
    """The MAC is right, the set is not: it names packet 2, nothing is stored, no image is made."""
    body = cbor2.loads(packet_set.encode())
    body[PACKETS] = spoil(body[PACKETS])
    raw = add_mac(cbor2.dumps(body, canonical=True), mac_key(desk))
    with refusal(Refusal, match="packet 2") as refused:
        sender.deliver(sender.session(), raw)
    assert refused.value.code is RefusalCode.DAMAGED
    assert packet_set.iccid not in desk.support().stored()
    with refusal(Refusal):
        desk.support().build_image(packet_set.iccid)


@pytest.mark.requires("card.m2m")
@pytest.mark.requirement("R-12", "R-14", refusal=True)
def test_of_a_batch_what_stands_before_a_bad_set_stays(
    desk: Desk, sender: ReceiverClient, packet_set: PacketSet
) -> None:
    """A set with another MAC ends the batch; the one before it is stored, the one behind is not."""
    key = mac_key(desk)
    sets = [
        replace(packet_set, eid=desk.new_euicc(), iccid=iccid)
        for iccid in ("8900109000000000011", "8900109000000000029", "8900109000000000037")
    ]
    sets = [replace(one, order_id=secrets.token_hex(8)) for one in sets]
    raws = [sets[0].encode(key), sets[1].encode(secrets.token_bytes(16)), sets[2].encode(key)]
    found = sender.deliver_many(sender.session(), raws)
    assert found.refusal is not None
    assert found.refusal.code is RefusalCode.NOT_AUTHENTICATED
    stored = desk.support().stored()
    assert [one.iccid in stored for one in sets] == [True, False, False]


@pytest.mark.requires("card.m2m")
@pytest.mark.requirement("R-12", "R-20")
def test_a_whole_set_of_the_right_sender_makes_an_image(
    desk: Desk, sender: ReceiverClient, packet_set: PacketSet
) -> None:
    """Counted and confirmed by its digest; the same set again changes nothing."""
    raw = packet_set.encode(mac_key(desk))
    session = sender.session()
    receipt = sender.deliver(session, raw)
    assert (receipt.packets, receipt.digest) == (len(packet_set.packets), packet_set.digest())
    assert sender.deliver(session, raw) == receipt
    assert desk.support().build_image(packet_set.iccid).iccid == packet_set.iccid


@pytest.mark.requires("card.m2m")
@pytest.mark.requirement("R-18", "R-19", "R-20", refusal=True)
def test_stored_packets_are_not_replaced(
    desk: Desk, sender: ReceiverClient, packet_set: PacketSet
) -> None:
    """Other packets for a profile, or for an ISD-P that is taken, do not replace the first ones."""
    key = mac_key(desk)
    session = sender.session()
    first = sender.deliver(session, packet_set.encode(key))
    for what, other in (
        ("Other packets for the same ICCID", replace(packet_set, order_id="another")),
        ("Another ICCID in the same ISD-P", replace(packet_set, iccid="8900109000000000045")),
    ):
        with step(what), refusal(Refusal) as refused:
            sender.deliver(session, other.encode(key))
        assert refused.value.code is RefusalCode.EXISTS
    with step("The first ones are still there"):
        assert sender.deliver(session, packet_set.encode(key)) == first
        assert "8900109000000000045" not in desk.support().stored()


@pytest.mark.requires("card.m2m")
@pytest.mark.requirement("R-12", "R-59", refusal=True)
def test_packets_that_are_not_what_they_say_are_refused(
    desk: Desk, sender: ReceiverClient, packet_set: PacketSet, profile_maker: ProfileMaker
) -> None:
    """Packets in the name of another SM-DP, and an operational profile that says it is a test."""
    other = next(one for one in desk.servers.of_kind("sm-dp") if one != "sm-dp-1")
    forged = replace(packet_set, sm_dp=other)
    disguised = profile_maker.profile("operational", claimed_class="test", sm_dp="sm-dp-1").packets
    disguised = replace(
        disguised, eid=packet_set.eid, isdp_aid=packet_set.isdp_aid, mno=packet_set.mno
    )
    for what, one, code in (
        ("In the name of another", forged, RefusalCode.NOT_ALLOWED),
        ("Disguised as a test profile", disguised, RefusalCode.INVALID),
    ):
        with step(what), refusal(Refusal) as refused:
            sender.deliver(sender.session(), one.encode(mac_key(desk)))
        assert refused.value.code is code
        assert one.iccid not in desk.support().stored()


@pytest.mark.requires("card.m2m", "servers.sm-sr", "servers.mno")
@pytest.mark.requirement("R-12", refusal=True)
def test_a_peer_that_is_no_sm_dp_sends_no_packets(desk: Desk, packet_set: PacketSet) -> None:
    """An MNO, which is let in for other things, neither reserves an ISD-P nor delivers packets."""
    name = desk.servers.of_kind("sm-sr")[0]
    with desk.servers.client(ReceiverClient, name, me="mno-1") as mno:
        raw = replace(packet_set, sm_dp="mno-1").encode(desk.servers.key_set(name, "mno-1").mac)
        for act in (
            lambda: mno.reserve_isdp(mno.session(), packet_set.eid, packet_set.iccid),
            lambda: mno.deliver(mno.session(), raw),
        ):
            with refusal(Refusal) as refused:
                act()
            assert refused.value.code is RefusalCode.NOT_ALLOWED
    assert packet_set.iccid not in desk.sm_sr(name).stored()


@pytest.mark.requirement("R-17", refusal=True)
def test_there_is_no_image_without_packets(desk: Desk) -> None:
    """An image of a profile whose packets never came is refused."""
    with refusal(Refusal) as refused:
        desk.support().build_image("8900109999999999995")
    assert refused.value.code is RefusalCode.UNKNOWN


@pytest.mark.requirement("R-11")
def test_a_receiver_proves_itself_before_packets_leave(desk: Desk) -> None:
    """The receiver's proof fits the key set of its link with the SM-DP, and no other one."""
    name = desk.servers.support_server
    with ExitStack() as held:
        client = desk.servers.client(ReceiverClient, name, me="sm-dp-1")
        held.callback(client.close)
        nonce = fresh_nonce()
        answer = door_challenge(client, nonce)
    exchange = PeerExchange("sm-dp-1", name, nonce, answer.nonce)
    keys = desk.servers.key_set(name, "sm-dp-1")
    other = PeerKeySet(1, *(secrets.token_bytes(16) for _ in range(3)))
    assert exchange.proves(answer.proof, keys, Side.RESPONDER)
    assert not exchange.proves(answer.proof, other, Side.RESPONDER)
    assert not exchange.proves(answer.proof, keys, Side.INITIATOR)


@pytest.mark.requirement("R-11", refusal=True)
@pytest.mark.severity("blocker")
@pytest.mark.parametrize("answer", ["made-up", "replayed"])
def test_a_server_that_cannot_prove_itself_gets_no_packet(
    desk: Desk, sender: ReceiverClient, answer: str
) -> None:
    """A wrong server at the receiver's place hears a nonce: no proof, no request, no packet.

    It may have listened to the right receiver before, and take whatever it gets.
    """
    name = desk.servers.support_server
    heard = door_challenge(sender, fresh_nonce())
    if answer == "made-up":
        heard = replace(heard, proof=secrets.token_bytes(len(heard.proof)))
    keys = desk.servers.key_set(name, "sm-dp-1")
    with (
        WrongReceiver(heard) as wrong,
        ReceiverClient(wrong.url, name, "sm-dp-1", keys) as astray,
    ):
        with pytest.raises(Refusal) as refused:
            astray.deliver(astray.session(), b"packets")
        assert refused.value.code is RefusalCode.NOT_AUTHENTICATED
        assert [path for path, _ in wrong.requests] == [CHALLENGE_PATH]


@pytest.mark.requires("card.m2m")
@pytest.mark.requirement("R-11", "R-12", refusal=True)
@pytest.mark.severity("blocker")
def test_a_session_is_good_once_it_is_proved(
    desk: Desk, sender: ReceiverClient, packet_set: PacketSet
) -> None:
    """Before its proof a session takes nothing, a wrong proof ends it, and a right one is no other.

    The sender that knows the right proof but has tried a wrong one has to begin anew.
    """
    name = desk.servers.support_server
    keys = desk.servers.key_set(name, "sm-dp-1")
    raw = packet_set.encode(keys.mac)

    def opened() -> tuple[str, bytes]:
        nonce = fresh_nonce()
        answer = door_challenge(sender, nonce)
        exchange = PeerExchange("sm-dp-1", name, nonce, answer.nonce)
        return answer.session, exchange.proof(keys, Side.INITIATOR)

    def refused(act: Callable[[], object]) -> None:
        with refusal(Refusal) as caught:
            act()
        assert caught.value.code is RefusalCode.NOT_AUTHENTICATED

    session, proof = opened()
    with step("Not proved yet"):
        refused(lambda: sender.deliver(session, raw))
    with step("A wrong proof, and after it the right one"):
        refused(lambda: sender.prove(session, bytes(len(proof))))
        refused(lambda: sender.prove(session, proof))
        refused(lambda: sender.deliver(session, raw))
    assert packet_set.iccid not in desk.support().stored()
    session, _ = opened()
    with step("The proof of another session"):
        refused(lambda: sender.prove(session, proof))
    session, proof = opened()
    with step("A right proof, once"):
        sender.prove(session, proof)
        refused(lambda: sender.prove(session, proof))
    assert sender.deliver(session, raw).iccid == packet_set.iccid


@pytest.mark.requires("card.m2m", "servers.sm-sr")
@pytest.mark.requirement("R-11", "R-12")
@pytest.mark.requirement("R-11", "R-12", refusal=True)
@pytest.mark.severity("blocker")
def test_packets_for_another_receiver_are_refused(
    desk: Desk, sender: ReceiverClient, packet_set: PacketSet
) -> None:
    """The same packets of the same SM-DP are taken by the receiver they are sealed for only."""
    name = desk.servers.support_server
    other = next(one for one in desk.servers.of_kind("sm-sr") if one != name)

    def counted() -> tuple[int, int]:
        reports = desk.support().link_reports()
        return sum(row.accepted for row in reports), sum(row.refused for row in reports)

    accepted, refusals = counted()
    sealed = packet_set.encode(desk.servers.key_set(other, "sm-dp-1").mac)
    with step(f"Sealed for {other}"), pytest.raises(Refusal) as refused:
        sender.deliver(sender.session(), sealed)
    assert refused.value.code is RefusalCode.NOT_AUTHENTICATED
    assert packet_set.iccid not in desk.support().stored()
    assert counted() == (accepted, refusals + 1)
    with step(f"Sealed for {name}"):
        sender.deliver(sender.session(), packet_set.encode(mac_key(desk)))
    assert packet_set.iccid in desk.support().stored()
    assert counted() == (accepted + 1, refusals + 1)


@pytest.mark.requirement("R-15", refusal=True)
def test_a_dedicated_line_is_for_its_own_sm_dp(desk: Desk) -> None:
    """Another SM-DP's packets never come over the line; its own never come over the network."""
    section = desk.servers.section.actors[desk.servers.support_server]
    owner = section.dedicated_line_from
    if owner is None:
        not_applicable("no SM-DP of this bench has a dedicated line (servers.actors)")
    other = next(name for name in desk.servers.of_kind("sm-dp") if name != owner)

    def accepted(kind: str) -> int:
        return sum(row.accepted for row in desk.support().link_reports() if row.kind == kind)

    for sm_dp, silent in ((other, "dedicated-line"), (owner, "network")):
        with step(f"{sm_dp} delivers; nothing on the {silent}"):
            before = accepted(silent)
            request = ProfileRequest(mno="mno-1", targets=(desk.new_euicc(),))
            assert desk.sm_dp(sm_dp).place(request).state == "delivered"
            assert accepted(silent) == before
