"""A device on the cable, in this process: proofs, one image in its memory, a virtual eUICC."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from hil.errors import BenchError
from hil.virtual.euicc import VirtualCard
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.device_auth import (
    CommandAuthorization,
    DeviceHello,
    DeviceKeySet,
    JigReading,
    Manner,
    ProofExchange,
    Purpose,
    prove,
    verify,
)
from hil.wire.image import Image, PublicKey, SigningKind, open_image
from hil.wire.install_script import store_data_blocks
from hil.wire.script_step import ScriptStep
from tests.provisioning.air import transmit

NO_ORDER = CommandAuthorization(b"", b"")


@dataclass
class Installed:
    result: str = "none"
    reason: str = ""
    image_id: str = ""


@dataclass
class Status:
    last_install: Installed


@dataclass
class LineDevice:
    """What a device does on the line; it installs when :meth:`boot` is called."""

    device_id: str
    eid: str
    keys: DeviceKeySet
    card: VirtualCard
    trusted: Mapping[SigningKind, PublicKey]
    manner: Manner = Manner.KEY_SET
    last: Installed = field(default_factory=Installed)
    image: bytes | None = None
    mode: str = "first"
    granted: bool = False
    _hello: tuple[bytes, bytes] = (b"", b"")
    _nonce: bytes = b""

    def hello(self, server_nonce: bytes) -> DeviceHello:
        device_nonce = secrets.token_bytes(16)
        self._hello = (server_nonce, device_nonce)
        jig = JigReading("open", accepted=False, volts=0.0)

        def proof(purpose: Purpose, extra: bytes) -> bytes:
            exchange = ProofExchange(self.device_id, self.eid, server_nonce, device_nonce, extra)
            return prove(self.keys, purpose, exchange)

        return DeviceHello(
            self.device_id,
            self.eid,
            self.manner,
            device_nonce,
            self.keys.kvn,
            proof(Purpose.DEVICE, self.manner.encode()),
            jig,
            proof(Purpose.JIG, jig.claim),
        )

    def authenticate(self, server_proof: bytes = b"") -> str:
        exchange = ProofExchange(self.device_id, self.eid, *self._hello)
        if not verify(server_proof, self.keys, Purpose.SERVER, exchange):
            raise BenchError("device: the server's proof is wrong")
        self.granted = True
        return "passed"

    def challenge(self) -> bytes:
        self._nonce = secrets.token_bytes(16)
        return self._nonce

    def _ordered(self, purpose: Purpose, value: str, order: CommandAuthorization) -> None:
        exchange = ProofExchange(
            self.device_id, self.eid, order.server_nonce, self._nonce, value.encode()
        )
        self._nonce = secrets.token_bytes(16)
        if not verify(order.proof, self.keys, purpose, exchange):
            raise BenchError("device: the command is not the server's")

    def set_mode(self, mode: str, authorization: CommandAuthorization = NO_ORDER) -> None:
        self._ordered(Purpose.MODE, mode, authorization)
        self.mode = mode

    def set_manner(self, manner: str, authorization: CommandAuthorization = NO_ORDER) -> None:
        self._ordered(Purpose.MANNER, manner, authorization)
        self.manner = Manner(manner)

    def send_image(self, raw: bytes) -> int:
        assert self.granted, "an image came before the authentication"
        self.image = raw
        return len(raw)

    def status(self) -> Status:
        return Status(self.last)

    def csim(self, apdu: bytes) -> bytes:
        return self.card.transmit(apdu)

    def boot(self) -> None:
        """Install the stored image, step by step, as prepared."""
        assert self.image is not None
        self.granted = False
        image = open_image(self.image, trusted=self.trusted, device_key=self.keys.enc)
        assert image.eid == self.eid
        self.card.reset()
        result, reason = self._install(image)
        self.last = Installed(result, reason, image.image_id)

    def _install(self, image: Image) -> tuple[str, str]:
        for step in image.steps_before:
            if (wrong := self._step(step)) is not None:
                return wrong
        for number, packet in enumerate(image.packets, start=1):
            answer = ResponseApdu(b"", 0x6F00)
            for block in store_data_blocks(packet.command):
                answer = transmit(self.card, block)
            if answer.data != packet.expected:
                return "failed", f"packet {number}: {answer.sw:04X}"
        for step in image.steps_after:
            if (wrong := self._step(step)) is not None:
                return wrong
        return "installed", ""

    def _step(self, step: ScriptStep) -> tuple[str, str] | None:
        command = CommandApdu.decode(step.command)
        answer = transmit(self.card, command)
        wrong = step.mismatch(answer)
        if wrong is None:
            return None
        if command.ins == 0x50 and answer.sw == 0x9000:
            return "stale", f"ISD-R counter is {answer.data[-3:].hex()}, another was expected"
        return "failed", wrong
