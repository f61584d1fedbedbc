"""What can be asked of the control port.

The line:

* ``{"fault":KIND,"match":REGEX,"times":N,"skip":N,"delay_s":S,"text":T}``: a fault of the line (all
  but the first optional); ``{"clear":true}`` takes the line's faults back;
* ``{"listening":BOOL}``: take clients in, or refuse them as a dead port does;
* ``{"identity":TEXT}``: another reply to ``*IDN?`` (empty: the model's own);
* ``{"manner":NAME,"value":TEXT}``: a switch of :mod:`hil.virtual.power_supply.manners`.

The instrument:

* ``{"error":CODE}``: queue an error; ``{"overflow":true}``: fill the queue;
* ``{"reboot":true,"down_s":S}``: power-up state, lines cut, refusing for a while (brown-out);
* ``{"panel":{"1":{"volts":…,"amps":…,"on":…}}}``: knobs at the front, answers ``"heeded"``;
  ``{"held":BOOL}``: somebody at the panel keeps it in local, settings get -201.

The outputs:

* ``{"stuck":CHANNEL,"value":BOOL}``: stays as it is, whatever is acknowledged;
  ``{"dead":CHANNEL,"value":BOOL}``: gives nothing;
* ``{"trip":CHANNEL,"protection":"ovp"|"ocp"}``; ``{"untrip":CHANNEL}``: trips clear themselves;
* ``{"load":{"1":{"ohms":…,"emf":…}}}``: hang something on the terminals besides the copper;
* ``{"cable":{"1":{"ohms":…,"crossed":…,"cut":…,"sense_leads":"good"|"open"|"crossed"}}}``, all
  but the ohms of both leads optional and mended where they are not named;
* ``{"readback":CHANNEL,"gain":…,"offset":…,"noise":…}``: a meter beyond its data sheet;
* ``{"state":true}``: answers with settings and true volts and amps of every channel.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hil.errors import CodecError
from hil.virtual.copper import decode_loads
from hil.virtual.electrical import Load
from hil.virtual.power_supply.cable import Cable
from hil.virtual.power_supply.faults import Fault
from hil.virtual.power_supply.output import Output
from hil.virtual.power_supply.scpi_errors import TEXTS
from hil.virtual.power_supply.sense import Leads
from hil.virtual.power_supply.station import Station
from hil.virtual.power_supply.unit_errors import Trouble

Request = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Desk:
    """What a request works on: the station, and the way to hang a load on the terminals."""

    station: Station
    hang: Callable[[int, Load], None]

    def output(self, number: object) -> Output:
        """Return an output by its number, after what is due there."""
        if isinstance(number, bool) or not isinstance(number, int | str):
            raise CodecError(f"a channel is a number, got {number!r}")
        output = self.station.supply.outputs[int(number)]
        output.advance(self.now)
        return output

    @property
    def now(self) -> int:
        """The supply's time in nanoseconds."""
        return self.station.supply.clock()


def _fault(desk: Desk, request: Request) -> None:
    times = request.get("times")
    desk.station.faults.add(
        Fault(
            str(request["fault"]),
            re.compile(str(request.get("match", ""))),
            None if times is None else int(times),
            float(request.get("delay_s", 0.0)),
            str(request.get("text", "")),
            int(request.get("skip", 0)),
        )
    )


def _clear(desk: Desk, _: Request) -> None:
    desk.station.faults.clear()


def _listening(desk: Desk, request: Request) -> None:
    desk.station.listen(bool(request["listening"]))


def _identity(desk: Desk, request: Request) -> None:
    identity = str(request["identity"])
    if not identity.isascii():
        raise CodecError("an identity is ASCII")
    desk.station.supply.identity = identity or desk.station.supply.own_identity()


def _manner(desk: Desk, request: Request) -> None:
    supply = desk.station.supply
    supply.manners = supply.manners.changed(str(request["manner"]), str(request["value"]))


def _error(desk: Desk, request: Request) -> None:
    if request["error"] not in TEXTS:
        raise CodecError(f"no SCPI error {request['error']!r}")
    desk.station.supply.note_error(request["error"])


def _overflow(desk: Desk, _: Request) -> None:
    for _entry in range(desk.station.supply.ratings.queue_depth + 1):
        desk.station.supply.note_error(-310)


def _reboot(desk: Desk, request: Request) -> None:
    desk.station.reboot(float(request.get("down_s", 0.0)))


def _panel(desk: Desk, request: Request) -> dict[str, Any]:
    heeded = True
    for number, knobs in dict(request["panel"]).items():
        output = desk.output(number)
        volts, amps, on = (knobs.get(name) for name in ("volts", "amps", "on"))
        heeded &= desk.station.supply.panel(
            output.number,
            volts=None if volts is None else float(volts),
            amps=None if amps is None else float(amps),
            on=None if on is None else bool(on),
        )
    return {"heeded": heeded}


def _held(desk: Desk, request: Request) -> None:
    desk.station.supply.held = bool(request["held"])


def _stuck(desk: Desk, request: Request) -> None:
    desk.output(request["stuck"]).stick(desk.now, bool(request["value"]))


def _dead(desk: Desk, request: Request) -> None:
    desk.output(request["dead"]).die(desk.now, bool(request["value"]))


def _trip(desk: Desk, request: Request) -> None:
    output = desk.output(request["trip"])
    protection = {"ovp": output.ovp, "ocp": output.ocp}[request["protection"]]
    output.trip(desk.now, protection)


def _untrip(desk: Desk, request: Request) -> None:
    output = desk.output(request["untrip"])
    output.clear_trip(desk.now, output.ovp, output.ocp, restore=True)


def _load(desk: Desk, request: Request) -> None:
    for number, load in decode_loads(request).items():
        desk.output(number)
        desk.hang(number, load)


def _cable(desk: Desk, request: Request) -> None:
    for number, laid in dict(request["cable"]).items():
        output = desk.output(number)
        ohms = float(laid.get("ohms", output.cable.ohms))
        if not 0 <= ohms < 1e6:
            raise CodecError(f"ohms of a cable are 0 or more, got {ohms}")
        leads = Leads(laid.get("sense_leads", Leads.GOOD))
        cable = Cable(ohms, bool(laid.get("crossed", False)), bool(laid.get("cut", False)))
        output.wire(desk.now, cable, leads)


def _readback(desk: Desk, request: Request) -> None:
    wrong = (float(request.get(name, 0.0)) for name in ("gain", "offset", "noise"))
    desk.output(request["readback"]).errors.trouble = Trouble(*wrong)


def _state(desk: Desk, _: Request) -> dict[str, Any]:
    channels = {}
    for number in desk.station.supply.outputs:
        output = desk.output(number)
        channels[str(number)] = {
            "on": output.on,
            "set_volts": output.volts,
            "set_amps": output.amps,
            "volts": output.true_volts(desk.now),
            "device_volts": output.far_volts(desk.now),
            "amps": output.true_amps(desk.now),
            "mode": output.mode(desk.now),
            "ovp_tripped": output.ovp.tripped,
            "ocp_tripped": output.ocp.tripped,
        }
    access = desk.station.supply.access.value
    return {"channels": channels, "clients": desk.station.clients, "access": access}


REQUESTS: Mapping[str, Callable[[Desk, Request], dict[str, Any] | None]] = {
    "fault": _fault,
    "clear": _clear,
    "listening": _listening,
    "identity": _identity,
    "manner": _manner,
    "error": _error,
    "overflow": _overflow,
    "reboot": _reboot,
    "panel": _panel,
    "held": _held,
    "stuck": _stuck,
    "dead": _dead,
    "trip": _trip,
    "untrip": _untrip,
    "load": _load,
    "cable": _cable,
    "readback": _readback,
    "state": _state,
}
"""What a request's first key may be."""
