"""Channels, capabilities and challenges: what a terminal may say of them, and what not."""

from __future__ import annotations

import pytest

from hil.wire.identifiers import ISD_R_AID
from tests.euicc.terminal import Terminal


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        # Channels 1 to 19 have numbers; those this card does not open are not open (11.1.17.2).
        ("00708001", "6881"),
        ("00708004", "6881"),
        ("00708013", "6881"),
        ("00708014", "6A86"),
        ("00708000", "6A86"),
        ("007080FF", "6A86"),
        ("0070000101", "6A86"),
        ("0070010001", "6A86"),
        ("00704000", "6A86"),
        ("0070000002", "6C01"),
        ("00700000", "6C01"),
        ("007000000100", "6700"),
        ("8070000001", "6E00"),
        ("0470000001", "6882"),
        ("0170000001", "6881"),
    ],
)
def test_manage_channel_refused(terminal: Terminal, command: str, sw: str) -> None:
    assert terminal.raw(command) == sw
    assert terminal.raw("0070000001") == "019000"


def test_a_channel_closes_itself(terminal: Terminal) -> None:
    assert terminal.raw("0070000001") == "019000"
    assert terminal.raw("01708001") == "9000"
    assert terminal.raw("01A4000C023F00") == "6881"


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        # Power, extended channels, eUICC; an object nobody knows; none at all.
        ("80AA000005A9038001FF", "9000"),
        ("80AA00000AA9088001738100830107", "9000"),
        ("80AA000006A904990201FF", "9000"),
        ("80AA000002A900", "9000"),
        ("80AA0000", "6700"),
        # No template, one that is cut off, another one, two, and something behind it.
        ("80AA00000180", "6A80"),
        ("80AA000003A90281", "6A80"),
        ("80AA0000038001FF", "6A80"),
        ("80AA000004A900A900", "6A80"),
        ("80AA000004A9009900", "6A80"),
        ("80AA010002A900", "6A86"),
        ("80AA000102A900", "6A86"),
        ("00AA000002A900", "6E00"),
        ("84AA000002A900", "6882"),
    ],
)
def test_terminal_capability(terminal: Terminal, command: str, sw: str) -> None:
    assert terminal.raw(command) == sw


def test_terminal_capability_while_a_domain_is_selected(terminal: Terminal) -> None:
    terminal.select(ISD_R_AID)
    assert terminal.raw("80AA000005A9038001FF") == "9000"


@pytest.mark.parametrize(
    ("le", "size"), [("01", 1), ("08", 8), ("10", 16), ("FF", 255), ("00", 256)]
)
def test_get_challenge(terminal: Terminal, le: str, size: int) -> None:
    first, second = (terminal.raw(f"00840000{le}") for _ in range(2))
    assert len(first) == 2 * size + 4
    assert first.endswith("9000")
    assert first != second or size == 1


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        ("00840000", "6C08"),
        ("0084010008", "6A86"),
        ("0084000108", "6A86"),
        ("00840000010008", "6700"),
        ("8084000008", "6E00"),
    ],
)
def test_get_challenge_refused(terminal: Terminal, command: str, sw: str) -> None:
    assert terminal.raw(command) == sw
