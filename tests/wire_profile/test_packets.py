from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire import strict_cbor
from hil.wire.packets import Packet, PacketError, PacketSet, PacketSetMacError, add_mac
from tests.wire_profile.conftest import EID, ICCID

Rows = dict[int, list[list[bytes]]]
KEY = bytes(range(16))


def _change(raw: bytes, change: Callable[[Rows], object]) -> bytes:
    value = cbor2.loads(raw)
    value[12] = [list(row) for row in value[12]]
    change(value)
    return strict_cbor.encode(value)


@pytest.mark.parametrize("key", [None, KEY, bytes(32)])
def test_decode_gives_back_what_was_encoded(packet_set: PacketSet, key: bytes | None) -> None:
    again = PacketSet.decode(packet_set.encode(key), key)
    assert again == packet_set
    assert again.digest() == packet_set.digest()


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_dropped_packet_is_refused_with_its_number(packet_set: PacketSet, number: int) -> None:
    raw = _change(packet_set.encode(KEY), lambda v: v[12].pop(number - 1))
    with pytest.raises(PacketError, match="missing") as caught:
        PacketSet.decode(raw, KEY)
    assert caught.value.number == number


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_doubled_packet_is_refused_with_its_number(packet_set: PacketSet, number: int) -> None:
    raw = _change(packet_set.encode(KEY), lambda v: v[12].insert(number, v[12][number - 1]))
    with pytest.raises(PacketError, match="twice") as caught:
        PacketSet.decode(raw, KEY)
    assert caught.value.number == number


@pytest.mark.parametrize("number", [1, 2, 3])
def test_flipped_command_or_answer_is_refused_with_its_number(
    packet_set: PacketSet, number: int
) -> None:
    for member in (1, 2):

        def flip(value: Rows, member: int = member) -> None:
            row = value[12][number - 1]
            row[member] = row[member][:-1] + bytes((row[member][-1] ^ 1,))

        with pytest.raises(PacketError, match="damaged") as caught:
            PacketSet.decode(_change(packet_set.encode(KEY), flip), KEY)
        assert caught.value.number == number


def test_swapped_packets_are_refused(packet_set: PacketSet) -> None:
    def swap(value: Rows) -> None:
        value[12][1], value[12][2] = value[12][2], value[12][1]

    with pytest.raises(PacketError, match="out of its place") as caught:
        PacketSet.decode(_change(packet_set.encode(KEY), swap), KEY)
    assert caught.value.number == 2


def test_packet_of_another_profile_is_refused(packet_set: PacketSet) -> None:
    other = cbor2.loads(replace(packet_set, iccid="8900123456789012358").encode())

    def graft(value: Rows) -> None:
        value[12][2] = other[12][2]

    with pytest.raises(PacketError, match="damaged") as caught:
        PacketSet.decode(_change(packet_set.encode(), graft))
    assert caught.value.number == 3


def test_mac_of_another_key_or_no_mac_is_refused(packet_set: PacketSet) -> None:
    with pytest.raises(PacketSetMacError, match="does not fit"):
        PacketSet.decode(packet_set.encode(bytes(16)), KEY)
    with pytest.raises(PacketSetMacError, match="no MAC"):
        PacketSet.decode(packet_set.encode(), KEY)


def test_every_field_is_under_the_mac(packet_set: PacketSet) -> None:
    raw = packet_set.encode(KEY)
    mac = cbor2.loads(raw)[14]
    for other in (
        replace(packet_set, mno="mno-b"),
        replace(packet_set, memory=1),
        replace(packet_set, packets=packet_set.packets[:3]),
        replace(packet_set, profile_class="test", disclosed_key=KEY),
    ):
        forged = strict_cbor.encode(cbor2.loads(other.encode()) | {14: mac})
        with pytest.raises(PacketSetMacError):
            PacketSet.decode(forged, KEY)


def test_disclosed_key_belongs_to_test_profiles_and_hides(packet_set: PacketSet) -> None:
    with pytest.raises(CodecError, match="discloses"):
        replace(packet_set, disclosed_key=KEY).encode()
    test_set = replace(packet_set, profile_class="test", disclosed_key=KEY)
    assert PacketSet.decode(test_set.encode()).disclosed_key == KEY
    assert KEY.hex() not in repr(test_set)
    assert repr(KEY) not in repr(test_set)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("eid", "1"),
        ("eid", "8904903212345123451234567890123a"),
        ("iccid", "12"),
        ("isdp_aid", b"1234"),
        ("mno", ""),
        ("memory", -1),
        ("counter", 1 << 24),
        ("packets", ()),
        ("profile_class", "friendly"),
    ],
)
def test_wrong_field_is_refused(packet_set: PacketSet, field: str, value: object) -> None:
    with pytest.raises(CodecError):
        replace(packet_set, **{field: value}).encode()  # type: ignore[arg-type]


def test_truncation_at_every_byte_is_refused(packet_set: PacketSet) -> None:
    raw = packet_set.encode(KEY)
    for length in range(len(raw)):
        with pytest.raises(CodecError):
            PacketSet.decode(raw[:length], KEY)


@given(st.binary(max_size=200))
def test_any_bytes_raise_only_codec_error(raw: bytes) -> None:
    with pytest.raises(CodecError):
        PacketSet.decode(raw)


@given(
    st.lists(
        st.builds(Packet, st.binary(max_size=40), st.none() | st.binary(max_size=20)),
        min_size=1,
        max_size=12,
    )
)
def test_any_packets_come_back(packets: list[Packet]) -> None:
    whole = PacketSet(
        "o", EID, ICCID, bytes(16), "m", "d", "t", "operational", 0, 0, tuple(packets)
    )
    assert PacketSet.decode(whole.encode(KEY), KEY) == whole


def test_a_mac_that_is_added_later_is_the_one_that_is_encoded_with() -> None:
    packet_set = PacketSet(
        order_id="order",
        eid=EID,
        iccid=ICCID,
        isdp_aid=bytes(16),
        mno="mno",
        sm_dp="sm-dp",
        profile_type="test",
        profile_class="test",
        memory=1000,
        counter=1,
        packets=(Packet(b"\x84\x01\x00", b"answer"), Packet(b"\x86" * 300)),
        disclosed_key=bytes(16),
    )
    key = bytes(range(16))
    raw = packet_set.encode()
    assert add_mac(raw, key) == packet_set.encode(key)
    assert PacketSet.decode(add_mac(raw, key), key) == packet_set
    assert hashlib.sha256(raw).digest() == packet_set.digest()
    for broken in (b"", b"\x80", b"\xbf"):
        with pytest.raises(CodecError):
            add_mac(broken, key)
