"""What other people's programs send to a DP832, word for word, and what they can live with.

Recorded on the wire with sigrok-cli 0.7.2, QCoDeS 0.58, lxi-tools 2.4; instro 1.12 by its source.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

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
