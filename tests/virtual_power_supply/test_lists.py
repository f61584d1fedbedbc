"""Sequences that the supply plays by itself (E36300 lists)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hil.virtual.power_supply.instrument import Instrument
from tests.virtual_power_supply.conftest import TestClock

Tell = Callable[[str], str]
UP_DOWN = "LIST:VOLT 1,4,2;:LIST:DWEL 0.1,0.2,0.3;:VOLT:MODE LIST;:VOLT 3;:OUTP ON"


def volts_over(tell: Tell, clock: TestClock, seconds: float, step_s: float = 0.05) -> list[float]:
    seen = []
    for _ in range(round(seconds / step_s)):
        seen.append(float(tell("VOLT?")))
        clock.forward(step_s)
    return seen


def test_a_list_keeps_its_dwells_and_ends_where_it_began(tell: Tell, clock: TestClock) -> None:
    tell(UP_DOWN)
    tell("INIT;:*TRG")
    assert volts_over(tell, clock, 0.7) == [1.0] * 2 + [4.0] * 4 + [2.0] * 6 + [3.0] * 2


def test_it_may_end_with_its_last_values_and_repeat(tell: Tell, clock: TestClock) -> None:
    tell(UP_DOWN + ";:LIST:COUN 2;:LIST:TERM:LAST ON;:TRIG:SOUR IMM;:INIT")
    once = [1.0] * 2 + [4.0] * 4 + [2.0] * 6
    assert volts_over(tell, clock, 1.3) == once + once + [2.0] * 2


def test_the_output_follows_exactly_in_time(
    tell: Tell, clock: TestClock, keysight: Instrument
) -> None:
    tell("LIST:VOLT 5,1;:LIST:DWEL 0.05;:VOLT:MODE LIST;:VOLT 1;:OUTP ON")
    clock.forward(1)
    tell("INIT;*TRG")
    output, begun = keysight.outputs[1], clock.now_ns
    clock.forward(0.05)
    clock.now_ns += 10_000_000
    output.advance(clock.now_ns)
    assert output.segments[0].t0_ns == begun + 50_000_000, "although nobody asked in time"


def test_an_endless_list_ends_with_abort_or_off(tell: Tell, clock: TestClock) -> None:
    tell(UP_DOWN + ";:LIST:COUN INF;:INIT;*TRG")
    clock.forward(60.05)
    assert tell("STAT:OPER:INST:ISUM1:COND?") == "8"
    tell("ABOR")
    left = tell("VOLT?")
    clock.forward(5)
    assert tell("VOLT?;:STAT:OPER:INST:ISUM1:COND?") == f"{left};0"
    tell("INIT;*TRG;:OUTP OFF")
    assert tell("STAT:OPER:INST:ISUM1:COND?") == "0"


def test_current_alone_and_a_list_of_one_value(tell: Tell, clock: TestClock) -> None:
    tell("LIST:CURR 0.1,0.2;:LIST:DWEL 0.1;:CURR:MODE LIST;:VOLT 2;:OUTP ON;:INIT;*TRG")
    assert tell("CURR?;:VOLT?") == "+1.00000000E-01;+2.00000000E+00"
    clock.forward(0.1)
    assert tell("CURR?;:VOLT?") == "+2.00000000E-01;+2.00000000E+00"


def test_a_trigger_steps_to_the_triggered_level(tell: Tell, clock: TestClock) -> None:
    tell("VOLT 1,(@1,2);:VOLT:TRIG 3,(@1,2);:VOLT:MODE STEP,(@1,2);:INIT (@1,2)")
    assert tell("VOLT? (@1,2);:STAT:OPER:INST:ISUM2:COND?") == "+1.00000000E+00,+1.00000000E+00;32"
    tell("TRIG (@2)")
    assert tell("VOLT? (@1,2)") == "+1.00000000E+00,+3.00000000E+00"
    tell("*TRG")
    assert tell("VOLT? (@1,2)") == "+3.00000000E+00,+3.00000000E+00"
    clock.forward(1)
    assert tell("VOLT? (@1,2);:STAT:OPER:INST:ISUM1:COND?") == "+3.00000000E+00,+3.00000000E+00;0"


@pytest.mark.parametrize("message", [b"*OPC?", b"*WAI", b"*opc?;VOLT?"])
def test_opc_has_to_wait_for_a_list_and_for_nothing_else(
    tell: Tell, clock: TestClock, keysight: Instrument, message: bytes
) -> None:
    tell("VOLT 5;:OUTP ON")
    assert keysight.begin(message).advance() == 0.0, "not for the output to settle"
    tell(UP_DOWN + ";:LIST:COUN 2;:INIT;*TRG")
    clock.forward(0.15)
    assert keysight.begin(message).advance() == pytest.approx(1.2 - 0.15)
    assert keysight.begin(b"VOLT?").advance() == 0.0


def test_a_message_waits_where_it_says_so(
    tell: Tell, clock: TestClock, keysight: Instrument
) -> None:
    tell(UP_DOWN + ";:TRIG:SOUR IMM")
    begun = keysight.begin(b"VOLT?;:INIT;*OPC?;VOLT?")
    assert begun.advance() == pytest.approx(0.6), "for what the same message began"
    clock.forward(0.5)
    assert begun.advance() == pytest.approx(0.1), "too early"
    clock.forward(0.1)
    assert begun.advance() == 0.0
    assert begun.data == b"+3.00000000E+00;1;+3.00000000E+00\n"
    tell("INIT")
    broken_off = keysight.begin(b"ABOR;*OPC?")
    assert broken_off.advance() == 0.0, "nothing is pending any more"
    assert broken_off.data == b"1\n"


def test_opc_sets_its_event_when_the_list_has_ended(tell: Tell, clock: TestClock) -> None:
    tell("*CLS;*ESE 1")
    tell("*OPC")
    assert tell("*ESR?") == "1", "nothing is pending"
    tell(UP_DOWN + ";:TRIG:SOUR IMM;:INIT;*OPC")
    clock.forward(0.55)
    assert tell("*STB?;*ESR?") == "0;0"
    clock.forward(0.1)
    assert tell("*STB?;*ESR?") == "32;1"


@pytest.mark.parametrize("forgets", ["*CLS", "*RST"])
def test_opc_is_forgotten(tell: Tell, clock: TestClock, forgets: str) -> None:
    tell(UP_DOWN + ";:TRIG:SOUR IMM;*CLS;:INIT;*OPC")
    tell(forgets)
    clock.forward(1)
    assert tell("*ESR?") == "0"


def test_reset_forgets_lists(tell: Tell) -> None:
    tell(UP_DOWN + ";:INIT;*TRG;*RST")
    assert tell("VOLT:MODE?;:LIST:VOLT:POIN?;:STAT:OPER:INST:ISUM1:COND?") == "FIX;1;0"
