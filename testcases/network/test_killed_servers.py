"""Servers that are killed in the midst of everything, and started again over what they stored."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any, Final

import pytest

from hil.evidence import step
from hil.provisioning.line_station import LineStation
from hil.provisioning.orders import ProfileRequest
from testcases.installing import ended
from testcases.line.paper_device import paper_devices
from testcases.network.paper_euicc import in_eis, paper_euicc

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil.bench.bench import Bench
    from hil.bench.desk import Desk
    from hil.bench.esim import Esim
    from hil.bench.weather import Weather
    from testcases.network.paper_euicc import PaperEuicc

pytestmark = [
    pytest.mark.requires("servers.restart", "network.weather", "servers.sm-sr", "servers.eum"),
    pytest.mark.requires("servers.mno", "servers.sm-dp", "servers.support-server"),
]
ENDED_S: Final = 40.0
LOOK_S: Final = 0.02


def attend(euiccs: Sequence[PaperEuicc], over: Callable[[], bool], what: str) -> None:
    """Have eUICCs do what they are told, until something holds or it is too late for it."""
    deadline = time.monotonic() + ENDED_S
    while not over():
        time.sleep(LOOK_S)
        assert time.monotonic() < deadline, f"{what} within {ENDED_S:g} s"
        for euicc in euiccs:
            heard = euicc.listen(timeout_s=0.01)
            if heard is not None:
                euicc.obey(heard)


@pytest.mark.requirement("R-19", "R-63", "R-64", "R-65")
@pytest.mark.severity("critical")
def test_servers_that_were_killed_go_on_where_they_were(
    bench: Bench, desk: Desk, weather: Weather
) -> None:
    """SM-SR, SM-DP and support server are killed in the midst of what they do, and do it once."""
    where = desk.servers.of_kind("sm-sr")[0]
    apart = desk.servers.section.layout != "inside-sm-sr"
    asked, far, bought = (paper_euicc(desk, weather, where) for _ in range(3))
    mno, sm_dp = (desk.servers.of_kind(kind)[0] for kind in ("mno", "sm-dp"))
    name = secrets.token_hex(16)

    def enable() -> str:
        fields: dict[str, Any] = {"eid": far.eid, "iccid": far.second}
        caller = desk.caller(mno, where)
        return str(caller.function("es4/EnableProfile", fields, identifier=name)["job"])

    with step("Precondition: a card has run a command of the SM-SR, and is about to answer"):
        first = desk.sm_sr(where).enable(asked.eid, asked.second)
        command = asked.hear()
        answer = asked.answer(command)
    with step("Precondition: a command for a device that is off; who asked for it has no answer"):
        far.phone.off()
        second = enable()
    with step("Precondition: the SM-DP has an ES2.EnableProfile under way"):
        fields = {"eid": bought.eid, "sm_sr": where, "iccid": bought.second}
        call = desk.caller(mno, sm_dp).function("es2/EnableProfile", fields)["call"]
        ordered = bought.hear()
    with step("Precondition: a status notification of the support server waits for its SM-SR"):
        told = notified(desk, where) if apart else None
    with step("All servers are killed, and started again"):
        bench.restart_servers()
        sm_sr = desk.sm_sr(where)
    with step("The answer that was on its way still counts, once"):
        asked.say(command, answer)
        attend([asked], lambda: sm_sr.job(first).state != "running", "the job has not ended")
        assert (sm_sr.job(first).state, asked.ran.count("enable")) == ("done", 1)
        assert in_eis(desk, where, asked) == asked.shown()
    with step("The same call again is the same job; the device that is back runs it once"):
        assert enable() == second
        far.phone.on()
        attend([far], lambda: sm_sr.job(second).state != "running", "the job has not ended")
        assert (sm_sr.job(second).state, far.ran.count("enable")) == ("done", 1)
        assert enable() == second
        assert in_eis(desk, where, far) == far.shown()
    with step("The SM-DP's call goes on to its end"):
        bought.obey(ordered)
        caller = desk.caller(mno, sm_dp)
        report: dict[str, Any] = {"state": "running"}

        def over() -> bool:
            report.update(caller.ask(f"es2/calls/{call}"))
            return bool(report["state"] != "running")

        attend([bought], over, "the call has not ended")
        assert (report["state"], report["reason"]) == ("done", "")
        assert bought.ran.count("enable") == 1
    with step("The next command has a counter that no card has seen"):
        job = sm_sr.disable(asked.eid, asked.second)
        following = asked.hear()
        assert following.opened.counter > command.opened.counter
        asked.obey(following)
        assert asked.serve(sm_sr, job).state == "done"
    if told is None:
        return
    with step("The notification arrives as soon as its SM-SR knows the eUICC"):
        eid, iccid = told
        assert desk.support().outbox_waiting() > 0
        desk.eum().deliver_eis(eid, where)
        assert desk.support().flush_outbox() == 0
        rows = desk.sm_sr(where).euicc(eid).profiles
        assert {row.iccid: row.state for row in rows}[iccid] == "enabled"


@pytest.mark.requires("device", "card.m2m")
@pytest.mark.requirement("R-19", "R-45", "R-64", "R-65")
@pytest.mark.severity("critical")
@pytest.mark.usefixtures("device")
def test_a_download_that_a_kill_broke_off_comes_to_its_end(
    bench: Bench, desk: Desk, weather: Weather, esim: Esim
) -> None:
    """SM-DP and SM-SR are killed while the card is to make the ISD-P: one profile in the end."""
    eid, where = esim.eid(), desk.servers.of_kind("sm-sr")[0]
    mno, sm_dp = (desk.servers.of_kind(kind)[0] for kind in ("mno", "sm-dp"))
    with step("Precondition: the EIS is set right by the card"):
        audit = desk.sm_sr(where).audit(eid)
        assert ended(desk.sm_sr(where), audit).state == "done"
    with step("No coverage: CreateISDP of an ES2.DownloadProfile waits at the SMS centre"):
        weather.coverage(covered=False)
        fields: dict[str, Any] = {"eid": eid, "sm_sr": where, "profile_type": "prepaid"}
        caller = desk.caller(mno, sm_dp)
        call = caller.function("es2/DownloadProfile", fields | {"enable": True})["call"]
        sm_sr = desk.sm_sr(where)

        def creating() -> bool:
            return any(row.state == "in-creation" for row in sm_sr.euicc(eid).profiles)

        attend([], creating, "no ISD-P is in creation")
    with step("All servers are killed, and started again; coverage is back"):
        bench.restart_servers()
        weather.coverage(covered=True)
    with step("The call comes to its end"):
        caller = desk.caller(mno, sm_dp)
        report: dict[str, Any] = {"state": "running"}

        def over() -> bool:
            report.update(caller.ask(f"es2/calls/{call}"))
            return bool(report["state"] != "running")

        attend([], over, "the call has not ended")
        assert (report["state"], report["reason"]) == ("done", "")
    with step("Card and EIS have this profile and the provisioning profile, nothing else"):
        assert esim.iccid_after_reset(report["iccid"]) == report["iccid"]
        assert len(esim.profiles()) == 2
        states = {row.iccid: row.state for row in desk.sm_sr(where).euicc(eid).profiles}
        assert states[report["iccid"]] == "enabled"
        assert len(states) == 2


def notified(desk: Desk, sm_sr: str) -> tuple[str, str]:
    """Have a profile installed of which its SM-SR knows nothing yet; return EID and ICCID."""
    other = next(one for one in desk.servers.of_kind("sm-sr") if one != sm_sr)
    (device,) = paper_devices(desk, 1, sm_sr=other)
    request = ProfileRequest(mno="mno-1", sm_dp="sm-dp-1", targets=(device.eid,))
    (ordered,) = desk.support().request_profiles(request).profiles
    station = LineStation(desk.station(), device)
    station.provision(ordered.iccid)
    assert station.report() is None
    return device.eid, ordered.iccid
