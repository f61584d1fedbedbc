"""The way of a profile from the order to the card, as test cases share it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hil.evidence import step
from hil.provisioning.orders import ProfileRequest
from testcases.installing import INSTALL_TIMEOUT_S, install_at_boot

if TYPE_CHECKING:
    from hil.bench.desk import Desk
    from hil.bench.esim import Esim
    from hil.equipment.device.device import Device
    from hil.equipment.device.types import InstallReport
    from hil.provisioning.line_station import LineReport, LineStation
    from hil.provisioning.orders import OrderReceipt

ROUNDS: Final = 3
"""A stale image is answered with a new one; more often than this it cannot be stale."""


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What became of one device on the line."""

    line: LineReport
    install: InstallReport
    rounds: int


def order_for(
    desk: Desk, esim: Esim, *, mno: str = "mno-1", sm_dp: str = "sm-dp-1", profile_type: str
) -> OrderReceipt:
    """Have the support server order one profile for the eSIM of the bench (operation 510)."""
    with step(f"The support server orders a {profile_type} profile of {mno} from {sm_dp}"):
        return desk.support().request_profiles(
            ProfileRequest(mno=mno, sm_dp=sm_dp, profile_type=profile_type, targets=(esim.eid(),))
        )


def provision(station: LineStation, device: Device, iccid: str | None = None) -> Provisioned:
    """Authenticate, transfer, restart, install and report; again while the server makes new images.

    An image is stale when the ISD-R's counter has moved since it was made: the server then makes
    another one.
    """
    for number in range(1, ROUNDS + 1):
        with step(f"Round {number}: authentication and transfer"):
            line = station.provision(iccid)
        install = install_at_boot(device)
        with step(f"The station reports: {install.result} {install.reason}"):
            again = station.report(timeout_s=INSTALL_TIMEOUT_S)
        if again is None:
            return Provisioned(line, install, number)
    raise AssertionError(f"the image was stale {ROUNDS} times: {install.reason}")
