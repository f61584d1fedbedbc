from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time

import pytest

from hil.equipment.power_supply import PowerSupply, switch_off
from tests.power_supply.part import SERIAL, Part, start_part


def bring_up(supply: PowerSupply, *numbers: int) -> None:
    for number in numbers:
        channel = supply.channel(number)
        channel.protect()
        channel.apply(3.0, 0.2)
        channel.on()


def test_off_beside_the_owner(supply: PowerSupply, part: Part) -> None:
    bring_up(supply, 1, 3)
    report = switch_off(part.resource, "DP832", 5, expected_serial=SERIAL)
    assert report.proven
    assert [channel.channel for channel in report.channels] == [1, 2, 3]
    assert not any(part.channel(number)["on"] for number in (1, 2, 3))
    assert not supply.channel(1).status().on


def test_an_old_error_in_the_queue_does_not_hinder(supply: PowerSupply, part: Part) -> None:
    bring_up(supply, 1)
    part.control({"error": -222})
    assert switch_off(part.resource, "DP832", 5).proven


def test_a_stuck_output_is_reported_not_believed(supply: PowerSupply, part: Part) -> None:
    bring_up(supply, 1)
    part.control({"stuck": 1, "value": True})
    begun = time.monotonic()
    report = switch_off(part.resource, "DP832", 1.0)
    assert time.monotonic() - begun < 4
    assert not report.proven
    assert "CH1 NOT PROVEN OFF" in str(report)


def test_it_waits_for_a_supply_that_comes_back() -> None:
    with socket.socket() as reserved:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    reports = []
    resource = f"TCPIP0::127.0.0.1::{port}::SOCKET"
    thread = threading.Thread(target=lambda: reports.append(switch_off(resource, "DP832", 10)))
    thread.start()
    time.sleep(0.2)  # the attempts made meanwhile must not end it
    with start_part("--port", str(port)):
        thread.join(15)
    assert reports[0].proven


@pytest.mark.parametrize(
    ("resource", "model", "says"),
    [
        ("nonsense", "DP832", "no VISA resource name"),
        ("TCPIP0::127.0.0.1::1::SOCKET", "DP832", "refused"),
        ("TCPIP0::127.0.0.1::1::SOCKET", "DP999", "no power supply model"),
    ],
)
def test_what_cannot_be_done_is_told_and_never_raised(resource: str, model: str, says: str) -> None:
    report = switch_off(resource, model, 0.3)
    assert not report.proven
    assert says in report.problem


def test_another_instrument_is_left_alone(part: Part) -> None:
    report = switch_off(part.resource, "DP832", 5, expected_serial="another")
    assert not report.proven
    assert "serial" in report.problem


def test_nothing_heavy_is_imported_before_a_supply_is_opened() -> None:
    code = (
        "import sys, hil.equipment.power_supply\n"
        "assert not {'pyvisa', 'serial', 'pyvisa_py'} & set(sys.modules), sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
