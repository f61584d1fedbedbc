"""Management under bad air and kills: no command has its effect twice, no success is a guess."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest

from hil.provisioning.errors import Refusal
from hil.provisioning.trust import Principal, Role
from hil.virtual.euicc.remote_scripts import RemoteScripts
from hil.wire.command_script import C_APDU, CommandScript
from tests.provisioning.aired import EID, Air
from tests.provisioning.world import OPERATOR
from tests.thorough import thorough

CHANGING = frozenset({0xE2, 0xE4, 0xE6})
"""Instructions that change the card: STORE DATA, DELETE, INSTALL."""


class Weather:
    """Loses, doubles, delays and reorders messages one way; delayed ones come with later ones."""

    def __init__(self, chance: random.Random, badness: float) -> None:
        self._chance = chance
        self._badness = badness
        self._held: list[bytes] = []

    def __call__(self, messages: list[bytes]) -> list[bytes]:
        pool, self._held = self._held + messages, []
        through: list[bytes] = []
        for message in pool:
            fate = self._chance.random()
            if fate < self._badness / 2:
                continue
            if fate < self._badness:
                self._held.append(message)
                continue
            through += [message] * (2 if self._chance.random() < self._badness else 1)
        if self._chance.random() < self._badness:
            self._chance.shuffle(through)
        return through

    def clear(self) -> None:
        """Become fair; what was held comes with the next message."""
        self._badness = 0.0


class Executions:
    """Counts how often each script that changes the card was run under one and the same job."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.counts: Counter[bytes] = Counter()
        run = RemoteScripts.run

        def counting(scripts: RemoteScripts, aid: bytes, raw: bytes, *more: object) -> bytes:
            items = CommandScript.decode(raw).items
            if any(one.tag == C_APDU and one.value[1] in CHANGING for one in items):
                self.counts[raw] += 1
            return run(scripts, aid, raw, *more)  # type: ignore[arg-type]

        patch.setattr(RemoteScripts, "run", counting)


def restart(air: Air) -> None:
    """Kill the SM-SR and start it again over its store."""
    air.world.close()
    air.world.open()
    air.tick_clock(air.world)


def run(air: Air, job: str, chance: random.Random) -> str:
    """Let time go on until the job has ended; the server may be killed at any step."""
    for _ in range(300):
        report = air.world.sm_sr.job(job)
        if report.state != "running":
            return report.state
        pause = air.world.sm_sr.jobs.queue.pump()
        air.clock.now += pause or 0.0
        if chance.random() < 0.1:
            restart(air)
    return "running"


@pytest.mark.parametrize(
    "seed", [*range(2), *(pytest.param(seed, marks=thorough) for seed in range(2, 8))]
)
def test_whatever_the_weather(air: Air, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(seed)  # noqa: S311 - weather, not a secret
    iccids = [air.installed(enable=True), air.installed()]
    ended: Counter[str] = Counter()
    for _ in range(6):
        executions = Executions(monkeypatch)
        down, up = Weather(chance, chance.choice((0.2, 0.5, 0.8))), Weather(chance, 0.4)
        air.air.down, air.air.up = down, up
        job = begin(air, chance, iccids)
        state = run(air, job, chance)
        assert state in ("done", "failed"), "a job comes to an end"
        assert max(executions.counts.values(), default=0) <= 1, "nothing was run twice"
        believed = air.states()
        down.clear()
        up.clear()
        assert run(air, air.world.sm_sr.audit(OPERATOR, EID), random.Random(0)) == "done"  # noqa: S311
        if state == "done":
            assert air.states() == believed, "a success is what the card says too"
        assert sum(one == "enabled" for one in air.states().values()) <= 1
        ended[state] += 1
        monkeypatch.undo()
    assert ended["done"], "not everything may fail"


def begin(air: Air, chance: random.Random, iccids: list[str]) -> str:
    """Start a job that the states allow, chosen by chance."""
    sm_sr, states = air.world.sm_sr, air.states()
    choices: list[Callable[[], str]] = [
        *(
            (lambda iccid=iccid: sm_sr.enable(OPERATOR, EID, iccid))
            for iccid in iccids
            if states.get(iccid) == "disabled"
        ),
        *(
            (lambda iccid=iccid: sm_sr.disable(OPERATOR, EID, iccid))
            for iccid in iccids
            if states.get(iccid) == "enabled"
        ),
    ]
    return chance.choice(choices)()


@pytest.mark.parametrize("answers_lost", [1, 2, 5])
def test_a_lost_proof_of_an_executed_command_is_not_a_second_execution(
    air: Air, answers_lost: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = air.installed(enable=True), air.installed()
    executions = Executions(monkeypatch)
    left = answers_lost

    def lose(messages: list[bytes]) -> list[bytes]:
        nonlocal left
        if left and messages:
            left -= 1
            return []
        return messages

    air.air.up = lose
    report = air.run(air.world.sm_sr.enable(OPERATOR, EID, second), pumps=200)
    assert report.state == "done", report.reason
    assert report.commands[0] == ("enable", "unanswered")
    assert list(executions.counts.values()) == [1]
    assert air.states() == {first: "disabled", second: "enabled"}


def test_jobs_of_two_callers_do_not_meet(air: Air) -> None:
    iccid = air.installed()
    job = air.world.sm_sr.enable(Principal("mno-1", Role.MNO), EID, iccid)
    with pytest.raises(Refusal, match="busy with another enable"):
        air.world.sm_sr.delete(OPERATOR, EID, iccid)
    with pytest.raises(Refusal, match="not one of mno-2"):
        air.world.sm_sr.check_job(Principal("mno-2", Role.MNO), job)
    assert air.run(job).state == "done"
