"""ES5.EstablishISDRKeySet and FinaliseISDRhandover."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hil.equipment.card.over_the_air import OverTheAirSession
from hil.evidence import step
from hil.not_applicable import not_applicable
from hil.wire import isdr_commands, tlv
from hil.wire.apdu import CommandApdu
from hil.wire.gp_certificate import KEY_AGREEMENT, Role
from hil.wire.isdr_commands import KeyRange
from hil.wire.key_establishment import Parameter, Reference
from hil.wire.scp80 import OtaKeySet
from testcases.conformance.euicc import establishing
from testcases.conformance.euicc.establishing import REFUSED, Partner
from testcases.conformance.euicc.preparing import assert_refused, one

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.bench.bench import Bench
    from hil.bench.esim import Esim

pytestmark = [
    pytest.mark.requires("card.m2m", "card.keys"),
    pytest.mark.requirement("R-63", "R-66"),
    pytest.mark.severity("critical"),
]
SECTION = "SGP.02, 3.8, 4.1.1.8 and 4.1.1.9"
PLAIN = Parameter.CERTIFICATE_FIRST | Parameter.DELETE_EXISTING


def keys(session: OverTheAirSession) -> dict[int, list[int]]:
    """Return the key identifiers of the ISD-R by version (GlobalPlatform, 11.3.3.1: E0)."""
    answer = one(session, CommandApdu(0x80, 0xCA, 0x00, 0xE0, le=256))
    assert answer.sw == 0x9000
    found: dict[int, list[int]] = {}
    for row in tlv.decode_one(answer.data)[0].children():
        found.setdefault(row.value[1], []).append(row.value[0])
    return found


def versions(session: OverTheAirSession) -> set[int]:
    """Return the key versions of the ISD-R."""
    return set(keys(session))


def all_but(session: OverTheAirSession, version: int) -> list[KeyRange]:
    """Return what FinaliseISDRhandover has to name, so that the keys of one version go."""
    return [
        KeyRange(kvn, min(identifiers), max(identifiers))
        for kvn, identifiers in keys(session).items()
        if kvn != version
    ]


@pytest.fixture
def free(over_the_air: OverTheAirSession) -> Iterator[int]:
    """A key version for SCP80 that the ISD-R does not have; the keys under it go at the end."""
    taken = versions(over_the_air)
    version = next((one for one in range(0x0F, 0, -1) if one not in taken), None)
    if version is None:
        not_applicable("the ISD-R has keys under every SCP80 version")
    yield version
    if version in versions(over_the_air):
        with step("Afterwards: the new key set goes"):
            answer = one(over_the_air, isdr_commands.delete_key(version))
            assert answer.sw == 0x9000


@pytest.fixture
def sm_sr(over_the_air: OverTheAirSession, bench: Bench) -> Partner:
    """The SM-SR of the bench."""
    return establishing.partner(over_the_air, bench, Role.SM_SR)


@pytest.mark.conformance("EUICC-ES5-ISDRKEYS-01", section=SECTION)
def test_a_new_sm_sr_gets_its_keys(
    over_the_air: OverTheAirSession, sm_sr: Partner, free: int, esim: Esim
) -> None:
    """A key set for SCP80 is established beside those that are there, and can be taken away.

    Preconditions: the ISD-R has no keys under the version asked for.

    Steps:
    1. Certificate and key request with a derivation random: 9000; the receipt is right.
    2. GET DATA E0: the new version stands beside the others.
    3. GetStatus by SCP80 with the new keys, counter 1: 9000.
    4. GetStatus with the keys before: 9000.
    5. FinaliseISDRhandover, in which all versions but the new one are named: 9000, GET DATA E0 as
       at first.
    6. GetStatus with the keys that are gone: no proof of receipt.
    """
    before = versions(over_the_air)
    with step("1. Both messages"):
        parameters = PLAIN | Parameter.DERIVATION_RANDOM
        kic, kid, dek = sm_sr.establish(Reference(free, parameters=parameters)).keys
    with step("2. GET DATA E0"):
        look = over_the_air.execute(isdr_commands.get_status())
        assert look.packet is not None, "the keys before open nothing any more"
        assert versions(over_the_air) == before | {free}
    with step("3. and 4. Both key sets"):
        new = OverTheAirSession(esim.card, OtaKeySet(free, kic, kid, dek))
        assert one(new, isdr_commands.get_status()).sw == 0x9000
        assert one(over_the_air, isdr_commands.get_status()).sw == 0x9000
    with step("5. FinaliseISDRhandover"):
        kept = all_but(over_the_air, free)
        assert one(over_the_air, isdr_commands.finalise_handover(*kept)).sw == 0x9000
        look = over_the_air.execute(isdr_commands.get_status())
        assert look.packet is not None, "keys that were to stay are gone"
        assert versions(over_the_air) == before
    with step("6. The keys that are gone"):
        assert new.execute(isdr_commands.get_status()).packet is None


@pytest.mark.conformance("EUICC-ES5-ISDRKEYS-02", section=SECTION)
def test_the_first_counter_is_the_one_asked_for(sm_sr: Partner, free: int, esim: Esim) -> None:
    """The counter of a new key set starts from the request's.

    Preconditions: the ISD-R has no keys under the version asked for.

    Steps:
    1. Keys are established with the initial counter 00 00 00 00 64.
    2. GetStatus with counter 100: status 02, not executed.
    3. GetStatus with counter 101: 9000.
    """
    with step("1. Both messages"):
        reference = Reference(free, parameters=PLAIN, counter=(100).to_bytes(5, "big"))
        kic, kid, dek = sm_sr.establish(reference).keys
    keys = OtaKeySet(free, kic, kid, dek)
    with step("2. Counter 100"):
        again = OverTheAirSession(esim.card, keys, counter=99, clock=lambda: 0.0)
        from_then = again.execute(isdr_commands.get_status())
        # The session tries once more, with 101: the counter was too low before.
        assert again.counter == 101
    with step("3. Counter 101"):
        assert [answer.sw for answer in from_then.answers] == [0x9000]


@pytest.mark.conformance("EUICC-ES5-ISDRKEYS-03", section=SECTION)
def test_a_certificate_of_a_foreign_ci(
    over_the_air: OverTheAirSession, sm_sr: Partner, bench: Bench
) -> None:
    """A certificate that the card's CI did not sign is refused.

    Preconditions: none.

    Steps:
    1. A certificate in the name of the CI with the signature of another key: 6A80, 6982 or 6985.
    2. GET DATA E0: the keys are as before.
    """
    before = versions(over_the_air)
    stranger = establishing.foreign(bench, sm_sr.key.public, Role.SM_SR)
    answer = sm_sr.with_certificate(stranger).show()
    assert answer.sw in REFUSED, f"{answer.sw:04X}"
    assert versions(over_the_air) == before


@pytest.mark.conformance("EUICC-ES5-ISDRKEYS-04", section=SECTION)
def test_an_sm_dp_gets_no_keys_of_the_isd_r(over_the_air: OverTheAirSession, bench: Bench) -> None:
    """The certificate of an SM-DP makes no keys of the ISD-R.

    Preconditions: none.

    Steps:
    1. The certificate of an SM-DP: 6A80, 6982 or 6985.
    2. GET DATA E0: the keys are as before.
    """
    before = versions(over_the_air)
    answer = establishing.partner(over_the_air, bench, Role.SM_DP).show()
    assert answer.sw in REFUSED, f"{answer.sw:04X}"
    assert versions(over_the_air) == before


@pytest.mark.conformance("EUICC-ES5-ISDRKEYS-05", section=SECTION)
def test_a_request_signed_by_another(
    over_the_air: OverTheAirSession, sm_sr: Partner, free: int
) -> None:
    """A key request that the certificate's owner did not sign is refused.

    Preconditions: the ISD-R has no keys under the version asked for.

    Steps:
    1. The certificate: 9000; then a key request signed with another key: 6A80, 6982 or 6985.
    2. GET DATA E0: the keys are as before.
    """
    before = versions(over_the_air)
    assert sm_sr.show().sw == 0x9000
    reference = Reference(free, parameters=PLAIN)
    answer, _ = sm_sr.ask(reference, signer=type(sm_sr.key).generate(sm_sr.key.curve))
    assert answer.sw in REFUSED, f"{answer.sw:04X}"
    assert answer.data == b""
    assert versions(over_the_air) == before


@pytest.mark.conformance("EUICC-ES5-ISDRKEYS-06", section=SECTION)
def test_a_key_version_of_another_use(over_the_air: OverTheAirSession, sm_sr: Partner) -> None:
    """A request for keys under a version that is not for SCP80 is refused.

    Preconditions: none.

    Steps:
    1. Certificate, then a request for key version 3E (SCP03): 6A80.
    2. GET DATA E0: the keys are as before.
    """
    before = versions(over_the_air)
    assert sm_sr.show().sw == 0x9000
    answer, _ = sm_sr.ask(Reference(0x3E, parameters=PLAIN))
    assert answer.sw == 0x6A80, f"{answer.sw:04X}"
    assert versions(over_the_air) == before


@pytest.mark.conformance("EUICC-ES5-ISDRKEYS-07", section="SGP.02, 4.1.1.9")
def test_the_handover_names_whole_ranges(over_the_air: OverTheAirSession, esim: Esim) -> None:
    """FinaliseISDRhandover with data that are no ranges of keys is refused.

    Preconditions: none. All keys of the ISD-R are named as well, should the card overlook a fault.

    Steps:
    1. A further F2 with two bytes, and one with a last key before the first one: 6A80 each.
    2. GET DATA E0: the keys are as before.
    """
    before = keys(over_the_air)
    whole = isdr_commands.finalise_handover(*all_but(over_the_air, 0))
    with step("1. Wrong data"):
        for wrong in ("F2020101", "F203010301"):
            spoilt = replace(whole, data=whole.data + bytes.fromhex(wrong))
            assert_refused(over_the_air, esim, spoilt, 0x6A80)
    with step("2. GET DATA E0"):
        assert keys(over_the_air) == before


@pytest.mark.requirement("R-63", "R-66", refusal=True)
@pytest.mark.conformance("EUICC-ES5-ISDRKEYS-08", section=f"{SECTION}; 2.3.2")
def test_a_certificate_that_may_not_sign(
    over_the_air: OverTheAirSession, sm_sr: Partner, bench: Bench
) -> None:
    """A certificate of the CI whose key may agree on keys, but not sign, is refused.

    Preconditions: the CI is one that signs for tests.

    Steps:
    1. A certificate of an SM-SR with the key usage of an ECASD (95: 0080): 6A80, 6982 or 6985.
    2. GET DATA E0: the keys are as before.
    """
    before = versions(over_the_air)
    other = establishing.issued(bench, sm_sr.key.public, Role.SM_SR, usage=KEY_AGREEMENT)
    answer = sm_sr.with_certificate(other).show()
    assert answer.sw in REFUSED, f"{answer.sw:04X}"
    assert versions(over_the_air) == before
