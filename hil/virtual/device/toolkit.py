"""The terminal's side of the card application toolkit: fetches, obeys, answers (TS 102 223).

The eSIM is not held while a command is carried out: a short message may take its time. REFRESH is
answered first and obeyed then, by a reset of the card, whatever its qualifier: that is right for
the UICC reset after a profile change, and never less than the other qualifiers ask for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from hil.errors import CodecError
from hil.virtual.device.esim import Esim
from hil.virtual.device.esim_slot import EsimError
from hil.wire import cat
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.cat_values import CommandType, Result

_log = logging.getLogger(__name__)
_STATUS: Final = CommandApdu(0x80, 0xF2, 0x00, 0x0C)
_MOST_COMMANDS: Final = 100
PROFILE: Final = bytes.fromhex("FFFFFFFF7F0000DF000000000000000000000000000000000000000000000000")
"""Terminal profile: SMS-PP download, REFRESH, SEND SHORT MESSAGE and other common facilities."""

Submit = Callable[[bytes], Awaitable[bool]]


class Toolkit:
    """Serves proactive commands of one eSIM."""

    def __init__(self, esim: Esim, *, submit: Submit) -> None:
        self._esim = esim
        self._submit = submit
        self._lock = asyncio.Lock()

    @property
    def busy(self) -> bool:
        """Whether a proactive command is being carried out."""
        return self._lock.locked()

    async def introduce(self) -> None:
        """Send TERMINAL PROFILE: only after it the card may have wishes."""
        self._esim.greeting = cat.terminal_profile(PROFILE)
        async with self._esim.burst():
            response = await self._esim.exchange(cat.terminal_profile(PROFILE))
        await self.serve(response)

    async def poll(self) -> None:
        """Ask by STATUS whether a command waits."""
        async with self._esim.burst():
            response = await self._esim.exchange(_STATUS)
        await self.serve(response)

    async def serve(self, response: ResponseApdu) -> None:
        """Fetch and carry out commands for as long as the card announces one by 91xx."""
        async with self._lock:
            for _ in range(_MOST_COMMANDS):
                if response.sw1 != 0x91:
                    return
                response = await self._one(response.sw2)
        _log.warning("the eSIM wants more than %d commands in a row; leaving it", _MOST_COMMANDS)

    async def serve_quietly(self, response: ResponseApdu) -> None:
        """Serve, and log what goes wrong: nobody waits for the outcome."""
        try:
            await self.serve(response)
        except (EsimError, CodecError) as err:
            _log.warning("proactive command: %s", err)

    async def _one(self, length: int) -> ResponseApdu:
        async with self._esim.burst():
            fetched = await self._esim.exchange(cat.fetch(length))
        if fetched.sw != 0x9000:
            return ResponseApdu(b"", 0x9000)
        command = cat.ProactiveCommand.decode(fetched.data)
        result = await self._perform(command)
        async with self._esim.burst():
            response = await self._esim.exchange(cat.terminal_response(command, result))
            if command.kind != CommandType.REFRESH:
                return response
            await self._esim.reset()
            return await self._esim.exchange(cat.terminal_profile(PROFILE))

    async def _perform(self, command: cat.ProactiveCommand) -> Result:
        if command.kind == CommandType.REFRESH:
            return Result.DONE
        if command.kind == CommandType.SEND_SHORT_MESSAGE:
            return Result.DONE if await self._submit(command.tpdu) else Result.NETWORK_BUSY
        if command.kind in (CommandType.MORE_TIME, CommandType.POLL_INTERVAL):
            return Result.DONE
        return Result.BEYOND_CAPABILITIES
