"""What other people's programs send, word for word, and what they can live with.

Recorded on the wire of the virtual supplies: sigrok-cli 0.7.2 (libsigrok 0.5.2), QCoDeS 0.58, lxi-
tools 2.4, instro 1.22, PyMeasure 0.16, python-ivi 0.14.9, koradctl 0.8, tenma-serial 1.1.4, dcps
0.9.3.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hil.virtual.power_supply.ka3005p import Korad
from tests.virtual_power_supply.conftest import TestClock

Say = Callable[[str], str]
NO_ERROR = '0,"No error"'


def replay(say: Say, messages: str) -> list[str]:
    replies = [say(message.strip()) for message in messages.split("|")]
    assert say("SYST:ERR?") == NO_ERROR
    return [reply for reply in replies if reply]


def test_sigrok_show(say: Say) -> None:
    replies = replay(
        say, "*IDN? | SYST:LOCAL | SYST:REMOTE | SYST:BEEP:STAT? | :SYST:OTP? | SYST:LOCAL"
    )
    assert replies[0].split(",")[:2] == ["RIGOL TECHNOLOGIES", "DP832"], "its exact model table"
    assert replies[1:] == ["ON", "ON"]


def test_sigrok_set_and_sample(say: Say) -> None:
    replay(
        say,
        "*IDN? | SYST:REMOTE | SYST:BEEP:STAT? | SYST:LOCAL | :INST:NSEL 1 | :SOUR:CURR 0.500000 |"
        ":SOUR:VOLT 3.300000 | :OUTP ON | SYST:LOCAL",
    )
    assert say(":APPL? CH1;:OUTP? CH1") == "CH1:30V/3A,3.300,0.500;ON"
    for n in (1, 2, 3):
        replies = replay(say, f":INST:NSEL {n} | :MEAS:VOLT? | :MEAS:CURR? | :MEAS:POWE?")
        assert all(float(reply) >= 0 for reply in replies)
        assert len(replies) == 3


def test_qcodes(say: Say, clock: TestClock) -> None:
    options = say("*OPT?").strip().split(",")
    assert "DP8-ACCURACY" in options
    assert say("*IDN?").count(",") == 3
    replay(
        say,
        ":INSTrument:NSELect 1; :SOURce:VOLTage:LEVel:IMMediate:AMPLitude 3.3 |"
        ":INSTrument:NSELect 1; :SOURce:CURRent:LEVel:IMMediate:AMPLitude 0.5 |"
        ":INSTrument:NSELect 1; :VOLTage:PROTection:LEVel 4.0 |"
        ":INSTrument:NSELect 1; :VOLTage:PROTection:STATe on |"
        ":INSTrument:NSELect 1; :CURRent:PROTection:LEVel 1.0 |"
        ":INSTrument:NSELect 1; :CURRent:PROTection:STATe on |"
        ":INSTrument:NSELect 1; :OUTPut:STATe on",
    )
    clock.forward(0.1)
    numbers = replay(
        say,
        ":INSTrument:NSELect 1; :SOURce:VOLTage:LEVel:IMMediate:AMPLitude? |"
        ":INSTrument:NSELect 1; :MEASure:VOLTage:DC? |"
        ":INSTrument:NSELect 1; :MEASure:CURRent:DC? |"
        ":INSTrument:NSELect 1; :MEASure:POWer? |"
        ":INSTrument:NSELect 1; :VOLTage:PROTection:LEVel?",
    )
    assert [float(number) for number in numbers][0::4] == [3.3, 4.0]
    words = replay(
        say,
        ":INSTrument:NSELect 1; :OUTPut:MODE? | :INSTrument:NSELect 1; :OUTPut:STATe? |"
        ":INSTrument:NSELect 1; :VOLTage:PROTection:STATe?",
    )
    assert words == ["CV", "ON", "ON"]


@pytest.mark.parametrize(
    ("n", "tops"),
    [(1, (32.0, 3.2, 33.0, 3.3)), (2, (32.0, 3.2, 33.0, 3.3)), (3, (5.3, 3.2, 5.5, 3.3))],
)
def test_instro_asks_for_sane_limits(say: Say, n: int, tops: tuple[float, ...]) -> None:
    headers = ("VOLT", "CURR", "VOLT:PROT:LEV", "CURR:PROT:LEV")
    for header, top in zip(headers, tops, strict=True):
        low, high = float(say(f":SOUR{n}:{header}? MIN")), float(say(f":SOUR{n}:{header}? MAX"))
        assert (low < high, high) == (True, top)
        assert say(":SYST:ERR?").split(",")[0] in {"0", "+0"}, "it asks after each message"
    for message in (f":SOUR{n}:VOLT 3.300", f":SOUR{n}:VOLT:PROT 4.000", f":OUTP CH{n},ON"):
        say(message)
        assert say(":SYST:ERR?").split(",")[0] == "0"
    assert float(say(f":MEAS:VOLT? CH{n}")) >= 0


def converse(say: Say, exchanges: str, clock: TestClock) -> None:
    """Replay ``message -> reply`` lines; a number in a reply may be another reading of it."""
    for line in exchanges.strip().splitlines():
        message, _, reply = (part.strip() for part in line.partition("->"))
        found = say(message)
        if message.lower().startswith(("meas", ":meas")):
            assert float(found) == pytest.approx(float(reply), abs=0.02), line
        else:
            assert found == reply, line
        clock.forward(0.05)


IVI_DP832 = """
*IDN? -> RIGOL TECHNOLOGIES,DP832,DP8C000000001,00.01.14
instrument:nselect 1
source:voltage:level 3.300000
source:current:level 0.500000
source:voltage:protection:level 4.500000
source:voltage:protection:state 1
output on
measure:voltage? -> 3.3030
measure:current? -> 0.0000
stat:ques:inst:isum1:cond? -> 2
:system:error? -> 0,"No error"
*RST
"""

INSTRO_DP832 = """
:SOUR1:VOLT:PROT 4.500
:SYST:ERR? -> 0,"No error"
:SOUR1:VOLT:PROT:STAT ON
:SOUR1:CURR:PROT 1.000
:SOUR1:CURR:PROT:STAT ON
:SOUR1:VOLT 3.300
:SOUR1:CURR 0.500
:OUTP CH1,ON
:SYST:ERR? -> 0,"No error"
:MEAS:VOLT? CH1 -> 3.3030
:OUTP? CH1 -> ON
:STAT:QUES:INST:ISUM1:COND? -> 2
:SOUR1:VOLT? -> 3.300
:SOUR1:VOLT:PROT? -> 4.500
:SOUR1:VOLT:PROT:STAT? -> ON
:OUTP:SENS? CH1 -> NONE
:OUTP CH1,OFF
:SYST:ERR? -> 0,"No error"
"""

DCPS_DP832 = """
:INSTrument:NSELect 3
:SOURce:VOLTage:LEVel:IMMediate:AMPLitude 2.5
:SOURce:CURRent:LEVel:IMMediate:AMPLitude 0.3
:OUTPut:STATe ON
:SOURce:VOLTage:LEVel:IMMediate:AMPLitude? -> 2.500
:SOURce:CURRent:LEVel:IMMediate:AMPLitude? -> 0.300
:MEASure:VOLTage:DC? -> 2.5
:OUTPut:STATe? -> ON
:SOURce:VOLTage:PROTection:LEVel? -> 5.500
:SOURce:VOLTage:PROTection:TRIPped? -> NO
:SOURce:CURRent:PROTection:TRIPped? -> NO
:SOURce:VOLTage:PROTection:CLEar
:OUTPut:STATe OFF
:SYSTem:BEEPer:STATe OFF
:SYSTem:REMote
:SYSTem:LOCal
:SYST:ERR? -> 0,"No error"
"""

PYMEASURE_E36312A = """
*IDN? -> Keysight Technologies,E36312A,MY00000001,1.0.4-1.0.0-1.02
VOLT 3.3, (@1)
CURR 0.5, (@1)
OUTPut 1, (@1)
VOLT? (@1) -> +3.30000000E+00
CURR? (@1) -> +5.00000000E-01
MEASure:VOLTage? (@1) -> 3.3004
MEAS:CURRent? (@1) -> 0.0
OUTPut? (@1) -> 1
SYST:ERR? -> +0,"No error"
*STB? -> 0
*OPT? -> 0
*OPC? -> 1
VOLT 12, (@2)
VOLT? (@2) -> +1.20000000E+01
*RST
*CLS
"""

LIBSIGROK_E36312A = """
SYST:REM
:INST:NSEL 2
:SOUR:VOLT 3.300000
:SOUR:CURR 0.500000
OUTP:STAT ON
OUTP:STAT? -> 1
:MEAS:VOLT? -> 3.3
:MEAS:CURR? -> 0.0
:VOLT:PROT 6.000000
:VOLT:PROT:TRIP? -> 0
:CURR:PROT:STAT 1
:CURR:PROT:TRIP? -> 0
:STAT:QUES:INST:ISUM2:COND? -> 2
:SOUR:VOLT? MAX,(@1) -> +6.18000000E+00
SYST:LOC
SYST:ERR? -> +0,"No error"
"""

INSTRO_E36100 = """
VOLT 3.300
SYST:ERR? -> +0,"No error"
CURR 0.500
OUTP:STAT ON
MEAS:VOLT? -> 3.3
MEAS:CURR? -> 0.0
SYST:ERR? -> +0,"No error"
"""


@pytest.mark.parametrize(
    "exchanges", [IVI_DP832, INSTRO_DP832, DCPS_DP832], ids=["python-ivi", "instro", "dcps"]
)
def test_conversations_with_a_dp832(say: Say, clock: TestClock, exchanges: str) -> None:
    converse(say, exchanges, clock)


@pytest.mark.parametrize(
    "exchanges",
    [PYMEASURE_E36312A, LIBSIGROK_E36312A, INSTRO_E36100],
    ids=["PyMeasure", "libsigrok, by its source", "instro"],
)
def test_conversations_with_an_e36312a(tell: Say, clock: TestClock, exchanges: str) -> None:
    converse(tell, exchanges, clock)


LIBSIGROK_KORAD = [
    *((b"*IDN?", b"KORADKA3005PV2.0"), (b"IOUT1?", b"0.000"), (b"ISET1?", b"0.000")),
    *((b"VOUT1?", b"00.00"), (b"VSET1?", b"00.00"), (b"STATUS?", b"\x11")),
    *((b"ISET1:0.200", b""), (b"VSET1:05.00", b""), (b"OUT1", b"")),
    *((b"ISET1?", b"0.200"), (b"VSET1?", b"05.00"), (b"STATUS?", b"Q")),
]
KORADCTL = [
    *((b"*IDN?", b"KORADKA3005PV2.0"), (b"VSET1:5.00", b""), (b"ISET1:0.250", b"")),
    *((b"OUT1", b""), (b"VSET1?", b"05.00"), (b"ISET1?", b"0.250"), (b"STATUS?", b"Q")),
    *((b"OCP1", b""), (b"OVP1", b""), (b"STATUS?", b"\xf1"), (b"OUT0", b"")),
    (b"STATUS?", b"\xb1"),
]
TENMA_SERIAL = [
    *((b"VSET1:5.00", b""), (b"VSET1?", b"05.00"), (b"ISET1:0.250", b""), (b"ISET1?", b"0.250")),
    *((b"OUT1", b""), (b"STATUS?", b"Q"), (b"OCP1", b""), (b"STATUS?", b"q")),
    *((b"OUT0", b""), (b"STATUS?", b"1")),
]


@pytest.mark.parametrize(
    "exchanges",
    [LIBSIGROK_KORAD, KORADCTL, TENMA_SERIAL],
    ids=["libsigrok", "koradctl", "tenma-serial"],
)
def test_conversations_with_a_ka3005p(
    korad: Korad, clock: TestClock, exchanges: list[tuple[bytes, bytes]]
) -> None:
    for message, reply in exchanges:
        assert korad.answer(message) == reply, message
        clock.forward(0.05)


def test_messages_of_koradctl_that_follow_without_a_rest_are_told_apart(korad: Korad) -> None:
    assert korad.split(b"ISET1:0.250OUT1") == [b"ISET1:0.250", b"OUT1"]
    assert korad.split(b"OVP1STATUS?") == [b"OVP1", b"STATUS?"]
    assert korad.split(b"OVP1WHAT?") == [b"OVP1WHAT?"]
