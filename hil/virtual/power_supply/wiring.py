"""Joins a supply's outputs to the copper: laws one way, loads the other, trips in time."""

from __future__ import annotations

import asyncio

from hil.virtual.copper import ChannelLaw, CopperServer
from hil.virtual.electrical import NS, Load, parallel
from hil.virtual.power_supply.instrument import Instrument
from hil.virtual.power_supply.output import Output


class Wiring:
    """Pushes the law of each output to the copper, and lets trips happen when they are due.

    Loads come from the copper's devices and, beside them, from :meth:`hang`.
    """

    def __init__(self, supply: Instrument) -> None:
        self._supply = supply
        self.copper = CopperServer(supply.outputs, self._devices_changed)
        self._from_devices: dict[int, Load] = {}
        self._hung: dict[int, Load] = {}
        self._timers: dict[int, asyncio.TimerHandle] = {}
        for output in supply.outputs.values():
            output.on_change = self._changed

    async def close(self) -> None:
        """Cut the wires."""
        for output in self._supply.outputs.values():
            output.on_change = None
        for timer in self._timers.values():
            timer.cancel()
        await self.copper.close()

    def hang(self, channel: int, load: Load) -> None:
        """Hang a load on a channel beside those of the devices."""
        self._hung[channel] = load
        self._connect(channel)

    def _devices_changed(self, channel: int, load: Load) -> None:
        self._from_devices[channel] = load
        self._connect(channel)

    def _connect(self, channel: int) -> None:
        load = parallel(self._from_devices.get(channel, Load()), self._hung.get(channel, Load()))
        now = self._supply.clock()
        output = self._supply.outputs[channel]
        output.advance(now)
        output.connect(now, load)

    def _changed(self, output: Output) -> None:
        self.copper.push(ChannelLaw(output.number, output.segments, output.drive.amps))
        timer = self._timers.pop(output.number, None)
        if timer is not None:
            timer.cancel()
        trip = output.next_trip()
        if trip is not None:
            wait_s = max(0.0, (trip[0] - self._supply.clock()) / NS)
            self._timers[output.number] = asyncio.get_running_loop().call_later(
                wait_s, self._trip, output
            )

    def _trip(self, output: Output) -> None:
        del self._timers[output.number]
        now = self._supply.clock()
        output.advance(now)
        if output.next_trip() is not None and output.number not in self._timers:
            # The timer was a little early: ask again.
            self._changed(output)
