from __future__ import annotations

import getpass
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hil.errors import BenchError
from hil.lease import Lease, OwnedError, lock_directory
from tests.power_supply.conftest import Open
from tests.power_supply.part import Part

HOLDER = """
import sys
from hil.lease import Lease
owner = Lease.claim(sys.argv[1])
print("mine", flush=True)
sys.stdin.read()
owner.release()
"""
RESOURCE = "TCPIP0::192.0.2.1::5555::SOCKET"


def hold(resource: str = RESOURCE) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, resource],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "mine\n"
    return process


def test_a_second_process_is_refused_and_told_who_owns_it() -> None:
    with hold() as process:
        with pytest.raises(OwnedError) as caught:
            Lease.claim(RESOURCE)
        assert f"process {process.pid}" in str(caught.value)
        assert getpass.getuser() in str(caught.value)
        assert RESOURCE in str(caught.value)
        Lease.claim("TCPIP0::192.0.2.2::5555::SOCKET").release()
        process.communicate(timeout=10)
    Lease.claim(RESOURCE).release()


def test_a_dead_owner_frees_it_and_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    with hold() as process:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    owner = Lease.claim(RESOURCE)
    assert f"process {process.pid}" in caplog.text
    assert "without releasing" in caplog.text
    owner.release()
    caplog.clear()
    Lease.claim(RESOURCE).release()
    assert caplog.text == ""


def test_the_same_process_is_a_second_owner_too(open_supply: Open, part: Part) -> None:
    first = open_supply()
    with pytest.raises(OwnedError, match=f"process {os.getpid()}"):
        open_supply()
    with pytest.raises(OwnedError):
        Lease.claim(part.resource.lower())
    first.close()
    open_supply()


def test_failing_to_open_gives_the_resource_free(open_supply: Open, part: Part) -> None:
    part.control({"identity": "somebody,else,0,0"})
    with pytest.raises(BenchError):
        open_supply()
    part.well()
    open_supply()


def test_where_locks_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HIL_LOCK_DIR")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert lock_directory() == tmp_path / "hil"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "gone"))
    assert lock_directory().name == f"hil-{os.getuid()}"


def test_a_directory_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HIL_LOCK_DIR", str(tmp_path / "file"))
    with pytest.raises(BenchError, match="HIL_LOCK_DIR"):
        Lease.claim(RESOURCE)
    assert Lease.claim(RESOURCE, directory=tmp_path / "ok").path.is_file()


@pytest.mark.parametrize("record", [b"\xff", b"{}", b"[]", b"nonsense"])
def test_a_spoilt_record_does_not_stand_in_the_way(
    lock_directory: Path, record: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    owner = Lease.claim(RESOURCE)
    owner.release()
    owner.release()
    owner.path.write_bytes(record)
    Lease.claim(RESOURCE).release()
    assert "has not written its name" in caplog.text
