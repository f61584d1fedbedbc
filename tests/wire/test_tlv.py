"""BER-TLV and data groupings: lengths at their borders, hostile bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire import dgi, tlv
from hil.wire.dgi import Dgi
from hil.wire.tlv import Tlv

TAGS = st.sampled_from([0x00, 0x4F, 0x84, 0xE3, 0x5F20, 0x9F70, 0x9F46, 0x7F21, 0xBF30, 0xDF8101])


@given(st.lists(st.builds(Tlv, TAGS, st.binary(max_size=300)), max_size=8))
def test_objects_are_read_back(objects: list[Tlv]) -> None:
    raw = b"".join(item.encode() for item in objects)
    assert tlv.decode_all(raw) == tuple(objects)


@given(st.binary(max_size=200))
def test_any_bytes_are_objects_or_a_codec_error(raw: bytes) -> None:
    try:
        objects = tlv.decode_all(raw)
    except CodecError:
        return
    assert tlv.decode_all(b"".join(item.encode() for item in objects)) == objects


@pytest.mark.parametrize(
    ("size", "length"),
    [(0, "00"), (127, "7f"), (128, "8180"), (255, "81ff"), (256, "820100"), (65_536, "83010000")],
)
def test_the_shortest_length_is_written(size: int, length: str) -> None:
    assert tlv.encode(0x86, bytes(size)).hex()[: 2 + len(length)] == "86" + length
    assert tlv.decode_one(tlv.encode(0x86, bytes(size)) + b"rest") == (
        Tlv(0x86, bytes(size)),
        b"rest",
    )


@pytest.mark.parametrize("tag", [0x1F, 0x9F84, 0x4F4F, 0x5F2020, -1, 0x7FFFFFFFFF])
def test_what_is_not_one_tag_is_refused(tag: int) -> None:
    with pytest.raises(CodecError):
        tlv.encode(tag, b"")


@pytest.mark.parametrize(
    "raw",
    ["4F", "4F02FF", "4F80", "4F85000000000000", "4F82FF", "9F", "9FFFFFFFFF01", "4F84FFFFFFFF"],
)
def test_broken_objects_are_refused(raw: str) -> None:
    with pytest.raises(CodecError):
        tlv.decode_one(bytes.fromhex(raw))


def test_a_flood_of_objects_is_refused() -> None:
    with pytest.raises(CodecError, match="more than 3"):
        tlv.decode_all(b"\x4f\x00" * 4, limit=3)


def test_objects_are_found_by_tag() -> None:
    status = Tlv(0xE3, bytes.fromhex("4F021122 9F70013F 530101"))
    assert status.constructed
    assert not Tlv(0x4F, b"").constructed
    assert tlv.find(status.children(), 0x9F70) == b"\x3f"
    assert tlv.find(status.children(), 0x8F) is None
    with pytest.raises(CodecError, match="GET STATUS answer lacks the data object 8F"):
        tlv.require(status.children(), 0x8F, where="GET STATUS answer")


@given(st.lists(st.builds(Dgi, st.integers(0, 0xFFFF), st.binary(max_size=600)), max_size=5))
def test_groupings_are_read_back(groupings: list[Dgi]) -> None:
    assert dgi.decode_all(b"".join(item.encode() for item in groupings)) == tuple(groupings)


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_groupings_or_a_codec_error(raw: bytes, ber: bool) -> None:
    try:
        groupings = dgi.decode_all(raw, ber_lengths=ber)
    except CodecError:
        return
    assert dgi.decode_all(b"".join(item.encode() for item in groupings)) == groupings


@pytest.mark.parametrize(
    ("size", "start"),
    [(0x80, "3A0280"), (0xFE, "3A02FE"), (0xFF, "3A02FF00FF"), (600, "3A02FF0258")],
)
def test_length_of_a_grouping_is_not_ber(size: int, start: str) -> None:
    assert dgi.encode(0x3A02, bytes(size)).hex().upper().startswith(start)


def test_ber_length_of_a_grouping_only_when_asked() -> None:
    raw = bytes.fromhex("3A0281C8") + bytes(200)
    assert dgi.decode_all(raw, ber_lengths=True) == (Dgi(0x3A02, bytes(200)),)
    assert dgi.decode_all(raw)[0] == Dgi(0x3A02, b"\xc8" + bytes(0x80))


def test_enable_profile_is_one_grouping() -> None:
    aid = bytes.fromhex("A0000005591010FFFFFFFF8900001000")
    raw = dgi.encode(0x3A03, tlv.encode(0x4F, aid))
    assert raw.hex() == "3a03124f10a0000005591010ffffffff8900001000"
    assert dgi.find(dgi.decode_all(raw), 0x3A03) == tlv.encode(0x4F, aid)
    assert dgi.find(dgi.decode_all(raw), 0x3A04) is None


@pytest.mark.parametrize("raw", ["3A", "3A03", "3A0302FF", "3A03FF", "3A03FF00", "3A03FF0002AA"])
def test_broken_groupings_are_refused(raw: str) -> None:
    with pytest.raises(CodecError):
        dgi.decode_all(bytes.fromhex(raw))


def test_impossible_groupings_are_refused() -> None:
    with pytest.raises(CodecError):
        dgi.encode(0x10000, b"")
    with pytest.raises(CodecError):
        dgi.encode(0, bytes(65_536))
    with pytest.raises(CodecError, match="more than 1024"):
        dgi.decode_all(bytes(3 * 1025))
