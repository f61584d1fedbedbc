"""One walk over every model's row: what any row must keep, whoever adds it."""

from __future__ import annotations

import pytest

from hil.equipment.power_supply import replies
from hil.equipment.power_supply.dialect import Dialect, NumberForm, Protection, Setting
from hil.equipment.power_supply.models import _ROWS, dialect_of
from hil.errors import ProtocolError

ROWS = {row.model: row for row in _ROWS}
IDENTITIES = {
    "DP832": [
        "RIGOL TECHNOLOGIES,DP832,DP8C194205678,00.01.14",
        "RIGOL TECHNOLOGIES,DP832A,DP8A1,00.01.16",
    ]
}


@pytest.fixture(params=ROWS)
def row(request: pytest.FixtureRequest) -> Dialect:
    return ROWS[request.param]


def test_names_are_found_in_any_case(row: Dialect) -> None:
    assert dialect_of(row.model.lower()) is row


def test_identities_are_told_apart(row: Dialect) -> None:
    for reply in IDENTITIES[row.model]:
        identity = row.read_identity(reply)
        assert identity is not None
        assert identity.raw == reply
        assert identity.serial
        assert identity.firmware
    for other in ("", "RIGOL TECHNOLOGIES,DP831,X,1", "A,B,C,D", "DP832", "\0" * 50):
        assert row.read_identity(other) is None


def test_templates_take_channel_and_value(row: Dialect) -> None:
    settings: list[Setting] = [row.volts, row.amps, row.ovp.level, row.ocp.level]
    for number, top in row.channels.items():
        for setting in settings:
            sent = setting.set.format(n=number, value=1.2345)
            assert str(number) in sent
            assert "1.23" in sent
            assert str(number) in setting.get.format(n=number)
            assert setting.step > 0
        assert 0 < top.max_volts <= top.max_ovp_volts
        assert 0 < top.max_amps <= top.max_ocp_amps


def test_switches_can_say_both(row: Dialect) -> None:
    protections: list[Protection] = [row.ovp, row.ocp]
    for switch in (row.output, *(protection.state for protection in protections)):
        assert set(switch.answers.values()) == {True, False}
        assert switch.answers[switch.on] is True
        assert switch.answers[switch.off] is False
    for protection in protections:
        assert set(protection.tripped_answers.values()) == {True, False}


def test_measurement_gives_volts_and_amps(row: Dialect) -> None:
    assert {"volts", "amps"} <= {name for name, _ in row.measure.fields}


def test_accuracy_is_a_share_and_an_offset(row: Dialect) -> None:
    for accuracy in (row.set_volts, row.set_amps, row.read_volts, row.read_amps):
        assert 0 < accuracy.at(0) < accuracy.at(5) < 0.2


@pytest.mark.parametrize(
    ("reply", "entry"),
    [
        ('0,"No error"', (0, "No error")),
        ('+0,"No error"', (0, "No error")),
        ("0 No Error", (0, "No Error")),
        ('-222,"Data out of range; 40"', (-222, "Data out of range; 40")),
    ],
)
def test_error_entries_in_all_spellings(reply: str, entry: tuple[int, str]) -> None:
    assert replies.read_error(reply, "here") == entry


@pytest.mark.parametrize("reply", ["", "No error", "3.300", "12.0035,1,2", "RIGOL,DP832"])
def test_what_is_no_error_entry_is_refused(reply: str) -> None:
    with pytest.raises(ProtocolError):
        replies.read_error(reply, "here")


@pytest.mark.parametrize(
    ("reply", "value"), [("+5.01234E+00", 5.01234), ("-1.000000E-03", -0.001), ("0.000000E+00", 0)]
)
def test_nr3(reply: str, value: float) -> None:
    assert replies.read_number(reply, NumberForm(None), "here") == value


@pytest.mark.parametrize("reply", ["5.01234E+0", "5.01234", "9.910000E+37", "5E+00", "NAN", ""])
def test_nr3_cut_off_or_not_available(reply: str) -> None:
    with pytest.raises(ProtocolError):
        replies.read_number(reply, NumberForm(None), "here")
