"""Virtual parts by themselves, as equipment that a bench file calls real.

Run as a process it starts a supply, a card in a PC/SC reader and a device, says where they are in
one line of JSON, and ends them when its standard input ends. A process of its own, because the
PC/SC library of a process finds its service once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hil.bench.lab import load_lab
from hil.bench.launcher import PCSC_SOCKET_ENV, Launcher
from tests.docs.pages import ROOT


@dataclass(frozen=True, slots=True)
class Equipment:
    """What stands on the bench: VISA resource, reader, serial port, environment to find them."""

    visa: str
    reader: str
    port: str
    environment: Mapping[str, str]

    def into(self, text: str) -> str:
        """Return the text of a page with the addresses of this equipment in it."""
        port = "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A1B2C3D4-if00-port0"
        text = text.replace("TCPIP0::192.0.2.10::5555::SOCKET", self.visa)
        return text.replace("^OMNIKEY.* 00 00$", self.reader).replace(port, self.port)


@contextmanager
def equipment(folder: Path) -> Iterator[Equipment]:
    with (
        (folder / "equipment.log").open("w") as log,
        subprocess.Popen(
            [sys.executable, "-m", "tests.docs.equipment"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line, (folder / "equipment.log").read_text()
            yield Equipment(**json.loads(line))
        finally:
            process.stdin.close()
            process.wait(20)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="hil-", ignore_cleanup_errors=True) as folder:
        launcher = Launcher(load_lab(str(ROOT / "lab-config" / "virtual.yaml")), Path(folder))
        try:
            reader = launcher.card()
            found = {
                "visa": launcher.power_supply(),
                "reader": reader.reader,
                "port": launcher.device(),
                "environment": {PCSC_SOCKET_ENV: os.environ[PCSC_SOCKET_ENV]},
            }
            sys.stdout.write(json.dumps(found) + "\n")
            sys.stdout.flush()
            sys.stdin.read()
        finally:
            launcher.close()


if __name__ == "__main__":
    main()
