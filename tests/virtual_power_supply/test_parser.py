"""Each case names the rule it checks: SCPI-99 volume 1 (S), IEEE 488.2 (I), DP800 guide (R)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.virtual.power_supply.dp832 import dp832
from hil.virtual.power_supply.instrument import Instrument
from hil.virtual.power_supply.tree import CommandTree

Say = Callable[[str], str]

ANSWERS = [
    # identity and compounds
    ("*IDN?", "RIGOL TECHNOLOGIES,DP832,DP8C000000001,00.01.14", "R *IDN?"),
    ("*idn?", "RIGOL TECHNOLOGIES,DP832,DP8C000000001,00.01.14", "I 7.6.1 case"),
    ("*OPC?", "1", "I 10.19"),
    ("*TST?", "TopBoard:PASS,BottomBoard:PASS,Fan:PASS", "log of a real DP832, 00.01.16"),
    ("*OPT?", "0,0,0,DP8-ACCURACY", "R *OPT?"),
    ("SYST:VERS?", "1999.0", "S 21.21"),
    ("*OPC?;*ESE?", "1;0", "I 8.3.3 replies joined by ;"),
    ("*OPC? ; *ESE?;", "1;0", "I 7.3.3 blanks around ;"),
    # short and long forms, optional nodes, suffixes
    ("VOLT?", "0.000", "S 6.2.1 short"),
    ("VOLTAGE?", "0.000", "S 6.2.1 long"),
    (":volt?", "0.000", "S 6.2.1 case"),
    (":SOURCE:VOLTAGE:LEVEL:IMMEDIATE:AMPLITUDE?", "0.000", "S 5.1 optional nodes written"),
    ("SOUR:VOLT:AMPL?", "0.000", "S 5.1 some written"),
    ("VOLT:LEV:AMPL?", "0.000", "S 5.1 some written"),
    (":SOUR1:CURR?", "3.000", "S 6.2.5.2 suffix"),
    (":SOUR3:VOLT? MAX", "5.300", "R table 2-1 CH3"),
    ("VOLT? MAX", "32.000", "R table 2-1 CH1"),
    ("VOLT? MINIMUM", "0.000", "S 7.2.1.1 long word"),
    ("CURR? max", "3.200", "S 7.2.1.1 case"),
    ("CURR? DEF", "3.000", "R table 2-1 default"),
    (":SOUR1:VOLT:PROT:LEV? MIN", "0.001", "instro asks this"),
    (":SOUR1:VOLT:PROT:LEV? MAX", "33.000", "instro asks this"),
    (":SOUR3:VOLT:PROT? MAX", "5.500", "R OVP range"),
    (":SOUR1:CURR:PROT:LEV? MAX", "3.3000", "R OCP range"),
    # setting and reading back
    ("VOLT 3.3;VOLT?", "3.300", "NR2"),
    ("VOLT 3;:VOLT?", "3.000", "NR1"),
    ("VOLT 3.3E0;:VOLT?", "3.300", "NR3"),
    ("VOLT 33E-1;:VOLT?", "3.300", "NR3 negative exponent"),
    ("VOLT +.5;:VOLT?", "0.500", "I 7.7.2.2 sign and bare fraction"),
    ("VOLT 3. ;:VOLT?", "3.000", "I 7.7.2.2 trailing point"),
    ("VOLT 3.3V;:VOLT?", "3.300", "S 7.7.3 unit"),
    ("VOLT 300mV;:VOLT?", "0.300", "HP 53131A table 3-2 milli"),
    ("VOLT 300 MV;:VOLT?", "0.300", "I 7.7.3.2 blank before suffix"),
    ("VOLT 1500000UV;:VOLT?", "1.500", "HP 53131A table 3-2 micro"),
    ("VOLT 0.003KV;:VOLT?", "3.000", "HP 53131A table 3-2 kilo"),
    ("CURR 500MA;:CURR?", "0.500", "HP 53131A table 3-2: MA on amps is milli"),
    ("CURR 500mA;:CURR?", "0.500", "case of units"),
    ("CURR 0.0000005MAA;:CURR?", "0.500", "HP 53131A table 3-2: MAA is mega"),
    ("CURR 0.5A;:CURR?", "0.500", "A alone is ampere, not atto"),
    ("VOLT 1.2344;:VOLT?", "1.234", "rounded to the programming step"),
    ("VOLT 1.2346;:VOLT?", "1.235", "rounded to the programming step"),
    ("VOLT MAX;:VOLT?", "32.000", "S 7.2.1.1"),
    ("VOLT MAX;:VOLT MIN;:VOLT?", "0.000", "S 7.2.1.1"),
    ("CURR MIN;:CURR DEF;:CURR?", "3.000", "S 7.2.1.3"),
    # path rules
    ("CURR:LEV 2;PROT:STAT ON;:CURR:PROT:STAT?", "ON", "Keithley 2230G p. 47: path continues"),
    ("CURR:PROT:LEV 2;STAT ON;STAT?", "ON", "S 6.2.4 path continues deeper"),
    ("CURR 2;*OPC?;CURR?", "1;2.000", "S 6.2.4 common commands keep the path"),
    ("VOLT 1; :CURR 2;:VOLT?;CURR?", "1.000;2.000", "S 6.2.4 ;: restarts at the root"),
    # channels in three ways
    (":INST?", "CH1", "R :INST?"),
    (":INST CH2;:INST?", "CH2", "R :INST"),
    (":INST:SEL CH3;NSEL?", "3", "R :INST:NSEL?"),
    (":INST:NSEL 2;:INST:SEL?", "CH2", "R :INST:NSEL"),
    (":INSTrument:NSELect 2; :SOURce:VOLTage 1;:SOUR2:VOLT?", "1.000", "QCoDeS prefix"),
    (":SOUR2:VOLT 4;:VOLT?;:SOUR2:VOLT?", "0.000;4.000", "suffix does not select"),
    (":APPL CH2,5,1;:APPL? CH2", "CH2:30V/3A,5.000,1.000", "R :APPL"),
    (":APPL CH3,5;:APPL? CH3", "CH3:5V/3A,5.000,3.000", "R :APPL current unchanged"),
    (":APPL 2,1;:APPL?", "CH1:30V/3A,2.000,1.000", "R :APPL current channel"),
    # outputs and protection
    (":OUTP?", "OFF", "R 2-35 words"),
    (":OUTP CH2,ON;:OUTP? CH2;:OUTP? CH1", "ON;OFF", "R 2-35"),
    (":OUTP ON;:OUTP:STAT?", "ON", "R 2-35 without channel"),
    (":OUTP:STATe on;STATe?", "ON", "QCoDeS sends lower-case on"),
    (":OUTP 1;:OUTP?", "ON", "S 7.3 number"),
    (":OUTP ON;:OUTP 0.4;:OUTP?", "OFF", "S 7.3 rounded"),
    (":OUTP:MODE? CH1", "UR", "assumed while off"),
    (":OUTP ON;:OUTP:MODE?", "CV", "R :OUTP:MODE?"),
    (":OUTP:SENS? CH1", "NONE", "instro: ON, OFF, NONE"),
    (":OUTP:OVP:VAL CH1,8.8;:OUTP:OVP:VAL? CH1", "8.800", "R reply form"),
    (":OUTP:OCP:VAL CH1,3;:OUTP:OCP:VAL? CH1", "3.0000", "R reply form"),
    (":OUTP:OVP:VAL? MAX", "33.000", "R :OUTP:OVP:VAL?"),
    (":OUTP:OVP:VAL? CH3,MAX", "5.500", "R :OUTP:OVP:VAL?"),
    (":OUTP:OVP CH1,ON;:SOUR1:VOLT:PROT:STAT?", "ON", "both headers, one protection"),
    (":VOLT:PROT 4;:OUTP:OVP:VAL?", "4.000", "both headers, one protection"),
    (":OUTP:OVP:QUES? CH1;ALAR? CH1", "NO;NO", "R :OUTP:OVP:QUES?"),
    (":SOUR1:CURR:PROT:TRIP?", "NO", "R TRIPped?"),
    # measuring
    (":MEAS:VOLT? CH1", "0.0000", "R four decimals"),
    (":MEAS? CH1", "0.0000", "R :MEASure[:VOLTage]"),
    (":MEAS:ALL? CH2", "0.0000,0.0000,0.000", "read from a DP832A: V, A, W"),
    # status
    ("*ESE 32;*ESE?", "32", "I 10.10"),
    ("*SRE 255;*SRE?", "191", "I 11.3.2.3 bit 6 cannot be set"),
    ("*ESR?;*ESR?", "128;0", "I 11.5.1 power on, cleared by reading"),
    ("STAT:QUES:ENAB 8192;ENAB?", "8192", "S 20.3"),
    (":OUTP ON;:STAT:QUES:INST:ISUM1:COND?", "2", "R table 1-3: CV is 2"),
    ("STAT:OPER?;:STAT:QUES?", "0;0", "S 20.2"),
    ("SYST:OTP OFF;OTP?", "OFF", "sigrok reads it"),
    ("SYST:BEEP:STAT?", "ON", "sigrok reads it"),
    ("SYST:ERR?", '0,"No error"', "R :SYST:ERR?"),
    ("SYSTEM:ERROR:NEXT?", '0,"No error"', "S 21.8.8"),
    ("*SAV 3", "", "R *SAV"),
]


@pytest.mark.parametrize(("message", "reply", "rule"), ANSWERS, ids=[a[0] for a in ANSWERS])
def test_answers(say: Say, message: str, reply: str, rule: str) -> None:
    assert say(message) == reply, rule
    if "ERR" not in message:
        assert say("SYST:ERR?") == '0,"No error"', rule


REFUSALS = [
    ("VOLTA 1", -113, "S 6.2.1: neither short nor long"),
    ("VOLTAG 1", -113, "S 6.2.1: abbreviation between"),
    ("NONSENSE", -113, "S 21.8.9"),
    ("VOLT:NONSENSE?", -113, "S 21.8.9"),
    ("*NON?", -113, "S 21.8.9"),
    ("*IDN", -113, "no command form"),
    ("MEAS:VOLT 3", -113, "no command form"),
    ("*CLS?", -113, "no query form"),
    (":SOUR4:VOLT 1", -114, "no channel 4"),
    (":SOUR0:VOLT?", -114, "no channel 0"),
    (":SOUR12345:VOLT?", -114, "suffix too long"),
    ("VOLT1 3", -114, "suffix where none may be"),
    (":STAT:QUES:INST:ISUM9:COND?", -114, "no channel 9"),
    ("VOLT", -109, "I 10: missing"),
    ("VOLT 1,2", -108, "S 21.8.9"),
    ("*CLS 1", -108, "S 21.8.9"),
    ("*IDN? 1", -108, "S 21.8.9"),
    (":OUTP CH1,ON,OFF", -108, "S 21.8.9"),
    (":APPL", -109, "missing"),
    (":INST", -109, "missing"),
    (":APPL 1,2,3", -108, "three values without a channel"),
    ("VOLT ,1", -102, "empty parameter"),
    ("VOLT 1,", -102, "empty parameter"),
    ("?", -102, "no header"),
    ("VOLT??", -103, "two question marks"),
    ("1VOLT", -102, "begins with a digit"),
    ("VOLT\xb5 1", -101, "8-bit byte"),
    ("VOLT\x00 1", -101, "NUL"),
    ("VOLT 1.2.3", -121, "two points"),
    ("VOLT 1E", -131, "E without digits is a unit that does not exist"),
    ("VOLT 1E99999", -123, "S 21.8.9 exponent"),
    ("VOLT " + "1" * 256, -124, "I 7.7.2.4.1 more than 255 digits"),
    ("VOLT 1A", -131, "amps on volts"),
    ("VOLT 1XV", -131, "no such multiplier"),
    ("*ESE 1V", -138, "no unit here"),
    ("VOLT HIGH", -141, "no such word"),
    ("*ESE ON", -148, "word where only a number may be"),
    ('VOLT "3"', -158, "string"),
    ("VOLT #13", -168, "block"),
    ("VOLT #HA", -128, "I 7.7.4 a number, but not decimal"),
    ("VOLT #B2", -121, "I 7.7.4 no digit of its base"),
    ("STAT:QUES:ENAB #H10000", -222, "S 20.1.4 sixteen bits"),
    ("VOLT (@1)", -178, "expression"),
    ('VOLT "3', -151, "string without end"),
    ("VOLT (1", -171, "expression without end"),
    (":INST 1", -128, "number where a word must be"),
    (":INST CH4", -224, "no such word"),
    (":OUTP CH9,ON", -224, "no such channel"),
    (":OUTP MAYBE", -224, "no such word"),
    ("VOLT? UP", -224, "no such word here"),
    ("VOLT 32.001", -222, "R table 2-1"),
    ("VOLT -1", -222, "unipolar"),
    ("CURR 3.3", -222, "R table 2-1"),
    (":SOUR3:VOLT 6", -222, "R table 2-1"),
    ("VOLT 1E400", -222, "large but numeric"),
    ("VOLT 1E32000", -222, "large but numeric"),
    (":INST:NSEL 4", -222, "no channel 4"),
    (":OUTP:OVP:VAL CH1,40", -222, "R OVP range"),
    ("*ESE 256", -222, "I 10.10"),
    ("*SAV 11", -222, "R *SAV"),
    ("*RCL 7", -230, "never saved"),
    (":OUTP:SENS CH1,ON", -241, "no sense terminals"),
]


@pytest.mark.parametrize(("message", "code", "rule"), REFUSALS, ids=[r[0][:20] for r in REFUSALS])
def test_refusals(say: Say, message: str, code: int, rule: str) -> None:
    before = (say("APPL?"), say("OUTP?"), say("OUTP:OVP:VAL?"), say("INST?"))
    assert say(message) == "", rule
    assert say("SYST:ERR?").split(",")[0] == str(code), rule
    assert say("SYST:ERR?") == '0,"No error"', "one mistake, one entry"
    assert (say("APPL?"), say("OUTP?"), say("OUTP:OVP:VAL?"), say("INST?")) == before, rule


def test_wrong_path_after_semicolon(say: Say) -> None:
    say("CURR:LEV 3;CURR:PROT:STAT ON")  # Keithley 2230G manual p. 48: an error
    assert say("SYST:ERR?").startswith("-113")
    assert say("CURR:PROT:STAT?") == "OFF"


def test_command_error_drops_the_rest_execution_error_does_not(say: Say) -> None:
    say("NONSENSE;:VOLT 5")
    assert say("VOLT?") == "0.000"
    say("VOLT 99;:VOLT 5")
    assert say("VOLT?") == "5.000"


def test_the_path_after_an_execution_error_is_that_of_the_failed_unit(say: Say) -> None:
    say("VOLT:PROT:LEV 999;STAT ON")
    assert say("VOLT:PROT:STAT?") == "ON"
    assert say("SYST:ERR?").startswith("-222")
    assert say("SYST:ERR?").startswith("0,")


def test_full_queue_keeps_the_oldest_and_says_overflow(say: Say) -> None:
    say("VOLT 99")
    for _ in range(40):
        say("NONSENSE")
    entries = []
    while (entry := say("SYST:ERR?")) != '0,"No error"':
        entries.append(entry)
    assert len(entries) == 16
    assert entries[0].startswith("-222")
    assert entries[-1] == '-350,"Queue overflow"'
    assert set(entries[1:-1]) == {'-113,"Undefined header"'}


def test_reset_leaves_queue_and_enables_clear_does_not_touch_enables(say: Say) -> None:
    say("*ESE 60;*SRE 32;VOLT 5;:INST CH2;:OUTP ON")
    say("NONSENSE")
    say("*RST")
    assert say("*ESE?;*SRE?;:VOLT?;:INST?;:OUTP? CH2") == "60;32;0.000;CH1;OFF"
    assert say("*STB?") == str(4 + 32 + 64)
    assert say("SYST:ERR?").startswith("-113")
    say("NONSENSE;*CLS")
    say("*CLS")
    assert say("*ESE?;*STB?;*ESR?;:SYST:ERR?") == '60;0;0;0,"No error"'


@pytest.mark.parametrize(
    ("mistake", "bit"), [("NONSENSE", 32), ("VOLT 99", 16), ("*CLS", 0)], ids=str
)
def test_event_bits(say: Say, mistake: str, bit: int) -> None:
    say("*CLS")
    say(mistake)
    assert say("*ESR?") == str(bit)


def test_questionable_tree_carries_up_to_the_status_byte(say: Say) -> None:
    say("STAT:QUES:ENAB 8192")
    assert say("*STB?") == "0"
    say(":OUTP CH2,ON")
    say("*OPC?")
    assert say("*STB?") == "8"
    assert say("STAT:QUES:INST:ISUM2?") == "2"
    assert say("STAT:QUES:INST:ISUM2?") == "0"
    assert say("STAT:QUES:INST?") == "4"
    assert say("STAT:QUES?") == "8192"
    assert say("*STB?") == "0"


def test_saved_state_comes_back(say: Say) -> None:
    say("APPL CH1,4,1;*SAV 2;:APPL CH1,8,2;*RCL 2")
    assert say("APPL? CH1") == "CH1:30V/3A,4.000,1.000"


def test_a_pattern_that_cannot_be_read_is_refused() -> None:
    tree: CommandTree[int] = CommandTree()
    with pytest.raises(ValueError, match="VOLT]"):
        tree.add("VOLT]:X", command=1)


def errors_of(supply: Instrument) -> int:
    count = 0
    while supply.execute(b"SYST:ERR?") != '0,"No error"':
        count += 1
        assert count < 100
    return count


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_garbage_never_breaks_it(line: bytes) -> None:
    supply = dp832("X", seed=1)
    supply.execute(line)
    errors_of(supply)
    assert supply.execute(b"*IDN?").startswith("RIGOL")


WORDS = [
    *("VOLT", "CURR", "SOUR1", "SOUR9", "PROT", "STAT", "LEV", "OUTP", "OVP", "VAL", "INST"),
    *("NSEL", "MEAS", "ALL", "APPL", "SYST", "ERR", "STAT", "QUES", "ENAB", "*RST", "*CLS"),
    *("*ESE", "*RCL", "CH1", "CH2", "ON", "OFF", "MAX", "MIN", "3.3", "1E5", "-1", "MV"),
    *("?", ":", ";", ",", "(", ")", '"', "#", "'"),
]


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from([*WORDS, " "]), max_size=20))
def test_word_salad_never_breaks_it(words: list[str]) -> None:
    supply = dp832("X", seed=1)
    supply.execute("".join(words).encode())
    errors_of(supply)
    assert supply.execute(b"*IDN?").startswith("RIGOL")
