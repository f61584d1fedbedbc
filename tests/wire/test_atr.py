"""Answers to reset of cards in print (the list of pcsc-tools), our own, and broken ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.virtual.euicc.atr import Protocol, build
from hil.wire.atr import decode

ALL = ("A (5 V)", "B (3 V)", "C (1.8 V)")


PRINTED = {
    "3B00": ((0,), "", (), None),
    "3F00": ((0,), "", (), None),
    "3B80800101": ((0, 1), "", (), None),
    "3B9E96801FC78031E073FE211B66D0018D5F1000C3": (
        (0,), "8031E073FE211B66D0018D5F1000", ALL, None,
    ),
    "3B9F96803FC7828031E073F62157574A330581053000CE": (
        (0,), "8031E073F62157574A330581053000", ALL, True,
    ),
    "3B9F97803FC7828031E073FE211F6409069200829000FB": (
        (0,), "8031E073FE211F6409069200829000", ALL, True,
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "protocols", "historical", "classes", "euicc"),
    [(raw, *facts) for raw, facts in PRINTED.items()],
)
def test_published(
    raw: str,
    protocols: tuple[int, ...],
    historical: str,
    classes: tuple[str, ...],
    euicc: bool | None,
) -> None:
    atr = decode(bytes.fromhex(raw))
    assert (atr.protocols, atr.classes, atr.euicc) == (protocols, classes, euicc)
    assert atr.historical.hex().upper() == historical
    assert f"T={protocols[0]}" in atr.describe()


@pytest.mark.parametrize("protocol", list(Protocol))
def test_our_own(protocol: Protocol) -> None:
    atr = decode(build(protocol))
    assert f"T={atr.protocols[0]}" == protocol
    assert atr.euicc is True


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("", "begins with"),
        ("3C00", "begins with"),
        ("3B90", "cut off"),
        ("3B8081", "cut off"),
        ("3B01", "announces 3"),
        ("3B0000", "announces 2"),
        ("3B9E96801FC78031E073FE211B66D0018D5F1000C2", "TCK"),
        ("3B" + "80" * 33, "begins with"),
    ],
)
def test_broken(raw: str, text: str) -> None:
    with pytest.raises(CodecError, match=text):
        decode(bytes.fromhex(raw))


@given(st.binary(max_size=40))
def test_any_bytes(raw: bytes) -> None:
    try:
        atr = decode(raw)
    except CodecError:
        return
    assert atr.raw == raw
    assert atr.protocols
