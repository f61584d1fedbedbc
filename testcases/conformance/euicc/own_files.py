"""A profile with a DF of the lab's own, 7F50: a file of each structure, with rules of each kind.

A BER-TLV file is there where it is asked for, because a card need not have such files. The rules
stand in an EF.ARR in the DF. Record 1 allows everything, INCREASE too; 2 reading always and
updating with ADM1; 3 nothing; 4 reading and updating with PIN1; 5 reading with PIN1 or ADM1 and
updating with both; 6 updating and deactivating always, activating with ADM1, and is silent about
reading; 7 all but INCREASE, which needs ADM1; 8 reading and INCREASE, but no updating.
"""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

from hil.evidence import step
from hil.not_applicable import not_applicable
from hil.wire import isdr_commands, tlv
from hil.wire.apdu import CommandApdu
from hil.wire.download import last_response, prepare_packets
from hil.wire.profile_package.elements import encode
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
from hil.wire.profile_package.package import PeHeader, join, split
from testcases.conformance.euicc import preparing
from testcases.conformance.euicc.preparing import one

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hil.bench.esim import Esim
    from hil.bench.profile_maker import LabProfile, ProfileMaker
    from hil.equipment.card import Card
    from hil.equipment.card.over_the_air import OverTheAirSession
    from hil.wire.profile_package.applications import Rfm

DF: Final = "7F50"
BINARY, LINEAR, CYCLIC = "6F01", "6F02", "6F03"
CLOSED, GUARDED, PRIVATE, OBJECTS = "6F05", "6F09", "6F0A", "6F0B"
SHARED, SILENT, FIXED, COUNTED = "6F0C", "6F0D", "6F0E", "6F0F"
"""Under rules 5 to 8; the last two are cyclic."""

LINEAR_CLOSED, OBJECTS_SILENT, OBJECTS_GUARDED = "6F10", "6F11", "6F12"
"""Under rules 3, 6 and 2: a linear fixed file, and two BER-TLV files."""

LINKED: Final = "6F13"
"""A link to the transparent file."""

MOST_OBJECTS: Final = 500
"""Bytes that the BER-TLV file may hold."""

_FEATURE_NOT_SUPPORTED: Final = 10
USIM_AID: Final = bytes.fromhex("A0000000871002FF49FF0589")
"""Of the lab's profiles."""

CONTENT: Final = b"0123456789"
RECORDS: Final = (b"first", b"other", b"first", b"third")
NUMBERS: Final = bytes.fromhex("000009000005000001")
"""Three records of the cyclic file, the newest first."""

VERIFY_ADM1: Final = "0020000A083535353535353535"
_ENABLE_PIN1: Final = "002800010830303030FFFFFFFF"
"""Commands with a PIN have names: the journal quotes an assertion by its source."""
_ADM1, _PIN1 = "A40683010A950108", "A406830101950108"
_RULES: Final = (
    "80017F9000 8401329000 8401D49000",
    f"8001019000 80017E{_ADM1}",
    "80017F9700",
    f"800103{_PIN1} 80015C{_ADM1}",
    f"800101 A010{_PIN1}{_ADM1} 800102 AF10{_PIN1}{_ADM1}",
    f"80010A9000 800110{_ADM1}",
    f"80017F9000 840132{_ADM1}",
    "8001019000 8401329000",
)
_RULE: Final = 48
_ALL, _ADM, _NEVER, _PIN, _BOTH, _UPDATE, _FIXED, _COUNTED = (
    bytes.fromhex("6F06") + bytes((number,)) for number in range(1, 9)
)


def enabled(
    session: OverTheAirSession, maker: ProfileMaker, *, objects: bool = False
) -> LabProfile:
    """Install a profile with that DF, and enable it.

    ``objects``: with the BER-TLV file; NOT APPLICABLE where the card has no such files.
    """
    plain = maker.profile()
    package = with_files(plain.package, objects=objects)
    return enabled_as(
        session, maker, plain, package, lacking=("the card has no BER-TLV files", "O_BER_TLV")
    )


def enabled_as(
    session: OverTheAirSession,
    maker: ProfileMaker,
    plain: LabProfile,
    package: bytes,
    *,
    lacking: tuple[str, str],
) -> LabProfile:
    """Install a changed package of a profile, and enable it.

    ``lacking``: reason and item of the conformance statement of NOT APPLICABLE, where the card
    says feature-not-supported.
    """
    profile = maker.profile(
        package=package,
        tar=plain.tar,
        iccid=plain.iccid,
        imsi=plain.imsi,
        k=plain.data.k,
        opc=plain.data.opc,
    )
    preparing.created(session, profile)
    with step("Precondition: a profile with files of the lab's own is ENABLED"):
        _load(maker, profile, lacking)
        assert one(session, isdr_commands.enable_profile(profile.aid)).sw == 0x9000
    return profile


def operated_with(
    session: OverTheAirSession, esim: Esim, maker: ProfileMaker, instances: Iterable[Rfm]
) -> LabProfile:
    """Have such a profile taken up with OTA keys of the lab's own, and with more RFM instances."""
    keys = (preparing.operator_keys(),)
    plain = maker.profile(ota_keys=keys)
    elements = split(with_files(plain.package))
    made = maker.profile(
        package=join([*elements[:-1], *map(encode, instances), elements[-1]]),
        tar=plain.tar,
        iccid=plain.iccid,
        imsi=plain.imsi,
        ota_keys=keys,
    )
    preparing.taken_up(session, esim, made)
    return made


@contextmanager
def usim_held(esim: Esim) -> Iterator[Card]:
    """Have the card alone, reset, with the USIM of the enabled profile selected."""
    with esim.card.transaction() as card:
        card.reset()
        select_usim(card)
        yield card


@contextmanager
def with_pin(session: OverTheAirSession, maker: ProfileMaker) -> Iterator[Card]:
    """Have the card alone, that profile enabled; its PIN1 is enabled, and nothing is verified."""
    enabled(session, maker)
    with maker.esim.card.transaction() as card:
        card.reset()
        with step("Precondition: ENABLE PIN1"):
            assert ask(card, _ENABLE_PIN1) == "9000"
        card.reset()
        yield card


def with_files(package: bytes, *, objects: bool = False) -> bytes:
    """Return the package with the DF in it, before the security domain."""
    elements = list(split(package))
    place = next(n for n, element in enumerate(elements) if element.tag == 0xA6)
    own = encode(GenericFileManagement(PeHeader(900), (_steps(objects=objects),)))
    return join([*elements[:place], own, *elements[place:]])


def ask(card: Card, command: str) -> str:
    """Send a command in hex; return data, a blank and the status word; 91xx counts as 9000."""
    answer = card.send(CommandApdu.decode(bytes.fromhex(command)))
    sw = 0x9000 if answer.sw1 == 0x91 else answer.sw
    return f"{answer.data.hex().upper()} {sw:04X}".strip()


def select(card: Card, *path: str) -> dict[int, bytes]:
    """Select files one after the other; return the objects of the last FCP template."""
    data = ""
    for fid in path:
        data, _, sw = ask(card, f"00A4000402{fid}00").rpartition(" ")
        assert sw == "9000", f"SELECT {fid}: {sw}"
    whole, rest = tlv.decode_one(bytes.fromhex(data))
    assert (whole.tag, rest) == (0x62, b"")
    return {part.tag: part.value for part in whole.children()}


def select_usim(card: Card) -> dict[int, bytes]:
    """Select the USIM of the lab's profile; return the objects of its FCP template."""
    whole, _ = tlv.decode_one(card.select(USIM_AID).data)
    return {part.tag: part.value for part in whole.children()}


def row(case: str, section: str, title: str, *values: object) -> Any:  # noqa: ANN401
    """Return a parameter row with its id, section and title."""
    return pytest.param(*values, marks=pytest.mark.conformance(case, section=section, title=title))


def _load(maker: ProfileMaker, profile: LabProfile, lacking: tuple[str, str]) -> None:
    """Load the package; NOT APPLICABLE where it fails for want of a feature."""
    packets, key = prepare_packets(
        profile.package, maker.keys(profile.aid), profile.aid, 1, secrets.token_bytes(8)
    )
    answers = maker.esim.load(profile.aid, packets)
    wrong = next((n for n, row in enumerate(packets) if answers[n] != row.expected), None)
    if wrong is None:
        return
    response = last_response(packets[: wrong + 1], key, answers[wrong])
    if response.statuses[-1].status == _FEATURE_NOT_SUPPORTED:
        reason, item = lacking
        not_applicable(reason, item=item)
    raise AssertionError(f"the package that the lab has changed: {response.text}")


def _file(fid: str, descriptor: bytes, content: bytes, rule: bytes, sfi: int) -> list[FileStep]:
    control = Fcp(
        descriptor=descriptor,
        file_id=bytes.fromhex(fid),
        security=rule,
        size=minimal_bytes(len(content)),
        short_id=bytes((sfi << 3,)) if sfi else b"",
        info=ProprietaryInfo(),
    )
    return [control, FillContent(content)]


def _objects(fid: str, rule: bytes, sfi: int) -> Fcp:
    size = minimal_bytes(MOST_OBJECTS)
    return Fcp(
        descriptor=BER_TLV,
        file_id=bytes.fromhex(fid),
        security=rule,
        size=size,
        short_id=bytes((sfi << 3,)) if sfi else b"",
        info=ProprietaryInfo(maximum_size=size),
    )


def _steps(*, objects: bool) -> tuple[FileStep, ...]:
    directory = Fcp(
        descriptor=DIRECTORY,
        file_id=bytes.fromhex(DF),
        security=_ALL,
        pin_status=b"\x01\x0a",
    )
    of_objects = (
        _objects(OBJECTS, _ALL, 11),
        _objects(OBJECTS_SILENT, _UPDATE, 0),
        _objects(OBJECTS_GUARDED, _ADM, 0),
    )
    rules = b"".join(bytes.fromhex(rule).ljust(_RULE, b"\xff") for rule in _RULES)
    return (
        SelectPath(b""),
        directory,
        SelectPath(bytes.fromhex(DF)),
        *_file("6F06", linear_fixed(_RULE), rules, _ADM, 0),
        *_file(BINARY, TRANSPARENT, CONTENT, _ALL, 1),
        *_file(LINEAR, linear_fixed(5), b"".join(RECORDS), _ALL, 2),
        *_file(CYCLIC, cyclic(3), NUMBERS, _ALL, 3),
        *_file(CLOSED, TRANSPARENT, b"secret", _NEVER, 5),
        *_file(GUARDED, TRANSPARENT, b"guarded", _ADM, 9),
        *_file(PRIVATE, TRANSPARENT, b"private", _PIN, 10),
        *_file(SHARED, TRANSPARENT, b"shared", _BOTH, 0),
        *_file(SILENT, TRANSPARENT, b"silent", _UPDATE, 0),
        *_file(FIXED, cyclic(3), NUMBERS, _FIXED, 0),
        *_file(COUNTED, cyclic(3), NUMBERS, _COUNTED, 0),
        *_file(LINEAR_CLOSED, linear_fixed(5), b"".join(RECORDS), _NEVER, 0),
        Fcp(
            descriptor=TRANSPARENT,
            file_id=bytes.fromhex(LINKED),
            security=_ALL,
            short_id=b"",
            link=bytes.fromhex(DF + BINARY),
        ),
        *(of_objects if objects else ()),
    )
