"""What a card tells its SM-SR, with the lab at the SM-SR's number and as the terminal."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Final

from hil.equipment.card.over_the_air import PROFILE
from hil.errors import CodecError
from hil.evidence import step
from hil.not_applicable import not_applicable
from hil.wire import cat, dgi, isdr_commands, sms, tlv
from hil.wire.apdu import CommandApdu
from hil.wire.cat_values import CommandType, Result
from hil.wire.notification import Notification
from hil.wire.scp80 import CommandHeader, OtaKeySet, Spi
from testcases.conformance.euicc.preparing import one

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from hil.bench.bench import Bench
    from hil.bench.esim import Esim
    from hil.bench.key_files import EuiccKeyFile
    from hil.equipment.card import Card
    from hil.equipment.card.over_the_air import OverTheAirSession
    from hil.wire.apdu import ResponseApdu

NUMBER: Final = sms.Address.international("15550100321")
_STATUS: Final = CommandApdu(0x80, 0xF2, 0x00, 0x0C)
_POLL_S: Final = 0.1
_MOST: Final = 16


def addressing(esim: Esim, digits: str) -> CommandApdu:
    """Return UpdateSMSRAddressingParameters; no digits take the number away."""
    value = b""
    if digits:
        number = sms.Address.international(digits).encode_value()
        value = tlv.encode(isdr_commands.SMS_ADDRESSING, tlv.encode(0x81, number))
    data = dgi.encode(esim.functions.addressing_dgi, value)
    return CommandApdu(0x80, 0xE2, 0x88, 0x00, data, 256)


def serve(
    card: Card, answer: ResponseApdu, result: Callable[[cat.ProactiveCommand], int]
) -> tuple[cat.ProactiveCommand, ...]:
    """Fetch and answer proactive commands for as long as one waits; return them in order."""
    served: list[cat.ProactiveCommand] = []
    while answer.sw1 == 0x91:
        assert len(served) < _MOST, "the card has no end of proactive commands"
        command = cat.ProactiveCommand.decode(card.expect(cat.fetch(answer.sw2)).data)
        served.append(command)
        answer = card.send(cat.terminal_response(command, result(command)))
    return tuple(served)


def started(
    card: Card, result: Callable[[cat.ProactiveCommand], int] = lambda _: Result.DONE
) -> tuple[cat.ProactiveCommand, ...]:
    """Start the card as a terminal does; return what it asked for until it asked no more."""
    card.reset()
    return serve(card, card.send(cat.terminal_profile(PROFILE)), result)


def refreshed_within(
    card: Card,
    timeout_s: float,
    result: Callable[[cat.ProactiveCommand], int] = lambda _: Result.DONE,
    *,
    poll: CommandApdu = _STATUS,
) -> bool:
    """Poll the card until it asks for a REFRESH, and reset it then; False when time is over."""
    deadline = time.monotonic() + timeout_s
    while True:
        served = serve(card, card.send(poll), result)
        if any(command.kind == CommandType.REFRESH for command in served):
            card.reset()
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)


def out_of_reach(command: cat.ProactiveCommand) -> int:
    """Return the result of a terminal whose network takes no short message."""
    refused = command.kind == CommandType.SEND_SHORT_MESSAGE
    return Result.NETWORK_BUSY if refused else Result.DONE


class Inbox:
    """What an SM-SR at a number of the lab's gets from the card, each time the card starts.

    ``spis``: how each notification was secured.
    """

    def __init__(self, esim: Esim, keys: EuiccKeyFile) -> None:
        self._card = esim.card
        self.spis: list[Spi] = []
        self._keys = [OtaKeySet(row.kvn, row.kic, row.kid, row.dek) for row in keys.isd_r_scp80]

    def after_start(self) -> list[Notification]:
        """Start the card as a terminal does; return the notifications it sends to the number."""
        with self._card.transaction() as card:
            served = started(card)
        return self._read(served)

    def until_refresh(self, timeout_s: float) -> tuple[list[Notification], bool]:
        """Start the card and poll it until it asks for a REFRESH; every message is sent.

        Returns the notifications, none of which is confirmed, and whether the REFRESH came in time.
        """
        sent: list[cat.ProactiveCommand] = []

        def kept(command: cat.ProactiveCommand) -> int:
            sent.append(command)
            return Result.DONE

        with self._card.transaction() as card:
            started(card, kept)
            refreshed = refreshed_within(card, timeout_s, kept)
        return self._read(sent), refreshed

    def _read(self, served: Iterable[cat.ProactiveCommand]) -> list[Notification]:
        return [
            self._opened(sms.SmsSubmit.decode(command.tpdu))
            for command in served
            if command.kind == CommandType.SEND_SHORT_MESSAGE
        ]

    def _opened(self, message: sms.SmsSubmit) -> Notification:
        assert message.destination == NUMBER
        packet = sms.read_part(message.user_data).payload
        self.spis.append(CommandHeader.decode(packet).parameters.flags)
        for keys in self._keys:
            with contextlib.suppress(CodecError):
                return Notification.open(packet, keys)
        return not_applicable("the key set lacks the SCP80 keys that the card notifies with")


@contextlib.contextmanager
def notified(over_the_air: OverTheAirSession, esim: Esim, bench: Bench) -> Iterator[Inbox]:
    """Have the card write to a number of the lab's; its own one is given back at the end."""
    before, keys = esim.functions.sm_sr_number, bench.lab.euicc_keys
    if before is None or keys is None:
        not_applicable("the key set does not tell the card's own SM-SR (functions.sm_sr_number)")
    answer = one(over_the_air, addressing(esim, NUMBER.digits))
    assert answer.sw == 0x9000, f"UpdateSMSRAddressingParameters: {answer.sw:04X}"
    box = Inbox(esim, keys)
    try:
        yield box
    finally:
        with step("Afterwards: what waits is confirmed, and the number goes back"):
            for waiting in box.after_start():
                one(over_the_air, isdr_commands.confirm_notification(waiting.sequence))
            assert one(over_the_air, addressing(esim, before)).sw == 0x9000
