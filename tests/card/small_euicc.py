"""The few commands of an eUICC that the SGP.02 view sends, scripted: T=1, one file tree, one ISD-R.

Written after the standards, apart from the virtual eUICC, so that both sides are checked.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hil.wire import tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.identifiers import ECASD_AID, ISD_R_AID, encode_iccid, encode_imsi
from hil.wire.scp03 import (
    CardSession,
    KeySet,
    SecureChannelError,
    card_challenge,
    parse_initialize_update,
)

EID = "89049032123451234512345678901235"
ICCID = "8949000000000000012"
IMSI = "001010123456789"
USIM_AID = bytes.fromhex("A0000000871002FFFFFFFF8907090000")
KEYS = KeySet(0x31, bytes(range(16)), bytes(range(16, 32)), bytes(range(32, 48)))
ISD_P_1 = bytes.fromhex("A0000005591010FFFFFFFF8900001000")
ISD_P_2 = bytes.fromhex("A0000005591010FFFFFFFF8900001100")

File = bytes | list[bytes] | int | None
"""Transparent content, records, the SW of a refusal, or ``None`` for a folder."""


def profile(aid: bytes, state: int, *, fallback: bool = False) -> bytes:
    body = tlv.encode(0x4F, aid) + tlv.encode(0x9F70, bytes((state,)))
    body += tlv.encode(0x53, bytes((int(fallback),)))
    return tlv.encode(
        0xE3, body + tlv.encode(0x8F, b"\x01\x00\x00") + tlv.encode(0x91, b"\x40\x00")
    )


def standard_files() -> dict[str, File]:
    """Path to content; ``U`` stands for the USIM."""
    entry = tlv.encode(0x61, tlv.encode(0x4F, USIM_AID) + tlv.encode(0x50, b"USIM"))
    return {
        "": None,
        "2F00": [entry.ljust(40, b"\xff"), b"\xff" * 40],
        "2FE2": encode_iccid(ICCID),
        "7F10": None,
        "7F10/6F54": b"setup menu".ljust(22, b"\xff"),
        "U": None,
        "U/6F07": encode_imsi(IMSI),
        "U/6F08": 0x6982,
        "U/6F3C": [bytes(176), b"\xff" * 176],
        "U/5FC0": None,
        "U/5FC0/4F01": bytes(20),
    }


@dataclass
class SmallEuicc:
    """A card object for the in-process transport."""

    files: dict[str, File] = field(default_factory=standard_files)
    profiles: list[bytes] = field(
        default_factory=lambda: [profile(ISD_P_2, 0x1F), profile(ISD_P_1, 0x3F, fallback=True)]
    )
    bare_eid: bool = False
    parts: bool = False
    counter: int = 0
    refusal: int = 0
    commands: list[bytes] = field(default_factory=list)
    power: list[str] = field(default_factory=list)
    atr: bytes = bytes.fromhex("3B9E9681B1FE453F87828031E073FE211B6656455549434336")

    def __post_init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self.selected = ""
        self.application = b""
        self.file = ""
        self.session: CardSession | None = None

    def power_on(self) -> bytes:
        self.power.append("on")
        self._forget()
        return self.atr

    def power_off(self) -> None:
        self.power.append("off")

    def transmit(self, apdu: bytes) -> bytes:
        self.commands.append(apdu)
        command = CommandApdu.decode(apdu)
        if command.ins == 0xA4:
            return self._select(command)
        if self.application == ISD_R_AID:
            return self._isd_r(command).encode()
        if self.application == ECASD_AID and apdu[:4] == bytes.fromhex("00CA005A"):
            eid = bytes.fromhex(EID)
            return (eid if self.bare_eid else tlv.encode(0x5A, eid)) + b"\x90\x00"
        return self._read(command)

    def _select(self, command: CommandApdu) -> bytes:
        self.session = None
        if command.p1 == 0x04:
            if command.data == USIM_AID and "U" in self.files:
                self.application, self.selected, self.file = command.data, "U", ""
                return self._fcp("U", None) + b"\x90\x00"
            if command.data in (ISD_R_AID, ECASD_AID):
                self.application = command.data
                return tlv.encode(0x6F, tlv.encode(0x84, command.data)) + b"\x90\x00"
            return b"\x6a\x82"
        name = command.data.hex().upper()
        self.application = b""
        path = "" if name == "3F00" else f"{self.selected}/{name}".lstrip("/")
        if path not in self.files:
            return b"\x6a\x82"
        content = self.files[path]
        if content is None:
            self.selected, self.file = path, ""
        else:
            self.file = path
        return self._fcp(path, content) + b"\x90\x00"

    @staticmethod
    def _fcp(path: str, content: File) -> bytes:
        name = bytes.fromhex(path.rpartition("/")[2]) if path not in ("", "U") else b"\x3f\x00"
        body = b""
        if content is None:
            body += tlv.encode(0x82, b"\x78\x21") + tlv.encode(0x83, name)
            body += tlv.encode(0xA5, tlv.encode(0x83, b"\x12\x34"))
        elif isinstance(content, list):
            size, count = len(content[0]), len(content)
            descriptor = b"\x42\x21" + size.to_bytes(2, "big") + bytes((count,))
            body += tlv.encode(0x82, descriptor) + tlv.encode(0x83, name)
            body += tlv.encode(0x80, (size * count).to_bytes(2, "big"))
        else:
            size = len(content) if isinstance(content, bytes) else 16
            body += tlv.encode(0x82, b"\x41\x21") + tlv.encode(0x83, name)
            body += tlv.encode(0x80, size.to_bytes(2, "big"))
        return tlv.encode(0x62, body)

    def _read(self, command: CommandApdu) -> bytes:
        content = self.files.get(self.file)
        if isinstance(content, int):
            return content.to_bytes(2, "big")
        if command.ins == 0xB0 and isinstance(content, bytes):
            offset = command.p1 << 8 | command.p2
            return content[offset : offset + (command.le or 0)] + b"\x90\x00"
        if command.ins == 0xB2 and isinstance(content, list):
            return content[command.p1 - 1] + b"\x90\x00"
        return b"\x69\x86"

    def _isd_r(self, command: CommandApdu) -> ResponseApdu:
        if command.ins == 0x50:
            self.counter += 1
            request = parse_initialize_update(command)
            challenge = card_challenge(KEYS, self.counter, ISD_R_AID)
            self.session = CardSession(KEYS, request, challenge=challenge, counter=self.counter)
            return self.session.answer()
        if self.session is None:
            return ResponseApdu(b"", 0x6982)
        try:
            if command.ins == 0x82:
                return self.session.authenticate(command)
            plain = self.session.unwrap(command)
        except SecureChannelError:
            self.session = None
            return ResponseApdu(b"", 0x6982)
        return self.session.wrap(self._plain(plain))

    def _plain(self, command: CommandApdu) -> ResponseApdu:
        if self.refusal:
            return ResponseApdu(b"", self.refusal)
        if command.ins == 0xF2:
            if self.parts and command.p2 == 0x02:
                return ResponseApdu(self.profiles[0], 0x6310)
            return ResponseApdu(b"".join(self.profiles[int(self.parts) :]), 0x9000)
        if command.ins == 0xE2:
            return ResponseApdu(b"", 0x910B)
        return ResponseApdu(b"\x00", 0x9000)
