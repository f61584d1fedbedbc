"""The lab's two ends of SCP81: the terminal by its bytes, and sessions with a card of ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.equipment.card import Card
from hil.equipment.card.admin_answers import HANG_UP, chunked, script
from hil.equipment.card.administration import Administration, AdminKey, asking
from hil.equipment.card.channel_terminal import ChannelTerminal
from hil.equipment.card.errors import NoSessionError, ProcedureError
from hil.equipment.card.inprocess import InProcessTransport
from hil.equipment.card.over_the_air import OverTheAirSession
from hil.virtual.euicc import open_card
from hil.wire import isdr_commands
from hil.wire.admin_session import PskIdentity, RetryPolicy
from hil.wire.identifiers import ISD_R_AID
from tests.euicc.terminal import EID, OTA_KEYS, factory

PSK = bytes(range(0xC0, 0xD0))
ATR = bytes.fromhex("3B9F96801FC78031E073FE211B63123456789000A0")
OPEN = "D01C810301400182028182B50103B90205DCBC030220FBBE0521C0000251"
EVENTS = "D00D8103010500820281829902090A"


class ProactiveCard:
    """Answers every command with the next proactive command; notes the terminal responses."""

    def __init__(self, *commands: str) -> None:
        self._waiting = [bytes.fromhex(one) for one in commands]
        self.responses: list[str] = []
        self.envelopes: list[str] = []

    def power_on(self) -> bytes:
        return ATR

    def power_off(self) -> None:
        return

    def transmit(self, apdu: bytes) -> bytes:
        if apdu[1] == 0x12:
            return self._waiting.pop(0) + b"\x90\x00"
        if apdu[1] == 0x14:
            self.responses.append(apdu[5:].hex().upper())
        if apdu[1] == 0xC2:
            self.envelopes.append(apdu[5:].hex().upper())
        return bytes((0x91, len(self._waiting[0]))) if self._waiting else b"\x90\x00"


class Echo:
    """Sends back what comes, three times over; then hangs up if told to."""

    def __init__(self) -> None:
        self.hung_up = False
        self._out = b""

    def receive(self, data: bytes) -> None:
        self._out += data * 3

    def outgoing(self) -> bytes:
        data, self._out = self._out, b""
        return data


def served(*commands: str, link: Echo | None = None) -> ProactiveCard:
    virtual = ProactiveCard(*commands)
    with Card(InProcessTransport(virtual)) as card:
        ChannelTerminal(card, lambda: link).start()
    return virtual


def test_the_answers_of_the_terminal_by_their_bytes() -> None:
    data = "00" * 60
    card = served(
        EVENTS,
        OPEN,
        f"D047810301430182028121363C{data}",
        "D00C8103014200820281213701ED",
        "D009810301410082028121",
        link=Echo(),
    )
    assert card.responses == [
        "810301050082028281830100",
        "81030140018202828183010038028100350103390205DC",
        "8103014301820282818301003701FF",
        # A length above 127 takes two bytes: cards lose the answer otherwise.
        f"8103014200820282818301003681B4{data * 3}370100",
        "810301410082028281830100",
    ]


def test_data_and_a_dropped_link_are_told_in_this_order() -> None:
    link = Echo()
    card = ProactiveCard(EVENTS, OPEN, "D00E810301430182028121360301AAAA")
    with Card(InProcessTransport(card)) as opened:
        terminal = ChannelTerminal(opened, lambda: link)
        terminal.start()
        terminal.drop()
    assert card.envelopes == [
        "D60E99010982028281B8028100B70109",
        "D60B99010A82028281B8020105",
    ]


def test_a_server_out_of_reach_and_a_channel_that_is_not_there() -> None:
    card = served(OPEN, "D009810301410082028121")
    assert card.responses == ["81030140018202828183023A07", "81030141008202828183023A03"]


def test_timers_are_started_read_stopped_and_ended() -> None:
    start = "D011810301270082028182A40102A503000300"
    virtual = ProactiveCard(start, "D00C810301270282028182A40102")
    with Card(InProcessTransport(virtual)) as card:
        terminal = ChannelTerminal(card, lambda: None)
        terminal.start()
        assert terminal.timers == {2: 1800}
        assert terminal.expire() == (1800,)
        assert terminal.expire() == ()
    assert virtual.responses[1].endswith("2401022503000300")
    assert virtual.envelopes == ["D70C82028281A40102A503000300"]


def test_a_card_without_an_end_is_left() -> None:
    class Endless(ProactiveCard):
        def transmit(self, apdu: bytes) -> bytes:
            if apdu[1] == 0x12:
                return bytes.fromhex("D009810301020082028182") + b"\x90\x00"
            return b"\x91\x0b"

    with (
        Card(InProcessTransport(Endless())) as card,
        pytest.raises(ProcedureError, match="proactive commands in a row"),
    ):
        ChannelTerminal(card, lambda: None).start()


@pytest.fixture
def administration(tmp_path: Path) -> Iterator[Administration]:
    made = factory()
    isd_r = made["isd_r"]
    assert isinstance(isd_r, dict)
    virtual = open_card(tmp_path, made | {"isd_r": isd_r | {"scp81": {"psk": PSK.hex()}}})
    with Card(InProcessTransport(virtual)) as card:
        key = AdminKey(PskIdentity(EID, ISD_R_AID, 0x40), PSK)
        administration = Administration(OverTheAirSession(card, OTA_KEYS), key, patience_s=0)
        administration.start()
        yield administration
    virtual.close()


def test_a_session_and_what_is_left_open(administration: Administration) -> None:
    patient = asking(retry=RetryPolicy(1, 60))
    first, lost = administration.serve(script(isdr_commands.get_status()), HANG_UP, request=patient)
    assert first.get("x-admin-FROM") == lost.get("X-Admin-From")
    assert PSK.hex() not in repr(administration.key)
    administration.leave_nothing()
    administration.start()
    assert administration.quiet()
    assert administration.terminal.opened == []


def test_what_does_not_come_is_the_cards_fault(administration: Administration) -> None:
    with pytest.raises(NoSessionError, match="has posted 1 times, not 2"):
        administration.serve(posts=2)
    with pytest.raises(NoSessionError, match="0 of 1 channels"):
        administration.serve(request=b"\x81\x02\x83")
    with pytest.raises(NoSessionError, match="opened no channel"):
        _ = administration.connection


def test_chunks() -> None:
    assert chunked(b"abcde", 3) == b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    assert chunked(b"") == b"0\r\n\r\n"
