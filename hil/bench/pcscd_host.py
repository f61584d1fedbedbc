"""The process behind :class:`hil.bench.pcscd.PrivatePcscd`: host of a pcscd and its card slots.

Starts pcscd on a socket of its own by the protocol of sd_listen_fds(3), in a private network where
the system allows it, serves a card slot for each reader, and ends all of it when its standard
input closes or pcscd ends. Lines on standard input: ``cut N`` takes the card out of reader N.
Prints one line of JSON: ``{"ready": "pcscd", ...}`` or ``{"failed": "..."}``.

Runs on the standard library alone.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import random
import select
import shutil
import socket
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from hil.bench import network_namespace
from hil.bench.guardian import Child, EndSignals, User, remove_folder, user_named
from hil.bench.vpcd_relay import CardSlot

_PRIVATE_FIRST_PORT: Final = 35963  # vpcd's own default; free in a network of our own
_SHARED_PORTS: Final = range(20_000, 32_000, 2)  # below the ports that kernels give away
_ATTEMPTS: Final = 5
_LISTEN_STATE: Final = "0A"
SOCKET_NAME: Final = "pcscd.comm"


class HostError(Exception):
    """pcscd did not come up; the text says why."""


@dataclass(frozen=True, slots=True)
class HostOrder:
    """What to host: given as JSON on the command line."""

    folder: str
    pcscd: str
    driver: str
    readers: tuple[str, ...]
    user: str | None
    private_network: bool
    timeout_s: float

    def encode(self) -> str:
        """Return the order as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, text: str) -> HostOrder:
        """Read an order written by :meth:`encode`."""
        fields = json.loads(text)
        return cls(**{**fields, "readers": tuple(fields["readers"])})


def main() -> int:
    """Host one pcscd; return 0 after an orderly end."""
    order = HostOrder.decode(sys.argv[1])
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    signals = EndSignals()
    try:
        slots = [CardSlot(socket.create_server(("127.0.0.1", 0))) for _ in order.readers]
        private = order.private_network and network_namespace.available()
        if private:
            network_namespace.enter()
        pcscd, ports = _start(order, private=private)
    except (HostError, OSError) as err:
        _say(failed=str(err))
        return 1
    else:
        for slot, port in zip(slots, ports, strict=True):
            threading.Thread(target=slot.serve, args=(("127.0.0.1", port),), daemon=True).start()
        _say(
            ready="pcscd",
            card_ports=[slot.port for slot in slots],
            private_network=private,
            pid=pcscd.pid,
        )
        _attend(pcscd, slots, signals)
        pcscd.end()
        return 0
    finally:
        remove_folder(Path(order.folder))


def _say(**fields: object) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def _attend(pcscd: Child, slots: list[CardSlot], signals: EndSignals) -> None:
    pending = b""
    while pcscd.ended() is None:
        ready, _, _ = select.select([0, signals.fd, pcscd.fd], [], [])
        if signals.fd in ready:
            return
        if 0 in ready:
            part = os.read(0, 4096)
            if not part:
                return
            *lines, pending = (pending + part).split(b"\n")
            for line in lines:
                word, _, number = line.partition(b" ")
                if word == b"cut" and number.isdigit() and int(number) < len(slots):
                    slots[int(number)].cut()


def _start(order: HostOrder, *, private: bool) -> tuple[Child, list[int]]:
    """Start pcscd until all its readers listen; only shared ports are worth another attempt."""
    user = user_named(order.user) if order.user else None
    deadline = time.monotonic() + order.timeout_s
    for left in reversed(range(1 if private else _ATTEMPTS)):
        ports = _ports(len(order.readers), private=private)
        _write_configuration(order, ports)
        pcscd = _spawn(order, user)
        try:
            _wait_listening(pcscd, ports, Path(order.folder), deadline)
        except HostError:
            pcscd.end()
            if not left or time.monotonic() > deadline:
                raise
        else:
            return pcscd, ports
    raise AssertionError("unreachable: the last attempt returns or raises")


def _ports(readers: int, *, private: bool) -> list[int]:
    """Choose the first port of a pair for each reader; vpcd takes the one behind it as well."""
    if private:
        return [_PRIVATE_FIRST_PORT + 2 * number for number in range(readers)]
    chosen: list[int] = []
    for port in random.sample(_SHARED_PORTS, len(_SHARED_PORTS)):
        if len(chosen) == readers:
            break
        if _is_free(port) and _is_free(port + 1):
            chosen.append(port)
    return chosen


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
        return True


def _write_configuration(order: HostOrder, ports: list[int]) -> None:
    """One file a reader. The driver keeps its state in static variables: each needs a copy."""
    folder = Path(order.folder)
    configuration = folder / "conf"
    configuration.mkdir(exist_ok=True)
    for number, (name, port) in enumerate(zip(order.readers, ports, strict=True)):
        driver = folder / f"reader-{number}.so" if number else Path(order.driver)
        if not driver.exists():
            shutil.copyfile(order.driver, driver)
            driver.chmod(0o644)
        (configuration / f"reader-{number}").write_text(
            f'FRIENDLYNAME "{name}"\nDEVICENAME /dev/null:{port}\n'
            f"LIBPATH {driver}\nCHANNELID {port}\n",
            encoding="ascii",
        )


def _spawn(order: HostOrder, user: User | None) -> Child:
    folder = Path(order.folder)
    path = folder / SOCKET_NAME
    path.unlink(missing_ok=True)
    log = os.open(folder / "pcscd.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(16)
        if user is not None:
            os.chown(folder, user.uid, user.gid)
            os.chown(path, user.uid, user.gid)
        command = [order.pcscd, "--foreground", "--config", str(folder / "conf")]
        try:
            return Child.spawn(command, user=user, listen=listener, output=log)
        finally:
            os.close(log)


def _wait_listening(pcscd: Child, ports: list[int], folder: Path, deadline: float) -> None:
    while True:
        if pcscd.ended() is not None:
            raise HostError(f"pcscd ended with code {pcscd.ended()}: {_log_tail(folder)}")
        with contextlib.suppress(OSError):  # it ended in between
            if set(ports) <= listening_ports(pcscd.pid):
                return
        if time.monotonic() > deadline:
            raise HostError(f"pcscd did not open its readers in time: {_log_tail(folder)}")
        time.sleep(0.002)


def _log_tail(folder: Path) -> str:
    lines = (folder / "pcscd.log").read_text(encoding="utf-8", errors="replace").splitlines()
    return " / ".join(lines[-3:]) or "it said nothing"


def listening_ports(pid: int) -> set[int]:
    """Return the TCP ports on which process ``pid`` itself listens, in its own network."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        target = _read_link(link)
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    ports = set()
    for line in Path(f"/proc/{pid}/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        if fields[3] == _LISTEN_STATE and fields[9] in inodes:
            ports.add(int(fields[1].partition(":")[2], 16))
    return ports


def _read_link(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:  # closed in between
        return ""
