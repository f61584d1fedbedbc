"""The private PC/SC service: private, unprivileged, and gone when it has to be."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.bench import pcscd as pcscd_module
from hil.bench.pcscd import Missing, PcscdError, PrivatePcscd, exposure_note, missing
from hil.bench.pcscd_host import listening_ports
from hil.errors import UsageError
from tests.pcscd.test_guardian import is_gone, is_zombie, wait_until

LIST_READERS = (
    "import json; from smartcard import scard as s; c = s.SCardEstablishContext(0)[1]; "
    "print(json.dumps(s.SCardListReaders(c, [])[1]))"
)
needs_pcscd = pytest.mark.skipif(bool(missing()), reason="; ".join(map(str, missing())))


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that an unprivileged service can read; pytest's own are private."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def readers_seen(environment: dict[str, str]) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", LIST_READERS],
        env={**os.environ, **environment},
        capture_output=True,
        check=True,
        timeout=20,
    )
    seen: list[str] = json.loads(done.stdout)
    return seen


@needs_pcscd
def test_each_reader_has_a_name_of_its_own_and_a_client_sees_it() -> None:
    with PrivatePcscd.start(3, name="lab reader") as service:
        seen = readers_seen(service.environment)
        assert service.reader_names == tuple(f"lab reader {n} 00 00" for n in (1, 2, 3))
        assert set(service.reader_names) <= set(seen)
        assert len(set(seen)) == len(seen)
        assert len(set(service.vpcd_ports)) == 3


@needs_pcscd
def test_it_ends_within_a_second_and_leaves_nothing() -> None:
    service = PrivatePcscd.start()
    folder = Path(service.environment["PCSCLITE_CSOCK_NAME"]).parent
    begin = time.monotonic()
    service.stop()
    assert time.monotonic() - begin < 1.0
    assert is_gone(service.pid)
    assert not folder.exists()
    assert service.ended()
    service.stop()
    service.cut()


@needs_pcscd
def test_two_services_live_side_by_side() -> None:
    with PrivatePcscd.start(name="a") as one, PrivatePcscd.start(name="b") as two:
        assert "a 1 00 00" in readers_seen(one.environment)
        assert "b 1 00 00" in readers_seen(two.environment)
        assert not set(one.vpcd_ports) & set(two.vpcd_ports)


@needs_pcscd
def test_one_process_may_use_one_service_after_the_other() -> None:
    code = (
        "import os\nfrom smartcard import scard\nfrom hil.bench.pcscd import PrivatePcscd\n"
        "for name in 'ab':\n"
        "    with PrivatePcscd.start(name=name) as service:\n"
        "        os.environ.update(service.environment)\n"
        "        _, context = scard.SCardEstablishContext(0)\n"
        "        print(*scard.SCardListReaders(context, [])[1], sep=', ')\n"
        "        scard.SCardReleaseContext(context)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert done.stdout.splitlines() == ["a 1 00 00, a 1 00 01", "b 1 00 00, b 1 00 01"]


@needs_pcscd
@pytest.mark.skipif(os.geteuid() != 0, reason="somebody else is already unprivileged")
def test_started_by_root_it_runs_as_nobody() -> None:
    with PrivatePcscd.start() as service:
        assert Path(f"/proc/{service.pid}").stat().st_uid == 65534


@needs_pcscd
def test_its_ports_are_out_of_reach_or_it_says_so() -> None:
    with PrivatePcscd.start() as service:
        ours = Path("/proc/self/net/tcp").read_text(encoding="ascii")
        open_to_all = [line.split()[1] for line in ours.splitlines()[1:] if " 00000000:0" in line]
        ports = {int(address.split(":")[1], 16) for address in open_to_all}
        visible = listening_ports(service.pid) & ports
        if service.exposure is None:
            assert exposure_note() is None
            assert (
                Path(f"/proc/{service.pid}/ns/net").readlink()
                != Path("/proc/self/ns/net").readlink()
            )
        else:
            assert visible


@needs_pcscd
def test_without_a_private_network_it_works_and_warns(caplog: pytest.LogCaptureFixture) -> None:
    with PrivatePcscd.start(2, private_network=False) as service:
        assert set(service.reader_names) <= set(readers_seen(service.environment))
        assert service.exposure is not None
        assert "all addresses" in caplog.text
        ports = listening_ports(service.pid)
        assert len(ports) == 4
        assert all(20_000 <= port < 32_001 for port in ports)


@needs_pcscd
def test_card_slots_listen_on_loopback_only() -> None:
    with PrivatePcscd.start() as service:
        port = service.vpcd_port
        table = Path("/proc/self/net/tcp").read_text(encoding="ascii")
        (line,) = [row for row in table.splitlines() if f":{port:04X} 00000000:0000 0A" in row]
        assert line.split()[1].startswith("0100007F")
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass


@needs_pcscd
def test_a_killed_starter_leaves_no_service_no_zombie_and_no_files() -> None:
    starter = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import time\nfrom hil.bench.pcscd import PrivatePcscd\n"
            "s = PrivatePcscd.start()\n"
            "print(s.pid, s._process.pid, s.environment['PCSCLITE_CSOCK_NAME'], flush=True)\n"
            "time.sleep(60)",
        ],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
    )
    assert starter.stdout is not None
    pid, host, path = starter.stdout.readline().split()
    assert Path(path.decode()).exists()
    starter.kill()
    starter.wait(5)
    starter.stdout.close()
    assert wait_until(lambda: is_gone(int(pid)), 2.0)
    assert wait_until(lambda: not Path(path.decode()).parent.exists(), 2.0)
    assert wait_until(lambda: is_gone(int(host)) or is_zombie(int(host)), 2.0)


@needs_pcscd
def test_a_killed_pcscd_ends_the_service() -> None:
    with PrivatePcscd.start() as service:
        os.kill(service.pid, signal.SIGKILL)
        assert wait_until(service.ended)
        assert not Path(service.environment["PCSCLITE_CSOCK_NAME"]).exists()
        assert is_gone(service.pid)


@needs_pcscd
def test_a_pcscd_that_dies_at_once_is_reported_with_its_words(
    monkeypatch: pytest.MonkeyPatch, public_folder: Path
) -> None:
    program = public_folder / "pcscd"
    program.write_text("#!/bin/sh\necho the moon is full >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setattr(pcscd_module, "find_pcscd", lambda: program)
    with pytest.raises(PcscdError, match=r"code 3: the moon is full"):
        PrivatePcscd.start()


@needs_pcscd
def test_a_pcscd_that_never_gets_ready_ends_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch, public_folder: Path
) -> None:
    program = public_folder / "pcscd"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setattr(pcscd_module, "find_pcscd", lambda: program)
    begin = time.monotonic()
    with pytest.raises(PcscdError, match="in time"):
        PrivatePcscd.start(timeout_s=0.5)
    assert time.monotonic() - begin < 3.0


def test_what_is_missing_is_named_with_the_command_that_mends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pcscd_module, "find_pcscd", lambda: None)
    monkeypatch.setattr(pcscd_module, "find_driver", lambda: None)
    monkeypatch.setattr("ctypes.CDLL", _no_library)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    commands = [one.command for one in missing()]
    assert "sudo apt install pcscd" in commands
    assert "sudo apt install vsmartcard-vpcd" in commands
    assert "sudo apt install libpcsclite1" in commands
    assert any("swig libpcsclite-dev" in command for command in commands)
    with pytest.raises(PcscdError, match="apt install pcscd"):
        PrivatePcscd.start()


def _no_library(name: str) -> None:
    raise OSError(f"{name}: cannot open shared object file")


def test_a_missing_thing_reads_as_one_line() -> None:
    assert str(Missing("x is missing", "do y")) == "x is missing; mend it with: do y"


@pytest.mark.parametrize(("readers", "name"), [(0, "a"), (9, "a"), (1, ""), (1, 'a"\nLIBPATH b')])
def test_impossible_readers_are_refused(readers: int, name: str) -> None:
    with pytest.raises(UsageError):
        PrivatePcscd.start(readers, name=name)
