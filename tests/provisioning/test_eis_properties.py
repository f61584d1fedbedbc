"""UpdateEISAdditionalProperties: what the maker tells of an eUICC beside the signed EIS."""

from __future__ import annotations

import pytest

from hil.provisioning.errors import Refusal
from hil.provisioning.trust import Principal, Role
from tests.provisioning.world import OPERATOR, World, eid_of

EID = eid_of(1)
MAKER = Principal("eum-1", Role.EUM)


def properties(world: World) -> dict[str, str]:
    return dict(world.sm_sr.management.get_eis(OPERATOR, EID).properties)


def test_named_ones_are_set_and_the_others_stay(world: World) -> None:
    world.register_euicc()
    assert properties(world) == {}
    world.sm_sr.update_properties(MAKER, EID, {"batch": "7", "module": "M1"})
    world.sm_sr.update_properties(MAKER, EID, {"module": "M2", "site": "north"})
    assert properties(world) == {"batch": "7", "module": "M2", "site": "north"}
    world.sm_sr.update_properties(MAKER, EID, {"batch": ""})
    assert properties(world) == {"module": "M2", "site": "north"}


@pytest.mark.parametrize(
    ("caller", "eid", "changed", "subject"),
    [
        (MAKER, eid_of(2), {"a": "b"}, "8.1.1"),
        (Principal("eum-2", Role.EUM), EID, {"a": "b"}, "1.1"),
        (MAKER, EID, {}, "1.6"),
        (MAKER, EID, {"": "b"}, "1.6"),
        (MAKER, EID, {"n" * 65: "b"}, "1.6"),
        (MAKER, EID, {"a": "v" * 1001}, "1.6"),
        (MAKER, EID, {f"n{number}": "v" for number in range(65)}, "1.6"),
    ],
)
def test_what_is_refused_changes_nothing(
    world: World, caller: Principal, eid: str, changed: dict[str, str], subject: str
) -> None:
    world.register_euicc()
    world.sm_sr.update_properties(MAKER, EID, {"batch": "7"})
    with pytest.raises(Refusal) as caught:
        world.sm_sr.update_properties(caller, eid, changed)
    assert caught.value.details["subject"] == subject
    assert properties(world) == {"batch": "7"}


def test_only_makers_may(world: World) -> None:
    world.register_euicc()
    with pytest.raises(Refusal, match="is operator"):
        world.sm_sr.update_properties(OPERATOR, EID, {"a": "b"})
