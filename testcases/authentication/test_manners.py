"""Key set, jig, both, or skip: each manner lets in what it should, and one replaces another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.checks import refusal
from hil.equipment.device import DeviceRefusal
from hil.evidence import step
from hil.not_applicable import not_applicable
from hil.wire.device_auth import DeviceKeySet, Manner
from testcases.authentication.watching import until, until_accepted

if TYPE_CHECKING:
    from hil.bench.device_owner import DeviceOwner
    from hil.bench.jig import Jig

pytestmark = pytest.mark.requires("device", "power_supply.jig", "jig")

WRONG = DeviceKeySet(1, bytes(16), bytes(16))
GOOD = pytest.mark.requirement("R-25", "R-31", "R-32")
REFUSED = pytest.mark.requirement("R-25", "R-31", refusal=True)


def let_in(owner: DeviceOwner, *, good_key: bool) -> str:
    """Try to be let in; return the device's word, or the name of its refusal."""
    nonce, hello = owner.hello()
    keys = owner.keys if good_key else WRONG
    proof = hello.server_proof(keys, nonce) if hello.manner.needs_key_set else b""
    try:
        return owner.device.authenticate(proof)
    except DeviceRefusal as refusal:
        return refusal.name


@pytest.mark.severity("blocker")
@pytest.mark.parametrize(
    ("good_key", "good_jig", "answer"),
    [
        pytest.param(True, True, "passed", id="good-key-good-jig", marks=GOOD),
        pytest.param(True, False, "jig not accepted", id="good-key-no-jig", marks=REFUSED),
        pytest.param(False, True, "proof wrong", id="bad-key-good-jig", marks=REFUSED),
        pytest.param(False, False, "proof wrong", id="bad-key-no-jig", marks=REFUSED),
    ],
)
def test_both_needs_both(
    owner: DeviceOwner, jig: Jig, *, good_key: bool, good_jig: bool, answer: str
) -> None:
    """Of the four cases of key set and jig, only good and good passes."""
    owner.command_manner(Manner.BOTH)
    if good_jig:
        jig.attach()
        until_accepted(owner.device, jig)
    assert let_in(owner, good_key=good_key) == answer


@pytest.mark.requirement("R-24", "R-30", "R-31", "R-32")
@pytest.mark.requirement("R-24", "R-30", refusal=True)
@pytest.mark.severity("blocker")
def test_the_jig_alone_where_it_is_the_manner(owner: DeviceOwner, jig: Jig) -> None:
    """With the manner jig no key is asked for: the accepted jig lets the sender in."""
    owner.command_manner(Manner.JIG)
    assert let_in(owner, good_key=False) == "jig not accepted"
    jig.attach()
    until_accepted(owner.device, jig)
    assert let_in(owner, good_key=False) == "passed"


@pytest.mark.requirement("R-24", "R-30", refusal=True)
@pytest.mark.severity("blocker")
@pytest.mark.parametrize("manner", [Manner.JIG, Manner.BOTH])
def test_taking_the_jig_away_takes_the_authentication_away(
    owner: DeviceOwner, jig: Jig, manner: Manner
) -> None:
    """A sender let in by the jig, alone or with the key set, is out as soon as the jig is gone."""
    owner.command_manner(manner)
    jig.attach()
    until_accepted(owner.device, jig)
    assert let_in(owner, good_key=True) == "passed"
    jig.remove()
    until(
        lambda: owner.device.status().server_auth == "revoked",
        timeout_s=jig.spec.revoke + 1.0,
        otherwise="authentication not revoked",
    )


@pytest.mark.requirement("R-33")
@pytest.mark.severity("critical")
@pytest.mark.applies("O_SKIP")
def test_skipping_is_called_skipped(owner: DeviceOwner) -> None:
    """In development authentication may be skipped; the device never calls that passed."""
    if owner.device.identity().life != "development":
        not_applicable("the device is in commercial life, where nothing may be skipped")
    owner.command_manner(Manner.SKIP)
    assert let_in(owner, good_key=False) == "skipped"
    assert owner.device.status().server_auth == "skipped"


@pytest.mark.requirement("R-32", "R-56")
@pytest.mark.severity("normal")
def test_a_replaced_manner_is_there_after_a_restart(owner: DeviceOwner) -> None:
    """A restart does not bring an earlier manner back: the jig was ordered, the jig it is."""
    owner.command_manner(Manner.JIG)
    owner.device.reboot()
    assert owner.device.status().manner is Manner.JIG
    assert let_in(owner, good_key=True) == "jig not accepted"


@pytest.mark.requirement("R-32", refusal=True)
@pytest.mark.severity("critical")
def test_nobody_replaces_the_manner_without_the_key_set(owner: DeviceOwner) -> None:
    """A forged order to replace the manner is refused, and a replayed one as well."""
    before = owner.device.status().manner
    stranger = owner.with_keys(WRONG)
    with step("A forged order"), refusal(DeviceRefusal, match="not authorized"):
        stranger.command_manner(Manner.SKIP)
    order = owner.order_manner(Manner.JIG)
    with step("A good order, and the same once more"):
        owner.device.set_manner("jig", order)
        with refusal(DeviceRefusal, match="not authorized"):
            owner.device.set_manner("jig", order)
    owner.command_manner(before)
