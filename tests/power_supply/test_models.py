"""Finding models: by name, by answer, in other packages; and models that cannot say who."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from types import ModuleType

import pytest

from hil.equipment.power_supply import CableLimits, IdentityError, PowerSupply, models
from hil.equipment.power_supply.dialect import Dialect
from hil.equipment.power_supply.models import all_models, dialect_answering, dialect_of
from hil.errors import ConfigError
from tests.power_supply.conversations.scripted import says
from tests.power_supply.conversations.test_keysight_e36312a import MANUAL
from tests.power_supply.conversations.whole_way import on_the_line

CABLE = CableLimits(5, 1, 5.5, 1.05)
Install = Callable[[object], None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return a function that lets another package offer something as a model."""

    def offer(found: object) -> None:
        module = ModuleType("acme_supplies")
        module.MODELS = found  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "acme_supplies", module)
        entry = metadata.EntryPoint("acme", "acme_supplies:MODELS", models.ENTRY_POINTS)

        def entry_points(*, group: str) -> list[metadata.EntryPoint]:
            return [entry] if group == models.ENTRY_POINTS else []

        monkeypatch.setattr(metadata, "entry_points", entry_points)

    return offer


def acme(model: str = "ACME-1", **changes: object) -> Dialect:
    arguments: dict[str, object] = {"model": model, "maker": "ACME", "identity": None, **changes}
    return replace(dialect_of("E36312A"), **arguments)  # type: ignore[arg-type]


def test_every_family_that_is_shipped_is_found() -> None:
    names = {row.model for row in all_models()}
    assert {
        "DP832", "DP831", "DP821", "DP811", "E36311A", "E36312A", "E36313A", "E3631A", "E3632A",
        "E3633A", "E3634A", "E3646A", "HMP2020", "HMP2030", "HMP4030", "HMP4040", "NGE102B",
        "NGE103B", "SPD3303X", "SPD1168X", "SPD1305X", "2230G-30-1", "2280S-32-6", "2281S-20-6",
        "KA3005P", "72-2540", "PL303-P", "QL355TP", "IT6832", "9130B",
    } <= names  # fmt: skip
    assert len(names) == len(all_models()), "every name once"


def test_an_unknown_model_names_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"no power supply model 'DP999'.*DP832.*or auto"):
        dialect_of("DP999")


@pytest.mark.parametrize("as_one", [True, False])
def test_another_package_adds_a_model(install: Install, as_one: bool) -> None:
    row = acme()
    install(row if as_one else [row])
    assert dialect_of("acme-1") is row
    assert row in all_models()


def test_a_model_of_another_package_is_known_by_its_answer(install: Install) -> None:
    row = acme(identity=re.compile(r"ACME,(?P<model>ACME-1),(?P<serial>\d+)"))
    install([row])
    assert dialect_answering("ACME,ACME-1,42") is row
    identity = row.read_identity("ACME,ACME-1,42")
    assert identity is not None
    assert (identity.maker, identity.serial, identity.firmware) == ("ACME", "42", "")
    assert dialect_answering("ACME,ACME-2,42") is None


@pytest.mark.parametrize(
    ("offered", "says_"),
    [
        (acme("DP832"), "there is a power supply model DP832 already"),
        ([acme(), acme()], "already"),
        ("a text", "not a Dialect"),
        ([1], "not a Dialect"),
        (7, "not a Dialect"),
    ],
)
def test_what_other_packages_may_not_offer(install: Install, offered: object, says_: str) -> None:
    install(offered)
    with pytest.raises(ConfigError, match=says_) as caught:
        all_models()
    assert "entry point acme (acme_supplies:MODELS)" in str(caught.value)
    assert dialect_of("DP832").model == "DP832", "ours can be used all the same"


def test_a_package_that_cannot_be_loaded_is_named(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install([acme()])
    monkeypatch.delattr(sys.modules["acme_supplies"], "MODELS")
    with pytest.raises(ConfigError, match="acme_supplies"):
        dialect_of("ACME-1")


def test_a_model_that_cannot_say_is_believed(install: Install) -> None:
    install(acme())
    with on_the_line(MANUAL) as (line, instrument):
        supply = PowerSupply.open(line.resource, model="ACME-1", limits={1: CABLE})
        assert "*IDN?" not in instrument.heard
        assert (supply.identity.maker, supply.identity.model) == ("ACME", "ACME-1")
        supply.close()
        with pytest.raises(IdentityError, match="no serial number to tell"):
            PowerSupply.open(
                line.resource, model="ACME-1", limits={1: CABLE}, expected_serial="MY1"
            )


def test_a_stranger_is_not_guessed() -> None:
    with on_the_line(MANUAL) as (line, instrument):
        instrument.phrases = [says("*IDN?", "ACME,PSU,1,1"), *instrument.phrases]
        with pytest.raises(IdentityError, match=r"'ACME,PSU,1,1' is no power supply.*DP832"):
            PowerSupply.open(line.resource, limits={1: CABLE})
        assert instrument.heard == ["*IDN?"], "nothing else was said to it"


def test_limits_are_checked_against_the_model_that_answers() -> None:
    with on_the_line(MANUAL) as (line, instrument):
        with pytest.raises(ConfigError, match="write its level as ovp"):
            PowerSupply.open(
                line.resource, limits={1: CableLimits(5, 1, None, 1.05, without_ovp="why")}
            )
        assert instrument.heard[0] == "*IDN?"
        assert not any(text.startswith("OUTP ON") for text in instrument.heard)
