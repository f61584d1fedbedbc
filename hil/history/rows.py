"""A run as rows of the store. What a journal does not say is "not stated", never guessed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from hil.evidence.numbers import number_of, seconds_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hil.evidence.run_record import RunRecord

NOT_STATED: Final = "not stated"
_TO: Final = re.compile(r"(\S+) to (\S+)(?: |$)")
_AT: Final = re.compile(r"at (most|least) (\S+)(?: |$)")


def run_row(run: RunRecord) -> tuple[Any, ...]:
    """Return the row of ``runs`` without its number, in the order of the columns."""
    begin = run.begin
    return (
        plain(run.run),
        plain(run.folder),
        plain(begin.get("bench")) or NOT_STATED,
        int(run.is_virtual),
        version_of(begin),
        item_of(begin),
        plain(begin.get("operator")),
        plain(begin.get("host")),
        run.began_ns,
        run.ended_ns,
        int(run.ended and not run.faults),
    )


def version_of(begin: Mapping[str, Any]) -> str:
    """Return the version that ran: of hil, and of the checkout where it is known."""
    version = plain(begin.get("hil")) or NOT_STATED
    git = begin.get("git")
    commit = plain(git.get("commit"))[:12] if isinstance(git, dict) else ""
    if not commit:
        return version
    return f"{version} {commit}{' changed' if git and git.get('dirty') else ''}"


def item_of(begin: Mapping[str, Any]) -> str:
    """Return the item under test in one line: model, serial number, firmware."""
    item = begin.get("item")
    if not isinstance(item, dict):
        return NOT_STATED
    named = [
        f"{before}{plain(item[key])}"
        for key, before in (("model", ""), ("serial", "SN "), ("firmware", "fw "))
        if plain(item.get(key))
    ]
    return " ".join(named) or NOT_STATED


def test_rows(run: RunRecord) -> Iterator[tuple[str, str, float, int, str]]:
    """Yield id, verdict, seconds, attempts and reason of each test."""
    for test in run.tests.values():
        seconds = seconds_of(test.seconds) or 0.0
        yield plain(test.id), test.verdict, seconds, test.attempts, plain(test.reason)


def measurement_rows(run: RunRecord) -> Iterator[tuple[Any, ...]]:
    """Yield test id, place in the test, and the rest of the columns of ``measurements``."""
    for test in run.tests.values():
        for place, body in enumerate(test.measurements):
            low, high = limits_of(body)
            yield (
                plain(test.id),
                place,
                plain(body.get("name")),
                number_of(body.get("value")),
                plain(body.get("unit")),
                number_of(body.get("expanded_uncertainty")),
                low,
                high,
                _instrument(body.get("instrument")),
                plain(body.get("verdict")),
            )


def limits_of(body: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Return the lower and the upper limit of a measurement, None where there is none.

    Numbers (``low``, ``high``, or a ``limits`` of both) come first; else the words in which
    :meth:`hil.metrology.Limits.describe` says them.
    """
    told = body.get("limits")
    if isinstance(told, dict):
        return number_of(told.get("low")), number_of(told.get("high"))
    if "low" in body or "high" in body:
        return number_of(body.get("low")), number_of(body.get("high"))
    if not isinstance(told, str):
        return None, None
    if both := _TO.match(told):
        return _parsed(both[1]), _parsed(both[2])
    if one := _AT.match(told):
        value = _parsed(one[2])
        return (None, value) if one[1] == "most" else (value, None)
    return None, None


def _parsed(text: str) -> float | None:
    try:
        return number_of(float(text))
    except ValueError:
        return None


def _instrument(value: object) -> str:
    if isinstance(value, dict):
        value = f"{plain(value.get('model'))} {plain(value.get('serial'))}".strip()
    return plain(value) or NOT_STATED


def plain(value: object) -> str:
    """Return a value as text that SQLite takes: no lone surrogate, no zero byte."""
    if value is None:
        return ""
    return str(value).encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
