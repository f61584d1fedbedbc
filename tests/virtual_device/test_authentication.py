from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Any

import pytest

from hil.equipment.device import Device, DeviceRefusal
from hil.wire.device_auth import (
    CommandAuthorization,
    DeviceKeySet,
    Purpose,
    authorize_manner,
    authorize_mode,
)
from tests.virtual_device.conftest import (
    EID,
    KEYS,
    Workbench,
    authenticate,
    command_mode,
    make_image,
    order_mode,
    seal_image,
)

WRONG = DeviceKeySet(1, bytes(16), bytes(16))


def replace_manner(device: Device, manner: str) -> None:
    order = authorize_manner(
        KEYS,
        device_id=device.identity().device_id,
        eid=EID,
        server_nonce=secrets.token_bytes(16),
        device_nonce=device.challenge(),
        manner=manner,
    )
    device.set_manner(manner, order)


def refuses_images(device: Device, tmp_path: Path) -> None:
    before = {file: file.read_bytes() for file in (tmp_path / "state").rglob("image-*")}
    with pytest.raises(DeviceRefusal, match="sender not authenticated"):
        device.send_image(seal_image(make_image()))
    assert {f: f.read_bytes() for f in (tmp_path / "state").rglob("image-*")} == before
    assert device.images() == ()


def test_the_right_key_passes_and_is_a_fresh_exchange_each_time(workbench: Workbench) -> None:
    device = workbench.start()
    first, second = (device.hello(bytes(16)) for _ in range(2))
    assert first.device_nonce != second.device_nonce
    assert first.proof != second.proof
    assert authenticate(device) == "passed"
    status = device.status()
    assert (status.server_auth, status.device_auth) == ("passed", "proved")


def test_unauthenticated_bytes_leave_no_trace(workbench: Workbench, tmp_path: Path) -> None:
    refuses_images(workbench.start(), tmp_path)


@pytest.mark.parametrize("attack", ["wrong key", "replay", "reflection", "empty", "other purpose"])
def test_a_forged_server_is_refused_and_nothing_is_stored(
    workbench: Workbench, tmp_path: Path, attack: str
) -> None:
    device = workbench.start()
    nonce = secrets.token_bytes(16)
    old = device.hello(nonce).server_proof(KEYS, nonce)
    hello = device.hello(nonce)
    proofs = {
        "wrong key": hello.server_proof(WRONG, nonce),
        "replay": old,
        "reflection": hello.proof,
        "empty": b"",
        "other purpose": authorize_mode(
            KEYS,
            device_id=hello.device_id,
            eid=EID,
            server_nonce=nonce,
            device_nonce=hello.device_nonce,
            mode="",
        ).proof,
    }
    with pytest.raises(DeviceRefusal, match="proof wrong"):
        device.authenticate(proofs[attack])
    assert device.status().server_auth == "refused"
    refuses_images(device, tmp_path)
    assert authenticate(device) == "passed"


def test_a_good_proof_works_once(workbench: Workbench) -> None:
    device = workbench.start()
    nonce = secrets.token_bytes(16)
    proof = device.hello(nonce).server_proof(KEYS, nonce)
    assert device.authenticate(proof) == "passed"
    with pytest.raises(DeviceRefusal, match="no hello"):
        device.authenticate(proof)


def test_failure_after_success_ends_the_success(workbench: Workbench, tmp_path: Path) -> None:
    device = workbench.start()
    authenticate(device)
    device.hello(bytes(16))
    with pytest.raises(DeviceRefusal):
        device.authenticate(bytes(16))
    refuses_images(device, tmp_path)


def test_authentication_ends_with_goodbye_with_time_and_at_power_off(
    workbench: Workbench, tmp_path: Path
) -> None:
    device = workbench.start(authentication_s=0.3)
    authenticate(device)
    device.goodbye()
    refuses_images(device, tmp_path)
    authenticate(device)
    deadline = time.monotonic() + 5
    while device.status().server_auth == "passed":
        assert time.monotonic() < deadline
    refuses_images(device, tmp_path)
    device = workbench.restart()
    authenticate(device)
    device.reboot()
    refuses_images(device, tmp_path)


def test_too_many_misses_lock_and_the_lock_survives_power_off(workbench: Workbench) -> None:
    device = workbench.start(attempts=3, lockout_s=1.0)
    for _ in range(3):
        device.hello(bytes(16))
        with pytest.raises(DeviceRefusal, match="proof wrong"):
            device.authenticate(bytes(16))
    assert device.status().server_auth == "locked"
    with pytest.raises(DeviceRefusal, match="locked out"):
        authenticate(device)
    device = workbench.restart(attempts=3, lockout_s=1.0)
    status = device.status()
    assert status.server_auth == "locked"
    assert 0 < status.lockout_s <= 1
    with pytest.raises(DeviceRefusal, match="locked out"):
        authenticate(device)
    deadline = time.monotonic() + 5
    while device.status().server_auth == "locked":
        assert time.monotonic() < deadline
    device.hello(bytes(16))
    with pytest.raises(DeviceRefusal, match="proof wrong"):
        device.authenticate(bytes(16))
    assert device.status().lockout_s > 1.0


def test_skip_passes_only_where_it_is_allowed_and_says_skipped(
    workbench: Workbench, tmp_path: Path
) -> None:
    device = workbench.start(manner="skip")
    refuses_images(device, tmp_path)
    assert device.authenticate() == "skipped"
    assert device.status().server_auth == "skipped"
    assert device.send_image(seal_image(make_image())).image_id == "image-1"
    forbidding: tuple[dict[str, Any], ...] = (
        {"life": "commercial"},
        {"skip_allowed": []},
        {"skip_allowed": ["test-mode"]},
    )
    for config in forbidding:
        device = workbench.restart(manner="skip", **config)
        with pytest.raises(DeviceRefusal, match="skip not allowed here"):
            device.authenticate()


def test_skip_in_test_mode_does_not_leak_into_first_mode(
    workbench: Workbench, tmp_path: Path
) -> None:
    device = workbench.start(life="commercial", manner_in_test_mode="skip")
    assert device.status().manner == "key-set"
    command_mode(device, "test")
    assert device.status().manner == "skip"
    assert device.authenticate() == "skipped"
    command_mode(device, "first")
    assert device.status().manner == "key-set"
    assert device.status().server_auth == "none"
    refuses_images(device, tmp_path)
    with pytest.raises(DeviceRefusal, match="no hello"):
        device.authenticate()


def test_one_manner_is_replaced_by_another_and_the_status_tells(workbench: Workbench) -> None:
    device = workbench.start()
    authenticate(device)
    replace_manner(device, "jig")
    assert device.status().manner == "jig"
    assert device.status().server_auth == "none"
    with pytest.raises(DeviceRefusal, match="jig not accepted"):
        device.authenticate()
    device = workbench.restart()
    assert device.status().manner == "jig"
    replace_manner(device, "key-set")
    assert authenticate(device) == "passed"


def test_replacing_the_manner_needs_an_authorization(workbench: Workbench) -> None:
    device = workbench.start()
    with pytest.raises(DeviceRefusal, match="command not authorized"):
        device.set_manner("skip")
    mode_order = order_mode(device, "skip")
    with pytest.raises(DeviceRefusal, match="command not authorized"):
        device.set_manner("skip", mode_order)
    assert device.status().manner == "key-set"
    device = workbench.restart(manner_change="never")
    with pytest.raises(DeviceRefusal, match="operation not allowed"):
        replace_manner(device, "jig")
    device = workbench.restart(manner_change="free")
    device.set_manner("jig")
    assert device.status().manner == "jig"


def test_a_command_of_the_server_works_once_and_only_as_it_was_given(
    workbench: Workbench,
) -> None:
    device = workbench.start()
    order = order_mode(device, "test")
    with pytest.raises(DeviceRefusal, match="command not authorized"):
        device.set_mode("first", order)
    with pytest.raises(DeviceRefusal, match="command not authorized"):
        device.set_mode("test", order)
    order = order_mode(device, "test")
    device.set_mode("test", order)
    with pytest.raises(DeviceRefusal, match="command not authorized"):
        device.set_mode("test", order)
    forged = order_mode(device, "first", WRONG)
    with pytest.raises(DeviceRefusal, match="command not authorized"):
        device.set_mode("first", forged)
    with pytest.raises(DeviceRefusal, match="command not authorized"):
        device.set_mode("first", CommandAuthorization(b"", b""))
    assert device.status().mode == "test"


def test_a_device_without_a_key_set(workbench: Workbench) -> None:
    device = workbench.start(key_set=None)
    hello = device.hello(bytes(16))
    assert hello.kvn is None
    assert hello.proof == b""
    with pytest.raises(DeviceRefusal, match="no key set"):
        device.authenticate(bytes(16))
    with pytest.raises(DeviceRefusal, match="no key set"):
        device.set_mode("first", CommandAuthorization(bytes(16), bytes(16)))
    assert Purpose.MODE.value == "hil mode command"
