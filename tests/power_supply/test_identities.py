"""Every model by an answer to ``*IDN?`` as its maker gives it, and by no other row."""

from __future__ import annotations

import pytest

from hil.equipment.power_supply.models import all_models, dialect_answering

RIGOL, HP, SIGLENT = "RIGOL TECHNOLOGIES", "HEWLETT-PACKARD", "Siglent Technologies"
TTI, KEYSIGHT, BK = "THURLBY THANDAR", "Keysight Technologies", "B&K Precision"
ANSWERS = {
    "DP832": [f"{RIGOL},DP832,DP8C194205678,00.01.14", f"{RIGOL},DP832A,DP8A1,00.01.16"],
    "DP831": [f"{RIGOL},DP831,DP8B1,00.01.16", f"{RIGOL},DP831A,DP8B1,00.01.16"],
    "DP821": [f"{RIGOL},DP821A,DP8D1,00.01.16"],
    "DP811": [f"{RIGOL},DP811,DP8E1,00.01.16"],
    **{
        model: [f"{KEYSIGHT},{model},MY57000001,1.0.4-1.0.0-1.02"]
        for model in ("E36311A", "E36312A", "E36313A")
    },
    **{
        model: [f"{HP},{model},0,1.1-5.0-1.0", f"Agilent Technologies,{model},0,1.7-5.0-1.0"]
        for model in (
            "E3631A", "E3632A", "E3633A", "E3634A", "E3640A", "E3641A", "E3642A", "E3643A",
            "E3644A", "E3645A", "E3646A", "E3647A", "E3648A", "E3649A",
        )
    },
    **{
        model: [f"ROHDE&SCHWARZ,{model},101234,HW50020003/SW2.51", f"HAMEG,{model},1,HW1/SW1"]
        for model in ("HMP2020", "HMP2030", "HMP4030", "HMP4040")
    },
    "NGE102B": ["Rohde&Schwarz,NGE102B,5601.1414k02/1,1.54", "Rohde&Schwarz,NGE102,1,1.3"],
    "NGE103B": ["Rohde&Schwarz,NGE103B,5601.1414k03/1,1.54"],
    "SPD3303X": [
        f"{SIGLENT},SPD3303X,SPD3X1,1.01.01.01.02,V3.0", f"{SIGLENT},SPD3303X-E,SPD3XE1,1.01.01",
    ],
    "SPD1168X": [f"{SIGLENT},SPD1168X,SPD13D1,2.1.1.9,V1.0"],
    "SPD1305X": [f"{SIGLENT},SPD1305X,SPD13D1,2.1.1.9,V1.0"],
    **{
        model: [f"Keithley instruments, {model}, 9104325, 1.04-1.06"]
        for model in ("2230G-30-1", "2230G-30-3", "2230G-30-6")
    },
    **{
        model: [f"KEITHLEY INSTRUMENTS,MODEL {model},4032069,01.08b"]
        for model in ("2280S-32-6", "2280S-60-3", "2281S-20-6")
    },
    "KA3005P": ["KORADKA3005PV2.0", "KORAD KA3005P V5.8 SN:03379314"],
    "72-2540": ["TENMA 72-2540 V2.1", "TENMA72-2540V2.0"],
    **{
        model: [f"{TTI}, {model}, 279730, 1.00 - 1.00"]
        for model in ("QL355", "QL355TP", "QL564", "QL564TP", "PL303-P", "PL303QMD-P")
    },
    **{
        model: [f"ITECH Ltd., {model}A, 600061, 1.06-1.02", f"ITECH Ltd., {model}B, 600061, 1.06"]
        for model in ("IT6831", "IT6832", "IT6833", "IT6834")
    },
    **{
        model: [f"{BK}, {model}, 602204, 1.04-1.03"]
        for model in ("9130", "9130B", "9131B", "9132B")
    },
}  # fmt: skip
STRANGERS = [
    f"{RIGOL},DP2031,X,1", f"{RIGOL},DP832", f"{KEYSIGHT},E36312,X,1", f"{HP},E3631B,0,1",
    f"{HP},34401A,0,1", "ROHDE&SCHWARZ,HMP4041,1,1", f"{SIGLENT},SDS1104X,1,1",
    f"{TTI}, CPX400DP, 1, 1",
    "KORADKA3005P", "TENMA 72-2535 V2.1", f"{BK}, 9115, 1, 1", "*IDN?", "0", "",
]  # fmt: skip


def test_every_model_has_an_answer_here() -> None:
    assert set(ANSWERS) == {row.model for row in all_models()}


@pytest.mark.parametrize(
    ("model", "answer"),
    [(model, answer) for model, answers in ANSWERS.items() for answer in answers],
)
def test_found_by_exactly_one_row(model: str, answer: str) -> None:
    found = {row.model for row in all_models() if row.read_identity(answer) is not None}
    assert found == {model}
    row = dialect_answering(answer)
    assert row is not None
    identity = row.read_identity(answer)
    assert identity is not None
    assert identity.raw == answer
    assert identity.firmware
    assert identity.maker.casefold().startswith(row.maker[:5].casefold()) or identity.maker in (
        "Agilent Technologies",
        "HAMEG",
    )


@pytest.mark.parametrize("answer", STRANGERS)
def test_strangers_are_nobody(answer: str) -> None:
    assert dialect_answering(answer) is None
