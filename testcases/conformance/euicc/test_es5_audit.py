"""ES5: eUICCCapabilityAudit, and what the ECASD shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.evidence import step
from hil.not_applicable import not_applicable
from hil.wire import isdr_commands, tlv
from hil.wire.apdu import CommandApdu
from hil.wire.ecc import PUBLIC_KEY
from hil.wire.identifiers import ECASD_AID, decode_eid
from testcases.conformance.euicc import preparing
from testcases.conformance.euicc.preparing import one

if TYPE_CHECKING:
    from hil.bench.bench import Bench
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import ProfileMaker
    from hil.equipment.card.over_the_air import OverTheAirSession

pytestmark = [
    pytest.mark.requires("card.m2m", "card.keys"),
    pytest.mark.requirement("R-63"),
    pytest.mark.severity("critical"),
]
AUDIT = "SGP.02, 3.7 and 4.1.1.11"
MEMORY = "ETSI TS 102 226, 8.2.1.7"


@pytest.mark.conformance("EUICC-ES5-AUDIT-01", section=AUDIT)
def test_the_certificate_of_the_ecasd(
    over_the_air: OverTheAirSession, bench: Bench, esim: Esim
) -> None:
    """The audit brings CERT.ECASD.ECKA.

    Preconditions: the key set names the certificate of the ECASD.

    Steps:
    1. GET DATA BF30 with 5C 7F21: 9000, one object 7F21, the very certificate of the key set.
    2. Its subject 5F20 is the EID, its 7F49 a public key.
    """
    keys = bench.lab.euicc_keys
    if keys is None or keys.ecasd is None:
        not_applicable("the eUICC's key set names no ecasd")
    with step("1. GET DATA"):
        answer = one(over_the_air, isdr_commands.get_ecasd_certificate())
        assert answer.sw == 0x9000
        assert answer.data == keys.ecasd.certificate
    with step("2. What it holds"):
        objects = tlv.decode_one(answer.data)[0].children()
        assert decode_eid(tlv.require(objects, 0x5F20, where="certificate")) == esim.eid()
        assert tlv.find(objects, PUBLIC_KEY)


@pytest.mark.conformance("EUICC-ES5-AUDIT-02", section=AUDIT)
def test_other_data_of_the_ecasd(over_the_air: OverTheAirSession) -> None:
    """The audit brings nothing else, and says why.

    Preconditions: none.

    Steps:
    1. GET DATA BF30 with 5C 7F22, which no ECASD has: 6A88, no data.
    2. GET DATA BF30 with a tag list that is cut off: 6A80, no data.
    """
    for data, sw in (("5C027F22", 0x6A88), ("5C02", 0x6A80)):
        command = CommandApdu(0x80, 0xCA, 0xBF, 0x30, bytes.fromhex(data), 256)
        answer = one(over_the_air, command)
        assert (answer.sw, answer.data) == (sw, b"")


@pytest.mark.conformance("EUICC-ES5-AUDIT-03", section=MEMORY)
def test_the_memory_left(over_the_air: OverTheAirSession, profile_maker: ProfileMaker) -> None:
    """FF21 tells applications, non-volatile and volatile memory, and an ISD-P's quota is in it.

    Preconditions: none.

    Steps:
    1. GET DATA FF21: 9000, one object with 81, 82 and 83.
    2. After CreateISDP with a quota 82 is less by the quota, or by a little more.
    3. After DeleteProfile for the ISD-P it is what it was.
    """
    with step("1. GET DATA"):
        answer = one(over_the_air, isdr_commands.get_memory())
        assert answer.sw == 0x9000
        whole, rest = tlv.decode_one(answer.data)
        assert (whole.tag, rest) == (0xFF21, b"")
        assert [row.tag for row in whole.children()] == [0x81, 0x82, 0x83]
    profile, quota = profile_maker.profile(), 20_000
    before = preparing.free_memory(over_the_air)
    with step("2. CreateISDP"):
        assert one(over_the_air, isdr_commands.create_isdp(profile.aid, quota)).sw == 0x9000
        taken = before - preparing.free_memory(over_the_air)
        assert quota <= taken < quota + 4096
    with step("3. DeleteProfile"):
        assert one(over_the_air, isdr_commands.delete_profile(profile.aid)).sw == 0x9000
        assert preparing.free_memory(over_the_air) == before


@pytest.mark.conformance("EUICC-ES5-AUDIT-04", section="GlobalPlatform, 11.3")
def test_data_that_the_isd_r_does_not_have(over_the_air: OverTheAirSession) -> None:
    """GET DATA of an object that is not there is refused.

    Preconditions: none.

    Steps:
    1. GET DATA 5FFF: 6A88, no data.
    """
    answer = one(over_the_air, CommandApdu(0x80, 0xCA, 0x5F, 0xFF, le=256))
    assert (answer.sw, answer.data) == (0x6A88, b"")


@pytest.mark.conformance("EUICC-ES5-AUDIT-05", section="SGP.02, 2.2.1.2; GlobalPlatform, 11.3")
def test_the_ecasd_shows_the_eid_to_anybody(esim: Esim, bench: Bench) -> None:
    """GET DATA 5A of the ECASD is the EID, without any key.

    Preconditions: the ECASD is selected.

    Steps:
    1. GET DATA 5A: 5A 10 and 16 bytes of plain BCD, or the 16 bytes alone.
    2. They are the EID of the key set; their check digits are right (mod 97 is 1).
    3. GET DATA 5B: 6A88.
    """
    keys = bench.lab.euicc_keys
    with esim.card.transaction() as card:
        card.select(ECASD_AID)
        with step("1. and 2. EID"):
            answer = card.expect(CommandApdu(0x00, 0xCA, 0x00, 0x5A, le=256)).data
            raw = answer.removeprefix(bytes.fromhex("5A10"))
            assert len(raw) == 16
            assert keys is not None
            assert raw.hex() == keys.eid
            assert int(raw.hex()) % 97 == 1
        with step("3. Another object"):
            assert card.send(CommandApdu(0x00, 0xCA, 0x00, 0x5B, le=256)).sw == 0x6A88


@pytest.mark.conformance("EUICC-ES5-AUDIT-06", section="SGP.02, 2.2.1.2")
def test_the_ecasd_takes_nothing(esim: Esim) -> None:
    """Nothing in the ECASD can be changed.

    Preconditions: the ECASD is selected.

    Steps:
    1. STORE DATA, PUT KEY, INSTALL, DELETE and SET STATUS without a session: 6D00, 6982, 6985 or
       6A88 each.
    2. GET DATA 5A: the EID as before.
    """
    before = esim.eid()
    with esim.card.transaction() as card:
        card.select(ECASD_AID)
        for ins, p1, p2 in ((0xE2, 0x88, 0), (0xD8, 0, 1), (0xE6, 0x0C, 0), (0xE4, 0, 0x40),
                            (0xF0, 0x40, 0x0F)):  # fmt: skip
            answer = card.send(CommandApdu(0x80, ins, p1, p2, bytes.fromhex("4F00")))
            assert answer.sw in (0x6D00, 0x6982, 0x6985, 0x6A88), f"{ins:02X}: {answer.sw:04X}"
    assert esim.eid() == before
