from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire import isdp_keys, tlv
from hil.wire.download import decipher_packets, last_response, prepare_packets
from hil.wire.identifiers import isd_p_aid
from hil.wire.packets import Packet
from hil.wire.profile_package.response import INSTALLED, EuiccResponse, PeStatus
from hil.wire.scp03 import KeySet, card_challenge
from hil.wire.scp03t import TlvCardSession, parse_tlv_initialize_update

BASE = KeySet(0x30, enc=bytes(range(16)), mac=bytes(range(16, 32)), dek=bytes(range(32, 48)))
AID = isd_p_aid(0x10)
KEYS = isdp_keys.derive(BASE, AID)
CHALLENGE = bytes.fromhex("0102030405060708")


def _play(packets: tuple[Packet, ...], response: bytes) -> bytes:
    """Play the packets against the card's end; return the package it got."""
    session = TlvCardSession(
        KEYS,
        parse_tlv_initialize_update(packets[0].command),
        challenge=card_challenge(KEYS, 1, AID),
        counter=1,
    )
    assert session.answer() == packets[0].expected
    assert session.authenticate(packets[1].command) == packets[1].expected
    package = b""
    for place, packet in enumerate(packets[2:], start=3):
        package += session.unwrap(packet.command)
        assert session.wrap(response if place == len(packets) else b"") == packet.expected
    return package


@pytest.mark.parametrize("length", [1, 999, 1000, 1007, 1008, 5000])
@pytest.mark.parametrize("block", [64, 255, 1024])
def test_card_gets_the_package_and_answers_as_prepared(length: int, block: int) -> None:
    package = bytes(i % 251 for i in range(length))
    packets, _ = prepare_packets(
        package, KEYS, AID, 1, CHALLENGE, block=block, expected_response=INSTALLED
    )
    assert _play(packets, INSTALLED.encode()) == package
    assert max(len(packet.command) for packet in packets) <= block
    assert [packet.command[0] for packet in packets[:3]] == [0x84, 0x85, 0x86]
    assert packets[1].expected == b"\x85\x00"
    assert {packet.expected for packet in packets[2:-1]} <= {b"\x86\x00"}


def test_expected_response_may_be_a_refusal() -> None:
    refusal = EuiccResponse((PeStatus(3, 8),), aborted=True)
    packets, s_enc = prepare_packets(bytes(10), KEYS, AID, 1, CHALLENGE, expected_response=refusal)
    assert _play(packets, refusal.encode()) == bytes(10)
    assert packets[-1].expected is not None
    assert last_response(packets, s_enc, packets[-1].expected) == refusal


def test_session_of_the_facts_is_made_again() -> None:
    """The worked SCP03t session: keys, counter 7 and commands as published with SCP03."""
    keys = KeySet(
        0x30,
        enc=bytes(range(15, -1, -1)),
        mac=bytes(range(31, 15, -1)),
        dek=bytes(range(47, 31, -1)),
    )
    packets, s_enc = prepare_packets(
        bytes.fromhex("3a071d000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c"),
        keys,
        isd_p_aid(0x10),
        7,
        CHALLENGE,
    )
    assert s_enc.hex() == "91a7b346a64e7512b46dadb502619192"
    assert packets[0].command.hex() == "840a30000102030405060708"
    assert packets[1].command.hex() == "8511339e722fc829fec824d9de7296c03e9cc1"
    assert packets[2].command.hex() == (
        "86381c90a2216d22ed3b23e58d81c507373da07da9469d781893b9c2662b6f65ad03276a7c2aa893d771b8ab20"
        "38b53747644bbe06e5b7323a1a"
    )


def test_disclosed_key_opens_the_packets() -> None:
    package = bytes(i % 251 for i in range(4000))
    packets, s_enc = prepare_packets(package, KEYS, AID, 1, CHALLENGE)
    assert decipher_packets(packets, s_enc) == package


def test_wrong_key_does_not_open_them() -> None:
    packets, _ = prepare_packets(bytes(4000), KEYS, AID, 1, CHALLENGE)
    with pytest.raises(CodecError):
        decipher_packets(packets, bytes(16))
    with pytest.raises(CodecError):
        decipher_packets(packets, b"short")


def test_lost_packet_spoils_the_package() -> None:
    packets, s_enc = prepare_packets(bytes(4000), KEYS, AID, 1, CHALLENGE)
    assert set(decipher_packets((*packets[:2], *packets[3:]), s_enc)) != {0}


def test_packets_that_are_not_one_session_are_refused() -> None:
    packets, s_enc = prepare_packets(bytes(4000), KEYS, AID, 1, CHALLENGE)
    replaced = (*packets[:-1], Packet(b"\x87" + packets[-1].command[1:]))
    for wrong in (
        (),
        packets[:2],
        packets[1:],
        (packets[1], packets[0], *packets[2:]),
        replaced,
        (*packets, Packet(tlv.encode(0x86, bytes(8)))),
        (*packets, Packet(b"")),
        (*packets[:2], Packet(packets[2].command + b"\x00")),
    ):
        with pytest.raises(CodecError):
            decipher_packets(wrong, s_enc)


def test_empty_package_is_refused() -> None:
    with pytest.raises(CodecError, match="empty"):
        prepare_packets(b"", KEYS, AID, 1, CHALLENGE)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=5))
def test_any_packets_raise_only_codec_error(commands: list[bytes]) -> None:
    with pytest.raises(CodecError):
        decipher_packets([Packet(command) for command in commands], bytes(16))
