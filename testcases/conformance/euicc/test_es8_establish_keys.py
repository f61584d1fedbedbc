"""ES8.EstablishISDPKeySet, by way of the ISD-R."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from hil.equipment.card.euicc import ProfileState
from hil.evidence import step
from hil.wire import isdr_commands
from hil.wire.apdu import CommandApdu
from hil.wire.download import prepare_packets
from hil.wire.ecc import PrivateKey
from hil.wire.gp_certificate import Role
from hil.wire.identifiers import isd_p_aid
from hil.wire.key_establishment import Parameter, Reference, Usage
from testcases.conformance.euicc import establishing, preparing
from testcases.conformance.euicc.establishing import REFUSED, Partner
from testcases.conformance.euicc.preparing import assert_refused, assert_state, one

if TYPE_CHECKING:
    from hil.bench.bench import Bench
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import LabProfile, ProfileMaker
    from hil.equipment.card.over_the_air import OverTheAirSession

pytestmark = [
    pytest.mark.requires("card.m2m", "card.keys"),
    pytest.mark.requirement("R-63", "R-64"),
    pytest.mark.severity("critical"),
]
SECTION = "SGP.02, 3.1.2 and 4.1.3.1; GlobalPlatform Amendment E, 3"
PLAIN = Parameter.CERTIFICATE_FIRST | Parameter.DELETE_EXISTING
RANDOM = PLAIN | Parameter.DERIVATION_RANDOM
KVN = 0x30


@pytest.fixture
def profile(over_the_air: OverTheAirSession, profile_maker: ProfileMaker) -> LabProfile:
    """A profile whose ISD-P was created, and is empty."""
    return preparing.empty(over_the_air, profile_maker)


@pytest.fixture
def sm_dp(over_the_air: OverTheAirSession, bench: Bench, profile: LabProfile) -> Partner:
    """The SM-DP of the bench, for that ISD-P."""
    return establishing.partner(over_the_air, bench, Role.SM_DP, profile.aid)


def assert_personalized(esim: Esim, aid: bytes) -> None:
    """Hold the ISD-P to having its keys."""
    assert_state(esim, aid, ProfileState.PERSONALIZED)


@pytest.mark.parametrize(
    "reference",
    [
        pytest.param(
            Reference(KVN, parameters=PLAIN),
            marks=pytest.mark.conformance(
                "EUICC-ES8-KEYS-01",
                section=SECTION,
                title="Three keys are established without a derivation random",
            ),
        ),
        pytest.param(
            Reference(KVN, parameters=RANDOM),
            marks=pytest.mark.conformance(
                "EUICC-ES8-KEYS-02",
                section=SECTION,
                title="Three keys are established with a derivation random",
            ),
        ),
        pytest.param(
            Reference(
                KVN,
                parameters=RANDOM | Parameter.IDENTIFIERS,
                sdin=bytes.fromhex("5344"),
                host_id=bytes.fromhex("484F5354"),
            ),
            marks=pytest.mark.conformance(
                "EUICC-ES8-KEYS-03",
                section=SECTION,
                title="HostID, SIN and SDIN enter the keys",
            ),
        ),
        pytest.param(
            Reference(KVN, usage=Usage.BASE_KEY, parameters=RANDOM),
            marks=pytest.mark.conformance(
                "EUICC-ES8-KEYS-04",
                section=SECTION,
                title="One base key is established, and is ENC, MAC and DEK",
            ),
        ),
        pytest.param(
            Reference(0x3F, parameters=PLAIN, counter=bytes.fromhex("0010")),
            marks=pytest.mark.conformance(
                "EUICC-ES8-KEYS-05",
                section=SECTION,
                title="The key version and the first counter are those asked for",
            ),
        ),
    ],
)
def test_keys_are_established(
    sm_dp: Partner, profile: LabProfile, esim: Esim, reference: Reference
) -> None:
    """Keys are established.

    Preconditions: an ISD-P is empty. SIN is what the ISD-R shows under tag 42, nothing without.

    Steps:
    1. Certificate, then the key request: 9000 each; the receipt follows from the same keys.
    2. GetStatus: the ISD-P is PERSONALIZED.
    3. SCP03 to the ISD-P with the new keys opens, and the first counter is the one asked for, or
       one more.
    """
    with step("1. Both messages"):
        issuer = one(sm_dp.session, CommandApdu(0x80, 0xCA, 0x00, 0x42, le=256))
        sin = issuer.data[2:] if issuer.sw == 0x9000 else b""
        made = sm_dp.establish(reference, sin)
    with step("2. GetStatus"):
        assert_personalized(esim, profile.aid)
    with step("3. SCP03"):
        keys = made.key_set(reference.kvn)
        first = int.from_bytes(reference.counter, "big")
        assert preparing.opened_counter(esim, profile.aid, keys) in (first, first + 1)


@pytest.mark.conformance("EUICC-ES8-KEYS-06", section=SECTION)
def test_a_profile_is_downloaded_under_the_new_keys(
    over_the_air: OverTheAirSession, sm_dp: Partner, profile: LabProfile, esim: Esim
) -> None:
    """A download with the established keys succeeds, one with the keys before is refused.

    Preconditions: an ISD-P is empty.

    Steps:
    1. Keys are established under the key version of those it had, which are to be deleted.
    2. Objects 84 and 85 with the keys before: 9F45 01 02.
    3. The download with the new keys: every answer is the one that follows from them.
    4. EnableProfile: 9000, EF.ICCID is that of the profile.
    """
    with step("1. Both messages"):
        keys = sm_dp.establish(Reference(KVN, parameters=RANDOM)).key_set(KVN)
    with step("2. The keys before"):
        answers = esim.load(profile.aid, profile.packets.packets[:2])
        assert answers[1] == bytes.fromhex("9F450102")
    with step("3. The download"):
        counter = preparing.next_counter(esim, profile.aid, keys)
        packets, _ = prepare_packets(profile.package, keys, profile.aid, counter, bytes(8))
        assert esim.load(profile.aid, packets) == [row.expected for row in packets]
    with step("4. EnableProfile"):
        assert one(over_the_air, isdr_commands.enable_profile(profile.aid)).sw == 0x9000
        assert esim.iccid() == profile.iccid


def assert_no_challenge(
    partner: Partner, profile: LabProfile, esim: Esim, good: Partner | None = None
) -> None:
    """Hold the card to refusing a certificate, and to taking a good one afterwards."""
    before = esim.profiles()
    with step("1. The certificate"):
        answer = partner.show()
        assert answer.sw in REFUSED, f"{answer.sw:04X}"
        assert answer.data == b""
    with step("2. The key request after it"):
        answer, _ = partner.ask(Reference(KVN, parameters=PLAIN))
        assert answer.sw in (*REFUSED, 0x6A86), f"{answer.sw:04X}"
    with step("3. GetStatus"):
        assert esim.profiles() == before
    if good is not None:
        with step("4. The right certificate"):
            good.establish(Reference(KVN, parameters=PLAIN))
            assert_personalized(esim, profile.aid)


@pytest.mark.conformance("EUICC-ES8-KEYS-07", section=SECTION)
def test_a_certificate_of_a_foreign_ci(
    sm_dp: Partner, bench: Bench, profile: LabProfile, esim: Esim
) -> None:
    """A certificate that the card's CI did not sign is refused.

    Preconditions: an ISD-P is empty.

    Steps:
    1. A certificate in the name of the CI with the signature of another key: 6A80, 6982 or 6985.
    2. The key request after it: 6A80, 6982, 6985 or 6A86 (its block numbers are out of place).
    3. GetStatus: nothing has changed.
    4. The right certificate and the key request: keys are established.
    """
    stranger = establishing.foreign(bench, sm_dp.key.public, Role.SM_DP)
    assert_no_challenge(sm_dp.with_certificate(stranger), profile, esim, sm_dp)


@pytest.mark.conformance("EUICC-ES8-KEYS-08", section=SECTION)
def test_a_certificate_of_an_sm_sr(
    sm_dp: Partner, bench: Bench, profile: LabProfile, esim: Esim
) -> None:
    """A certificate for another role makes no keys of an ISD-P.

    Preconditions: an ISD-P is empty.

    Steps:
    1. The certificate of an SM-SR: 6A80, 6982 or 6985.
    2. The key request after it: 6A80, 6982, 6985 or 6A86.
    3. GetStatus: nothing has changed.
    4. The right certificate and the key request: keys are established.
    """
    sm_sr = establishing.partner(sm_dp.session, bench, Role.SM_SR, profile.aid)
    assert_no_challenge(sm_sr, profile, esim, sm_dp)


@pytest.mark.conformance("EUICC-ES8-KEYS-09", section=SECTION)
def test_a_certificate_without_a_role(
    sm_dp: Partner, bench: Bench, profile: LabProfile, esim: Esim
) -> None:
    """A certificate of the CI that names no role is refused.

    Preconditions: an ISD-P is empty; the CI is one that signs for tests.

    Steps:
    1. A certificate without C8: 6A80, 6982 or 6985.
    2. The key request after it: 6A80, 6982, 6985 or 6A86.
    3. GetStatus: nothing has changed.
    4. The right certificate and the key request: keys are established.
    """
    bare = establishing.issued(bench, sm_dp.key.public, None)
    assert_no_challenge(sm_dp.with_certificate(bare), profile, esim, sm_dp)


@pytest.mark.conformance("EUICC-ES8-KEYS-10", section=SECTION)
def test_a_certificate_that_was_changed(sm_dp: Partner, profile: LabProfile, esim: Esim) -> None:
    """A certificate whose key was exchanged under its signature is refused.

    Preconditions: an ISD-P is empty.

    Steps:
    1. The right certificate with another public key in it: 6A80, 6982 or 6985.
    2. The key request after it: 6A80, 6982, 6985 or 6A86.
    3. GetStatus: nothing has changed.
    4. The right certificate and the key request: keys are established.
    """
    other = PrivateKey.generate(sm_dp.key.curve)
    before, after = (one.public.encode() for one in (sm_dp.key, other))
    raw = sm_dp.certificate.encode().replace(before, after)
    changed = sm_dp.with_certificate(type(sm_dp.certificate).decode(raw))
    changed.key = other
    assert_no_challenge(changed, profile, esim, sm_dp)


@pytest.mark.applies("O_CLOCK")
@pytest.mark.conformance("EUICC-ES8-KEYS-11", section=SECTION)
def test_an_expired_certificate(
    sm_dp: Partner, bench: Bench, profile: LabProfile, esim: Esim
) -> None:
    """A card that knows the day refuses an expired certificate.

    Preconditions: an ISD-P is empty; the CI is one that signs for tests. Few cards have a clock:
    where the key set does not tell the card's day (ecasd, today), a card that takes the certificate
    is NOT APPLICABLE here.

    Steps:
    1. A certificate that was good until 2001-01-01: 6A80, 6982 or 6985.
    2. The key request after it: 6A80, 6982, 6985 or 6A86.
    3. GetStatus: nothing has changed.
    """
    old = establishing.issued(bench, sm_dp.key.public, Role.SM_DP, expiry=date(2001, 1, 1))
    partner = sm_dp.with_certificate(old)
    establishing.need_clock(bench, partner)
    assert_no_challenge(partner, profile, esim)


@pytest.mark.conformance("EUICC-ES8-KEYS-12", section=SECTION)
def test_a_request_signed_by_another(sm_dp: Partner, esim: Esim) -> None:
    """A key request that the certificate's owner did not sign is refused.

    Preconditions: an ISD-P is empty.

    Steps:
    1. The certificate: 9000 with RC.
    2. A key request signed with another key: 6A80, 6982 or 6985, no receipt.
    3. GetStatus: nothing has changed.
    4. The key request with the right signature, no new certificate: 6A80, 6982, 6985 or 6A86.
    5. Certificate and key request anew: keys are established.
    """
    before = esim.profiles()
    with step("1. The certificate"):
        assert sm_dp.show().sw == 0x9000
    with step("2. A wrong signature"):
        reference = Reference(KVN, parameters=PLAIN)
        answer, _ = sm_dp.ask(reference, signer=PrivateKey.generate(sm_dp.key.curve))
        assert answer.sw in REFUSED, f"{answer.sw:04X}"
        assert answer.data == b""
    with step("3. GetStatus"):
        assert esim.profiles() == before
    with step("4. The challenge is used up"):
        answer, _ = sm_dp.ask(reference)
        assert answer.sw in (*REFUSED, 0x6A86), f"{answer.sw:04X}"
    with step("5. Anew"):
        sm_dp.establish(reference)


@pytest.mark.conformance("EUICC-ES8-KEYS-13", section=SECTION)
def test_a_request_for_another_challenge(sm_dp: Partner, esim: Esim) -> None:
    """A key request over another RC, recorded before, is refused.

    Preconditions: an ISD-P is empty.

    Steps:
    1. The certificate twice: 9000 each, with two different RC.
    2. A key request signed over the first RC: 6A80, 6982 or 6985, no receipt.
    3. GetStatus: nothing has changed.
    """
    before = esim.profiles()
    with step("1. Two challenges"):
        assert sm_dp.show().sw == 0x9000
        first = sm_dp.challenge
        assert sm_dp.show().sw == 0x9000
        assert sm_dp.challenge != first
    with step("2. The first one signed"):
        sm_dp.challenge = first
        answer, _ = sm_dp.ask(Reference(KVN, parameters=PLAIN))
        assert answer.sw in REFUSED, f"{answer.sw:04X}"
        assert answer.data == b""
    with step("3. GetStatus"):
        assert esim.profiles() == before


@pytest.mark.conformance("EUICC-ES8-KEYS-14", section=SECTION)
def test_a_request_that_comes_again(sm_dp: Partner, profile: LabProfile, esim: Esim) -> None:
    """A key request that was served is not served again.

    Preconditions: an ISD-P is empty.

    Steps:
    1. Certificate and key request: keys are established.
    2. The same key request, no new certificate, with the block numbers it had, from 00, and from
       00 behind INSTALL [for personalization]: 6A80, 6982, 6985 or 6A86 each.
    3. The keys of step 1 still open SCP03 to the ISD-P.
    """
    reference = Reference(KVN, parameters=RANDOM)
    with step("1. Both messages"):
        made = sm_dp.establish(reference)
    for first, begin in ((sm_dp.blocks, False), (0, False), (0, True)):
        with step(f"2. Again, from block {first:02X}"):
            sm_dp.blocks = first
            answer, _ = sm_dp.ask(reference, begin=begin)
            assert answer.sw in (*REFUSED, 0x6A86), f"{answer.sw:04X}"
    with step("3. SCP03"):
        preparing.inside(esim, profile.aid, made.key_set(KVN))


@pytest.mark.conformance("EUICC-ES8-KEYS-15", section=SECTION)
def test_keys_that_are_there_stay_if_nobody_wants_them_deleted(
    sm_dp: Partner, profile: LabProfile, esim: Esim
) -> None:
    """A request for a key version that exists, without "delete existing keys", is refused.

    Preconditions: an ISD-P has keys under key version 30.

    Steps:
    1. Certificate, then a request for version 30 without the bit: 6985 or 6A80.
    2. The keys before still open SCP03 to the ISD-P.
    """
    old = sm_dp.establish(Reference(KVN, parameters=PLAIN)).key_set(KVN)
    with step("1. The request"):
        assert sm_dp.show().sw == 0x9000
        answer, _ = sm_dp.ask(Reference(KVN, parameters=Parameter.CERTIFICATE_FIRST))
        assert answer.sw in (0x6985, 0x6A80), f"{answer.sw:04X}"
    with step("2. SCP03"):
        preparing.inside(esim, profile.aid, old)


@pytest.mark.conformance("EUICC-ES8-KEYS-16", section=SECTION)
def test_an_isdp_with_a_profile_gets_no_keys(
    over_the_air: OverTheAirSession, bench: Bench, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """An ISD-P that holds a profile takes part in no key establishment.

    Preconditions: a profile is DISABLED.

    Steps:
    1. The certificate for its ISD-P: 6985.
    2. GetStatus: nothing has changed.
    3. The keys of its ISD-P still open SCP03.
    """
    profile = preparing.disabled(over_the_air, profile_maker)
    before = esim.profiles()
    with step("1. The certificate"):
        sm_dp = establishing.partner(over_the_air, bench, Role.SM_DP, profile.aid)
        assert sm_dp.show().sw == 0x6985
    with step("2. GetStatus"):
        assert esim.profiles() == before
    with step("3. SCP03"):
        preparing.inside(esim, profile.aid, profile_maker.keys(profile.aid))


@pytest.mark.conformance("EUICC-ES8-KEYS-17", section="GlobalPlatform, 11.5.2.3.6")
def test_personalization_of_an_unknown_isdp(over_the_air: OverTheAirSession, esim: Esim) -> None:
    """INSTALL [for personalization] of an ISD-P that does not exist is refused.

    Preconditions: no ISD-P has the TAR 00FFFE.

    Steps:
    1. INSTALL [for personalization]: 6A88.
    2. GetStatus: nothing has changed.
    """
    command = isdr_commands.install_for_personalization(isd_p_aid(0xFFFE))
    assert_refused(over_the_air, esim, command, 0x6A88)


@pytest.mark.conformance("EUICC-ES8-KEYS-18", section=SECTION)
def test_a_key_version_of_another_use(sm_dp: Partner, esim: Esim) -> None:
    """A request for keys under a version that is not for SCP03 is refused.

    Preconditions: an ISD-P is empty.

    Steps:
    1. Certificate, then a request for key version 01 (SCP80): 6A80.
    2. GetStatus: nothing has changed.
    """
    before = esim.profiles()
    assert sm_dp.show().sw == 0x9000
    answer, _ = sm_dp.ask(Reference(0x01, parameters=PLAIN))
    assert answer.sw == 0x6A80, f"{answer.sw:04X}"
    assert esim.profiles() == before
