from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hil.bench.hold import BusyError, Hold, holders
from hil.bench.lab import load_lab
from hil.bench.launcher import PCSC_SOCKET_ENV
from hil.lease import Lease

ROOT = Path(__file__).parents[2]
TAKE = """
import sys, time
from hil.bench.hold import Hold
from hil.bench.lab import load_lab
hold = Hold.take(load_lab("example-lab"))
print("taken", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def own_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)


def test_second_owner_is_refused_by_name_until_the_first_dies(lab_folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", TAKE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"taken\n"
        with pytest.raises(BusyError, match=f"process {process.pid}") as caught:
            Hold.take(load_lab("example-lab"))
        assert "TCPIP0::192.0.2.10::5555::SOCKET" in str(caught.value)
        process.kill()
    hold = Hold.take(load_lab("example-lab"))
    hold.release()
    hold.release()


def test_benches_with_nothing_real_are_free(lab_folder: Path) -> None:
    first = Hold.take(load_lab("virtual"))
    second = Hold.take(load_lab("virtual"))
    first.release()
    second.release()


def test_half_a_hold_is_let_go(lab_folder: Path) -> None:
    text = (lab_folder / "example-lab.yaml").read_text()
    (lab_folder / "other.yaml").write_text(text.replace("192.0.2.10", "192.0.2.11"))
    whole = Hold.take(load_lab("example-lab"))
    with pytest.raises(BusyError):  # another supply, but the same reader
        Hold.take(load_lab("other"))
    whole.release()
    Hold.take(load_lab("other")).release()


def test_readers_of_two_daemons_are_not_one(
    lab_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (lab_folder / "example-lab.yaml").read_text()
    other = text.replace("192.0.2.10", "192.0.2.11").replace("A1B2C3D4", "B1B2C3D4")
    (lab_folder / "other.yaml").write_text(other)
    whole = Hold.take(load_lab("example-lab"))
    monkeypatch.setenv(PCSC_SOCKET_ENV, "/run/another/pcscd.comm")
    Hold.take(load_lab("other")).release()
    whole.release()


def test_a_run_that_was_paused_is_told_that_the_bench_is_gone(lab_folder: Path) -> None:
    hold = Hold.take(load_lab("example-lab"))
    hold.check()
    for lease in hold._leases[:1]:
        Lease.fence(lease.name, lease.path, lease.token, note="somebody took over").release()
    with pytest.raises(BusyError, match="somebody took over"):
        hold.check()
    assert len(holders(load_lab("example-lab"))) == 2
    hold.release()
    assert holders(load_lab("example-lab")) == {}
