"""What goes out of a supply, and when: a stimulus as data, its plan, and its player.

A stimulus is immutable and knows no instrument:

>>> from hil.equipment.power_supply.stimulus import Hold, Open, Pulse
>>> stimulus = Open(0.2) + Pulse(1.8, 0.05, base=1.5, lead_s=0.1, tail_s=0.3) + Hold(0.0, 0.5)
>>> round(stimulus.seconds, 3)
1.15

:func:`plan` turns one or more of them into set points over time, on the channels of one supply and
within the limits of their cables; :func:`play` plays the plan and stamps every edge. On a bench,
``jig.play(stimulus)`` does both, and records what the supply and the device say meanwhile.
"""

from __future__ import annotations

from hil.equipment.power_supply.stimulus.errors import LateEdgeError, TooFineError
from hil.equipment.power_supply.stimulus.planning import Edge, Plan, Setting, Track, plan
from hil.equipment.power_supply.stimulus.player import Played, Then, Watcher, play
from hil.equipment.power_supply.stimulus.shapes import (
    Chatter,
    Dropout,
    Hold,
    Open,
    Pulse,
    Ramp,
    Sequence,
    Series,
    SetPoint,
    Step,
    Stimulus,
)
from hil.equipment.power_supply.stimulus.stamps import Span, Stamp
from hil.equipment.power_supply.stimulus.timing import Timing, timing_of

__all__ = [
    "Chatter",
    "Dropout",
    "Edge",
    "Hold",
    "LateEdgeError",
    "Open",
    "Plan",
    "Played",
    "Pulse",
    "Ramp",
    "Sequence",
    "Series",
    "SetPoint",
    "Setting",
    "Span",
    "Stamp",
    "Step",
    "Stimulus",
    "Then",
    "Timing",
    "TooFineError",
    "Track",
    "Watcher",
    "plan",
    "play",
    "timing_of",
]
