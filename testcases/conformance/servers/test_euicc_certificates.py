"""An SM-DP establishes keys with an eUICC whose certificate its maker has issued, and no other."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from hil.evidence import step
from hil.provisioning.certificates import Issuer
from hil.wire.ecc import PrivateKey, PublicKey
from hil.wire.gp_certificate import KEY_AGREEMENT, SIGNING, Certificate
from hil.wire.identifiers import encode_eid
from testcases.conformance.servers import preparing
from testcases.conformance.servers.answers import unchanged
from testcases.conformance.servers.preparing import case

if TYPE_CHECKING:
    from hil.bench.parties import Parties

pytestmark = [
    pytest.mark.requires("servers.mno", "servers.sm-dp", "servers.eum", "servers.sm-sr"),
    pytest.mark.requirement("R-29", "R-69", refusal=True),
    pytest.mark.severity("critical"),
]
SECTION = "SGP.02, 2.3.2 and 3.1.2"


def certified(parties: Parties, *, subject: str, by_maker: bool, issued: dict[str, Any]) -> str:
    """Have an eUICC made and registered, with a certificate of its ECASD; return its EID."""
    keys = parties.keys
    if keys is None or keys.pki is None:
        parties.lack("the bench has no certificates for eUICCs (key_sets.servers, pki)")
    maker = Certificate.decode(keys.pki.eum_certificate)
    curve = maker.public_key.curve
    signing = PrivateKey(curve, keys.eum_signing) if by_maker else PrivateKey.generate(curve)
    eid = parties.desk.new_eid()
    ecka = PrivateKey.generate(curve)
    fields = {"key_usage": KEY_AGREEMENT} | issued
    named = encode_eid(subject or eid)
    certificate = Issuer(maker.content.subject, signing).issue(named, ecka.public, **fields)
    with step("Precondition: an eUICC with that certificate is registered at the SM-SR"):
        ecasd = {
            "ci_key": PublicKey.decode(keys.pki.ci_key).encode().hex(),
            "curve": curve.reference,
            "ecka": ecka.scalar.hex(),
            "certificate": certificate.encode().hex(),
        }
        parties.desk.make_euicc(eid=eid, msisdn=preparing.new_number(), ecasd=ecasd)
        parties.desk.eum(parties.eum).deliver_eis(eid, parties.sm_sr)
    return eid


@pytest.mark.parametrize(
    ("subject", "by_maker", "issued"),
    [
        case("SMDP-ES2-DOWNLOAD-10", "DownloadProfile to an eUICC with another one's certificate",
             SECTION, "89049032123451234512345678901235", True, {}),
        case("SMDP-ES2-DOWNLOAD-11", "DownloadProfile to an eUICC whose certificate nobody issued",
             SECTION, "", False, {}),
        case("SMDP-ES2-DOWNLOAD-12", "DownloadProfile to an eUICC with a certificate for signing",
             SECTION, "", True, {"key_usage": SIGNING}),
        case("SMDP-ES2-DOWNLOAD-13", "DownloadProfile to an eUICC with a certificate that is over",
             SECTION, "", True, {"effective": date(2020, 1, 1), "expiry": date(2021, 1, 1)}),
    ],
)  # fmt: skip
def test_an_euicc_with_a_wrong_certificate_gets_no_profile(
    parties: Parties, subject: str, *, by_maker: bool, issued: dict[str, Any]
) -> None:
    """No key is established with an eUICC that cannot show a good certificate of its maker.

    Preconditions: an eUICC whose EIS holds the certificate of the title.

    Steps:
    1. DownloadProfile: answered at once with a call.
    2. The call ends as failed, with a reason.
    3. The EIS: no ISD-P was created.
    """
    eid = certified(parties, subject=subject, by_maker=by_maker, issued=issued)
    with unchanged(parties, eid):
        with step("1. DownloadProfile"):
            fields = {"eid": eid, "sm_sr": parties.sm_sr, "profile_type": "prepaid"}
            name = "es2/DownloadProfile"
            call = parties.call(parties.mno, parties.sm_dp, name, **fields)["call"]
        with step("2. Its end"):
            report = preparing.ended(parties, call)
            assert report["state"] == "failed"
            assert report["reason"]
