"""A private PC/SC service with virtual readers, for one run: unprivileged, on a socket of its own.

The client finds it by :attr:`PrivatePcscd.environment`, which must be in place *before the first*
PC/SC call of a process: libpcsclite reads it once. A virtual card connects to
``127.0.0.1:card_port`` and speaks vpcd's protocol.

Exposure: the vpcd driver (3.3) listens on all addresses, and its other mode, in which it connects
to the card, aborts pcscd as soon as one connection is lost. So pcscd runs in a private network
(:mod:`hil.bench.network_namespace`) and the card slots (:mod:`hil.bench.vpcd_relay`) reach it from
127.0.0.1. Where the system forbids private networks (a container without CAP_SYS_ADMIN and without
user namespaces) the driver's ports are open to the network while the bench runs, and
:attr:`PrivatePcscd.exposure` says so: any host that reaches them may then insert a card.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import logging
import os
import re
import secrets
import select
import shutil
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from hil.bench.guardian import close_lifeline, python_command, remove_folder
from hil.bench.pcscd_host import SOCKET_NAME, HostOrder
from hil.errors import BenchError, UsageError

_log = logging.getLogger(__name__)

MAX_READERS: Final = 8  # vpcd makes two of each entry, and pcscd has room for 16
_SERVICE_ACCOUNT: Final = "nobody"
_RUN_FOLDER: Final = Path("/run/pcscd")
_DRIVER_FOLDERS: Final = ("/usr/lib", "/usr/local/lib", "/usr/lib64")
_DRIVER: Final = "pcsc/drivers/serial/libifdvpcd.so"
# The path of a socket has at most 107 bytes: a folder near the root.
_FOLDER: Final = Path(f"/tmp/hil-pcsc-{os.getpid()}-{secrets.token_hex(4)}")  # noqa: S108
_HOST_START_S: Final = 0.5
_READER_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,60}")


class PcscdError(BenchError):
    """The private PC/SC service cannot be started, or ended; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that the private PC/SC service needs and this machine lacks."""

    what: str
    command: str

    def __str__(self) -> str:
        return f"{self.what}; mend it with: {self.command}"


def missing() -> list[Missing]:
    """Return what must be installed before readers can be served; empty when all is there."""
    found = []
    if find_pcscd() is None:
        found.append(Missing("the PC/SC service pcscd is missing", "sudo apt install pcscd"))
    if find_driver() is None:
        found.append(
            Missing(
                "the virtual reader driver vpcd is missing",
                "sudo apt install vsmartcard-vpcd",
            )
        )
    try:
        ctypes.CDLL("libpcsclite.so.1")
    except OSError:
        found.append(
            Missing("the PC/SC library libpcsclite is missing", "sudo apt install libpcsclite1")
        )
    if importlib.util.find_spec("smartcard") is None:
        found.append(
            Missing(
                "the Python package pyscard is missing",
                "sudo apt install build-essential python3-dev swig libpcsclite-dev "
                "&& pip install 'hil-esim[pcsc]'",
            )
        )
    if not _RUN_FOLDER.is_dir() and os.geteuid() != 0:
        found.append(
            Missing(f"the folder {_RUN_FOLDER} is missing", f"sudo install -d {_RUN_FOLDER}")
        )
    return found


def exposure_note() -> str | None:
    """Return what a doctor says about open ports on this machine, ``None`` if there are none."""
    probe = subprocess.run(python_command("hil.bench.network_namespace"), check=False, timeout=10)
    if probe.returncode == 0:
        return None
    return (
        "the ports of the virtual readers (TCP 20000 to 32000) listen on all addresses, because "
        "this system allows no private network: run the bench behind a firewall"
    )


def find_pcscd() -> Path | None:
    """Return the program, also when ``sbin`` is not in the search path."""
    path = shutil.which("pcscd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    return Path(path) if path else None


def find_driver() -> Path | None:
    """Return the vpcd driver."""
    for base in _DRIVER_FOLDERS:
        for folder in (Path(base), *Path(base).glob("*-linux-gnu*")):
            if (folder / _DRIVER).is_file():
                return folder / _DRIVER
    return None


class PrivatePcscd:
    """A running private PC/SC service. A context manager; :meth:`stop` may be called twice.

    It also ends, with its files, when the starting process is killed.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], folder: Path, names: tuple[str, ...]
    ) -> None:
        self._process = process
        self._folder = folder
        self._lock = threading.Lock()
        self.reader_names = tuple(f"{name} 00 00" for name in names)
        self.vpcd_ports: tuple[int, ...] = ()
        self.pid = 0
        self.exposure: str | None = None

    @classmethod
    def start(
        cls,
        readers: int = 1,
        *,
        timeout_s: float = 10.0,
        name: str = "hil virtual reader",
        private_network: bool = True,
    ) -> Self:
        """Start the service with 1 to 8 readers and wait until they can be used.

        The readers are called ``<name> <number> 00 00``, with numbers from 1. Raises
        :class:`PcscdError` when a package is missing or the service is not up in ``timeout_s``.
        """
        if not 1 <= readers <= MAX_READERS or not _READER_NAME.fullmatch(name):
            raise UsageError(
                f"{readers} readers named {name!r}: give 1 to {MAX_READERS} readers and a name of "
                "letters, digits, spaces, dots, dashes"
            )
        if lacking := missing():
            raise PcscdError("; ".join(map(str, lacking)))
        pcscd, driver = find_pcscd(), find_driver()
        names = tuple(f"{name} {number}" for number in range(1, readers + 1))
        root = os.geteuid() == 0
        if root:
            _RUN_FOLDER.mkdir(exist_ok=True)
        folder = _make_folder()
        order = HostOrder(
            folder=str(folder),
            pcscd=str(pcscd),
            driver=str(driver),
            readers=names,
            user=_SERVICE_ACCOUNT if root else None,
            private_network=private_network,
            # The host gives up first, so that its reason is heard within our deadline.
            timeout_s=max(timeout_s - _HOST_START_S, timeout_s / 2),
        )
        service = cls(_spawn(order), folder, names)
        try:
            service._await_ready(time.monotonic() + timeout_s)
        except BaseException:
            service.stop()
            raise
        return service

    @property
    def environment(self) -> dict[str, str]:
        """What a client process needs in its environment before its first PC/SC call."""
        return {"PCSCLITE_CSOCK_NAME": str(self._folder / SOCKET_NAME)}

    @property
    def vpcd_port(self) -> int:
        """The port on 127.0.0.1 for the card of the first reader."""
        return self.vpcd_ports[0]

    @property
    def reader_patterns(self) -> tuple[str, ...]:
        """Regular expressions that match exactly one reader each."""
        return tuple(f"^{re.escape(name)}$" for name in self.reader_names)

    def ended(self) -> bool:
        """Whether the service is gone."""
        return self._process.poll() is not None

    def cut(self, reader: int = 0) -> None:
        """Take the card out of a reader: ends a command that the card never answers.

        A card that connects again is a newly inserted one. Does nothing once the service is gone.
        """
        if not 0 <= reader < len(self.reader_names):
            raise UsageError(f"reader {reader} of {len(self.reader_names)} does not exist")
        stdin = self._process.stdin
        with self._lock:
            try:
                if stdin is not None and not stdin.closed:
                    stdin.write(b"cut %d\n" % reader)
                    stdin.flush()
            except BrokenPipeError:
                _log.warning("the private PC/SC service is gone, there is no card to take out")

    def stop(self, *, timeout_s: float = 5.0) -> None:
        """End the service, its readers and its files."""
        with self._lock:
            close_lifeline(self._process, timeout_s=timeout_s)
        remove_folder(self._folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _await_ready(self, deadline: float) -> None:
        line = _read_line(self._process, deadline)
        try:
            answer = json.loads(line)
        except ValueError:
            answer = {"failed": f"its host said {line[:200]!r}"} if line else {}
        if answer.get("ready") != "pcscd":
            reason = answer.get("failed", "its host was not ready in time")
            raise PcscdError(f"the private PC/SC service did not start: {reason}")
        self.vpcd_ports = tuple(answer["card_ports"])
        self.pid = answer["pid"]
        if not answer["private_network"]:
            self.exposure = (
                "vpcd listens on all addresses: no private network on this system or not wanted"
            )
            _log.warning("%s", self.exposure)


def _make_folder() -> Path:
    """Return a new private folder, at the same path each time unless another service lives there.

    libpcsclite remembers the path of the first socket it spoke to for as long as a process lives:
    so one service after the other can be used in one process.
    """
    try:
        _FOLDER.mkdir(mode=0o700)
    except FileExistsError:
        return Path(tempfile.mkdtemp(prefix="hil-pcsc-", dir=_FOLDER.parent))
    return _FOLDER


def _spawn(order: HostOrder) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        python_command("hil.bench.pcscd_host", order.encode()),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # Ctrl-C must not end the readers before teardown has used them.
        start_new_session=True,
    )


def _read_line(process: subprocess.Popen[bytes], deadline: float) -> bytes:
    assert process.stdout is not None  # noqa: S101  (we asked for the pipe)
    number, line = process.stdout.fileno(), b""
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([number], [], [], max(0.0, deadline - time.monotonic()))
        part = os.read(number, 65_536) if ready else b""
        if not part:
            return line
        line += part
    return line
