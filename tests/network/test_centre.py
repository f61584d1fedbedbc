"""The SMS centre: a foreign client works with it, a wrong one is refused, nothing gets lost."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

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

from hil.virtual.network import smpp_session, smsc
from hil.virtual.network.link_model import Conditions
from hil.wire.smpp import (
    ESM_DELIVERY_RECEIPT,
    ESM_UDHI,
    Bind,
    Command,
    Named,
    Party,
    Pdu,
    ShortMessage,
    Status,
    Tag,
)
from hil.wire.sms import Address, SmsDeliver, SmsSubmit
from tests.network.running import RadioLine, RunningNetwork, SmppLine, wait_for

MSISDN = "882100000001"
PASSWORD = "hil-test"
USER_DATA = bytes.fromhex("027000") + bytes(range(100))


@pytest.fixture
def network() -> Iterator[RunningNetwork]:
    with RunningNetwork() as running:
        yield running


@pytest.fixture
def client(network: RunningNetwork) -> Iterator[SmppLine]:
    line = SmppLine(network.smpp)
    yield line
    line.close()


@pytest.fixture
def phone(network: RunningNetwork) -> Iterator[RadioLine]:
    line = RadioLine(network.radio)
    yield line
    line.close()


def bind(command: Command = Command.BIND_TRANSCEIVER, password: str = PASSWORD) -> Pdu:
    return Pdu(command, 1, Bind("sm-sr", password, address_range="12345"))


def message(**over: object) -> ShortMessage:
    fields: dict[str, object] = {
        "source": Party("12345", 0, 1),
        "destination": Party(MSISDN),
        "message": USER_DATA,
        "esm_class": ESM_UDHI,
        "protocol_id": 0x7F,
        "data_coding": 0xF6,
    }
    return ShortMessage(**(fields | over))  # type: ignore[arg-type]


def submit(number: int = 2, **over: object) -> Pdu:
    return Pdu(Command.SUBMIT_SM, number, message(**over))


def unbind(client: SmppLine) -> None:
    assert client.send(Pdu(Command.UNBIND, 9)).command is Command.UNBIND_RESP
    assert client.closed()


def attach(phone: RadioLine) -> None:
    phone.say({"attach": {"msisdn": MSISDN, "imei": "1"}})


def heard(phone: RadioLine) -> tuple[int, SmsDeliver]:
    row = phone.hear()
    assert row is not None
    return row["id"], SmsDeliver.decode(bytes.fromhex(row["deliver"]))


def test_a_message_reaches_the_device_as_a_deliver_tpdu(client: SmppLine, phone: RadioLine) -> None:
    assert client.send(bind()).status == Status.OK
    attach(phone)
    assert client.send(submit()).status == Status.OK
    number, tpdu = heard(phone)
    assert tpdu.user_data == USER_DATA
    assert (tpdu.pid, tpdu.dcs, tpdu.has_header) == (0x7F, 0xF6, True)
    assert tpdu.originator == Address("12345")
    phone.say({"delivered": number, "report": "", "ok": True})


def test_a_message_waits_until_the_device_is_there(client: SmppLine, phone: RadioLine) -> None:
    client.send(bind())
    for place in range(3):
        client.send(submit(place + 2, message=USER_DATA + bytes((place,))))
    attach(phone)
    for place in range(3):
        number, tpdu = heard(phone)
        assert tpdu.user_data[-1] == place, "in the order in which they were submitted"
        phone.say({"delivered": number, "report": "", "ok": True})


def test_a_device_that_is_busy_gets_it_again(client: SmppLine, phone: RadioLine) -> None:
    client.send(bind())
    attach(phone)
    client.send(submit())
    number, first = heard(phone)
    phone.say({"delivered": number, "report": "", "ok": False})
    again, second = heard(phone)
    assert again != number
    assert second.user_data == first.user_data
    phone.say({"delivered": again, "report": "", "ok": True})


def test_a_device_that_left_gets_it_when_it_is_back(
    network: RunningNetwork, client: SmppLine
) -> None:
    client.send(bind())
    first = RadioLine(network.radio)
    attach(first)
    client.send(submit())
    _, tpdu = heard(first)
    first.close()
    second = RadioLine(network.radio)
    attach(second)
    assert heard(second)[1].user_data == tpdu.user_data
    second.close()


def test_a_message_of_the_device_reaches_the_client_with_that_number(
    client: SmppLine, phone: RadioLine
) -> None:
    client.send(bind())
    attach(phone)
    answer = SmsSubmit(Address("12345"), USER_DATA, pid=0x7F)
    phone.say({"submit": answer.encode().hex(), "id": 9})
    assert phone.hear() == {"submitted": 9, "ok": True}
    pdu = client.hear()
    assert pdu.command is Command.DELIVER_SM
    assert isinstance(pdu.body, ShortMessage)
    assert pdu.body.message == USER_DATA
    assert (pdu.body.source.address, pdu.body.destination.address) == (MSISDN, "12345")
    assert pdu.body.esm_class == ESM_UDHI
    client.raw(pdu.answer().encode())


def test_a_message_for_a_client_that_left_waits_for_it(
    network: RunningNetwork, phone: RadioLine
) -> None:
    first = SmppLine(network.smpp)
    first.send(bind())
    attach(phone)
    phone.say({"submit": SmsSubmit(Address("12345"), USER_DATA).encode().hex(), "id": 1})
    assert first.hear().command is Command.DELIVER_SM
    first.close()
    second = SmppLine(network.smpp)
    second.send(bind())
    pdu = second.hear()
    assert pdu.command is Command.DELIVER_SM, "it was never confirmed, so it comes again"
    second.close()


def test_nobody_has_that_number(phone: RadioLine) -> None:
    attach(phone)
    phone.say({"submit": SmsSubmit(Address("99999"), USER_DATA).encode().hex(), "id": 4})
    assert phone.hear() == {"submitted": 4, "ok": False}


@pytest.mark.parametrize(
    ("pdu", "status"),
    [
        (bind(password="wrong"), Status.INVALID_PASSWORD),
        (
            Pdu(Command.BIND_TRANSCEIVER, 1, Bind("stranger", "hil-test")),
            Status.INVALID_SYSTEM_ID,
        ),
        (submit(), Status.INVALID_BIND_STATUS),
    ],
    ids=["password", "system id", "not bound"],
)
def test_who_is_not_known_is_refused(client: SmppLine, pdu: Pdu, status: Status) -> None:
    assert client.send(pdu).status == status


def test_roles_are_kept(client: SmppLine) -> None:
    assert client.send(bind(Command.BIND_RECEIVER)).status == Status.OK
    assert client.send(submit()).status == Status.INVALID_BIND_STATUS
    assert client.send(bind()).status == Status.ALREADY_BOUND


def test_wrong_messages_are_refused_and_the_session_goes_on(client: SmppLine) -> None:
    client.send(bind())
    for pdu, status in (
        (submit(destination=Party("no number")), Status.INVALID_DESTINATION_ADDRESS),
        (submit(source=Party("BANK", 5, 0)), Status.INVALID_SOURCE_ADDRESS),
        (submit(message=bytes(141)), Status.INVALID_MESSAGE_LENGTH),
    ):
        assert client.send(pdu).status == status
    client.raw(bytes.fromhex("00000010000000990000000000000007"))
    nack = client.hear()
    assert (nack.command, nack.sequence) == (Command.GENERIC_NACK, 7)
    assert nack.status == Status.INVALID_COMMAND_ID
    assert client.send(Pdu(Command.ENQUIRE_LINK, 8)).command is Command.ENQUIRE_LINK_RESP
    assert client.send(Pdu(Command.UNBIND, 9)).command is Command.UNBIND_RESP
    assert client.closed()


def test_a_stream_that_is_out_of_step_ends(client: SmppLine) -> None:
    client.raw(b"GET / HTTP/1.1\r\n\r\n")
    assert client.hear().command is Command.GENERIC_NACK
    assert client.closed()


@pytest.mark.parametrize(
    "line",
    [
        b"rubbish\n",
        b"[1]\n",
        b'{"submit": "00", "id": 1}\n',
        b'{"attach": {"msisdn": "x"}}\n',
        b'{"attach": {"msisdn": "1"}}\n{"dance": 1}\n',
        b'{"attach": {"msisdn": "1"}}\n{"submit": "zz", "id": 1}\n',
        b'{"attach": {"msisdn": "1"}}\n{"submit": "00", "id": 1}\n',
        b'{"attach": {"msisdn": "1"}}\n{"delivered": "x"}\n',
        b"x" * 10_000 + b"\n",
    ],
    ids=lambda line: line[:24].decode(),
)
def test_rubbish_on_the_radio_is_told_and_ends_the_connection(
    network: RunningNetwork, line: bytes
) -> None:
    phone = RadioLine(network.radio)
    phone.raw(line)
    told = phone.hear()
    assert told is not None
    assert "error" in told
    assert phone.hear() is None
    phone.close()


@pytest.mark.parametrize("asked", [0x04, 0x05])
def test_what_a_device_says_in_its_report_goes_to_who_asked_for_it(
    client: SmppLine, phone: RadioLine, asked: int
) -> None:
    client.send(bind())
    attach(phone)
    answer = client.send(submit(registered_delivery=asked))
    number, _ = heard(phone)
    report = bytes.fromhex("027100000e0a00000100000000000000019000")
    phone.say({"delivered": number, "report": report.hex(), "ok": True})
    found = [client.hear() for _ in range(1 + (asked & 1))]
    told = found[-1].body
    assert isinstance(told, ShortMessage)
    # SMPP 3.4, 5.2.12: message type 0010 in bits 5 to 2, and a header in the message.
    assert (told.esm_class, told.message) == (0x48, report)
    assert (told.protocol_id, told.data_coding) == (0x7F, 0xF6)
    assert (told.source.address, told.destination.address) == (MSISDN, "12345")
    assert isinstance(answer.body, Named)
    assert told.options[0x001E] == answer.body.name.encode() + b"\x00"


def test_who_did_not_ask_hears_nothing_of_reports(client: SmppLine, phone: RadioLine) -> None:
    client.send(bind())
    attach(phone)
    client.send(submit())
    number, _ = heard(phone)
    phone.say({"delivered": number, "report": "027100", "ok": True})
    client.send(submit(3, registered_delivery=1))
    number, _ = heard(phone)
    phone.say({"delivered": number, "report": "", "ok": True})
    receipt = client.hear().body
    assert isinstance(receipt, ShortMessage)
    assert receipt.esm_class == ESM_DELIVERY_RECEIPT, "the first that comes"


def test_a_report_that_is_no_hex_ends_the_connection(phone: RadioLine) -> None:
    attach(phone)
    phone.say({"delivered": 1, "report": "xyz"})
    row = phone.hear()
    assert row is not None
    assert "hex digits" in row["error"]


def test_a_receipt_tells_that_the_device_has_it(client: SmppLine, phone: RadioLine) -> None:
    client.send(bind())
    attach(phone)
    answer = client.send(submit(registered_delivery=1))
    number, _ = heard(phone)
    phone.say({"delivered": number, "report": "", "ok": True})
    receipt = client.hear()
    assert isinstance(receipt.body, ShortMessage)
    assert receipt.body.esm_class == ESM_DELIVERY_RECEIPT
    assert b"stat:DELIVRD" in receipt.body.message
    assert isinstance(answer.body, Named)
    assert answer.body.name.encode() in receipt.body.message


def test_a_receipt_tells_when_the_message_came_and_when_it_was_taken(
    client: SmppLine, phone: RadioLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
    monkeypatch.setattr(smsc, "_now", lambda: day)
    client.send(bind())
    client.send(submit(registered_delivery=1))
    monkeypatch.setattr(smsc, "_now", lambda: day + timedelta(hours=2))
    attach(phone)
    phone.say({"delivered": heard(phone)[0], "report": "", "ok": True})
    receipt = client.hear().body
    assert isinstance(receipt, ShortMessage)
    assert b"submit date:2603040506 done date:2603040706 " in receipt.message


def test_nobody_is_told_that_a_lost_message_arrived() -> None:
    with RunningNetwork(Conditions(loss=1.0)) as network:
        client, phone = SmppLine(network.smpp), RadioLine(network.radio)
        client.send(bind())
        attach(phone)
        assert client.send(submit(registered_delivery=1)).status == Status.OK
        wait_for(lambda: network.air.down.lost == 1)
        assert client.send(Pdu(Command.ENQUIRE_LINK, 3)).command is Command.ENQUIRE_LINK_RESP
        client.close()
        phone.close()


@pytest.mark.parametrize("registered", [1, 2])
def test_a_message_that_outlives_its_validity_is_given_up(
    client: SmppLine, phone: RadioLine, registered: int
) -> None:
    client.send(bind())
    first = client.send(submit(registered_delivery=registered, validity="000000000001000R"))
    assert client.send(submit(3, message=b"\x02\x70\x00later")).status == Status.OK
    receipt = client.hear().body
    assert isinstance(receipt, ShortMessage)
    assert isinstance(first.body, Named)
    assert receipt.message.startswith(f"id:{first.body.name} sub:001 dlvrd:000 ".encode())
    assert b" stat:EXPIRED " in receipt.message
    assert receipt.options[Tag.MESSAGE_STATE] == b"\x03"
    attach(phone)
    assert heard(phone)[1].user_data == b"\x02\x70\x00later", "the other one is for ever"


def test_a_message_on_its_way_has_its_attempt_although_its_validity_ends(
    client: SmppLine, phone: RadioLine
) -> None:
    client.send(bind())
    attach(phone)
    client.send(submit(registered_delivery=1, validity="000000000001000R"))
    number, _ = heard(phone)
    time.sleep(1.1)  # The validity period is in seconds.
    phone.say({"delivered": number, "report": "", "ok": False})
    receipt = client.hear().body
    assert isinstance(receipt, ShortMessage)
    assert b" stat:EXPIRED " in receipt.message


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"validity": "tomorrow"}, Status.INVALID_EXPIRY),
        ({"validity": "250101000000000+"}, Status.INVALID_EXPIRY),
        ({"validity": "000000000000000R"}, Status.INVALID_EXPIRY),
        ({"schedule": "000001000000000R"}, Status.INVALID_SCHEDULE),
    ],
)
def test_times_that_cannot_be_kept_are_refused(
    client: SmppLine, fields: dict[str, str], status: Status
) -> None:
    client.send(bind())
    assert client.send(submit(2, **fields)).status == status


@pytest.mark.parametrize(
    "command", [Command.BIND_TRANSCEIVER, Command.BIND_RECEIVER, Command.BIND_TRANSMITTER]
)
def test_a_client_learns_that_optional_parameters_are_known(
    client: SmppLine, command: Command
) -> None:
    answer = client.send(bind(command))
    assert isinstance(answer.body, Named)
    assert answer.body.options == {Tag.SC_INTERFACE_VERSION: b"\x34"}


def test_a_client_of_an_earlier_version_gets_no_optional_parameters(
    client: SmppLine, phone: RadioLine
) -> None:
    answer = client.send(
        Pdu(Command.BIND_TRANSCEIVER, 1, Bind("sm-sr", PASSWORD, interface_version=0x33))
    )
    assert answer.body == Named("hil-smsc")
    attach(phone)
    client.send(submit(registered_delivery=1))
    phone.say({"delivered": heard(phone)[0], "report": "", "ok": True})
    receipt = client.hear().body
    assert isinstance(receipt, ShortMessage)
    assert b"stat:DELIVRD" in receipt.message
    assert receipt.options == {}


@pytest.mark.parametrize(
    "status",
    [Status.SYSTEM_ERROR, Status.MESSAGE_QUEUE_FULL, Status.THROTTLED, Status.TEMPORARY_ERROR],
)
def test_a_message_that_a_client_cannot_take_now_comes_again(
    network: RunningNetwork,
    client: SmppLine,
    phone: RadioLine,
    monkeypatch: pytest.MonkeyPatch,
    status: Status,
) -> None:
    monkeypatch.setattr(smpp_session, "AGAIN_SECONDS", 0.01)
    client.send(bind())
    attach(phone)
    answer = SmsSubmit(Address("12345"), b"back", has_header=False, dcs=0x04)
    phone.say({"submit": answer.encode().hex(), "id": 1})
    numbers = []
    for _ in range(3):
        delivered = client.hear()
        assert isinstance(delivered.body, ShortMessage)
        assert delivered.body.message == b"back"
        numbers.append(delivered.sequence)
        client.raw(delivered.answer(status=status).encode())
    assert len(set(numbers)) == 3
    client.raw(client.hear().answer().encode())
    unbind(client)
    again = SmppLine(network.smpp)
    assert again.send(bind()).status == Status.OK
    assert again.send(Pdu(Command.ENQUIRE_LINK, 2)).command is Command.ENQUIRE_LINK_RESP
    again.close()


def test_a_message_that_a_client_never_takes_does_not_come_again(
    network: RunningNetwork, client: SmppLine, phone: RadioLine
) -> None:
    client.send(bind())
    attach(phone)
    answer = SmsSubmit(Address("12345"), b"back", has_header=False, dcs=0x04)
    phone.say({"submit": answer.encode().hex(), "id": 1})
    client.raw(client.hear().answer(status=Status.DELIVERY_FAILED).encode())
    unbind(client)
    again = SmppLine(network.smpp)
    assert again.send(bind()).status == Status.OK
    assert again.send(Pdu(Command.ENQUIRE_LINK, 2)).command is Command.ENQUIRE_LINK_RESP
    again.close()


def test_a_message_that_waits_for_its_client_to_take_it_outlives_the_session(
    network: RunningNetwork, client: SmppLine, phone: RadioLine
) -> None:
    client.send(bind())
    attach(phone)
    answer = SmsSubmit(Address("12345"), b"back", has_header=False, dcs=0x04)
    phone.say({"submit": answer.encode().hex(), "id": 1})
    client.raw(client.hear().answer(status=Status.TEMPORARY_ERROR).encode())
    unbind(client)
    again = SmppLine(network.smpp)
    assert again.send(bind()).status == Status.OK
    delivered = again.hear().body
    again.close()
    assert isinstance(delivered, ShortMessage)
    assert delivered.message == b"back"


def test_out_of_coverage_messages_wait_and_a_device_cannot_send() -> None:
    with RunningNetwork(Conditions(gaps=((0.0, 1.0),))) as network:
        client, phone = SmppLine(network.smpp), RadioLine(network.radio)
        client.send(bind())
        attach(phone)
        client.send(submit())
        phone.say({"submit": SmsSubmit(Address("12345"), USER_DATA).encode().hex(), "id": 1})
        assert phone.hear() == {"submitted": 1, "ok": False}
        number, _ = heard(phone)
        phone.say({"delivered": number, "report": "", "ok": True})
        assert network.air.down.out_of_coverage >= 1
        assert network.air.up.out_of_coverage == 1
        client.close()
        phone.close()


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
