"""The support server: what it takes, what it makes of it, and whom it gives it to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from hil.errors import LinkError
from hil.provisioning.door import enter
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.orders import ProfileRequest
from hil.provisioning.support_server.device_sessions import DevicePolicy, Subject
from hil.provisioning.trust import Peer, Role
from hil.wire.device_auth import DeviceHello, Manner
from hil.wire.image import Image, image_to_packets, open_image
from hil.wire.packets import PacketSet
from tests.provisioning.line_device import LineDevice
from tests.provisioning.world import World, eid_of, peer_keys

MakeWorld = Callable[..., World]
STATION = "station-1"


def ordered(world: World, kind: str = "prepaid") -> str:
    request = ProfileRequest(amount=1, profile_type=kind, targets=world.eids[:1])
    return world.sm_dp.place(request, "operator").profiles[0].iccid


def fresh_set(world: World, kind: str = "prepaid") -> PacketSet:
    """Return a packet set that no server has seen yet."""
    captured: list[PacketSet] = []

    class Catcher:
        owner = "support-1"
        inner = world.support.first_interface()
        challenge = inner.challenge
        prove = inner.prove
        reserve_isdp = inner.reserve_isdp

        def deliver(self, session: str, raw: bytes) -> object:
            captured.append(PacketSet.decode(raw))
            raise LinkError("caught")

    world.sm_dp._delivery._receivers["support-1"] = Catcher()  # type: ignore[assignment]
    with pytest.raises(LinkError):
        ordered(world, kind)
    return captured[0]


def session_of(world: World) -> str:
    return enter(world.support.first_interface(), "sm-dp-1", world.keys["dp-support"])


def deliver(world: World, raw: bytes, link: str = "main") -> None:
    world.support.reception.deliver(session_of(world), raw, link)


def test_a_damaged_packet_is_named_by_its_number_and_nothing_is_stored(world: World) -> None:
    packet_set = fresh_set(world)
    key = world.keys["dp-support"].mac
    good = packet_set.encode(key)
    victim = packet_set.packets[4].command[20:40]
    raw = bytearray(good)
    raw[good.index(victim)] ^= 1
    with pytest.raises(Refusal) as caught:
        deliver(world, bytes(raw))
    assert caught.value.details == {"packet": 5}
    assert world.support.reception.stored() == ()
    deliver(world, good)
    assert world.support.reception.stored() == (packet_set.iccid,)
    (report, _) = world.support.reception.link_reports()
    assert (report.accepted, report.refused) == (1, 1)


@pytest.mark.parametrize("forgery", ["no MAC", "other key", "cut", "other SM-DP", "empty"])
def test_packets_of_a_forged_sm_dp_are_not_stored(world: World, forgery: str) -> None:
    packet_set = fresh_set(world)
    key = world.keys["dp-support"].mac
    raw = {
        "no MAC": packet_set.encode(),
        "other key": packet_set.encode(peer_keys().mac),
        "cut": packet_set.encode(key)[:-1],
        "other SM-DP": replace(packet_set, sm_dp="sm-dp-9").encode(key),
        "empty": b"",
    }[forgery]
    with pytest.raises(Refusal):
        deliver(world, raw)
    assert world.support.reception.stored() == ()


def test_without_a_session_packets_are_not_even_read(world: World) -> None:
    raw = fresh_set(world).encode(world.keys["dp-support"].mac)
    with pytest.raises(Refusal, match="no such session"):
        world.support.reception.deliver("0" * 32, raw)
    world.support.door._peers["mno-1"] = Peer("mno-1", Role.MNO, peer_keys())
    other = enter(world.support.first_interface(), "mno-1", world.support.door.keys_of("mno-1"))
    with pytest.raises(Refusal, match="is not an SM-DP"):
        world.support.reception.deliver(other, raw)


def test_packets_come_on_a_configured_link_only(world: World) -> None:
    raw = fresh_set(world).encode(world.keys["dp-support"].mac)
    with pytest.raises(Refusal, match="on dedicated, main only, not on radio"):
        deliver(world, raw, "radio")
    deliver(world, raw, "dedicated")
    counts = {row.name: (row.kind, row.accepted) for row in world.support.reception.link_reports()}
    assert counts["dedicated"] == ("dedicated-line", 1)
    assert counts["main"] == ("network", 0)


def test_the_same_set_again_changes_nothing_another_one_is_refused(world: World) -> None:
    packet_set = fresh_set(world)
    key = world.keys["dp-support"].mac
    deliver(world, packet_set.encode(key))
    deliver(world, packet_set.encode(key))
    with pytest.raises(Refusal) as caught:
        deliver(world, replace(packet_set, memory=1).encode(key))
    assert caught.value.code is RefusalCode.EXISTS
    taken = replace(packet_set, iccid="8900101000000009994")
    with pytest.raises(Refusal, match="taken by another profile"):
        deliver(world, taken.encode(key))


def test_a_disguised_profile_is_no_test_profile(world: World) -> None:
    packet_set = replace(fresh_set(world), profile_class="test")
    key = world.keys["dp-support"].mac
    with pytest.raises(Refusal, match="does not disclose its session key"):
        deliver(world, packet_set.encode(key))
    with pytest.raises(Refusal, match=r"cannot be looked into|calls itself"):
        deliver(world, replace(packet_set, disclosed_key=bytes(16)).encode(key))
    honest = fresh_set(world, "test")
    deliver(world, honest.encode(key))
    assert world.support.reception.stored() == (honest.iccid,)


def opened(world: World, raw: bytes, eid: str) -> Image:
    trusted = {kind: key.private.public_key() for kind, key in world.signers.items()}
    return open_image(
        raw,
        trusted=trusted,  # type: ignore[arg-type]
        device_key=world.device_keys[eid].enc,
    )


def test_one_image_a_profile_with_the_very_packets_and_both_survive_a_restart(
    make_world: MakeWorld,
) -> None:
    eids = tuple(eid_of(number) for number in range(1, 6))
    world = make_world(eids=eids)
    for eid in eids:
        world.register_device(eid)
    receipt = world.support.request_profiles(ProfileRequest(amount=5))
    world.close()
    world.open()
    images = world.support.workshop.images()
    assert len(images) == 5
    assert {image.iccid for image in images} == {row.iccid for row in receipt.profiles}
    for image in images:
        found = opened(world, image.raw, image.eid)
        stored = world.support.reception.packet_set(image.iccid)
        assert (found.eid, found.iccid) == (stored.eid, stored.iccid)
        assert image_to_packets(found) == stored.packets
        assert image.enciphered
        assert found.device_id == f"DUT-{image.eid[-6:]}"


def test_images_are_signed_with_the_key_of_the_devices_life(world: World) -> None:
    world.register_device(life="development")
    ordered(world)
    assert [image.signed_by for image in world.support.workshop.images()] == ["development"]
    world.support.workshop._signers.pop("development")
    with pytest.raises(Refusal, match="holds no development signing key"):
        world.support.workshop.build(world.support.reception.stored()[0])


def hello_for(world: World, server_nonce: bytes, **over: object) -> DeviceHello:
    eid = world.eids[0]
    device = LineDevice(
        f"DUT-{eid[-6:]}",
        eid,
        world.device_keys[eid],
        None,  # type: ignore[arg-type]
        {},
    )
    return replace(device.hello(server_nonce), **over)  # type: ignore[arg-type]


def refused(world: World, hello: Callable[[bytes], DeviceHello]) -> Refusal:
    offer = world.support.open_session(STATION)
    with pytest.raises(Refusal) as caught:
        world.support.present(offer.session, STATION, hello(offer.server_nonce))
    with pytest.raises(Refusal) as later:
        world.support.fetch_image(offer.session, STATION)
    assert later.value.code is RefusalCode.NOT_AUTHENTICATED
    return caught.value


def test_the_right_key_set_opens_the_image(world: World) -> None:
    world.register_device()
    iccid = ordered(world)
    offer = world.support.open_session(STATION)
    result = world.support.present(offer.session, STATION, hello_for(world, offer.server_nonce))
    assert (result.state, result.manner, result.subject) == (
        "passed",
        Manner.KEY_SET,
        Subject.DEVICE,
    )
    assert world.support.fetch_image(offer.session, STATION).iccid == iccid
    with pytest.raises(Refusal, match="no such device session"):
        world.support.fetch_image(offer.session, "station-2")
    with pytest.raises(Refusal, match="judged before"):
        world.support.present(offer.session, STATION, hello_for(world, offer.server_nonce))


def test_wrong_key_replay_and_reflection_are_refused_with_their_reason(world: World) -> None:
    world.register_device()
    ordered(world)
    old = world.support.open_session(STATION)
    replayed = hello_for(world, old.server_nonce)
    assert "does not fit" in refused(world, lambda _nonce: replayed).reason
    assert "does not fit" in refused(world, lambda n: hello_for(world, n, proof=bytes(16))).reason

    def reflected(nonce: bytes) -> DeviceHello:
        hello = hello_for(world, nonce)
        keys = world.device_keys[world.eids[0]]
        return replace(hello, proof=hello.server_proof(keys, nonce))

    assert "does not fit" in refused(world, reflected).reason
    assert "1 attempts left" in refused(world, lambda n: hello_for(world, n, kvn=9)).reason
    short = refused(world, lambda n: hello_for(world, n, device_nonce=bytes(3)))
    assert "nonce has 3 bytes" in short.reason
    locked = refused(world, lambda n: hello_for(world, n))
    assert locked.code is RefusalCode.ATTEMPTS_EXHAUSTED


def test_a_locked_device_stays_locked_over_a_restart_until_it_is_unlocked(world: World) -> None:
    record = world.register_device()
    for _ in range(5):
        refused(world, lambda n: hello_for(world, n, proof=bytes(16)))
    world.close()
    world.open()
    assert refused(world, lambda n: hello_for(world, n)).code is RefusalCode.ATTEMPTS_EXHAUSTED
    world.support.devices.clear_failures(record.device_id)
    offer = world.support.open_session(STATION)
    assert world.support.present(offer.session, STATION, hello_for(world, offer.server_nonce))


def test_another_device_or_another_esim_gets_nothing(make_world: MakeWorld) -> None:
    world = make_world(eids=(eid_of(1), eid_of(2)))
    world.register_device(eid_of(1))
    unknown = refused(world, lambda n: hello_for(world, n, device_id="DUT-X"))
    assert "not registered" in unknown.reason
    swapped = refused(world, lambda n: hello_for(world, n, eid=eid_of(2)))
    assert f"{eid_of(1)} belongs to it" in swapped.reason


def test_skipping_is_for_devices_in_development_and_never_says_passed(
    make_world: MakeWorld,
) -> None:
    world = make_world(policy=DevicePolicy(Manner.SKIP))
    world.register_device(life="commercial")
    assert "in development only" in refused(world, lambda n: hello_for(world, n)).reason
    world.register_device(life="development")
    offer = world.support.open_session(STATION)
    result = world.support.present(offer.session, STATION, hello_for(world, offer.server_nonce))
    assert result.state == "skipped"


def test_a_session_ends(world: World) -> None:
    now = [1000.0]
    world.support.sessions._clock = lambda: now[0]
    world.register_device()
    ordered(world)
    offer = world.support.open_session(STATION)
    world.support.present(offer.session, STATION, hello_for(world, offer.server_nonce))
    now[0] += 121
    with pytest.raises(Refusal, match="has expired"):
        world.support.fetch_image(offer.session, STATION)
