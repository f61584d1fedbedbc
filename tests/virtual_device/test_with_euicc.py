"""The device with a virtual eUICC behind its contacts: what ends up on the card."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.equipment.device import Device, DeviceRefusal
from hil.virtual.euicc import VirtualCard, open_card
from hil.virtual.euicc.contacts import Contacts
from hil.wire.identifiers import ISD_R_AID
from tests.virtual_device.conftest import (
    AID,
    BASE_KEYS,
    EID,
    ICCIDS,
    ISD_R_KEYS,
    Workbench,
    authenticate,
    command_mode,
    key_fields,
    make_image,
    seal_image,
)


@pytest.fixture(params=["T=0", "T=1"])
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def card(tmp_path: Path, protocol: str) -> Iterator[VirtualCard]:
    card = open_card(
        tmp_path / "card",
        {
            "eid": EID,
            "isd_r": {
                "scp80": [],
                "scp03": [key_fields(ISD_R_KEYS) | {"counter": 0}],
            },
            "isd_p_base": key_fields(BASE_KEYS),
            "memory": 500_000,
            "protocol": protocol,
            "bootstrap_profile": None,
        },
    )
    yield card
    card.close()


@pytest.fixture
def esim(card: VirtualCard) -> Iterator[str]:
    contacts = Contacts(card)
    host, port = contacts.serve("127.0.0.1", 0)
    yield f"socket:{host}:{port}"
    contacts.close()


def csim(device: Device, text: str) -> bytes:
    """Send an APDU as a terminal does, following 61xx."""
    response = device.csim(bytes.fromhex(text))
    while response[-2] == 0x61:
        response = response[:-2] + device.csim(bytes((0, 0xC0, 0, 0, response[-1])))
    return response


def iccid_of(device: Device) -> str:
    csim(device, "00A40004023F00")
    csim(device, "00A40004022FE2")
    swapped = csim(device, "00B000000A")[:10].hex()
    return "".join(b + a for a, b in zip(swapped[::2], swapped[1::2], strict=True)).rstrip("f")


def settle(device: Device) -> None:
    report = device.wait_installed(timeout_s=10)
    assert (report.result, report.reason) == ("installed", "")


def test_the_device_reads_the_eid_from_its_esim(workbench: Workbench, esim: str) -> None:
    assert workbench.start(esim=esim, eid=None).identity().eid == EID


def test_image_to_card_at_boot_without_any_link(
    workbench: Workbench, esim: str, card: VirtualCard
) -> None:
    device = workbench.start(esim=esim)
    authenticate(device)
    device.send_image(seal_image(make_image()))
    workbench.restart(esim=esim)
    device = workbench.running[-1].device
    settle(device)
    assert iccid_of(device) == ICCIDS["operational"]
    workbench.running[-1].end()
    assert not card.powered


def test_two_profiles_one_after_the_other(workbench: Workbench, esim: str) -> None:
    device = workbench.start(esim=esim)
    authenticate(device)
    device.send_image(seal_image(make_image()))
    device.reboot()
    settle(device)
    sealed = seal_image(make_image(counter=1, image_id="image-2"))
    authenticate(device)
    with pytest.raises(DeviceRefusal, match="image counter replayed"):
        device.send_image(sealed)
    # The eUICC has this ISD-P already, so the creation is refused; the device says where.
    device.send_image(seal_image(make_image(counter=3, image_id="image-3")))
    device.reboot()
    report = device.wait_installed(timeout_s=10)
    assert report.result == "failed"
    assert "loading step 4 of 5: status word" in report.reason
    assert iccid_of(device) == ICCIDS["operational"]


def test_a_test_profile_in_test_mode(workbench: Workbench, esim: str) -> None:
    device = workbench.start(esim=esim)
    command_mode(device, "test")
    authenticate(device)
    device.send_image(seal_image(make_image(kind="test")))
    device.reboot()
    settle(device)
    assert iccid_of(device) == ICCIDS["test"]
    assert device.status().mode == "test"


def test_applications_are_reached_through_channels(workbench: Workbench, esim: str) -> None:
    device = workbench.start(esim=esim)
    session = device.open_channel(ISD_R_AID)
    assert session == 1
    response = device.logical(session, bytes.fromhex("80F240020A4F00") + bytes(9))
    assert len(response) >= 2
    device.close_channel(session)
    with pytest.raises(DeviceRefusal, match="invalid index"):
        device.logical(session, bytes.fromhex("80F24002024F00"))
    with pytest.raises(DeviceRefusal, match="not found"):
        device.open_channel(AID)
    session = device.open_channel(ISD_R_AID)
    device.reboot()
    with pytest.raises(DeviceRefusal, match="invalid index"):
        device.logical(session, bytes.fromhex("80F24002024F00"))


def test_a_card_that_is_held_by_somebody_else_is_waited_for(
    workbench: Workbench, esim: str
) -> None:
    device = workbench.start(esim=esim, apdu_timeout_s=2.0)
    host, port = esim.removeprefix("socket:").rsplit(":", 1)
    with socket.create_connection((host, int(port))):
        started = time.monotonic()
        with pytest.raises(DeviceRefusal, match="SIM failure"):
            device.csim(bytes.fromhex("00A40004023F00"))
        assert time.monotonic() - started < 10
    assert csim(device, "00A40004023F00")[-2:] == b"\x90\x00"


def test_the_device_introduces_itself_again_when_somebody_else_reset_the_card(
    workbench: Workbench, esim: str, card: VirtualCard
) -> None:
    device = workbench.start(esim=esim)
    csim(device, "00A40004023F00")
    session = device.open_channel(ISD_R_AID)
    card.reset()
    csim(device, "00A40004023F00")
    with pytest.raises(DeviceRefusal, match="invalid index"):
        device.logical(session, bytes.fromhex("80F24002024F00"))
