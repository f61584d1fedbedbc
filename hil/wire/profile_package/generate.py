"""Makes whole profile packages: the SM-DP's profile generation (patent operation 520).

The structure follows the GSMA TS.48 generic test profile: header, MF, PUKs, PINs, DF.TELECOM, USIM,
GSM access, 5GS, ISIM, security domain, remote file management, end. What is the operator's comes
from :class:`ProfileData`; the same data gives the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import count
from typing import Final

from hil.wire import identifiers, tlv
from hil.wire.profile_package import blueprint_mf as under_mf
from hil.wire.profile_package import blueprint_usim as in_usim
from hil.wire.profile_package.applications import End
from hil.wire.profile_package.authentication import AkaParameter, Algorithm, AlgorithmParameter
from hil.wire.profile_package.blueprint import MF_ARR
from hil.wire.profile_package.blueprint_domains import (
    mno_sd,
    rfm_of_isim,
    rfm_of_uicc,
    rfm_of_usim,
)
from hil.wire.profile_package.blueprint_isim import (
    TEMPLATE_ISIM,
    TEMPLATE_OPT_ISIM,
    isim,
    opt_isim,
)
from hil.wire.profile_package.blueprint_usim_options import TEMPLATE_OPT_USIM, opt_usim
from hil.wire.profile_package.elements import Body, encode
from hil.wire.profile_package.fcp import DIRECTORY, TRANSPARENT, Fcp, ProprietaryInfo, minimal_bytes
from hil.wire.profile_package.files import FileStep, FillContent, GenericFileManagement, SelectPath
from hil.wire.profile_package.header import ProfileHeader, Service
from hil.wire.profile_package.package import PeHeader
from hil.wire.profile_package.personalise import personalise
from hil.wire.profile_package.pins import PinCodes, PinConfiguration, PukCodes, PukConfiguration
from hil.wire.profile_package.profile_data import (
    OperatorData,
    OtaKeys,
    ProfileClass,
    ProfileData,
)

__all__ = ["DEFAULT_SIZE", "OtaKeys", "ProfileClass", "ProfileData", "generate", "personalise"]

DEFAULT_SIZE: Final = 12_000
"""Size of a generated package in bytes: that of the GSMA test profiles."""

_VERSION: Final = (2, 3)
_TEMPLATES: Final = (
    under_mf.TEMPLATE_MF,
    under_mf.TEMPLATE_TELECOM,
    in_usim.TEMPLATE_USIM,
    TEMPLATE_OPT_USIM,
    in_usim.TEMPLATE_GSM_ACCESS,
    TEMPLATE_ISIM,
    TEMPLATE_OPT_ISIM,
    in_usim.TEMPLATE_DF_5GS,
)
_ALGORITHM_SERVICES: Final = {
    Algorithm.MILENAGE: Service.MILENAGE,
    Algorithm.TUAK: Service.TUAK128,
    Algorithm.USIM_TEST: Service.USIM_TEST_ALGORITHM,
}
_PIN1, _PIN2, _ADM1 = 0x01, 0x81, 0x0A
_PIN1_ATTRIBUTES: Final = 6
_OTHER_ATTRIBUTES: Final = 3
_TEN_TRIES: Final = 0xAA

_OPERATOR_PLACE: Final = 6
"""Place of the operator's own file among the elements, which is its identification too."""

_OPERATOR_DF: Final = b"\x7f\x4f"
_OPERATOR_FILE: Final = b"\x6f\x01"
_CHUNK: Final = 4096

_KEPT: Final = 128
"""Encoded elements that are kept: those of a dozen operators."""


def generate(
    data: ProfileData,
    *,
    profile_class: ProfileClass,
    m2m: bool = True,
    size: int = DEFAULT_SIZE,
) -> bytes:
    """Return a complete profile package.

    * ``profile_class``: ``test`` has the test algorithm and needs an IMSI in 001/01;
      ``operational`` and ``provisioning`` have Milenage with OPc.
    * ``m2m``: the header has connectivityParameters, as SGP.02 asks for.
    * ``size``: bytes wanted. What the structure leaves over goes into the operator's own file
      (7F4F/6F01); a structure that is larger already has no such file.

    Raises UsageError if data and class contradict each other.
    """
    elements = list(_elements(data, profile_class, m2m=m2m, own_file=True))
    number = _OPERATOR_PLACE
    room = size - sum(map(len, elements)) + len(elements[number])
    own = _operator_element(data, room, number)
    if len(own) > room:
        # The lengths around the content take some bytes too.
        own = _operator_element(data, room - (len(own) - room), number)
    if not own:
        return b"".join(_elements(data, profile_class, m2m=m2m, own_file=False))
    return b"".join((*elements[:number], own, *elements[number + 1 :]))


def _operator_element(data: ProfileData, content: int, number: int) -> bytes:
    """Return the element with the operator's own file, or nothing where no content is left."""
    return _encoded(_operator_file(data, content, number)) if content > 0 else b""


def _encoded(body: Body) -> bytes:
    return encode(body).encode()


@lru_cache(maxsize=_KEPT)
def _alike(make: Callable[..., Body], *facts: OperatorData | str | int) -> bytes:
    """Return an element that many profiles have alike: ``facts`` hold no secret of any of them."""
    return _encoded(make(*facts))


def _elements(
    data: ProfileData, profile_class: ProfileClass, *, m2m: bool, own_file: bool
) -> Iterator[bytes]:
    numbers = count(1)
    operator = data.of_operator
    algorithm = data.algorithm_for(profile_class)
    yield _encoded(_header(data, profile_class, algorithm, m2m=m2m))
    yield _encoded(under_mf.mf(data, next(numbers)))
    yield _encoded(_puks(data, next(numbers)))
    yield _encoded(_global_pins(data, next(numbers)))
    yield _alike(under_mf.telecom, operator, data.msisdn, next(numbers))
    yield _encoded(_local_pin(data, next(numbers)))
    if own_file:
        yield _encoded(_operator_file(data, 1, next(numbers)))
    yield _encoded(in_usim.usim(data, profile_class, next(numbers)))
    yield _alike(opt_usim, operator, data.msisdn, next(numbers))
    yield _encoded(_local_pin(data, next(numbers)))
    yield _encoded(_aka(data, algorithm, next(numbers)))
    yield _alike(in_usim.gsm_access, next(numbers))
    yield _alike(in_usim.df_5gs, operator, next(numbers))
    yield _encoded(isim(data, next(numbers)))
    yield _alike(opt_isim, operator, next(numbers))
    yield _encoded(_local_pin(data, next(numbers)))
    yield _encoded(_aka(data, algorithm, next(numbers)))
    yield _encoded(mno_sd(data, next(numbers)))
    yield _alike(rfm_of_uicc, next(numbers))
    yield _alike(rfm_of_usim, next(numbers))
    yield _alike(rfm_of_isim, next(numbers))
    yield _encoded(End(PeHeader(next(numbers))))


def _header(
    data: ProfileData, profile_class: ProfileClass, algorithm: int, *, m2m: bool
) -> ProfileHeader:
    services = [Service.USIM, Service.ISIM]
    if algorithm in _ALGORITHM_SERVICES:
        services.append(_ALGORITHM_SERVICES[Algorithm(algorithm)])
    connectivity = data.connectivity if data.connectivity is not None else _connectivity(data.apn)
    return ProfileHeader(
        major=_VERSION[0],
        minor=_VERSION[1],
        iccid=identifiers.encode_header_iccid(data.iccid),
        services=tuple(services),
        templates=_TEMPLATES,
        profile_type=data.profile_type or f"{data.operator} {profile_class} profile",
        pol=data.pol,
        connectivity=connectivity if m2m else None,
    )


def _connectivity(apn: str) -> bytes:
    """Return bearer data for HTTPS: default bearer and network access name (SGP.02, 4.1.3.4)."""
    labels = b"".join(bytes((len(one),)) + one.encode("ascii") for one in apn.split("."))
    return tlv.encode(0xA2, tlv.encode(0x35, b"\x03") + tlv.encode(0x47, labels))


def _code(digits: str) -> bytes:
    return digits.encode("ascii").ljust(8, b"\xff")


def _puks(data: ProfileData, identification: int) -> PukCodes:
    puks = (
        PukConfiguration(_PIN1, _code(data.puk1)),
        PukConfiguration(_PIN2, _code(data.puk2)),
    )
    return PukCodes(PeHeader(identification), puks)


def _global_pins(data: ProfileData, identification: int) -> PinCodes:
    pins = (
        PinConfiguration(_PIN1, _code(data.pin1), _PIN1, _PIN1_ATTRIBUTES),
        PinConfiguration(_ADM1, _code(data.adm1), None, _OTHER_ATTRIBUTES, _TEN_TRIES),
    )
    return PinCodes(PeHeader(identification), pins)


def _local_pin(data: ProfileData, identification: int) -> PinCodes:
    pin = PinConfiguration(_PIN2, _code(data.pin2), _PIN2, _OTHER_ATTRIBUTES)
    return PinCodes(PeHeader(identification), (pin,))


def _aka(data: ProfileData, algorithm: int, identification: int) -> AkaParameter:
    return AkaParameter(PeHeader(identification), AlgorithmParameter(algorithm, data.k, data.opc))


def _operator_file(data: ProfileData, size: int, identification: int) -> GenericFileManagement:
    """Return the operator's own DF with one file of ``size`` bytes, different in each profile."""
    content = hashlib.shake_256(b"operator data" + data.iccid.encode()).digest(size)
    pieces = (content[at : at + _CHUNK] for at in range(0, size, _CHUNK))
    directory = Fcp(
        descriptor=DIRECTORY,
        file_id=_OPERATOR_DF,
        security=MF_ARR + b"\x0e",
        pin_status=under_mf.MF_PINS,
    )
    file = Fcp(
        descriptor=TRANSPARENT,
        file_id=_OPERATOR_FILE,
        security=MF_ARR + b"\x02",
        size=minimal_bytes(size),
        short_id=b"",
        info=ProprietaryInfo(),
    )
    command: tuple[FileStep, ...] = (
        SelectPath(b""),
        directory,
        SelectPath(_OPERATOR_DF),
        file,
        *(FillContent(piece) for piece in pieces),
    )
    return GenericFileManagement(PeHeader(identification), (command,))
