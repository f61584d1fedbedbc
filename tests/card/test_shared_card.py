"""A card object that the lab and a device share: one of them has it at a time."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from hil.equipment.card import Card, CardTimeoutError
from hil.equipment.card.inprocess import InProcessTransport
from hil.virtual.euicc.contacts import Contacts, receive
from hil.wire.apdu import CommandApdu
from tests.card.card_object import ScriptedObject
from tests.card.scripted_card import ATR_T0

READ = CommandApdu(0x00, 0xB0, 0x00, 0x00, le=5)
STATUS = bytes.fromhex("80F2000000")


class Shared(ScriptedObject):
    """A card that answers with its last command."""

    starts = 1
    atr = ATR_T0

    def __init__(self) -> None:
        super().__init__(lambda command: command[:5] + b"\x90\x00", atr=ATR_T0)

    def reset(self) -> bytes:
        return self.atr


@pytest.fixture
def shared() -> Iterator[tuple[Card, tuple[str, int]]]:
    hold, shared = threading.Lock(), Shared()
    contacts = Contacts(shared, hold)
    address = contacts.serve("127.0.0.1", 0)
    with Card(InProcessTransport(shared, hold), timeout_s=10.0) as card:
        yield card, address
    contacts.close()


def ask(terminal: socket.socket) -> None:
    terminal.sendall(len(STATUS).to_bytes(2, "big") + STATUS)


def test_a_device_waits_until_the_transaction_of_the_lab_is_over(
    shared: tuple[Card, tuple[str, int]],
) -> None:
    card, address = shared
    with contextlib.ExitStack() as held:
        held.enter_context(card.transaction())
        terminal = socket.create_connection(address, timeout=10)
        with terminal:
            ask(terminal)
            terminal.settimeout(0.3)
            with pytest.raises(TimeoutError):
                terminal.recv(1)
            assert card.send(READ).data == READ.encode()
            held.close()
            terminal.settimeout(10)
            assert receive(terminal) == STATUS + b"\x90\x00"


def test_the_lab_waits_until_the_device_lets_go(shared: tuple[Card, tuple[str, int]]) -> None:
    card, address = shared
    with socket.create_connection(address, timeout=10) as terminal:
        ask(terminal)
        assert receive(terminal) == STATUS + b"\x90\x00"
        with pytest.raises(CardTimeoutError, match="held by the device"):
            card.send(READ, timeout_s=0.1)
        with pytest.raises(CardTimeoutError), card.transaction(timeout_s=0.1):
            pass
    assert card.send(READ).data == READ.encode()


def test_contacts_end_while_a_terminal_waits_for_the_card() -> None:
    hold = threading.Lock()
    contacts = Contacts(Shared(), hold)
    with hold, socket.create_connection(contacts.serve("127.0.0.1", 0), timeout=10) as terminal:
        ask(terminal)
        contacts.close()
        with pytest.raises((EOFError, ConnectionError)):
            receive(terminal)
