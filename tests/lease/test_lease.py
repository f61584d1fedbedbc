from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hil.errors import BenchError
from hil.lease import Lease, OwnedError, Owner, holder_of
from hil.lease import lease as module
from hil.lease.lock_file import Entry

THING = "TCPIP0::192.0.2.1::5555::SOCKET"
OWNER = """
import os, signal, sys
from hil.lease import Lease, OwnedError
lease = Lease.claim(sys.argv[1])
print(lease.token, flush=True)
for line in sys.stdin:
    try:
        with lease.sending():
            if line == "stop within\\n":
                os.kill(os.getpid(), signal.SIGSTOP)
        # Behind the message: whoever stops us now must not find us within it.
        print("sent", flush=True)
    except OwnedError as err:
        print(err, flush=True)
"""


class Other:
    """Another process that has the lease; "send" makes it send a message."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWNER, THING],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "CI_JOB_URL": "https://ci/job/7"},
        )
        self.token = int(self.reply())

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def reply(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGSTOP)
        self.until("T")

    def until(self, state: str) -> None:
        deadline = time.monotonic() + 10
        stat = Path(f"/proc/{self.process.pid}/stat")
        while stat.read_text().rpartition(")")[2].split()[0] != state:
            assert time.monotonic() < deadline
            time.sleep(0.005)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HIL_LOCK_DIR", str(tmp_path / "locks"))
    return tmp_path / "locks"


@pytest.fixture
def other() -> Iterator[Other]:
    found = Other()
    with found.process:
        yield found
        found.process.kill()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence counts at once, for what is known to be silent."""
    monkeypatch.setattr(module, "TTL_S", 0.01)
    monkeypatch.setattr(module, "BEAT_S", 0.01)


def test_the_owner_is_named_with_its_job(other: Other) -> None:
    with pytest.raises(OwnedError, match=f"process {other.process.pid}, job https://ci/job/7"):
        Lease.claim(THING)
    assert f"process {other.process.pid}" in holder_of(THING)


def test_a_killed_owner_is_followed_at_once(other: Other, caplog: pytest.LogCaptureFixture) -> None:
    other.process.kill()
    other.until("Z")  # not even waited for by its parent
    assert holder_of(THING) == ""
    lease = Lease.claim(THING)
    assert lease.token == other.token + 1
    assert "without releasing" in caplog.text
    lease.release()


def test_a_paused_owner_that_wakes_up_sends_nothing(other: Other, impatient: None) -> None:
    other.tell("send")
    assert other.reply() == "sent\n"
    other.stop()
    other.tell("send")
    time.sleep(0.02)
    lease = Lease.claim(THING)
    other.process.send_signal(signal.SIGCONT)
    said = other.reply()
    assert f"process {os.getpid()}" in said
    assert "has it now" in said
    with lease.sending():
        pass
    lease.release()


def test_an_owner_stopped_in_mid_message_is_ended(other: Other, impatient: None) -> None:
    other.tell("stop within")
    other.until("T")
    time.sleep(0.02)
    lease = Lease.claim(THING)
    assert other.process.wait(5) == -signal.SIGKILL
    lease.check()
    lease.release()


def test_a_fresh_heartbeat_keeps_a_lease_longer_than_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lease = Lease.claim(THING)
    beats: list[int] = []
    deadline = time.monotonic() + 20
    while len(set(beats)) < 3:
        assert time.monotonic() < deadline
        beats.append(Entry.read(lease.path.read_bytes()).beat_ns)
        time.sleep(0.01)
    with pytest.raises(OwnedError, match="in use by"):
        Lease.claim(THING)
    lease.release()


def test_fencing_takes_the_right_away_and_leaves_the_thing_free() -> None:
    lease = Lease.claim(THING)
    acting = Lease.fence(THING, lease.path, lease.token, note="the watchdog took it: hung")
    with pytest.raises(OwnedError, match="the watchdog took it: hung"):
        lease.check()
    acting.check()
    assert holder_of(THING) == ""
    lease.release(proven=True)  # of one who has no say any more
    assert not Entry.read(acting.path.read_bytes()).proven
    new = Lease.claim(THING)
    with pytest.raises(OwnedError, match="has it now"):
        acting.check()
    with pytest.raises(OwnedError, match="has it now"):
        Lease.fence(THING, new.path, acting.token, note="late")
    new.release()
    acting.release()


def test_what_was_proven_is_written_down() -> None:
    lease = Lease.claim(THING)
    lease.release(proven=True)
    entry = Entry.read(lease.path.read_bytes())
    assert (entry.owner, entry.proven, entry.token) == (None, True, lease.token)
    with pytest.raises(OwnedError, match="given back"):
        lease.check()


def change(path: Path, **fields: object) -> None:
    head, _, record = path.read_bytes().partition(b"\n")
    known = json.loads(record)
    known["owner"] |= fields
    path.write_bytes(head + b"\n" + json.dumps(known).encode())


@pytest.mark.parametrize(
    "fields",
    [{"started": "1"}, {"boot": "another start of this machine"}],
    ids=["number used again", "machine started anew"],
)
def test_an_owner_that_cannot_be_alive_is_followed(other: Other, fields: dict[str, str]) -> None:
    other.stop()
    change(next(Path(os.environ["HIL_LOCK_DIR"]).iterdir()), **fields)
    Lease.claim(THING).release()


def test_an_owner_elsewhere_is_watched(
    other: Other, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = {"host": "lab-2", "boot": "its own", "space": "its own"}
    path = next(folder.iterdir())
    change(path, **elsewhere)
    with pytest.raises(OwnedError, match="lab-2"):
        Lease.claim(THING)
    other.stop()
    monkeypatch.setattr(module, "TTL_S", 0.01)
    change(path, **elsewhere)  # a beat may have rewritten nothing but its own digits
    lease = Lease.claim(THING)
    lease.release()


@pytest.mark.parametrize("kind", [fcntl.LOCK_EX, fcntl.LOCK_SH], ids=["exclusive", "shared"])
def test_a_lock_of_another_program_is_named(
    folder: Path, kind: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LOCK_S", 0.05)
    lease = Lease.claim(THING)
    with lease.path.open("rb") as foreign:
        fcntl.flock(foreign, kind)
        if kind == fcntl.LOCK_EX:
            with pytest.raises(OwnedError, match=f"held by process {os.getpid()}"):
                lease.check()
        else:
            lease.check()
        with pytest.raises(OwnedError, match=rf"held by process {os.getpid()} \("):
            Lease.claim(THING)
    lease.check()
    lease.release()


def test_a_removed_folder_is_noticed(folder: Path) -> None:
    lease = Lease.claim(THING)
    shutil.rmtree(folder)
    with pytest.raises(OwnedError, match="has been removed"):
        lease.check()
    lease.release()


def test_a_file_overwritten_under_its_owner_fences_it() -> None:
    lease = Lease.claim(THING)
    lease.path.write_text("something else")
    with pytest.raises(OwnedError, match="overwritten"):
        lease.check()
    new = Lease.claim(THING)
    assert new.token > lease.token
    new.release()
    lease.release()


@pytest.mark.parametrize("mode", [0o000, 0o444])
def test_a_file_that_may_not_be_written_is_named(folder: Path, mode: int) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everything")
    Lease.claim(THING).release()
    path = next(folder.iterdir())
    path.chmod(mode)
    with pytest.raises(BenchError, match="HIL_LOCK_DIR"):
        Lease.claim(THING)


def test_a_folder_in_its_place_is_named(folder: Path) -> None:
    Lease.claim(THING).release()
    path = next(folder.iterdir())
    path.unlink()
    path.mkdir()
    with pytest.raises(BenchError, match="Is a directory; set HIL_LOCK_DIR"):
        Lease.claim(THING)


def test_a_link_in_its_place_is_not_followed(folder: Path, tmp_path: Path) -> None:
    Lease.claim(THING).release()
    path = next(folder.iterdir())
    path.unlink()
    (tmp_path / "precious").write_text("precious")
    path.symlink_to(tmp_path / "precious")
    with pytest.raises(BenchError, match="cannot open its lock file"):
        Lease.claim(THING)
    assert (tmp_path / "precious").read_text() == "precious"


def test_only_one_of_many_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    won: list[Lease] = []
    refused: list[OwnedError] = []

    def claim() -> None:
        try:
            won.append(Lease.claim(THING))
        except OwnedError as err:
            refused.append(err)

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (len(won), len(refused)) == (1, 7)
    won[0].release()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda record: record.replace('"pid": ', '"pid": "1", "x": '),
        lambda record: record.replace('"user"', '"nobody"'),
        lambda _: "[]",
        lambda _: "",
    ],
)
def test_a_record_that_names_nobody_is_read_as_unreadable(spoil: Callable[[str], str]) -> None:
    entry = Entry(7, 8, owner=Owner.this_process())
    assert Entry.read(entry.text) == entry
    head, _, record = entry.text.partition(b"\n")
    assert Entry.read(head + b"\n" + spoil(record.decode()).encode()).token == -1
