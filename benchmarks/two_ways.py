"""Image mode against OTA over SMS in one run, on the virtual bench, for the same kind of profile.

The air is a model without delay: what is measured is the work of server, device and card. A second
row adds the modelled delay of a real short-message channel, and says so.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from hil.bench.bench import Bench
from hil.bench.desk import Desk
from hil.bench.device_owner import DeviceOwner
from hil.bench.esim import Esim
from hil.bench.image_maker import ImageMaker
from hil.bench.lab import load_lab
from hil.bench.profile_maker import LabProfile
from hil.provisioning.orders import ProfileRequest
from hil.provisioning.sm_sr.packing import MessageSize, fewest_messages
from hil.wire.device_auth import DeviceKeySet

ROUNDS: Final = 3
SMS_S: Final = 2.0
"""Modelled time of one short message on a signalling channel; nobody measured it."""
JOB_S: Final = 120.0
MESSAGES_AROUND: Final = 2
"""Short messages around the packets: CreateISDP before them, EnableProfile after them."""

Row = dict[str, Any]


class _Line:
    """The bench with everything that both ways need."""

    def __init__(self, bench: Bench, desk: Desk) -> None:
        lab = bench.lab
        if not (lab.device_keys and lab.euicc_keys):
            raise RuntimeError("the bench of this benchmark needs its key sets")
        keys = lab.device_keys
        self.desk = desk
        self.esim = Esim(bench.card, lab.euicc_keys)
        self.owner = DeviceOwner(bench.device, DeviceKeySet(keys.kvn, keys.auth, keys.enc))
        self.maker = ImageMaker(lab, self.esim, "development")

    def by_image(self) -> tuple[float, LabProfile]:
        """Send an image, restart, install; return the seconds and the profile."""
        profile = self.maker.profile()
        raw = self.maker.sealed(profile)
        began = time.perf_counter()
        self.owner.authenticate()
        self.owner.device.send_image(raw)
        self.owner.device.reboot()
        report = self.owner.device.wait_installed(timeout_s=JOB_S)
        seconds = time.perf_counter() - began
        if report.result != "installed":
            raise RuntimeError(f"image: {report.result} {report.reason}")
        self.esim.restore()
        return seconds, profile

    def by_air(self) -> tuple[float, int]:
        """Install over the air; return the seconds and the number of short messages."""
        request = ProfileRequest(mno="mno-2", targets=(self.esim.eid(),))
        (ordered,) = self.desk.sm_dp().place(request).profiles
        sm_sr = self.desk.sm_sr("sm-sr-1")
        began = time.perf_counter()
        job = sm_sr.wait(sm_sr.download(ordered.iccid, enable=True), timeout_s=JOB_S)
        seconds = time.perf_counter() - began
        if job.state != "done":
            raise RuntimeError(f"over the air: {job.state} {job.reason}")
        self.esim.restore()
        return seconds, job.messages


def run() -> list[Row]:
    """Return the rows of this benchmark."""
    with (
        tempfile.TemporaryDirectory(prefix="hil-") as folder,
        Bench(load_lab("virtual"), Path(folder)) as bench,
        Desk(bench.servers) as desk,
    ):
        line = _Line(bench, desk)
        rounds = [(line.by_image(), line.by_air()) for _ in range(ROUNDS)]
    image_s = sorted(one[0][0] for one in rounds)[ROUNDS // 2]
    air_s = sorted(one[1][0] for one in rounds)[ROUNDS // 2]
    messages = rounds[-1][1][1]
    sizes = [len(packet.command) for packet in rounds[-1][0][1].packets.packets]
    least = fewest_messages(sizes, MessageSize()) + MESSAGES_AROUND
    modelled_s = air_s + messages * SMS_S
    return [
        _row("image, send to installed", image_s, "s", None),
        _row("over the air, the same kind of profile", air_s, "s", image_s, note="air: no delay"),
        _row(
            "over the air with modelled delays",
            modelled_s,
            "s",
            image_s,
            note=f"MODELLED: {SMS_S:g} s for each of {messages} short messages",
        ),
        {
            **_row("short messages of one installation", float(messages), "messages", float(least)),
            "limit": 1.0,
            "ok": messages <= least,
            "note": "reference: theoretical minimum for these bytes",
        },
    ]


def _row(name: str, value: float, unit: str, reference: float | None, *, note: str = "") -> Row:
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "reference": reference,
        "ratio": None if reference is None else value / reference,
        "limit": None,
        "ok": True,
        "note": note,
    }


if __name__ == "__main__":
    for row in run():
        print(json.dumps(row))
