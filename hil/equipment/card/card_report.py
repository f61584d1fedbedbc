"""What :func:`hil.equipment.card.recognition.recognise` found, as text for people and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.equipment.card.recognition import CardInfo
    from hil.wire.es10 import EuiccInfo, Profile


def lines(info: CardInfo) -> list[str]:
    """Return the report, a line for each thing that the card shows."""
    return [f"{name:<13}{text}".rstrip() for name, text in _rows(info)]


def as_json(info: CardInfo) -> dict[str, Any]:
    """Return the same as plain values; what the card does not show is ``None`` or empty."""
    return {
        "kind": info.kind.name.lower(),
        "description": info.kind.value,
        "atr": None if info.atr is None else _atr(info),
        "eid": info.eid,
        "euicc": None if info.euicc is None else asdict(info.euicc),
        "profiles": None
        if info.profiles is None
        else [asdict(one) | {"aid": one.aid.hex().upper()} for one in info.profiles],
        "applications": [
            {"aid": one.aid.hex().upper(), "label": one.label} for one in info.applications
        ],
        "iccid": info.iccid,
        "imsi": info.imsi,
    }


def _atr(info: CardInfo) -> dict[str, Any]:
    atr = info.atr
    assert atr is not None  # noqa: S101 - asked by the caller
    return asdict(atr) | {"raw": atr.raw.hex().upper(), "historical": atr.historical.hex().upper()}


def _rows(info: CardInfo) -> Iterator[tuple[str, str]]:
    yield "card", info.kind.value
    if info.atr is not None:
        yield "ATR", info.atr.raw.hex().upper()
        yield "", info.atr.describe()
    if info.kind.euicc:
        yield "EID", info.eid or "(not shown)"
    if info.euicc is not None:
        yield from _euicc(info.euicc)
    yield "ICCID", info.iccid or "(none: no profile is enabled, or it may not be read)"
    yield "IMSI", info.imsi or "(none: no USIM, or PIN 1 is asked for)"
    for one in info.applications:
        yield "application", f"{one.aid.hex().upper()}  {one.label}".rstrip()
    if info.profiles is not None:
        yield "profiles", str(len(info.profiles))
        for profile in info.profiles:
            yield "", _profile(profile)
    elif info.kind.euicc:
        yield "profiles", "(the list needs the key set of the ISD-R)"


def _euicc(info: EuiccInfo) -> Iterator[tuple[str, str]]:
    rows = (
        ("SVN", info.svn),
        ("profile ver.", info.profile_version),
        ("firmware", info.firmware),
        ("category", info.category),
        ("installed", "" if info.applications is None else f"{info.applications} applications"),
        ("free memory", _memory(info)),
        ("UICC can", ", ".join(info.uicc_capabilities)),
        ("RSP can", ", ".join(info.rsp_capabilities)),
    )
    yield from ((name, text) for name, text in rows if text)
    for key in info.ci_keys:
        yield "CI key", key


def _memory(info: EuiccInfo) -> str:
    parts = (("non-volatile", info.free_nvm), ("volatile", info.free_ram))
    return ", ".join(f"{size} bytes {name}" for name, size in parts if size is not None)


def _profile(one: Profile) -> str:
    shown = (one.iccid or "no ICCID", one.state, one.profile_class, one.provider, one.name)
    nickname = f'"{one.nickname}"' if one.nickname else ""
    return "  ".join(part for part in (*shown, nickname) if part)
