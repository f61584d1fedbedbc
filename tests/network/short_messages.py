"""A client of the SMS centre, a device on the air, and what they say to each other."""

from __future__ import annotations

from hil.wire.smpp import (
    ESM_UDHI,
    Bind,
    Command,
    Party,
    Pdu,
    ShortMessage,
)
from hil.wire.sms import Address, SmsDeliver, SmsSubmit
from tests.network.running import RadioLine, SmppLine

MSISDN = "882100000001"
PASSWORD = "hil-test"
USER_DATA = bytes.fromhex("027000") + bytes(range(100))


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


def say_back(phone: RadioLine) -> None:
    """Have the device send a message to the client that is bound as :func:`bind` does it."""
    answer = SmsSubmit(Address("12345"), b"back", has_header=False, dcs=0x04)
    phone.say({"submit": answer.encode().hex(), "id": 1})
