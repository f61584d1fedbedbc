"""Each target: its seeds are accepted, and neither the corpus nor mutations break its word."""

from __future__ import annotations

import itertools
import logging
import zlib

import pytest

from tests.fuzz import corpus, mutator
from tests.fuzz.engine import MEMORY, HangError, Target, peak_memory, try_input
from tests.fuzz.targets import TARGETS


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    """What is refused is logged, a thousand times a test; other tests want their logs back."""
    caplog.set_level(logging.CRITICAL, "hil")


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_seeds_are_accepted(name: str) -> None:
    target = TARGETS[name]
    seeds = target.seeds()
    assert seeds
    assert all(try_input(target, one) for one in seeds)


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_mutations_are_read_or_refused(name: str) -> None:
    target = TARGETS[name]
    known = corpus.kept(name)
    for data in known:
        try_input(target, data)
    inputs = mutator.mutations([*target.seeds(), *known], zlib.crc32(name.encode()))
    accepted = sum(try_input(target, one) for one in itertools.islice(inputs, target.mutations))
    assert not target.refuses or accepted < target.mutations, "every mutation was accepted"


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_memory_is_bounded(name: str) -> None:
    target = TARGETS[name]
    inputs = mutator.mutations([*target.seeds(), *corpus.kept(name)], 1)
    worst = max(peak_memory(target, one) for one in itertools.islice(inputs, 20))
    assert worst < MEMORY


def test_the_engine_sees_what_must_not_happen() -> None:
    def loop(_data: bytes) -> None:
        while True:
            pass

    def broken(data: bytes) -> int:
        return data[100]

    with pytest.raises(HangError):
        try_input(Target(loop, lambda: [b""]), b"")
    with pytest.raises(IndexError):
        try_input(Target(broken, lambda: [b""]), b"")
    unstable = Target(len, lambda: [b""], again=lambda size: bytes(size + 1))
    with pytest.raises(AssertionError):
        try_input(unstable, b"12")
    hungry = Target(lambda data: len(bytes(MEMORY) + data), lambda: [b""])
    assert peak_memory(hungry, b"") >= MEMORY


def test_mutations_are_the_same_for_the_same_seed() -> None:
    one, other = (
        list(itertools.islice(mutator.mutations([b"abc", bytes(40)], 7), 50)) for _ in range(2)
    )
    assert one == other
    assert len(set(one)) > 25
