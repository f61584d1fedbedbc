"""Joins a supply's outputs to the copper: laws one way, loads the other, events in time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hil.virtual.copper import ChannelLaw, CopperServer
from hil.virtual.electrical import NS, Load
from hil.virtual.power_supply.output import Output
from hil.virtual.power_supply.supply import Supply


class Wiring:
    """Pushes the law of each output to the copper, and lets trips and steps happen in time.

    The copper is the far end of each output's cable. Loads come from the copper's devices there
    and, on the terminals themselves, from :meth:`hang`. ``after_event`` is called when something
    has happened by itself.
    """

    def __init__(self, supply: Supply) -> None:
        self._supply = supply
        self.after_event: Callable[[], None] | None = None
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
        now = self._supply.clock()
        output = self._supply.outputs[channel]
        output.advance(now)
        far = self._from_devices.get(channel, Load())
        output.connect(now, far, self._hung.get(channel, Load()))

    def _changed(self, output: Output) -> None:
        self.copper.push(ChannelLaw(output.number, output.far_segments(), output.drive.amps))
        timer = self._timers.pop(output.number, None)
        if timer is not None:
            timer.cancel()
        at_ns = output.next_event()
        if at_ns is not None:
            wait_s = max(0.0, (at_ns - self._supply.clock()) / NS)
            self._timers[output.number] = asyncio.get_running_loop().call_later(
                wait_s, self._event, output
            )

    def _event(self, output: Output) -> None:
        del self._timers[output.number]
        now = self._supply.clock()
        output.advance(now)
        if self.after_event is not None:
            self.after_event()
        if output.next_event() is not None and output.number not in self._timers:
            # The timer was a little early: ask again.
            self._changed(output)
