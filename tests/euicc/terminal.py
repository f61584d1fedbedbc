"""A terminal of its own for these tests: speaks raw APDUs, follows 61xx, knows the test keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from hil.wire import cat, isdr_commands, scp80, sms, tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.download import prepare_packets
from hil.wire.identifiers import ISD_R_AID, ISD_R_TAR
from hil.wire.install_script import store_data_blocks
from hil.wire.isdp_keys import derive
from hil.wire.packets import Packet
from hil.wire.profile_package.generate import generate
from hil.wire.profile_package.profile_data import ProfileClass, ProfileData
from hil.wire.scp03 import HostSession, KeySet
from hil.wire.scp80 import OtaKeySet, SecurityParameters

EID = "89049032123451234512345678901235"
IMAGE_KEYS = KeySet(0x30, b"\x01" * 16, b"\x02" * 16, b"\x03" * 16)
AUDIT_KEYS = KeySet(0x31, b"\x11" * 16, b"\x12" * 16, b"\x13" * 16)
BASE_KEYS = KeySet(0x30, b"\x21" * 16, b"\x22" * 16, b"\x23" * 16)
OTA_KEYS = OtaKeySet(1, bytes(range(0x40, 0x50)), bytes(range(0x50, 0x60)), b"\x60" * 16)
SENDER = sms.Address("12345678")
ICCID, IMSI = "8900100000000000017", "001010000000017"
SECRETS = [
    key for keys in (IMAGE_KEYS, AUDIT_KEYS, BASE_KEYS) for key in (keys.enc, keys.mac, keys.dek)
] + [OTA_KEYS.kic, OTA_KEYS.kid, b"\x60" * 16]


def factory(**changes: object) -> dict[str, object]:
    def row(keys: KeySet) -> dict[str, object]:
        return {
            "kvn": keys.kvn,
            "enc": keys.enc.hex(),
            "mac": keys.mac.hex(),
            "dek": keys.dek.hex(),
            "counter": 0,
        }

    ota = {
        "kvn": 1,
        "kic": OTA_KEYS.kic.hex(),
        "kid": OTA_KEYS.kid.hex(),
        "dek": "60" * 16,
        "counter": 0,
    }
    return {
        "eid": EID,
        "isd_r": {"scp80": [ota], "scp03": [row(IMAGE_KEYS), row(AUDIT_KEYS)]},
        "isd_p_base": row(BASE_KEYS) | {},
        "memory": 500_000,
        "protocol": "T=0",
        "bootstrap_profile": None,
        **changes,
    }


def profile(
    *,
    iccid: str = ICCID,
    imsi: str = IMSI,
    profile_class: ProfileClass = "test",
    pol: bytes | None = None,
    size: int = 12_000,
) -> bytes:
    data = ProfileData(iccid=iccid, imsi=imsi, k=bytes(range(16)), pol=pol)
    return generate(data, profile_class=profile_class, size=size)


class Transmitter(Protocol):
    def transmit(self, apdu: bytes) -> bytes: ...


@dataclass
class Secure:
    """An open SCP03 session."""

    terminal: Terminal
    host: HostSession

    def send(self, command: CommandApdu) -> ResponseApdu:
        return self.host.unwrap(self.terminal.send(self.host.wrap(command)))


class Terminal:
    def __init__(self, card: Transmitter) -> None:
        self.card = card

    def raw(self, apdu: str) -> str:
        return self.card.transmit(bytes.fromhex(apdu)).hex().upper()

    def send(self, command: CommandApdu) -> ResponseApdu:
        """Send a command and fetch all of its answer."""
        answer = ResponseApdu.decode(self.card.transmit(command.encode()))
        data = answer.data
        while answer.sw1 == 0x61:
            fetch = CommandApdu(command.cla & 0x03, 0xC0, 0, 0, le=answer.sw2 or 256)
            answer = ResponseApdu.decode(self.card.transmit(fetch.encode()))
            data += answer.data
        return ResponseApdu(data, answer.sw)

    def select(self, what: bytes | int) -> ResponseApdu:
        if isinstance(what, int):
            return self.send(CommandApdu(0, 0xA4, 0, 4, what.to_bytes(2, "big"), 256))
        return self.send(CommandApdu(0, 0xA4, 4, 4, what, 256))

    def read(self, *path: bytes | int) -> bytes:
        for step in path:
            answer = self.select(step)
            assert answer.sw == 0x9000, f"{step!r}: {answer.sw:04X}"
        answer = self.send(CommandApdu(0, 0xB0, 0, 0, le=256))
        assert answer.sw == 0x9000, f"{answer.sw:04X}"
        return answer.data

    def secure(self, keys: KeySet = AUDIT_KEYS, aid: bytes = ISD_R_AID) -> Secure:
        assert self.send(isdr_commands.select(aid)).sw & 0xFF00 in (0x9000, 0x9100)
        host = HostSession(keys, bytes(8))
        host.open(self.send(host.initialize_update()), aid=aid)
        assert self.send(host.external_authenticate(level=0x33)).sw & 0xFF00 in (0x9000, 0x9100)
        return Secure(self, host)

    def isd_r(self, command: CommandApdu) -> ResponseApdu:
        """Send one command to the ISD-R in a session of its own."""
        return self.secure().send(command)

    def states(self) -> dict[bytes, int]:
        """AID to life cycle of all ISD-Ps."""
        session = self.secure()
        command = isdr_commands.get_status()
        answer = session.send(command)
        data = answer.data
        while answer.sw == 0x6310:
            answer = session.send(CommandApdu(0x80, 0xF2, 0x40, 0x03, command.data, 256))
            data += answer.data
        if answer.sw == 0x6A88:
            return {}
        assert answer.sw & 0xFF00 in (0x9000, 0x9100)
        return dict(_states(data))

    def load(self, aid: bytes, packets: tuple[Packet, ...]) -> list[bytes]:
        """Send packets as STORE DATA blocks to the selected ISD-P; return the answer objects."""
        assert self.send(isdr_commands.select(aid)).sw == 0x9000
        answers = []
        for packet in packets:
            for block in store_data_blocks(packet.command):
                answer = self.send(block)
                assert answer.sw & 0xFF00 in (0x9000, 0x9100), f"{answer.sw:04X}"
            answers.append(answer.data)
        return answers

    def install(self, aid: bytes, package: bytes, *, counter: int = 1) -> None:
        """Create an ISD-P and load a package into it."""
        created = self.isd_r(isdr_commands.create_isdp(aid, 100_000))
        assert created.sw & 0xFF00 in (0x9000, 0x9100), f"{created.sw:04X}"
        packets = packets_for(aid, package, counter=counter)
        assert self.load(aid, packets) == [one.expected for one in packets]

    def envelope(self, tpdu: bytes) -> ResponseApdu:
        return self.send(cat.envelope_sms_pp(tpdu))

    def fetch(self, sw: int) -> cat.ProactiveCommand:
        """Fetch the proactive command that 91xx announces."""
        assert sw >> 8 == 0x91, f"{sw:04X}"
        answer = self.send(cat.fetch(sw & 0xFF))
        assert answer.sw == 0x9000
        return cat.ProactiveCommand.decode(answer.data)

    def done(self, command: cat.ProactiveCommand) -> int:
        """Answer a proactive command; return the status word."""
        return self.send(cat.terminal_response(command)).sw


def packets_for(
    aid: bytes, package: bytes, *, counter: int = 1, block: int = 1024
) -> tuple[Packet, ...]:
    keys = derive(BASE_KEYS, aid)
    return prepare_packets(package, keys, aid, counter, b"\xa5" * 8, block=block)[0]


def messages(
    script: bytes,
    counter: int,
    *,
    tar: bytes = ISD_R_TAR,
    spi: bytes = scp80.SGP02_SPI,
    keys: OtaKeySet = OTA_KEYS,
    reference: int = 1,
) -> list[bytes]:
    """Return the SMS-DELIVER TPDUs that carry a script."""
    packet = scp80.wrap_command(script, counter, SecurityParameters(spi, tar), keys)
    return [
        sms.SmsDeliver(SENDER, part).encode() for part in sms.split(packet, reference=reference)
    ]


def _states(data: bytes) -> list[tuple[bytes, int]]:
    found = []
    for one in tlv.decode_all(data):
        objects = one.children()
        aid = tlv.require(objects, 0x4F, where="E3")
        found.append((aid, tlv.require(objects, 0x9F70, where="E3")[0]))
    return found
