"""What a bare eUICC shows of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.equipment.card.euicc import ProfileState
from hil.wire.apdu import CommandApdu
from hil.wire.identifiers import ISD_R_AID

if TYPE_CHECKING:
    from hil.bench.bench import Bench
    from hil.bench.esim import Esim
    from hil.equipment.card import Card


@pytest.mark.requirement("R-26", "R-44")
@pytest.mark.severity("blocker")
@pytest.mark.requires("card.m2m")
def test_the_eid_is_the_one_the_maker_gave(esim: Esim, bench: Bench) -> None:
    """GET DATA 5A in the ECASD answers the EID of the eUICC's EIS (SGP.02, 2.2.2)."""
    keys = bench.lab.euicc_keys
    assert keys is not None
    assert esim.eid() == keys.eid


@pytest.mark.requirement("R-44", "R-63")
@pytest.mark.severity("critical")
@pytest.mark.requires("card.m2m")
def test_exactly_one_profile_is_enabled(esim: Esim) -> None:
    """GetStatus shows one enabled profile, which carries the fall-back attribute."""
    enabled = [one for one in esim.profiles() if one.state is ProfileState.ENABLED]
    assert [one.fallback for one in enabled] == [True]


@pytest.mark.requirement("R-43", "R-44", refusal=True)
@pytest.mark.severity("critical")
@pytest.mark.requires("card.m2m")
def test_the_isd_r_answers_nobody_without_its_keys(esim: Esim) -> None:
    """Without SCP03 the ISD-R neither shows nor changes profiles."""
    before = esim.profiles()
    with esim.card.transaction():
        esim.card.select(ISD_R_AID)
        look = esim.card.send(CommandApdu(0x80, 0xF2, 0x40, 0x02, bytes.fromhex("4F00"), 256))
        dgi = bytes.fromhex("3A0412") + bytes.fromhex("4F10") + before[0].aid
        change = esim.card.send(CommandApdu(0x80, 0xE2, 0x88, 0x00, dgi))
    assert look.sw == 0x6982
    assert look.data == b""
    assert change.sw in (0x6982, 0x6985)
    assert esim.profiles() == before


@pytest.mark.requirement("R-75")
@pytest.mark.severity("normal")
@pytest.mark.requires("card")
def test_foreign_commands_are_refused_at_once(card: Card) -> None:
    """A 2G class and an unknown instruction get their status words, and the card goes on."""
    assert card.send(CommandApdu(0xA0, 0xA4, 0x00, 0x00, bytes.fromhex("3F00"))).sw == 0x6E00
    assert card.send(CommandApdu(0x00, 0xFE, 0x00, 0x00)).sw == 0x6D00
    assert card.select(0x3F00).sw == 0x9000
