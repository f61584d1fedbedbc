"""Rows against virtual supplies that were written without them, over each of their transports."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

import pytest

from hil.equipment.power_supply import CableLimits, PowerSupply, TripError
from hil.equipment.power_supply.models import dialect_of
from hil.virtual.power_supply.models import MODELS
from hil.virtual.power_supply.unit_errors import ChannelErrors
from tests.power_supply.part import Part, start_part

DAY_NS = 8 * 3600 * 1_000_000_000
CABLE = CableLimits(max_volts=5.0, max_amps=1.0, ovp_volts=5.5, ocp_amps=1.2)


@pytest.fixture(scope="module")
def e36312a() -> Iterator[Part]:
    with start_part("--model", "E36312A") as part:
        yield part


@pytest.fixture(scope="module")
def ka3005p() -> Iterator[Part]:
    with start_part("--model", "KA3005P") as part:
        yield part


@pytest.mark.parametrize("model", sorted(MODELS))
def test_a_unit_errs_no_more_than_the_row_says(model: str) -> None:
    """That is why no verdict by a virtual supply waits for its data sheet."""
    virtual, row = MODELS[model], dialect_of(model)
    ratings = virtual.build("1", seed=1, speed=1.0, manners=virtual.manners).ratings
    for seed, channel in itertools.product(range(50), row.channels):
        errors = ChannelErrors(ratings, seed, channel, 0)
        off_by = row.accuracy_of(channel)
        for volts, amps in ((0.5, 0.01), (1.8, 0.05), (5.0, 0.5)):
            assert abs(errors.set_volts.apply(volts) - volts) <= off_by.set_volts.at(volts)
            assert abs(errors.set_amps.apply(amps) - amps) <= off_by.set_amps.at(amps)
            read_volts, read_amps = errors.read(volts, amps, DAY_NS)
            assert abs(read_volts - volts) <= off_by.read_volts.at(volts) + off_by.volts_step
            assert abs(read_amps - amps) <= off_by.read_amps.at(amps) + off_by.amps_step


def up_and_down(resource: str, model: str, within: float) -> None:
    with PowerSupply.open(resource, model=model, limits={1: CABLE}, timeout_s=2.0) as supply:
        channel = supply.channel(1)
        channel.protect()
        channel.apply(3.3, 0.5)
        assert channel.on().volts == pytest.approx(3.3, abs=within)
        status = channel.status()
        assert (status.on, status.regulation, status.trips) == (True, "voltage", ())
        assert (status.ovp_on, status.ocp_on) == (True, True)
        assert channel.off().proven
        assert supply.errors() == []


@pytest.mark.parametrize("way", ["socket", "hislip"])
def test_e36312a(e36312a: Part, way: str) -> None:
    e36312a.control({"reboot": True})
    resource = e36312a.resource if way == "socket" else e36312a.hislip
    assert resource.endswith("SOCKET" if way == "socket" else "INSTR")
    up_and_down(resource, "auto", 0.01)


def test_ka3005p_on_its_serial_line(ka3005p: Part) -> None:
    ka3005p.control({"reboot": True})
    up_and_down(ka3005p.resource, "KA3005P", 0.05)


def test_the_list_of_the_e36312a_moves_its_output(e36312a: Part) -> None:
    e36312a.control({"reboot": True})
    with PowerSupply.open(e36312a.resource, limits={1: CABLE}, timeout_s=2.0) as supply:
        channel = supply.channel(1)
        channel.protect()
        channel.apply(1.0, 0.5)
        channel.on()
        sequencer = channel.sequencer
        assert sequencer is not None
        sequencer.play([(1.0, 0.5, 0.2), (3.0, 0.5, 5.0)])
        deadline = time.monotonic() + 3
        while abs(channel.measure().volts - 3.0) > 0.05:
            assert time.monotonic() < deadline
        assert sequencer.playing()
        sequencer.stop()
        assert supply.errors() == []


def test_an_ocp_at_the_limit_trips_on_charging_and_the_text_says_what_helps(
    e36312a: Part, ka3005p: Part
) -> None:
    for part, model, says in (
        (e36312a, "E36312A", "OCP tripped.*ocp_delay"),
        (ka3005p, "KA3005P", "as after a trip.*ocp_delay"),
    ):
        part.control({"reboot": True})
        with PowerSupply.open(
            part.resource, model=model, limits={1: CABLE}, timeout_s=2.0
        ) as supply:
            channel = supply.channel(1)
            channel.protect()
            channel.apply(3.3, 0.005)
            with pytest.raises(TripError, match=says):
                channel.on()
            assert not channel.status().on


def test_a_delay_lets_the_charging_current_pass(e36312a: Part) -> None:
    e36312a.control({"reboot": True})
    patient = CableLimits(5.0, 1.0, 5.5, 1.2, ocp_delay_s=2.0)
    with PowerSupply.open(e36312a.resource, limits={1: patient}, timeout_s=2.0) as supply:
        channel = supply.channel(1)
        channel.protect()
        channel.apply(1.8, 0.020)
        assert channel.on(settle_timeout_s=5.0).volts == pytest.approx(1.8, abs=0.01)
