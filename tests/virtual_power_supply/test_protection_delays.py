"""OCP without a level (E36312A): it trips in constant current, after its delay."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hil.virtual.electrical import Load
from hil.virtual.power_supply.instrument import Instrument
from tests.virtual_power_supply.conftest import TestClock

Tell = Callable[[str], str]


def overload(keysight: Instrument, clock: TestClock) -> int:
    keysight.outputs[1].connect(clock.now_ns, Load(1.0))
    return clock.now_ns


def tripped_after(tell: Tell, clock: TestClock, since_ns: int, *, limit_s: float = 2.0) -> float:
    while tell("CURR:PROT:TRIP?") == "0":
        clock.forward(0.0005)
        assert clock.now_ns - since_ns < limit_s * 1e9, "did not trip"
    return (clock.now_ns - since_ns) / 1e9


def ready(tell: Tell, clock: TestClock, start: str, delay_s: float) -> None:
    tell("VOLT 5;:CURR 5;:OUTP ON")
    clock.forward(1)
    tell(f"CURR 0.5;:CURR:PROT:DEL {delay_s};DEL:STAR {start};:CURR:PROT:STAT ON")
    clock.forward(1)
    assert tell("CURR:PROT:TRIP?;:OUTP?") == "0;1"


@pytest.mark.parametrize("delay_s", [0.0, 0.02, 0.3])
def test_counted_from_the_entry_into_constant_current(
    tell: Tell, clock: TestClock, keysight: Instrument, delay_s: float
) -> None:
    ready(tell, clock, "CCTR", delay_s)
    since = overload(keysight, clock)
    assert tripped_after(tell, clock, since) == pytest.approx(delay_s, abs=0.001)
    assert tell("OUTP?") == "0"


def test_counted_from_the_last_change_it_is_a_hold_off_only(
    tell: Tell, clock: TestClock, keysight: Instrument
) -> None:
    ready(tell, clock, "SCH", 0.3)
    since = overload(keysight, clock)
    assert tripped_after(tell, clock, since) == pytest.approx(0.0, abs=0.001), "long after"


def test_a_change_of_settings_begins_the_hold_off_anew(
    tell: Tell, clock: TestClock, keysight: Instrument
) -> None:
    ready(tell, clock, "SCH", 0.3)
    tell("VOLT 4")
    clock.forward(0.1)
    since = overload(keysight, clock)
    assert tripped_after(tell, clock, since) == pytest.approx(0.2, abs=0.001)


def test_a_short_overload_does_not_trip(tell: Tell, clock: TestClock, keysight: Instrument) -> None:
    ready(tell, clock, "CCTR", 0.1)
    overload(keysight, clock)
    clock.forward(0.09)
    keysight.outputs[1].connect(clock.now_ns, Load(100.0))
    clock.forward(1)
    assert tell("CURR:PROT:TRIP?;:OUTP?") == "0;1"


def test_an_overload_that_changes_meanwhile_is_one_overload(
    tell: Tell, clock: TestClock, keysight: Instrument
) -> None:
    ready(tell, clock, "CCTR", 0.1)
    since = overload(keysight, clock)
    clock.forward(0.06)
    keysight.outputs[1].connect(clock.now_ns, Load(0.9))
    assert tripped_after(tell, clock, since) == pytest.approx(0.1, abs=0.001)


def test_charging_a_capacitor_by_a_small_limit_is_constant_current(
    tell: Tell, clock: TestClock
) -> None:
    tell("CURR:PROT:DEL 0;DEL:STAR CCTR;:CURR:PROT:STAT ON;:VOLT 5;:CURR 0.1;:OUTP ON")
    clock.forward(0.001)
    assert tell("CURR:PROT:TRIP?;:OUTP?") == "1;0"


def test_switching_the_protection_on_counts_from_then(
    tell: Tell, clock: TestClock, keysight: Instrument
) -> None:
    tell("CURR:PROT:DEL 0.1;DEL:STAR CCTR;:VOLT 5;:CURR 0.5;:OUTP ON")
    overload(keysight, clock)
    clock.forward(1)
    tell("CURR:PROT:STAT ON")
    assert tripped_after(tell, clock, clock.now_ns) == pytest.approx(0.1, abs=0.001)


def test_ovp_counts_from_the_crossing_even_if_the_load_changes_after_it(
    say: Callable[[str], str], clock: TestClock, supply: Instrument
) -> None:
    say("VOLT 3.3;VOLT:PROT 4;PROT:STAT ON;:OUTP ON")
    clock.forward(0.1)
    supply.outputs[1].connect(clock.now_ns, Load(0.01, emf=5.0))
    clock.forward(0.0012)
    supply.outputs[1].connect(clock.now_ns, Load(0.01, emf=4.9))
    clock.forward(0.0005)
    assert say("OUTP:OVP:QUES?") == "YES"
