"""Class, channel, instruction, P1 P2, Lc, state, security: in this order, whatever is selected."""

from __future__ import annotations

import pytest

from hil.virtual.euicc import VirtualCard
from hil.wire import isdr_commands
from hil.wire.apdu import CommandApdu
from hil.wire.identifiers import ECASD_AID, ISD_R_AID, isd_p_aid
from tests.euicc.terminal import Terminal

ISD_P_AID = isd_p_aid(0x20)
DOMAINS = {"ISD-R": ISD_R_AID, "ISD-P": ISD_P_AID, "ECASD": ECASD_AID}
KNOWN = bytes.fromhex(
    "A470C0AA101214C284 5082CAD8E2E4E6F0F2 B0D6B2DCA232 202426282C 0444 CBDB E0D4 88 78"
)
"""INS of all commands that some part of the card knows."""
UNKNOWN = bytes(sorted(set(range(256)) - set(KNOWN)))


@pytest.fixture
def with_isd_p(terminal: Terminal) -> Terminal:
    assert terminal.isd_r(isdr_commands.create_isdp(ISD_P_AID, 1000)).sw == 0x9000
    return terminal


@pytest.fixture(params=["MF", *DOMAINS])
def selected(request: pytest.FixtureRequest, with_isd_p: Terminal) -> Terminal:
    aid = DOMAINS.get(request.param)
    assert with_isd_p.select(0x3F00 if aid is None else aid).sw == 0x9000
    return with_isd_p


@pytest.mark.parametrize("cla", [0x00, 0x80])
def test_an_unknown_instruction(selected: Terminal, cla: int) -> None:
    answers = {selected.raw(f"{cla:02X}{ins:02X}0000") for ins in UNKNOWN}
    assert answers == {"6D00"}


@pytest.mark.parametrize("name", DOMAINS)
def test_an_unknown_instruction_marked_as_secured(with_isd_p: Terminal, name: str) -> None:
    with_isd_p.select(DOMAINS[name])
    answers = {
        with_isd_p.raw(f"{cla:02X}{ins:02X}000008" + "00" * 8)
        for ins in UNKNOWN
        for cla in (0x04, 0x84)
    }
    assert answers == {"6D00"}


def test_an_unknown_class(selected: Terminal) -> None:
    classes = [*range(0x10, 0x40), *range(0x90, 0xC0), 0x50, 0x70, 0xD0, 0xF0, 0xFF]
    answers = {selected.raw(f"{cla:02X}{ins}0000") for cla in classes for ins in ("A4", "DD", "E2")}
    assert answers == {"6E00"}


def test_a_closed_channel_comes_before_the_instruction(selected: Terminal) -> None:
    assert selected.raw("01DD0000") == "6881"
    assert selected.raw("41DD0000") == "6881"


@pytest.mark.parametrize("apdu", ["00E29100", "00E60C00", "00F24002024F00", "00500000"])
def test_a_command_of_globalplatform_in_the_class_of_iso(terminal: Terminal, apdu: str) -> None:
    terminal.select(ISD_R_AID)
    assert terminal.raw(apdu) == "6E00"


@pytest.mark.parametrize("name", DOMAINS)
@pytest.mark.parametrize("apdu", ["00820000", "80820000", "04823300", "04500000", "84500000"])
def test_a_class_of_the_handshake(with_isd_p: Terminal, name: str, apdu: str) -> None:
    """GlobalPlatform Amendment D, 7.1: 80 for INITIALIZE UPDATE, 84 for EXTERNAL AUTHENTICATE."""
    with_isd_p.select(DOMAINS[name])
    assert with_isd_p.raw(f"{apdu}10" + "00" * 16) == "6E00"


@pytest.mark.parametrize("cla", ["08", "0C", "88", "8C"])
def test_secure_messaging_of_iso(selected: Terminal, cla: str) -> None:
    assert selected.raw(f"{cla}CA00E000") == "6882"


@pytest.mark.parametrize("cla", ["00", "81", "84"])
@pytest.mark.parametrize("ins", ["10", "12", "14", "C2"])
def test_a_toolkit_command_in_another_class(selected: Terminal, cla: str, ins: str) -> None:
    selected.raw("0070000001")
    assert selected.raw(f"{cla}{ins}0000") == "6E00"


@pytest.mark.parametrize(
    ("apdu", "sw"),
    [
        ("80E60000", "6A86"),
        ("80E60C00", "6700"),
        ("80E60C000100", "6982"),
        ("80E40001024F00", "6A86"),
        ("80E40040", "6700"),
        ("80E40040024F00", "6982"),
        ("80F24004024F00", "6A86"),
        ("80F24000024F00", "6982"),
        ("80F01007", "6A86"),
        ("80F04007", "6700"),
        ("80F0400710" + "00" * 16, "6982"),
        ("80D8000003300000", "6A86"),
        ("80D8000103300000", "6982"),
        ("80E6210000", "6A86"),
        ("80E62000050000000000", "6982"),
        ("80F28002024F00", "6982"),
        ("80F24002", "6700"),
        ("80F24002024F00", "6982"),
        ("80E2980000", "6A86"),
        ("80E2880000", "6985"),
        ("8482000010" + "00" * 16, "6A86"),
        ("8482330008" + "00" * 8, "6700"),
        ("8482330010" + "00" * 16, "6985"),
        ("8050000108" + "00" * 8, "6A86"),
        ("8050000007" + "00" * 7, "6700"),
        ("8050550008" + "00" * 8, "6A88"),
    ],
)
def test_the_isd_r(terminal: Terminal, apdu: str, sw: str) -> None:
    terminal.select(ISD_R_AID)
    assert terminal.raw(apdu) == sw


@pytest.mark.parametrize(
    ("apdu", "sw"),
    [
        ("00B0000002AABB", "6700"),
        ("00B2010402AABB", "6700"),
        ("80F2000002AABB", "6700"),
        ("00D60000", "6700"),
        ("00D6000001FF", "6986"),
        ("00DC0104", "6700"),
        ("007000000100", "6700"),
        ("007080010100", "6700"),
        ("80C20000", "6700"),
        ("8014000001FF", "6700"),
    ],
)
def test_the_files(terminal: Terminal, apdu: str, sw: str) -> None:
    terminal.select(0x3F00)
    assert terminal.raw(apdu) == sw


def test_an_unknown_instruction_leaves_a_secure_channel_in_step(card: VirtualCard) -> None:
    session = Terminal(card).secure()
    assert session.send(CommandApdu(0x80, 0xDD, 0, 0, b"\x01", 256)).sw == 0x6D00
    assert session.send(CommandApdu(0x80, 0xCA, 0x00, 0xE0, le=256)).sw == 0x9000
    assert session.terminal.raw("80DD0000") == "6D00"
    assert session.send(CommandApdu(0x80, 0xCA, 0x00, 0xE0, le=256)).sw == 0x9000
