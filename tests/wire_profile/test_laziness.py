"""Elements without decoding the rest, and packages that arrive in pieces."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire import tlv
from hil.wire.profile_package.generate import ProfileData, generate
from hil.wire.profile_package.package import Element, first, iterate, split
from hil.wire.profile_package.streaming import ElementStream, split_stream

PACKAGE = generate(
    ProfileData("8900100000000000017", "001010000000017", bytes(range(16))), profile_class="test"
)
ELEMENTS = split(PACKAGE)


def _pieces(der: bytes, cuts: list[int]) -> list[bytes]:
    return [der[start:end] for start, end in pairwise(sorted({0, *cuts, len(der)}))]


def test_what_stands_behind_an_element_is_not_looked_at() -> None:
    found = first(PACKAGE, "akaParameter")
    assert found is not None
    broken = PACKAGE[: found.offset + found.size] + b"\xb3\x82"
    assert first(broken, "akaParameter") == found
    assert first(PACKAGE, "csim") is None
    with pytest.raises(CodecError):
        split(broken)
    seen = iterate(broken)
    assert next(seen).name == "header"


def test_the_size_of_an_element_is_that_of_its_bytes() -> None:
    for tag in (0xA9, 0xBF21):
        for length in (0, 1, 0x7F, 0x80, 0xFF, 0x100, 0xFFFF, 0x10000):
            element = Element(tag, "x", None, mandated=False, body=bytes(length))
            assert element.size == len(element.encode())


@given(st.lists(st.integers(0, len(PACKAGE)), max_size=40))
def test_any_pieces_give_the_same_elements(cuts: list[int]) -> None:
    assert tuple(split_stream(_pieces(PACKAGE, cuts))) == ELEMENTS


def test_byte_by_byte_each_element_leaves_with_its_last_byte() -> None:
    stream = ElementStream()
    left: list[tuple[int, Element]] = []
    for place in range(len(PACKAGE)):
        left += [(place + 1, one) for one in stream.feed(PACKAGE[place : place + 1])]
    stream.finish()
    assert [end for end, _ in left] == [one.offset + one.size for one in ELEMENTS]
    assert tuple(one for _, one in left) == ELEMENTS


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=5))
def test_whatever_comes_the_stream_says_what_split_says(raw: bytes, cuts: list[int]) -> None:
    def outcome(pieces: list[bytes]) -> tuple[Element, ...] | None:
        try:
            return tuple(split_stream(pieces))
        except CodecError:
            return None

    try:
        whole: tuple[Element, ...] | None = split(raw)
    except CodecError:
        whole = None
    assert outcome(_pieces(raw, [cut for cut in cuts if cut <= len(raw)])) == whole


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        ([], "empty"),
        ([b""], "empty"),
        ([PACKAGE[:-1]], "ends within the element at byte"),
        ([b"\xa9"], "ends within the element at byte 0"),
        ([b"\xa9\x80"], "length byte 80"),
        ([b"\xa9\x84\x7f\xff\xff\xff"], "longer than"),
        ([b"\xa9\x81\x05"], "ends within"),
        ([b"\xa9\x81\x05hello"], "shortest form"),
        ([b"\xbf\xff\xff\xff\xff\x00"], "tag at byte 0"),
    ],
)
def test_a_broken_stream_is_refused(pieces: list[bytes], reason: str) -> None:
    with pytest.raises(CodecError, match=reason):
        list(split_stream(pieces))


def test_a_length_that_is_too_long_is_refused_before_its_bytes_come() -> None:
    stream = ElementStream()
    with pytest.raises(CodecError, match="longer than"):
        list(stream.feed(b"\xb3\x83\x10\x00\x01"))


@given(st.integers(0, 0xFFFF), st.sampled_from([0x80, 0xA9, 0x5F20, 0xBF21]))
def test_the_size_is_known_from_the_head_alone(length: int, tag: int) -> None:
    whole = tlv.encode(tag, bytes(length))
    head_size = len(whole) - length
    assert tlv.whole_size(whole[:head_size]) == len(whole)
    for short in range(head_size):
        assert tlv.whole_size(whole[:short]) is None
