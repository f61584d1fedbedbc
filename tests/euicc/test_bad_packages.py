"""Every kind of bad package: the PEStatus it gets, and that nothing of it stays on the card."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hil.virtual.euicc import VirtualCard, open_card
from hil.virtual.euicc.nvm import Nvm
from hil.wire import isdr_commands
from hil.wire.profile_package.applications import Application, NonStandard
from hil.wire.profile_package.elements import UnknownElement, encode
from hil.wire.profile_package.package import PeHeader, split
from hil.wire.profile_package.response import PeStatus, response_to
from tests.euicc.bad_packages import (
    CASES,
    NEW,
    Bodies,
    Case,
    bodies_of,
    build,
    find,
    identification,
)
from tests.euicc.terminal import Terminal, factory, profile
from tests.euicc.test_download import AID, create, load

COUNTERS = ("counter/",)
"""Sequence counters of secure channels: they move with every session."""


def image(folder: Path, *, besides: tuple[str, ...] = COUNTERS) -> dict[str, bytes | None]:
    """All that is in the card's memory, but the keys that begin like one of ``besides``."""
    nvm = Nvm(folder)
    try:
        return {key: nvm.get(key) for key in nvm.keys("") if not key.startswith(besides)}
    finally:
        nvm.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    card = open_card(tmp_path, factory())
    create(Terminal(card))
    card.close()
    return tmp_path


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[VirtualCard]:
    card = open_card(tmp_path, factory())
    create(Terminal(card))
    yield card
    card.close()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_bad_package_is_refused_and_leaves_no_trace(folder: Path, case: Case) -> None:
    good = profile(size=0)
    bad = case.make(good)
    assert bad != good
    before = image(folder)
    card = open_card(folder, factory())
    try:
        response = load(Terminal(card), bad)
    finally:
        card.close()
    assert response.aborted
    assert [one.status for one in response.statuses] == [case.status]
    assert response.statuses[0].identification == identification(good, case.element)
    assert image(folder) == before
    # The ISD-P takes a good package with the next counter.
    card = open_card(folder, factory())
    try:
        assert load(Terminal(card), good, counter=2).ok
    finally:
        card.close()


def test_there_are_enough_kinds() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 120


def test_every_element_of_a_good_package_is_answered(fresh: VirtualCard) -> None:
    package = profile(size=0)
    response = load(Terminal(fresh), package)
    expected = [PeStatus(0, one.identification) for one in split(package)[1:]]
    assert list(response.statuses) == expected
    assert response == response_to(package)
    assert len(response.encode()) > 128


def test_elements_that_are_not_mandated_are_passed_over(fresh: VirtualCard) -> None:
    optional: Bodies = [
        NonStandard(PeHeader(NEW, mandated=False), "1.2.3", b"\x01"),
        UnknownElement(0xBF40, PeHeader(NEW + 1, mandated=False).encode()),
        Application(PeHeader(NEW + 2, mandated=False), bytes.fromhex("4F05A000000001C40100")),
    ]
    bodies = bodies_of(profile(size=0))
    package = build([*bodies[:-1], *optional, bodies[-1]])
    response = load(Terminal(fresh), package)
    assert response.ok
    assert [one.status for one in response.statuses[-4:]] == [1, 1, 7, 0]
    assert response == response_to(package)


def test_what_is_passed_over_leaves_nothing(folder: Path) -> None:
    """A second security domain whose last key has a type the card does not know."""
    bodies = bodies_of(profile(size=0))
    first = find(bodies, "SecurityDomain")
    key = first.keys[0]
    strange = replace(key, kvn=5, components=(replace(key.components[0], key_type=b"\x99"),))
    second = replace(
        first,
        header=PeHeader(NEW, mandated=False),
        instance=replace(
            first.instance, instance=bytes.fromhex("A000000151000001"), application=None
        ),
        keys=(replace(key, kvn=4), strange),
    )
    card = open_card(folder, factory())
    response = load(Terminal(card), build([*bodies[:-1], second, bodies[-1]]))
    card.close()
    assert response.ok
    passed_over = response.statuses[-2]
    assert (passed_over.status, passed_over.identification) == (10, NEW)
    there = encode(second).encode()[passed_over.offset :]
    assert there.startswith(bytes.fromhex("30229501"))
    assert not [key for key in image(folder) if "a000000151000001" in key]


def test_a_package_larger_than_the_quota(tmp_path: Path) -> None:
    card = open_card(tmp_path, factory(memory=14_000))
    try:
        terminal = Terminal(card)
        create(terminal, memory=0)
        response = load(terminal, profile(size=12_000))
        assert [one.status for one in response.statuses] == [4]
    finally:
        card.close()


def test_keys_and_instances_are_charged(tmp_path: Path) -> None:
    """The same profile without its domains leaves more memory."""

    def used(package: bytes, folder: Path) -> int:
        card = open_card(folder, factory())
        try:
            terminal = Terminal(card)
            create(terminal, memory=0)
            before = free(terminal)
            assert load(terminal, package).ok
            return before - free(terminal)
        finally:
            card.close()

    def free(terminal: Terminal) -> int:
        answer = terminal.raw("00A4040410A0000005591010FFFFFFFF890000010000")
        assert answer[:2] == "61"
        return int(terminal.raw("80CAFF2100")[18:26], 16)

    package = profile(size=0)
    bodies = bodies_of(package)
    names = ("SecurityDomain", "Rfm")
    bare = build([one for one in bodies if type(one).__name__ not in names])
    with_domains, without = used(package, tmp_path / "a"), used(bare, tmp_path / "b")
    keys = find(bodies, "SecurityDomain").keys
    assert with_domains - without >= 32 * len(keys or ()) + 4 * 64


def test_ts48_packages_are_answered_as_foreseen(
    fresh: VirtualCard, ts48_packages: dict[str, bytes]
) -> None:
    terminal = Terminal(fresh)
    for number, package in enumerate(ts48_packages.values()):
        if number:
            terminal.isd_r(isdr_commands.delete_profile(AID))
            create(terminal)
        response = load(terminal, package)
        assert response == response_to(package), response.text
        assert response.ok
