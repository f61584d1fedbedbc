"""What a package says about its subscriptions: IMSIs and authentication keys, decoded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from hil.errors import CodecError
from hil.wire import identifiers
from hil.wire.profile_package.elements import Body
from hil.wire.profile_package.fcp import Fcp
from hil.wire.profile_package.files import (
    File,
    FileElement,
    FileStep,
    FillContent,
    FillOffset,
    GenericFileManagement,
    SelectPath,
    render,
)

EF_IMSI: Final = b"\x6f\x07"
IMSI_SIZE: Final = 9
CDMA_IMSI_SIZE: Final = 10

_USIM_ELEMENTS: Final = ("usim", "iot")


@dataclass(frozen=True, slots=True)
class Subscriber:
    """One IMSI found in a package: ``imsi`` is None when the file does not hold a readable one."""

    place: str
    imsi: str | None


def imsi_files(bodies: Iterable[Body]) -> tuple[Subscriber, ...]:
    """Return every EF.IMSI the package makes, by template or by generic file management.

    A link to another EF.IMSI is left out: that file is found itself.
    """
    all_bodies = tuple(bodies)
    isim_paths = tuple(_isim_paths(all_bodies))
    found: list[Subscriber] = []
    for body in all_bodies:
        if isinstance(body, FileElement) and body.name in _USIM_ELEMENTS:
            file = body.file("ef-imsi")
            if file is not None and file.created:
                found.extend(_read_file(f"EF.IMSI of {body.name}", file))
        elif isinstance(body, GenericFileManagement):
            for command in body.commands:
                found.extend(_read_generic(command, isim_paths))
    return tuple(found)


def cdma_countries(bodies: Iterable[Body]) -> tuple[Subscriber, ...]:
    """Return the mobile country codes in EF.IMSI_M and EF.IMSI_T (3GPP2 C.S0065), 3 digits each."""
    found: list[Subscriber] = []
    for body in bodies:
        if not isinstance(body, FileElement) or body.name != "csim":
            continue
        for name in ("ef-imsi-m", "ef-imsi-t"):
            file = body.file(name)
            if file is not None and file.created:
                raw = render(file.items, CDMA_IMSI_SIZE)
                found.append(Subscriber(f"{name} of csim", _cdma_country(raw)))
    return tuple(found)


def _isim_paths(bodies: Iterable[Body]) -> Iterator[bytes]:
    """Yield the temporary file ids of ISIMs: there 6F07 is EF.IST."""
    for body in bodies:
        if isinstance(body, FileElement) and body.name == "isim":
            adf = body.file("adf-isim")
            if adf is not None and adf.fcp is not None and adf.fcp.file_id is not None:
                yield adf.fcp.file_id


def _read_file(place: str, file: File) -> Iterator[Subscriber]:
    fcp = file.fcp
    if fcp is not None and fcp.link:
        if not fcp.link.endswith(EF_IMSI):
            yield Subscriber(f"{place}, a link to {fcp.link.hex().upper()}", None)
        return
    if fcp is not None and fcp.size_bytes not in (None, IMSI_SIZE):
        yield Subscriber(f"{place}, not of {IMSI_SIZE} bytes,", None)
        return
    yield Subscriber(place, _imsi(render(file.items, IMSI_SIZE)))


def _read_generic(
    command: tuple[FileStep, ...], isim_paths: tuple[bytes, ...]
) -> Iterator[Subscriber]:
    path = b""
    fcp: Fcp | None = None
    fills: list[FileStep] = []

    def finish() -> Iterator[Subscriber]:
        if fcp is not None and fcp.file_id == EF_IMSI and path not in isim_paths:
            place = f"generic file {(path + EF_IMSI).hex().upper()}"
            yield from _read_file(place, File((fcp, *_fills(fills))))

    for step in command:
        if isinstance(step, SelectPath | Fcp):
            yield from finish()
            fcp, fills = None, []
            if isinstance(step, SelectPath):
                path = step.path
            else:
                fcp = step
        else:
            fills.append(step)
    yield from finish()


def _fills(steps: Iterable[FileStep]) -> Iterator[FillOffset | FillContent]:
    return (step for step in steps if isinstance(step, FillOffset | FillContent))


def _imsi(raw: bytes) -> str | None:
    try:
        return identifiers.decode_imsi(raw)
    except CodecError:
        return None


def _cdma_country(raw: bytes) -> str | None:
    """Return the country code: coded as 100 a + 10 b + c - 111 with the digit 0 counted as 10."""
    code = int.from_bytes(raw[8:10], "little") + 111
    digits = ""
    for _ in range(3):
        digit = code % 10 or 10
        digits = str(digit % 10) + digits
        code = (code - digit) // 10
    return digits if code == 0 else None
