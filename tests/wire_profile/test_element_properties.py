"""Whatever the dataclasses can say comes back from their encoding."""

from __future__ import annotations

import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire import tlv
from hil.wire.profile_package.authentication import (
    AkaParameter,
    AlgorithmParameter,
    CdmaParameter,
    MappingParameter,
)
from hil.wire.profile_package.checks import check
from hil.wire.profile_package.elements import Body, decode, decode_package, encode
from hil.wire.profile_package.fcp import Fcp, ProprietaryInfo
from hil.wire.profile_package.files import (
    DoNotCreate,
    File,
    FillContent,
    FillOffset,
    GenericFileManagement,
    SelectPath,
    filled_size,
    render,
)
from hil.wire.profile_package.header import ProfileHeader
from hil.wire.profile_package.package import PeHeader
from hil.wire.profile_package.pins import PinCodes, PinConfiguration, PukCodes, PukConfiguration
from hil.wire.profile_package.response import EuiccResponse, PeStatus
from hil.wire.profile_package.test_profile import inspect

BYTE = st.integers(0, 255)
HEADERS = st.builds(PeHeader, st.integers(0, 0x7FFF), st.booleans())


def octets(minimum: int, maximum: int | None = None) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=minimum, max_size=minimum if maximum is None else maximum)


INFOS = st.builds(
    ProprietaryInfo,
    octets(1),
    st.none() | octets(1, 9),
    st.none() | octets(1, 9),
    st.none() | octets(1, 4),
    octets(1),
)
FCPS = st.builds(
    Fcp,
    descriptor=st.none() | octets(2, 4),
    file_id=st.none() | octets(2),
    df_name=st.none() | octets(5, 16),
    life_cycle=octets(1),
    security=st.none() | octets(1, 3),
    size=st.none() | octets(1, 4),
    pin_status=st.none() | octets(0, 6),
    short_id=st.none() | octets(0, 1),
    info=st.none() | INFOS,
    link=st.none() | octets(0, 8),
)
FILLS = st.builds(FillOffset, st.integers(0, 0xFFFF)) | st.builds(FillContent, octets(0, 40))
STEPS = FILLS | FCPS | st.builds(SelectPath, octets(0, 8))
REFERENCES = st.integers(1, 142)
PINS = st.builds(PinConfiguration, REFERENCES, octets(8), st.none() | REFERENCES, BYTE, BYTE)
ALGORITHMS = st.builds(
    AlgorithmParameter,
    st.integers(1, 300),
    octets(16) | octets(32),
    octets(16) | octets(32),
    octets(1),
    octets(5),
    octets(80),
    st.none() | octets(3),
    BYTE,
)
BODIES = st.one_of(
    st.builds(
        ProfileHeader,
        BYTE,
        BYTE,
        octets(10),
        st.lists(st.integers(0, 30)).map(tuple),
        st.lists(st.sampled_from(["2.23.143.1.2.1", "1.3.6", "2.999.1"])).map(tuple),
        st.none() | st.text(min_size=1, max_size=100),
        st.none() | octets(0, 2),
        st.none() | octets(0, 300),
    ),
    st.builds(PinCodes, HEADERS, st.lists(PINS, min_size=1, max_size=26).map(tuple)),
    st.builds(PinCodes, HEADERS, st.just(()), octets(0, 8)),
    st.builds(
        PukCodes,
        HEADERS,
        st.lists(st.builds(PukConfiguration, REFERENCES, octets(8), BYTE), min_size=1).map(
            lambda puks: tuple(puks[:16])
        ),
    ),
    st.builds(AkaParameter, HEADERS, ALGORITHMS, octets(1), octets(6), octets(6)),
    st.builds(AkaParameter, HEADERS, st.builds(MappingParameter, octets(1), octets(5, 16))),
    st.builds(CdmaParameter, HEADERS, octets(8), st.none() | octets(16), st.none() | octets(2, 32)),
    st.builds(
        GenericFileManagement,
        HEADERS,
        st.lists(st.lists(STEPS, max_size=5).map(tuple), max_size=3).map(tuple),
    ),
)


@given(BODIES)
def test_element_comes_back(body: Body) -> None:
    assert decode(encode(body)) == body


@given(st.lists(FILLS | FCPS | st.builds(DoNotCreate), max_size=6))
def test_file_comes_back(items: list[FillOffset | FillContent | Fcp | DoNotCreate]) -> None:
    file = File(tuple(items))
    assert File.decode(file.encode(), "test") == file


@given(
    st.lists(
        st.builds(
            PeStatus,
            st.integers(0, 0xFFFF),
            st.none() | st.integers(0, 0x7FFF),
            st.none() | BYTE,
            st.none() | st.integers(0, 0x7FFFFFFF),
        ),
        max_size=4,
    ),
    st.booleans(),
    st.none() | st.text(min_size=2, max_size=60),
)
def test_response_comes_back(statuses: list[PeStatus], aborted: bool, message: str | None) -> None:
    response = EuiccResponse(tuple(statuses), aborted, message)
    assert EuiccResponse.decode(response.encode()) == response


@given(st.lists(st.builds(FillOffset, st.integers(0, 9)) | st.builds(FillContent, octets(0, 9))))
def test_rendering_agrees_with_a_plain_reading_of_the_rule(
    fills: list[FillOffset | FillContent],
) -> None:
    plain: dict[int, int] = {}
    position = 0
    for fill in fills:
        if isinstance(fill, FillOffset):
            position += fill.skip
        else:
            for octet in fill.content:
                plain[position] = octet
                position += 1
    size = filled_size(fills)
    assert size >= max(plain, default=-1) + 1
    rendered = render(fills, size)
    assert rendered == bytes(plain.get(at, 0xFF) for at in range(size))


@pytest.mark.parametrize(
    ("info", "size", "expected"),
    [
        (ProprietaryInfo(fill=b"\x00\xff"), 5, "00ffffffff"),
        (ProprietaryInfo(repeat=b"\x01\x02"), 5, "0102010201"),
        (ProprietaryInfo(fill=b"\x01\x02\x03"), 2, "0102"),
        (ProprietaryInfo(), 2, "ffff"),
    ],
)
def test_patterns_fill_a_file(info: ProprietaryInfo, size: int, expected: str) -> None:
    assert render((Fcp(info=info),), size).hex() == expected


def test_patterns_fill_each_record() -> None:
    fcp = Fcp(descriptor=bytes.fromhex("42210003"), info=ProprietaryInfo(fill=b"\x00\xff"))
    items = (fcp, FillOffset(4), FillContent(b"\xaa"))
    assert render(items, 9).hex() == "00ffff00aaff00ffff"


HEADER = bytes.fromhex("A0058000810105")


def _bombs() -> dict[str, bytes]:
    megabyte = 1 << 20
    nested = HEADER
    for _ in range(5_000):
        nested = tlv.encode(0xA1, HEADER + nested)
    imsi_file = tlv.encode(0x62, bytes.fromhex("83026F0780030FFFFF"))
    files = tlv.encode(0x30, imsi_file * 4000)
    return {
        "many small elements": bytes.fromhex("AA07") + HEADER + bytes.fromhex("AB00") * 400_000,
        "many commands": tlv.encode(0xA1, HEADER + tlv.encode(0xA1, b"\x30\x00" * 500_000)),
        "many big files": tlv.encode(0xA1, HEADER + tlv.encode(0xA1, files * 4)),
        "one long object": tlv.encode(0xB3, bytes(megabyte - 100)),
        "long object identifier": tlv.encode(0xB3, HEADER + tlv.encode(0x81, b"\xff" * 900_000)),
        "long integer": tlv.encode(0xAA, tlv.encode(0xA0, tlv.encode(0x81, b"\x7f" * 900_000))),
        "deep nesting": nested,
    }


@pytest.mark.parametrize("name", _bombs())
def test_bombs_are_judged_quickly_and_in_little_memory(name: str) -> None:
    raw = _bombs()[name]
    assert len(raw) <= 1 << 20
    tracemalloc.start()
    started = time.process_time()
    try:
        for judge in (decode_package, inspect, check):
            try:
                judge(raw)
            except CodecError:
                continue
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100 << 20
    assert time.process_time() - started < 15
