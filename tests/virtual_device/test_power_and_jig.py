"""The device on its wires: rail, brown-out, jig pin, all by the copper of a virtual supply."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hil.equipment.device import Device, DeviceRefusal, DeviceTimeoutError, TransferError
from tests.virtual_device.conftest import KEYS, Workbench, authenticate, make_image, seal_image
from tests.virtual_device.supply import JIG, RAIL, Supply

PIN = {"nominal_v": 3.3, "debounce_s": 0.01, "dwell_s": 0.05, "revoke_s": 0.02}
RAW = seal_image(make_image())


@pytest.fixture
def supply() -> Iterator[Supply]:
    supply = Supply()
    yield supply
    supply.close()


def until(good: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not good():
        assert time.monotonic() < deadline


def powered(workbench: Workbench, supply: Supply, **config: Any) -> Device:  # noqa: ANN401
    supply.set(RAIL, 3.8)
    return workbench.start(copper=supply.address, jig=PIN, **config)


def test_off_is_silent_and_on_boots_with_a_new_counter(
    workbench: Workbench, supply: Supply
) -> None:
    device = workbench.start(copper=supply.address, wait=False)
    with pytest.raises(DeviceTimeoutError, match="is its supply on"):
        device.wait_ready(timeout_s=0.5)
    until(lambda: supply.loads[RAIL].ohms == pytest.approx(100_000))
    supply.set(RAIL, 3.8)
    device.wait_ready(timeout_s=5)
    assert device.boot_count() == 1
    assert supply.loads[RAIL].ohms == pytest.approx(33)
    supply.set(RAIL, 0.0)
    until(lambda: supply.loads[RAIL].ohms == pytest.approx(100_000))
    with pytest.raises(DeviceTimeoutError):
        device.wait_ready(timeout_s=0.5)
    supply.set(RAIL, 3.8)
    device.wait_ready(timeout_s=5)
    assert device.boot_count() == 2


def test_a_dip_below_brown_out_restarts_and_forgets(workbench: Workbench, supply: Supply) -> None:
    device = powered(workbench, supply)
    authenticate(device)
    supply.play(RAIL, [(0.0, 2.95), (0.05, 3.8)])
    time.sleep(0.1)  # the dip itself: it stays above brown-out and must change nothing
    assert device.boot_count() == 1
    assert device.status().server_auth == "passed"
    supply.play(RAIL, [(0.0, 2.5), (0.005, 3.8)])
    until(lambda: boots(device) == 2)
    assert device.status().server_auth == "none"


def silent(device: Device) -> bool:
    try:
        device.wait_ready(timeout_s=0.3)
    except DeviceTimeoutError:
        return True
    return False


def boots(device: Device) -> int:
    try:
        return int(str(device._at.ask("boot_count", timeout_s=0.2)["count"]))
    except DeviceTimeoutError:
        return 0


def test_a_lost_wire_is_no_voltage(workbench: Workbench, supply: Supply) -> None:
    device = powered(workbench, supply)
    supply.close()
    until(lambda: silent(device))


@pytest.mark.parametrize(
    "case",
    [
        ("jig", False, 3.3, True),
        ("jig", False, 3.0, False),
        ("jig", False, 3.6, False),
        ("jig", False, 0.0, False),
        ("both", True, 3.3, True),
        ("both", True, 0.0, False),
        ("both", False, 3.3, False),
        ("both", False, 0.0, False),
        ("key-set", True, 0.0, True),
    ],
)
def test_who_passes_by_key_and_jig(
    workbench: Workbench, supply: Supply, case: tuple[str, bool, float, bool]
) -> None:
    manner, key, volts, good = case
    device = powered(workbench, supply, manner=manner)
    supply.set(JIG, volts)
    nominal = abs(volts - 3.3) < 0.1
    until(lambda: device.jig().accepted == nominal and abs(device.jig().volts - volts) < 0.02)
    hello = device.hello(bytes(16))
    proof = hello.server_proof(KEYS, bytes(16)) if key else b""
    if good:
        assert device.authenticate(proof) == "passed"
        assert device.send_image(RAW).image_id == "image-1"
    else:
        with pytest.raises(DeviceRefusal, match=r"jig not accepted|proof wrong"):
            device.authenticate(proof)
        with pytest.raises(DeviceRefusal, match="not authenticated"):
            device.send_image(RAW)
        assert device.images() == ()


def test_a_pulse_shorter_than_the_dwell_is_not_enough(workbench: Workbench, supply: Supply) -> None:
    device = powered(workbench, supply, manner="jig")
    supply.play(JIG, [(0.0, 3.3), (0.04, 0.0)])
    until(lambda: device.jig().state == "open")
    with pytest.raises(DeviceRefusal, match="jig not accepted"):
        device.authenticate()


def test_a_jig_present_at_power_on_still_has_to_dwell(workbench: Workbench, supply: Supply) -> None:
    supply.set(JIG, 3.3)
    supply.set(RAIL, 3.8)
    slow = PIN | {"dwell_s": 1.0}
    device = workbench.start(copper=supply.address, jig=slow, manner="jig")
    with pytest.raises(DeviceRefusal, match="jig not accepted"):
        device.authenticate()
    until(lambda: device.jig().accepted)
    assert device.authenticate() == "passed"


def test_removing_the_jig_revokes_and_stops_the_transfer(
    workbench: Workbench, supply: Supply
) -> None:
    device = powered(workbench, supply, manner="jig", window=1)
    supply.set(JIG, 3.3)
    until(lambda: device.jig().accepted)
    device.authenticate()

    def pull(done: int, _total: int) -> None:
        if done == 1024:
            supply.set(JIG, 0.0)
            time.sleep(0.035)  # longer than the revoke time, shorter than the device's idle look

    with pytest.raises(TransferError, match="authentication lost"):
        device.send_image(RAW, progress=pull)
    assert device.status().server_auth == "revoked"
    assert device.images() == ()
    supply.set(JIG, 3.3)
    until(lambda: device.jig().accepted)
    assert device.status().server_auth == "revoked"
    with pytest.raises(DeviceRefusal, match="not authenticated"):
        device.send_image(RAW)
    device.authenticate()
    report = device.send_image(RAW)
    assert (report.resumed_from, report.image_id) == (0, "image-1")


def test_the_reading_is_proved_to_the_server(workbench: Workbench, supply: Supply) -> None:
    device = powered(workbench, supply)
    supply.set(JIG, 3.3)
    until(lambda: device.jig().accepted)
    hello = device.hello(bytes(16))
    assert hello.jig.accepted
    assert hello.jig.volts == pytest.approx(3.3, abs=0.02)
    assert hello.proves_jig(KEYS, bytes(16))


def test_a_jig_known_by_its_current(workbench: Workbench, supply: Supply) -> None:
    supply.set(RAIL, 3.8)
    pin = PIN | {"nominal_a": 0.01, "input_ohms": 330.0, "window_a": 0.05}
    device = workbench.start(copper=supply.address, jig=pin, manner="jig")
    supply.set(JIG, 3.3)
    until(lambda: device.jig().accepted)
    assert device.jig().amps == pytest.approx(0.01, rel=0.02)
    device = workbench.restart(copper=supply.address, jig=pin | {"input_ohms": 500.0})
    until(lambda: device.jig().state == "wrong-current")


def test_power_lost_while_an_image_travels_leaves_the_old_state(
    workbench: Workbench, supply: Supply
) -> None:
    device = powered(workbench, supply, window=1)
    authenticate(device)

    def cut(done: int, _total: int) -> None:
        if done:
            supply.set(RAIL, 0.0)
            until(lambda: supply.loads[RAIL].ohms == pytest.approx(100_000))

    with pytest.raises(DeviceTimeoutError):
        device.send_image(RAW, progress=cut, stall_s=0.5)
    supply.set(RAIL, 3.8)
    device.wait_ready(timeout_s=5)
    assert device.images() == ()
    authenticate(device)
    report = device.send_image(RAW)
    assert (report.resumed_from, report.image_id) == (0, "image-1")
