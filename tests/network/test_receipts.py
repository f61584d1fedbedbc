"""What a client of the SMS centre hears of its messages: reports, receipts, their validity."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from hil.virtual.network import smsc
from hil.virtual.network.link_model import Conditions
from hil.wire.smpp import (
    ESM_DELIVERY_RECEIPT,
    Bind,
    Command,
    Named,
    Pdu,
    ShortMessage,
    Status,
    Tag,
)
from tests.network.running import RadioLine, RunningNetwork, SmppLine, wait_for
from tests.network.short_messages import (
    MSISDN,
    PASSWORD,
    attach,
    bind,
    heard,
    submit,
)


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
