"""What a deleted profile leaves behind: nothing that its successor could find."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.equipment.card import commands
from hil.evidence import step
from hil.wire import isdr_commands
from hil.wire.aka import AuthenticationVector, Milenage
from testcases.conformance.euicc import own_files, preparing
from testcases.conformance.euicc.own_files import ask
from testcases.conformance.euicc.preparing import one

if TYPE_CHECKING:
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import ProfileMaker
    from hil.equipment.card.over_the_air import OverTheAirSession

pytestmark = [
    pytest.mark.requires("card.m2m", "card.keys"),
    pytest.mark.requirement("R-63"),
    pytest.mark.severity("critical"),
]
SECTION = "SGP.02, 3.4 and 4.1.1.4"
PIN, OTHER = "30303030FFFFFFFF", "31323334FFFFFFFF"
RAND = bytes(range(16))


@pytest.mark.conformance("EUICC-ES5-DELETE-07", section=SECTION)
def test_a_deleted_profile_leaves_nothing(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """A profile in the ISD-P of a deleted one has no file, PIN or sequence number of it.

    Preconditions: a profile with a DF 7F50 of its own was ENABLED; its PIN1 was changed, its USIM
    has used SEQ 64. It is DISABLED.

    Steps:
    1. DeleteProfile for it: 9000.
    2. A plain profile with the same K is installed in an ISD-P of the same AID, and enabled.
    3. SELECT of 7F50: 6A82.
    4. ENABLE PIN1 with the value of its own package: 9000.
    5. AUTHENTICATE with SEQ 32 of the same IND: success, not AUTS.
    """
    old = own_files.enabled(over_the_air, profile_maker)
    network = Milenage(old.data.k, old.data.opc)

    def answered(sqn: int) -> bytes:
        sent = AuthenticationVector.make(network, RAND, sqn)
        return card.send(commands.authenticate_3g(sent.rand, sent.autn)).data[:1]

    with esim.card.transaction() as card:
        card.reset()
        for command in (f"0028000108{PIN}", f"0024000110{PIN}{OTHER}", f"0026000108{OTHER}"):
            assert ask(card, command) == "9000"
        own_files.select_usim(card)
        assert answered(64 << 5) == b"\xdb"
    assert one(over_the_air, isdr_commands.disable_profile(old.aid)).sw == 0x9000
    with step("1. DeleteProfile"):
        assert one(over_the_air, isdr_commands.delete_profile(old.aid)).sw == 0x9000
    with step("2. Its successor"):
        new = profile_maker.profile(tar=old.tar, k=old.data.k, opc=old.data.opc)
        preparing.created(over_the_air, new)
        packets = new.packets.packets
        assert esim.load(new.aid, packets) == [packet.expected for packet in packets]
        assert one(over_the_air, isdr_commands.enable_profile(new.aid)).sw == 0x9000
    with esim.card.transaction() as card:
        card.reset()
        with step("3. Files"):
            assert ask(card, f"00A4000402{own_files.DF}00") == "6A82"
        with step("4. PIN1"):
            assert ask(card, f"0028000108{PIN}") == "9000"
        with step("5. Sequence numbers"):
            own_files.select_usim(card)
            assert answered(32 << 5) == b"\xdb"
