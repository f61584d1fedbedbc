"""Packages of every kind by seed: repeatable, valid, and as different as they are meant to be."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache

from hil.wire.profile_package.applications import Rfm, SecurityDomain
from hil.wire.profile_package.authentication import AkaParameter, AlgorithmParameter
from hil.wire.profile_package.checks import check
from hil.wire.profile_package.elements import Body, decode_package, encode_package
from hil.wire.profile_package.fcp import Fcp
from hil.wire.profile_package.files import GenericFileManagement
from hil.wire.profile_package.package import split
from hil.wire.profile_package.pins import PinCodes
from hil.wire.profile_package.variety import Variety, varied

SEEDS = range(100)


@cache
def _all() -> tuple[Variety, ...]:
    return tuple(varied(seed) for seed in SEEDS)


@cache
def _bodies() -> tuple[Body, ...]:
    return tuple(body for one in _all() for body in decode_package(one.package))


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    for one in _all()[:10]:
        assert varied(one.seed) == one
    assert len({one.package for one in _all()}) == len(SEEDS)
    assert len({one.data.iccid for one in _all()}) == len(SEEDS)


def test_another_iccid_changes_nothing_else() -> None:
    for one in _all()[:10]:
        other = varied(one.seed, iccid="8900109900000000015")
        assert other.data == replace(one.data, iccid="8900109900000000015")
        assert check(other.package) == (), one.seed
        changed = {
            before.name
            for before, after in zip(split(one.package), split(other.package), strict=True)
            if before.body != after.body
        }
        assert changed == {"header", "mf"}


def test_the_checks_find_nothing_and_the_bytes_come_back() -> None:
    for one in _all():
        assert check(one.package) == (), one.seed
        assert encode_package(decode_package(one.package)) == one.package, one.seed


def test_there_is_everything_in_more_than_one_of_them() -> None:
    elements = Counter(
        name for one in _all() for name in {element.name for element in split(one.package)}
    )
    for name in (
        "isim", "opt-isim", "csim", "opt-csim", "opt-usim", "gsm-access", "df-5gs", "rfm",
        "genericFileManagement", "cdmaParameter",
    ):  # fmt: skip
        assert 5 <= elements[name] <= 98, f"{name}: {elements[name]}"
    classes = Counter(one.profile_class for one in _all())
    assert len(classes) == 3
    assert min(classes.values()) >= 10
    sizes = [len(one.package) for one in _all()]
    assert max(sizes) > 2 * min(sizes)


def test_there_are_all_algorithms_keys_pins_and_files() -> None:
    algorithms = Counter(
        (body.configuration.algorithm, len(body.configuration.key))
        if isinstance(body.configuration, AlgorithmParameter)
        else "mapped"
        for body in _bodies()
        if isinstance(body, AkaParameter)
    )
    assert set(algorithms) == {(1, 16), (2, 16), (2, 32), (3, 16), "mapped"}
    lengths = {
        len(key.components[0].value)
        for body in _bodies()
        if isinstance(body, SecurityDomain)
        for key in body.keys or ()
    }
    assert lengths == {16, 24, 32}
    domains = Counter(
        sum(isinstance(body, SecurityDomain) for body in decode_package(one.package))
        for one in _all()
    )
    assert set(domains) == {1, 2, 3}
    shared = {body.path is not None for body in _bodies() if isinstance(body, PinCodes)}
    assert shared == {True, False}
    created = [
        step
        for body in _bodies()
        if isinstance(body, GenericFileManagement)
        for command in body.commands
        for step in command
        if isinstance(step, Fcp)
    ]
    kinds = {one.descriptor[0] for one in created if one.descriptor}
    assert kinds == {0x41, 0x42, 0x46, 0x78, 0x79}
    assert {bool(one.link) for one in created} == {True, False}
    assert {one.security_level for one in _bodies() if isinstance(one, Rfm)} == {0x02, 0x06, 0x16}
