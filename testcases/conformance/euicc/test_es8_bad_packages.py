"""ES8.DownloadAndInstallation of packages that no card may install."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from hil.evidence import step
from hil.wire import tlv
from hil.wire.download import last_response, prepare_packets
from hil.wire.profile_package.authentication import AkaParameter
from hil.wire.profile_package.elements import UnknownElement, decode, encode
from hil.wire.profile_package.fcp import Fcp
from hil.wire.profile_package.files import FileElement, GenericFileManagement, SelectPath
from hil.wire.profile_package.package import PeHeader, split
from testcases.conformance.euicc import preparing
from testcases.conformance.euicc.preparing import assert_loads, assert_not_installed

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.bench.esim import Esim
    from hil.bench.profile_maker import ProfileMaker
    from hil.equipment.card.over_the_air import OverTheAirSession
    from hil.wire.profile_package.elements import Body
    from hil.wire.profile_package.files import FileStep

    Change = Callable[[list[Body]], list[Body]]

pytestmark = [
    pytest.mark.requires("card.m2m", "card.keys"),
    pytest.mark.requirement("R-44", "R-45"),
    pytest.mark.severity("critical"),
]
SECTION = "SGP.02, 4.1.3.3; TCA interoperable format, 8.11"
OWN = 0x1234
"""Identification of elements that a case adds."""

PE_NOT_SUPPORTED, BAD_VALUES, NO_MEMORY, FORMAT, PARAMETER = 1, 3, 4, 5, 6
RUNTIME, LIBRARY, TEMPLATE, FEATURE, PIN_MISSING, VERSION = 7, 8, 9, 10, 11, 31
EF = Fcp(descriptor=b"\x41\x21", file_id=b"\x6f\x99", security=b"\x01", size=b"\x04")


def name_of(body: Body) -> str:
    """Return the name of an element, its type where that has one kind only."""
    return body.name if isinstance(body, FileElement) else type(body).__name__


def changed(name: str, change: Callable[[Any], Body]) -> Change:
    """Return a change of the first element called so."""

    def apply(bodies: list[Body]) -> list[Body]:
        place = next(n for n, body in enumerate(bodies) if name_of(body) == name)
        return [*bodies[:place], change(bodies[place]), *bodies[place + 1 :]]

    return apply


def without(*names: str) -> Change:
    """Return a change that leaves the elements called so out."""
    return lambda bodies: [body for body in bodies if name_of(body) not in names]


def added(*more: Body) -> Change:
    """Return a change that puts elements before the end."""
    return lambda bodies: [*bodies[:-1], *more, bodies[-1]]


def files(*steps: FileStep) -> Change:
    """Return a change that adds file management before the end."""
    return added(GenericFileManagement(PeHeader(OWN), ((SelectPath(b""), *steps),)))


def first_key(**changes: object) -> Change:
    """Return a change of the first key of the MNO-SD."""
    return changed(
        "SecurityDomain",
        lambda body: replace(body, keys=(replace(body.keys[0], **changes), *body.keys[1:])),
    )


def row(number: int, title: str, statuses: tuple[int, ...], change: Change) -> Any:  # noqa: ANN401
    """Return a parameter row with its id and title."""
    told = " or ".join(str(status) for status in statuses)
    mark = pytest.mark.conformance(
        f"EUICC-ES8-PACKAGE-{number:02d}", section=SECTION, title=f"{title} (PEStatus {told})"
    )
    return pytest.param(statuses, change, marks=mark)


@pytest.mark.parametrize(
    ("statuses", "change"),
    [
        row(1, "A package without its header", (FORMAT, BAD_VALUES), without("ProfileHeader")),
        row(
            2,
            "A package of format version 9",
            (VERSION,),
            changed("ProfileHeader", lambda body: replace(body, major=9)),
        ),
        row(
            3,
            "A mandated element that no standard knows",
            (PE_NOT_SUPPORTED,),
            added(UnknownElement(0xBF40, bytes.fromhex("A006800081021234"))),
        ),
        row(
            4,
            "A template that nobody knows",
            (TEMPLATE,),
            changed("gsm-access", lambda body: replace(body, template="2.23.143.1.2.99")),
        ),
        row(
            5,
            "A USIM before the MF",
            (BAD_VALUES, PARAMETER),
            lambda all_: [all_[0], *(one for one in all_ if name_of(one) == "usim"), all_[-1]],
        ),
        row(
            6,
            "The options of a USIM that is not there",
            (BAD_VALUES, PARAMETER),
            without("usim", "PinCodes", "AkaParameter"),
        ),
        row(
            7,
            "A DF that names a PIN which nothing defines",
            (PIN_MISSING,),
            files(
                Fcp(
                    descriptor=b"\x78\x21",
                    file_id=b"\x5f\x99",
                    security=b"\x2f\x06\x01",
                    pin_status=b"\x07",
                )
            ),
        ),
        row(8, "A file twice", (PARAMETER, BAD_VALUES), files(EF, EF)),
        row(
            9,
            "A link to a file that is not there",
            (BAD_VALUES, PARAMETER),
            files(replace(EF, size=None, link=b"\x7f\x10\x6f\x98")),
        ),
        row(10, "A PIN whose PUK is not there", (PIN_MISSING,), without("PukCodes")),
        row(
            11,
            "A PIN with more tries left than it has",
            (BAD_VALUES, PARAMETER),
            changed(
                "PinCodes",
                lambda body: replace(
                    body, pins=(replace(body.pins[0], tries=0x34), *body.pins[1:])
                ),
            ),
        ),
        row(
            12,
            "A Milenage key of 32 bytes",
            (BAD_VALUES, PARAMETER),
            changed(
                AkaParameter.__name__,
                lambda body: replace(
                    body, configuration=replace(body.configuration, algorithm=1, key=bytes(32))
                ),
            ),
        ),
        row(13, "A key of version 00", (BAD_VALUES, PARAMETER), first_key(kvn=0)),
        row(
            14,
            "Remote file management of a domain that is not there",
            (BAD_VALUES, PARAMETER),
            changed("Rfm", lambda body: replace(body, security_domain=b"\xa0" * 8)),
        ),
        row(
            15,
            "A file larger than the memory granted",
            (NO_MEMORY,),
            files(*(replace(EF, file_id=bytes((0x6F, n)), size=b"\xff\xff") for n in range(10))),
        ),
    ],
)
def test_a_bad_package_leaves_no_trace(
    over_the_air: OverTheAirSession,
    profile_maker: ProfileMaker,
    esim: Esim,
    statuses: tuple[int, ...],
    change: Change,
) -> None:
    """A bad package is refused.

    Preconditions: an ISD-P with its key set exists; its quota is 40,000 bytes.

    Steps:
    1. The package under SCP03t: an EUICCResponse with profileInstallationAborted, and a PEStatus of
       the title.
    2. GetStatus: the ISD-P is as before. The memory left too.
    3. A good package into the same ISD-P: DISABLED.
    """
    profile = profile_maker.profile()
    preparing.created(over_the_air, profile)
    before = preparing.free_memory(over_the_air)
    package = b"".join(
        encode(body).encode() for body in change([decode(one) for one in split(profile.package)])
    )
    assert package != profile.package
    with step("1. The bad package"):
        packets, key = prepare_packets(
            package, profile_maker.keys(profile.aid), profile.aid, 1, secrets.token_bytes(8)
        )
        answers = esim.load(profile.aid, packets)
        told = next(
            (n for n, raw in enumerate(answers) if n > 1 and tlv.decode_one(raw)[0].value), None
        )
        assert told is not None, "no EUICCResponse came"
        response = last_response(packets[: told + 1], key, answers[told])
        assert response.aborted, response.text
        assert response.statuses[-1].status in statuses, response.text
    with step("2. GetStatus"):
        assert_not_installed(esim, profile)
        assert preparing.free_memory(over_the_air) == before
    with step("3. A good package"):
        assert_loads(esim, profile, profile_maker)
