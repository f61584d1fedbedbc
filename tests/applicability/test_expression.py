"""Conditions: what they mean, what is said of wrong ones, and that none can hang or escape."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.applicability import ExpressionError, Support, parse
from hil.applicability.expression import (
    OPERATORS,
    OUTCOMES,
    All,
    Any,
    Branch,
    Comparison,
    Condition,
    Expression,
    If,
    Item,
    Not,
    Outcome,
)
from hil.applicability.parser import is_item

STATED: dict[str, Support] = {
    "A.4/7": True,
    "A.4.1/7a": False,
    "O_X": False,
    "O_Y": True,
    "A.9/1": 8,
    "A.9/2": False,
    "A.9/3": "2.1",
}


@pytest.mark.parametrize(
    ("text", "applies"),
    [
        ("A.4/7", True),
        ("O_X", False),
        ("A.4/7 and not O_X", True),
        ("A.4/7 and O_X", False),
        ("O_X or A.4/7", True),
        ("not A.4/7 or O_Y and O_X", False),
        ("not O_X and O_X", False),
        ("not (O_X and O_Y)", True),
        ("not not O_Y", True),
        ("O_Y or O_X and O_X", True),
        ("(O_Y or O_X) and O_X", False),
        ("A.4/7 AND NOT A.4.1/7a", True),
        ("A.9/1 >= 8", True),
        ("A.9/1 > 8", False),
        ("A.9/1 = 8", True),
        ("A.9/1 < 9 and A.9/1 <= 8", True),
        ("A.9/2 < 100", False),
        ("not A.9/2 >= 1", True),
        ("IF A.4/7 THEN R ELSE N/A", True),
        ("IF O_X THEN R ELSE N/A", False),
        ("IF O_X THEN R", False),
        ("if O_X then R else if O_Y then O else N/A", True),
        ("IF A.4/7 THEN (IF O_X THEN M ELSE N/A) ELSE R", False),
        ("IF A.4/7 THEN IF O_X THEN M ELSE N/A ELSE R", False),
    ],
)
def test_truth(text: str, applies: bool) -> None:
    assert parse(text).evaluate(STATED).applies is applies


def test_every_input_of_a_condition_is_shown_and_of_branches_only_those_taken() -> None:
    assert parse("O_X and A.4/7").evaluate(STATED).inputs == {"O_X": False, "A.4/7": True}
    assert parse("O_Y or O_X").evaluate(STATED).inputs == {"O_Y": True, "O_X": False}
    branches = parse("IF O_Y THEN R ELSE IF O_X THEN O ELSE N/A")
    assert branches.evaluate(STATED).inputs == {"O_Y": True}
    assert branches.evaluate(STATED).outcome == "R"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "column 1: an item, 'not' or '(' is expected, not the end"),
        ("A.4/7 and", "column 10: an item, 'not' or '(' is expected, not the end"),
        ("A.4/7 O_X", "column 7: 'and', 'or' or the end is expected, not 'O_X'"),
        ("(A.4/7", "column 7: ')' is expected, not the end"),
        ("A.4/7)", "column 6: 'and', 'or' or the end is expected, not ')'"),
        ("A.4/7 & O_X", "column 7: '&' has no meaning here"),
        ("A.4/x", "column 4: '/' has no meaning here"),
        ("A.9/1 >= O_X", "column 10: a whole number is expected, not 'O_X'"),
        ("A.9/1 >= ", "column 10: a whole number is expected, not the end"),
        ("IF A.4/7 R", "column 10: 'then' is expected, not 'R'"),
        ("IF A.4/7 THEN Q", "column 15: R, M, O, N/A or IF is expected, not 'Q'"),
        ("A.4/7 and if", "column 11: an item, 'not' or '(' is expected, not 'if'"),
        ("R", "column 1: an item, 'not' or '(' is expected, not 'R'"),
        ("__import__('os')", "column 1: '_' has no meaning here"),
    ],
)
def test_a_mistake_is_told_with_its_column(text: str, told: str) -> None:
    with pytest.raises(ExpressionError) as wrong:
        parse(text)
    assert str(wrong.value) == told


def test_what_is_too_long_or_too_deep_is_refused() -> None:
    for text in ("(" * 200, "not " * 200 + "O_X", "IF O_X THEN " * 60):
        with pytest.raises(ExpressionError, match="nested deeper than 50"):
            parse(text)
    with pytest.raises(ExpressionError, match="2000 are the most"):
        parse("O_X or " * 300 + "O_X")
    assert parse(" or ".join(["O_X"] * 250)).evaluate(STATED).applies is False


def test_an_item_that_nobody_stated_is_an_error_wherever_it_stands() -> None:
    with pytest.raises(ExpressionError) as wrong:
        parse("A.4/7 or O_XX").evaluate(STATED)
    assert str(wrong.value) == "column 10: nothing is stated of item 'O_XX' - did you mean 'O_X'?"
    with pytest.raises(ExpressionError, match=r"column 25: nothing .* 'B\.1/1'"):
        parse("IF A.4/7 THEN R ELSE IF B.1/1 THEN R").evaluate(STATED)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("A.9/1", "column 1: A.9/1 states a value (8): compare it"),
        ("not A.9/3", "column 5: A.9/3 states a value (2.1): compare it"),
        ("A.4/7 > 1", "column 1: A.4/7 states no value, no number to compare"),
        ("A.9/3 > 1", "column 1: A.9/3 states '2.1', no number to compare"),
    ],
)
def test_a_truth_is_no_number_and_a_number_no_truth(text: str, told: str) -> None:
    with pytest.raises(ExpressionError) as wrong:
        parse(text).evaluate(STATED)
    assert str(wrong.value).startswith(told)


items = st.from_regex(r"[A-Z][A-Z_.]{0,4}(/[0-9]{1,2})?", fullmatch=True).filter(is_item)
leaves: st.SearchStrategy[Condition] = st.one_of(
    st.builds(Item, items),
    st.builds(
        Comparison, st.builds(Item, items), st.sampled_from(sorted(OPERATORS)), st.integers(-99, 99)
    ),
)


def _grow(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(Not, inner), st.builds(All, several), st.builds(Any, several))


conditions = st.recursive(leaves, _grow, max_leaves=8)
outcomes: st.SearchStrategy[Branch] = st.builds(Outcome, st.sampled_from(sorted(OUTCOMES)))
ifs = st.builds(If, conditions, outcomes, outcomes)
branches = st.one_of(outcomes, ifs)
roots = st.one_of(conditions, st.builds(If, conditions, branches, branches))


@given(roots)
def test_written_and_read_again_it_is_the_same(root: Condition | If) -> None:
    text = str(Expression(root, ()))
    assert parse(text).root == root
    assert str(parse(text)) == text


def _python(node: Condition, stated: dict[str, bool]) -> bool:
    """Judge by the other way round: short-circuit, in Python's own words."""
    match node:
        case Item(id=name):
            return stated[name]
        case Not(inner=inner):
            return not _python(inner, stated)
        case All(parts=parts):
            return all(_python(part, stated) for part in parts)
        case Any(parts=parts):
            return any(_python(part, stated) for part in parts)
        case _:
            raise AssertionError(node)


truths = st.recursive(st.builds(Item, st.sampled_from("ABCD")), _grow, max_leaves=8)


@given(truths, st.fixed_dictionaries({name: st.booleans() for name in "ABCD"}))
def test_it_has_the_truth_that_logic_gives_it(node: Condition, stated: dict[str, bool]) -> None:
    found = parse(str(node)).evaluate(dict(stated))
    assert found.applies is _python(node, stated)
    assert found.inputs == {name: stated[name] for name in stated if name in str(node)}


@given(
    st.text(max_size=60)
    | st.lists(
        st.sampled_from(
            [
                "A.4/7",
                "O_X",
                "and",
                "or",
                "not",
                "(",
                ")",
                "IF",
                "THEN",
                "ELSE",
                "R",
                "N/A",
                "=",
                ">=",
                "3",
                "-",
                "/",
            ]
        ),
        max_size=14,
    ).map(" ".join)
)
def test_any_text_is_read_or_refused_at_a_column_within_it(text: str) -> None:
    try:
        parse(text)
    except ExpressionError as err:
        column = int(str(err).removeprefix("column ").partition(":")[0])
        assert 1 <= column <= len(text) + 1
