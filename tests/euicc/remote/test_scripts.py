"""Scripts on files and for the operator's domain, in both formats."""

from __future__ import annotations

import pytest

from hil.virtual.euicc import VirtualCard
from hil.wire import isdr_commands, tlv
from hil.wire.command_script import ResponseScript
from hil.wire.key_blocks import CardKey, key_cipher
from hil.wire.scp80 import (
    OtaKeySet,
    ResponseStatus,
)
from tests.euicc.operator import (
    AES_KEYS,
    AID,
    MNO_SD,
    RAM,
    TDES_KEYS,
    UICC,
    USIM,
    ask,
    compact,
    exchange,
    expanded,
    last,
)
from tests.euicc.terminal import Terminal

SELECT_ICCID, READ_10 = "00A40004022FE2", "00B000000A"
ICCID = "98000100000000001077"
STATUS_OF_SELF = "80F28002024F0000"


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
