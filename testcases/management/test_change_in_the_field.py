"""A user changes the subscriber profile in the field, by an image that the SM-SR makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.equipment.card.euicc import ProfileState
from hil.evidence import step
from hil.provisioning.line_station import LineStation
from hil.provisioning.orders import ProfileRequest
from testcases.authentication.watching import until
from testcases.conformance.euicc import preparing
from testcases.installing import assert_installed, assert_on_card, hand_over, install_at_boot
from testcases.provisioning_flow import provision

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.bench.desk import Desk
    from hil.bench.device_owner import DeviceOwner
    from hil.bench.esim import Esim
    from hil.bench.image_maker import ImageMaker
    from hil.bench.profile_maker import LabProfile
    from hil.equipment.card.over_the_air import OverTheAirSession

pytestmark = [
    pytest.mark.requires("device", "card.m2m", "servers.sm-sr.images", "servers.sm-dp"),
    pytest.mark.severity("critical"),
]

FIRST_KEYS = "*1#"
NO_DISABLE = b"\x01"


def ordered(desk: Desk, esim: Esim, mno: str) -> str:
    """Have packets of a new profile sent to the SM-SR; return its ICCID."""
    request = ProfileRequest(mno=mno, sm_dp="sm-dp-1", targets=(esim.eid(),))
    (profile,) = desk.sm_dp("sm-dp-1").place(request).profiles
    return profile.iccid


@pytest.mark.requirement("R-70")
@pytest.mark.severity("blocker")
def test_the_user_changes_the_operator_by_image(desk: Desk, owner: DeviceOwner, esim: Esim) -> None:
    """The new profile is enabled, the old one stays disabled, and the EIS knows both."""
    name = desk.servers.home_of_support
    old = ordered(desk, esim, "mno-1")
    station = LineStation(desk.station(name), owner.device)
    assert provision(station, owner.device, old).install.result == "installed"
    assert esim.iccid() == old
    with step("In the field the user asks for another operator: the keys lead to first mode"):
        owner.device.user_input(FIRST_KEYS)
        assert owner.device.status().mode == "first"
    new = ordered(desk, esim, "mno-2")
    with step("The device connects to the SM-SR and gets an image made there"):
        station = LineStation(desk.station(name), owner.device)
        assert provision(station, owner.device, new).install.result == "installed"
    assert esim.iccid() == new

    def states() -> dict[str, str]:
        rows = desk.sm_sr(name).euicc(esim.eid()).profiles
        return {row.iccid: row.state for row in rows if row.iccid in (old, new)}

    until(
        lambda: states() == {old: "disabled", new: "enabled"},
        timeout_s=10.0,
        otherwise="the EIS does not show the change",
    )


@pytest.fixture
def pinned(
    over_the_air: OverTheAirSession, esim: Esim, image_maker: ImageMaker
) -> Iterator[LabProfile]:
    """A profile to be installed whose POL1 forbids to disable it; free to go afterwards."""
    profile = image_maker.profile(pol=NO_DISABLE)
    yield profile
    preparing.release(over_the_air, esim, profile)


@pytest.mark.requires("card.keys")
@pytest.mark.requirement("R-70", refusal=True)
def test_a_policy_rule_of_the_old_profile_holds(
    desk: Desk, owner: DeviceOwner, esim: Esim, image_maker: ImageMaker, pinned: LabProfile
) -> None:
    """POL1 of the old profile forbids to disable it: the change fails, and the old one stays."""
    hand_over(owner, image_maker.sealed(pinned))
    assert_installed(install_at_boot(owner.device), pinned.iccid)
    new = ordered(desk, esim, "mno-2")
    station = LineStation(desk.station(desk.servers.home_of_support), owner.device)
    station.provision(new)
    with step("The image does not take the old profile's place"):
        report = install_at_boot(owner.device)
        assert report.result == "failed"
        assert report.reason
    assert_on_card(esim, pinned)
    states = [one.state for one in esim.profiles()]
    assert states.count(ProfileState.ENABLED) == 1
