"""The SMS centre: messages come to the device and back, a wrong client is refused."""

from __future__ import annotations

import time

import pytest

from hil.virtual.network import subscribers
from hil.virtual.network.link_model import Conditions
from hil.wire.smpp import (
    ESM_UDHI,
    Bind,
    Command,
    Party,
    Pdu,
    ShortMessage,
    Status,
    Tag,
)
from hil.wire.sms import Address, SmsSubmit
from tests.network.running import RadioLine, RunningNetwork, SmppLine
from tests.network.short_messages import (
    MSISDN,
    USER_DATA,
    attach,
    bind,
    heard,
    submit,
)


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


def test_a_message_for_a_device_that_is_off_is_not_given_up(
    network: RunningNetwork, client: SmppLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscribers, "RETRY_SECONDS", 0.001)
    client.send(bind())
    first = RadioLine(network.radio)
    attach(first)
    client.send(submit())
    number, _ = heard(first)
    first.say({"delivered": number, "report": "", "ok": True})
    first.close()
    assert client.send(submit(3, registered_delivery=1)).status == Status.OK
    # As long as a few attempts would take.
    assert client.send(Pdu(Command.ENQUIRE_LINK, 4)).command is Command.ENQUIRE_LINK_RESP
    time.sleep(0.2)
    second = RadioLine(network.radio)
    attach(second)
    number, tpdu = heard(second)
    assert tpdu.user_data == USER_DATA
    second.say({"delivered": number, "report": "", "ok": True})
    receipt = client.hear().body
    assert isinstance(receipt, ShortMessage)
    assert b"stat:DELIVRD" in receipt.message
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


def part(number: int, total: int = 2) -> dict[int, bytes]:
    return {
        Tag.SAR_MSG_REF_NUM: b"\x01\x7f",
        Tag.SAR_TOTAL_SEGMENTS: bytes((total,)),
        Tag.SAR_SEGMENT_SEQNUM: bytes((number,)),
    }


def test_parts_by_sar_parameters_are_concatenated_on_the_air(
    client: SmppLine, phone: RadioLine
) -> None:
    """A client that leaves segmentation to the centre names the parts by options."""
    client.send(bind())
    attach(phone)
    first = bytes.fromhex("027000") + b"command"
    for pdu, sent in (
        (submit(message=first, options=part(1)), "0700037F02017000" + b"command".hex()),
        (submit(message=b"rest", esm_class=0, options=part(2)), "0500037F0202" + b"rest".hex()),
    ):
        assert client.send(pdu).status == Status.OK
        number, tpdu = heard(phone)
        assert tpdu.user_data.hex().upper() == sent.upper()
        assert tpdu.has_header
        phone.say({"delivered": number, "report": "", "ok": True})
    for wrong in (part(3), part(0), part(1) | {Tag.SAR_MSG_REF_NUM: b"\x01"}):
        assert client.send(submit(options=wrong)).status == 0xC4
    broken = submit(message=b"\x09\x70", options=part(1))
    assert client.send(broken).status == Status.INVALID_MESSAGE_LENGTH


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
