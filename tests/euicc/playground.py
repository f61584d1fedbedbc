"""A profile with a DF of its own, 7F50, for tests of file commands: a file of each structure.

Its EF.ARR has three rules: 1 allows everything, INCREASE and RESIZE too; 2 reading always and the
rest with ADM1; 3 nothing.
"""

from __future__ import annotations

from hil.wire import tlv
from hil.wire.profile_package.applications import SecurityDomain
from hil.wire.profile_package.elements import Body
from hil.wire.profile_package.fcp import (
    BER_TLV,
    DIRECTORY,
    TRANSPARENT,
    Fcp,
    ProprietaryInfo,
    cyclic,
    linear_fixed,
    minimal_bytes,
)
from hil.wire.profile_package.files import FileStep, FillContent, GenericFileManagement, SelectPath
from hil.wire.profile_package.package import PeHeader
from tests.euicc.enabled_card import changed

DF = 0x7F50
ARR, BINARY, LINEAR, CYCLIC, OBJECTS = 0x6F06, 0x6F01, 0x6F02, 0x6F03, 0x6F04
CLOSED, STUBBORN, LINK, GUARDED = 0x6F05, 0x6F07, 0x6F08, 0x6F09
LINKED_DF = 0x5F01
ALL, ADM, NEVER = (b"\x6f\x06" + bytes((n,)) for n in (1, 2, 3))
_ADM1 = "A40683010A950108"
RULES = (
    "80017F9000 8401329000 8401D49000",
    f"8001019000 80017E{_ADM1} 840132{_ADM1} 8401D4{_ADM1}",
    "80017F9700",
)
_RULE_LENGTH = 40
RECORDS = (b"first", b"other", b"first", b"third")
BIGGEST_OBJECTS = 600


def playground(package: bytes) -> bytes:
    """The package with the DF put before its security domain."""

    def change(body: Body) -> list[Body] | None:
        if not isinstance(body, SecurityDomain):
            return None
        return [GenericFileManagement(PeHeader(900), (tuple(_steps()),)), body]

    return changed(package, change)


def file(fid: int, descriptor: bytes, content: bytes, **more: object) -> list[FileStep]:
    """An EF filled with its content."""
    values = {
        "descriptor": descriptor,
        "file_id": fid.to_bytes(2, "big"),
        "security": ALL,
        "size": minimal_bytes(len(content)),
        "short_id": b"",
        "info": ProprietaryInfo(),
        **more,
    }
    return [Fcp(**values), FillContent(content)]  # type: ignore[arg-type]


def _steps() -> list[FileStep]:
    directory = Fcp(
        descriptor=DIRECTORY,
        file_id=DF.to_bytes(2, "big"),
        security=ALL,
        pin_status=b"\x01\x0a",
    )
    rules = b"".join(bytes.fromhex(one).ljust(_RULE_LENGTH, b"\xff") for one in RULES)
    objects = tlv.encode(0x81, b"one") + tlv.encode(0xA2, tlv.encode(0x80, b"two"))
    link = {"size": None, "info": None}
    return [
        SelectPath(b""),
        directory,
        SelectPath(DF.to_bytes(2, "big")),
        *file(ARR, linear_fixed(_RULE_LENGTH), rules, security=ADM),
        *file(BINARY, TRANSPARENT, b"0123456789", short_id=b"\x08"),
        *file(LINEAR, linear_fixed(5), b"".join(RECORDS), short_id=b"\x10"),
        *file(CYCLIC, cyclic(3), bytes.fromhex("000009 000005 000001"), short_id=b"\x18"),
        *file(
            OBJECTS,
            BER_TLV,
            objects,
            short_id=b"\x20",
            size=b"\x40",
            info=ProprietaryInfo(maximum_size=minimal_bytes(BIGGEST_OBJECTS)),
        ),
        *file(CLOSED, TRANSPARENT, b"secret", security=NEVER),
        *file(STUBBORN, TRANSPARENT, b"usable", info=ProprietaryInfo(special=b"\x40")),
        # No short_id: the SFI is the low five bits of the file id, 09.
        *file(GUARDED, TRANSPARENT, b"guarded", security=ADM, short_id=None),
        file(LINK, linear_fixed(5), b"", link=bytes.fromhex("7F506F02"), **link)[0],
        Fcp(
            descriptor=DIRECTORY,
            file_id=LINKED_DF.to_bytes(2, "big"),
            security=ALL,
            pin_status=b"\x01\x0a",
            link=bytes.fromhex("7F105F3A"),
        ),
    ]
