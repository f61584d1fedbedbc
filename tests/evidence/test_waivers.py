"""Waivers: what they cover, until when, and that a file of them is read strictly."""

from __future__ import annotations

import datetime
import hashlib
from pathlib import Path

import pytest

from hil.errors import ConfigError
from hil.evidence.waivers import Waivers, read_waivers

TEXT = """schema: 1
kind: waivers
waivers:
  - id: W-1
    test: testcases/esim/test_it.py::test_one[a-1]
    reason: known since release 2.0, mended in 2.2
    author: R. Novak
    issued: 2026-10-01
    expires: 2026-12-31
  - id: W-2
    case: EUICC-ES5-*
    verdicts: [FAIL, INCONCLUSIVE]
    reason: the sample has an old kernel
    author: R. Novak
    issued: 2026-11-01
    expires: 2027-01-15
  - id: W-3
    requirement: R-63
    verdicts: [ERROR]
    reason: the reader of this bench is being repaired
    author: L. Ito
    issued: 2026-01-01
    expires: 2026-11-10
"""
DAY = datetime.date(2026, 11, 26)
ONE = "testcases/esim/test_it.py::test_one[a-1]"


def written(folder: Path, text: str = TEXT) -> Path:
    path = folder / "known.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def waivers(tmp_path: Path) -> Waivers:
    return read_waivers(written(tmp_path))


def name_of(
    waivers: Waivers,
    test: str,
    case: str,
    requirements: tuple[str, ...],
    verdict: str,
    *,
    today: datetime.date = DAY,
) -> str:
    found = waivers.for_(test, case, requirements, verdict, today)
    return found.id if found else ""


def test_a_waiver_covers_its_test_and_verdict(waivers: Waivers) -> None:
    assert name_of(waivers, ONE, "", (), "FAIL") == "W-1"
    assert name_of(waivers, ONE, "", (), "ERROR") == ""
    assert name_of(waivers, ONE.replace("a-1", "a"), "", (), "FAIL") == ""
    assert name_of(waivers, ONE.replace("[a-1]", "a"), "", (), "FAIL") == ""


def test_cases_and_requirements_may_be_patterns(waivers: Waivers) -> None:
    for verdict, name in (("FAIL", "W-2"), ("INCONCLUSIVE", "W-2"), ("ERROR", "")):
        assert name_of(waivers, "t", "EUICC-ES5-ENABLE-01", (), verdict) == name
    assert name_of(waivers, "t", "EUICC-ES8-KEYS-01", (), "FAIL") == ""
    assert name_of(waivers, "EUICC-ES5-X", "", ("EUICC-ES5-X",), "FAIL") == ""
    march = datetime.date(2026, 3, 1)
    assert name_of(waivers, "t", "", ("R-1", "R-63"), "ERROR", today=march) == "W-3"
    assert name_of(waivers, "t", "", ("R-630",), "ERROR", today=march) == ""


def test_first_and_last_day_count_and_no_other(waivers: Waivers) -> None:
    for month, day, name in ((9, 30, ""), (10, 1, "W-1"), (12, 31, "W-1")):
        today = datetime.date(2026, month, day)
        assert name_of(waivers, ONE, "", (), "FAIL", today=today) == name
    after = datetime.date(2027, 1, 1)
    assert name_of(waivers, ONE, "", (), "FAIL", today=after) == ""
    (first,) = waivers.about(ONE, "", ())
    assert "EXPIRED on 2026-12-31, no effect" in first.describe(after)
    assert "until 2026-12-31; R. Novak): known since" in first.describe(DAY)
    assert "not before 2026-10-01, no effect" in first.describe(datetime.date(2026, 9, 1))


def test_an_expired_one_gives_way_to_one_that_holds(tmp_path: Path) -> None:
    again = TEXT.replace("case: EUICC-ES5-*", f"test: {ONE}")
    both = read_waivers(written(tmp_path, again))
    assert name_of(both, ONE, "", (), "FAIL", today=datetime.date(2027, 1, 10)) == "W-2"


def test_what_ends_soon_has_ended_or_fits_nothing(waivers: Waivers) -> None:
    def names(found: tuple[object, ...]) -> list[str]:
        return [getattr(one, "id", "") for one in found]

    assert names(waivers.expiring(DAY, 34)) == []
    assert names(waivers.expiring(DAY, 35)) == ["W-1"]
    assert names(waivers.expiring(DAY, 60)) == ["W-1", "W-2"]
    assert names(waivers.expired(DAY)) == ["W-3"]
    assert names(waivers.unused([])) == ["W-1", "W-2", "W-3"]
    tests = [(ONE, "", ()), ("t", "EUICC-ES5-AUDIT-01", ("R-62",))]
    assert names(waivers.unused(tests)) == ["W-3"]


def test_the_digest_is_that_of_the_file(waivers: Waivers) -> None:
    assert waivers.sha256 == hashlib.sha256(TEXT.encode()).hexdigest()
    line = waivers.line(DAY)
    assert line == f"known.yaml: 3 known issues, EXPIRED: W-3  sha256 {waivers.sha256}"
    assert Waivers().for_("t", "", (), "FAIL", DAY) is None


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("expires: 2026-12-31", "expire: 2026-12-31", "9:5: unknown key 'waivers.0.expire'"),
        ("2026-12-31", "31.12.2026", "9:14: waivers.0.expires: a date such as 2027-01-31"),
        ("2026-12-31", "2026-09-30", "expires (2026-09-30) before it is issued (2026-10-01)"),
        ("id: W-2", "id: W-1", "two waivers have the id 'W-1'"),
        ("verdicts: [ERROR]", "verdicts: [PASS]", "'PASS' is not known"),
        ("verdicts: [ERROR]", "verdicts: []", "waivers.2.verdicts"),
        ("    author: L. Ito\n", "", "the key 'waivers.2.author' is missing"),
        ("known since release 2.0, mended in 2.2", "known", "waivers.0.reason"),
        ("requirement: R-63", "{}", "known.yaml:"),
        ("    requirement: R-63\n", "", "exactly one of 'test' or 'case' or 'requirement'"),
        ("kind: waivers", "kind: ics", "'ics' is not known"),
    ],
)
def test_a_mistake_is_told_with_its_place(
    tmp_path: Path, before: str, after: str, told: str
) -> None:
    assert before in TEXT
    with pytest.raises(ConfigError) as wrong:
        read_waivers(written(tmp_path, TEXT.replace(before, after, 1)))
    assert told in str(wrong.value)
    assert "known.yaml" in str(wrong.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        read_waivers(tmp_path / "none.yaml")
