"""What the device tells a card of itself: PROVIDE LOCAL INFORMATION (TS 102 223, 6.4.15)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hil.errors import ConfigError
from hil.virtual.device.config import parse_config
from hil.wire import cat
from hil.wire.cat import CommandDetails, ProactiveCommand
from hil.wire.cat_values import CommandType, Device, Result
from tests.virtual_device.conftest import EID, Workbench
from tests.virtual_device.wishing_card import WishingCard


@pytest.fixture
def wishing() -> Iterator[WishingCard]:
    card = WishingCard(EID)
    yield card
    card.close()


def local_information(qualifier: int) -> bytes:
    details = CommandDetails(1, CommandType.PROVIDE_LOCAL_INFORMATION, qualifier)
    return ProactiveCommand(details, Device.TERMINAL).encode()


def test_the_card_gets_the_imei_in_the_bytes_of_the_conformance_test(
    workbench: Workbench, wishing: WishingCard
) -> None:
    """Sequence 1.2 of the tests of terminals (27.22.4.15): command and response."""
    assert cat.provide_imei(1).hex().upper() == "D009810301260182028182"
    workbench.start(esim=wishing.esim, poll_s=0.05, imei="123456789012345")
    answer = wishing.wish(bytes.fromhex("D009810301260182028182")).answer(timeout_s=60)
    assert answer.encode().data.hex().upper() == (
        "8103012601" + "82028281" + "830100" + "94081A32547698103254"
    )


def test_what_the_device_cannot_tell_has_its_result(
    workbench: Workbench, wishing: WishingCard
) -> None:
    workbench.start(esim=wishing.esim, poll_s=0.05, imei="")
    for qualifier, result, additional in (
        (0x01, Result.TERMINAL_BUSY, b"\x00"),
        (0x00, Result.TERMINAL_BUSY, b"\x00"),
        (0x03, Result.BEYOND_CAPABILITIES, b""),
        (0x0A, Result.BEYOND_CAPABILITIES, b""),
    ):
        answer = wishing.wish(local_information(qualifier)).answer(timeout_s=60)
        assert (answer.result, answer.additional) == (result, additional)
        assert not answer.objects


@pytest.mark.parametrize("imei", ["1", "12345678901234x", "1234567890123456"])
def test_what_is_no_imei_is_refused_before_the_device_starts(imei: str) -> None:
    with pytest.raises(ConfigError, match="imei"):
        parse_config({"device_id": "d", "imei": imei})
