"""Status registers and the status byte (IEEE 488.2 chapter 11, SCPI-99 volume 2 chapter 20)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hil.virtual.electrical import Load
from hil.virtual.power_supply.instrument import Instrument
from hil.virtual.power_supply.scpi_errors import TEXTS, event_bit
from tests.virtual_power_supply.conftest import TestClock

Tell = Callable[[str], str]
TOPS = ["STAT:OPER", "STAT:QUES"]
LOWER = ["STAT:QUES:INST", "STAT:QUES:INST:ISUM2", "STAT:OPER:INST", "STAT:OPER:INST:ISUM3"]


@pytest.mark.parametrize("header", [*TOPS, *LOWER])
def test_every_register_has_its_five_parts(tell: Tell, header: str) -> None:
    assert tell(f"{header}?;:{header}:EVEN?;:{header}:COND?") == "0;0;0"
    tell(f"{header}:ENAB 5;PTR 6;NTR 7")
    assert tell(f"{header}:ENAB?;PTR?;NTR?") == "5;6;7"
    assert tell("SYST:ERR?") == '+0,"No error"'


@pytest.mark.parametrize("header", [*TOPS, *LOWER])
def test_preset_and_clear(tell: Tell, header: str) -> None:
    tell(f"{header}:ENAB 5;PTR 6;NTR 7;*ESE 4;*SRE 8")
    tell("*CLS")
    assert tell(f"{header}:ENAB?;PTR?;NTR?;*ESE?;*SRE?") == "5;6;7;4;8", "*CLS leaves enables"
    tell("*RST")
    assert tell(f"{header}:ENAB?;PTR?;NTR?;*ESE?;*SRE?") == "5;6;7;4;8", "so does *RST"
    tell("STAT:PRES")
    enable = 0 if header in TOPS else 32767
    assert tell(f"{header}:ENAB?;PTR?;NTR?;*ESE?;*SRE?") == f"{enable};32767;0;4;8"


def test_filters_choose_the_edges_that_are_latched(tell: Tell) -> None:
    isum = "STAT:QUES:INST:ISUM1"
    tell(f"{isum}:PTR 0;NTR 2")
    tell("OUTP ON")
    assert tell(f"{isum}:COND?;EVEN?") == "2;0", "rising, but only falling counts"
    tell("OUTP OFF")
    assert tell(f"{isum}:COND?;EVEN?") == "0;2"
    assert tell(f"{isum}?") == "0", "reading clears"


def test_constant_current_goes_up_to_the_status_byte(
    tell: Tell, keysight: Instrument, clock: TestClock
) -> None:
    keysight.outputs[2].connect(clock.now_ns, Load(1.0))
    tell("STAT:QUES:ENAB 8192;:STAT:QUES:INST:ISUM2:ENAB 1;*SRE 8")
    tell("VOLT 5,(@2);:CURR 0.1,(@2);:OUTP ON,(@2)")
    clock.forward(0.5)
    assert tell("STAT:QUES:INST:ISUM2:COND?") == "1"
    assert tell("*STB?") == str(8 + 64)
    assert tell("STAT:QUES:INST:ISUM2?;:STAT:QUES:INST?;:STAT:QUES?") == "1;4;8192"
    assert tell("*STB?") == "0"


def test_bits_of_trips(tell: Tell, keysight: Instrument, clock: TestClock) -> None:
    tell("VOLT:PROT 4;PROT:STAT ON;:VOLT 5;:OUTP ON")
    clock.forward(0.1)
    assert tell("STAT:QUES:INST:ISUM1:COND?") == "512"
    tell("OUTP:PROT:CLE;:VOLT 2;:CURR 0.1;:CURR:PROT:DEL 0.01;STAT ON;:OUTP ON")
    keysight.outputs[1].connect(clock.now_ns, Load(1.0))
    clock.forward(0.5)
    assert tell("STAT:QUES:INST:ISUM1:COND?;:CURR:PROT:TRIP?") == "1024;1"


@pytest.mark.parametrize(("cleared", "left"), [("VOLT", "0;1"), ("CURR", "1;0"), ("OUTP", "0;0")])
def test_each_protection_is_cleared_by_itself(
    tell: Tell, keysight: Instrument, clock: TestClock, cleared: str, left: str
) -> None:
    output = keysight.outputs[2]
    for protection in (output.ovp, output.ocp):
        output.trip(clock(), protection)
    tell(f"{cleared}:PROT:CLE (@2)")
    assert tell("VOLT:PROT:TRIP? (@2);:CURR:PROT:TRIP? (@2)") == left


def test_a_waiting_and_a_running_sequence_show_in_operation(tell: Tell, clock: TestClock) -> None:
    tell("STAT:OPER:INST:ISUM1:ENAB 40;:STAT:OPER:ENAB 8192")
    tell("LIST:VOLT 1,2;:LIST:DWEL 0.05;:VOLT:MODE LIST;:INIT")
    assert tell("STAT:OPER:INST:ISUM1:COND?") == "32"
    assert tell("*STB?") == "128"
    tell("*TRG")
    assert tell("STAT:OPER:INST:ISUM1:COND?") == "8"
    clock.forward(1)
    assert tell("STAT:OPER:INST:ISUM1:COND?") == "0"
    assert tell("STAT:OPER:INST:ISUM1?") == str(8 + 32)


BITS = {
    -100: 32, -109: 32, -171: 32, -200: 16, -222: 16, -241: 16, -300: 8, -310: 8, -350: 8,
    -363: 8, -400: 4, -410: 4, -440: 4, -500: 128, -600: 64, -700: 2, -800: 1,
}  # fmt: skip


def test_every_error_sets_the_bit_of_its_class() -> None:
    for code, bit in BITS.items():
        assert event_bit(code) == bit, code
    for code in TEXTS:
        assert code == 0 or event_bit(code) in {1, 2, 4, 8, 16, 32, 64, 128}
        assert len(TEXTS[code]) < 60


def test_standard_events_reach_the_byte_only_when_enabled(tell: Tell) -> None:
    tell("*ESR?")
    tell("NONSENSE")
    assert tell("*STB?") == "4", "the queue alone"
    tell("*ESE 32;*SRE 32")
    assert tell("*STB?") == str(4 + 32 + 64)
    assert tell("*ESR?") == "32"
    assert tell("*STB?") == "4"
    tell("*OPC")
    assert tell("*ESR?") == "1"
