"""Image transfer: share of the line rate on paced lines, and send to installed on a free one.

A pty has no baud rate. So the line is paced here: a second pty pair stands in between, and bytes
go through it no faster than 8N1 at the given rate (ten bits a byte), each way. Rate and share are
therefore those of a modelled line; the driver, the device's firmware and the protocol are the
real ones.
"""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import tempfile
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from hil.equipment.device import Device
from hil.virtual.euicc import open_card
from hil.virtual.euicc.contacts import Contacts
from hil.wire.download import prepare_packets
from hil.wire.identifiers import isd_p_aid
from hil.wire.image import Image, SigningKey, seal
from hil.wire.install_script import prepare_install
from hil.wire.isdp_keys import derive
from hil.wire.profile_package.generate import ProfileData, generate
from hil.wire.scp03_keys import KeySet

Row = dict[str, object]

EID: Final = "89049032123451234512345678901235"
BITS_PER_BYTE: Final = 10
LINE_SHARE: Final = 0.95
INSTALLED_S: Final = 1.0
PROFILE_BYTES: Final = 12_163
PACED: Final = ((115_200, 50_000), (921_600, 200_000))
"""Baud rate, and image bytes: enough for about two to four seconds on the line."""

_SLICE_S: Final = 0.001
_ISD_R: Final = KeySet(0x30, bytes([1] * 16), bytes([2] * 16), bytes([3] * 16))
_BASE: Final = KeySet(0x30, bytes([4] * 16), bytes([5] * 16), bytes([6] * 16))
_AID: Final = isd_p_aid(0x11)
_SIGNER: Final = SigningKey.generate("development")


class PacedLine:
    """A pty pair in front of the device's; forwards at most ``baud`` / 10 bytes a second each way.

    A piece arrives when its last byte would. The pace is kept against the clock, so that a late
    wake-up of this process is caught up, but only while bytes wait: an idle line owes nothing.
    """

    def __init__(self, device_port: str, baud: int) -> None:
        self._device = os.open(device_port, os.O_RDWR | os.O_NOCTTY)
        self._far, self._near = pty.openpty()
        tty.setraw(self._near)
        self.port = os.ttyname(self._near)
        self._rate = baud / BITS_PER_BYTE
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._forward, args=ends, daemon=True)
            for ends in ((self._far, self._device), (self._device, self._far))
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Take the line away."""
        self._ended.set()
        for thread in self._threads:
            thread.join(2)
        for end in (self._far, self._near, self._device):
            with suppress(OSError):
                os.close(end)

    def _forward(self, source: int, sink: int) -> None:
        free_at = time.monotonic()
        while not self._ended.is_set():
            if not select.select([source], [], [], 0)[0]:
                if not select.select([source], [], [], 0.05)[0]:
                    continue
                free_at = time.monotonic()
            late_s = max(time.monotonic() - free_at, 0.0)
            data = os.read(source, max(int((late_s + _SLICE_S) * self._rate), 1))
            free_at += len(data) / self._rate
            time.sleep(max(free_at - time.monotonic(), 0))
            os.write(sink, data)


@contextmanager
def _device(folder: Path, esim: str) -> Iterator[str]:
    config = folder / "device.json"
    config.write_text(
        json.dumps(
            {
                "device_id": "BENCH",
                "eid": EID,
                "manner": "skip",
                "boot_s": 0,
                "signing_keys": {"development": _SIGNER.public_pem().decode()},
            }
        )
    )
    command = [sys.executable, "-m", "hil.virtual.device", "--lifeline", "--esim", esim]
    command += ["--state", str(folder / "state"), "--config", str(config)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield str(json.loads(process.stdout.readline())["port"])
        process.stdin.close()
        process.wait(10)


def _image(size: int) -> bytes:
    data = ProfileData(
        iccid="8949012345678901236", imsi="262011234567890", k=bytes(range(16)), opc=bytes(16)
    )
    package = generate(data, profile_class="operational", size=size)
    packets, _ = prepare_packets(package, derive(_BASE, _AID), _AID, 1, bytes(8))
    script = prepare_install(_ISD_R, 1, bytes(8), isdp_aid=_AID, memory=100_000, enable=True)
    image = Image(
        image_id="benchmark",
        eid=EID,
        iccid=data.iccid,
        isdp_aid=_AID,
        mno="MNO",
        sm_dp="SM-DP",
        profile_type="prepaid",
        profile_class="operational",
        counter=1,
        steps_before=script.before,
        packets=packets,
        steps_after=script.after,
    )
    return seal(image, _SIGNER)


def _row(name: str, value: float, unit: str, reference: float, limit: float, *, ok: bool) -> Row:
    return {
        "name": name,
        "value": round(value, 4),
        "unit": unit,
        "reference": round(reference, 4),
        "ratio": round(value / reference, 4),
        "limit": limit,
        "ok": ok,
    }


def paced(baud: int, size: int) -> Row:
    """Send one image of ``size`` bytes over a line of ``baud``; the whole call counts."""
    raw = _image(size)
    with tempfile.TemporaryDirectory() as name, _device(Path(name), "none") as port:
        line = PacedLine(port, baud)
        try:
            with Device.open(line.port, baudrate=baud, timeout_s=10) as device:
                device.authenticate()
                started = time.perf_counter()
                device.send_image(raw)
                rate = len(raw) / (time.perf_counter() - started)
        finally:
            line.close()
    reference = baud / BITS_PER_BYTE
    return _row(
        f"image transfer, {len(raw)} bytes at {baud} baud (paced)",
        rate,
        "byte/s",
        reference,
        LINE_SHARE,
        ok=rate / reference >= LINE_SHARE,
    )


def send_to_installed() -> Row:
    """Send a 12 kB profile over a free line and install it by command; seconds for both."""
    raw = _image(PROFILE_BYTES)
    keys = {"kvn": 0x30, "counter": 0}
    factory = {
        "eid": EID,
        "isd_r": {"scp80": [], "scp03": [keys | _hex(_ISD_R)]},
        "isd_p_base": {"kvn": 0x30} | _hex(_BASE),
        "memory": 500_000,
    }
    with tempfile.TemporaryDirectory() as name:
        card = open_card(Path(name) / "card", factory)
        contacts = Contacts(card)
        try:
            host, port = contacts.serve("127.0.0.1", 0)
            with (
                _device(Path(name), f"socket:{host}:{port}") as serial,
                Device.open(serial, baudrate=921_600, timeout_s=10) as device,
            ):
                device.authenticate()
                started = time.perf_counter()
                device.send_image(raw)
                device.install(timeout_s=10)
                seconds = time.perf_counter() - started
        finally:
            contacts.close()
            card.close()
    return _row(
        f"send to installed, {PROFILE_BYTES}-byte profile, unpaced",
        seconds,
        "s",
        INSTALLED_S,
        INSTALLED_S,
        ok=seconds <= INSTALLED_S,
    )


def _hex(keys: KeySet) -> dict[str, object]:
    return {"enc": keys.enc.hex(), "mac": keys.mac.hex(), "dek": keys.dek.hex()}


def run() -> list[Row]:
    """Return the rows of this benchmark."""
    return [*(paced(baud, size) for baud, size in PACED), send_to_installed()]


if __name__ == "__main__":
    for row in run():
        print(json.dumps(row))
