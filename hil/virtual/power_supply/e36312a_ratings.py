"""The Keysight E36312A in numbers.

Sourced: ranges and steps (libsigrok, tested on hardware), OVP ranges (the same), condition bits CC,
CV and over-temperature (the same). Assumed, because no manual at hand says: accuracy (0.04 % + 3 mV
class), noise, output stages (5 V fall unloaded within the 50 ms that are told for settling),
condition bits of OVP and OCP (512 and 1024, those of its relatives E3632A and E364xA), queue depth,
reply of ``*OPT?``, remote sense that makes up for 1 V, OCP delay of 50 ms after reset.
"""

from __future__ import annotations

from hil.virtual.electrical import Stage
from hil.virtual.power_supply.ratings import Accuracy, OutputRatings, Range, SupplyRatings

OCP_DELAY = Range(0.0, 3600.0, 0.05, 0.001)
_SINK_AMPS = 0.1
_SIX_VOLTS = OutputRatings(
    "P6V",
    Range(0.0, 6.18, 0.0, 0.001),
    Range(0.002, 5.15, 5.0, 0.001),
    Range(0.5, 6.6, 6.6, 0.001),
    None,
    Stage(farads=1000e-6, sink_amps=_SINK_AMPS, slew_v_s=600.0),
    sense_volts=1.0,
)


def _twenty_five_volts(label: str) -> OutputRatings:
    return OutputRatings(
        label,
        Range(0.0, 25.75, 0.0, 0.001),
        Range(0.001, 1.03, 1.0, 0.001),
        Range(0.5, 27.5, 27.5, 0.001),
        None,
        Stage(farads=470e-6, sink_amps=_SINK_AMPS, slew_v_s=1000.0),
        sense_volts=1.0,
    )


E36312A = SupplyRatings(
    maker="Keysight Technologies",
    model="E36312A",
    firmware="1.0.4-1.0.0-1.02",
    options="0",
    outputs=(_SIX_VOLTS, _twenty_five_volts("P25V"), _twenty_five_volts("N25V")),
    set_volts=Accuracy(0.0004, 0.003),
    set_amps=Accuracy(0.0004, 0.003),
    read_volts=Accuracy(0.0004, 0.003),
    read_amps=Accuracy(0.0004, 0.003),
    read_volts_step=0.000001,
    read_amps_step=0.000001,
    noise_volts=0.0001,
    noise_amps=0.0001,
    queue_depth=20,
    trip_s=0.0015,
    slow_trip_s=0.010,
    slow_trip_below=3.0,
    ocp_trip_s=OCP_DELAY.default,
    drift_volts=Accuracy(0.0002, 0.001),
    drift_amps=Accuracy(0.0002, 0.001),
    cc=1,
    cv=2,
    ovp=512,
    ocp=1024,
)
