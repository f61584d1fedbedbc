"""ES3 and ES4: management of profiles, as far as nothing goes to a card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from hil.checks import refusal
from hil.evidence import step
from hil.provisioning.errors import Refusal, RefusalCode
from testcases.conformance.servers import preparing
from testcases.conformance.servers.answers import Answer, eis, refused, unchanged
from testcases.conformance.servers.preparing import Furnished, case
from testcases.conformance.servers.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.bench.parties import Parties

pytestmark = [
    pytest.mark.requires("servers.mno", "servers.sm-dp", "servers.eum", "servers.sm-sr"),
    pytest.mark.requirement("R-63", "R-65"),
    pytest.mark.severity("critical"),
]

BEGINS_S: Final = 10.0
SECTIONS: Final = {"es3": "SGP.02, 5.4", "es4": "SGP.02, 5.5"}
FUNCTIONS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "ENABLE": ("EnableProfile", {}),
    "DISABLE": ("DisableProfile", {}),
    "DELETE": ("DeleteProfile", {}),
    "POLICY": ("UpdatePolicyRules", {"pol2": 1}),
    "ADDRESS": ("UpdateSubscriptionAddress", {"address": {"imsi": "001010000000009"}}),
}


def called(
    parties: Parties, interface: str, function: str, eid: str, iccid: str, **fields: object
) -> dict[str, Any]:
    """Call a function on a profile, as our MNO (ES4) or our SM-DP (ES3)."""
    name, usual = FUNCTIONS[function]
    if (interface, name) == ("es3", "DeleteProfile"):
        name = "DeleteISDP"
    me = parties.mno if interface == "es4" else parties.sm_dp
    values = {"eid": eid, "iccid": iccid} | usual | fields
    return parties.call(me, parties.sm_sr, f"{interface}/{name}", **values)


def rows(*wanted: tuple[str, int, str, Any, str, Answer]) -> list[Any]:
    """Return for both interfaces: function, number, title, precondition, profile, answer."""
    return [
        case(
            f"SMSR-{interface.upper()}-{function}-{number:02d}",
            f"{FUNCTIONS[function][0]}: {title}",
            SECTIONS[interface],
            interface,
            function,
            prepare,
            profile,
            answer,
        )
        for interface in ("es3", "es4")
        for function, number, title, prepare, profile, answer in wanted
    ]


@pytest.mark.requirement("R-63", "R-65", refusal=True)
@pytest.mark.parametrize(
    ("interface", "function", "prepare", "profile", "answer"),
    rows(
        ("ENABLE", 2, "of the enabled profile", preparing.unreachable, "own_enabled",
         Answer.WRONG_STATE),
        ("ENABLE", 3, "POL2 of the enabled one forbids to disable it", preparing.guarded, "own",
         Answer.POL2),
        ("ENABLE", 4, "the eUICC has no number", preparing.unreachable, "own",
         Answer.NOT_REACHABLE),
        ("ENABLE", 5, "another job runs on the eUICC", preparing.busy, "own", Answer.EUICC_BUSY),
        ("ENABLE", 6, "of a profile in creation", preparing.creating, "own", Answer.WRONG_STATE),
        ("DISABLE", 2, "of a disabled profile", preparing.unreachable, "own", Answer.WRONG_STATE),
        ("DISABLE", 3, "POL2 forbids it", preparing.guarded, "own_enabled", Answer.POL2),
        ("DISABLE", 4, "the eUICC has no number", preparing.unreachable, "own_enabled",
         Answer.NOT_REACHABLE),
        ("DISABLE", 5, "another job runs on the eUICC", preparing.busy, "own_enabled",
         Answer.EUICC_BUSY),
        ("DISABLE", 6, "of a profile in creation", preparing.creating, "own", Answer.WRONG_STATE),
        ("DELETE", 2, "of the enabled profile", preparing.unreachable, "own_enabled",
         Answer.WRONG_STATE),
        ("DELETE", 3, "POL2 forbids it", preparing.guarded, "own", Answer.POL2),
        ("DELETE", 4, "the eUICC has no number", preparing.unreachable, "own",
         Answer.NOT_REACHABLE),
        ("DELETE", 5, "another job runs on the eUICC", preparing.busy, "own", Answer.EUICC_BUSY),
        ("POLICY", 2, "of a profile in creation", preparing.creating, "own", Answer.WRONG_STATE),
        ("ADDRESS", 2, "of a profile in creation", preparing.creating, "own", Answer.WRONG_STATE),
    ),
)  # fmt: skip
def test_a_function_in_the_wrong_state_is_refused(
    parties: Parties,
    interface: str,
    function: str,
    prepare: Callable[[Parties], Furnished],
    profile: str,
    answer: Answer,
) -> None:
    """The function is refused in a state in which it is not allowed, before anything is sent.

    Preconditions: an eUICC in the state of the title.

    Steps:
    1. The function on the caller's own profile: the refusal of the documentation.
    2. The EIS: nothing has changed.
    """
    euicc = parties.kept(prepare)
    with unchanged(parties, euicc.eid), step(f"1. {function}: {answer}"), refused(answer):
        called(parties, interface, function, euicc.eid, getattr(euicc, profile))


@pytest.mark.requirement("R-63", "R-65", refusal=True)
@pytest.mark.parametrize(
    ("interface", "function"),
    [
        case(
            f"SMSR-{interface.upper()}-{function}-11",
            f"{name}: of unknown and foreign ones",
            SECTIONS[interface],
            interface,
            function,
        )
        for interface in ("es3", "es4")
        for function, (name, _) in FUNCTIONS.items()
    ],
)
def test_a_function_on_what_is_not_the_callers_is_refused(
    parties: Parties, interface: str, function: str
) -> None:
    """The function is refused for an unknown eUICC, an unknown profile, and another's profile.

    Preconditions: an eUICC with a profile of the caller, and one of another MNO and one that
    another SM-DP made.

    Steps:
    1. On an eUICC that was never registered: unknown 8.1.1 / 3.9.
    2. On a profile that is not in the EIS: unknown 8.2.1 / 3.9.
    3. On the profile of another MNO (ES4), or that another SM-DP made (ES3): not-allowed 8.2.1 /
       1.2.
    4. The EIS: nothing has changed.
    """
    euicc = parties.kept(preparing.furnished)
    other = euicc.foreign if interface == "es4" else euicc.elsewhere
    with unchanged(parties, euicc.eid):
        with step("1. An unknown eUICC"), refused(Answer.UNKNOWN_EUICC):
            called(parties, interface, function, preparing.new_eid(), euicc.own)
        with step("2. An unknown profile"), refused(Answer.UNKNOWN_PROFILE):
            called(parties, interface, function, euicc.eid, preparing.new_iccid())
        with step("3. Another's profile"), refused(Answer.NOT_YOUR_PROFILE):
            called(parties, interface, function, euicc.eid, other)


@pytest.mark.requirement("R-63", "R-65", refusal=True)
@pytest.mark.parametrize(
    ("interface", "function", "field", "values", "answer"),
    [
        case(
            f"SMSR-{interface.upper()}-{function}-12",
            f"{FUNCTIONS[function][0]}: values that do not exist",
            SECTIONS[interface],
            interface,
            function,
            field,
            values,
            answer,
        )
        for interface in ("es3", "es4")
        for function, field, values, answer in (
            ("POLICY", "pol2", (8, 255, -1), Answer.POL2_INVALID),
            (
                "ADDRESS",
                "address",
                ({"imsi": "00101"}, {"imsi": "0010100000000090"}, {"msisdn": "+49"}),
                Answer.ADDRESS_INVALID,
            ),
        )
    ],
)
def test_values_that_do_not_exist_are_refused(
    parties: Parties,
    interface: str,
    function: str,
    field: str,
    values: tuple[object, ...],
    answer: Answer,
) -> None:
    """POL2 with bits beside 1, 2 and 4, and an IMSI or number that is none, are refused.

    Preconditions: an eUICC with a disabled profile of the caller.

    Steps:
    1. The function with each wrong value: invalid 8.2.3 / 2.1 for POL2, 8.2.6 / 2.1 for an address.
    2. The EIS: nothing has changed.
    """
    euicc = parties.kept(preparing.furnished)
    with unchanged(parties, euicc.eid):
        for value in values:
            with step(f"1. {value}"), refused(answer):
                called(parties, interface, function, euicc.eid, euicc.own, **{field: value})


@pytest.mark.parametrize(
    ("interface", "function", "fields", "expected"),
    [
        case(
            f"SMSR-{interface.upper()}-{function}-01",
            f"{FUNCTIONS[function][0]}: noted in the EIS",
            SECTIONS[interface],
            interface,
            function,
            fields,
            expected,
        )
        for interface in ("es3", "es4")
        for function, fields, expected in (
            ("POLICY", {"pol2": 7}, {"pol2": 7}),
            (
                "ADDRESS",
                {"address": {"imsi": "001010000000009", "msisdn": "15550180001"}},
                {"imsi": "001010000000009", "msisdn": "15550180001"},
            ),
        )
    ],
)
def test_policy_and_address_are_noted(
    parties: Parties,
    interface: str,
    function: str,
    fields: dict[str, Any],
    expected: dict[str, Any],
) -> None:
    """POL2 and subscription address stand in the EIS, at this profile and no other.

    Preconditions: an eUICC with a disabled and an enabled profile of the caller.

    Steps:
    1. The function on the disabled profile: accepted.
    2. The EIS shows the values at that profile, and no other change.
    """
    euicc = preparing.two_own(parties, preparing.registered(parties))
    before = {row["iccid"]: row for row in eis(parties, euicc.eid)}
    with step("1. The function"):
        called(parties, interface, function, euicc.eid, euicc.own, **fields)
    with step("2. The EIS"):
        after = {row["iccid"]: row for row in eis(parties, euicc.eid)}
        assert after == before | {euicc.own: before[euicc.own] | expected}


@pytest.mark.parametrize(
    ("interface", "function", "profile"),
    [
        case(
            f"SMSR-{interface.upper()}-{function}-13",
            f"{FUNCTIONS[function][0]}: the EIS waits for the card's answer",
            SECTIONS[interface],
            interface,
            function,
            profile,
        )
        for interface in ("es3", "es4")
        for function, profile in (
            ("ENABLE", "own"),
            ("DISABLE", "own_enabled"),
            ("DELETE", "own"),
        )
    ],
)
def test_the_eis_waits_for_the_cards_answer(
    parties: Parties, interface: str, function: str, profile: str
) -> None:
    """A function that goes to a card changes the EIS when the card has answered, not before.

    Preconditions: an eUICC with a disabled and an enabled profile of the caller; the card does not
    answer.

    Steps:
    1. The function: answered at once with a job.
    2. The caller's report of the job says running; to another one it is refused: not-allowed 1.1 /
       1.2.
    3. The EIS: nothing has changed.
    """
    euicc = preparing.two_own(parties, preparing.registered(parties, numbered=True))
    me, other = (
        (parties.mno, parties.other_mno)
        if interface == "es4"
        else (parties.sm_dp, parties.other_sm_dp)
    )
    with unchanged(parties, euicc.eid):
        with step("1. The function"):
            job = called(parties, interface, function, euicc.eid, getattr(euicc, profile))["job"]
        with step("2. The job"):
            report = parties.desk.caller(me, parties.sm_sr).ask(f"jobs/{job}")
            assert report["state"] == "running"
            with refused(Answer.CALLER_NOT_ALLOWED):
                parties.desk.caller(other, parties.sm_sr).ask(f"jobs/{job}")


@pytest.mark.requirement("R-63", "R-65", refusal=True)
@pytest.mark.parametrize(
    "interface",
    [
        case("SMSR-ES3-AUDIT-02", "AuditEIS: refused", SECTIONS["es3"], "es3"),
        case("SMSR-ES4-AUDIT-02", "AuditEIS: refused", SECTIONS["es4"], "es4"),
    ],
)
def test_an_audit_is_refused(parties: Parties, interface: str) -> None:
    """AuditEIS is refused for an unknown, a busy, and an unreachable eUICC.

    Preconditions: an eUICC on which a job runs; another without a number.

    Steps:
    1. On an eUICC that was never registered: unknown 8.1.1 / 3.9.
    2. On the busy one: wrong-state 1.2 / 4.4.
    3. On the one without a number: no-route 8.1.1 / 5.1.
    """
    me = parties.mno if interface == "es4" else parties.sm_dp
    for number, (eid, answer) in enumerate(
        (
            (preparing.new_eid(), Answer.UNKNOWN_EUICC),
            (parties.kept(preparing.busy).eid, Answer.EUICC_BUSY),
            (parties.kept(preparing.unreachable).eid, Answer.NOT_REACHABLE),
        ),
        start=1,
    ):
        with step(f"{number}. {answer}"), refused(answer):
            parties.call(me, parties.sm_sr, f"{interface}/AuditEIS", eid=eid)


@pytest.mark.conformance("SMSR-ES4-ADDRESS-03", section="SGP.02, 5.5")
def test_an_euicc_is_reached_at_the_number_of_its_enabled_profile(parties: Parties) -> None:
    """The number at which the eUICC is reached follows the profile that is enabled.

    Preconditions: an eUICC with two own profiles, the second one enabled.

    Steps:
    1. UpdateSubscriptionAddress of both, with two numbers: GetEIS names the second one's number.
    2. The SM-SR is told that the first profile is enabled: GetEIS names the first one's number.
    """
    euicc = preparing.unreachable(parties)
    numbers = {euicc.own: "15550180011", euicc.own_enabled: "15550180012"}

    def reached() -> object:
        return parties.call(parties.mno, parties.sm_sr, "es4/GetEIS", eid=euicc.eid)["msisdn"]

    with step("1. UpdateSubscriptionAddress"):
        for iccid, number in numbers.items():
            address = {"imsi": "", "msisdn": number}
            called(parties, "es4", "ADDRESS", euicc.eid, iccid, address=address)
        assert reached() == numbers[euicc.own_enabled]
    with step("2. The other one is enabled"):
        preparing.told(parties, euicc.eid, 0x10, euicc.own, "enabled")
        assert reached() == numbers[euicc.own]


@pytest.mark.parametrize(
    ("event", "tar", "profile"),
    [
        case("SMSR-ES4-POLICY-03", "POL2 delete-on-disable: of a profile that was disabled",
             SECTIONS["es4"], "disabled", 0x11, "own_enabled"),
        case("SMSR-ES4-POLICY-04", "POL2 delete-on-disable: of one that another has replaced",
             SECTIONS["es4"], "enabled", 0x10, "own"),
    ],
)  # fmt: skip
def test_what_pol2_wants_deleted_is_deleted(
    parties: Parties, event: str, tar: int, profile: str
) -> None:
    """A profile that POL2 wants deleted is deleted by the SM-SR as soon as it is disabled.

    Preconditions: an eUICC that does not answer, with an enabled profile of POL2 delete-on-disable.

    Steps:
    1. The SM-SR is told that the profile is disabled, or that another one is enabled.
    2. It begins to delete it: the eUICC is busy, wrong-state 1.2 / 4.4 to CreateISDP.
    """
    euicc = preparing.reachable(parties)
    pol2 = preparing.DELETE_ON_DISABLE
    called(parties, "es4", "POLICY", euicc.eid, euicc.own_enabled, pol2=pol2)
    with step("1. The profile is disabled"):
        preparing.told(parties, euicc.eid, tar, getattr(euicc, profile), event)

    def busy() -> bool:
        # So much memory is granted to nobody: this starts no job of its own.
        with refusal(Refusal) as caught:
            preparing.created(parties, euicc.eid, preparing.new_iccid(), memory=4_000_000_000)
        return caught.value.code is RefusalCode.WRONG_STATE

    with step("2. The eUICC is busy"):
        until(busy, timeout_s=BEGINS_S, otherwise="the SM-SR has not begun to delete it")
