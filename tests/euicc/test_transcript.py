"""The opening conversation of a widely used card manager, command by command (T=0)."""

from __future__ import annotations

import pytest

from hil.virtual.euicc import VirtualCard
from hil.virtual.euicc.atr import Protocol, build
from tests.euicc.terminal import EID, Terminal

ISD_R = "A0000005591010FFFFFFFF8900000100"
ECASD = "A0000005591010FFFFFFFF8900000200"
FCI_ISD_R = "6F188410" + ISD_R + "A5049F6501FF"


@pytest.mark.parametrize(
    ("protocol", "atr"),
    [
        ("T=0", "3B9E96803F87828031E073FE211B665645554943433D"),
        ("T=1", "3B9E9681B1FE453F87828031E073FE211B6656455549434336"),
    ],
)
def test_atr_is_the_published_one(protocol: str, atr: str) -> None:
    assert build(Protocol(protocol)).hex().upper() == atr


def test_card_is_known_as_an_m2m_euicc(card: VirtualCard, terminal: Terminal) -> None:
    say = terminal.raw
    # 1: MF, EF.DIR with record length and number in its FCP
    assert say("00A40004023F00") == "6125"
    mf = say("00C0000025")
    assert mf.startswith("6223 8202 7821 8302 3F00 A50C".replace(" ", ""))
    assert mf.endswith("9000")
    assert say("00A40004022F00") == "611C"
    directory = say("00C000001C")
    assert directory.startswith("621A8205422100260183022F00")
    # 2: ISD-R, ES10 request refused
    assert say("00A4040410" + ISD_R) == "611A"
    assert say("00C000001A") == FCI_ISD_R + "9000"
    assert say("80E2910003BF5600") == "6985"
    card.power_off()
    card.power_on()
    # 3
    assert say("00A4040410" + ISD_R) == "611A"
    assert say("80E2910006BF3E035C015A") == "6985"
    card.power_off()
    card.power_on()
    # 4: ECASD gives the EID, plain BCD
    assert say("00A4040410" + ECASD) == "611A"
    assert say("00C000001A") == FCI_ISD_R.replace(ISD_R, ECASD) + "9000"
    assert say("00CA005A00") == "5A10" + EID + "9000"
    card.power_off()
    card.power_on()
    # 5: folders that are not there, EF.DIR
    assert say("00A40004023F00") == "6125"
    for absent in ("7F20", "7FE0", "7F25"):
        assert say("00A4000402" + absent) == "6A82"
    assert say("00A40004023F00") == "6125"
    assert say("00A40004022F00") == "611C"
    assert say("00A40004022F00") == "611C"
    assert say("00B2010426") == "FF" * 38 + "9000"
    # 6: applications by AID
    assert say("00A4040410" + ECASD) == "611A"
    assert say("00A4040408A000000003000000") == "6A82"
    assert say("00A4040410" + ISD_R) == "611A"
    assert say("00A4040409A00000015141434C00") == "6A82"
    for absent in ("A000000087100A", "A0000000871004", "A000000087100B"):
        assert say("00A4040407" + absent) == "6A82"
    # 8: ICCID
    assert say("00A40004023F00") == "6125"
    assert say("00A40004022FE2") == "6119"
    assert say("00C0000019").startswith("6217820241218302 2FE2".replace(" ", ""))
    assert say("00B000000A") == "FF" * 10 + "9000"


def test_conversation_of_a_consumer_client_is_refused_cleanly(terminal: Terminal) -> None:
    say = terminal.raw
    assert say("80AA00000AA9088100820101830107") == "9000"
    assert say("0070000001") == "019000"
    assert say("01A4040010" + ISD_R) == "611A"
    assert say("01C000001A") == FCI_ISD_R + "9000"
    for request in ("BF3E035C015A", "BF3C00", "BF4300", "BF2200"):
        size = len(request) // 2
        assert say(f"81E29100{size:02X}{request}") == "6985"
    assert say("0070800100") == "9000"
    assert say("01A4040010" + ISD_R) == "6881"


@pytest.mark.parametrize(
    "probe",
    [
        "A0A40000027F20",
        "A0A40000023F00",
        "00CADF3005",
        "00CB3FFF035C017E",
        "80CA9F7F00",
        "00A4040000",
        "80F21000024F00",
        "0084000008",
        "00B000000A",
        "00B2010400",
        "FFFFFFFF",
        "00A404000CA0000003974254465953010101",
        "8050000008000102030405060700",
        "80500000080001020304050607",
        "848200001000112233445566778899AABBCCDDEEFF",
        "00C0000000",
        "1070000001",
    ],
)
def test_every_strange_command_gets_a_status_word(terminal: Terminal, probe: str) -> None:
    answer = terminal.raw(probe)
    assert len(answer) >= 4
    # Whatever came, the card goes on.
    assert terminal.raw("00A40004023F00") == "6125"


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        ("A0A40000023F00", "6E00"),
        ("20A40000023F00", "6E00"),
        ("10A40000023F00", "6E00"),
        ("04A40004023F00", "6882"),
        ("01A40004023F00", "6881"),
        ("45A40004023F00", "6881"),
        ("00FF0000", "6D00"),
        ("00B000000A", "6986"),
        ("00A40004", "6700"),
        ("00A4000401", "6700"),
        ("00A400080200", "6700"),
        ("00A4090402", "6700"),
        ("00A4070002 3F00", "6A86"),
        ("00A4000002 3F00", "6125"),
        ("00A4000602 3F00", "6A86"),
        ("00A4010402 3F00", "6A82"),
        ("00A4030400", "6A82"),
        ("00C0000010", "6F00"),
        ("0070000101", "6A86"),
        ("00700000", "6C01"),
        ("0070800000", "6A86"),
        ("0070800200", "6881"),
        ("8012000010", "6985"),
        ("801400000C810301130082028281830100", "6985"),
        ("80F2000000", ""),
        ("00F2000000", "6E00"),
        ("80B0000000", "6E00"),
        ("00A4040411" + "A0" * 17, "6700"),
        ("00A40404050000000000", "6A82"),
        ("000000", "6700"),
        ("00", "6700"),
        ("", "6700"),
    ],
)
def test_order_of_checks(terminal: Terminal, command: str, sw: str) -> None:
    answer = terminal.raw(command)
    if sw:
        assert answer == sw
    else:
        assert answer.endswith("9000")
