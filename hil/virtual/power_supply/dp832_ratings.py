"""The Rigol DP832 in numbers.

Sourced: ranges (DP800 programming guide table 2-1; CH3 there is a misprint, its range is positive),
protection ranges (DP832 data sheet as used by QCoDeS), condition bits (guide table 1-3), accuracies
(DP800 performance verification p. 60), readback of the high-resolution option. Derived from the
DP1308A sibling (performance verification p. 43): output stages (no-load fall 29.7 V/s on 6 V,
61.9 V/s on 25 V, rise of 10 ms to 6 V), trip times and drift (0.03 % + 1 mV in 8 h). Assumed:
noise, queue depth, reply of ``*OPT?``, protection levels after reset.
"""

from __future__ import annotations

from hil.virtual.electrical import Stage
from hil.virtual.power_supply.ratings import Accuracy, OutputRatings, Range, SupplyRatings

_AMPS = Range(0.0, 3.2, 3.0, 0.001)
_OCP = Range(0.001, 3.3, 3.3, 0.001)
_SINK_AMPS = 0.07
_SLEW_V_S = 555.0
_THIRTY_VOLTS = OutputRatings(
    "30V/3A",
    Range(0.0, 32.0, 0.0, 0.001),
    _AMPS,
    Range(0.001, 33.0, 33.0, 0.001),
    _OCP,
    Stage(_SINK_AMPS / 61.9, _SINK_AMPS, _SLEW_V_S),
)
_FIVE_VOLTS = OutputRatings(
    "5V/3A",
    Range(0.0, 5.3, 0.0, 0.001),
    _AMPS,
    Range(0.001, 5.5, 5.5, 0.001),
    _OCP,
    Stage(_SINK_AMPS / 29.7, _SINK_AMPS, _SLEW_V_S),
)

DP832 = SupplyRatings(
    maker="RIGOL TECHNOLOGIES",
    model="DP832",
    firmware="00.01.14",
    options="0,0,0,DP8-ACCURACY",
    outputs=(_THIRTY_VOLTS, _THIRTY_VOLTS, _FIVE_VOLTS),
    set_volts=Accuracy(0.0005, 0.020),
    set_amps=Accuracy(0.002, 0.010),
    read_volts=Accuracy(0.0005, 0.010),
    read_amps=Accuracy(0.0015, 0.005),
    read_volts_step=0.001,
    read_amps_step=0.001,
    noise_volts=0.0003,
    noise_amps=0.0002,
    queue_depth=16,
    trip_s=0.0015,
    slow_trip_s=0.010,
    slow_trip_below=3.0,
    ocp_trip_s=0.008,
    drift_volts=Accuracy(0.0003, 0.001),
    drift_amps=Accuracy(0.0003, 0.001),
)
