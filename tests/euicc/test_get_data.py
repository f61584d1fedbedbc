"""GET DATA: which objects which part of the card gives, and 6A88 for all others.

GlobalPlatform Card Specification 11.3.3.1; ETSI TS 102 226, 8.2.1.7; SGP.02, 2.2.1.2 and 4.1.1.11.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.virtual.euicc import VirtualCard, open_card
from hil.wire import isdr_commands, tlv
from hil.wire.apdu import CommandApdu
from hil.wire.identifiers import ECASD_AID, ISD_R_AID, encode_eid, isd_p_aid
from hil.wire.isdp_keys import derive
from hil.wire.scp03 import KeySet
from tests.euicc.pki import ecasd
from tests.euicc.terminal import AUDIT_KEYS, BASE_KEYS, EID, IMAGE_KEYS, Terminal, factory

ISD_P_AID = isd_p_aid(0x20)
PARTS = {"ISD-R": ISD_R_AID, "ISD-P": ISD_P_AID, "ECASD": ECASD_AID}
SIN = "0102030405060708"
GIVEN = {
    "0042": {"ISD-R", "ECASD"},
    "005A": {"ECASD"},
    "0066": {"ISD-R", "ISD-P"},
    "00C1": {"ISD-R", "ISD-P"},
    "00E0": {"ISD-R", "ISD-P"},
    "7F21": {"ECASD"},
    "FF21": {"ISD-R"},
}
"""Who gives what; the rest of what card tools ask for nobody does."""
NOBODYS = ("0045", "0067", "0073", "00C0", "00C2", "00CF", "00D3", "2F00", "5F50", "9F7F")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualCard]:
    card = open_card(tmp_path_factory.mktemp("card"), factory(ecasd=ecasd(sin=SIN)))
    assert Terminal(card).isd_r(isdr_commands.create_isdp(ISD_P_AID, 1000)).sw == 0x9000
    yield card
    card.close()


@pytest.mark.parametrize("cla", ["00", "80"])
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("tag", [*GIVEN, *NOBODYS])
def test_who_gives_what(whole: VirtualCard, tag: str, part: str, cla: str) -> None:
    terminal = Terminal(whole)
    terminal.select(PARTS[part])
    answer = terminal.raw(f"{cla}CA{tag}00")
    if part not in GIVEN.get(tag, ()):
        assert answer == "6A88"
        return
    assert answer.endswith("9000")
    found, rest = tlv.decode_one(bytes.fromhex(answer[:-4]))
    assert (found.tag, rest) == (int(tag, 16), b"")


def test_the_eid_and_the_sin(whole: VirtualCard) -> None:
    terminal = Terminal(whole)
    terminal.select(ECASD_AID)
    assert terminal.raw("00CA005A00") == "5A10" + encode_eid(EID).hex().upper() + "9000"
    assert terminal.raw("00CA005A05") == "6C12"
    assert terminal.raw("80CA004200") == "4208" + SIN + "9000"


def test_a_card_without_certificates_has_neither(terminal: Terminal) -> None:
    terminal.select(ECASD_AID)
    assert terminal.raw("80CA004200") == "6A88"
    assert terminal.raw("80CA7F2100") == "6A88"


def counter(terminal: Terminal, aid: bytes) -> str:
    terminal.select(aid)
    return terminal.raw("80CA00C100")


def test_the_sequence_counter_is_that_of_the_key_set_of_kvn_00(terminal: Terminal) -> None:
    assert counter(terminal, ISD_R_AID) == "C1030000009000"
    terminal.secure(AUDIT_KEYS)
    assert counter(terminal, ISD_R_AID) == "C1030000009000"
    terminal.secure(IMAGE_KEYS)
    assert counter(terminal, ISD_R_AID) == "C1030000019000"
    # The next session uses the next one: that is what whoever prepares a script asks for.
    answer = terminal.send(CommandApdu(0x80, 0x50, 0x00, 0x00, bytes(8), 256))
    assert answer.data[-3:] == b"\x00\x00\x02"


def test_each_isd_p_counts_for_itself(terminal: Terminal) -> None:
    assert terminal.isd_r(isdr_commands.create_isdp(ISD_P_AID, 1000)).sw == 0x9000
    assert counter(terminal, ISD_P_AID) == "C1030000009000"
    terminal.secure(derive(BASE_KEYS, ISD_P_AID), ISD_P_AID)
    assert counter(terminal, ISD_P_AID) == "C1030000019000"


def test_random_challenges_count_nothing(tmp_path: Path) -> None:
    def row(keys: KeySet, option: int) -> dict[str, object]:
        values = {"enc": keys.enc.hex(), "mac": keys.mac.hex(), "dek": keys.dek.hex()}
        return {"kvn": keys.kvn, **values, "counter": 0, "i": option}

    made = factory()
    made["isd_r"] = made["isd_r"] | {"scp03": [row(IMAGE_KEYS, 0x60)]}  # type: ignore[operator]
    card = open_card(tmp_path, made)
    assert counter(Terminal(card), ISD_R_AID) == "6A88"
    card.close()


def test_an_isd_p_without_keys(tmp_path: Path) -> None:
    card = open_card(tmp_path, {**factory(), "isd_p_base": None})
    terminal = Terminal(card)
    assert terminal.isd_r(isdr_commands.create_isdp(ISD_P_AID, 1000)).sw == 0x9000
    assert counter(terminal, ISD_P_AID) == "6A88"
    card.close()
