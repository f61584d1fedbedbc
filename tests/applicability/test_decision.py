"""Whether a test applies, and the reason in words and as data."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil.applicability import Applicability, decide
from hil.applicability.ics_file import Ics, IcsFile
from hil.errors import UsageError


@pytest.fixture
def ics() -> Ics:
    items = {
        name: {"text": name, "support": support}
        for name, support in {"A.4/7": True, "O_X": False, "A.9/1": 8}.items()
    }
    file = IcsFile.model_validate(
        {"schema": 1, "kind": "ics", "supplier": "M", "product": "P", "release": "1"}
        | {"items": items}
    )
    return Ics(Path("ics/card.yaml"), "00", file)


def test_what_is_not_supported_does_not_apply(ics: Ics) -> None:
    found = decide(["A.4/7 and O_X"], ics, "test_it")
    assert found == Applicability(
        applies=False,
        reason="not applicable by the ICS: A.4/7 and O_X; A.4/7 = true, O_X = false",
        expression="A.4/7 and O_X",
        inputs={"A.4/7": True, "O_X": False},
    )
    assert found.facts() == {
        "applies": False,
        "reason": found.reason,
        "expression": "A.4/7 and O_X",
        "inputs": {"A.4/7": True, "O_X": False},
    }


def test_all_conditions_of_a_test_must_hold(ics: Ics) -> None:
    found = decide(["A.4/7", "A.9/1 >= 9 or O_X"], ics, "test_it")
    assert not found.applies
    assert found.expression == "(A.4/7) and (A.9/1 >= 9 or O_X)"
    assert found.inputs == {"A.4/7": True, "A.9/1": 8, "O_X": False}
    assert not decide(["O_X", "A.4/7"], ics, "test_it").applies
    assert decide(["A.4/7", "A.9/1 >= 8 or O_X"], ics, "test_it").applies


def test_without_a_statement_everything_applies_but_mistakes_are_found() -> None:
    assert decide([], None, "test_it") == Applicability(applies=True)
    found = decide(["O_UNHEARD_OF"], None, "test_it")
    assert (found.applies, found.reason) == (True, "applies: the bench names no ICS")
    with pytest.raises(UsageError, match=r"test_it: 'O_X and', column 8: an item"):
        decide(["O_X and"], None, "test_it")


def test_an_unknown_item_names_test_condition_and_statement(ics: Ics) -> None:
    with pytest.raises(UsageError) as wrong:
        decide(["A.4/7", "not O_Z"], ics, "test_it: applies")
    assert str(wrong.value) == (
        "test_it: applies: 'not O_Z', column 5: nothing is stated of item 'O_Z' - did you mean "
        "'O_X'?; the statement is card.yaml"
    )
