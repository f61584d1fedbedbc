from __future__ import annotations

import asyncio
import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol

import pytest

from hil.equipment.device import Device
from hil.errors import HilError
from hil.virtual.device.assembly import Surroundings, running_device
from hil.virtual.device.config import DeviceConfig, parse_config
from hil.wire.device_auth import CommandAuthorization, DeviceKeySet, authorize_mode
from hil.wire.download import prepare_packets
from hil.wire.identifiers import isd_p_aid
from hil.wire.image import Image, SigningKey, seal
from hil.wire.install_script import prepare_install
from hil.wire.isdp_keys import derive
from hil.wire.profile_package.generate import ProfileData, generate
from hil.wire.scp03_keys import KeySet
from tests.virtual_device.scripted_card import ScriptedCard

EID = "89049032123451234512345678901235"
DEVICE_ID = "DUT-0001"
KEYS = DeviceKeySet(1, bytes(range(16)), bytes(range(16, 32)))
ISD_R_KEYS = KeySet(0x30, bytes([0x11] * 16), bytes([0x22] * 16), bytes([0x33] * 16))
BASE_KEYS = KeySet(0x30, bytes([0x44] * 16), bytes([0x55] * 16), bytes([0x66] * 16))
AID = isd_p_aid(0x11)
SIGNERS = {
    "development": SigningKey.generate("development"),
    "commercial": SigningKey.generate("commercial"),
}
ICCIDS = {"operational": "8949012345678901236", "test": "8900112345678901239"}
IMSIS = {"operational": "262011234567890", "test": "001010123456789"}


@cache
def make_package(kind: Literal["operational", "test"]) -> bytes:
    """Return a profile package with real content."""
    data = ProfileData(iccid=ICCIDS[kind], imsi=IMSIS[kind], k=bytes(range(16)), opc=bytes(16))
    return generate(data, profile_class=kind, size=5_000)


def make_image(  # every argument is one way to spoil an image
    *,
    counter: int = 1,
    eid: str = EID,
    device_id: str | None = DEVICE_ID,
    kind: Literal["operational", "test"] = "operational",
    claimed: str | None = None,
    disclose: bool | None = None,
    image_id: str = "image-1",
    isd_r_keys: KeySet = ISD_R_KEYS,
    enable: bool = True,
) -> Image:
    packets, s_enc = prepare_packets(
        make_package(kind), derive(BASE_KEYS, AID), AID, 1, bytes(range(8))
    )
    script = prepare_install(
        isd_r_keys, counter, bytes(range(8, 16)), isdp_aid=AID, memory=60_000, enable=enable
    )
    shown = claimed or kind
    return Image(
        image_id=image_id,
        eid=eid,
        iccid=ICCIDS[kind],
        isdp_aid=AID,
        mno="MNO",
        sm_dp="SM-DP",
        profile_type="prepaid",
        profile_class="test" if shown == "test" else "operational",
        counter=counter,
        steps_before=script.before,
        packets=packets,
        steps_after=script.after,
        device_id=device_id,
        disclosed_key=s_enc if (disclose if disclose is not None else shown == "test") else None,
    )


def key_fields(keys: KeySet) -> dict[str, object]:
    """Return an SCP03 key set as a factory file has it."""
    return {
        "kvn": keys.kvn,
        "enc": keys.enc.hex(),
        "mac": keys.mac.hex(),
        "dek": keys.dek.hex(),
    }


def seal_image(image: Image, kind: str = "development", key: bytes | None = KEYS.enc) -> bytes:
    return seal(image, SIGNERS[kind], key)


def authenticate(device: Device, keys: DeviceKeySet = KEYS) -> str:
    nonce = secrets.token_bytes(16)
    hello = device.hello(nonce)
    assert hello.proves_device(keys, nonce)
    return device.authenticate(hello.server_proof(keys, nonce))


def order_mode(device: Device, mode: str, keys: DeviceKeySet = KEYS) -> CommandAuthorization:
    identity = device.identity()
    return authorize_mode(
        keys,
        device_id=identity.device_id,
        eid=identity.eid,
        server_nonce=secrets.token_bytes(16),
        device_nonce=device.challenge(),
        mode=mode,
    )


def command_mode(device: Device, mode: str) -> None:
    device.set_mode(mode, order_mode(device, mode))


class Running(Protocol):
    """A device that runs, and a driver on its port."""

    device: Device

    def end(self) -> None:
        """Switch it off; it must end cleanly."""


class InThread:
    """The firmware on a loop of its own in this process: starts in a few milliseconds."""

    def __init__(self, config: DeviceConfig, surroundings: Surroundings) -> None:
        self._config, self._surroundings = config, surroundings
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._port: Future[str] = Future()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.ended = False
        self.device = Device.open(self._port.result(10), baudrate=921_600, wait=False)

    def _run(self) -> None:
        with closing(self._loop):
            self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        try:
            async with running_device(self._config, self._surroundings) as running:
                self._board = running.board
                self._port.set_result(running.port)
                await self._stop.wait()
        except HilError as err:
            self._port.set_exception(err)

    def wait_ready(self) -> None:
        deadline = time.monotonic() + 10
        while not self._board.serving and time.monotonic() < deadline:
            time.sleep(0.002)
        self.device.wait_ready(timeout_s=10)

    def end(self) -> None:
        self.device.close()
        if not self.ended:
            self.ended = True
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)
            assert not self._thread.is_alive()


class AsProcess:
    """The firmware as users run it: ``python -m hil.virtual.device``."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hil.virtual.device", "--lifeline", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **environment},
        )
        self._ended = False
        assert self.process.stdout is not None
        self.ready = json.loads(self.process.stdout.readline())
        self.port = str(self.ready["port"])
        self.device = Device.open(self.port, baudrate=921_600, wait=False)

    def kill(self) -> None:
        """Cut the power as hard as a process can be cut."""
        self.device.close()
        self.process.kill()
        self._reap()

    def end(self) -> None:
        self.device.close()
        if not self._ended:
            assert self.process.stdin is not None
            self.process.stdin.close()
            assert self._reap() == 0

    def _reap(self) -> int:
        code = self.process.wait(10)
        self._ended = True
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()
        return code


@dataclass
class Workbench:
    """Starts devices that share one state folder, so that starting again is a power cycle."""

    folder: Path
    running: list[Running] = field(default_factory=list)
    cards: list[ScriptedCard] = field(default_factory=list)

    def card(self, eid: str = EID) -> ScriptedCard:
        card = ScriptedCard(eid)
        self.cards.append(card)
        return card

    def config(self, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
        return {
            "device_id": DEVICE_ID,
            "eid": EID,
            "boot_s": 0.001,
            "transfer_idle_s": 0.5,
            "lockout_s": 0.3,
            "key_set": {"kvn": 1, "auth": KEYS.auth.hex(), "enc": KEYS.enc.hex()},
            "signing_keys": {k: s.public_pem().decode() for k, s in SIGNERS.items()},
        } | changes

    def start(
        self,
        *,
        esim: str = "none",
        copper: str = "none",
        radio: str = "none",
        wait: bool = True,
        **config: Any,  # noqa: ANN401
    ) -> Device:
        surroundings = Surroundings(self.folder / "state", esim=esim, copper=copper, radio=radio)
        running = InThread(parse_config(self.config(**config)), surroundings)
        self.running.append(running)
        if wait:
            running.wait_ready()
        return running.device

    def start_process(
        self,
        *arguments: str,
        esim: str = "none",
        environment: Mapping[str, str] | None = None,
        **config: Any,  # noqa: ANN401
    ) -> AsProcess:
        file = self.folder / "device.json"
        file.write_text(json.dumps(self.config(**config)))
        state = str(self.folder / "state")
        running = AsProcess(
            ["--state", state, "--config", str(file), "--esim", esim, *arguments],
            environment or {},
        )
        self.running.append(running)
        running.device.wait_ready(timeout_s=10)
        return running

    def restart(self, *, esim: str = "none", copper: str = "none", **config: Any) -> Device:  # noqa: ANN401
        """End the present device and start one from the same state: a power cycle."""
        self.running[-1].end()
        return self.start(esim=esim, copper=copper, **config)


@pytest.fixture
def workbench(tmp_path: Path) -> Iterator[Workbench]:
    bench = Workbench(tmp_path)
    yield bench
    for running in bench.running:
        running.end()
    for card in bench.cards:
        card.close()
