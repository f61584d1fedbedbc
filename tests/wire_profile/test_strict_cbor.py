from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire import strict_cbor

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(1 << 64), max_value=(1 << 64) - 1)
    | st.binary(max_size=20)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.integers(0, 300), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_encoded_is_read_again_and_has_one_spelling(value: object) -> None:
    raw = strict_cbor.encode(value)
    if _depth(value) > strict_cbor.MAX_DEPTH:
        with pytest.raises(CodecError, match="nested deeper"):
            strict_cbor.decode(raw)
    else:
        assert strict_cbor.encode(strict_cbor.decode(raw)) == raw


def _depth(value: object) -> int:
    if not isinstance(value, (list, dict)):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(_depth, inner), default=0)


@given(st.binary(max_size=60))
def test_any_bytes_are_one_deterministic_item_or_a_codec_error(raw: bytes) -> None:
    try:
        value = strict_cbor.decode(raw)
    except CodecError:
        return
    assert cbor2.dumps(value, canonical=True) == raw


@pytest.mark.parametrize(
    ("what", "raw"),
    [
        ("nothing", ""),
        ("two items", "0000"),
        ("integer not in its shortest form", "1800"),
        ("length not in its shortest form", "590001FF"),
        ("string cut off", "42FF"),
        ("length cut off", "59"),
        ("array cut off", "8201"),
        ("indefinite string", "5F4101FF"),
        ("indefinite array", "9F01FF"),
        ("reserved length", "1C"),
        ("break alone", "FF"),
        ("float", "F90000"),
        ("undefined", "F7"),
        ("simple value", "F0"),
        ("tag", "C100"),
        ("bignum", "C24100"),
        ("shared reference", "D81C00"),
        ("key doubled", "A201000100"),
        ("keys out of order", "A202000100"),
        ("text that is no UTF-8", "61FF"),
        ("nested too deep", "81" * 9 + "00"),
        ("array of terabytes", "9B0000FFFFFFFFFFFF00"),
        ("map of terabytes", "BB7FFFFFFFFFFFFFFF00"),
        ("string of terabytes", "5B7FFFFFFFFFFFFFFF00"),
    ],
)
def test_other_cbor_is_refused(what: str, raw: str) -> None:
    with pytest.raises(CodecError):
        strict_cbor.decode(bytes.fromhex(raw))


def test_limits() -> None:
    with pytest.raises(CodecError, match="longer than the limit"):
        strict_cbor.decode(strict_cbor.encode(bytes(100)), max_bytes=100)
    many = strict_cbor.encode([0] * 20)
    with pytest.raises(CodecError, match="more than 20 items"):
        strict_cbor.scan(many, max_items=20)
    strict_cbor.scan(many, max_items=21)
    deep = bytes.fromhex("81818100")
    strict_cbor.scan(deep, max_depth=3)
    with pytest.raises(CodecError, match="deeper than 2"):
        strict_cbor.scan(deep, max_depth=2)


@pytest.mark.parametrize("raw", ["1817", "18FF18", "1900FF", "1A0000FFFF", "1B00000000FFFFFFFF"])
def test_scan_alone_wants_the_shortest_form(raw: str) -> None:
    with pytest.raises(CodecError):
        strict_cbor.scan(bytes.fromhex(raw))


def test_tags_pass_only_where_allowed() -> None:
    strict_cbor.scan(bytes.fromhex("D200"), tags=frozenset((18,)))
    with pytest.raises(CodecError, match="tag 18"):
        strict_cbor.scan(bytes.fromhex("D200"), tags=frozenset((16,)))
