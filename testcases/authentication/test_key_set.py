"""The device lets a server in by the key set that both hold, and by nothing less."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

import pytest

from hil.checks import refusal
from hil.equipment.device import DeviceRefusal
from hil.evidence import step
from hil.wire.device_auth import NONCE_LENGTH, DeviceKeySet, Mode

if TYPE_CHECKING:
    from hil.bench.device_owner import DeviceOwner
    from hil.bench.image_maker import ImageMaker

pytestmark = pytest.mark.requires("device")

WRONG = DeviceKeySet(1, bytes(16), bytes(16))
ATTEMPTS = 20
"""No device may bear so many wrong proofs in a row."""


def attempt(owner: DeviceOwner, keys: DeviceKeySet) -> str:
    """Try to be let in with a key set; return the device's word, or the name of its refusal."""
    nonce, hello = owner.hello()
    try:
        return owner.device.authenticate(hello.server_proof(keys, nonce))
    except DeviceRefusal as refused:
        return refused.name


def lock(owner: DeviceOwner) -> None:
    """Show wrong proofs until the device locks itself."""
    for _ in range(ATTEMPTS):
        answer = attempt(owner, WRONG)
        if answer == "locked out":
            return
        assert answer == "proof wrong"
    pytest.fail(f"{ATTEMPTS} wrong proofs, and the device is not locked")


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


@pytest.mark.requirement("R-23", refusal=True)
@pytest.mark.severity("critical")
def test_a_hello_is_good_for_one_attempt(owner: DeviceOwner) -> None:
    """After a wrong proof, and after the right one, the same hello lets nobody in."""
    nonce, hello = owner.hello()
    right = hello.server_proof(owner.keys, nonce)
    with refusal(DeviceRefusal, match="proof wrong"):
        owner.device.authenticate(hello.server_proof(WRONG, nonce))
    with step("The right proof to that hello comes too late"):
        with refusal(DeviceRefusal, match="no hello"):
            owner.device.authenticate(right)
        assert owner.device.status().server_auth != "passed"
    nonce, hello = owner.hello()
    right = hello.server_proof(owner.keys, nonce)
    assert owner.device.authenticate(right) == "passed"
    with step("And is good once"), refusal(DeviceRefusal, match="no hello"):
        owner.device.authenticate(right)


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
    lock(owner)
    with step("The right key set has to wait as well"):
        nonce, hello = owner.hello()
        with refusal(DeviceRefusal, match="locked out"):
            owner.device.authenticate(hello.server_proof(owner.keys, nonce))
    owner.wait_unlocked()
    assert owner.authenticate() == "passed"


@pytest.mark.requirement("R-23", "R-28", refusal=True)
@pytest.mark.severity("normal")
def test_a_restart_gives_no_new_attempts(owner: DeviceOwner) -> None:
    """The lockout, and the count of wrong proofs, are there after a restart."""
    lock(owner)
    locked_s = owner.device.status().lockout_s
    began = time.monotonic()
    owner.device.reboot()
    status = owner.device.status()
    if time.monotonic() - began < locked_s:
        with step("The restart was quicker than the lockout, and did not end it"):
            assert status.lockout_s > 0
    owner.wait_unlocked()
    with step("One more wrong proof locks it again"):
        assert attempt(owner, WRONG) in ("proof wrong", "locked out")
        assert owner.device.status().server_auth == "locked"
    owner.wait_unlocked()
    assert owner.authenticate() == "passed"


@pytest.mark.requirement("R-23", "R-28")
@pytest.mark.severity("normal")
def test_a_success_ends_the_count_of_wrong_proofs(owner: DeviceOwner) -> None:
    """Mistakes that are far between, with the right proof after each, lock nobody out."""
    for number in range(1, ATTEMPTS + 1):
        assert attempt(owner, WRONG) == "proof wrong", f"locked by mistake {number}"
        assert owner.authenticate() == "passed"


@pytest.mark.requirement("R-28", "R-54", "R-58", refusal=True)
@pytest.mark.severity("critical")
def test_forged_orders_are_wrong_proofs_as_well(owner: DeviceOwner) -> None:
    """Who guesses at orders is locked out too, and the lockout holds for good orders."""
    stranger = owner.with_keys(WRONG)
    for _ in range(ATTEMPTS):
        with refusal(DeviceRefusal, match=r"not authorized|locked out") as refused:
            stranger.command_mode(Mode.TEST)
        if refused.value.name == "locked out":
            break
    else:
        pytest.fail(f"{ATTEMPTS} forged orders, and the device is not locked")
    with refusal(DeviceRefusal, match="locked out"):
        owner.command_mode(Mode.TEST)
    owner.wait_unlocked()
    assert owner.device.status().mode == "second"
    assert owner.authenticate() == "passed"


@pytest.mark.requirement("R-34", "R-61", refusal=True)
@pytest.mark.requires("card.m2m")
@pytest.mark.severity("critical")
@pytest.mark.parametrize("way", ["into", "out of"])
def test_a_sender_let_in_is_out_when_test_mode_begins_or_ends(
    owner: DeviceOwner, image_maker: ImageMaker, way: str
) -> None:
    """What let a sender in by the rules of one mode lets nothing in by those of the other."""
    raw = image_maker.sealed(image_maker.profile("test"))
    if way == "into":
        assert owner.authenticate() == "passed"
        owner.command_mode(Mode.TEST)
    else:
        owner.command_mode(Mode.TEST)
        assert owner.authenticate() == "passed"
        owner.command_mode(Mode.FIRST)
    with refusal(DeviceRefusal, match="sender not authenticated"):
        owner.device.send_image(raw)
    assert owner.device.images() == ()
