"""SCP80 to a card from the lab's own hand, with the lab as terminal and server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.equipment.card import Card
from hil.equipment.card.inprocess import InProcessTransport
from hil.equipment.card.over_the_air import OverTheAirSession
from hil.errors import CodecError
from hil.virtual.euicc import open_card
from hil.wire import isdr_commands, scp80
from hil.wire.command_script import CommandScript
from hil.wire.identifiers import ISD_R_TAR, isd_p_aid
from hil.wire.scp80 import ResponseStatus, SecurityParameters, Spi
from tests.euicc.terminal import OTA_KEYS, factory

AID = isd_p_aid(0x10)


@pytest.fixture
def card(tmp_path: Path) -> Iterator[Card]:
    virtual = open_card(tmp_path, factory())
    with Card(InProcessTransport(virtual)) as card:
        yield card
    virtual.close()


@pytest.fixture
def session(card: Card) -> OverTheAirSession:
    return OverTheAirSession(card, OTA_KEYS)


def test_commands_run_and_answers_come_back(session: OverTheAirSession) -> None:
    created, status = session.send(isdr_commands.create_isdp(AID, 1000), isdr_commands.get_status())
    assert (created.sw, status.sw) == (0x9000, 0x9000)
    assert AID in status.data
    assert session.counter == 1


def test_a_long_script_goes_in_several_messages(session: OverTheAirSession) -> None:
    commands = [isdr_commands.create_isdp(isd_p_aid(0x10 + n)) for n in range(5)]
    receipt = session.execute(*commands)
    assert receipt.messages > 2
    assert [one.sw for one in receipt.answers] == [0x9000] * 5


@pytest.mark.parametrize("places", [(2, 1, 0), (0, 2, 1), (1, 0, 2)])
def test_the_order_of_messages_does_not_matter(
    session: OverTheAirSession, places: tuple[int, ...]
) -> None:
    commands = [isdr_commands.create_isdp(isd_p_aid(0x10 + n)) for n in range(4)]
    parameters = SecurityParameters(scp80.SGP02_SPI, ISD_R_TAR)
    packet = scp80.wrap_command(CommandScript.of(commands).encode(), 1, parameters, OTA_KEYS)
    receipt = session.deliver(packet, parameters, order=places.index)
    assert receipt.messages == 3
    assert [one.sw for one in receipt.answers] == [0x9000] * 4


def test_a_counter_that_is_behind_jumps_to_the_time(card: Card) -> None:
    first = OverTheAirSession(card, OTA_KEYS, counter=1_000_000)
    first.send(isdr_commands.get_status())
    behind = OverTheAirSession(card, OTA_KEYS)
    (answer,) = behind.send(isdr_commands.get_status())
    assert answer.sw == 0x6A88
    assert behind.counter > 1_000_000_000


def test_a_packet_the_card_drops_has_no_receipt(session: OverTheAirSession) -> None:
    weak = SecurityParameters(Spi(ciphered=False).encode(), ISD_R_TAR)
    receipt = session.run(CommandScript.of([isdr_commands.get_status()]).encode(), parameters=weak)
    assert (receipt.status, receipt.packet) == (None, None)
    with pytest.raises(CodecError, match="no receipt"):
        _ = receipt.answers


def test_an_unknown_tar_is_told(session: OverTheAirSession) -> None:
    receipt = session.execute(isdr_commands.get_status(), tar=bytes.fromhex("00FFFE"))
    assert receipt.status == ResponseStatus.TAR_UNKNOWN
    with pytest.raises(CodecError, match="status 09"):
        _ = receipt.answers


def test_keys_of_the_session_do_not_show(session: OverTheAirSession) -> None:
    shown = repr(session) + repr(vars(session))
    assert OTA_KEYS.kic.hex() not in shown
    assert repr(OTA_KEYS.kic) not in shown
