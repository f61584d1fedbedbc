"""What the doctor says of a real bench, with virtual equipment reached as if it were real."""

from __future__ import annotations

import fcntl
import getpass
import os
import pty
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.bench import discovery, doctor
from hil.bench.banner import planned
from hil.bench.discovery import Found, Instrument, Reader, SerialLine, bench_file, discover
from hil.bench.doctor import Check, examine, report
from hil.bench.hold import Hold
from hil.bench.lab import load_lab
from hil.bench.part import Part
from hil.errors import ConfigError
from hil.lease import Lease

SERIAL = "DP8C194205678"


@pytest.fixture(autouse=True)
def no_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep this process off PC/SC: its library sticks to the first service it asks."""

    def none(_problems: list[str]) -> list[Reader]:
        return []

    monkeypatch.setattr(discovery, "discover_readers", none)


@pytest.fixture(scope="module")
def resource(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The VISA address of a running supply."""
    command = [sys.executable, "-m", "hil.virtual.power_supply", "--serial", SERIAL]
    part = Part(
        "power-supply",
        [*command, "--port", "0", "--lifeline"],
        log=tmp_path_factory.mktemp("supply") / "log",
    )
    try:
        part.wait_ready(timeout_s=20)
        yield part.address("resource")
    finally:
        part.stop()


@pytest.fixture
def port() -> Iterator[str]:
    """A serial line that is there."""
    ours, theirs = pty.openpty()
    try:
        yield os.ttyname(theirs)
    finally:
        os.close(ours)
        os.close(theirs)


def edit(folder: Path, *changes: tuple[str, str]) -> None:
    path = folder / "example-lab.yaml"
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


def of(checks: list[Check], name: str) -> Check:
    return next(check for check in checks if check.name == name)


ADDRESS = "TCPIP0::192.0.2.10::5555::SOCKET"
PORT = "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A1B2C3D4-if00-port0"


def test_a_supply_that_answers_is_found(lab_folder: Path, resource: str) -> None:
    edit(lab_folder, (ADDRESS, resource))
    check = of(examine("example-lab"), "power supply")
    assert check.state == "found"
    assert SERIAL in check.detail


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ((f"serial: {SERIAL}", "serial: DP8C000"), "not serial DP8C000"),
        (("model: DP832", "model: DP831"), "not a DP831"),
    ],
)
def test_another_instrument_is_wrong(
    lab_folder: Path, resource: str, change: tuple[str, str], text: str
) -> None:
    edit(lab_folder, (ADDRESS, resource), change)
    check = of(examine("example-lab"), "power supply")
    assert (check.state, check.ok) == ("wrong", False)
    assert text in check.detail
    assert check.mend


def test_whoever_has_supply_and_bench_is_named(
    lab_folder: Path, resource: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIL_LOCK_DIR", str(tmp_path / "locks"))
    edit(lab_folder, (ADDRESS, resource))
    lab = load_lab("example-lab")
    owner = f"process {os.getpid()}"
    hold, lease = Hold.take(lab), Lease.claim(resource)
    checks = examine("example-lab")
    assert of(checks, "power supply").state == of(checks, "bench").state == "busy"
    assert owner in of(checks, "power supply").detail
    assert sum(owner in check.detail for check in checks) == 4, "supply, and three real things"
    assert any(f"IN USE by {getpass.getuser()}" in line and owner in line for line in planned(lab))
    hold.release()
    lease.release()
    assert of(examine("example-lab"), "power supply").state == "found"
    assert not any("IN USE" in line for line in planned(lab))


def test_a_waived_watchdog_stands_in_the_banner(lab_folder: Path) -> None:
    edit(lab_folder, ("  channels:", "  watchdog: {waived: nothing is connected}\n  channels:"))
    assert any(
        "NO WATCHDOG: nothing is connected" in line for line in planned(load_lab("example-lab"))
    )
    edit(lab_folder, ("nothing is connected", "no"))
    with pytest.raises(ConfigError, match=r"watchdog\.waived"):
        load_lab("example-lab")


def test_a_dead_address_is_missing(lab_folder: Path) -> None:
    edit(lab_folder, (ADDRESS, "TCPIP0::127.0.0.1::9::SOCKET"))
    check = of(examine("example-lab"), "power supply")
    assert check.state == "missing"
    assert "switch it on" in check.mend


def test_overdue_calibration_is_wrong(lab_folder: Path, resource: str) -> None:
    edit(lab_folder, (ADDRESS, resource), ("due: 2027-06-30", "due: 2020-06-30"))
    assert of(examine("example-lab"), "calibration").state == "wrong"


def test_serial_port_there_busy_missing_and_no_port(
    lab_folder: Path, resource: str, port: str
) -> None:
    edit(lab_folder, (ADDRESS, resource), (PORT, port))
    assert of(examine("example-lab"), "device").state == "found"
    with Path(port).open("rb", buffering=0) as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        check = of(examine("example-lab"), "device")
        assert check.state == "busy"
        assert "fuser" in check.mend
    edit(lab_folder, (port, "/dev/no-such-port"))
    assert of(examine("example-lab"), "device").state == "missing"
    edit(lab_folder, ("/dev/no-such-port", "/dev/null"))
    assert of(examine("example-lab"), "device").state == "wrong"


def test_no_permission_names_the_group(lab_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    check = doctor._serial_port(Path("/dev/ttyUSB0"))
    assert check.state == "no permission"
    assert "dialout" in check.mend


def test_a_wrong_file_is_one_check(lab_folder: Path) -> None:
    edit(lab_folder, ("ocp: 2 A", "ocp: 2"))
    check = of(examine("example-lab"), "bench file")
    assert check.state == "wrong"
    assert "2 has no unit" in check.detail
    assert "example-lab.yaml:" in check.detail


@pytest.mark.parametrize("name", ["virtual", "virtual-inprocess"])
def test_every_line_of_a_virtual_bench(lab_folder: Path, name: str) -> None:
    checks = examine(name)
    needed = [check for check in checks if check.needed and check.name != "card"]
    assert [check.state for check in needed] == ["found"] * len(needed)
    told = report(checks)
    assert told["ok"] == all(check.ok for check in checks)
    assert {row["name"] for row in told["checks"]} >= {"bench file", "power supply", "device"}
    for check in checks:
        assert check.state == "found" or check.mend or not check.needed


def test_discovery_names_what_is_there(resource: str) -> None:
    found = discover(visa=[resource, "TCPIP0::127.0.0.1::9::SOCKET"], timeout_s=0.5)
    alive, dead = found.instruments[:2]
    assert alive.resource == resource
    assert SERIAL in alive.identity
    assert dead.identity == ""
    assert dead.problem


@pytest.mark.parametrize(
    "found",
    [
        Found((), (), (), ()),
        Found(
            (Instrument("TCPIP0::h::5555::SOCKET", f"RIGOL TECHNOLOGIES,DP832,{SERIAL},00.01"),),
            (Reader("empty [1] 00 00", ""), Reader("ACS 'x' (1.2) + 00 01", "3B00")),
            (SerialLine("/dev/ttyUSB0", "/dev/serial/by-id/usb-x: y", "d"),),
            (),
        ),
        Found((Instrument("X", "", "dead"),), (), (SerialLine("/dev/ttyACM0", "", ""),), ()),
    ],
    ids=["nothing", "all", "some"],
)
def test_what_discovery_writes_can_be_read(lab_folder: Path, found: Found) -> None:
    path = lab_folder / "found.yaml"
    path.write_text(bench_file(found))
    lab = load_lab("found")
    supply, card = lab.file.power_supply, lab.file.card
    assert (supply is not None) == any("RIGOL" in one.identity for one in found.instruments)
    if card is not None and card.pcsc is not None:
        assert re.search(card.pcsc.reader, "ACS 'x' (1.2) + 00 01")
        assert not re.search(card.pcsc.reader, "empty [1] 00 00")


def test_a_multimeter_in_use_is_not_asked(
    lab_folder: Path, resource: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIL_LOCK_DIR", str(tmp_path / "locks"))
    path = lab_folder / "example-lab.yaml"
    section = (
        f"multimeter:\n  visa: {resource}\n  identity: RIGOL\n"
        "  accuracy: {relative: 0.01 %, offset: 1 mV}\n"
    )
    path.write_text(path.read_text() + section)
    assert of(examine("example-lab"), "multimeter").state == "found"
    lease = Lease.claim(resource)
    try:
        check = of(examine("example-lab"), "multimeter")
    finally:
        lease.release()
    assert check.state == "busy"
    assert "in use by" in check.detail
