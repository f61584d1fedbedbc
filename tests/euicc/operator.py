"""The operator's end: a profile with every kind of key set, and packets to its domains."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hil.virtual.euicc import open_card
from hil.wire import isdr_commands, scp80, sms
from hil.wire.apdu import CommandApdu
from hil.wire.command_script import CommandScript, CompactResponse
from hil.wire.identifiers import isd_p_aid
from hil.wire.profile_package.applications import KeyComponent, KeyObject
from hil.wire.scp02 import DesKeySet
from hil.wire.scp03 import KeySet
from hil.wire.scp80 import KeyKind, OtaKeySet, ResponsePacket, SecurityParameters, Spi
from tests.euicc.bad_packages import bodies_of, build, find
from tests.euicc.terminal import SENDER, Terminal, factory, profile

AID = isd_p_aid(0x20)
MNO_SD = bytes.fromhex("A000000151000000")
RAM, UICC, USIM = (bytes.fromhex(tar) for tar in ("B20100", "B00120", "B00140"))
ADF_USIM = bytes.fromhex("A0000000871002FF49FF0589")

AES_KEYS = OtaKeySet(1, b"\x31" * 16, b"\x32" * 16, b"\x33" * 16)
TDES_KEYS = OtaKeySet(
    2,
    bytes(range(0x40, 0x50)),
    bytes(range(0x50, 0x60)),
    bytes(range(0x60, 0x70)),
    KeyKind.DES,
    KeyKind.DES,
)
TDES3_KEYS = OtaKeySet(3, bytes(range(24)), bytes(range(1, 25)), None, KeyKind.DES, KeyKind.DES)
DES_KEYS = OtaKeySet(4, bytes(range(8)), bytes(range(1, 9)), None, KeyKind.DES, KeyKind.DES)
SHORT_MAC_KEYS = OtaKeySet(5, b"\x51" * 32, b"\x52" * 32, mac_bytes=4)
SCP03_KEYS = KeySet(0x30, b"\x61" * 16, b"\x62" * 16, b"\x63" * 16)
SCP02_KEYS = DesKeySet(0x20, b"\x71" * 16, bytes(range(16)), bytes(range(16, 32)))
ALL_OTA = (AES_KEYS, TDES_KEYS, TDES3_KEYS, DES_KEYS, SHORT_MAC_KEYS)


def _keys(kvn: int, kind: int, values: tuple[bytes | None, ...], mac: int = 8) -> list[KeyObject]:
    return [
        KeyObject(b"\x18", number, kvn, (KeyComponent(bytes((kind,)), value, mac),))
        for number, value in enumerate(values, 1)
        if value is not None
    ]


def operator_profile(*, level: int | None = None, **rfm: object) -> bytes:
    """A test profile whose MNO-SD has all these keys; ``rfm`` changes the first RFM instance."""
    keys = []
    for one in ALL_OTA:
        keys += _keys(one.kvn, int(one.kic_kind), (one.kic, one.kid, one.dek), one.mac_bytes)
    keys += _keys(0x20, 0x80, (SCP02_KEYS.enc, SCP02_KEYS.mac, SCP02_KEYS.dek))
    keys += _keys(0x30, 0x88, (SCP03_KEYS.enc, SCP03_KEYS.mac, SCP03_KEYS.dek))
    if level is not None:
        rfm["security_level"] = level
    bodies = bodies_of(profile(size=0))
    domain, first = find(bodies, "SecurityDomain"), find(bodies, "Rfm")
    changed = {id(domain): replace(domain, keys=tuple(keys)), id(first): replace(first, **rfm)}
    return build([changed.get(id(body), body) for body in bodies])


def packet(
    data: bytes,
    counter: int,
    tar: bytes,
    *,
    spi: Spi | None = None,
    keys: OtaKeySet = AES_KEYS,
    kid_algorithm: int | None = None,
) -> tuple[bytes, SecurityParameters]:
    """Return a command packet and how its receipt is secured; by delivery report if not told."""
    chosen = spi or Spi(por_by_submit=False)
    kid = keys.kid_algorithm if kid_algorithm is None else kid_algorithm
    parameters = SecurityParameters(chosen.encode(), tar, keys.kic_algorithm, kid)
    return scp80.wrap_command(data, counter, parameters, keys), parameters


def ask(terminal: Terminal, data: bytes, counter: int, tar: bytes, **how: object) -> ResponsePacket:
    """Send a script and return the proof of receipt from the delivery report."""
    answer = exchange(terminal, data, counter, tar, **how)
    assert answer is not None
    return answer


def exchange(
    terminal: Terminal, data: bytes, counter: int, tar: bytes, **how: object
) -> ResponsePacket | None:
    """As :func:`ask`; ``None`` when the card keeps silent."""
    raw, parameters = packet(data, counter, tar, **how)  # type: ignore[arg-type]
    report = b""
    for part in sms.split(raw, reference=counter % 256):
        answer = terminal.envelope(sms.SmsDeliver(SENDER, part).encode())
        assert answer.sw & 0xFF00 in (0x9000, 0x9100), f"{answer.sw:04X}"
        report = answer.data
    if not report:
        return None
    assert report[:3].hex() == "027100"
    keys = how.get("keys", AES_KEYS)
    assert isinstance(keys, OtaKeySet)
    return scp80.unwrap_response(report[3:], parameters, keys)


def compact(*commands: str) -> bytes:
    return bytes.fromhex("".join(commands))


def expanded(*commands: CommandApdu | str) -> bytes:
    apdus = [
        CommandApdu.decode(bytes.fromhex(one)) if isinstance(one, str) else one for one in commands
    ]
    return CommandScript.of(apdus).encode()


def prepared(folder: Path, package: bytes) -> Path:
    """Make a card in a folder whose enabled profile is this package; return the folder."""
    card = open_card(folder, factory())
    terminal = Terminal(card)
    terminal.install(AID, package)
    terminal.isd_r(isdr_commands.enable_profile(AID))
    card.close()
    return folder


def last(data: bytes) -> tuple[int, str, str]:
    """Return how many commands a compact script ran, and the last status word and data."""
    response = CompactResponse.decode(data)
    return response.executed, f"{response.last.sw:04X}", response.last.data.hex()
