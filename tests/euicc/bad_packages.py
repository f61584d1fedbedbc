"""Profile packages that no card may install: each with the PEStatus it must get.

A case changes the decoded elements of a good package, or its bytes. ``element`` names the element
whose identification the PEStatus carries, ``None`` for none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from hil.virtual.euicc.install_error import Status
from hil.wire import dgi
from hil.wire.identifiers import ISD_R_AID, isd_p_aid
from hil.wire.profile_package.applications import (
    AdfAccess,
    Application,
    End,
    KeyComponent,
    KeyObject,
    NonStandard,
    Rfm,
)
from hil.wire.profile_package.authentication import (
    AkaParameter,
    AlgorithmParameter,
    CdmaParameter,
    MappingParameter,
)
from hil.wire.profile_package.elements import Body, UnknownElement, decode, encode
from hil.wire.profile_package.fcp import Fcp, ProprietaryInfo
from hil.wire.profile_package.files import (
    File,
    FileElement,
    FileItem,
    FileStep,
    FillContent,
    FillOffset,
    GenericFileManagement,
    PlacedFile,
    SelectPath,
)
from hil.wire.profile_package.header import MandatoryAid, Service
from hil.wire.profile_package.instances import ApplicationInstance, ApplicationParameters
from hil.wire.profile_package.package import PeHeader, split
from hil.wire.profile_package.pins import PinCodes, PinConfiguration, PukCodes, PukConfiguration

NEW = 0x1234
"""Identification of elements that a case adds."""

Bodies = list[Body]
Name = str | int | None


@dataclass(frozen=True)
class Case:
    """One bad package."""

    name: str
    status: int
    element: Name
    make: Callable[[bytes], bytes]


CASES: list[Case] = []


def name_of(body: Body) -> str:
    return body.name if isinstance(body, FileElement) else type(body).__name__


def find(bodies: Bodies, name: str) -> Any:  # noqa: ANN401
    return next(body for body in bodies if name_of(body) == name)


def renumbered(body: Any) -> Any:  # noqa: ANN401
    """Return the element with the identification NEW."""
    return replace(body, header=PeHeader(NEW))


def build(bodies: Bodies) -> bytes:
    return b"".join(encode(body).encode() for body in bodies)


def bodies_of(package: bytes) -> Bodies:
    return [decode(element) for element in split(package)]


def identification(package: bytes, name: Name) -> int | None:
    """Return the identification of the first element called so."""
    if name is None or isinstance(name, int):
        return name
    for element in split(package):
        if name_of(decode(element)) == name:
            return element.identification
    raise AssertionError(name)


def raw(name: str, status: int, element: Name, make: Callable[[bytes], bytes]) -> None:
    CASES.append(Case(name, status, element, make))


def whole(name: str, status: int, element: Name, change: Callable[[Bodies], Bodies]) -> None:
    raw(name, status, element, lambda package: build(change(bodies_of(package))))


def one(
    name: str, status: int, element: str, change: Callable[..., Body], *, blamed: Name = ""
) -> None:
    """Change the first element called ``element``."""

    def apply(bodies: Bodies) -> Bodies:
        place = next(n for n, body in enumerate(bodies) if name_of(body) == element)
        return [*bodies[:place], change(bodies[place]), *bodies[place + 1 :]]

    whole(name, status, element if blamed == "" else blamed, apply)


def added(name: str, status: int, body: Body, *, before: str = "End", blamed: Name = NEW) -> None:
    def apply(bodies: Bodies) -> Bodies:
        place = next(n for n, other in enumerate(bodies) if name_of(other) == before)
        return [*bodies[:place], body, *bodies[place:]]

    whole(name, status, blamed, apply)


def header(name: str, status: int, **changes: object) -> None:
    one(name, status, "ProfileHeader", lambda body: replace(body, **changes), blamed=None)


def without(name: str, status: int, element: Name, gone: str) -> None:
    whole(name, status, element, lambda bodies: [b for b in bodies if name_of(b) != gone])


def file_change(
    name: str, status: int, element: str, file: str, *items: FileItem, blamed: Name = ""
) -> None:
    """Replace the members of one file."""

    def apply(body: FileElement) -> FileElement:
        place = FileElement.place(body.tag, file, File(items))
        others = [p for p in body.files if p.position != place.position]
        files = sorted([*others, place], key=lambda p: p.position)
        return replace(body, files=tuple(files))

    one(name, status, element, apply, blamed=blamed)


def file_gone(name: str, element: str, file: str) -> None:
    def apply(body: FileElement) -> FileElement:
        position = FileElement.place(body.tag, file, File()).position
        return replace(body, files=tuple(p for p in body.files if p.position != position))

    one(name, Status.BAD_VALUES, element, apply)


def managed(name: str, status: int, *steps: FileStep, blamed: Name = NEW) -> None:
    added(name, status, GenericFileManagement(PeHeader(NEW), (steps,)), blamed=blamed)


def domain(name: str, status: int, **changes: object) -> None:
    one(name, status, "SecurityDomain", lambda body: replace(body, **changes))


def instance(name: str, status: int, **changes: object) -> None:
    one(
        name,
        status,
        "SecurityDomain",
        lambda body: replace(body, instance=replace(body.instance, **changes)),
    )


def key(name: str, status: int, **changes: object) -> None:
    one(
        name,
        status,
        "SecurityDomain",
        lambda body: replace(body, keys=(replace(body.keys[0], **changes), *body.keys[1:])),
    )


def rfm(name: str, status: int, **changes: object) -> None:
    one(name, status, "Rfm", lambda body: replace(body, **changes))


def aka(name: str, status: int, **changes: object) -> None:
    one(
        name,
        status,
        "AkaParameter",
        lambda body: replace(body, configuration=replace(body.configuration, **changes)),
    )


def pin(name: str, status: int, **changes: object) -> None:
    one(
        name,
        status,
        "PinCodes",
        lambda body: replace(body, pins=(replace(body.pins[0], **changes), *body.pins[1:])),
    )


def cut(name: str, status: int, at: Callable[[bytes], int]) -> None:
    raw(name, status, None, lambda package: package[: at(package)] + b"\xff" * 8)


BAD, FORMAT, PARAMETER = Status.BAD_VALUES, Status.INVALID_REQUEST_FORMAT, Status.INVALID_PARAMETER
FEATURE, RUNTIME, LIB = (
    Status.FEATURE_NOT_SUPPORTED,
    Status.RUNTIME_NOT_SUPPORTED,
    Status.LIB_NOT_SUPPORTED,
)
EF = Fcp(descriptor=b"\x41\x21", file_id=b"\x6f\x99", security=b"\x01", size=b"\x04")
DF = Fcp(descriptor=b"\x78\x21", file_id=b"\x5f\x99", security=b"\x0e", pin_status=b"\x01")

# The row of elements.
raw("no package at all", FORMAT, None, lambda _: b"\x00" * 64)
raw("a tag that begins no element", FORMAT, None, lambda package: b"\x30" + package[1:])
raw("a length bomb", FORMAT, None, lambda p: p[: split(p)[2].offset] + b"\xb3\x84\x7f\xff\xff\xff")
raw("an indefinite length", FORMAT, None, lambda package: b"\xa0\x80" + package[3:])
raw("a tag of five bytes", FORMAT, None, lambda _: b"\xbf\xff\xff\xff\x01\x00")
raw(
    "a length that is not the shortest",
    FORMAT,
    None,
    lambda package: b"\xa0\x82\x00" + package[2:] if package[1] == 0x81 else b"\xa0\x82\x00\x00",
)
cut("cut off in the middle of an element", FORMAT, lambda p: len(p) - split(p)[-1].size)
without("no header", FORMAT, None, "ProfileHeader")
whole("two headers", FORMAT, None, lambda b: [b[0], *b])
whole("the end comes first", FORMAT, None, lambda b: [b[-1], *b])
whole("nothing but header and end", BAD, None, lambda b: [b[0], b[-1]])
raw("something behind the end", FORMAT, None, lambda p: p + b"\xa0\x00")
raw("a second end", FORMAT, None, lambda p: p + split(p)[-1].encode())
raw(
    "an element larger than the card",
    Status.NOT_ENOUGH_MEMORY,
    None,
    lambda p: p[: split(p)[2].offset] + b"\xb3\x83\x7f\xff\xff",
)
whole("an identification twice", PARAMETER, "mf", lambda b: [b[0], b[1], *b[1:]])
one("the end's number is in use", PARAMETER, "End", lambda b: replace(b, header=PeHeader(1)),
    blamed=1)  # fmt: skip
added("an unknown mandated element", Status.PE_NOT_SUPPORTED,
      UnknownElement(0xBF40, bytes.fromhex("A006800081021234")))  # fmt: skip
added("an element reserved for later", Status.PE_NOT_SUPPORTED, UnknownElement(0xAB, b""),
      blamed=None)  # fmt: skip
added("what only its issuer knows", Status.PE_NOT_SUPPORTED,
      NonStandard(PeHeader(NEW), "1.2.3", b"\x01"))  # fmt: skip
raw(
    "an element without its header",
    FORMAT,
    None,
    lambda p: p.replace(split(p)[1].body[:5], b"\xa7" + split(p)[1].body[1:5], 1),
)
raw(
    "an identification above 32767",
    FORMAT,
    None,
    lambda p: build(bodies_of(p)[:-1]) + bytes.fromhex("AA0AA00880008104 00008000"),
)

# The header.
header("an unknown version", Status.UNSUPPORTED_VERSION, major=99)
header("version 1", Status.UNSUPPORTED_VERSION, major=1, minor=0)
for _service in (Service.CONTACTLESS, Service.MBMS, Service.CAVE, Service.EAP, Service.CAT_TP,
                 Service.SCP11AC, Service.DNS_RESOLUTION):  # fmt: skip
    header(f"service {_service.name}", FEATURE, services=(Service.USIM, _service))
header("a service not yet known", FEATURE, services=(Service.USIM, 30))
header("service JAVACARD", RUNTIME, services=(Service.JAVACARD,))
header("service MULTOS", RUNTIME, services=(Service.MULTOS,))
header("a template not known", Status.TEMPLATE_NOT_SUPPORTED, templates=("2.23.143.1.2.99",))
header("a library not there", LIB, aids=(MandatoryAid(b"\xa0\x00\x00\x00\x01", b"\x01\x00"),))
raw("an ICCID of 9 bytes", BAD, None,
    lambda p: p.replace(b"\x83\x0a", b"\x83\x09", 1).replace(b"\xa0", b"\xa0", 1))  # fmt: skip

# Files.
for _element, _file in (("mf", "ef-iccid"), ("mf", "ef-dir"), ("mf", "ef-arr"), ("mf", "mf"),
                        ("usim", "ef-imsi"), ("usim", "ef-arr"), ("usim", "adf-usim"),
                        ("usim", "ef-ust"), ("usim", "ef-acc"), ("isim", "ef-impi"),
                        ("isim", "ef-ist"), ("telecom", "df-telecom")):  # fmt: skip
    file_gone(f"{_element} without {_file}", _element, _file)
one("a template of no element", Status.TEMPLATE_NOT_SUPPORTED, "usim",
    lambda b: replace(b, template="2.23.143.1.2.99"))  # fmt: skip
one("a file that the template does not have", Status.TEMPLATE_NOT_SUPPORTED, "gsm-access",
    lambda b: replace(b, files=(*b.files, PlacedFile(9, File()))))  # fmt: skip
whole("USIM before the MF", BAD, "usim",
      lambda b: [b[0], *(x for x in b[2:] if name_of(x) == "usim"), b[-1]])  # fmt: skip
whole(
    "options of a USIM that is not there",
    BAD,
    "opt-usim",
    lambda b: [x for x in b if name_of(x) not in ("usim", "PinCodes", "AkaParameter")],
)
whole("a second MF", BAD, NEW, lambda b: [*b[:2], renumbered(b[1]), *b[2:]])
whole("the USIM twice", PARAMETER, NEW, lambda b: [*b[:-1], renumbered(find(b, "usim")), b[-1]])
file_change("a fill behind the end of a file", BAD, "mf", "ef-iccid", FillContent(bytes(11)))
file_change("an offset behind the end of a file", BAD, "mf", "ef-iccid", FillOffset(10),
            FillContent(b"\x00"))  # fmt: skip
file_change("an ADF without a name", BAD, "usim", "adf-usim",
            Fcp(file_id=b"\x7f\xd0", pin_status=b"\x81"))  # fmt: skip
file_change("records of no bytes", BAD, "mf", "ef-dir",
            Fcp(descriptor=b"\x42\x21\x00\x00", size=b"\x26"))  # fmt: skip
file_change("records of 256 bytes", BAD, "mf", "ef-dir",
            Fcp(descriptor=b"\x42\x21\x01\x00", size=b"\x01\x00"))  # fmt: skip
file_change("half a record", BAD, "mf", "ef-dir",
            Fcp(descriptor=b"\x42\x21\x00\x26", size=b"\x27"))  # fmt: skip
file_change("255 records", BAD, "mf", "ef-dir",
            Fcp(descriptor=b"\x42\x21\x00\x01", size=b"\xff"))  # fmt: skip
file_change("an unknown file descriptor", BAD, "mf", "ef-dir", Fcp(descriptor=b"\x47\x21"))
managed("an EF twice", PARAMETER, SelectPath(b""), EF, EF)
managed("an id of a template's file", PARAMETER, SelectPath(b""), replace(EF, file_id=b"\x2f\xe2"))
managed("a DF twice", PARAMETER, SelectPath(b""), DF, DF)
managed("a path to nowhere", BAD, SelectPath(b"\x7f\x99"), EF)
managed("a path through a file", BAD, SelectPath(b"\x2f\xe2"), EF)
managed("half a file id in a path", BAD, SelectPath(b"\x7f"), EF)
managed("a fill without a file", BAD, SelectPath(b""), FillContent(b"\x00"))
managed("a fill in a DF", BAD, SelectPath(b""), DF, FillContent(b"\x00"))
managed("a file without id", BAD, replace(EF, file_id=None))
managed("a file without descriptor", BAD, replace(EF, descriptor=None))
managed("a fill beyond the file", BAD, EF, FillOffset(3), FillContent(b"\x01\x02"))
managed("a file above 64 KB", BAD, replace(EF, size=b"\x01\x00\x00"))
managed("an ADF below a DF", BAD, SelectPath(b"\x7f\x10"), replace(DF, df_name=b"\xa0" * 8))
managed("a link to nowhere", BAD, replace(EF, size=None, link=b"\x7f\x10\x6f\x98"))
managed("a link to a DF", BAD, replace(EF, size=None, link=b"\x7f\x10"))
managed("a link to itself", BAD, replace(EF, size=None, link=b"\x6f\x99"))
managed("a loop of links", BAD, replace(EF, size=None, link=b"\x6f\x98"),
        replace(EF, file_id=b"\x6f\x98", size=None, link=b"\x6f\x99"))  # fmt: skip
managed("an ADF with the name of another", BAD, replace(
    DF, file_id=b"\x7f\xee", df_name=bytes.fromhex("A0000000871002FF49FF0589")))  # fmt: skip
managed("patterns that exclude each other", BAD,
        replace(EF, info=ProprietaryInfo(fill=b"\x00", repeat=b"\x01")))  # fmt: skip

managed("an access rule that is not there", BAD, replace(EF, security=b"\x2f\x06\xfe"))
managed("access rules in a file that is not there", BAD, replace(EF, security=b"\x6f\x97\x01"))
managed("access rules in a transparent file", BAD, replace(EF, security=b"\x2f\xe2\x01"))
file_change("an ADF whose access rule is not there", BAD, "usim", "adf-usim", Fcp(
    file_id=b"\x7f\xd0", df_name=bytes.fromhex("A0000000871002FF49FF0589"), security=b"\xfe",
    pin_status=b"\x01\x81\x0a\x0b"))  # fmt: skip
OBJECTS = replace(EF, descriptor=b"\x79\x21", size=b"\x20")
managed("data objects that are cut off", BAD, OBJECTS, FillContent(b"\x81\x05\x00"))
managed("a data object twice", BAD, OBJECTS, FillContent(b"\x81\x00\x81\x00"))
managed("a data object of a wrong class", BAD, OBJECTS, FillContent(b"\x01\x01\x00"))

# PINs and PUKs.
managed("a global PIN that nothing defines", Status.PIN_CODE_MISSING,
        replace(DF, pin_status=b"\x07"))  # fmt: skip
managed("a local PIN that nothing defines", Status.PIN_CODE_MISSING,
        replace(DF, pin_status=b"\x01\x86"))  # fmt: skip
without("an ADF whose PINs are gone", Status.PIN_CODE_MISSING, "mf", "PinCodes")
without("a PIN whose PUK is missing", Status.PIN_CODE_MISSING, "PinCodes", "PukCodes")
pin("a PUK that is not there", Status.PIN_CODE_MISSING, puk=0x08)
pin("a PIN of three digits", BAD, value=b"123" + b"\xff" * 5)
pin("a PIN of letters", BAD, value=b"abcd" + b"\xff" * 4)
pin("a PIN with FF in the middle", BAD, value=b"12\xff34\xff\xff\xff")
pin("a local PIN in the MF", BAD, reference=0x81)
pin("a PIN reference of no PIN", BAD, reference=0x20)
pin("no tries at all", BAD, tries=0x00)
pin("more tries left than there are", BAD, tries=0x34)
one("a PIN twice", BAD, "PinCodes", lambda b: replace(b, pins=(b.pins[0], *b.pins)))
one("a PUK twice", BAD, "PukCodes", lambda b: replace(b, puks=(b.puks[0], *b.puks)))
one("a PUK of letters", BAD, "PukCodes",
    lambda b: replace(b, puks=(PukConfiguration(1, b"abcdefgh"), *b.puks[1:])))  # fmt: skip
added("PINs shared with a DF that has none", BAD, PinCodes(PeHeader(NEW), path=b"\x7f\x55"))
added("PINs before the MF", BAD, PinCodes(PeHeader(NEW), (PinConfiguration(1, b"12345678"),)),
      before="mf")  # fmt: skip
whole("PINs of the MF twice", BAD, NEW, lambda b: [
    *b[:4], PinCodes(PeHeader(NEW), (PinConfiguration(10, b"12345678"),)), *b[4:]])  # fmt: skip

# Network access.
aka("an algorithm not known", FEATURE, algorithm=9)
aka("Milenage with a long key", BAD, algorithm=1, key=bytes(32))
aka("TUAK with a short TOPc", BAD, algorithm=2, opc=bytes(16))
aka("TUAK without rounds", BAD, algorithm=2, opc=bytes(32), keccak=0)
one("a sequence number of 48 bits", BAD, "AkaParameter",
    lambda b: replace(b, sqn_delta=b"\xff" * 6))  # fmt: skip
one("keys of an NAA that is not there", BAD, "AkaParameter",
    lambda b: replace(b, configuration=MappingParameter(b"\x00", b"\xa0" * 8)))  # fmt: skip
added("keys before any NAA", BAD,
      AkaParameter(PeHeader(NEW), AlgorithmParameter(3, bytes(16), bytes(16))),
      before="PukCodes")  # fmt: skip
added("CDMA keys before any NAA", BAD, CdmaParameter(PeHeader(NEW), bytes(8)), before="PukCodes")
added("two sets of keys for one NAA", BAD,
      AkaParameter(PeHeader(NEW), AlgorithmParameter(3, bytes(16), bytes(16))))  # fmt: skip

# Security domains and their keys.
key("KVN 00", BAD, kvn=0)
key("KVN 80", BAD, kvn=0x80)
key("key id 00", BAD, key_id=0)
key("an AES key under an SCP02 version", BAD, kvn=0x20)
key("an AES key of 15 bytes", BAD, components=(KeyComponent(b"\x88", bytes(15)),))
key("a DES key of 12 bytes", BAD, components=(KeyComponent(b"\x80", bytes(12)),))
key("a PSK of 8 bytes", BAD, kvn=0x40, components=(KeyComponent(b"\x85", bytes(8)),))
key("a DES key under an SCP03 version", BAD, kvn=0x30,
    components=(KeyComponent(b"\x80", bytes(16)),))  # fmt: skip
key("a key type not known", FEATURE, components=(KeyComponent(b"\x99", bytes(16)),))
key("a key of two components", FEATURE, components=(KeyComponent(b"\x88", bytes(16)),) * 2)
key("a MAC of 5 bytes", BAD, components=(KeyComponent(b"\x88", bytes(16), 5),))
key("a counter of 6 bytes", BAD, counter=bytes(6))
domain("a key twice", BAD, keys=tuple(
    KeyObject(b"\x18", 1, 1, (KeyComponent(b"\x88", bytes(16)),)) for _ in range(2)))  # fmt: skip
domain("personalisation data that is cut off", BAD, perso=(bytes.fromhex("00703266"),))
domain("recognition data that is no TLV", BAD, perso=(dgi.encode(0x70, b"\x66\x30\x00"),))
instance("a module of no runtime", RUNTIME, module=b"\xa0" * 8)
instance("a load file of no runtime", RUNTIME, load_package=b"\xa0" * 8)
instance("data for an instance", FEATURE, process_data=(b"\x80\xe2\x90\x00\x00",))
domain("restrictions of open personalisation", FEATURE, open_perso=bytes.fromhex("D90101"))
domain("CAT_TP without CAT_TP", FEATURE, cat_tp=bytes.fromhex("800203FF81020400"))
instance("privileges of no security domain", BAD, privileges=b"\x02\xdc\x00")
instance("privileges of two bytes", BAD, privileges=b"\x82\xdc")
instance("a life cycle that is none", BAD, life_cycle=b"\x42")
instance("install parameters that are no TLV", BAD, install_c9=b"\x81\x05")
instance("the AID of the ISD-R", BAD, instance=ISD_R_AID)
instance("the AID of an ISD-P", BAD, instance=isd_p_aid(0x20))
instance("a domain of a domain that is not there", BAD, security_domain=b"\xa0" * 8)
instance("the AID of the USIM", BAD, instance=bytes.fromhex("A0000000871002FF49FF0589"))
CASES[-1] = replace(CASES[-1], element="usim")
for _text, _toolkit in (("cut off", "0100000000"), ("a TAR of 2 bytes", "010000000000 02B201 00"),
                        ("a level of 3 bytes", "0100000000030102020300 00"),
                        ("the TAR of the ISD-R", "010000000000 03000001 00"),
                        ("the TAR of an ISD-P", "010000000000 03000010 00"),
                        ("one TAR twice", "010000000000 06B20100B20100 00")):  # fmt: skip
    instance(f"toolkit parameters: {_text}", BAD,
             application=ApplicationParameters(toolkit=bytes.fromhex(_toolkit)))  # fmt: skip
whole("a second domain with the same AID", BAD, NEW, lambda b: [
    *b[:-1], renumbered(find(b, "SecurityDomain")), b[-1]])  # fmt: skip

# Remote file management and applications.
without("RFM without a security domain", BAD, "Rfm", "SecurityDomain")
rfm("RFM of another security domain", BAD, security_domain=b"\xa0" * 8)
rfm("RFM with the TAR of the MNO-SD", BAD, tars=(bytes.fromhex("B20100"),))
rfm("RFM with an unknown access domain", BAD, access=b"\x77")
rfm("RFM with PIN conditions cut off", BAD, admin_access=b"\x02\x01")
rfm("RFM with a level of reserved bits", BAD, security_level=0x80)
rfm("RFM of an ADF that is not there", BAD, adf=AdfAccess(b"\xa0" * 8, b"\x00", b"\x00"))
rfm("RFM with the AID of the MNO-SD", BAD, instance=bytes.fromhex("A000000151000000"))
added("code to load", RUNTIME, Application(PeHeader(NEW), load_block=bytes.fromhex(
    "4F05A000000001C40100")))  # fmt: skip
added("an instance of foreign code", RUNTIME, Application(PeHeader(NEW), instances=(
    ApplicationInstance(b"\xa0" * 6, b"\xa0" * 7, b"\xa0" * 8, b"\x00", b""),)))  # fmt: skip
raw("an RFM with an AID of 4 bytes", BAD, "Rfm",
    lambda p: build([UnknownElement(0xA7, encode(x).body.replace(
        b"\x4f\x09" + x.instance, b"\x4f\x04" + x.instance[:4])) if isinstance(x, Rfm) else x
        for x in bodies_of(p)]))  # fmt: skip
one("an end with a doubled header", BAD, "End",
    lambda b: UnknownElement(End.TAG, b.header.encode() * 2))  # fmt: skip
one("PUKs without a list", BAD, "PukCodes",
    lambda b: UnknownElement(PukCodes.TAG, b.header.encode()))  # fmt: skip
one("an element that is no DER", BAD, "usim",
    lambda b: UnknownElement(0xB3, b.encode()[:-1] + b"\xff\xff"))  # fmt: skip
one("an element that ends early", BAD, "usim",
    lambda b: UnknownElement(0xB3, b.encode()[:-1]))  # fmt: skip
