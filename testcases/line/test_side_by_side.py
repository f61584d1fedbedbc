"""Many devices at once: each gets its own image, and a line gets faster with its stations."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import pytest

from hil.bench.judge import noted
from hil.checks import refusal
from hil.evidence import step
from hil.metrology import by_clock
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.http.support_client import SupportServerClient
from hil.provisioning.line_station import LineStation
from hil.provisioning.orders import ProfileRequest
from testcases.line.paper_device import PaperDevice, paper_devices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil.bench.desk import Desk

pytestmark = [
    pytest.mark.requires("servers.support-server", "servers.sm-dp", "servers.eum"),
    pytest.mark.severity("critical"),
]

DEVICES: Final = 6
LINES: Final = (1, 3)
HOUR_S: Final = 3600.0


def ordered(desk: Desk, devices: Sequence[PaperDevice]) -> dict[str, str]:
    """Order a profile for each device in one request; return EID → ICCID."""
    request = ProfileRequest(
        mno="mno-1", sm_dp="sm-dp-1", amount=len(devices), targets=tuple(d.eid for d in devices)
    )
    profiles = desk.support().request_profiles(request).profiles
    return {str(one.eid): one.iccid for one in profiles}


def run_lines(desk: Desk, devices: Sequence[PaperDevice], lines: int) -> float:
    """Provision devices at ``lines`` stations at once; return the seconds it took."""
    name, me = desk.servers.support_server, desk.servers.section.line_station

    def work(share: Sequence[PaperDevice]) -> None:
        with ExitStack() as held:
            client = desk.servers.client(SupportServerClient, name, me=me)
            held.callback(client.close)
            for device in share:
                station = LineStation(client, device)
                station.provision()
                assert station.report() is None

    began = time.monotonic()
    with ThreadPoolExecutor(lines) as pool:
        list(pool.map(work, [devices[n::lines] for n in range(lines)]))
    return time.monotonic() - began


@pytest.mark.requirement("R-39")
@pytest.mark.severity("blocker")
def test_devices_side_by_side_get_their_own_images(desk: Desk) -> None:
    """At three stations at once, no image reaches a wrong device."""
    devices = paper_devices(desk, DEVICES)
    iccids = ordered(desk, devices)
    run_lines(desk, devices, 3)
    found = {one.eid: one.image.iccid for one in devices if one.image is not None}
    assert found == iccids
    assert len({one.image.image_id for one in devices if one.image is not None}) == DEVICES


@pytest.mark.requirement("R-18", "R-39", "R-47", refusal=True)
def test_nobody_gets_the_image_of_another_device(desk: Desk) -> None:
    """A device that is let in and asks for another one's profile is refused; so is its report."""
    honest, curious = paper_devices(desk, 2)
    iccids = ordered(desk, (honest, curious))
    station = LineStation(desk.station(), curious)
    with step("Another device's profile"), refusal(Refusal) as refused:
        station.provision(iccids[honest.eid])
    assert refused.value.code in (RefusalCode.UNKNOWN, RefusalCode.NOT_ALLOWED)
    assert curious.image is None
    with step("A report on another device's image"):
        LineStation(desk.station(), honest).provision()
        curious.image = honest.image
        with refusal(Refusal) as forbidden:
            station.report()
        assert forbidden.value.code is RefusalCode.NOT_ALLOWED
    with step("A device that claims the other's eSIM"):
        curious.eid = honest.eid
        with refusal(Refusal, match="belongs to it"):
            LineStation(desk.station(), curious, error_message=lambda _: None).provision()


@pytest.mark.requirement("R-73")
@pytest.mark.severity("minor")
def test_devices_an_hour_against_the_number_of_lines(desk: Desk) -> None:
    """The server's share of an hour, for one station and for three; the figure is not judged.

    Without cable and card: their time stands with the image against the air.
    """
    for lines in LINES:
        devices = paper_devices(desk, DEVICES)
        iccids = ordered(desk, devices)
        seconds = run_lines(desk, devices, lines)
        found = {one.eid: one.image.iccid for one in devices if one.image is not None}
        assert found == iccids
        rate = DEVICES / seconds * HOUR_S
        noted(by_clock(f"devices an hour at {lines} lines", rate, "devices/h"))
