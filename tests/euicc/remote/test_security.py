"""SCP80 with every kind of security: keys, SPIs, counters, levels, receipts."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from hil.virtual.euicc import open_card
from hil.wire import cat, isdr_commands, scp80, sms
from hil.wire.scp80 import (
    CounterMode,
    Integrity,
    OtaKeySet,
    ProofOfReceipt,
    ResponseStatus,
    SecurityParameters,
    Spi,
)
from tests.euicc.operator import (
    AES_KEYS,
    ALL_OTA,
    DES_KEYS,
    SHORT_MAC_KEYS,
    TDES_KEYS,
    UICC,
    ask,
    compact,
    exchange,
    expanded,
    last,
    operator_profile,
    packet,
    prepared,
)
from tests.euicc.terminal import OTA_KEYS, SENDER, Terminal, factory

SELECT_ICCID, READ_10 = "00A40004022FE2", "00B000000A"


@pytest.mark.parametrize("keys", ALL_OTA, ids=["aes", "3des-2", "3des-3", "des", "short-mac"])
def test_every_kind_of_key_set(terminal: Terminal, keys: OtaKeySet) -> None:
    receipt = ask(terminal, compact(SELECT_ICCID, READ_10), 1, UICC, keys=keys)
    assert (receipt.status, receipt.counter) == (0, 1)
    assert last(receipt.data)[:2] == (2, "9000")


SPIS = [
    Spi(integrity, ciphered, counter, por, por_integrity, por_ciphered, por_by_submit=False)
    for integrity, ciphered, counter, por, por_integrity, por_ciphered in itertools.product(
        [Integrity.NONE, Integrity.REDUNDANCY_CHECK, Integrity.CRYPTOGRAPHIC_CHECKSUM],
        [False, True],
        CounterMode,
        ProofOfReceipt,
        [Integrity.NONE, Integrity.REDUNDANCY_CHECK, Integrity.CRYPTOGRAPHIC_CHECKSUM],
        [False, True],
    )
]


def test_every_spi(tmp_path: Path) -> None:
    """No minimum security: every SPI is taken, and its receipt comes as it asks for."""
    card = open_card(prepared(tmp_path, operator_profile(level=0)), factory())
    terminal = Terminal(card)
    stored, sent = {AES_KEYS.kvn: 0, TDES_KEYS.kvn: 0}, 0
    for spi, keys, crc in itertools.product(SPIS, (AES_KEYS, TDES_KEYS), (1, 5)):
        kinds = {spi.integrity, spi.por_integrity}
        by_crc = Integrity.REDUNDANCY_CHECK in kinds
        if by_crc and Integrity.CRYPTOGRAPHIC_CHECKSUM in kinds:
            continue
        if not by_crc and crc == 5:
            continue
        counter, sent = stored[keys.kvn] + 1, sent + 1
        if spi.counter >= CounterMode.HIGHER:
            stored[keys.kvn] = counter
        kid = crc if by_crc else keys.kid_algorithm
        receipt = exchange(
            terminal, compact(SELECT_ICCID, READ_10), counter, UICC,
            spi=spi, keys=keys, kid_algorithm=kid,
        )  # fmt: skip
        if spi.por is not ProofOfReceipt.ALWAYS:
            assert receipt is None, spi
            continue
        assert receipt is not None, spi
        assert (receipt.status, receipt.counter) == (0, counter), spi
        assert last(receipt.data)[:2] == (2, "9000"), spi
    assert sent > 400
    card.close()


def test_a_wrong_redundancy_check_is_told(tmp_path: Path) -> None:
    card = open_card(prepared(tmp_path, operator_profile(level=0)), factory())
    terminal = Terminal(card)
    spi = Spi(Integrity.REDUNDANCY_CHECK, False, CounterMode.HIGHER, ProofOfReceipt.ON_ERROR,
              Integrity.NONE, False, False)  # fmt: skip
    raw, parameters = packet(compact(SELECT_ICCID), 7, UICC, spi=spi, kid_algorithm=1)
    (part,) = sms.split(raw[:-1] + b"\x00")
    report = terminal.envelope(sms.SmsDeliver(SENDER, part).encode()).data
    receipt = scp80.unwrap_response(report[3:], parameters, AES_KEYS)
    assert (receipt.status, receipt.counter) == (ResponseStatus.INTEGRITY_FAILED, 7)
    card.close()


@pytest.mark.parametrize(
    ("mode", "sent", "status"),
    [
        (CounterMode.NONE, 0, 0),
        (CounterMode.NOT_CHECKED, 0, 0),
        (CounterMode.HIGHER, 5, 2),
        (CounterMode.HIGHER, 99, 0),
        (CounterMode.EXACTLY_ONE_HIGHER, 6, 0),
        (CounterMode.EXACTLY_ONE_HIGHER, 7, 3),
        (CounterMode.EXACTLY_ONE_HIGHER, 5, 2),
    ],
)
def test_counter_modes(terminal: Terminal, mode: CounterMode, sent: int, status: int) -> None:
    script = compact(SELECT_ICCID)
    assert ask(terminal, script, 5, UICC).status == 0
    spi = Spi(counter=mode, por_by_submit=False)
    receipt = ask(terminal, script, sent, UICC, spi=spi)
    assert (receipt.status, receipt.counter) == (status, sent)
    assert bool(receipt.data) == (status == 0)


def test_a_counter_at_its_end_is_blocked(terminal: Terminal) -> None:
    script = compact(SELECT_ICCID)
    assert ask(terminal, script, 0xFFFFFFFFFF, UICC).status == 0
    assert ask(terminal, script, 0xFFFFFFFFFF, UICC).status == ResponseStatus.COUNTER_BLOCKED
    # Another key set has a counter of its own.
    assert ask(terminal, script, 1, UICC, keys=TDES_KEYS).status == 0


@pytest.mark.parametrize(
    ("level", "spi", "status"),
    [
        (0x02, Spi(ciphered=False, por_by_submit=False), 0x00),
        (0x06, Spi(ciphered=False, por_by_submit=False), 0x0A),
        (0x02, Spi(Integrity.NONE, por_by_submit=False), 0x0A),
        (0x12, Spi(counter=CounterMode.NOT_CHECKED, por_by_submit=False), 0x0A),
        (0x16, Spi(por_by_submit=False), 0x00),
    ],
)
def test_minimum_security_level(tmp_path: Path, level: int, spi: Spi, status: int) -> None:
    card = open_card(prepared(tmp_path, operator_profile(level=level)), factory())
    terminal = Terminal(card)
    receipt = ask(terminal, compact("00A40004022F05", "00D60000015A"), 3, UICC, spi=spi)
    assert receipt.status == status
    if status:
        # Nothing was run, and the counter stood still.
        assert terminal.read(0x3F00, 0x2F05)[:1] != b"\x5a"
        assert ask(terminal, compact(SELECT_ICCID), 1, UICC).status == 0
    card.close()


def test_unknown_tar_is_told_by_the_operators_domain(terminal: Terminal) -> None:
    receipt = ask(terminal, compact(SELECT_ICCID), 1, bytes.fromhex("BFFF00"))
    assert receipt.status == ResponseStatus.TAR_UNKNOWN


@pytest.mark.parametrize(
    "how",
    [
        {"keys": OtaKeySet(1, AES_KEYS.kic, bytes(16))},
        {"keys": OtaKeySet(9, AES_KEYS.kic, AES_KEYS.kid)},
        {"keys": OTA_KEYS},
        {"keys": OtaKeySet(2, AES_KEYS.kic, AES_KEYS.kid)},
    ],
    ids=["kid", "kvn", "the ISD-R's", "AES under a DES set"],
)
def test_wrong_keys_keep_the_card_silent(terminal: Terminal, how: dict[str, object]) -> None:
    assert exchange(terminal, compact(SELECT_ICCID), 100, UICC, **how) is None
    assert ask(terminal, compact(SELECT_ICCID), 1, UICC).status == 0


def test_key_set_0_is_chosen_by_the_card(terminal: Terminal) -> None:
    for number, keys in enumerate((AES_KEYS, TDES_KEYS, DES_KEYS), 1):
        raw, parameters = packet(compact(SELECT_ICCID), number, UICC, keys=keys)
        # The checksum covers KIc and KID: make it for key set 0.
        plain = Zero(keys)
        raw = plain.wrap(compact(SELECT_ICCID), number, parameters)
        (part,) = sms.split(raw)
        report = terminal.envelope(sms.SmsDeliver(SENDER, part).encode()).data
        assert scp80.unwrap_response(report[3:], parameters, keys).status == 0


class Zero:
    """Makes a packet that names key set 0, by the same calls as a sender would."""

    def __init__(self, keys: OtaKeySet) -> None:
        self.keys = keys

    def wrap(self, data: bytes, counter: int, parameters: SecurityParameters) -> bytes:
        cipher, signer = self.keys.cipher, self.keys.signer
        check = self.keys.mac_bytes
        filling = -(6 + check + len(data)) % cipher.block_size
        head = bytes((13 + check,)) + parameters.spi
        head += bytes((parameters.kic_algorithm, parameters.kid_algorithm)) + parameters.tar
        total = len(head) + 6 + check + len(data) + filling
        head = total.to_bytes(2, "big") + head
        inner = counter.to_bytes(5, "big") + bytes((filling,))
        padded = data + bytes(filling)
        mac = signer.of(head + inner + padded)[:check]
        return head + cipher.encrypt(inner + mac + padded)


@pytest.mark.parametrize(
    ("spi", "answered"),
    [
        (Spi(ciphered=False, por_ciphered=False, por_by_submit=False), True),
        (Spi(ciphered=False, por_ciphered=True, por_by_submit=False), False),
        (Spi(ciphered=True, por_ciphered=False, por_by_submit=False), False),
    ],
    ids=["KIc unused", "KIc used by the receipt", "KIc used by the packet"],
)
def test_two_key_sets_in_one_packet(terminal: Terminal, spi: Spi, *, answered: bool) -> None:
    """KIc names a set that is not there: that matters only where something is ciphered."""
    parameters = SecurityParameters(
        spi.encode(), UICC, AES_KEYS.kic_algorithm, AES_KEYS.kid_algorithm
    )
    whole = OtaKeySet(AES_KEYS.kvn, AES_KEYS.kic, AES_KEYS.kid)
    raw = bytearray(scp80.wrap_command(compact(SELECT_ICCID), 1, parameters, whole))
    raw[5] = 0x90 | whole.kic_algorithm & 0x0F
    if not spi.ciphered:
        # The checksum covers KIc: make it anew over the changed head.
        end = 2 + raw[2] + 1
        head, behind = bytes(raw[: end - 8]), bytes(raw[end:])
        raw[end - 8 : end] = whole.signer.of(head + behind)[:8]
    (part,) = sms.split(bytes(raw))
    report = terminal.envelope(sms.SmsDeliver(SENDER, part).encode())
    assert bool(report.data) is answered
    if answered:
        receipt = scp80.unwrap_response(report.data[3:], parameters, whole)
        assert (receipt.status, receipt.counter) == (0, 1)


def test_receipt_by_submit(terminal: Terminal) -> None:
    assert terminal.send(cat.terminal_profile(b"\xff" * 20)).sw == 0x9000
    raw, parameters = packet(compact(SELECT_ICCID, READ_10), 1, UICC, spi=Spi())
    (part,) = sms.split(raw)
    answer = terminal.envelope(sms.SmsDeliver(SENDER, part).encode())
    command = terminal.fetch(answer.sw)
    user_data = sms.SmsSubmit.decode(command.tpdu).user_data
    receipt = scp80.unwrap_response(user_data[3:], parameters, AES_KEYS)
    assert last(receipt.data)[:2] == (2, "9000")


@pytest.mark.parametrize("keys", [TDES_KEYS, SHORT_MAC_KEYS])
def test_isd_r_takes_no_operators_packet(terminal: Terminal, keys: OtaKeySet) -> None:
    data = expanded(isdr_commands.get_status())
    assert exchange(terminal, data, 1, bytes.fromhex("000001"), keys=keys) is None
