from __future__ import annotations

from pathlib import Path

import pytest

from hil.equipment.device import DialectError, load_dialect
from hil.equipment.device.operations import OPERATIONS

GOOD = """\
dialect: lab
version: 1
timeout_s: 2
line:
  ending: "\\r\\n"
  init: [ATE0]
operations:
  attention: {send: AT}
  mode:
    send: AT+XMODE?
    answer: '\\+XMODE: (?P<mode>\\d)'
    values: {mode: {first: "1", second: "2"}}
  set_mode:
    send: AT+XMODE={mode}
    timeout_s: 9
    values: {mode: {first: "1", second: "2"}}
errors: {7: too tired}
"""


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "lab.yaml"
    file.write_text(text)
    return file


def test_the_shipped_dialect_words_every_operation() -> None:
    assert set(load_dialect("hil-reference").operations) == set(OPERATIONS)


def test_a_dialect_of_a_lab(tmp_path: Path) -> None:
    dialect = load_dialect(write(tmp_path, GOOD))
    assert (dialect.name, dialect.ending, dialect.init) == ("lab", "\r\n", ("ATE0",))
    assert dialect.operations["mode"].timeout_s == 2
    assert dialect.operations["set_mode"].timeout_s == 9
    assert dialect.error_name(7) == "too tired"
    assert dialect.error_name(8) == "unknown error"


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("timeout_s: 2", "timout_s: 2", "lab.yaml:3: unknown key 'timout_s'; did you mean 'timeou"),
        ("version: 1", "version: 2", "lab.yaml:2: version is not 1"),
        ("  mode:\n", "  mod:\n", "lab.yaml:10: unknown key 'mod'; did you mean 'mode'"),
        ("{mode}\n", "{mod}\n", "lab.yaml:14: unknown parameter 'mod'; did you mean 'mode'"),
        ("(?P<mode>", "(?P<mood>", "lab.yaml:11: unknown group 'mood'; did you mean 'mode'"),
        ("(?P<mode>", "(", "lab.yaml:11: answer lacks the group"),
        ("\\d)'", "\\d'", "lab.yaml:11: answer is no regular expression"),
        ("{mode}\n", "{mode\n", "lab.yaml:14: template"),
        ("    answer: '\\+XMODE: (?P<mode>\\d)'\n", "", "lab.yaml:10: 'answer' is missing"),
        ("timeout_s: 2", "timeout_s: soon", "lab.yaml:3: 'soon' is no number"),
        ("timeout_s: 2", "timeout_s: -1", "lab.yaml:3: '-1' is not above 0"),
        ("  attention: {send: AT}\n", "", "lab.yaml:8: key 'attention' is missing"),
        ("init: [ATE0]", "init: ATE0", "lab.yaml:6: a list is wanted"),
        ("errors: {7:", "errors: {seven:", "error code 'seven' is no number"),
        ("dialect: lab\n", "dialect: lab\ndialect: lab\n", "lab.yaml:2: key 'dialect' is given tw"),
        ("errors: {7: too tired}", "errors: {7: [", "lab.yaml:.*not YAML"),
    ],
)
def test_a_wrong_dialect_names_file_and_line(tmp_path: Path, old: str, new: str, text: str) -> None:
    assert old in GOOD
    with pytest.raises(DialectError, match=text):
        load_dialect(write(tmp_path, GOOD.replace(old, new, 1)))


def test_an_absent_or_empty_dialect(tmp_path: Path) -> None:
    with pytest.raises(DialectError, match="shipped are hil-reference"):
        load_dialect("no-such")
    with pytest.raises(DialectError, match="empty file"):
        load_dialect(write(tmp_path, ""))
