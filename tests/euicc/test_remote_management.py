"""SCP80 to the operator's domain and to remote file management, with every kind of security."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.virtual.euicc import VirtualCard, open_card
from hil.virtual.euicc.application_store import Application, Kind
from hil.virtual.euicc.current_file import READ, RESIZE
from hil.virtual.euicc.files import Df, Ef, FileTree, Structure
from hil.virtual.euicc.refusal import RefusalError
from hil.virtual.euicc.remote_access import RemoteAccess
from hil.wire import cat, isdr_commands, scp80, sms, tlv
from hil.wire.command_script import CompactResponse, ResponseScript
from hil.wire.key_blocks import CardKey, key_cipher
from hil.wire.profile_package.applications import AdfAccess
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
    ADF_USIM,
    AES_KEYS,
    AID,
    ALL_OTA,
    DES_KEYS,
    MNO_SD,
    RAM,
    SHORT_MAC_KEYS,
    TDES_KEYS,
    UICC,
    USIM,
    ask,
    compact,
    exchange,
    expanded,
    operator_profile,
    packet,
)
from tests.euicc.terminal import OTA_KEYS, SENDER, Terminal, factory

SELECT_ICCID, READ_10 = "00A40004022FE2", "00B000000A"
ICCID = "98000100000000001077"
STATUS_OF_SELF = "80F28002024F0000"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A card whose enabled profile is the operator's."""
    return prepared(tmp_path_factory.mktemp("card"), operator_profile())


def prepared(folder: Path, package: bytes) -> Path:
    card = open_card(folder, factory())
    terminal = Terminal(card)
    terminal.install(AID, package)
    terminal.isd_r(isdr_commands.enable_profile(AID))
    card.close()
    return folder


@pytest.fixture
def card(folder: Path, tmp_path: Path) -> Iterator[VirtualCard]:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    card = open_card(tmp_path, factory())
    yield card
    card.close()


@pytest.fixture
def terminal(card: VirtualCard) -> Terminal:
    return Terminal(card)


def last(data: bytes) -> tuple[int, str, str]:
    response = CompactResponse.decode(data)
    return response.executed, f"{response.last.sw:04X}", response.last.data.hex()


def test_compact_script_on_files(terminal: Terminal) -> None:
    receipt = ask(terminal, compact(SELECT_ICCID, READ_10), 1, UICC)
    assert receipt.status == ResponseStatus.OK
    assert last(receipt.data)[:2] == (2, "9000")
    assert receipt.data[3:] == terminal.read(0x3F00, 0x2FE2)


def test_case_4_in_a_compact_script_as_a_real_card_answers(terminal: Terminal) -> None:
    """One SELECT: 01 61xx, and GET RESPONSE behind it fetches the FCP."""
    count, sw, data = last(ask(terminal, compact(SELECT_ICCID), 1, UICC).data)
    assert (count, sw[:2], data) == (1, "61", "")
    size = sw[2:]
    count, sw, data = last(ask(terminal, compact(SELECT_ICCID, "00C00000" + size), 2, UICC).data)
    assert (count, sw, len(data)) == (2, "9000", 2 * int(size, 16))
    assert data.startswith("62")


def test_expanded_script_on_files(terminal: Terminal) -> None:
    script = expanded(SELECT_ICCID + "00", READ_10)
    response = ResponseScript.decode(ask(terminal, script, 1, UICC).data)
    assert response.executed == 2
    assert response.answers[0].data[:1] == b"\x62"
    assert response.answers[1].sw == 0x9000
    assert len(response.answers[1].data) == 10


def test_update_with_full_access_needs_no_pin(terminal: Terminal, card: VirtualCard) -> None:
    """EF.ICCID may be updated by ADM1 or never; EF.PL by PIN1: full access does what ADM may."""
    script = compact("00A40004022F05", "00D60000025A5A", "00B0000002")
    assert last(ask(terminal, script, 1, UICC).data) == (3, "9000", "5a5a")
    card.reset()
    assert terminal.read(0x3F00, 0x2F05)[:2].hex() == "5a5a"


def test_remote_context_is_not_the_terminals(terminal: Terminal) -> None:
    terminal.select(0x3F00)
    terminal.select(0x2FE2)
    ask(terminal, compact("00A40004022F05"), 1, UICC)
    assert terminal.raw("00B000000A")[:20] != terminal.raw("00B0000002")
    assert terminal.raw("00B000000A").endswith("9000")


def test_adf_is_current_at_the_start(terminal: Terminal) -> None:
    count, sw, data = last(ask(terminal, compact("00A40004026F07", "00B0000009"), 1, USIM).data)
    assert (count, sw) == (2, "9000")
    assert data.startswith("08")
    # For the UICC's own, the same id is nowhere at the MF, and the ADF is closed.
    count, sw, _ = last(ask(terminal, compact("00A40004026F07"), 2, UICC).data)
    assert (count, sw) == (1, "6A82")


def test_a_script_ends_at_its_first_error(terminal: Terminal) -> None:
    script = compact("00A40004024F4F", SELECT_ICCID, READ_10)
    assert last(ask(terminal, script, 1, UICC).data) == (1, "6A82", "")
    response = ResponseScript.decode(
        ask(terminal, expanded("00A40004024F4F", SELECT_ICCID), 2, UICC).data
    )
    assert (response.executed, response.answers[0].sw) == (1, 0x6A82)


@pytest.mark.parametrize(
    ("script", "sw"),
    [
        ("00A400", "6700"),
        ("00A4000402", "6700"),
        ("00880081100000000000000000000000000000000000", "6D00"),
        ("01A40004023F00", "6881"),
        ("04A40004023F00", "6882"),
        ("00C0000010", "6985"),
    ],
)
def test_commands_that_are_none(terminal: Terminal, script: str, sw: str) -> None:
    assert last(ask(terminal, compact(script), 1, UICC).data)[1] == sw


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


def test_access_domain_of_pins(tmp_path: Path) -> None:
    """PIN1 only: what ADM1 guards is refused, and so is every ADF."""
    package = operator_profile(access=bytes.fromhex("02010001"))
    card = open_card(prepared(tmp_path, package), factory())
    terminal = Terminal(card)
    pin1 = compact("00A40004022F05", "00D60000015A")
    adm1 = compact("00A40004022F00", "00DC01042600" + "FF" * 37)
    assert last(ask(terminal, pin1, 1, UICC).data)[:2] == (2, "9000")
    assert last(ask(terminal, adm1, 2, UICC).data)[:2] == (2, "6982")
    in_adf = compact(f"00A404040C{ADF_USIM.hex()}", "00A40004026F07", "00B0000009")
    assert last(ask(terminal, in_adf, 3, UICC).data)[:2] == (3, "6982")
    # A PIN presented in the script counts in it, and only there.
    verify = "0020000A08" + "35" * 8
    adm_after_pin = compact("00A40004022F00", verify, "00DC010426" + "FF" * 38)
    assert last(ask(terminal, adm_after_pin, 4, UICC).data)[:2] == (3, "9000")
    assert last(ask(terminal, adm1, 5, UICC).data)[:2] == (2, "6982")
    card.close()


def test_no_access_at_all(tmp_path: Path) -> None:
    package = operator_profile(access=b"\xff", adf=AdfAccess(ADF_USIM, b"\x00", b"\xff"))
    card = open_card(prepared(tmp_path, package), factory())
    terminal = Terminal(card)
    closed = compact("00A40004023F00", SELECT_ICCID, READ_10)
    assert last(ask(terminal, closed, 1, UICC).data)[:2] == (3, "6982")
    assert last(ask(terminal, compact("00A40004026F07", "00B0000009"), 2, UICC).data)[1] == "9000"
    card.close()


CREATE = "00E00000186216 82024121 83026F99 8A0105 8B032F0603 80020004 8800".replace(" ", "")
DELETE = "00E40000026F99"


@pytest.mark.parametrize(
    ("domain", "allowed"),
    [("00", True), ("02000002", True), ("02010001", False), ("FF", False)],
    ids=["full", "ADM1", "PIN1", "none"],
)
@pytest.mark.parametrize("own", [False, True], ids=["UICC", "ADF"])
def test_administrative_access_domain(
    tmp_path: Path, domain: str, *, allowed: bool, own: bool
) -> None:
    """Files are made and deleted under the administrative domain alone."""
    admin = bytes.fromhex(domain)
    if own:
        package = operator_profile(
            admin_access=b"\xff", adf=AdfAccess(ADF_USIM, b"\xff", admin), access=b"\xff"
        )
    else:
        package = operator_profile(access=b"\xff", admin_access=admin)
    card = open_card(prepared(tmp_path, package), factory())
    terminal = Terminal(card)
    results = [
        last(ask(terminal, compact(*script), number, UICC).data)[1]
        for number, script in enumerate([(CREATE,), ("00A40004026F99", "00B0000001"), (DELETE,)], 1)
    ]
    # Reading the new file is not administration: the other domain closes it.
    assert results == (["9000", "6982", "9000"] if allowed else ["6982", "6A82", "6A82"])
    card.close()


@pytest.mark.parametrize(("use", "admin", "resized"), [(0x00, 0xFF, False), (0xFF, 0x00, True)])
def test_resizing_is_administration(use: int, admin: int, *, resized: bool) -> None:
    """A rule that lets everybody read and resize (AM_DO 84 01 D4)."""
    rule = bytes.fromhex("80010190008401D49000")
    mf = Df(0x3F00)
    mf.add(Ef(0x2F06, Structure.LINEAR, bytearray(rule), len(rule)))
    file = Ef(0x2F99, Structure.TRANSPARENT, bytearray(4), security=b"\x2f\x06\x01")
    mf.add(file)
    application = Application(
        AID, Kind.FILES, 1, 7, b"\x00", b"", b"", MNO_SD,
        access=bytes((use,)), admin_access=bytes((admin,)),
    )  # fmt: skip
    access = RemoteAccess(FileTree(mf), application, NoPins())
    allowed, closed = (RESIZE, READ) if resized else (READ, RESIZE)
    access.check(file, allowed)
    with pytest.raises(RefusalError, match="6982"):
        access.check(file, closed)


class NoPins:
    """Nothing has been presented."""

    def satisfied(self, key: int, file: Df | Ef) -> bool:
        return False


def test_use_of_files_needs_no_administrative_domain(tmp_path: Path) -> None:
    package = operator_profile(access=b"\x00", admin_access=b"\xff")
    card = open_card(prepared(tmp_path, package), factory())
    terminal = Terminal(card)
    update = compact("00A40004022F05", "00D60000015A")
    assert last(ask(terminal, update, 1, UICC).data)[:2] == (2, "9000")
    deactivate = compact("00A40004022F05", "0004000000", "0044000000")
    assert last(ask(terminal, deactivate, 2, UICC).data)[:2] == (3, "9000")
    for number, script in enumerate((CREATE, "00E40000022F05"), 3):
        assert last(ask(terminal, compact(script), number, UICC).data)[:2] == (1, "6982")
    card.close()


def test_management_in_both_formats(terminal: Terminal) -> None:
    compact_answer = ask(terminal, compact(STATUS_OF_SELF[:-2], "00C0000000"), 1, RAM)
    count, sw, data = last(compact_answer.data)
    assert (count, sw) == (2, "9000")
    response = ResponseScript.decode(ask(terminal, expanded(STATUS_OF_SELF), 2, RAM).data)
    assert response.answers[0].data.hex() == data
    (entry,) = tlv.decode_all(bytes.fromhex(data))
    assert tlv.find(entry.children(), 0x4F) == MNO_SD
    assert last(ask(terminal, compact("80CA00E000"), 3, RAM).data)[1] == "9000"


def test_keys_are_put_over_the_air(terminal: Terminal) -> None:
    """Enciphered with the DEK of the set that secures the packet; AES and 3DES alike."""
    new = CardKey(0x88, b"\x99" * 16)
    for number, keys in enumerate((AES_KEYS, TDES_KEYS), 1):
        dek = CardKey(int(keys.kic_kind), keys.dek or b"")
        block = new.encode(key_cipher(dek))
        kvn = 0x0A + number
        body = bytes((kvn,)) + block * 3
        script = expanded(f"80D80081{len(body):02X}{body.hex()}00")
        response = ResponseScript.decode(ask(terminal, script, 1, RAM, keys=keys).data)
        assert response.answers[0].data == bytes((kvn,)) + new.check_value() * 3
        fresh = OtaKeySet(kvn, new.value, new.value)
        assert ask(terminal, compact(SELECT_ICCID), 1, UICC, keys=fresh).status == 0


def test_a_disabled_profile_is_not_reached(terminal: Terminal, card: VirtualCard) -> None:
    assert ask(terminal, compact(SELECT_ICCID), 1, UICC).status == 0
    terminal.isd_r(isdr_commands.disable_profile(AID))
    # At once, before the reset.
    for tar in (UICC, RAM):
        assert exchange(terminal, compact(SELECT_ICCID), 2, tar) is None
    card.reset()
    assert exchange(terminal, compact(SELECT_ICCID), 3, UICC) is None
    assert terminal.select(MNO_SD).sw == 0x6A82


def test_any_bytes_are_a_script(terminal: Terminal) -> None:
    for number, data in enumerate(
        [b"", b"\x00", b"\xaa", b"\xaa\x03\x22\x01\x00", b"\xff" * 300], 1
    ):
        for tar, keys in ((UICC, AES_KEYS), (RAM, TDES_KEYS)):
            assert ask(terminal, data, number, tar, keys=keys).status == 0
