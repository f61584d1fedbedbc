"""Second mode: packets come as short messages and go to the eSIM by ENVELOPE (claim 20).

Only messages for the card (TP-PID 7F, or class 2 by TP-DCS) concern the eSIM. In second mode they
are forwarded; in first mode and in test mode they are refused, so that no packet installs there.
Other messages are accepted and go nowhere: this device has no inbox.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from hil.errors import CodecError
from hil.virtual.device.esim import Esim
from hil.virtual.device.esim_slot import EsimError
from hil.wire.apdu import ResponseApdu
from hil.wire.cat import envelope_sms_pp
from hil.wire.device_auth import Mode
from hil.wire.sms_address import Address
from hil.wire.sms_tpdu import PID_SIM_DATA_DOWNLOAD, SmsDeliver

_log = logging.getLogger(__name__)
_BUSY: Final = 0x9300
_BUSY_TRIES: Final = 5
_BUSY_PAUSE_S: Final = 0.2
_CLASS_MASK: Final = 0x13
_CLASS_2: Final = 0x12


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the network hears: taken or not, and the user data of the delivery report."""

    ok: bool
    report: bytes = b""


class OverTheAir:
    """Forwards short messages to the eSIM as the mode allows."""

    def __init__(
        self,
        esim: Esim,
        *,
        service_centre: str,
        mode: Callable[[], Mode],
        proactive: Callable[[ResponseApdu], None],
        refused: Callable[[str], None],
    ) -> None:
        self._esim = esim
        self._service_centre = Address.international(service_centre)
        self._mode = mode
        self._proactive = proactive
        self._refused = refused

    async def deliver(self, tpdu: bytes) -> Delivery:
        """Take one SMS-DELIVER."""
        try:
            message = SmsDeliver.decode(tpdu)
        except CodecError as err:
            _log.info("short message refused: %s", err)
            return Delivery(ok=False)
        if not _for_the_card(message):
            return Delivery(ok=True)
        if self._mode() is not Mode.SECOND:
            self._refused(f"packet over the air refused in {self._mode()} mode")
            return Delivery(ok=False)
        try:
            response = await self._envelope(tpdu)
        except EsimError as err:
            self._refused(f"packet over the air: {err}")
            return Delivery(ok=False)
        if response.sw1 == 0x91:
            self._proactive(response)
        ok = response.sw == 0x9000 or response.sw1 == 0x91
        return Delivery(ok, response.data)

    async def _envelope(self, tpdu: bytes) -> ResponseApdu:
        envelope = replace(envelope_sms_pp(tpdu, self._service_centre), le=256)
        for _ in range(_BUSY_TRIES):
            async with self._esim.burst():
                response = await self._esim.exchange(envelope)
            if response.sw != _BUSY:
                break
            await asyncio.sleep(_BUSY_PAUSE_S)
        return response


def _for_the_card(message: SmsDeliver) -> bool:
    return message.pid == PID_SIM_DATA_DOWNLOAD or message.dcs & _CLASS_MASK == _CLASS_2
