"""What instruments and devices answer, and the files of a lab beside the bench file."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final, cast

from hil.applicability.ics_file import IcsFile
from hil.bench.calibration_file import CalibrationFile
from hil.bench.jig_file import JigFile
from hil.bench.key_files import KEY_FILES
from hil.documents.document import read_document
from hil.documents.loader import check, raise_for
from hil.equipment.device.at_channel import AtChannel
from hil.equipment.device.dialect import load_dialect
from hil.equipment.device.errors import DeviceAnswerError
from hil.equipment.device.serial_link import SerialLink
from hil.equipment.power_supply import replies
from hil.equipment.power_supply.dialect import Dialect
from hil.equipment.power_supply.forms import NumberForm
from hil.equipment.power_supply.models import all_models
from hil.errors import CodecError, ConfigError, ProtocolError
from hil.evidence.waivers import WaiversFile
from hil.observer import NullObserver
from hil.virtual.power_supply.hislip_wire import Header, Kind, message
from tests.fuzz.engine import Target

ROOT: Final = Path(__file__).parents[2]
_FORMS: Final = (
    NumberForm((3, 4)),
    NumberForm(None),
    NumberForm((1, 6), exponent=True, unit="V"),
    NumberForm((3, 3), echo="V{n} "),
)


@cache
def _models() -> tuple[Dialect, ...]:
    return all_models()


def _supply(raw: bytes) -> object:
    """Every reader of a supply's replies understands one or says that it does not."""
    reply = raw.decode("latin-1")
    found: list[object] = []
    for form in _FORMS:
        try:
            found.append(replies.read_number(reply, form, "fuzz", 1))
        except ProtocolError:
            continue
    for read in (
        lambda: replies.read_bits(reply, "fuzz"),
        lambda: replies.read_bits(reply, "fuzz", "hexadecimal"),
        lambda: replies.read_bits(reply, "fuzz", "byte"),
        lambda: replies.read_error(reply, "fuzz"),
        lambda: replies.read_error_number(reply, {0: "none"}, "fuzz"),
        lambda: replies.read_word(reply, {"ON": True, "OFF": False}, "fuzz"),
    ):
        try:
            found.append(read())
        except ProtocolError:
            continue
    if not found:
        raise ProtocolError("no reader understands it")
    return found


def _measurements(raw: bytes) -> object:
    reply = raw.decode("latin-1")
    found = []
    for form in {form for model in _models() for form in model.measure}:
        try:
            found.append(replies.read_measurement(reply, form, "fuzz", 1))
        except ProtocolError:
            continue
    if not found:
        raise ProtocolError("no model measures so")
    return found


def _identities(raw: bytes) -> object:
    reply = raw.decode("latin-1")
    found = [model.read_identity(reply) for model in _models() if model.identity is not None]
    if not any(found):
        raise ProtocolError("no model is called so")
    return found


@cache
def _channel() -> AtChannel:
    # Nothing is sent: what a line means is decided without it.
    link = cast("SerialLink", None)
    return AtChannel(link, load_dialect("hil-reference"), observer=NullObserver(), name="fuzz")


def _device(raw: bytes) -> object:
    """A line of a device is read as the answer to every operation."""
    channel, line = _channel(), raw.decode("ascii", "replace")
    found = []
    for operation, wording in channel.dialect.operations.items():
        try:
            found.append(channel._match(operation, wording, [line], None))
        except DeviceAnswerError:
            continue
    if not any(found):
        raise CodecError("no operation is answered so")
    return found


def _device_lines() -> list[bytes]:
    nonce = b"51" * 16
    return [
        b'+HILID: "DUT-0001","89049032123451234512345678901235","development"',
        b'+HILMODE: "second","none"',
        b'+HILMANNER: "key-set"',
        b"+HILBOOT: 1",
        b'+HILJIG: "open",0,1800,',
        b'+HILHELLO: "DUT-0001","8904","key-set","%b",1,"%b","open",0,1800,,""' % (nonce, nonce),
        b'+HILERR: "authenticate before sending an image"',
        b'+HILINST: "installed","","image-1","8900100000000000017",2',
    ]


def _hislip(raw: bytes) -> object:
    header = Header.decode(raw[:16].ljust(16, b"\x00"))
    if header is None:
        raise CodecError("no header of HiSLIP")
    return header


def _file(raw: bytes) -> object:
    """A file is read as each kind that a bench file may name."""
    document = read_document(Path("fuzz.yaml"), text=raw.decode("utf-8", "replace"))
    found = []
    for model in (*KEY_FILES.values(), JigFile, CalibrationFile, IcsFile, WaiversFile):
        made, problems = check(document, model)
        if made is not None:
            found.append(made)
    if not found:
        raise_for(problems, "fuzz.yaml")
    return found


_CALIBRATION: Final = b"schema: 1\ncertificate: C-1\ndue: 2027-01-31\nvolts: 1 mV\n"
_ICS: Final = b"""schema: 1
kind: ics
supplier: a supplier
product: a product
release: "1"
items: {A.4/7: {text: short messages, support: true}}
"""
_WAIVERS: Final = b"""schema: 1
kind: waivers
waivers:
  - {id: W-1, case: "X-*", reason: known since then, author: me, issued: 2026-01-01,
     expires: 2027-01-01}
"""


def _files() -> list[bytes]:
    folders = ("keysets", "jigs")
    paths = [path for one in folders for path in sorted((ROOT / "lab-config" / one).glob("*.yaml"))]
    return [*(path.read_bytes() for path in paths), _CALIBRATION, _ICS, _WAIVERS]


TARGETS: dict[str, Target] = {
    "supply-reply": Target(
        _supply,
        lambda: [b"3.3000\n", b"+3.30000000E+00", b'0,"No error"', b"OFF", b"V1 3.300", b"0x10"],
        errors=(ProtocolError,),
        mutations=400,
    ),
    "supply-measurement": Target(
        _measurements, lambda: [b"3.3000,0.1000,0.330", b"3.300"], errors=(ProtocolError,)
    ),
    "supply-identity": Target(
        _identities,
        lambda: [
            b"RIGOL TECHNOLOGIES,DP832,DP8C000000001,00.01.14",
            b"Keysight Technologies,E36312A,MY00000001,2.1.0-1.0.4-1.12",
            b"KORAD KA3005P V2.0",
        ],
        errors=(ProtocolError,),
        mutations=400,
    ),
    "device-answer": Target(_device, _device_lines, mutations=300),
    "hislip-header": Target(_hislip, lambda: [message(Kind.DATA_END, 0, 1, b"*IDN?")]),
    "lab-file": Target(_file, _files, errors=(ConfigError,), mutations=100),
}
