"""One test as the journals of a run tell it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from hil.evidence.numbers import count_of, seconds_of
from hil.evidence.verdict import FAIL, INCONCLUSIVE, NOT_APPLICABLE, NOT_RUN, worst

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hil.evidence.journal.reader import Event

BROKEN_OFF: Final = "the run was broken off before the test ended"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its title, how deep it stands, when it began (UTC ns), how it ended."""

    number: int
    title: str
    parent: int
    began_ns: int
    status: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Attachment:
    """One attachment; ``file`` is relative to the run's folder, "" if it was too large to keep."""

    name: str
    kind: str
    file: str
    sha256: str
    size: int


@dataclass(frozen=True)
class TestRecord:
    """What is known of one test; ``seconds`` and ``began_ns`` (UTC) are 0 if it did not run.

    ``ways`` tells for each requirement whether the test proves the good way or a refusal.
    ``checks`` counts what was checked, ``fail_seen`` stays True whatever came after a failure, and
    ``verdict`` is FAIL then; ``ended_as`` is the word with which the last attempt was closed.
    ``attempts`` above 1: it was run again; each attempt's verdict counts, the worst of them wins.
    ``first_seq`` to ``last_seq`` is where it stands in the journal of ``process``, -1 for nowhere.
    """

    __test__ = False  # its name begins as a test's does
    id: str
    title: str
    description: str
    requirements: tuple[str, ...]
    ways: Mapping[str, tuple[str, ...]]
    case: Mapping[str, Any] | None
    severity: str
    parameters: Mapping[str, Any]
    file: str
    line: int
    verdict: str
    reason: str
    attempts: int
    process: str
    began_ns: int
    seconds: float
    checks: int
    fail_seen: bool
    steps: tuple[Step, ...]
    check_texts: tuple[str, ...]
    measurements: tuple[Mapping[str, Any], ...]
    attachments: tuple[Attachment, ...]
    proofs: tuple[tuple[str, str], ...]
    prompts: tuple[Mapping[str, Any], ...]
    applicability: Mapping[str, Any] | None
    phases: tuple[Mapping[str, Any], ...]
    first_seq: int = -1
    last_seq: int = -1
    ended_as: str = ""
    units: Mapping[str, str] = field(default_factory=dict)
    """Units of those parameters that have one, by name."""


@dataclass
class TestHistory:
    """Gathers the events of one test."""

    __test__ = False
    registered: Mapping[str, Any] = field(default_factory=dict)
    applicability: Mapping[str, Any] | None = None
    process: str = ""
    began_ns: int = 0
    first_seq: int = -1
    last_seq: int = -1
    attempts: int = 0
    open: bool = False
    verdicts: list[str] = field(default_factory=list)
    reason: str = ""
    seconds: float = 0.0
    checks: list[str] = field(default_factory=list)
    failed: bool = False
    steps: dict[int, Step] = field(default_factory=dict)
    measurements: list[Mapping[str, Any]] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    proofs: list[tuple[str, str]] = field(default_factory=list)
    prompts: list[Mapping[str, Any]] = field(default_factory=list)
    phases: list[Mapping[str, Any]] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Take one event in; one that is unknown is left aside.

        Raises TypeError if its body holds what no run writes.
        """
        handler = getattr(self, f"_take_{event.event.replace('-', '_')}", None)
        if handler is not None:
            handler(event)
        if self.attempts and event.process == self.process:
            self.last_seq = event.seq

    def record(self, name: str) -> TestRecord:
        """Return what is known."""
        known = self.registered
        verdict, reason = self._verdict()
        return TestRecord(
            id=name,
            title=str(known.get("title", "") or name.rpartition("::")[2]),
            description=str(known.get("description", "")),
            requirements=tuple(map(str, known.get("requirements", []))),
            ways=_ways(known.get("ways")),
            case=known.get("case"),
            severity=str(known.get("severity", "")),
            parameters=dict(known.get("parameters", {})),
            units=_units(known),
            file=str(known.get("file", "")),
            line=count_of(known.get("line")) or 0,
            verdict=verdict,
            reason=reason,
            attempts=self.attempts,
            process=self.process,
            began_ns=self.began_ns,
            seconds=self.seconds,
            checks=len(self.checks),
            fail_seen=self.failed,
            steps=tuple(self.steps[number] for number in sorted(self.steps)),
            check_texts=tuple(self.checks),
            measurements=tuple(self.measurements),
            attachments=tuple(self.attachments),
            proofs=tuple(self.proofs),
            prompts=tuple(self.prompts),
            applicability=self.applicability,
            phases=tuple(self.phases),
            ended_as=self.verdicts[-1] if self.verdicts else "",
            first_seq=self.first_seq,
            last_seq=self.last_seq,
        )

    def _verdict(self) -> tuple[str, str]:
        if self.open:
            return worst([*self.verdicts, *self._so_far(), INCONCLUSIVE]), self._why_open()
        if self.verdicts:
            return worst([*self.verdicts, *([FAIL] if self.failed else [])]), self.reason
        if self.applicability is not None and not self.applicability.get("applies", True):
            return NOT_APPLICABLE, str(self.applicability.get("reason", ""))
        return NOT_RUN, ""

    def _so_far(self) -> list[str]:
        seen = [str(phase.get("verdict", "")) for phase in self.phases if phase.get("verdict")]
        return [*seen, FAIL] if self.failed else seen

    def _why_open(self) -> str:
        told = [str(phase["reason"]) for phase in self.phases if phase.get("reason")]
        return told[0] if told else BROKEN_OFF

    def _take_test_registered(self, event: Event) -> None:
        body = event.body
        _need(body.get("requirements", []), list, "requirements")
        _need(body.get("parameters", {}), dict, "parameters")
        if body.get("case") is not None:
            _need(body["case"], dict, "case")
        self.registered = body

    def _take_applicability(self, event: Event) -> None:
        self.applicability = event.body

    def _take_test_begin(self, event: Event) -> None:
        if self.open:  # the attempt before was broken off, and nobody has closed it
            self.verdicts.append(worst([*self._so_far(), INCONCLUSIVE]))
            self.reason = self._why_open()
        self.attempts += 1
        if event.process != self.process:
            self.process, self.first_seq = event.process, event.seq
        self.began_ns = self.began_ns or event.utc_ns
        self.open = True
        self.phases.clear()

    def _take_phase(self, event: Event) -> None:
        self.phases.append(event.body)

    def _take_check(self, event: Event) -> None:
        self.checks.append(str(event.body.get("text", "")))
        self.failed = self.failed or not event.body.get("ok", True)

    def _take_step_begin(self, event: Event) -> None:
        number, parent = _count(event, "step"), _count(event, "parent")
        title = str(event.body.get("title", ""))
        self.steps[number] = Step(number, title, parent, event.utc_ns, "broken off", 0.0)

    def _take_step_end(self, event: Event) -> None:
        begun = self.steps.get(_count(event, "step"))
        if begun is not None:
            self.steps[begun.number] = Step(
                begun.number,
                begun.title,
                begun.parent,
                begun.began_ns,
                str(event.body.get("status", "")),
                seconds_of(event.body.get("seconds")) or 0.0,
            )

    def _take_measurement(self, event: Event) -> None:
        self.measurements.append(event.body)

    def _take_attachment(self, event: Event) -> None:
        body = event.body
        self.attachments.append(
            Attachment(
                str(body.get("name", "")),
                str(body.get("kind", "")),
                str(body.get("file", "")),
                str(body.get("sha256", "")),
                _count(event, "size"),
            )
        )

    def _take_proof(self, event: Event) -> None:
        self.proofs.append((str(event.body.get("name", "")), str(event.body.get("text", ""))))

    def _take_prompt(self, event: Event) -> None:
        self.prompts.append(event.body)

    def _take_test_end(self, event: Event) -> None:
        self.open = False
        self.verdicts.append(str(event.body.get("verdict", "")))
        self.failed = self.failed or bool(event.body.get("fail_seen"))
        self.reason = str(event.body.get("reason", "")) or self.reason
        self.seconds += seconds_of(event.body.get("seconds")) or 0.0


def _need(value: object, kind: type, name: str) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"{name} is no {'list' if kind is list else 'object'}")


def _count(event: Event, name: str) -> int:
    count = count_of(event.body.get(name, 0))
    if count is None:
        raise TypeError(f"{name} is no whole number of a run")
    return count


def _ways(given: object) -> dict[str, tuple[str, ...]]:
    """Return requirement → ways; a word alone is one way, what is neither is none."""
    if not isinstance(given, dict):
        return {}
    found = {name: [one] if isinstance(one, str) else one for name, one in given.items()}
    return {name: tuple(map(str, one)) for name, one in found.items() if isinstance(one, list)}


def _units(known: Mapping[str, Any]) -> dict[str, str]:
    """Return parameter → unit; what is no text, or of no parameter, is none."""
    units, there = known.get("units"), known.get("parameters")
    if not isinstance(units, dict) or not isinstance(there, dict):
        return {}
    return {name: unit for name, unit in units.items() if name in there and isinstance(unit, str)}
