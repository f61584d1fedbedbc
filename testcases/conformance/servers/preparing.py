"""What the cases of the servers begin with: eUICCs whose EIS shows profiles in known states.

They need no card: the support server tells the SM-SR of profiles that were installed by image. No
device answers at the numbers, which belong to nobody (area code 555 is not assigned).
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest

from hil.evidence import step
from hil.provisioning.certificates import Issuer, personalise_ecasd
from hil.wire.ecc import PrivateKey, PublicKey
from hil.wire.gp_certificate import Certificate
from hil.wire.identifiers import eid_check_digits, isd_p_aid, luhn_digit
from testcases.conformance.servers.waiting import JOB_TIMEOUT_S, until

if TYPE_CHECKING:
    from hil.bench.parties import Parties

NO_DISABLE: Final = 1
NO_DELETE: Final = 2
DELETE_ON_DISABLE: Final = 4


@dataclass(frozen=True, slots=True)
class Furnished:
    """An eUICC; ICCIDs of its profiles.

    ``own``: of our MNO and SM-DP, DISABLED. ``own_enabled``: the same, ENABLED, empty where
    ``foreign`` is. ``foreign``: of the other MNO, by our SM-DP. ``elsewhere``: of our MNO, by the
    other SM-DP, DISABLED.
    """

    eid: str
    own: str
    own_enabled: str = ""
    foreign: str = ""
    elsewhere: str = ""


def case(number: str, title: str, section: str, *values: object) -> Any:  # noqa: ANN401 - pytest's own type is private
    """Return a row of a parametrised case: its id, its title, and the values of the test."""
    mark = pytest.mark.conformance(number, section=section, title=title)
    return pytest.param(*values, marks=mark, id=number)


def new_eid() -> str:
    """Return an EID that nobody knows."""
    body = f"89049032{secrets.randbelow(10**22):022d}"
    return body + eid_check_digits(body)


def new_iccid() -> str:
    """Return an ICCID of no number plan on the bench."""
    body = f"89882990{secrets.randbelow(10**10):010d}"
    return body + luhn_digit(body)


def new_number() -> str:
    """Return a number at which nobody answers."""
    return f"1555018{secrets.randbelow(10_000):04d}"


def registered(parties: Parties, *, numbered: bool = False) -> str:
    """Have an eUICC made and its EIS registered; return the EID. ``numbered``: reached by SMS."""
    with step("Precondition: a new eUICC is registered at the SM-SR"):
        eid = parties.desk.make_euicc(msisdn=new_number() if numbered else None)
        parties.desk.eum(parties.eum).deliver_eis(eid, parties.sm_sr)
    return eid


def installed(
    parties: Parties,
    eid: str,
    tar: int,
    *,
    mno: str | None = None,
    sm_dp: str | None = None,
    enabled: bool = False,
) -> str:
    """Have the SM-SR told that a profile was installed by image; return its ICCID."""
    iccid = new_iccid()
    for event in ("installed", "enabled") if enabled else ("installed",):
        told(parties, eid, tar, iccid, event, mno=mno, sm_dp=sm_dp)
    return iccid


def told(
    parties: Parties,
    eid: str,
    tar: int,
    iccid: str,
    event: str,
    *,
    mno: str | None = None,
    sm_dp: str | None = None,
    notification: str = "",
) -> None:
    """Have the support server tell the SM-SR of a profile; ``event``: installed, enabled.

    ``notification``: what it is called, a new name by default.
    """
    parties.call(
        parties.support,
        parties.sm_sr,
        "notifications",
        notification_id=notification or secrets.token_hex(16),
        eid=eid,
        iccid=iccid,
        isdp_aid=isd_p_aid(tar).hex(),
        mno=mno or parties.mno,
        sm_dp=sm_dp or parties.sm_dp,
        event=event,
        at=time.time(),
    )


def furnished(parties: Parties) -> Furnished:
    """An eUICC without a number; the other MNO's profile is enabled, ours are not."""
    eid = registered(parties)
    return Furnished(
        eid,
        own=installed(parties, eid, 0x10),
        elsewhere=installed(parties, eid, 0x12, sm_dp=parties.other_sm_dp),
        foreign=installed(parties, eid, 0x11, mno=parties.other_mno, enabled=True),
    )


def guarded(parties: Parties) -> Furnished:
    """An eUICC without a number: POL2 forbids to disable the enabled one, to delete the other."""
    found = two_own(parties, registered(parties))
    for iccid, pol2 in ((found.own, NO_DELETE), (found.own_enabled, NO_DISABLE)):
        parties.call(
            parties.mno,
            parties.sm_sr,
            "es4/UpdatePolicyRules",
            eid=found.eid,
            iccid=iccid,
            pol2=pol2,
        )
    return found


def unreachable(parties: Parties) -> Furnished:
    """An eUICC without a number, with two own profiles, one of them enabled."""
    return two_own(parties, registered(parties))


def bare(parties: Parties) -> str:
    """An eUICC without a number and without profiles; return its EID."""
    return registered(parties)


def reachable(parties: Parties) -> Furnished:
    """An eUICC with a number and two own profiles, one of them enabled; no job runs on it."""
    return two_own(parties, registered(parties, numbered=True))


def busy(parties: Parties) -> Furnished:
    """An eUICC with two own profiles; it does not answer the AuditEIS that runs."""
    found = two_own(parties, registered(parties, numbered=True))
    parties.call(parties.mno, parties.sm_sr, "es4/AuditEIS", eid=found.eid)
    return found


def creating(parties: Parties) -> Furnished:
    """An eUICC that does not answer; the profile ``own`` is in creation."""
    eid = registered(parties, numbered=True)
    iccid = new_iccid()
    created(parties, eid, iccid)
    return Furnished(eid, own=iccid)


def created(parties: Parties, eid: str, iccid: str, **fields: object) -> dict[str, Any]:
    """Call ES3.CreateISDP for a profile of our MNO; return its answer."""
    values: dict[str, Any] = {
        "eid": eid,
        "iccid": iccid,
        "mno": parties.mno,
        "memory": 60_000,
    } | fields
    return parties.call(parties.sm_dp, parties.sm_sr, "es3/CreateISDP", **values)


def aid_of(parties: Parties, eid: str, iccid: str) -> str:
    """Return the AID of a profile's ISD-P as hex, as the EIS has it."""
    view = parties.call(parties.sm_dp, parties.sm_sr, "es3/GetEIS", eid=eid)
    return next(str(row["isdp_aid"]) for row in view["profiles"] if row["iccid"] == iccid)


def ended(parties: Parties, call: str) -> dict[str, Any]:
    """Wait until a call of ES2 has ended; return its report."""
    caller = parties.desk.caller(parties.mno, parties.sm_dp)
    report: dict[str, Any] = {}

    def over() -> bool:
        report.update(caller.ask(f"es2/calls/{call}"))
        return bool(report["state"] != "running")

    until(over, timeout_s=JOB_TIMEOUT_S, otherwise=f"call {call} has not ended")
    return report


def two_own(parties: Parties, eid: str) -> Furnished:
    """Have the EIS of an eUICC show two profiles of our MNO, the second one enabled."""
    return Furnished(
        eid,
        own=installed(parties, eid, 0x10),
        own_enabled=installed(parties, eid, 0x11, enabled=True),
    )


def leaving(parties: Parties) -> Furnished:
    """An eUICC with two own profiles that goes to the other SM-SR, and does not answer it."""
    keys = parties.keys
    if keys is None or keys.pki is None:
        parties.lack("the bench has no certificates for eUICCs (key_sets.servers, pki)")
    certificate = Certificate.decode(keys.pki.eum_certificate)
    curve = certificate.public_key.curve
    maker = Issuer(certificate.content.subject, PrivateKey(curve, keys.eum_signing))
    with step("Precondition: the eUICC is on its way to the other SM-SR"):
        eid = parties.desk.new_eid()
        ci_key = PublicKey.decode(keys.pki.ci_key)
        made = personalise_ecasd({"eid": eid}, maker, ci_key, PrivateKey.generate(curve))
        parties.desk.make_euicc(eid=eid, msisdn=new_number(), ecasd=made["ecasd"])
        parties.desk.eum(parties.eum).deliver_eis(eid, parties.sm_sr)
        found = two_own(parties, eid)
        for target, name, other in (
            (parties.other_sm_sr, "PrepareSMSRChange", parties.sm_sr),
            (parties.sm_sr, "SMSRChange", parties.other_sm_sr),
        ):
            parties.call(parties.mno, target, f"es4/{name}", eid=eid, sm_sr=other)
        caller = parties.desk.caller(parties.mno, parties.sm_sr)
        until(
            lambda: caller.ask(f"es4/handovers/{eid}")["state"] == "running",
            timeout_s=JOB_TIMEOUT_S,
            otherwise="the other SM-SR has not taken the eUICC",
        )
    return found
