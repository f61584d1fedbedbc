"""What an element must hold beyond its syntax, and what the card can do of what a header asks.

TCA interoperable format, 8.2 (header), 8.3 (files), 8.4 (PINs), 8.5 (network access).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hil.virtual.euicc.install_domains import SD_PACKAGE
from hil.virtual.euicc.install_error import InstallError, Status
from hil.virtual.euicc.templates import templates
from hil.wire.profile_package.authentication import AkaParameter, Algorithm, AlgorithmParameter
from hil.wire.profile_package.files import FileElement
from hil.wire.profile_package.header import ProfileHeader, Service
from hil.wire.profile_package.pins import PinConfiguration, PukConfiguration

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
"""Those of this card. GET IDENTITY and its profiles are taken for the files they need."""

_ARR_AND: Final = "ef-arr"
MANDATORY_FILES: Final[dict[str, tuple[str, ...]]] = {
    "mf": ("mf", "ef-iccid", "ef-dir", _ARR_AND),
    "cd": ("df-cd",),
    "telecom": ("df-telecom",),
    "usim": ("adf-usim", "ef-imsi", _ARR_AND, "ef-ust", "ef-spn", "ef-est", "ef-acc", "ef-ecc"),
    "isim": ("adf-isim", "ef-impi", "ef-impu", "ef-domain", "ef-ist", _ARR_AND),
    "csim": ("adf-csim", _ARR_AND, "ef-imsi-m"),
    "phonebook": ("df-phonebook",),
    "gsm-access": ("df-gsm-access",),
    "eap": ("df-eap", "ef-eapstatus"),
    "df-5gs": ("df-df-5gs",),
    "df-saip": ("df-df-saip",),
    "df-snpn": ("df-df-snpn",),
}
"""Members that the ASN.1 module does not call optional; of csim, those that every package has."""

_GLOBAL: Final = frozenset({*range(1, 9), *range(10, 15)})
_LOCAL: Final = frozenset({*range(129, 137), *range(138, 143)})
_PINS: Final = frozenset({*range(1, 9), *range(129, 137)})
_DIGITS: Final = frozenset(b"0123456789")
_SHORTEST_PIN: Final = 4
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
            Status.UNSUPPORTED_VERSION, f"format version {header.major}.{header.minor}"
        )
    for service in header.services:
        if service not in can.services:
            runtime = service in _RUNTIMES
            status = Status.RUNTIME_NOT_SUPPORTED if runtime else Status.FEATURE_NOT_SUPPORTED
            raise InstallError(status, f"service {service}")
    for template in header.templates:
        if template not in templates():
            raise InstallError(Status.TEMPLATE_NOT_SUPPORTED, f"template {template}")
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
    references = [one.reference for one in pins]
    if len(set(references)) != len(references):
        raise _bad("a PIN is there twice")
    for pin in pins:
        name = f"PIN {pin.reference:02X}"
        if pin.reference not in (_GLOBAL if in_mf else _LOCAL):
            raise _bad(f"{name} does not belong to {'the MF' if in_mf else 'a DF'}")
        if pin.reference in _PINS:
            _check_digits(pin.value, name)
        _check_tries(pin.tries, name)


def check_puks(puks: tuple[PukConfiguration, ...]) -> None:
    """Refuse PUKs that no terminal could present."""
    references = [one.reference for one in puks]
    if len(set(references)) != len(references) or not set(references) <= _PINS:
        raise _bad("a PUK is there twice or has a wrong reference")
    for puk in puks:
        name = f"PUK {puk.reference:02X}"
        if not set(puk.value) <= _DIGITS:
            raise _bad(f"{name} is not eight digits")
        _check_tries(puk.tries, name)


def check_aka(element: AkaParameter) -> None:
    """Refuse keys and sequence numbers that no algorithm has."""
    numbers = (element.sqn_delta, element.sqn_age_limit, *element.sqn_init)
    if any(int.from_bytes(one, "big") > _LARGEST_SQN for one in numbers):
        raise _bad("a sequence number without IND has 43 bits")
    used = element.configuration
    if not isinstance(used, AlgorithmParameter):
        return
    lengths = _KEY_LENGTHS.get(used.algorithm)
    if lengths is None:
        raise InstallError(Status.FEATURE_NOT_SUPPORTED, f"algorithm {used.algorithm}")
    if len(used.key) not in lengths[0] or len(used.opc) not in lengths[1]:
        raise _bad(f"algorithm {used.algorithm} with keys of other lengths")
    if used.algorithm == Algorithm.TUAK and not used.keccak:
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
