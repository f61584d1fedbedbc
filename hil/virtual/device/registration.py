"""Registration with the network: the enabled profile's IMSI, and an authentication with its key.

Runs whenever a network that authenticates is met and whenever the eSIM was reset, since then
another profile may be enabled. The states are those of +CEREG (3GPP TS 27.007, 10.1.22).
"""

from __future__ import annotations

import asyncio
import logging
from enum import IntEnum
from typing import Final

from hil.errors import CodecError
from hil.virtual.device.esim import Esim
from hil.virtual.device.esim_slot import EsimError
from hil.virtual.device.radio import NetworkLostError, Radio
from hil.virtual.device.usim import authenticate, read_imsi

_log = logging.getLogger(__name__)

CAUSES: Final = {2: "IMSI unknown in HSS", 3: "Illegal UE"}
"""Of 3GPP TS 24.301, 9.9.3.9: those that the virtual network gives."""


class Registered(IntEnum):
    """<stat> of +CEREG."""

    NO = 0
    HOME = 1
    SEARCHING = 2
    DENIED = 3


class Registration:
    """Keeps the device registered while its radio has a network that authenticates."""

    def __init__(self, esim: Esim, radio: Radio) -> None:
        self._esim = esim
        self._radio = radio
        self._due = asyncio.Event()
        self.state = Registered.NO
        self.network = ""
        self.cause = ""
        radio.on_network = self.begin
        radio.on_lost = self._lost
        esim.on_reset = self.begin

    def begin(self) -> None:
        """Register anew, where there is a network to register with."""
        if self._radio.authenticates:
            self._leave(Registered.SEARCHING)
            self._due.set()

    async def run(self) -> None:
        """Register whenever it is due, until cancelled."""
        while True:
            await self._due.wait()
            self._due.clear()
            try:
                await self._register()
            except NetworkLostError as err:
                _log.info("registration: %s", err)
            except (EsimError, CodecError) as err:
                _log.info("registration: %s", err)
                self._leave(Registered.NO, str(err))

    async def _register(self) -> None:
        imsi = await read_imsi(self._esim)
        answer = await self._radio.register(imsi, self._answer)
        if self._due.is_set():
            return
        if "registered" in answer:
            self.state, self.network, self.cause = Registered.HOME, self._radio.plmn, ""
            return
        cause = answer["rejected"]
        self._leave(Registered.DENIED, f"{CAUSES.get(cause, 'rejected')} ({cause})")

    async def _answer(self, rand: bytes, autn: bytes) -> dict[str, object]:
        given = await authenticate(self._esim, rand, autn)
        if given.res:
            return {"res": given.res.hex()}
        return {"auts": given.auts.hex()} if given.auts else {"mac_failure": True}

    def _leave(self, state: Registered, cause: str = "") -> None:
        self.state, self.network, self.cause = state, "", cause

    def _lost(self) -> None:
        self._leave(Registered.SEARCHING if self.state is not Registered.NO else self.state)
