"""Authentication, PINs, records and data objects over the card layer, on the virtual eUICC."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.equipment.card import Card, StatusWordError, authentication, data_objects, pin_operations
from hil.equipment.card.authentication import Authenticated, NetworkRefused, OutOfStep
from hil.equipment.card.inprocess import InProcessTransport
from hil.equipment.card.pin_operations import PinAnswer, PinOutcome
from hil.equipment.card.records import increase, search_records
from hil.errors import CodecError
from hil.wire.aka import AuthenticationVector, XorTestAlgorithm, read_auts
from tests.card.card_object import ScriptedObject
from tests.euicc.enabled_card import USIM, card_with
from tests.euicc.playground import CYCLIC, DF, LINEAR, OBJECTS, playground
from tests.euicc.terminal import profile

XOR = XorTestAlgorithm(bytes(range(16)))
RAND = bytes(16)


@pytest.fixture(params=["T=0", "T=1"])
def card(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Card]:
    euicc = card_with(tmp_path / "card", playground(profile()), protocol=request.param)
    with Card(InProcessTransport(euicc)) as card:
        yield card
    euicc.close()


def scripted(*answers: str) -> Card:
    """A card that gives these answers one after the other, T=1."""
    left = [bytes.fromhex(one) for one in answers]
    atr = bytes.fromhex("3B9E9681B1FE453F87828031E073FE211B6656455549434336")
    card = Card(InProcessTransport(ScriptedObject(lambda _: left.pop(0), atr=atr)))
    card.connect()
    return card


def test_a_network_and_a_card_authenticate_each_other(card: Card) -> None:
    card.select(USIM)
    vector = AuthenticationVector.make(XOR, RAND, 0x41)
    answer = authentication.authenticate(card, vector.rand, vector.autn)
    assert isinstance(answer, Authenticated)
    assert vector.proves(answer.res)
    assert (answer.ck, answer.ik, answer.kc) == (vector.ck, vector.ik, vector.kc)
    again = authentication.authenticate(card, vector.rand, vector.autn)
    assert isinstance(again, OutOfStep)
    assert read_auts(XOR, RAND, again.auts) == 0x41
    assert authentication.authenticate(card, RAND, bytes(16)) == NetworkRefused()
    gsm = authentication.authenticate_gsm(card, RAND)
    assert (gsm.sres, gsm.kc) == (vector.sres, vector.kc)
    card.select(0x3F00)
    with pytest.raises(StatusWordError, match="6985"):
        authentication.authenticate(card, RAND, bytes(16))


def test_answers_of_cards_as_they_are_published() -> None:
    res, ck, ik = "A54211D5E3BA50BF", "B40BA9A3C58B2A05BBF0D987B21BF8CB", "77" * 16
    card = scripted(f"DB08{res}10{ck}10{ik}9000", f"DB08{res}10{ck}10{ik}08{'55' * 8}9000")
    without = authentication.authenticate(card, RAND, bytes(16))
    assert without == Authenticated(*map(bytes.fromhex, (res, ck, ik)))
    assert res.lower() not in repr(without)
    with_kc = authentication.authenticate(card, RAND, bytes(16))
    assert isinstance(with_kc, Authenticated)
    assert with_kc.kc == b"\x55" * 8


@pytest.mark.parametrize("answer", ["", "DB", "DC0D" + "00" * 13, "DB08AA", "DD0100", "DB01000100"])
def test_answers_that_are_none(answer: str) -> None:
    with pytest.raises(CodecError):
        authentication.authenticate(scripted(answer + "9000"), RAND, bytes(16))


def test_pins(card: Card) -> None:
    pin, new, wrong = b"0000", b"4321", b"9876"
    assert pin_operations.verify(card, 1, pin) == PinAnswer(PinOutcome.DISABLED)
    assert pin_operations.enable(card, 1, pin).accepted
    card.reset()
    assert pin_operations.pin_state(card, 1) == PinAnswer(PinOutcome.WRONG, 3)
    assert pin_operations.verify(card, 1, wrong) == PinAnswer(PinOutcome.WRONG, 2)
    assert pin_operations.change(card, 1, pin, new).accepted
    for left in (2, 1):
        assert pin_operations.verify(card, 1, wrong) == PinAnswer(PinOutcome.WRONG, left)
    for _ in range(2):
        assert pin_operations.verify(card, 1, wrong) == PinAnswer(PinOutcome.BLOCKED, 0)
    assert pin_operations.puk_state(card, 1) == PinAnswer(PinOutcome.WRONG, 10)
    assert pin_operations.unblock(card, 1, b"12345678", pin) == PinAnswer(PinOutcome.WRONG, 9)
    assert pin_operations.unblock(card, 1, b"11111111", pin).accepted
    assert pin_operations.disable(card, 1, pin).accepted
    assert pin_operations.verify(card, 1, pin) == PinAnswer(PinOutcome.DISABLED)
    with pytest.raises(StatusWordError, match="6A88"):
        pin_operations.verify(card, 7, pin)
    with pytest.raises(StatusWordError, match="6A88"):
        pin_operations.disable(card, 0x0A, b"55555555", universal=True)


def test_records(card: Card) -> None:
    card.select([0x3F00, DF, LINEAR])
    assert search_records(card, b"first") == (1, 3)
    assert search_records(card, b"first", first=4, backward=True) == (3, 1)
    assert search_records(card, b"absent") == ()
    card.select([0x3F00, DF, CYCLIC])
    grown = increase(card, b"\x02")
    assert (grown.record, grown.value, grown.added) == (b"\x00\x00\x0b", 11, b"\x02")
    with pytest.raises(StatusWordError, match="9850"):
        increase(card, b"\xff\xff\xff")
    with pytest.raises(StatusWordError, match="6700"):
        search_records(card, b"")


def test_an_older_card_finds_no_record() -> None:
    assert search_records(scripted("6A83"), b"x") == ()


def test_an_answer_to_increase_that_is_none() -> None:
    with pytest.raises(CodecError, match="INCREASE"):
        increase(scripted("00000B0000039000"), b"\x00\x00\x02")


def test_data_objects(card: Card) -> None:
    card.select([0x3F00, DF, OBJECTS])
    assert data_objects.list_data(card) == (0x81, 0xA2)
    assert data_objects.retrieve_data(card, 0x81) == b"one"
    for size in (0, 1, 127, 128, 252, 253, 255, 256, 500):
        value = bytes(number % 253 for number in range(size))
        data_objects.set_data(card, 0x9F7F, value)
        assert data_objects.retrieve_data(card, 0x9F7F) == value, size
    assert data_objects.list_data(card) == (0x81, 0xA2, 0x9F7F)
    data_objects.delete_data(card, 0x9F7F)
    assert data_objects.list_data(card) == (0x81, 0xA2)
    with pytest.raises(StatusWordError, match="6A88"):
        data_objects.retrieve_data(card, 0x9F7F)
    with pytest.raises(StatusWordError, match="6A84"):
        data_objects.set_data(card, 0x84, bytes(1000))
    with pytest.raises(StatusWordError, match="6A88"):
        data_objects.delete_data(card, 0x84)


def test_an_object_without_end_and_one_that_was_not_asked_for() -> None:
    with pytest.raises(CodecError, match="RETRIEVE"):
        data_objects.retrieve_data(scripted("82010090 00"), 0x81)
