"""Is this a test profile? Decided from the decoded content, never from a header's claim.

The test-profile installation mode (patent operation 420 of FIG. 4, claims 6 and 13) lets in test
profiles only, so this must hold against packages made to deceive. A profile is a test profile if
all its keys are test keys **and** all its IMSIs lie in a test network, and if nothing in it escapes
the look: no foreign code, no unknown element, nothing behind the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hil.errors import CodecError
from hil.wire.profile_package.applications import Application, End, NonStandard
from hil.wire.profile_package.authentication import (
    AkaParameter,
    Algorithm,
    AlgorithmParameter,
    CdmaParameter,
    MappingParameter,
)
from hil.wire.profile_package.elements import Body, UnknownElement, decode
from hil.wire.profile_package.header import ProfileHeader
from hil.wire.profile_package.package import END, HEADER, Element, split
from hil.wire.profile_package.subscription import cdma_countries, imsi_files


@dataclass(frozen=True, slots=True)
class TestProfileRule:
    """What counts as a test profile.

    * ``networks``: MCC and MNC with which every IMSI must begin; 001/01 is the test network.
    * ``countries``: mobile country codes allowed in a CDMA identity.
    * ``zero_key``: also accept another algorithm if every K is zero but for its last 8 bits
      (SGP.01 EUICC23).
    * ``cave_keys``: CDMA authentication keys known as test keys; that of GSMA TS.48.
    * ``applications``: accept load files and instances; their code cannot be looked into.
    """

    __test__ = False

    networks: tuple[str, ...] = ("00101",)
    countries: tuple[str, ...] = ("001",)
    zero_key: bool = True
    cave_keys: tuple[bytes, ...] = (bytes.fromhex("00000000FFFFFFFF"),)
    applications: bool = False


DEFAULT_RULE: Final = TestProfileRule()


@dataclass(frozen=True, slots=True)
class Inspection:
    """Result of a look into a package.

    ``reasons``: why it is no test profile, without key values; empty if it is one. ``iccid`` of
    the header and ``imsi`` of the first EF.IMSI are None if they cannot be read. ``algorithms``:
    algorithmID of each akaParameter. ``profile_type``: the header's text, a claim.
    """

    is_test: bool
    reasons: tuple[str, ...]
    iccid: str | None
    imsi: str | None
    imsis: tuple[str, ...]
    algorithms: tuple[int, ...]
    profile_type: str | None


def inspect(package: bytes, rule: TestProfileRule = DEFAULT_RULE) -> Inspection:
    """Look into a package; raise CodecError if it cannot be decoded as a whole."""
    elements = split(package)
    bodies = tuple(decode(element) for element in elements)
    subscribers = imsi_files(bodies)
    imsis = tuple(one.imsi for one in subscribers if one.imsi is not None)
    reasons = [*_frame(elements), *_hidden(elements, bodies, rule), *_keys(bodies, rule)]
    if not subscribers:
        reasons.append("no EF.IMSI: the network of the profile is not known")
    for one in subscribers:
        if one.imsi is None:
            reasons.append(f"{one.place} holds no readable IMSI")
        elif not one.imsi.startswith(rule.networks):
            reasons.append(f"{one.place} is not in a test network: {one.imsi[:5]}…")
    reasons += [
        f"{one.place} has country {one.imsi}, not a test country"
        for one in cdma_countries(bodies)
        if one.imsi not in rule.countries
    ]
    header = next((body for body in bodies if isinstance(body, ProfileHeader)), None)
    return Inspection(
        is_test=not reasons,
        reasons=tuple(reasons),
        iccid=None if header is None else _iccid(header),
        imsi=imsis[0] if imsis else None,
        imsis=imsis,
        algorithms=tuple(
            body.configuration.algorithm
            for body in bodies
            if isinstance(body, AkaParameter) and isinstance(body.configuration, AlgorithmParameter)
        ),
        profile_type=None if header is None else header.profile_type,
    )


def _iccid(header: ProfileHeader) -> str | None:
    try:
        return header.iccid_digits
    except CodecError:
        return None


def _frame(elements: tuple[Element, ...]) -> list[str]:
    reasons = []
    tags = [element.tag for element in elements]
    if tags[0] != HEADER or tags.count(HEADER) != 1:
        reasons.append("the package does not begin with its one and only header")
    if END not in tags:
        reasons.append("the package has no end")
    else:
        behind = elements[tags.index(END) + 1 :]
        reasons += [f"{element.name} stands behind the end" for element in behind]
    return reasons


def _hidden(
    elements: tuple[Element, ...], bodies: tuple[Body, ...], rule: TestProfileRule
) -> list[str]:
    """Return what escapes the look."""
    reasons = []
    for element, body in zip(elements, bodies, strict=True):
        place = f"{element.name} (PE {element.identification})"
        if isinstance(body, NonStandard):
            reasons.append(f"{place} is its issuer's own and cannot be looked into")
        elif isinstance(body, UnknownElement):
            reasons.append(f"{place} is unknown or reserved and cannot be looked into")
        elif isinstance(body, Application) and not rule.applications:
            reasons.append(f"{place} holds code, which cannot be looked into")
        elif isinstance(body, AkaParameter | End) and body.extensions:
            reasons.append(f"{place} has fields that are unknown here")
    return reasons


def _keys(bodies: tuple[Body, ...], rule: TestProfileRule) -> list[str]:
    reasons = []
    parameters: list[AlgorithmParameter] = []
    akas = [body for body in bodies if isinstance(body, AkaParameter)]
    if not akas:
        reasons.append("no akaParameter: the keys of the profile are not known")
    for aka in akas:
        place = f"akaParameter (PE {aka.header.identification})"
        if isinstance(aka.configuration, MappingParameter):
            reasons.append(f"{place} takes its keys from elsewhere")
        elif aka.configuration.extensions:
            reasons.append(f"{place} has fields that are unknown here")
        else:
            parameters.append(aka.configuration)
    all_test = all(one.algorithm == Algorithm.USIM_TEST for one in parameters)
    all_zero = rule.zero_key and all(not any(one.key[:-1]) for one in parameters)
    if not all_test and not all_zero:
        ids = ", ".join(str(one.algorithm) for one in parameters)
        reasons.append(
            f"not every akaParameter has the test algorithm (found {ids}), nor are all K zero"
        )
    reasons += [
        f"cdmaParameter (PE {body.header.identification}) holds a key that is no known test key"
        for body in bodies
        if isinstance(body, CdmaParameter) and body.key not in rule.cave_keys
    ]
    return reasons


__all__ = ["DEFAULT_RULE", "Inspection", "TestProfileRule", "inspect"]
