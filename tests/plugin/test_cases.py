from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hil.conformance import chosen, read_case
from hil.errors import UsageError
from tests.plugin.conftest import Session

DOCSTRING = """A thing is done.

    Preconditions: it is not done
    yet.

    Steps:
    1. Do it: 9000.
    2. Look: it is
       done.
    """
CASES = '''
import pytest

pytestmark = pytest.mark.requirement("R-63")

@pytest.mark.conformance("EUICC-ES5-THING-01", section="SGP.02, 4.1")
def test_one():
    """A thing is done.

    Preconditions: none.

    Steps:
    1. Do it.
    """

@pytest.mark.parametrize("number", [
    pytest.param(2, marks=pytest.mark.conformance("EUICC-ES5-THING-02", section="4", title="Two")),
    pytest.param(3, marks=pytest.mark.conformance("SMSR-ES3-THING-03", section="4", title="Three")),
])
def test_rows(number):
    """Rows.

    Preconditions: none.

    Steps:
    1. Do it.
    """

def test_of_no_set():
    pass
'''


def test_a_case_is_read_from_marker_and_docstring() -> None:
    case = read_case(("EUICC-ES5-THING-01",), {"section": "SGP.02, 4.1"}, DOCSTRING, "t.py")
    assert case.title == "A thing is done"
    assert case.preconditions == "it is not done yet."
    assert case.steps == ("Do it: 9000.", "Look: it is done.")


@pytest.mark.parametrize(
    ("arguments", "options", "docstring", "text"),
    [
        ((), {"section": "1"}, DOCSTRING, "takes an id"),
        (("enable-3",), {"section": "1"}, DOCSTRING, "takes an id"),
        (("EUICC-A-01",), {}, DOCSTRING, "names no section"),
        (("EUICC-A-01",), {"section": "1", "tittle": "x"}, DOCSTRING, "unknown 'tittle'"),
        (("EUICC-A-01",), {"section": "1"}, "Title only.", "'Steps:'"),
        (("EUICC-A-01",), {"section": "1"}, None, "'Steps:'"),
        (("EUICC-A-01",), {"section": "1"}, DOCSTRING.replace("1.", "3."), "'Steps:'"),
    ],
)
def test_a_wrong_case_is_refused(
    arguments: tuple[object, ...], options: dict[str, object], docstring: str | None, text: str
) -> None:
    with pytest.raises(UsageError, match=text):
        read_case(arguments, options, docstring, "t.py")


def test_cases_are_chosen_by_pattern() -> None:
    assert chosen("EUICC-ES5-THING-01", ["SMSR-*", "EUICC-ES5-*"])
    assert not chosen("EUICC-ES5-THING-01", ["EUICC-ES5"])


@pytest.mark.parametrize(
    ("wanted", "ran"),
    [("EUICC-ES5-*", 2), ("SMSR-ES3-THING-03", 1), ("EUICC-ES5-THING-01,SMSR-*", 2)],
)
def test_only_the_named_cases_run(session: Session, wanted: str, ran: int) -> None:
    done = session(CASES, f"--hil-case={wanted}")
    assert done.returncode == 0
    assert f"PASS {ran}  " in done.stdout
    assert f"{4 - ran} deselected" in done.stdout


def test_a_pattern_that_fits_nothing_is_a_mistake(session: Session) -> None:
    done = session(CASES, HIL_CASE="EUICC-ES9-*")
    assert done.returncode == 4
    assert "no case of the conformance set fits EUICC-ES9-*" in done.stderr + done.stdout


def test_an_id_stands_once(session: Session) -> None:
    done = session(CASES.replace("EUICC-ES5-THING-02", "EUICC-ES5-THING-01"))
    assert done.returncode == 4
    assert "the case EUICC-ES5-THING-01 stands in" in done.stderr + done.stdout


def test_a_case_without_a_requirement_is_refused(session: Session) -> None:
    done = session(CASES.replace('pytestmark = pytest.mark.requirement("R-63")', ""))
    assert done.returncode == 4
    assert "EUICC-ES5-THING-01 names no requirement" in done.stderr + done.stdout


def test_reports_carry_id_and_title(session: Session, tmp_path: Path) -> None:
    results, junit = tmp_path / "allure", tmp_path / "junit.xml"
    options = ["-p", "allure_pytest.plugin", f"--alluredir={results}", f"--junitxml={junit}"]
    done = session(CASES, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {}
    for path in results.glob("*-result.json"):
        row = json.loads(path.read_text())
        labels = {one["name"]: one["value"] for one in row["labels"]}
        if "case" in labels:
            found[labels["case"]] = (row["name"], row["description"])
    assert found["EUICC-ES5-THING-02"][0] == "EUICC-ES5-THING-02  Two"
    assert "Standard: SGP.02, 4.1" in found["EUICC-ES5-THING-01"][1]
    assert "1. Do it." in found["EUICC-ES5-THING-01"][1]
    properties = ElementTree.parse(junit).iter("property")  # noqa: S314 - our own file
    assert "EUICC-ES5-THING-01" in {
        one.get("value") for one in properties if one.get("name") == "case"
    }
