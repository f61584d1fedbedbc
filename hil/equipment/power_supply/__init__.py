"""Hands on a programmable power supply over VISA.

>>> from hil.equipment.power_supply import CableLimits, PowerSupply
>>> limits = {1: CableLimits(max_volts=5.5, max_amps=0.5, ovp_volts=6.0, ocp_amps=0.6)}

``PowerSupply.open("TCPIP0::192.0.2.7::5555::SOCKET", model="DP832", limits=limits)`` then gives
channels that are protected, applied and switched on in this order, and provably off at the end.
PyVISA is imported when a supply is opened, not before. Should the process be killed, outputs stay
on unless a :class:`Watchdog` was given to :meth:`PowerSupply.watched_by`; the log warns of that.
"""

from __future__ import annotations

from hil.equipment.power_supply.channel import Channel
from hil.equipment.power_supply.dialect import ChannelAccuracy, SerialLine
from hil.equipment.power_supply.emergency import switch_off
from hil.equipment.power_supply.errors import (
    IdentityError,
    InstrumentError,
    NoValueError,
    OffNotProvenError,
    SettingError,
    SettleError,
    TripError,
)
from hil.equipment.power_supply.limits import CableLimits
from hil.equipment.power_supply.power_supply import PowerSupply
from hil.equipment.power_supply.readings import (
    ChannelOff,
    ChannelStatus,
    Glance,
    Identity,
    OffReport,
    Reading,
    Regulation,
)
from hil.equipment.power_supply.sequencer import Sequencer
from hil.equipment.power_supply.watch_orders import WatchReport
from hil.equipment.power_supply.watchdog import Watchdog
from hil.errors import LinkError, LinkTimeoutError, SafetyError
from hil.lease import OwnedError

__all__ = [
    "CableLimits",
    "Channel",
    "ChannelAccuracy",
    "ChannelOff",
    "ChannelStatus",
    "Glance",
    "Identity",
    "IdentityError",
    "InstrumentError",
    "LinkError",
    "LinkTimeoutError",
    "NoValueError",
    "OffNotProvenError",
    "OffReport",
    "OwnedError",
    "PowerSupply",
    "Reading",
    "Regulation",
    "SafetyError",
    "Sequencer",
    "SerialLine",
    "SettingError",
    "SettleError",
    "TripError",
    "WatchReport",
    "Watchdog",
    "switch_off",
]
