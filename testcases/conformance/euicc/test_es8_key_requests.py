"""Key establishment: what a certificate must allow, requests that cannot be done, the last counter.

In what is wrong each request differs from a good one in one object, and is rightly signed.
"""

from __future__ import annotations

import os
from datetime import date
from typing import TYPE_CHECKING, Final

import pytest

from hil.evidence import step
from hil.wire import tlv
from hil.wire.gp_certificate import KEY_AGREEMENT, Role
from hil.wire.key_establishment import REFERENCE_TEMPLATE, Parameter, Reference
from hil.wire.scp03 import HostSession
from testcases.conformance.euicc import establishing, preparing
from testcases.conformance.euicc.establishing import REFUSED, Partner
from testcases.conformance.euicc.own_files import row

if TYPE_CHECKING:
    from hil.bench.bench import Bench
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import LabProfile, ProfileMaker
    from hil.equipment.card.over_the_air import OverTheAirSession
    from hil.wire.scp03 import KeySet

pytestmark = [
    pytest.mark.requires("card.m2m", "card.keys"),
    pytest.mark.requirement("R-63", "R-64"),
    pytest.mark.severity("critical"),
]
SECTION: Final = "SGP.02, 4.1.3.1; GlobalPlatform Amendment E, 3 and 4.8"
PLAIN: Final = Parameter.CERTIFICATE_FIRST | Parameter.DELETE_EXISTING
KVN: Final = 0x30
_SCENARIO, _TYPE, _LENGTH, _USAGE, _COUNTER, _SDIN = 0x90, 0x80, 0x81, 0x95, 0x91, 0x45
_WITH_IDENTIFIERS: Final = bytes((0x03, PLAIN | Parameter.IDENTIFIERS))


@pytest.fixture
def profile(over_the_air: OverTheAirSession, profile_maker: ProfileMaker) -> LabProfile:
    """A profile whose ISD-P was created, and is empty."""
    return preparing.empty(over_the_air, profile_maker)


@pytest.fixture
def sm_dp(over_the_air: OverTheAirSession, bench: Bench, profile: LabProfile) -> Partner:
    """The SM-DP of the bench, for that ISD-P."""
    return establishing.partner(over_the_air, bench, Role.SM_DP, profile.aid)


def with_objects(objects: dict[int, bytes]) -> bytes:
    """Return the template of a good request with other objects in it, or more."""
    whole, _ = tlv.decode_one(Reference(KVN, parameters=PLAIN).encode())
    found = {one.tag: one.value for one in whole.children()} | objects
    body = b"".join(tlv.encode(tag, value) for tag, value in found.items())
    return tlv.encode(REFERENCE_TEMPLATE, body)


def assert_not_taken(sm_dp: Partner, esim: Esim) -> None:
    """Hold the card to refusing a certificate, and to no change."""
    before = esim.profiles()
    answer = sm_dp.show()
    assert answer.sw in REFUSED, f"{answer.sw:04X}"
    assert answer.data == b""
    assert esim.profiles() == before


@pytest.mark.requirement("R-63", "R-64", refusal=True)
@pytest.mark.conformance("EUICC-ES8-KEYS-21", section=f"{SECTION}; SGP.02, 2.3.2")
def test_a_certificate_that_may_not_sign(
    sm_dp: Partner, bench: Bench, profile: LabProfile, esim: Esim
) -> None:
    """A certificate of the CI whose key may agree on keys, but not sign, is refused.

    Preconditions: an ISD-P is empty; the CI is one that signs for tests.

    Steps:
    1. A certificate of an SM-DP with the key usage of an ECASD (95: 0080): 6A80, 6982 or 6985.
    2. GetStatus: nothing has changed.
    """
    del profile
    other = establishing.issued(bench, sm_dp.key.public, Role.SM_DP, usage=KEY_AGREEMENT)
    assert_not_taken(sm_dp.with_certificate(other), esim)


@pytest.mark.applies("O_CLOCK")
@pytest.mark.requirement("R-63", "R-64", refusal=True)
@pytest.mark.conformance("EUICC-ES8-KEYS-22", section=SECTION)
def test_a_certificate_of_a_day_to_come(
    sm_dp: Partner, bench: Bench, profile: LabProfile, esim: Esim
) -> None:
    """A card that knows the day refuses a certificate before its first one.

    Preconditions: an ISD-P is empty; the CI is one that signs for tests. Few cards have a clock:
    where the key set does not tell the card's day (ecasd, today), a card that takes the certificate
    is NOT APPLICABLE here.

    Steps:
    1. A certificate that is good from 2049-01-01: 6A80, 6982 or 6985.
    2. GetStatus: nothing has changed.
    """
    del profile
    first = date(2049, 1, 1)
    young = establishing.issued(bench, sm_dp.key.public, Role.SM_DP, effective=first)
    partner = sm_dp.with_certificate(young)
    establishing.need_clock(bench, partner)
    assert_not_taken(partner, esim)


@pytest.mark.requirement("R-63", "R-64", refusal=True)
@pytest.mark.parametrize(
    "objects",
    [
        row("EUICC-ES8-KEYS-23", SECTION, "A request for another scenario than #3 is refused",
            {_SCENARIO: bytes((0x01, PLAIN))}),
        row("EUICC-ES8-KEYS-24", SECTION, "A request for keys of another type than AES is refused",
            {_TYPE: b"\x82"}),
        row("EUICC-ES8-KEYS-25", SECTION, "A request for AES keys of 15 bytes is refused",
            {_LENGTH: b"\x0f"}),
        row("EUICC-ES8-KEYS-26", SECTION, "A request with a key usage that is none is refused",
            {_USAGE: b"\xff"}),
        row("EUICC-ES8-KEYS-27", SECTION, "A request with an initial counter of 4 bytes is refused",
            {_COUNTER: bytes(4)}),
        row("EUICC-ES8-KEYS-28", SECTION,
            "A request for keys with SDIN and HostID that brings neither is refused",
            {_SCENARIO: _WITH_IDENTIFIERS}),
        row("EUICC-ES8-KEYS-29", SECTION,
            "A request for keys with SDIN and HostID that brings no HostID is refused",
            {_SCENARIO: _WITH_IDENTIFIERS, _SDIN: b"SD"}),
    ],
)  # fmt: skip
def test_a_request_that_cannot_be_done(
    sm_dp: Partner,
    profile_maker: ProfileMaker,
    profile: LabProfile,
    esim: Esim,
    objects: dict[int, bytes],
) -> None:
    """A key request that cannot be done is refused, and the keys before stay.

    Preconditions: an ISD-P is empty and has the keys that its maker gave it.

    Steps:
    1. The certificate: 9000 with RC.
    2. The key request of the title, with "delete existing keys", rightly signed: 6A80, 6982 or
       6985, no receipt.
    3. The keys before still open SCP03 to the ISD-P.
    """
    assert_refused(sm_dp, with_objects(objects))
    with step("3. The keys before"):
        preparing.inside(esim, profile.aid, profile_maker.keys(profile.aid))


def assert_refused(sm_dp: Partner, template: bytes, point: bytes = b"") -> None:
    """Hold the card to taking a certificate, and to refusing the request after it."""
    with step("1. The certificate"):
        assert sm_dp.show().sw == 0x9000
    with step("2. The request"):
        answer = sm_dp.ask_for(template, point)
        assert answer.sw in REFUSED, f"{answer.sw:04X}"
        assert answer.data == b""


@pytest.mark.requirement("R-63", "R-64", refusal=True)
@pytest.mark.conformance("EUICC-ES8-KEYS-30", section=f"{SECTION}; BSI TR-03111, 4.3.1")
def test_a_point_off_the_curve(
    sm_dp: Partner, profile_maker: ProfileMaker, profile: LabProfile, esim: Esim
) -> None:
    """An ephemeral key that is no point of the curve is refused: it would tell of the card's key.

    Preconditions: an ISD-P is empty and has the keys that its maker gave it.

    Steps:
    1. The certificate: 9000 with RC.
    2. A key request, rightly signed, with an ephemeral key whose y has one bit changed: 6A80, 6982
       or 6985, no receipt.
    3. The keys before still open SCP03 to the ISD-P.
    """
    point = sm_dp.ephemeral.public.point
    assert_refused(sm_dp, with_objects({}), point[:-1] + bytes((point[-1] ^ 0x01,)))
    with step("3. The keys before"):
        preparing.inside(esim, profile.aid, profile_maker.keys(profile.aid))


def counter_of_session(esim: Esim, aid: bytes, keys: KeySet) -> int | None:
    """Open SCP03 to a domain; return its sequence counter, None where it is refused."""
    with esim.card.transaction() as card:
        card.select(aid)
        host = HostSession(keys, os.urandom(8))
        answer = card.send(host.initialize_update())
        if answer.sw != 0x9000:
            assert answer.data == b""
            return None
        host.open(answer, aid=aid)
        card.expect(host.external_authenticate(level=0x33))
        return host.answer.counter


@pytest.mark.conformance(
    "EUICC-SCP03-COUNTER-01", section="GlobalPlatform Amendment D, 6.2.2.1 and 7.1.1"
)
def test_a_sequence_counter_at_its_end(sm_dp: Partner, profile: LabProfile, esim: Esim) -> None:
    """A sequence counter that has reached FFFFFF is used up: no challenge comes twice.

    Preconditions: an ISD-P is empty; its key sets have pseudo-random challenges.

    Steps:
    1. Keys are established with the initial counter FFFFFD.
    2. SCP03 to the ISD-P again and again: its counter is FFFFFD at least, and higher each time,
       until INITIALIZE UPDATE is refused.
    3. Once more: refused.
    """
    last = 0xFFFFFF
    counter = (last - 2).to_bytes(3, "big")
    keys = sm_dp.establish(Reference(KVN, parameters=PLAIN, counter=counter)).key_set(KVN)
    seen: list[int] = []
    with step("2. To the end"):
        while (found := counter_of_session(esim, profile.aid, keys)) is not None:
            assert last - 2 <= found <= last
            assert not seen or found > seen[-1], f"{found:06X} after {seen[-1]:06X}"
            seen.append(found)
        assert seen, "no session at all"
    with step("3. Once more"):
        assert counter_of_session(esim, profile.aid, keys) is None
