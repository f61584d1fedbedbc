"""What an element must hold beyond its syntax, and what the card can do of what a header asks.

TCA interoperable format, 8.2 (header), 8.3 (files), 8.4 (PINs), 8.5 (network access).
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hil.virtual.euicc.install_domains import SD_PACKAGE
from hil.virtual.euicc.install_error import InstallError, Status, part
from hil.virtual.euicc.templates import templates
from hil.wire.profile_package.authentication import AkaParameter, Algorithm, AlgorithmParameter
from hil.wire.profile_package.file_names import FILE_NAMES
from hil.wire.profile_package.files import FileElement
from hil.wire.profile_package.header import ProfileHeader, Service
from hil.wire.profile_package.pins import PinConfiguration, PukConfiguration

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSIONS: Final = frozenset({2, 3})
"""Major versions of the format that are understood."""

_RUNTIMES: Final = frozenset({Service.JAVACARD, Service.MULTOS})


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a card can do: services of the header, libraries by AID."""

    services: frozenset[int]
    libraries: frozenset[bytes] = frozenset({SD_PACKAGE})


CAPABILITIES: Final = Capabilities(
    frozenset(
        {
            Service.USIM,
            Service.ISIM,
            Service.CSIM,
            Service.MILENAGE,
            Service.TUAK128,
            Service.TUAK256,
            Service.USIM_TEST_ALGORITHM,
            Service.MULTIPLE_USIM,
            Service.MULTIPLE_ISIM,
            Service.MULTIPLE_CSIM,
            Service.BER_TLV,
            Service.DF_LINK,
            Service.GET_IDENTITY,
            Service.PROFILE_A_X25519,
            Service.PROFILE_B_P256,
        }
    )
)
"""Those of this card."""

_ARR_AND: Final = "ef-arr"
MANDATORY_FILES: Final[dict[str, tuple[str, ...]]] = {
    "mf": ("mf", "ef-iccid", "ef-dir", _ARR_AND),
    "cd": ("df-cd",),
    "telecom": ("df-telecom",),
    "usim": ("adf-usim", "ef-imsi", _ARR_AND, "ef-ust", "ef-spn", "ef-est", "ef-acc", "ef-ecc"),
    "isim": ("adf-isim", "ef-impi", "ef-impu", "ef-domain", "ef-ist", _ARR_AND),
    # The ASN.1 module calls no file of CSIM optional.
    "csim": FILE_NAMES["csim"],
    "phonebook": ("df-phonebook",),
    "gsm-access": ("df-gsm-access",),
    "eap": ("df-eap", "ef-eapstatus"),
    "df-5gs": ("df-df-5gs",),
    "df-saip": ("df-df-saip",),
    "df-snpn": ("df-df-snpn",),
}
"""Members that the ASN.1 module does not call optional."""

_GLOBAL: Final = frozenset({*range(1, 9), *range(10, 15)})
_LOCAL: Final = frozenset({*range(129, 137), *range(138, 143)})
_PINS: Final = frozenset({*range(1, 9), *range(129, 137)})
_DIGITS: Final = frozenset(b"0123456789")
_SHORTEST_PIN: Final = 4
_SEQUENCE: Final = 0x30
_OCTETS: Final = 0x04
_LARGEST_SQN: Final = 0x07FFFFFFFFFF
_KEY_LENGTHS: Final[dict[int, tuple[tuple[int, ...], tuple[int, ...]]]] = {
    Algorithm.MILENAGE: ((16,), (16,)),
    Algorithm.TUAK: ((16, 32), (32,)),
    Algorithm.USIM_TEST: ((16,), (16, 32)),
}


def check_header(header: ProfileHeader, can: Capabilities) -> None:
    """Refuse a header that asks for what the card can not do."""
    if header.major not in VERSIONS:
        raise InstallError(
            Status.UNSUPPORTED_VERSION,
            f"format version {header.major}.{header.minor}",
            additional=header.major,
        )
    for service in header.services:
        if service not in can.services:
            runtime = service in _RUNTIMES
            status = Status.RUNTIME_NOT_SUPPORTED if runtime else Status.FEATURE_NOT_SUPPORTED
            raise InstallError(status, f"service {service}", additional=service)
    for template in header.templates:
        if template not in templates():
            raise InstallError(
                Status.TEMPLATE_NOT_SUPPORTED,
                f"template {template}",
                additional=int(template.rpartition(".")[2]) & 0xFF,
            )
    for library in header.aids or ():
        if library.aid not in can.libraries:
            raise InstallError(Status.LIB_NOT_SUPPORTED, f"library {library.aid.hex()}")


def check_files(element: FileElement) -> None:
    """Refuse a file element that lacks a mandatory file."""
    for name in MANDATORY_FILES.get(element.name, ()):
        if element.file(name) is None:
            raise _bad(f"{element.name} lacks {name}")


def check_pins(pins: tuple[PinConfiguration, ...], *, in_mf: bool) -> None:
    """Refuse PINs that no terminal could present, or of the wrong context."""
    seen: set[int] = set()
    for place, pin in enumerate(pins):
        with pin_part(place):
            _check_pin(pin, seen, in_mf=in_mf)
        seen.add(pin.reference)


def _check_pin(pin: PinConfiguration, seen: set[int], *, in_mf: bool) -> None:
    name = f"PIN {pin.reference:02X}"
    if pin.reference in seen:
        raise _bad(f"{name} is there twice")
    if pin.reference not in (_GLOBAL if in_mf else _LOCAL):
        raise _bad(f"{name} does not belong to {'the MF' if in_mf else 'a DF'}")
    if pin.reference in _PINS:
        _check_digits(pin.value, name)
    _check_tries(pin.tries, name)


@contextmanager
def pin_part(place: int) -> Iterator[None]:
    """Blame what is refused inside on one PIN of a pinCodes element."""
    with part(0xA1), part(0xA0), part(_SEQUENCE, place):
        yield


def check_puks(puks: tuple[PukConfiguration, ...], before: tuple[PukConfiguration, ...]) -> None:
    """Refuse PUKs that no terminal could present; ``before``: those of other elements."""
    seen = {one.reference for one in before}
    for place, puk in enumerate(puks):
        name = f"PUK {puk.reference:02X}"
        with part(0xA1), part(_SEQUENCE, place):
            if puk.reference in seen or puk.reference not in _PINS:
                raise _bad(f"{name} is there twice or is no PUK")
            if not set(puk.value) <= _DIGITS:
                raise _bad(f"{name} is not eight digits")
            _check_tries(puk.tries, name)
        seen.add(puk.reference)


def check_aka(element: AkaParameter) -> None:
    """Refuse keys and sequence numbers that no algorithm has."""
    for tag, number in ((0x83, element.sqn_delta), (0x84, element.sqn_age_limit)):
        with part(tag):
            _check_sqn(number)
    for place, number in enumerate(element.sqn_init):
        with part(0xA5), part(_OCTETS, place):
            _check_sqn(number)
    used = element.configuration
    if isinstance(used, AlgorithmParameter):
        with part(0xA1), part(0xA1):
            _check_algorithm(used)


def _check_sqn(number: bytes) -> None:
    if int.from_bytes(number, "big") > _LARGEST_SQN:
        raise _bad("a sequence number without IND has 43 bits")


def _check_algorithm(used: AlgorithmParameter) -> None:
    lengths = _KEY_LENGTHS.get(used.algorithm)
    if lengths is None:
        raise InstallError(
            Status.FEATURE_NOT_SUPPORTED,
            f"algorithm {used.algorithm}",
            additional=used.algorithm & 0xFF,
        )
    if len(used.key) not in lengths[0]:
        with part(0x82):
            raise _bad(f"algorithm {used.algorithm} with a key of {len(used.key)} bytes")
    if len(used.opc) not in lengths[1]:
        with part(0x83):
            raise _bad(f"algorithm {used.algorithm} with OPc or TOPc of {len(used.opc)} bytes")
    if used.algorithm == Algorithm.TUAK and not used.keccak:
        with part(0x87):
            raise _bad("TUAK without a round of Keccak")


def _check_digits(value: bytes, name: str) -> None:
    digits = value.rstrip(b"\xff")
    if len(digits) < _SHORTEST_PIN or not set(digits) <= _DIGITS:
        raise _bad(f"{name} is not 4 to 8 digits filled with FF")


def _check_tries(tries: int, name: str) -> None:
    if not tries >> 4 or tries & 0x0F > tries >> 4:
        raise _bad(f"{name} has {tries & 0x0F} of {tries >> 4} tries")


def _bad(why: str) -> InstallError:
    return InstallError(Status.BAD_VALUES, why)
