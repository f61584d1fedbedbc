"""Key sets between servers: right ones open, everything else does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.provisioning.door import DoorChallenge, PeerDoor, enter
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.trust import (
    Peer,
    PeerExchange,
    PeerKeySet,
    Role,
    Side,
    unwrap_key,
    wrap_key,
)
from tests.provisioning.world import peer_keys


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def keys() -> PeerKeySet:
    return peer_keys()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def door(keys: PeerKeySet, clock: Clock) -> PeerDoor:
    return PeerDoor("server", [Peer("client", Role.SM_DP, keys)], session_s=100, clock=clock)


def test_both_prove_themselves(door: PeerDoor, keys: PeerKeySet) -> None:
    session = enter(door, "client", keys)
    assert door.principal(session).role is Role.SM_DP


def test_before_the_proof_nothing_is_open(door: PeerDoor) -> None:
    challenge = door.challenge("client", bytes(16))
    with pytest.raises(Refusal, match="has not proved itself") as caught:
        door.principal(challenge.session)
    assert caught.value.code is RefusalCode.NOT_AUTHENTICATED


def test_a_wrong_key_is_refused_and_its_session_is_over(door: PeerDoor, keys: PeerKeySet) -> None:
    challenge = door.challenge("client", bytes(16))
    wrong = PeerExchange("client", "server", bytes(16), challenge.nonce)
    with pytest.raises(Refusal, match="does not fit the key set"):
        door.prove(challenge.session, wrong.proof(peer_keys(), Side.INITIATOR))
    with pytest.raises(Refusal, match="no such session"):
        door.prove(challenge.session, wrong.proof(keys, Side.INITIATOR))


def test_the_servers_own_proof_cannot_be_sent_back(door: PeerDoor) -> None:
    challenge = door.challenge("client", bytes(16))
    with pytest.raises(Refusal):
        door.prove(challenge.session, challenge.proof)


def test_a_proof_of_another_session_is_worth_nothing(door: PeerDoor, keys: PeerKeySet) -> None:
    first, second = (door.challenge("client", bytes(16)) for _ in range(2))
    proof = PeerExchange("client", "server", bytes(16), first.nonce).proof(keys, Side.INITIATOR)
    with pytest.raises(Refusal):
        door.prove(second.session, proof)
    door.prove(first.session, proof)
    with pytest.raises(Refusal, match="replay"):
        door.prove(first.session, proof)


def test_sessions_end(door: PeerDoor, keys: PeerKeySet, clock: Clock) -> None:
    session = enter(door, "client", keys)
    clock.now = 101
    with pytest.raises(Refusal, match="has expired"):
        door.principal(session)


class Impostor:
    """Answers for a server whose key set it does not have."""

    owner = "server"
    proofs = 0

    def challenge(self, initiator: str, nonce: bytes) -> DoorChallenge:
        exchange = PeerExchange(initiator, self.owner, nonce, bytes(16))
        return DoorChallenge("s", bytes(16), exchange.proof(peer_keys(), Side.RESPONDER))

    def prove(self, session: str, proof: bytes) -> None:
        self.proofs += 1


def test_an_impostor_learns_no_proof(keys: PeerKeySet) -> None:
    impostor = Impostor()
    with pytest.raises(Refusal, match="nothing was sent"):
        enter(impostor, "client", keys)
    assert impostor.proofs == 0


def test_names_and_nonces_count(keys: PeerKeySet) -> None:
    base = PeerExchange("a", "b", bytes(16), bytes(16))
    others = [
        PeerExchange("a", "c", bytes(16), bytes(16)),
        PeerExchange("b", "a", bytes(16), bytes(16)),
        PeerExchange("a", "b", b"\x01" * 16, bytes(16)),
        PeerExchange("a", "b", bytes(16), b"\x01" * 16),
    ]
    proofs = {one.proof(keys, Side.INITIATOR) for one in (base, *others)}
    assert len(proofs | {base.proof(keys, Side.RESPONDER)}) == 6
    with pytest.raises(CodecError, match="15 bytes"):
        PeerExchange("a", "b", bytes(15), bytes(16)).proof(keys, Side.INITIATOR)


def test_keys_never_show() -> None:
    keys = PeerKeySet(1, b"\xaa" * 16, b"\xbb" * 16, b"\xcc" * 16)
    shown = repr(keys) + repr(Peer("x", Role.EUM, keys)) + repr(DoorChallenge("tok", b"", b""))
    assert not any(text in shown for text in ("\\xaa", "\\xbb", "\\xcc", "tok"))


@given(st.sampled_from([16, 24, 32]).flatmap(lambda n: st.binary(min_size=n, max_size=n)))
def test_wrapped_keys_come_back(key: bytes) -> None:
    keys = peer_keys()
    wrapped = wrap_key(keys, key)
    assert unwrap_key(keys, wrapped) == key
    with pytest.raises(CodecError, match="wrapped under another"):
        unwrap_key(peer_keys(), wrapped)


@given(st.binary(max_size=64))
def test_what_is_no_wrapped_key_is_a_codec_error(raw: bytes) -> None:
    with pytest.raises(CodecError):
        unwrap_key(peer_keys(), raw)
