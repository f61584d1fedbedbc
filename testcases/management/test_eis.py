"""The eUICC maker gives the EIS to the SM-SR; without a genuine one nothing is managed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.checks import refusal
from hil.provisioning.eis import SignedEis
from hil.provisioning.errors import Refusal
from hil.provisioning.http.sm_sr_client import SmSrClient

if TYPE_CHECKING:
    from hil.bench.desk import Desk

pytestmark = [
    pytest.mark.requires("servers.eum", "servers.sm-sr"),
    pytest.mark.requirement("R-69"),
]

UNKNOWN_EID = "89049032123451234512345678901235"


@pytest.mark.requirement("R-69")
@pytest.mark.requirement("R-69", refusal=True)
@pytest.mark.severity("critical")
def test_an_unknown_eid_is_refused_until_its_eis_arrives(desk: Desk) -> None:
    """The second SM-SR knows an eUICC as soon as the maker has brought its EIS, and not before."""
    sm_sr = desk.sm_sr("sm-sr-2")
    eid = desk.new_euicc(sm_sr="sm-sr-1")
    with refusal(Refusal):
        sm_sr.euicc(eid)
    desk.eum().deliver_eis(eid, "sm-sr-2")
    assert sm_sr.euicc(eid).eid == eid
    with refusal(Refusal):
        sm_sr.euicc(UNKNOWN_EID)


@pytest.mark.requirement("R-69", refusal=True)
@pytest.mark.severity("critical")
def test_an_eis_with_a_wrong_signature_is_refused(desk: Desk) -> None:
    """One changed byte of the EIS, or of its signature, and the SM-SR does not take it."""
    maker = desk.servers.of_kind("eum")[0]
    eid = desk.new_euicc(sm_sr="sm-sr-1")
    signed = desk.eum().eis(eid)
    with desk.servers.client(SmSrClient, "sm-sr-2", me=maker) as as_maker:
        for forged in (
            SignedEis(signed.payload[:-2] + b" " + signed.payload[-1:], signed.signature),
            SignedEis(signed.payload, bytes(len(signed.signature))),
        ):
            with refusal(Refusal):
                as_maker.register(forged)
        assert eid not in desk.sm_sr("sm-sr-2").euiccs()
        assert as_maker.register(signed) == eid
