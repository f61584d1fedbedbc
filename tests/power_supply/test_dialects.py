"""One walk over every model's row: what any row must keep, whoever adds it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from hil.equipment.power_supply import NoValueError, replies
from hil.equipment.power_supply.dialect import (
    Bits,
    Condition,
    Dialect,
    NumberForm,
    Protection,
    Setting,
    Switch,
    Word,
    YesNo,
)
from hil.equipment.power_supply.models import all_models, dialect_answering, dialect_of
from hil.errors import ProtocolError

ROWS = {row.model: row for row in all_models()}


@pytest.fixture(params=ROWS)
def row(request: pytest.FixtureRequest) -> Dialect:
    return ROWS[request.param]


def protections(row: Dialect) -> list[Protection]:
    return [one for one in (row.ovp, row.ocp) if one is not None]


def settings(row: Dialect) -> Iterator[Setting]:
    yield from (row.volts, row.amps)
    for protection in protections(row):
        yield from (one for one in (protection.level, protection.delay) if one is not None)


def switches(row: Dialect) -> Iterator[Switch]:
    yield row.output.switch
    yield from (one for one in (row.output.master, row.sense) if one is not None)
    yield from (one.switch for one in protections(row) if one.switch is not None)


def questions(row: Dialect) -> Iterator[YesNo]:
    yield from (switch.state for switch in switches(row))
    yield from (trip.told_by for trip in row.trips)
    if row.sequencing is not None and row.sequencing.playing is not None:
        yield row.sequencing.playing
    if isinstance(row.regulation, Condition):
        yield from (one for one in (row.regulation.current, row.regulation.voltage) if one)


def test_names_are_found_in_any_case(row: Dialect) -> None:
    assert dialect_of(row.model.lower()) is row
    assert dialect_of(row.model.upper()) is row


def test_no_row_takes_another_ones_identity_or_nonsense(row: Dialect) -> None:
    if row.identity is not None:
        for other in ("", "A,B,C,D", row.model, "\0" * 50, "9.91E37"):
            assert row.read_identity(other) is None
    assert dialect_answering("RIGOL TECHNOLOGIES,DG1022,X,1") is None


def test_templates_take_channel_and_value(row: Dialect) -> None:
    for number, top in row.channels.items():
        for setting in settings(row):
            sent = setting.set.format(n=number, value=1.25)
            assert re.search(r"(?<![.\d])1\.25|(?<!\d)1(?!\d*\.)", sent), sent
            assert "{" not in sent + setting.get.format(n=number)
            assert setting.get.endswith("?") or "? " in setting.get
            assert setting.step > 0
        assert 0 < top.max_volts <= (top.max_ovp_volts or top.max_volts)
        assert 0 < top.max_amps <= (top.max_ocp_amps or top.max_amps)
        assert top.min_ovp_volts < (top.max_ovp_volts or 1)
        assert row.accuracy_of(number).source


def test_levels_have_ranges(row: Dialect) -> None:
    for number, top in row.channels.items():
        if top.negative:
            continue
        assert (top.max_ovp_volts is not None) is bool(row.ovp and row.ovp.level), number
        assert (top.max_ocp_amps is not None) is bool(row.ocp and row.ocp.level), number


def test_channels_of_several_are_addressed(row: Dialect) -> None:
    if len(row.channels) == 1:
        return
    whole = (row.selection.command if row.selection else "") + row.volts.set
    assert "{n}" in whole
    for query in (row.volts.get, *(one.query for one in row.measure)):
        assert row.selection is not None or "{n}" in query


def test_switches_can_say_both(row: Dialect) -> None:
    for switch in switches(row):
        assert switch.on != switch.off
        assert switch.set.format(n=1, value=switch.on) != switch.set.format(n=1, value=switch.off)
    for question in questions(row):
        if isinstance(question, Word):
            assert set(question.answers.values()) == {True, False}
            assert all(word == word.upper() for word in question.answers)
        else:
            assert isinstance(question, Bits)
            for number, top in row.channels.items():
                assert top.negative or question.mask_of(number) > 0


def test_trips_can_be_cleared(row: Dialect) -> None:
    assert not row.trips or row.clear_trip
    assert len({trip.name for trip in row.trips}) == len(row.trips)


def test_measurement_gives_volts_and_amps(row: Dialect) -> None:
    names = [name for one in row.measure for name, _ in one.fields]
    assert sorted(name for name in names if name in ("volts", "amps")) == ["amps", "volts"]


def test_accuracy_is_a_share_and_an_offset(row: Dialect) -> None:
    for number in row.channels:
        off_by = row.accuracy_of(number)
        for accuracy in (off_by.set_volts, off_by.set_amps, off_by.read_volts, off_by.read_amps):
            assert 0 < accuracy.at(0) < accuracy.at(5) < 0.3
        assert 0 < off_by.volts_step <= 0.01
        assert 0 < off_by.amps_step <= 0.01


def test_every_reply_has_an_end(row: Dialect) -> None:
    if row.framing.read_termination:
        return
    forms = [setting.form for setting in settings(row)]
    forms += [form for one in row.measure for _, form in one.fields]
    assert all(form.length for form in forms)


def test_a_sequence_makes_sense(row: Dialect) -> None:
    sequencing = row.sequencing
    if sequencing is None:
        return
    assert sequencing.resolution_s <= sequencing.shortest_s < sequencing.longest_s
    assert sequencing.start
    assert sequencing.stop
    assert sequencing.source


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


@pytest.mark.parametrize("reply", ["9.91E37", "9.910000E+37", "-9.9E37", "NAN", "+INF", "9.91e37V"])
@pytest.mark.parametrize("decimals", [None, (3, 3)])
def test_no_value_is_a_named_error(reply: str, decimals: tuple[int, int] | None) -> None:
    unit = "V" if reply.endswith("V") else ""
    with pytest.raises(NoValueError, match="has no value"):
        replies.read_number(reply, NumberForm(decimals, unit=unit), "here")


def test_echo_and_unit() -> None:
    setting, reading = NumberForm((3, 3), echo="V{n} "), NumberForm((3, 3), unit="V")
    assert replies.read_number("V1 3.300", setting, "here", 1) == 3.3
    assert replies.read_number("3.300V", reading, "here", 1) == 3.3
    for reply in ("V2 3.300", "3.300", "I1 3.300", "V1 3.30", "V1"):
        with pytest.raises(ProtocolError):
            replies.read_number(reply, setting, "here", 1)
    for reply in ("3.300", "3.300A", "3.30V", "V"):
        with pytest.raises(ProtocolError):
            replies.read_number(reply, reading, "here", 1)


def test_registers_in_all_forms() -> None:
    assert replies.read_bits("+18", "here") == 18
    assert replies.read_bits("0x0224", "here", "hexadecimal") == 0x224
    assert replies.read_bits("\xd1", "here", "byte") == 0xD1
    for reply, form in (("0x12", "decimal"), ("12", "hexadecimal"), ("AB", "byte"), ("", "byte")):
        with pytest.raises(ProtocolError):
            replies.read_bits(reply, "here", form)  # type: ignore[arg-type]
