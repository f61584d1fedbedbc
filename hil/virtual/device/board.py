"""The board: holds the parts together and starts a firmware whenever the rail comes up."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from hil.virtual.device.config import DeviceConfig
from hil.virtual.device.esim import Esim
from hil.virtual.device.esim_slot import EsimError
from hil.virtual.device.firmware import Firmware
from hil.virtual.device.jig_defects import Memory as JigMemory
from hil.virtual.device.jig_defects import make_sensor
from hil.virtual.device.memory import Memory
from hil.virtual.device.port import Port
from hil.virtual.device.power import Wires, watch_jig, watch_rail
from hil.virtual.device.vault import Vault, storage_key

_log = logging.getLogger(__name__)


class Board:
    """One device: powered by its wires, for ever."""

    def __init__(
        self,
        config: DeviceConfig,
        state: Path,
        *,
        port: Port,
        esim: Esim,
        wires: Wires,
        radio: str = "none",
    ) -> None:
        self._config = config
        self._port = port
        self._esim = esim
        self._wires = wires
        self._radio = radio
        key = storage_key(state, config.device_id, config.key_set)
        self._vault = Vault(state / "secure", key)
        self._jig_memory = JigMemory()
        self._rail_on = False
        self._wake = asyncio.Event()
        self._life: asyncio.Task[None] | None = None

    @property
    def serving(self) -> bool:
        """Whether the firmware has booted and answers on its port."""
        return self._port.powered

    async def run(self) -> None:
        """Watch the rail and live with it until cancelled."""
        self._port.start()
        self._wires.load(on=False)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(watch_rail(self._wires, self._config.rail, self._rail_changed))
            tasks.create_task(self._live())

    def _rail_changed(self, on: bool) -> None:
        self._rail_on = on
        self._end_life()

    def _end_life(self) -> None:
        self._port.power(on=False)
        if self._life is not None:
            self._life.cancel()
        self._wake.set()

    async def _live(self) -> None:
        try:
            while True:
                self._wake.clear()
                if self._rail_on:
                    await self._one_life()
                    if self._rail_on:
                        continue
                await self._wake.wait()
        finally:
            await self._lose_power()

    async def _one_life(self) -> None:
        self._wires.load(on=True)
        life = self._life = asyncio.create_task(self._firmware())
        try:
            await asyncio.wait((life,))
        finally:
            life.cancel()
            await asyncio.wait((life,))
            self._life = None
        if not life.cancelled() and (error := life.exception()) is not None:
            _log.error("firmware crashed; the watchdog restarts it", exc_info=error)
        await self._lose_power()

    async def _firmware(self) -> None:
        """Run one life: everything made here is RAM."""
        jig = make_sensor(self._config.jig, self._jig_memory)
        memory = Memory(self._vault, mode=self._config.mode, manner=self._config.manner)
        firmware = Firmware(
            self._config,
            memory,
            port=self._port,
            esim=self._esim,
            jig=jig,
            restart=self._end_life,
            radio=self._radio,
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(watch_jig(self._wires, self._config.jig, jig))
            tasks.create_task(firmware.run())

    async def _lose_power(self) -> None:
        self._port.power(on=False)
        if not self._rail_on:
            self._wires.load(on=False)
        try:
            await self._esim.power_off()
        except EsimError as err:
            _log.warning("the eSIM does not let go: %s", err)
