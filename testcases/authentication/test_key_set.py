"""The device lets a server in by the key set that both hold, and by nothing less."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from hil.checks import refusal
from hil.equipment.device import DeviceRefusal
from hil.evidence import step
from hil.wire.device_auth import NONCE_LENGTH, DeviceKeySet

if TYPE_CHECKING:
    from hil.bench.device_owner import DeviceOwner

pytestmark = pytest.mark.requires("device")

WRONG = DeviceKeySet(1, bytes(16), bytes(16))


@pytest.mark.requirement("R-23", "R-29", "R-31")
@pytest.mark.severity("blocker")
def test_the_right_key_set_passes(owner: DeviceOwner) -> None:
    """Both ends prove the key set over fresh nonces."""
    nonce, hello = owner.hello()
    assert hello.proves_device(owner.keys, nonce)
    assert owner.device.authenticate(hello.server_proof(owner.keys, nonce)) == "passed"
    assert owner.device.status().server_auth == "passed"


@pytest.mark.requirement("R-23", "R-29", "R-34", refusal=True)
@pytest.mark.severity("blocker")
def test_a_wrong_key_set_fails(owner: DeviceOwner) -> None:
    """A server with another key set is refused, with the reason; the right one works after it."""
    nonce, hello = owner.hello()
    assert not hello.proves_device(WRONG, nonce)
    with refusal(DeviceRefusal, match="proof wrong"):
        owner.device.authenticate(hello.server_proof(WRONG, nonce))
    assert owner.device.status().server_auth == "refused"
    with step("A retry with the right key set passes"):
        assert owner.authenticate() == "passed"


@pytest.mark.requirement("R-23", refusal=True)
@pytest.mark.severity("critical")
def test_a_replayed_proof_fails(owner: DeviceOwner) -> None:
    """The proof of an earlier exchange is worthless in the next one."""
    nonce, hello = owner.hello()
    proof = hello.server_proof(owner.keys, nonce)
    assert owner.device.authenticate(proof) == "passed"
    owner.device.goodbye()
    owner.device.hello(nonce)
    with refusal(DeviceRefusal, match="proof wrong"):
        owner.device.authenticate(proof)


@pytest.mark.requirement("R-23", refusal=True)
@pytest.mark.severity("critical")
def test_the_device_s_own_proof_reflected_fails(owner: DeviceOwner) -> None:
    """What the device has said of itself does not open it."""
    _, hello = owner.hello()
    with refusal(DeviceRefusal, match="proof wrong"):
        owner.device.authenticate(hello.proof)


@pytest.mark.requirement("R-23")
@pytest.mark.severity("normal")
def test_nonces_are_fresh(owner: DeviceOwner) -> None:
    """The same server nonce never brings the same answer."""
    nonce = secrets.token_bytes(NONCE_LENGTH)
    answers = [owner.device.hello(nonce) for _ in range(5)]
    assert len({one.device_nonce for one in answers}) == 5
    assert len({one.proof for one in answers}) == 5


@pytest.mark.requirement("R-23", "R-28", refusal=True)
@pytest.mark.severity("normal")
def test_too_many_wrong_proofs_lock_the_device_for_a_time(owner: DeviceOwner) -> None:
    """Guessing is slowed down by a lockout, which ends by itself."""
    for _ in range(20):
        nonce, hello = owner.hello()
        with refusal(DeviceRefusal, match=r"proof wrong|locked out") as refused:
            owner.device.authenticate(hello.server_proof(WRONG, nonce))
        if refused.value.name == "locked out":
            break
    else:
        pytest.fail("20 wrong proofs, and the device is not locked")
    with step("The right key set has to wait as well"):
        nonce, hello = owner.hello()
        with refusal(DeviceRefusal, match="locked out"):
            owner.device.authenticate(hello.server_proof(owner.keys, nonce))
    owner.wait_unlocked()
    assert owner.authenticate() == "passed"
