"""A message that a client of the SMS centre does not take: again, later, or no more."""

from __future__ import annotations

import pytest

from hil.virtual.network import smpp_session
from hil.wire.smpp import (
    Command,
    Pdu,
    ShortMessage,
    Status,
)
from tests.network.running import RadioLine, RunningNetwork, SmppLine
from tests.network.short_messages import (
    attach,
    bind,
    say_back,
    unbind,
)


def nothing_comes_again(network: RunningNetwork) -> None:
    """The centre hands out what it holds at the bind, before it answers anything else."""
    again = SmppLine(network.smpp)
    assert again.send(bind()).status == Status.OK
    assert again.send(Pdu(Command.ENQUIRE_LINK, 2)).command is Command.ENQUIRE_LINK_RESP
    again.close()


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
    say_back(phone)
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
    nothing_comes_again(network)


def test_a_message_that_a_client_never_takes_does_not_come_again(
    network: RunningNetwork, client: SmppLine, phone: RadioLine
) -> None:
    client.send(bind())
    attach(phone)
    say_back(phone)
    client.raw(client.hear().answer(status=Status.DELIVERY_FAILED).encode())
    unbind(client)
    nothing_comes_again(network)


def test_a_message_that_waits_for_its_client_to_take_it_outlives_the_session(
    network: RunningNetwork, client: SmppLine, phone: RadioLine
) -> None:
    client.send(bind())
    attach(phone)
    say_back(phone)
    client.raw(client.hear().answer(status=Status.TEMPORARY_ERROR).encode())
    unbind(client)
    again = SmppLine(network.smpp)
    assert again.send(bind()).status == Status.OK
    delivered = again.hear().body
    again.close()
    assert isinstance(delivered, ShortMessage)
    assert delivered.message == b"back"
