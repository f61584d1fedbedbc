"""Certificates for these tests, and both messages of a key establishment as an SM-DP sends them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hil.provisioning.certificates import Issuer, personalise_ecasd
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.ecc import P256, PrivateKey
from hil.wire.gp_certificate import Certificate, Role
from hil.wire.key_establishment import Established, Reference
from hil.wire.key_establishment_messages import (
    KeyRequest,
    certificate_message,
    host_keys,
    read_challenge,
    store_data,
)
from tests.euicc.terminal import EID

CI = Issuer(b"CI", PrivateKey(P256, b"\x01" * 32))
EUM = Issuer(b"EUM", PrivateKey(P256, b"\x02" * 32))
ECKA = PrivateKey(P256, b"\x11" * 32)
SERVER = PrivateKey(P256, b"\x44" * 32)
EPHEMERAL = PrivateKey(P256, b"\x22" * 32)

Send = Callable[[CommandApdu], ResponseApdu]


def ecasd(**changes: object) -> dict[str, object]:
    """Return the ``ecasd`` section of a factory file."""
    made: dict[str, object] = personalise_ecasd({"eid": EID}, EUM, CI.key.public, ECKA)["ecasd"]
    return made | changes


def certificate(role: Role = Role.SM_DP, **changes: object) -> Certificate:
    return CI.issue(b"server", SERVER.public, role=role, serial=b"\x07", **changes)  # type: ignore[arg-type]


@dataclass
class Partner:
    """An SM-DP or SM-SR in a key establishment. ``send``: what carries its commands."""

    send: Send
    role: Role = Role.SM_DP
    certificate: Certificate | None = None
    signer: PrivateKey = SERVER
    ephemeral: PrivateKey = field(default=EPHEMERAL)
    challenge: bytes = b""
    blocks: int = 0

    def show_certificate(self) -> ResponseApdu:
        """Send the first message; keep RC."""
        answer = ResponseApdu(b"", 0)
        shown = self.certificate or certificate(self.role)
        commands = store_data(certificate_message(shown), last=False)
        for command in commands:
            answer = self.send(command)
            if answer.sw != 0x9000:
                return answer
        self.blocks = len(commands)
        self.challenge = read_challenge(answer.data)
        return answer

    def ask(self, reference: Reference) -> tuple[ResponseApdu, KeyRequest]:
        """Send the second message."""
        request = KeyRequest.make(reference, self.ephemeral.public, self.signer, self.challenge)
        answer = ResponseApdu(b"", 0)
        for command in store_data(request.encode(), first=self.blocks, last=True):
            answer = self.send(command)
        return answer, request

    def establish(self, reference: Reference, sin: bytes = b"") -> Established:
        """Do all of it; the receipt is checked."""
        answer = self.show_certificate()
        assert answer.sw == 0x9000, f"{answer.sw:04X}"
        answer, request = self.ask(reference)
        assert answer.sw == 0x9000, f"{answer.sw:04X}"
        return host_keys(request, answer.data, self.ephemeral, ECKA.public, sin)
