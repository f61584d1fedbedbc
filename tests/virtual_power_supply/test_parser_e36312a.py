"""Channel lists and NR3: SCPI-99 volume 1 (S), IEEE 488.2 (I), E36300 by public code (K)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Tell = Callable[[str], str]
NO_ERROR = '+0,"No error"'
ZERO = "+0.00000000E+00"
IDENTITY = "Keysight Technologies,E36312A,MY00000001,1.0.4-1.0.0-1.02"

ANSWERS = [
    # identity and the forms of replies
    ("*IDN?", IDENTITY, "K vendor Keysight, four fields"),
    ("*OPC?", "1", "I 10.19"),
    ("*TST?", "+0", "I 10.38 0 is passed"),
    ("SYST:VERS?", "1999.0", "S 21.21"),
    ("SYST:ERR?", NO_ERROR, "K signed zero"),
    ("SYST:ERR:COUN?", "0", "S 21.8.2"),
    ("VOLT?", ZERO, "I 8.7.4 NR3"),
    ("VOLT 3.3;VOLT?", "+3.30000000E+00", "I 8.7.4 NR3"),
    ("CURR 20MA;CURR?", "+2.00000000E-02", "I 8.7.4 negative exponent"),
    ("VOLT? MAX;CURR? MAX", "+6.18000000E+00;+5.15000000E+00", "K range of output 1"),
    (
        "INST CH2;VOLT? MAX;CURR? MAX",
        "+2.57500000E+01;+1.03000000E+00",
        "S 6.2.4 at the root",
    ),
    ("VOLT? MIN,(@3);:CURR? MIN,(@3)", f"{ZERO};+1.00000000E-03", "K range of output 3"),
    ("VOLT:PROT? MAX,(@1,2)", "+6.60000000E+00,+2.75000000E+01", "K OVP ranges"),
    # channel lists
    ("VOLT 1.5,(@2);:VOLT? (@2)", "+1.50000000E+00", "S 8.3.2"),
    ("VOLT 1.5, (@2);:VOLT? (@2)", "+1.50000000E+00", "PyMeasure sends the blank"),
    ("VOLT 1.5 , ( @2 )", "", "I 7.7.7 an expression is one element"),
    ("VOLT 2,(@1,3);:VOLT? (@1:3)", f"+2.00000000E+00,{ZERO},+2.00000000E+00", "S 8.3.2 list"),
    ("VOLT 2,(@2:3);:VOLT? (@1,2,3)", f"{ZERO},+2.00000000E+00,+2.00000000E+00", "S 8.3.2 range"),
    ("VOLT 1,(@1);VOLT 2,(@2);:VOLT? (@2,1)", "+2.00000000E+00,+1.00000000E+00", "list order"),
    ("VOLT 3,(@3:1);:VOLT? (@3:1)", ",".join(["+3.00000000E+00"] * 3), "S 8.3.2 backwards"),
    ("VOLT 3,(@2,2);:VOLT? (@2,2)", ",".join(["+3.00000000E+00"] * 2), "twice is twice"),
    ("OUTP ON,(@1,3);:OUTP? (@1:3)", "1,0,1", "K 0 and 1"),
    ("OUTP 1, (@1);:OUTP:STAT? (@1)", "1", "PyMeasure"),
    ("OUTP ON;:OUTP?;:OUTP? (@2)", "1;0", "without a list the selected one"),
    ("MEAS:VOLT? (@1)", "", "noise: only that it answers"),
    ("APPL CH2,5,0.5;:APPL? (@2)", '"+5.00000000E+00,+5.00000000E-01"', "E3631A guide APPL?"),
    ("APPL P25V,5;:VOLT? (@2)", "+5.00000000E+00", "K names of outputs"),
    ("APPL 5,0.5,(@2);:CURR? (@2)", "+5.00000000E-01", "K list"),
    # selection
    ("INST?", "CH1", "K"),
    ("INST P25V;INST?", "CH2", "K names"),
    ("INST:NSEL 3;NSEL?", "3", "libsigrok selects by number"),
    ("INST:NSEL 2;:VOLT 4;:VOLT? (@2);:VOLT?", "+4.00000000E+00;+4.00000000E+00", "libsigrok"),
    # units and multipliers
    ("VOLT 300mV;VOLT?", "+3.00000000E-01", "HP 53131A table 3-2 milli"),
    ("VOLT 0.003KV;VOLT?", "+3.00000000E+00", "HP 53131A table 3-2 kilo"),
    ("CURR 500MA;CURR?", "+5.00000000E-01", "HP 53131A table 3-2: M + A is milliampere"),
    ("CURR 0.0000005MAA;CURR?", "+5.00000000E-01", "HP 53131A table 3-2: MA + A is mega"),
    ("CURR:PROT:DEL 20MS,(@2);DEL? (@2)", "+2.00000000E-02", "seconds with milli"),
    ("CURR:PROT:DEL 0.5, (@2);DEL? (@2)", "+5.00000000E-01", "facts: K delay"),
    ("CURR:PROT:DEL:STAR CCTR;STAR?", "CCTR", "K start of the delay"),
    ("CURR:PROT:DEL:STAR SCHange;STAR?", "SCH", "K start of the delay"),
    # special words
    ("VOLT MAX,(@1,2);:VOLT? (@1,2)", "+6.18000000E+00,+2.57500000E+01", "each its own MAX"),
    ("VOLT MAX;VOLT DEF;VOLT?", ZERO, "S 7.2.1.3"),
    ("VOLT 1;VOLT UP;VOLT?", "+1.00100000E+00", "S 7.2.1.2 by the resolution"),
    ("VOLT 1;VOLT:STEP 0.25;:VOLT UP;:VOLT UP;VOLT?", "+1.50000000E+00", "E3631A guide step"),
    ("VOLT 1;VOLT:STEP 0.25;:VOLT DOWN;VOLT?", "+7.50000000E-01", "E3631A guide step"),
    ("VOLT:STEP?", "+1.00000000E-03", "the resolution by default"),
    # protection
    ("VOLT:PROT 6,(@1);:VOLT:PROT? (@1)", "+6.00000000E+00", "K"),
    ("VOLT:PROT:STAT ON,(@1);STAT? (@1:3)", "1,0,0", "K"),
    ("CURR:PROT:STAT 1;STAT?", "1", "libsigrok"),
    ("VOLT:PROT:TRIP? (@1)", "0", "K"),
    ("CURR:PROT:TRIP? (@1:2)", "0,0", "K"),
    ("OUTP:PROT:CLE (@1:3)", "", "K"),
    ("VOLT:PROT:CLE (@1:3);:CURR:PROT:CLE (@1:3)", "", "drivers of the family clear so"),
    ("VOLT:SENS EXT;SENS?;:VOLT:SENS? (@2)", "EXT;INT", "E36100 sibling"),
    # status
    ("STAT:QUES:INST:ISUM2:COND?", "0", "off is 0"),
    ("OUTP ON,(@2);:STAT:QUES:INST:ISUM2:COND?", "2", "E364xA p. 120: CV is 2"),
    ("STAT:OPER:INST:ISUM1:COND?", "0", "S 20.1"),
    ("STAT:OPER:ENAB 32;ENAB?;PTR?;NTR?", "32;32767;0", "S 20.1"),
    ("STAT:QUES:PTR 0;NTR 2;PTR?;NTR?", "0;2", "S 20.2"),
    ("STAT:QUES:ENAB 65535;ENAB?", "32767", "S 20.1 bit 15 is never set"),
    ("STAT:QUES:ENAB 9;PRES;ENAB?", "", "PRESet is not under QUEStionable"),
    ("STAT:QUES:ENAB 9;:STAT:PRES;QUES:ENAB?", "0", "S 20.7"),
    ("STAT:QUES:ENAB #H1f;ENAB?;ENAB #q17;ENAB?", "31;15", "S 20.1.4 non-decimal numeric"),
    ("STAT:OPER:PTR #B101;NTR #HFFFF;PTR?;NTR?", "5;32767", "S 20.1.4 non-decimal numeric"),
    # panel
    ("SYST:COMM:RLST?", "LOC", "K after power-up"),
    ("SYST:REM;COMM:RLST?", "REM", "K"),
    ("SYST:RWL;COMM:RLST?", "RWL", "K"),
    ("SYST:BEEP", "", "K"),
    ("*SAV 10;*RCL 10", "", "I 10.29"),
    # lists
    ("LIST:VOLT 1,2,3,(@1);:LIST:VOLT:POIN? (@1)", "3", "E36300 lists"),
    ("LIST:DWEL 0.05;DWEL?", "+5.00000000E-02", "E36300 lists"),
    ("LIST:COUN 3;COUN?;COUN INF;COUN?", "3;9.9E37", "S 7.2.1.4"),
    ("VOLT:MODE LIST;MODE?;:CURR:MODE?", "LIST;FIX", "E36300 lists"),
    ("TRIG:SOUR IMM;SOUR?", "IMM", "E36300 trigger"),
    ("LIST:TERM:LAST ON;LAST?", "1", "E36300 lists"),
]
WITH_ERROR = {
    "VOLT 1.5 , ( @2 )",
    "STAT:QUES:ENAB 9;PRES;ENAB?",
}


@pytest.mark.parametrize(("message", "reply", "rule"), ANSWERS, ids=[a[0] for a in ANSWERS])
def test_answers(tell: Tell, message: str, reply: str, rule: str) -> None:
    found = tell(message)
    if message.startswith("MEAS"):
        assert abs(float(found)) < 0.01, rule
    else:
        assert found == reply, rule
    if "ERR" not in message and message not in WITH_ERROR:
        assert tell("SYST:ERR?") == NO_ERROR, rule


REFUSALS = [
    ("VOLTA 1", -113, "S 6.2.1"),
    ("VOLTAGEVOLTAGE 1", -112, "I 7.6.1.4.1: more than 12 characters"),
    ("SOUR2:VOLT 1", -114, "no suffix: channel lists instead"),
    ("STAT:QUES:INST:ISUM4:COND?", -114, "no output 4"),
    ("STAT:QUES:INST:ISUM0:COND?", -114, "no output 0"),
    ("VOLT 1,(@4)", -222, "no output 4"),
    ("VOLT 1,(@0)", -222, "no output 0"),
    ("VOLT 1,(@1:4)", -222, "no output 4"),
    ("VOLT 1,(@)", -171, "empty list"),
    ("VOLT 1,(@1,)", -171, "empty entry"),
    ("VOLT 1,(@1:2:3)", -171, "two colons"),
    ("VOLT 1,(@A)", -171, "no number"),
    ("VOLT 1,(@1", -171, "list without end"),
    ("VOLT 1,(1)", -108, "an expression, but no channel list"),
    ("VOLT (@1)", -109, "a list is no value"),
    ("VOLT (@1),1", -108, "a list stands last; here are two values"),
    ("VOLT? MAX,MIN", -108, "one word"),
    ("VOLT? UP", -224, "no such word in a query"),
    ("VOLT? 3", -128, "number where a word must be"),
    ("VOLT 3,2,(@1)", -108, "two values"),
    ("MEAS:VOLT? 3", -108, "a number is no list"),
    ("OUTP", -109, "missing"),
    ("OUTP MAYBE,(@1)", -224, "no such word"),
    ("VOLT 6.19,(@1,2)", -222, "outside the range of one of them"),
    ("CURR 0.5MA,(@1)", -222, "below the least, 2 mA on output 1"),
    ("VOLT 1A", -131, "amps on volts"),
    ("VOLT 1VOLTVOLTVOLTV", -134, "I 7.7.3.4: more than 12 characters"),
    ("VOLT ABCDEFGHIJKLM", -144, "I 7.7.1.4: more than 12 characters"),
    ("VOLT INF", -222, "S 7.2.1.4: a number beyond every range"),
    ("VOLT NAN", -222, "S 7.2.1.5"),
    ("CURR:PROT 1", -113, "K: OCP has no level"),
    ("VOLT:PROT 0.4", -222, "K: 0.5 V at least"),
    ("CURR:PROT:DEL 1V", -131, "volts on seconds"),
    ("CURR:PROT:DEL:STAR NOW", -224, "no such word"),
    ("VOLT:SENS FAR", -224, "no such word"),
    ("INST CH4", -224, "no such output"),
    ("APPL CH4,1", -141, "no such output"),
    ("APPL 1,2,3", -108, "three values without an output"),
    ("*TRG", -211, "I 10.37: nothing waits for it"),
    ("TRIG (@1)", -211, "S 21.8.10: nothing waits for it"),
    ("LIST:DWEL 0.001", -222, "shorter than the least dwell"),
    ("LIST:VOLT " + ",".join(["1"] * 101), -223, "more than 100 points"),
    ("LIST:VOLT 1,2,3;:LIST:DWEL 1,2;:VOLT:MODE LIST;:INIT", -226, "S 21.8.10 lengths differ"),
    ("INIT;INIT", -213, "S 21.8.10: initiated already"),
    ("VOLT:MODE RAMP", -224, "no such mode"),
    ("*ESE 1V", -138, "no unit here"),
    ("VOLT 1E", -131, "E without digits"),
    ("SYST:COMM:RLST REM", -113, "no command form"),
]


@pytest.mark.parametrize(("message", "code", "rule"), REFUSALS, ids=[r[0][:24] for r in REFUSALS])
def test_refusals(tell: Tell, message: str, code: int, rule: str) -> None:
    before = tell("APPL? (@1:3);:OUTP? (@1:3);:VOLT:PROT? (@1:3);:INST?")
    assert tell(message) == "", rule
    assert tell("SYST:ERR?").split(",")[0] == str(code), rule
    assert tell("SYST:ERR?") == NO_ERROR, "one mistake, one entry"
    assert tell("APPL? (@1:3);:OUTP? (@1:3);:VOLT:PROT? (@1:3);:INST?") == before, rule


def test_no_query_may_follow_an_indefinite_reply_where_the_line_knows_its_talker(
    tell: Tell, keysight: object
) -> None:
    assert tell("*IDN?;*OPC?") == f"{IDENTITY};1", "a raw socket knows no talker"
    assert keysight.execute(b"*IDN?;*OPC?", talker=True) == IDENTITY  # type: ignore[attr-defined]
    assert tell("SYST:ERR?") == '-440,"Query UNTERMINATED after indefinite response"'
    assert tell("*ESR?") == str(128 + 4), "a query error"
    assert keysight.execute(b"*OPC?;*IDN?", talker=True) == f"1;{IDENTITY}"  # type: ignore[attr-defined]
    assert tell("SYST:ERR?") == NO_ERROR
