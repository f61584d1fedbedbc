"""Who may call which function: each is refused to other roles, and to nobody in particular."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from hil.evidence import step
from hil.provisioning.http.function_caller import FunctionCaller
from testcases.conformance.servers import preparing
from testcases.conformance.servers.answers import Answer, refused, unchanged
from testcases.conformance.servers.preparing import case

if TYPE_CHECKING:
    from hil.bench.parties import Parties

pytestmark = [
    pytest.mark.requires("servers.mno", "servers.sm-dp", "servers.eum", "servers.sm-sr"),
    pytest.mark.requirement("R-12", "R-69"),
    pytest.mark.severity("blocker"),
]
SIGNED: Final = {"payload": "7b7d", "signature": "00" * 64}
FIELDS: Final[dict[str, dict[str, Any]]] = {
    "RegisterEIS": SIGNED,
    "UpdateEISAdditionalProperties": {"properties": {"batch": "7"}},
    "GetEIS": {},
    "AuditEIS": {},
    "EnableProfile": {"iccid": "own"},
    "DisableProfile": {"iccid": "own"},
    "DeleteProfile": {"iccid": "own"},
    "DeleteISDP": {"iccid": "own"},
    "UpdatePolicyRules": {"iccid": "own", "pol2": 7},
    "UpdateSubscriptionAddress": {"iccid": "own", "address": {"imsi": "001010000000007"}},
    "CreateISDP": {"iccid": "own", "mno": "mno"},
    "SendData": {"sd_aid": "a0", "data": "220480f22000"},
    "ProfileDownloadCompleted": {"iccid": "own"},
    "UpdateConnectivityParameters": {"iccid": "own", "data": "8600"},
    "PrepareSMSRChange": {"sm_sr": "sm-sr"},
    "SMSRChange": {"sm_sr": "sm-sr"},
    "HandoverEUICC": {**SIGNED, "msisdn": None, "kvns": [], "profiles": []},
    "AuthenticateSMSR": {"certificate": "7f2100"},
    "CreateAdditionalKeySet": {"request": "3a0200"},
    "DownloadProfile": {"profile_type": "prepaid"},
}
"""Fields of each function beside the EID, of the right shape."""
OF_ES2: Final[dict[str, dict[str, Any]]] = {
    "UpdateConnectivityParameters": {"iccid": "own", "parameters": "35010347026e31"},
}
"""Where those of ES2 are others."""
_MANAGEMENT: Final = (
    "GetEIS",
    "AuditEIS",
    "EnableProfile",
    "DisableProfile",
    "UpdatePolicyRules",
    "UpdateSubscriptionAddress",
)
_DOWNLOAD: Final = (
    "DeleteISDP",
    "CreateISDP",
    "SendData",
    "ProfileDownloadCompleted",
    "UpdateConnectivityParameters",
)
_CHANGE: Final = ("PrepareSMSRChange", "SMSRChange")
_OF_AN_MNO: Final = ("EnableProfile", "DisableProfile", "DeleteProfile", "UpdatePolicyRules")
FUNCTIONS: Final[dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]]] = {
    # interface: section, functions, who may not call them
    "ES1": (
        "SGP.02, 5.2",
        ("RegisterEIS", "UpdateEISAdditionalProperties"),
        ("mno", "sm_dp", "other_sm_sr", "operator"),
    ),
    "ES3": ("SGP.02, 5.4", _MANAGEMENT + _DOWNLOAD, ("mno", "eum", "other_sm_sr", "operator")),
    "ES4": (
        "SGP.02, 5.5",
        (*_MANAGEMENT, "DeleteProfile", *_CHANGE),
        ("sm_dp", "eum", "other_sm_sr", "operator"),
    ),
    "ES7": (
        "SGP.02, 5.6",
        ("HandoverEUICC", "AuthenticateSMSR", "CreateAdditionalKeySet"),
        ("mno", "sm_dp", "eum", "operator"),
    ),
    "ES2": (
        "SGP.02, 5.3",
        (
            "GetEIS",
            "DownloadProfile",
            *_OF_AN_MNO,
            "UpdateSubscriptionAddress",
            "UpdateConnectivityParameters",
        ),
        ("eum", "sm_sr", "operator"),
    ),
}


def _cases() -> list[Any]:
    found = []
    for interface, (section, names, strangers) in FUNCTIONS.items():
        server = "SMDP" if interface == "ES2" else "SMSR"
        for number, name in enumerate(names, start=1):
            title = f"{interface}.{name} is refused to other roles, and without a session"
            actor = "sm_dp" if interface == "ES2" else "sm_sr"
            row = (actor, f"{interface.lower()}/{name}", strangers)
            found.append(case(f"{server}-{interface}-CALLER-{number:02d}", title, section, *row))
    return found


def fields_of(parties: Parties, name: str) -> dict[str, Any]:
    """Return the fields of a function, right in their shape, for an eUICC and a profile of it."""
    euicc = parties.kept(preparing.furnished)
    known = {"own": euicc.own, "mno": parties.mno, "sm-sr": parties.sm_sr}
    fields: dict[str, Any] = {"eid": euicc.eid}
    interface, _, function = name.partition("/")
    chosen = OF_ES2.get(function) if interface == "es2" else None
    for field, value in (chosen or FIELDS[function]).items():
        fields[field] = known.get(value, value) if isinstance(value, str) else value
    if function == "RegisterEIS":
        del fields["eid"]
    if interface == "es2":
        fields["sm_sr"] = parties.sm_sr
    return fields


@pytest.mark.parametrize(("server", "name", "strangers"), _cases())
def test_a_function_is_for_its_role(
    parties: Parties, server: str, name: str, strangers: tuple[str, ...]
) -> None:
    """A function is refused to every other role, and to whoever has no session.

    Preconditions: an eUICC with a profile on which the function could be called.

    Steps:
    1. The function, rightly put, by a party of each other role: not-allowed.
    2. The function in no session: not-authenticated.
    3. The EIS: nothing has changed.
    """
    actor = getattr(parties, server)
    fields = fields_of(parties, name)
    with unchanged(parties, parties.kept(preparing.furnished).eid):
        for role in strangers:
            with step(f"1. By {role}"), refused(Answer.NOT_ALLOWED):
                parties.call(getattr(parties, role), actor, name, **fields)
        me = parties.mno if name.startswith("es2") else parties.sm_dp
        with step("2. In no session"), refused(Answer.NO_SESSION):
            parties.desk.caller(me, actor).without_session(name, fields)


@pytest.mark.parametrize(
    ("me", "actor"),
    [
        case("SMSR-DOOR-KEYS-01", "An MNO with wrong keys gets no session at the SM-SR",
             "SGP.02, 2.3", "mno", "sm_sr"),
        case("SMSR-DOOR-KEYS-02", "An SM-DP with wrong keys gets no session at the SM-SR",
             "SGP.02, 2.3", "sm_dp", "sm_sr"),
        case("SMDP-DOOR-KEYS-01", "An MNO with wrong keys gets no session at the SM-DP",
             "SGP.02, 2.3", "mno", "sm_dp"),
    ],
)  # fmt: skip
def test_wrong_keys_open_nothing(parties: Parties, me: str, actor: str) -> None:
    """Who does not hold the key set that the two share gets no session.

    Preconditions: none.

    Steps:
    1. The server's own proof is not the one that follows from other keys: the caller goes away.
    """
    stranger = parties.desk.stranger(
        FunctionCaller, getattr(parties, actor), me=getattr(parties, me)
    )
    with step("1. A session"), refused(Answer.NO_SESSION):
        stranger.session()
