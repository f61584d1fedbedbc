"""The parts that take bytes from a line: card, contacts, radio, AT port, SCPI, files of the lab."""

from __future__ import annotations

import asyncio
import atexit
import json
import shutil
import socket
import struct
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import cast

import yaml
from pydantic import BaseModel

from hil.bench.config import BenchFile
from hil.bench.key_files import KEY_FILES
from hil.documents.document import read_document
from hil.documents.loader import check, raise_for
from hil.equipment.card.files import parse_fcp
from hil.errors import CodecError, ConfigError
from hil.provisioning.eis import Eis, EisProfile
from hil.virtual.copper import ChannelLaw, decode_loads
from hil.virtual.device import at_parser
from hil.virtual.device.config import parse_config
from hil.virtual.device.failures import Refusal
from hil.virtual.euicc import VirtualCard, open_card
from hil.virtual.euicc.contacts import Contacts
from hil.virtual.euicc.factory import read_factory
from hil.virtual.network.link_model import Air, Conditions
from hil.virtual.network.radio import MAX_LINE, RadioFace
from hil.virtual.network.smsc import SmsCentre
from hil.virtual.network.subscribers import Subscribers
from hil.virtual.network.weather import MAX_LINE as MAX_WEATHER_LINE
from hil.virtual.network.weather import WeatherFace
from hil.virtual.power_supply import lexer
from hil.virtual.power_supply.scpi_errors import ScpiError
from hil.wire.identifiers import ISD_R_AID
from hil.wire.sms import Address, SmsSubmit
from tests.euicc.terminal import EID, factory
from tests.fuzz.engine import Target

ROOT = Path(__file__).parents[2]


def _folder(kind: str) -> Path:
    made = Path(tempfile.mkdtemp(prefix=f"hil-fuzz-{kind}-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


@cache
def _card() -> VirtualCard:
    card = open_card(_folder("card") / "nvm", factory())
    card.power_on()
    return card


def _commands(raw: bytes) -> list[bytes]:
    """Cut an input into APDUs: a length byte before each."""
    found: list[bytes] = []
    at = 0
    while at < len(raw) and len(found) < 40:
        found.append(raw[at + 1 : at + 1 + raw[at]])
        at += 1 + raw[at]
    return found


def _session(*commands: str) -> bytes:
    raw = [bytes.fromhex(one.replace(" ", "")) for one in commands]
    return b"".join(bytes((len(one),)) + one for one in raw)


def _transmit(raw: bytes) -> object:
    """A card answers each of a row of commands with a status word, whatever they are."""
    card = _card()
    card.reset()
    commands = _commands(raw)
    answers = [card.transmit(one) for one in commands]
    assert all(2 <= len(one) <= 258 for one in answers)
    known = [
        answer[-2] in _STATUS or (command[1] == _GET_RESPONSE and answer == b"\x6f\x00")
        for command, answer in zip(commands, answers, strict=True)
    ]
    assert all(known), [one[-2:].hex() for one in answers]
    return answers


_STATUS = {0x61, 0x62, 0x63, 0x64, 0x65, 0x67, 0x68, 0x69, 0x6A, 0x6B, 0x6C, 0x6D, 0x6E, 0x90,
           0x91, 0x92, 0x93, 0x94, 0x98}  # fmt: skip
"""First bytes of status words; 6F, no precise diagnosis, is a card at a loss."""

_GET_RESPONSE = 0xC0
"""Out of turn it is the one command that ETSI TS 102 221 (12.1.1.1) answers so."""


def _sessions() -> list[bytes]:
    isd_r = "00A4040410" + ISD_R_AID.hex()
    return [
        _session("00A40004023F00", "00C0000020", "00A40004022FE2", "00B000000A", "80F2000000"),
        _session(isd_r, "8050300008010203040506070800", "00C0000020", "8482330010" + "00" * 16),
        _session(isd_r, "80CA00E000", "80CAFF2100", "80F24002024F00", "80E28800053A0302AABB"),
        _session("0070000001", "01A4040010A0000005591010FFFFFFFF8900000200", "01CA005A00"),
        _session("00200001083132333435363738", "002C000110" + "31" * 16, "0088008122" + "10" * 34),
        _session("80100000040FFFFFFF", "80C2000009D107820283818B0100", "8012000010", "80140000"),
        _session("80E2110010" + "86" * 16, "80E2910110" + "00" * 16, "0070800100", "00A4030400"),
        _session(
            "00A40904047F106F3A", "00B2010420", "00DC010402AABB", "00320000020001", "00A2010401AA"
        ),
    ]


def _contacts(raw: bytes) -> object:
    """The card's socket outlives what a reader may send, and serves the next one."""
    _host, port = _contacts_address()
    for message in (raw, None):
        with socket.create_connection(("127.0.0.1", port), timeout=5.0) as reader:
            reader.settimeout(5.0)
            if message is not None:
                reader.sendall(message)
                reader.shutdown(socket.SHUT_WR)
                while reader.recv(4096):
                    pass
            else:
                reader.sendall(b"\x00\x01\x04")
                size = struct.unpack(">H", _exactly(reader, 2))[0]
                assert _exactly(reader, size)[0] == 0x3B
    return None


def _exactly(reader: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = reader.recv(size - len(data))
        assert part, "the card left the line"
        data += part
    return data


@cache
def _contacts_address() -> tuple[str, int]:
    card = open_card(_folder("contacts") / "nvm", factory(eid=EID))
    contacts = Contacts(card)
    atexit.register(contacts.close)
    return contacts.serve("127.0.0.1", 0)


class _Writer:
    """As much of a stream writer as the radio uses."""

    def __init__(self) -> None:
        self.said = b""

    def write(self, data: bytes) -> None:
        self.said += data

    async def drain(self) -> None:
        return

    def close(self) -> None:
        return


def _radio(raw: bytes) -> object:
    writer = _Writer()

    async def run() -> None:
        air = Air(Conditions(), seed=1)
        subscribers = Subscribers(air)
        face = RadioFace(subscribers, air, lambda *_: True)
        reader = asyncio.StreamReader(limit=MAX_LINE)
        reader.feed_data(raw)
        reader.feed_eof()
        await face.serve(reader, cast("asyncio.StreamWriter", writer))
        await face.close()

    asyncio.run(run())
    return writer.said


def _radio_lines() -> list[bytes]:
    submit = SmsSubmit(Address("12345678"), b"\x00\x01").encode().hex()
    lines = [{"attach": {"msisdn": "491234567"}}, {"submit": submit, "id": 1}, {"delivered": 7}]
    return [b"".join(json.dumps(one).encode() + b"\n" for one in lines)]


def _weather(raw: bytes) -> object:
    writer = _Writer()

    async def run() -> None:
        air = Air(Conditions(), seed=1)
        subscribers = Subscribers(air)
        face = WeatherFace(air, subscribers, SmsCentre({}, subscribers))
        reader = asyncio.StreamReader(limit=MAX_WEATHER_LINE)
        reader.feed_data(raw)
        reader.feed_eof()
        await face.serve(reader, cast("asyncio.StreamWriter", writer))
        assert air.conditions == Conditions(), "the weather outlasts its maker"

    asyncio.run(run())
    return writer.said


def _weather_lines() -> list[bytes]:
    refuse = {"refuse": {"number": "1", "count": 2, "status": 88}}
    lines = [{"air": {"loss": 0.5}}, {"coverage": False}, refuse, {"hang_up": "sm-sr"}]
    return [b"".join(json.dumps(one).encode() + b"\n" for one in lines)]


def _at(raw: bytes) -> object:
    commands = at_parser.parse_line(raw.decode("latin-1"))
    for one in commands:
        for read in (one.number, one.octets, one.text):
            try:
                read(0)
            except Refusal:
                continue
    return commands


def _scpi(raw: bytes) -> object:
    return [lexer.parse_unit(one) for one in lexer.split_units(lexer.decode(raw))]


def _yaml(model: type[BaseModel]) -> Callable[[bytes], object]:
    def read(raw: bytes) -> object:
        document = read_document(Path("fuzz.yaml"), text=raw.decode("utf-8", "replace"))
        made, problems = check(document, model)
        raise_for(problems, "fuzz.yaml")
        return made

    return read


def _lab_files() -> list[bytes]:
    return [path.read_bytes() for path in sorted((ROOT / "lab-config").glob("*.yaml"))]


def _key_file(kind: str) -> list[bytes]:
    found = sorted((ROOT / "lab-config" / "keysets").glob("*.yaml"))
    return [one.read_bytes() for one in found if yaml.safe_load(one.read_text())["kind"] == kind]


def _json(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as err:
        raise CodecError("no JSON") from err


def _factory(raw: bytes) -> object:
    value = _json(raw)
    if not isinstance(value, dict):
        raise CodecError("no object")
    return read_factory(value)


def _law(raw: bytes) -> object:
    value = _json(raw)
    if not isinstance(value, dict):
        raise CodecError("no object")
    return ChannelLaw.decode(value)


def _loads(raw: bytes) -> object:
    value = _json(raw)
    if not isinstance(value, dict):
        raise CodecError("no object")
    return decode_loads(value)


def _eis() -> list[bytes]:
    profile = EisProfile("8900100000000000017", "A0", "enabled", fallback=True)
    aids = ("A000000559",) * 4
    return [Eis(EID, "eum", "2026-01-01", 1000, *aids, (1,), (48, 49), None, (profile,)).encode()]


TARGETS: dict[str, Target] = {
    "card-transmit": Target(_transmit, _sessions, errors=(), refuses=False, mutations=300),
    "card-contacts": Target(
        _contacts,
        lambda: [b"\x00\x01\x01\x00\x05\x00\xa4\x00\x04\x02\x00\x01\x04\x00\x01\x00"],
        errors=(),
        refuses=False,
        mutations=60,
    ),
    "card-factory": Target(
        _factory, lambda: [json.dumps(factory()).encode()], errors=(CodecError, ConfigError)
    ),
    "fcp": Target(parse_fcp, lambda: [bytes.fromhex("621282054221001C0183022F008A01058002001C")]),
    "radio": Target(_radio, _radio_lines, errors=(), refuses=False, mutations=150),
    "weather": Target(_weather, _weather_lines, errors=(), refuses=False, mutations=100),
    "at-line": Target(
        _at, lambda: [b'+CSIM=14,"00A40004023F00"', b"E0;+CGMI;+X=1,,2"], errors=(Refusal,)
    ),
    "scpi-line": Target(
        _scpi,
        lambda: [b":APPL CH1,5.0,0.1;:OUTP? CH1", b'*IDN?;DISP:TEXT "a"'],
        errors=(ScpiError,),
    ),
    "copper-law": Target(
        _law,
        lambda: [b'{"channel":1,"segments":[{"law":"hold","t0_ns":0,"v0":1}],"amps_limit":1}'],
    ),
    "lab-config": Target(_yaml(BenchFile), _lab_files, errors=(ConfigError,), mutations=60),
    "key-file": Target(
        _yaml(KEY_FILES["euicc"]), lambda: _key_file("euicc"), errors=(ConfigError,), mutations=60
    ),
    "device-config": Target(
        lambda raw: parse_config(_json(raw)),
        lambda: [b'{"device_id":"d"}'],
        errors=(CodecError, ConfigError),
    ),
    "eis": Target(Eis.decode, _eis),
}
