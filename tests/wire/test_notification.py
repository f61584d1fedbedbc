from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire import isdr_commands as isdr
from hil.wire import tlv
from hil.wire.identifiers import isd_p_aid
from hil.wire.notification import Notification, NotificationType
from hil.wire.scp80 import CommandHeader, OtaKeySet, PacketSecurityError
from hil.wire.sms import Address

EID = "89049032123451234512345678901235"
KEYS = OtaKeySet(1, bytes(range(16)), bytes(range(16, 32)), b"\x60" * 16)
AID = isd_p_aid(0x10)
EXAMPLE = (
    "E12B4C10890490321234512345123456789012354D01024E0200012F10A0000005591010FFFFFFFF8900001000"
)


def test_published_form() -> None:
    made = Notification(EID, NotificationType.CHANGED, 1, AID)
    assert made.encode().hex().upper() == EXAMPLE
    assert Notification.decode(made.encode()) == made


@given(
    st.integers(0, 0xFFFF),
    st.sampled_from(list(NotificationType)),
    st.none() | st.binary(min_size=8, max_size=8),
    st.none() | st.binary(min_size=7, max_size=8),
)
def test_both_ways_in_a_packet(
    sequence: int, kind: NotificationType, imei: bytes | None, meid: bytes | None
) -> None:
    made = Notification(EID, kind, sequence, AID, imei, meid)
    packet = made.packet(KEYS)
    header = CommandHeader.decode(packet)
    assert header.parameters.spi.hex() == "0600"
    assert Notification.open(packet, KEYS) == made
    spoiled = packet[:-1] + bytes((packet[-1] ^ 1,))
    with pytest.raises(PacketSecurityError):
        Notification.open(spoiled, KEYS)


def test_tags_with_their_high_bit() -> None:
    plain = Notification(EID, 5, 7, AID, bytes(8), bytes(7)).encode()
    objects = tlv.decode_one(plain)[0].children()
    raw = b"".join(
        tlv.encode(one.tag | 0x80 if one.tag in (0x2F, 0x14, 0x6D) else one.tag, one.value)
        for one in objects
    )
    assert Notification.decode(tlv.encode(0xE1, raw)) == Notification.decode(plain)


@given(st.binary(max_size=80))
def test_any_bytes_are_a_notification_or_a_codec_error(raw: bytes) -> None:
    for start in (b"", b"\xe1"):
        try:
            Notification.decode(start + raw)
        except CodecError:
            continue


def test_bytes_of_the_commands() -> None:
    aid = AID.hex()
    number = Address("12345", 0x85)
    assert isdr.set_fallback(AID).encode().hex() == f"80e28800153a05124f10{aid}00"
    assert isdr.finalise_handover(isdr.KeyRange(2)).encode().hex() == "80e4000005f20302010300"
    # As a published SM-SR sends it: its own keys for short messages and for HTTPS sessions stay.
    two = (isdr.KeyRange(1), isdr.KeyRange(0x41, 1, 2))
    assert isdr.finalise_handover(*two).encode().hex() == "80e400000af203010103f20341010200"
    assert isdr.delete_key(0x40, 1).encode().hex() == "80e4000006d00101d2014000"
    assert isdr.delete_key(0x40).encode().hex() == "80e4000003d2014000"
    assert isdr.confirm_notification(1).encode().hex() == "80e28900073a08044e02000100"
    assert isdr.get_ecasd_certificate().encode().hex() == "80cabf30045c027f2100"
    assert isdr.get_memory().encode().hex() == "80caff2100"
    assert isdr.install_for_personalization(AID).encode().hex() == f"80e6200016000010{aid}00000000"
    assert isdr.update_addressing(number).encode().hex() == "80e288000b3a0708a3068104852143f500"
    assert isdr.update_connectivity(b"\xa0\x00").encode().hex() == "80e28800053a0702a00000"


def test_addressing_with_and_without_a_length_byte() -> None:
    plain = isdr.update_addressing(Address("12345678")).data[3:]
    assert isdr.read_addressing(plain) == Address("12345678")
    longer = tlv.encode(0xA3, tlv.encode(0x81, bytes.fromhex("04") + plain[4:]))
    assert isdr.read_addressing(longer) == Address("12345678")
    assert isdr.read_addressing(bytes.fromhex("a400")) is None
    for wrong in ("a300", "a3028100", "a303810485"):
        with pytest.raises(CodecError):
            isdr.read_addressing(bytes.fromhex(wrong))


def test_delete_token_covers_what_stands_before_it() -> None:
    command = isdr.master_delete(AID, b"\x70" * 16, issuer=b"\x01", token_id=b"\x02")
    objects = tlv.decode_all(command.data)
    assert [one.tag for one in objects] == [0x4F, 0xB6, 0x9E]
    assert objects[1].value.hex() == "42010145005f2000930102"
    body = command.data[:-18]
    assert objects[2].value == isdr.delete_token(body, b"\x70" * 16)
    assert objects[2].value != isdr.delete_token(body[:-1] + b"\x03", b"\x70" * 16)


def test_deleted_profiles() -> None:
    assert isdr.deleted_profiles(b"") == ()
    answer = isdr.deleted_answer((AID, isd_p_aid(0x11)))
    assert answer.hex().startswith("80244f10" + AID.hex())
    assert isdr.deleted_profiles(answer) == (AID, isd_p_aid(0x11))
