"""A carrier that hands messages to a virtual eUICC in this process, as a device would."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hil.errors import LinkError
from hil.provisioning.sm_sr.carrier import Receive
from hil.virtual.euicc import VirtualCard
from hil.wire import cat
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.sms import Address, SmsDeliver, SmsSubmit

SENDER = "12345"


def transmit(card: VirtualCard, command: CommandApdu) -> ResponseApdu:
    """Send one command and fetch all of its answer (T=0)."""
    answer = ResponseApdu.decode(card.transmit(command.encode()))
    data = answer.data
    while answer.sw1 == 0x61:
        fetch = CommandApdu(0, 0xC0, 0, 0, le=answer.sw2 or 256)
        answer = ResponseApdu.decode(card.transmit(fetch.encode()))
        data += answer.data
    return ResponseApdu(data, answer.sw)


def start(card: VirtualCard) -> list[SmsSubmit]:
    """Reset the card, as a terminal that can do everything; return the messages it sends then."""
    card.reset()
    return serve(card, transmit(card, cat.terminal_profile(b"\xff" * 16)))


def hand_over(card: VirtualCard, tpdu: bytes) -> list[SmsSubmit]:
    """Give an SMS-DELIVER to the card, do what it asks for; return the messages it sends."""
    return serve(card, transmit(card, cat.envelope_sms_pp(tpdu)))


def serve(card: VirtualCard, answer: ResponseApdu) -> list[SmsSubmit]:
    """Do what a card asks for after an answer; return the messages it sends."""
    sent: list[SmsSubmit] = []
    reset = False
    while answer.sw1 == 0x91:
        asked = cat.ProactiveCommand.decode(transmit(card, cat.fetch(answer.sw2)).data)
        if asked.kind == cat.CommandType.SEND_SHORT_MESSAGE:
            sent.append(SmsSubmit.decode(asked.tpdu))
        elif asked.kind == cat.CommandType.REFRESH:
            reset = True
        answer = transmit(card, cat.terminal_response(asked))
    if reset:
        sent += start(card)
    return sent


class CardAir:
    """Delivers at once, in the caller's thread. ``spoil`` may change what goes either way."""

    def __init__(self, card: VirtualCard, msisdn: str) -> None:
        self.card = card
        self.msisdn = msisdn
        self.sent = 0
        self.down: Callable[[list[bytes]], list[bytes]] = lambda messages: messages
        self.up: Callable[[list[bytes]], list[bytes]] = lambda messages: messages
        self.broken = False
        self._receive: Receive | None = None

    def listen(self, receive: Receive) -> None:
        self._receive = receive

    def send(self, msisdn: str, messages: Sequence[bytes]) -> None:
        if self.broken:
            raise LinkError("no connection to the SMS centre")
        self.sent += len(messages)
        if msisdn != self.msisdn:
            return
        answers: list[bytes] = []
        for user_data in self.down(list(messages)):
            tpdu = SmsDeliver(Address(SENDER), user_data).encode()
            answers += [one.user_data for one in hand_over(self.card, tpdu)]
        for user_data in self.up(answers):
            self._hand_in(user_data)

    def start(self) -> None:
        """Reset the card; what it then sends of itself goes up."""
        for one in start(self.card):
            self._hand_in(one.user_data)

    def _hand_in(self, user_data: bytes) -> None:
        assert self._receive is not None
        self._receive(self.msisdn, user_data)

    def close(self) -> None:
        """Nothing to close."""
