"""ES1.UpdateEISAdditionalProperties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hil.evidence import step
from testcases.conformance.servers import preparing
from testcases.conformance.servers.answers import Answer, refused
from testcases.conformance.servers.preparing import case

if TYPE_CHECKING:
    from hil.bench.parties import Parties

pytestmark = [
    pytest.mark.requires("servers.mno", "servers.eum", "servers.sm-sr"),
    pytest.mark.requirement("R-69"),
    pytest.mark.severity("normal"),
]
SECTION = "SGP.02, 5.2.2"


def told(parties: Parties, eid: str, properties: dict[str, str]) -> None:
    """Call UpdateEISAdditionalProperties as the maker."""
    parties.call(
        parties.eum,
        parties.sm_sr,
        "es1/UpdateEISAdditionalProperties",
        eid=eid,
        properties=properties,
    )


def shown(parties: Parties, eid: str) -> dict[str, Any]:
    """Return the additional properties as an MNO sees them."""
    found: dict[str, Any] = parties.call(parties.mno, parties.sm_sr, "es4/GetEIS", eid=eid)
    return dict(found["properties"])


@pytest.mark.conformance("SMSR-ES1-PROPERTIES-01", section=SECTION)
def test_the_maker_tells_more_of_an_euicc(parties: Parties) -> None:
    """Additional properties are set by name, shown with the EIS, and taken away by an empty value.

    Preconditions: an eUICC is registered.

    Steps:
    1. UpdateEISAdditionalProperties by its maker: accepted; GetEIS shows them.
    2. Again, with another value and a new name: the others stay.
    3. With an empty value: that one is gone.
    """
    eid = preparing.registered(parties)
    with step("1. UpdateEISAdditionalProperties"):
        told(parties, eid, {"batch": "7", "module": "M1"})
        assert shown(parties, eid) == {"batch": "7", "module": "M1"}
    with step("2. Again"):
        told(parties, eid, {"module": "M2", "site": "north"})
        assert shown(parties, eid) == {"batch": "7", "module": "M2", "site": "north"}
    with step("3. An empty value"):
        told(parties, eid, {"batch": ""})
        assert shown(parties, eid) == {"module": "M2", "site": "north"}


@pytest.mark.requirement("R-69", refusal=True)
@pytest.mark.parametrize(
    ("properties", "known", "answer"),
    [
        case("SMSR-ES1-PROPERTIES-02", "Properties of an unknown eUICC are refused", SECTION,
             {"batch": "8"}, False, Answer.UNKNOWN_EUICC),
        case("SMSR-ES1-PROPERTIES-03", "No property at all is refused", SECTION,
             {}, True, Answer.DATA_INVALID),
        case("SMSR-ES1-PROPERTIES-04", "A property without a name is refused", SECTION,
             {"": "8"}, True, Answer.DATA_INVALID),
    ],
)  # fmt: skip
def test_wrong_properties_are_refused(
    parties: Parties, properties: dict[str, str], known: bool, answer: Answer
) -> None:
    """Properties that cannot be are refused, and change nothing.

    Preconditions: an eUICC is registered, and has one additional property.

    Steps:
    1. UpdateEISAdditionalProperties: the refusal of the documentation.
    2. GetEIS: as before.
    """
    eid = preparing.registered(parties)
    told(parties, eid, {"batch": "7"})
    with step(f"1. {answer}"), refused(answer):
        told(parties, eid if known else preparing.new_eid(), properties)
    with step("2. GetEIS"):
        assert shown(parties, eid) == {"batch": "7"}
