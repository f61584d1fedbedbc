"""A virtual supply as its own process, for tests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from socket import create_connection
from typing import Any

SERIAL = "DP8C123456789"


@dataclass(frozen=True)
class Part:
    """A running virtual supply."""

    process: subprocess.Popen[bytes]
    resource: str
    copper: str
    control_address: str
    hislip: str = ""

    @property
    def port(self) -> int:
        return int(self.resource.split("::")[2])

    def raw_control(self, request: bytes) -> dict[str, Any]:
        host, _, port = self.control_address.rpartition(":")
        with create_connection((host, int(port)), timeout=5) as line:
            line.sendall(request + b"\n")
            with line.makefile("rb") as replies:
                answer: dict[str, Any] = json.loads(replies.readline())
        return answer

    def control(self, request: dict[str, Any]) -> dict[str, Any]:
        answer = self.raw_control(json.dumps(request).encode())
        assert answer["ok"], answer
        return answer

    def channel(self, number: int) -> dict[str, Any]:
        state: dict[str, Any] = self.control({"state": True})["channels"][str(number)]
        return state

    def well(self) -> None:
        """Take every fault back and start from power-up."""
        self.control({"clear": True})
        self.control({"identity": f"RIGOL TECHNOLOGIES,DP832,{SERIAL},00.01.14"})
        for number in (1, 2, 3):
            self.control({"stuck": number, "value": False})
        self.control({"load": {"1": None, "2": None, "3": None}})
        self.control({"reboot": True})


@contextmanager
def start_part(*arguments: str) -> Iterator[Part]:
    """Start a virtual supply, a DP832 by default, and end it through its lifeline."""
    command = [
        *(sys.executable, "-m", "hil.virtual.power_supply", "--lifeline", "--serial", SERIAL),
        *("--control-port", "0", *arguments),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            ready = json.loads(process.stdout.readline())
            assert ready["ready"] == "power-supply"
            yield Part(
                process,
                ready["resource"],
                ready["copper"],
                ready["control"],
                ready.get("hislip", ""),
            )
        finally:
            process.stdin.close()
            process.wait(10)
