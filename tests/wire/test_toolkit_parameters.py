"""What applications say of their remote access, by the fields of GSMA TS.48 and by hand."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire.scp80 import Spi
from hil.wire.toolkit_parameters import (
    ALWAYS,
    AccessDomain,
    ToolkitParameters,
    reaches,
    read_security_level,
)


def test_parameters_of_ts48() -> None:
    read = ToolkitParameters.decode(bytes.fromhex("010000000002010206B2010000000000"))
    assert read == ToolkitParameters(0x02, (bytes.fromhex("B20100"), bytes(3)))


def test_menus_and_channels_are_passed_over() -> None:
    raw = bytes.fromhex("FF 08 20 02 01 80 02 00 07 00 03 B00010 00")
    assert ToolkitParameters.decode(raw) == ToolkitParameters(0, (bytes.fromhex("B00010"),))


@given(st.binary(max_size=40))
def test_any_bytes_are_parameters_or_a_codec_error(raw: bytes) -> None:
    for read in (ToolkitParameters.decode, AccessDomain.decode, read_security_level):
        with contextlib.suppress(CodecError):
            read(raw)


@pytest.mark.parametrize(
    ("raw", "domain"),
    [
        ("00", AccessDomain(full=True)),
        ("FF", AccessDomain()),
        ("02000000", AccessDomain()),
        ("02010000", AccessDomain(keys=frozenset({0x01}))),
        ("02800100", AccessDomain(keys=frozenset({0x08, 0x81}))),
        ("02000003", AccessDomain(keys=frozenset({ALWAYS, 0x0A}))),
    ],
)
def test_access_domains(raw: str, domain: AccessDomain) -> None:
    assert AccessDomain.decode(bytes.fromhex(raw)) == domain


@pytest.mark.parametrize("raw", ["", "01", "0000", "0201", "0200000000", "77", "FF00"])
def test_access_domains_that_are_none(raw: str) -> None:
    with pytest.raises(CodecError, match="access domain"):
        AccessDomain.decode(bytes.fromhex(raw))


@pytest.mark.parametrize(
    ("spi", "level", "enough"),
    [
        ("1639", 0x16, True),
        ("1639", 0x1E, False),
        ("0239", 0x02, True),
        ("0139", 0x02, False),
        ("0639", 0x02, True),
        ("0239", 0x04, False),
        ("0000", 0x00, True),
    ],
)
def test_security_levels(spi: str, level: int, *, enough: bool) -> None:
    assert reaches(Spi.decode(bytes.fromhex(spi)), level) is enough
