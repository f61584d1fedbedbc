"""The SMS centre, used by a client that knows nothing of this project."""

from __future__ import annotations

import asyncio
import gc

import pytest
from aiosmpplib import (
    ESME,
    AbstractHook,
    DeliverSm,
    PhoneNumber,
    SmppMessage,
    SubmitSm,
    SubmitSmResp,
)
from aiosmpplib.state import NPI, TON

from hil.wire.sms import Address, SmsSubmit
from tests.network.running import RadioLine, RunningNetwork
from tests.network.short_messages import (
    MSISDN,
    attach,
    heard,
)


class Notes(AbstractHook):  # type: ignore[misc]
    """Keeps what the foreign client received."""

    def __init__(self) -> None:
        self.received_messages: asyncio.Queue[SmppMessage] = asyncio.Queue()

    async def sending(self, smpp_message: SmppMessage, pdu: bytes, client_id: str) -> None:
        return

    async def received(self, smpp_message: SmppMessage | None, pdu: bytes, client_id: str) -> None:
        if smpp_message is not None:
            await self.received_messages.put(smpp_message)

    async def send_error(self, smpp_message: SmppMessage, error: Exception, client_id: str) -> None:
        return


async def _until(notes: Notes, kind: type[SmppMessage]) -> SmppMessage:
    while True:
        found = await asyncio.wait_for(notes.received_messages.get(), 10)
        if isinstance(found, kind):
            return found


# aiosmpplib leaves its stream to the garbage collector, which comes when the loop is closed.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_foreign_client_binds_submits_and_receives(
    network: RunningNetwork, phone: RadioLine
) -> None:
    """aiosmpplib knows nothing of this project."""
    attach(phone)

    async def run() -> tuple[SmppMessage, SmppMessage]:
        notes = Notes()
        host, port = network.smpp
        esme = ESME(
            host, port, "other", "secret", address_range="777", hook=notes, log_level="ERROR"
        )
        running = asyncio.create_task(esme.start())
        await esme.broker.enqueue(
            SubmitSm(
                short_message="hello card",
                source=PhoneNumber("777", TON.UNKNOWN, NPI.ISDN),
                destination=PhoneNumber(MSISDN, TON.INTERNATIONAL, NPI.ISDN),
                log_id="1",
            )
        )
        taken = await _until(notes, SubmitSmResp)
        number, tpdu = await asyncio.to_thread(heard, phone)
        assert tpdu.user_data == b"hello card"
        await asyncio.to_thread(phone.say, {"delivered": number, "report": "", "ok": True})
        answer = SmsSubmit(Address("777"), b"hello back", has_header=False, dcs=0x04)
        await asyncio.to_thread(phone.say, {"submit": answer.encode().hex(), "id": 1})
        while True:
            got = await _until(notes, DeliverSm)
            if not got.is_receipt():
                break
        await esme.stop()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return taken, got

    taken, got = asyncio.run(run())
    gc.collect()
    assert taken.message_id
    assert "hello back" in str(got.short_message)
