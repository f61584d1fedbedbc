"""Secured packets against vectors that agree with foreign implementations and a real card."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire import des, scp80
from hil.wire.aes import Mac
from hil.wire.crc import crc16, crc32
from hil.wire.scp80 import (
    CommandHeader,
    KeyKind,
    OtaKeySet,
    PacketSecurityError,
    ResponsePacket,
    ResponseStatus,
    SecurityParameters,
    Spi,
)

KEYS = OtaKeySet(1, bytes(range(0x40, 0x50)), bytes(range(0x50, 0x60)))
ISD_R = SecurityParameters(bytes.fromhex("1639"), bytes.fromhex("000001"))

SCRIPT_A = bytes.fromhex("aa1c221a80e28800153a03124f10a0000005591010ffffffff8900001000")
PACKET_A = bytes.fromhex(
    "0038151639121200000167468a44cbabebeb3bc14d7baf1d5b6a5478e23be52de84e7a52875871082324"
    "4e80301cbd240f4b486cf1ce5f10b902"
)
POR_A = bytes.fromhex(
    "027100002412000001df292d2a9f93d816c519d8b64540ab2fd60175d0503fc61b471ddb3c2aa09ed8"
)
POR_LOW = bytes.fromhex("0271000014120000016c6171f7ff4719ae3fea57600d3d8428")


def command_apdus() -> list[bytes]:
    create = bytes.fromhex(
        "80e60c004510a0000005591010ffffffff8900000d0010a0000005591010ffffffff8900000e0010"
        "a0000005591010ffffffff89000010000380c0000cc90481020370ef04830275300000"
    )
    personalise = bytes.fromhex("80e6200016000010a0000005591010ffffffff8900001000000000")
    store = bytes.fromhex("80e20900763a01737f2170") + bytes(range(0x70)) + b"\x00"
    return [create, personalise, store, SCRIPT_A[4:]]


def script_b() -> bytes:
    body = b"".join(bytes((0x22, len(apdu))) + apdu for apdu in command_apdus())
    return bytes.fromhex("aa820104") + body


PACKET_B = bytes.fromhex(
    "01281516391212000001697dac3def9cf5bc74ea4663faf258d0ed1ab6f9c885f6ce77e378b16e06e7a0a4737b"
    "39accb231d05d0c251e69a4ae1d9df33ffa445338c57e88222bf4798d504090645e85da0bf364045847170e441"
    "0be5528ee1189525431d3918bba4af4b8c505515b86f76985a178027a27df360a1eb7c04be6704b7443e"
    "89f4ea16e23bddd936b132ab589a0e2b96c8afa9c326270d8939be8b8d2bfa9578b582105854a8f4e486722251"
    "7f382b78359c164205a3b5f7824724789e595d5287129d72403cece2ba73302284866b9aa923501f152de0307b"
    "ba724982e9d0182ffb66c9dedd636dbbfe8be09d388ef4c36b7b717200457f8d547cd5ac2b153271c751228c"
    "ae4a854126a4fc5f57b851a910f5a99fec0ddb44a692f657506fa37dbee30df2"
)


@pytest.mark.parametrize(
    ("script", "counter", "packet"), [(SCRIPT_A, 1, PACKET_A), (script_b(), 2, PACKET_B)]
)
def test_worked_commands(script: bytes, counter: int, packet: bytes) -> None:
    assert scp80.wrap_command(script, counter, ISD_R, KEYS) == packet
    opened = scp80.unwrap_command(packet, KEYS)
    assert (opened.counter, opened.data) == (counter, script)
    assert opened.header == CommandHeader(ISD_R, 1, 1)


@pytest.mark.parametrize(
    ("response", "user_data"),
    [
        (ResponsePacket(ISD_R.tar, 1, 0, bytes.fromhex("ab0780010123029000")), POR_A),
        (ResponsePacket(ISD_R.tar, 1, ResponseStatus.COUNTER_LOW, b""), POR_LOW),
    ],
)
def test_worked_proofs_of_receipt(response: ResponsePacket, user_data: bytes) -> None:
    assert scp80.RESPONSE_UDH + scp80.wrap_response(response, ISD_R, KEYS) == user_data
    assert scp80.unwrap_response(user_data[3:], ISD_R, KEYS) == response


def test_answer_of_a_real_card() -> None:
    keys = OtaKeySet(
        2,
        bytes.fromhex("200102030405060708090a0b0c0d0e0f"),
        bytes.fromhex("201102030405060708090a0b0c0d0e0f"),
    )
    parameters = SecurityParameters(bytes.fromhex("1639"), bytes.fromhex("b00011"))
    user_data = bytes.fromhex(
        "027100002412b00011ebc6b497e2cad7aedf36ace0e3a29b38853f0fe9ccde81913be5702b73abce1f"
    )
    opened = scp80.unwrap_response(user_data[3:], parameters, keys)
    assert opened == ResponsePacket(parameters.tar, 0, 0, bytes.fromhex("016132"))
    assert scp80.wrap_response(opened, parameters, keys) == user_data[3:]


GSM0348_KEY = bytes.fromhex("11223344556677889910111213141516")


def test_command_of_another_implementation() -> None:
    keys = OtaKeySet(1, GSM0348_KEY, GSM0348_KEY)
    parameters = SecurityParameters(bytes.fromhex("0621"), bytes.fromhex("010203"))
    packet = scp80.wrap_command(bytes.fromhex("aabb"), 0, parameters, keys)
    assert packet.hex() == "001815062112120102034814ce84cbdebc1a0df20a5ee20e74c6"
    assert scp80.unwrap_command(packet, keys).data == bytes.fromhex("aabb")


def test_proof_of_receipt_of_another_implementation() -> None:
    keys = OtaKeySet(1, GSM0348_KEY, GSM0348_KEY)
    # CC on the proof of receipt, no ciphering.
    parameters = SecurityParameters(bytes.fromhex("0609"), bytes.fromhex("000001"))
    packet = bytes.fromhex("001c1200000100000000000000f5ab90fe3aabb6c3ab0780010123029000")
    opened = scp80.unwrap_response(packet, parameters, keys)
    assert opened == ResponsePacket(parameters.tar, 0, 0, bytes.fromhex("ab0780010123029000"))
    assert scp80.wrap_response(opened, parameters, keys) == packet
    without_header = packet.replace(
        bytes.fromhex("f5ab90fe3aabb6c3"), bytes.fromhex("4e5e7f1321dc968b")
    )
    with pytest.raises(PacketSecurityError):
        scp80.unwrap_response(without_header, parameters, keys)


def test_proof_of_receipt_without_security() -> None:
    parameters = SecurityParameters(bytes.fromhex("1601"), bytes.fromhex("000001"))
    response = ResponsePacket(parameters.tar, 0, 0, bytes.fromhex("019000"))
    packet = scp80.wrap_response(response, parameters, KEYS)
    assert (scp80.RESPONSE_UDH + packet).hex() == "027100000e0a00000100000000000000019000"
    assert scp80.unwrap_response(packet, parameters, KEYS) == response


SPIS = st.sampled_from(
    [bytes((a, b)) for a in (0, 2, 4, 6, 0x12, 0x16, 0x1E) for b in (0, 0x39, 9)]
)
COUNTERS = st.integers(0, 0xFFFFFFFFFF)


@given(
    SPIS,
    st.binary(min_size=3, max_size=3),
    COUNTERS,
    st.binary(max_size=400),
    st.sampled_from([16, 24, 32]),
)
def test_packets_are_read_back(
    spi: bytes, tar: bytes, counter: int, data: bytes, size: int
) -> None:
    keys = OtaKeySet(3, bytes(range(size)), bytes(range(1, size + 1)))
    parameters = SecurityParameters(spi, tar)
    packet = scp80.wrap_command(data, counter, parameters, keys)
    opened = scp80.unwrap_command(packet, keys)
    assert (opened.header.parameters, opened.counter, opened.data) == (parameters, counter, data)
    response = ResponsePacket(tar, counter, 9, data)
    packet = scp80.wrap_response(response, parameters, keys)
    assert scp80.unwrap_response(packet, parameters, keys) == response


AES_SET = OtaKeySet(3, bytes(range(16)), bytes(range(32)))
SHORT_MAC = OtaKeySet(3, bytes(range(16)), bytes(range(16)), mac_bytes=4)
DES_SETS = [
    OtaKeySet(4, bytes(range(size)), bytes(range(1, size + 1)), None, KeyKind.DES, KeyKind.DES)
    for size in (8, 16, 24)
]
MIXED = OtaKeySet(5, bytes(range(16)), bytes(range(24)), None, KeyKind.AES, KeyKind.DES)
ALL_SPIS = [
    bytes((first, second))
    for first in range(0x20)
    for second in range(0x40)
    if 3 not in (first & 3, second & 3, second >> 2 & 3)
]


@given(
    st.sampled_from(ALL_SPIS),
    st.sampled_from([AES_SET, SHORT_MAC, *DES_SETS, MIXED]),
    st.sampled_from([1, 5]),
    COUNTERS,
    st.binary(max_size=200),
)
def test_every_spi_and_every_kind_of_key_is_read_back(
    spi: bytes, keys: OtaKeySet, crc: int, counter: int, data: bytes
) -> None:
    flags = Spi.decode(spi)
    integrities = {flags.integrity, flags.por_integrity}
    if integrities >= {scp80.Integrity.REDUNDANCY_CHECK, scp80.Integrity.CRYPTOGRAPHIC_CHECKSUM}:
        return  # One nibble can not name a CRC and a checksum with a key.
    by_crc = scp80.Integrity.REDUNDANCY_CHECK in integrities
    kid = crc if by_crc else keys.kid_algorithm
    parameters = SecurityParameters(spi, b"\xb2\x01\x00", keys.kic_algorithm, kid)
    packet = scp80.wrap_command(data, counter, parameters, keys)
    sizes = {0: 0, 1: 2 if crc == 1 else 4, 2: keys.mac_bytes}
    assert packet[2] == 13 + sizes[flags.integrity]
    opened = scp80.unwrap_command(packet, keys)
    assert (opened.counter, opened.data) == (counter, data)
    response = ResponsePacket(parameters.tar, counter, 0, data)
    answer = scp80.wrap_response(response, parameters, keys)
    assert answer[2] == 10 + sizes[flags.por_integrity]
    assert scp80.unwrap_response(answer, parameters, keys) == response
    if flags.integrity is not scp80.Integrity.NONE:
        with pytest.raises(CodecError):
            scp80.unwrap_command(packet[:-1] + bytes((packet[-1] ^ 1,)), keys)


def test_redundancy_checks_of_the_standard() -> None:
    """The examples of TS 102 225 for the message 0102030405."""
    message = bytes.fromhex("0102030405")
    assert (crc16(message).hex(), crc32(message).hex()) == ("22ec", "470b99f4")


@pytest.mark.parametrize("keys", DES_SETS)
def test_3des_packets_are_made_of_plain_des_calls(keys: OtaKeySet) -> None:
    parameters = SecurityParameters(
        ISD_R.spi, b"\xb0\x00\x10", keys.kic_algorithm, keys.kid_algorithm
    )
    packet = scp80.wrap_command(b"\xa0\xa4\x00\x00\x02\x3f\x00", 1, parameters, keys)
    plain = des.Cbc(keys.kic).decrypt(packet[10:])
    assert plain[:6].hex() == "000000000103"
    message = packet[:10] + plain[:6] + plain[14:]
    padded = message + bytes(-len(message) % 8)
    assert plain[6:14] == des.Cbc(keys.kid).encrypt(padded)[-8:]
    assert len(packet[10:]) % 8 == 0


def test_3des_command_and_answer_of_real_cards() -> None:
    """Published with pySim: a sysmoISIM-SJA5 takes the command, another card gave the answer."""
    keys = OtaKeySet(
        3,
        bytes.fromhex("300102030405060708090a0b0c0d0e0f"),
        bytes.fromhex("301102030405060708090a0b0c0d0e0f"),
        None,
        KeyKind.DES,
        KeyKind.DES,
    )
    parameters = SecurityParameters(bytes.fromhex("0619"), bytes.fromhex("b00011"), 5, 5)
    packet = scp80.wrap_command(bytes.fromhex("00a40004023f00"), 0, parameters, keys)
    assert packet.hex() == "00201506193535b00011ae733256918d050b87c94fbfe12e4dc402f262c41cf67f2f"
    keys = OtaKeySet(
        3,
        bytes.fromhex("C21DD66ACAC13CB3BC8B331B24AFB57B"),
        bytes.fromhex("12110C78E678C25408233076AA033615"),
        None,
        KeyKind.DES,
        KeyKind.DES,
    )
    answer = bytes.fromhex("001c12b000119660ebdb81be189b5e4389e9e7ab2bc0954f963ad869ed7c")
    opened = scp80.unwrap_response(answer, parameters, keys)
    assert (opened.status, opened.data.hex()) == (0, "01612f")
    assert scp80.wrap_response(opened, parameters, keys) == answer


def test_ecb_is_for_single_des_only() -> None:
    parameters = SecurityParameters(b"\x06\x00", bytes(3), 0xD, 0x1)
    packet = scp80.wrap_command(bytes(16), 1, parameters, DES_SETS[0])
    assert scp80.unwrap_command(packet, DES_SETS[0]).data == bytes(16)
    assert packet[10 + 16 : 10 + 24] == packet[10 + 24 : 10 + 32]
    with pytest.raises(CodecError, match="the key is for 5"):
        scp80.wrap_command(b"", 1, SecurityParameters(b"\x06\x00", bytes(3), 0xD, 5), DES_SETS[1])


def test_redundancy_check_is_crc32() -> None:
    parameters = SecurityParameters(bytes.fromhex("0100"), bytes(3), kid_algorithm=5)
    packet = scp80.wrap_command(b"hello", 1, parameters, KEYS)
    assert packet[2] == 0x11
    assert scp80.unwrap_command(packet, KEYS).data == b"hello"
    with pytest.raises(PacketSecurityError):
        scp80.unwrap_command(packet[:-1] + b"x", KEYS)


@given(st.binary(max_size=120), st.sampled_from([b"", b"\x00\x20\x15\x16\x39\x12\x12"]))
def test_any_bytes_raise_codec_errors_only(raw: bytes, start: bytes) -> None:
    raw = start + raw
    sized = (max(0, len(raw) - 2)).to_bytes(2, "big") + raw[2:]
    for packet in (raw, sized):
        with contextlib.suppress(CodecError):
            scp80.unwrap_command(packet, KEYS)
        with pytest.raises(CodecError):
            scp80.unwrap_response(packet, ISD_R, KEYS)
        with contextlib.suppress(CodecError):
            scp80.unwrap_response(packet, SecurityParameters(b"\x16\x01", b"abc"), KEYS)


@given(st.integers(0, 8 * len(PACKET_A) - 1))
def test_one_flipped_bit_is_seen(bit: int) -> None:
    raw = bytearray(PACKET_A)
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CodecError):
        scp80.unwrap_command(bytes(raw), KEYS)


@pytest.mark.parametrize(
    ("kic", "kid", "text"),
    [(0x5, 0x2, "KIc asks for algorithm 5 .3DES"), (0x2, 0x1, "KID asks for algorithm 1 .DES")],
)
def test_algorithms_of_other_keys_are_named_and_refused(kic: int, kid: int, text: str) -> None:
    parameters = SecurityParameters(ISD_R.spi, ISD_R.tar, kic, kid)
    with pytest.raises(CodecError, match=text):
        scp80.wrap_command(b"", 1, parameters, KEYS)
    packet = PACKET_A[:5] + bytes((0x10 | kic, 0x10 | kid)) + PACKET_A[7:]
    with pytest.raises(CodecError, match=text):
        scp80.unwrap_command(packet, KEYS)


def test_what_is_not_spoken() -> None:
    with pytest.raises(CodecError, match="digital signatures"):
        scp80.wrap_command(b"", 1, SecurityParameters(b"\x03\x00", bytes(3)), KEYS)
    with pytest.raises(CodecError, match="CRC-32"):
        scp80.wrap_command(b"", 1, SecurityParameters(b"\x01\x00", bytes(3)), KEYS)
    with pytest.raises(CodecError, match="reserved"):
        Spi.decode(b"\x80\x00")
    with pytest.raises(CodecError, match="key set 2"):
        scp80.unwrap_command(PACKET_A[:5] + b"\x22\x22" + PACKET_A[7:], KEYS)
    with pytest.raises(CodecError, match="do not fit one packet"):
        scp80.wrap_command(bytes(0x10000), 1, ISD_R, KEYS)
    with pytest.raises(CodecError, match="5 bytes"):
        scp80.wrap_command(b"", 1 << 40, ISD_R, KEYS)
    with pytest.raises(CodecError, match="outside 1 to F"):
        OtaKeySet(16, bytes(16), bytes(16))


def test_more_filling_than_data_is_refused() -> None:
    # A genuine sender's checksum does not make an impossible length right.
    head = bytes.fromhex("00171512001212000001")
    inner = bytes.fromhex("000000000102")
    check = Mac(KEYS.kid).of(head + inner + b"x")[:8]
    with pytest.raises(CodecError, match="2 filling bytes, but has 1"):
        scp80.unwrap_command(head + inner + check + b"x", KEYS)


def test_spi_of_sgp02() -> None:
    assert Spi().encode() == scp80.SGP02_SPI == bytes.fromhex("1639")
    assert Spi.decode(scp80.SGP02_SPI) == Spi()


@given(st.binary(min_size=2, max_size=2))
def test_spi_bits(raw: bytes) -> None:
    try:
        spi = Spi.decode(raw)
    except CodecError:
        assert raw[0] & 0xE0 or raw[1] & 0xC0 or raw[1] & 3 == 3
        return
    assert spi.encode() == raw


@pytest.mark.parametrize(
    ("spi", "weaknesses"),
    [
        ("1639", 0), ("1e39", 0), ("1600", 0), ("1239", 1), ("1439", 1), ("1539", 1), ("0e39", 1),
        ("1631", 1), ("1629", 1), ("0000", 3), ("0021", 5),
    ],
)  # fmt: skip
def test_minimum_of_sgp02(spi: str, weaknesses: int) -> None:
    parameters = SecurityParameters(bytes.fromhex(spi), ISD_R.tar)
    assert len(scp80.sgp02_weaknesses(parameters)) == weaknesses


def test_minimum_of_sgp02_wants_aes() -> None:
    parameters = SecurityParameters(scp80.SGP02_SPI, ISD_R.tar, kic_algorithm=5)
    assert scp80.sgp02_weaknesses(parameters) == ("not AES",)


LOW, HIGH, BLOCKED, OK = (
    ResponseStatus.COUNTER_LOW,
    ResponseStatus.COUNTER_HIGH,
    ResponseStatus.COUNTER_BLOCKED,
    ResponseStatus.OK,
)


@pytest.mark.parametrize(
    ("spi", "stored", "received", "status", "kept"),
    [
        ("0639", 9, 1, OK, 9),
        ("0e39", 9, 1, OK, 9),
        ("1639", 9, 9, LOW, 9),
        ("1639", 9, 8, LOW, 9),
        ("1639", 9, 10, OK, 10),
        ("1639", 9, 99, OK, 99),
        ("1e39", 9, 10, OK, 10),
        ("1e39", 9, 11, HIGH, 9),
        ("1e39", 9, 9, LOW, 9),
        ("1639", 0xFFFFFFFFFE, 0xFFFFFFFFFF, OK, 0xFFFFFFFFFF),
        ("1639", 0xFFFFFFFFFF, 0xFFFFFFFFFF, BLOCKED, 0xFFFFFFFFFF),
    ],
)
def test_counter_rules(
    spi: str, stored: int, received: int, status: ResponseStatus, kept: int
) -> None:
    decision = scp80.accept_counter(bytes.fromhex(spi), stored, received)
    assert (decision.status, decision.stored) == (status, kept)
    assert decision.accepted == (status is OK)


def test_keys_are_not_shown() -> None:
    assert repr(KEYS).startswith("OtaKeySet(kvn=1, kic_kind=")
    assert "4041" not in repr(KEYS)
    assert "@ABC" not in repr(KEYS)
