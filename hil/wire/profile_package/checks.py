"""Static checks of a package: what a decoder lets pass and an eUICC may stumble over.

After the TCA specification's rules of order and presence. A package without findings may still be
refused by a card; one with findings is better not sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hil.errors import CodecError
from hil.wire import identifiers
from hil.wire.profile_package.applications import SecurityDomain
from hil.wire.profile_package.authentication import AkaParameter, Algorithm, AlgorithmParameter
from hil.wire.profile_package.elements import Body, decode
from hil.wire.profile_package.file_checks import file_findings
from hil.wire.profile_package.files import FileElement, render
from hil.wire.profile_package.header import ProfileHeader, Service
from hil.wire.profile_package.package import END, HEADER, Element, split
from hil.wire.profile_package.pins import PinCodes, PukCodes

_SINGLE: Final = (
    "mf", "pukCodes", "cd", "telecom", "usim", "isim", "csim", "opt-usim", "opt-isim", "opt-csim",
    "phonebook", "gsm-access", "eap", "df-5gs", "df-saip", "df-snpn", "df-5gprose", "iot",
    "opt-iot",
)  # fmt: skip
_NEEDS: Final = {
    "opt-usim": "usim",
    "gsm-access": "usim",
    "phonebook": "usim",
    "df-5gs": "usim",
    "df-saip": "usim",
    "df-snpn": "usim",
    "df-5gprose": "usim",
    "opt-isim": "isim",
    "opt-csim": "csim",
    "opt-iot": "iot",
}
_MULTIPLE: Final = {
    Service.MULTIPLE_USIM: ("usim", "opt-usim", "gsm-access", "phonebook", "df-5gs", "df-saip"),
    Service.MULTIPLE_ISIM: ("isim", "opt-isim"),
    Service.MULTIPLE_CSIM: ("csim", "opt-csim"),
}
_SERVICE_ELEMENTS: Final = {
    Service.USIM: ("usim", "iot"),
    Service.ISIM: ("isim",),
    Service.CSIM: ("csim",),
    Service.GBA_USIM: ("usim",),
    Service.GBA_ISIM: ("isim",),
    Service.GET_IDENTITY: ("usim", "isim", "iot"),
    Service.PROFILE_A_X25519: ("usim", "isim", "iot"),
    Service.PROFILE_B_P256: ("usim", "isim", "iot"),
    Service.CAVE: ("cdmaParameter",),
    Service.JAVACARD: ("application", "rfm", "securityDomain"),
}
_ALGORITHM_SERVICES: Final[dict[tuple[int, int], Service]] = {
    (Algorithm.MILENAGE, 16): Service.MILENAGE,
    (Algorithm.TUAK, 16): Service.TUAK128,
    (Algorithm.TUAK, 32): Service.TUAK256,
    (Algorithm.USIM_TEST, 16): Service.USIM_TEST_ALGORITHM,
}
_KEY_VERSIONS: Final = range(0x01, 0x80)
_KEY_IDS: Final = range(0x01, 0x80)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and in which element (identification; None: header or the whole)."""

    text: str
    identification: int | None = None

    def __str__(self) -> str:
        """Return the finding as one line."""
        return (
            self.text if self.identification is None else f"PE {self.identification}: {self.text}"
        )


def check(package: bytes) -> tuple[Finding, ...]:
    """Return all findings; raise CodecError if the package cannot be decoded."""
    elements = split(package)
    bodies = tuple(decode(element) for element in elements)
    services = next((set(one.services) for one in bodies if isinstance(one, ProfileHeader)), set())
    return (
        *_order(elements),
        *_presence(elements, services),
        *_algorithms(bodies, services),
        *_identity(bodies),
        *_pins(bodies),
        *_keys(bodies),
        *(Finding(text, number) for number, text in file_findings(bodies)),
    )


def _order(elements: tuple[Element, ...]) -> Iterator[Finding]:
    names = [element.name for element in elements]
    tags = [element.tag for element in elements]
    if tags[0] != HEADER or tags.count(HEADER) != 1:
        yield Finding("the header must be first, and there must be one")
    if tags[-1] != END or tags.count(END) != 1:
        yield Finding("the end must be last, and there must be one")
    if len(names) > 1 and names[1] not in ("mf", "iot", "genericFileManagement"):
        yield Finding(f"{names[1]} stands where the MF must be made", elements[1].identification)
    numbers = Counter(one.identification for one in elements if one.identification is not None)
    for number, times in numbers.items():
        if times > 1:
            yield Finding(f"identification is used {times} times", number)
    seen: set[str] = set()
    for element in elements:
        needed = _NEEDS.get(element.name)
        if needed is not None and needed not in seen:
            yield Finding(f"{element.name} needs {needed} before it", element.identification)
        seen.add(element.name)


def _presence(elements: tuple[Element, ...], services: set[int]) -> Iterator[Finding]:
    counts = Counter(element.name for element in elements)
    allowed = {
        name for service in services & set(_MULTIPLE) for name in _MULTIPLE[Service(service)]
    }
    for name in _SINGLE:
        if counts[name] > 1 and name not in allowed:
            yield Finding(f"{counts[name]} elements {name}, but no service says there may be more")
    for service, names in _SERVICE_ELEMENTS.items():
        if service in services and not any(counts[name] for name in names):
            yield Finding(
                f"service {service.name} is asked for, but there is no {' or '.join(names)}"
            )


def _algorithms(bodies: tuple[Body, ...], services: set[int]) -> Iterator[Finding]:
    found: set[Service] = set()
    context = False
    for body in bodies:
        if isinstance(body, FileElement) and body.name in ("usim", "isim", "csim", "iot"):
            context = True
        if not isinstance(body, AkaParameter):
            continue
        if not context:
            yield Finding("akaParameter has no NAA before it", body.header.identification)
        if isinstance(body.configuration, AlgorithmParameter):
            algorithm = (body.configuration.algorithm, len(body.configuration.key))
            service = _ALGORITHM_SERVICES.get(algorithm)
            if service is None:
                text = f"algorithm {algorithm[0]} does not exist with a key of {algorithm[1]} bytes"
                yield Finding(text, body.header.identification)
            else:
                found.add(service)
    asked = {service for service in _ALGORITHM_SERVICES.values() if service in services}
    for service in sorted(asked - found):
        yield Finding(f"service {service.name} is asked for, but no akaParameter uses it")
    for service in sorted(found - asked):
        yield Finding(f"an akaParameter uses {service.name}, which the header does not ask for")


def _identity(bodies: tuple[Body, ...]) -> Iterator[Finding]:
    header = next((one for one in bodies if isinstance(one, ProfileHeader)), None)
    if header is None:
        return
    for body in bodies:
        if not isinstance(body, FileElement) or body.name not in ("mf", "iot"):
            continue
        file = body.file("ef-iccid")
        if file is None:
            continue
        try:
            content = render(file.items, 10)
            same = identifiers.decode_iccid(content) == header.iccid_digits
        except CodecError as err:
            yield Finding(f"ICCID cannot be read: {err}", body.header.identification)
            continue
        if not same:
            yield Finding("EF.ICCID differs from the header", body.header.identification)


def _pins(bodies: tuple[Body, ...]) -> Iterator[Finding]:
    puks: set[int] = set()
    for body in bodies:
        if isinstance(body, PukCodes):
            puks = {puk.reference for puk in body.puks}
        elif isinstance(body, PinCodes):
            for pin in body.pins:
                if pin.puk is not None and pin.puk not in puks:
                    text = f"PIN {pin.reference} names PUK {pin.puk}, which does not exist"
                    yield Finding(text, body.header.identification)


def _keys(bodies: tuple[Body, ...]) -> Iterator[Finding]:
    for body in bodies:
        if not isinstance(body, SecurityDomain):
            continue
        seen: set[tuple[int, int]] = set()
        for key in body.keys or ():
            place = f"key {key.key_id:02X} of version {key.kvn:02X}"
            if key.kvn not in _KEY_VERSIONS or key.key_id not in _KEY_IDS:
                yield Finding(f"{place} is not legal", body.header.identification)
            if (key.kvn, key.key_id) in seen:
                yield Finding(f"{place} is there twice", body.header.identification)
            seen.add((key.kvn, key.key_id))
