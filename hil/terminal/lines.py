"""The lines that a session shows, without colour where a width must be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.terminal.text import about, clean, clock, columns, short

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hil.terminal.board import Board, Doing, Result, Step
    from hil.terminal.style import Style

VERDICTS: Final = ("PASS", "FAIL", "INCONCLUSIVE", "ERROR", "NOT APPLICABLE")
SILENT_S: Final = 5.0
"""Equipment that owes an answer for so long is worth telling."""
MOST_OF_A_REASON: Final = 300
_WIDEST: Final = max(map(len, VERDICTS))
_BAR: Final = 20


def name_of(board: Board, test: str) -> str:
    """Return what a person calls a test: its case and title, else the end of its node id."""
    known = board.known(test)
    words = known.case, known.title or test.rpartition("/")[2]
    return clean("  ".join(word for word in words if word))


def counted(board: Board, *, sparse: bool = True) -> str:
    """Return the counts of verdicts; ``sparse`` leaves out those that nobody got."""
    counts = board.counts
    told = [(word, counts[word]) for word in VERDICTS if counts[word] or not sparse]
    return "  ".join(f"{word} {count}" for word, count in told)


def total(board: Board, now_s: float, left_s: float | None, style: Style) -> str:
    """Return how far the session is: bar, tests, time that passed and is left, verdicts."""
    done, tests = len(board.verdicts), len(board.tests)
    parts = [f"{done}/{tests}" if tests else "collecting tests", clock(now_s - board.began_s)]
    if left_s is not None and done < tests:
        parts.append(f"{about(left_s)} left")
    parts.append(counted(board))
    text = "  ".join(part for part in parts if part)
    if tests and style.width and columns(text) + _BAR + 2 < style.width:
        text = f"{style.bar(done / tests, _BAR)}  {text}"
    return style.fit(text)


def step_of(step: Step, now_s: float) -> str:
    """Return a step, how long it goes on and how long it may."""
    limit = f" / limit {short(step.limit_s)}" if step.limit_s else ""
    return f'step {step.number} "{clean(step.title)}"  {short(now_s - step.began_s)}{limit}'


def doing(
    board: Board,
    process: Doing,
    now_s: float,
    expected_s: float | None,
    *,
    limit_s: float = 0.0,
    only: bool = False,
) -> str:
    """Return what a process is at; ``limit_s`` is that of a whole test, 0 for none.

    ``only`` it is: then its name is no news.
    """
    passed_s = now_s - process.began_s
    of = f" of {about(expected_s)}" if expected_s is not None else ""
    parts = [] if only else [process.process]
    if process.step is not None:
        step = process.step
        parts += [step_of(step, now_s), *_signs(process, now_s)]
        parts += [f"in {name_of(board, process.test)}", f"{short(passed_s)}{of}"]
    else:
        limit = f" / limit {short(limit_s)}" if limit_s else ""
        parts += [name_of(board, process.test), f"{short(passed_s)}{of}{limit}"]
        parts += _signs(process, now_s)
    return "  ".join(parts)


def _signs(process: Doing, now_s: float) -> list[str]:
    if process.prompt:
        return [f"waits for the operator: {clean(process.prompt)}"]
    silent = no_answer(process.silent(now_s, SILENT_S))
    if silent:
        return [silent]
    return [clean(process.last)] if process.last else []


def no_answer(silent: Iterable[tuple[str, float]]) -> str:
    """Return who keeps silent, and since when; "" if nobody does."""
    return ", ".join(f"no answer from {clean(name)} for {short(since)}" for name, since in silent)


def verdict(word: str, style: Style) -> str:
    """Return a verdict, as wide as the widest."""
    return style.paint(f"{clean(word):<{_WIDEST}}", word)


def result(board: Board, result: Result, style: Style, *, process: bool) -> str:
    """Return the line of a test that has ended: the one that matters, if it did not pass.

    Only a PASS is cut to the width of the terminal: why a test failed is said to the end.
    """
    who = f"{result.process}  " if process else ""
    head, seconds = verdict(result.verdict, style), short(result.seconds)
    if result.verdict == "PASS":
        text = f"{who}{name_of(board, result.test)}  {seconds}"
        return f"{head}  {style.fit(text, _WIDEST + 2)}"
    known = board.known(result.test)
    reason = clean(result.reason)
    if len(reason) > MOST_OF_A_REASON:
        reason = reason[: MOST_OF_A_REASON - len(style.ellipsis)] + style.ellipsis
    requirements = " ".join(result.requirements)
    words = [clean(result.test), known.case, requirements, reason, clean(result.step)]
    return f"{head}  {who}{'  '.join(word for word in words if word)}  {seconds}"
