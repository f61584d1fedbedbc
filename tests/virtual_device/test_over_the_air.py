"""Second mode: packets come over the air and go to the eSIM; other modes refuse them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.equipment.device import Device
from hil.virtual.euicc import open_card
from hil.virtual.euicc.contacts import Contacts
from hil.wire.apdu import CommandApdu
from hil.wire.command_script import CommandScript, ResponseScript
from hil.wire.identifiers import ISD_R_AID, encode_iccid, tar_of
from hil.wire.isdr_commands import enable_profile
from hil.wire.scp80 import (
    OtaKeySet,
    ResponseStatus,
    SecurityParameters,
    unwrap_response,
    wrap_command,
)
from hil.wire.sms import Address, SmsDeliver, SmsSubmit, read_part, split
from tests.virtual_device.air import Air
from tests.virtual_device.conftest import (
    AID,
    BASE_KEYS,
    EID,
    ISD_R_KEYS,
    Workbench,
    authenticate,
    command_mode,
    key_fields,
    make_image,
    seal_image,
)

OTA = OtaKeySet(1, bytes(range(0x40, 0x50)), bytes(range(0x50, 0x60)), bytes(range(0x60, 0x70)))
PARAMETERS = SecurityParameters(bytes.fromhex("1639"), tar_of(ISD_R_AID))


@pytest.fixture
def air() -> Iterator[Air]:
    air = Air()
    yield air
    air.close()


@pytest.fixture
def esim(tmp_path: Path) -> Iterator[str]:
    scp80 = {"kvn": 1, "kic": OTA.kic.hex(), "kid": OTA.kid.hex(), "counter": 0}
    card = open_card(
        tmp_path / "card",
        {
            "eid": EID,
            "isd_r": {
                "scp80": [scp80 | {"dek": "60" * 16}],
                "scp03": [key_fields(ISD_R_KEYS) | {"counter": 0}],
            },
            "isd_p_base": key_fields(BASE_KEYS),
            "memory": 500_000,
        },
    )
    contacts = Contacts(card)
    host, port = contacts.serve("127.0.0.1", 0)
    yield f"socket:{host}:{port}"
    contacts.close()
    card.close()


def message(*commands: CommandApdu, counter: int) -> bytes:
    packet = wrap_command(CommandScript.of(commands).encode(), counter, PARAMETERS, OTA)
    (user_data,) = split(packet)
    return SmsDeliver(Address("12345678"), user_data).encode()


def receipt(air: Air) -> ResponseScript:
    """Read a proof of receipt that the device submits, and let the network take it."""
    submitted = air.read()
    air.say({"submitted": submitted["id"], "ok": True})
    user_data = SmsSubmit.decode(bytes.fromhex(submitted["submit"])).user_data
    response = unwrap_response(read_part(user_data).payload, PARAMETERS, OTA)
    assert response.status == ResponseStatus.OK
    return ResponseScript.decode(response.data)


def iccid(device: Device) -> bytes:
    """Read EF.ICCID of the device's eSIM."""
    assert device.csim(bytes.fromhex("00A4000C022FE2")) == b"\x90\x00"
    answer = device.csim(bytes.fromhex("00B000000A"))
    assert answer[-2:] == b"\x90\x00"
    return answer[:-2]


def test_the_device_attaches_with_its_number(workbench: Workbench, air: Air) -> None:
    workbench.start(radio=air.address, msisdn="4917012345", imei="004999010640000")
    assert air.attach() == {"msisdn": "4917012345", "imei": "004999010640000"}


def test_a_packet_enables_a_profile_and_its_receipt_comes_back(
    workbench: Workbench, air: Air, esim: str
) -> None:
    image = make_image(enable=False)
    device = workbench.start(esim=esim, radio=air.address)
    air.attach()
    authenticate(device)
    device.send_image(seal_image(image))
    assert device.install(timeout_s=10).result == "installed"
    assert device.status().mode == "second"
    before = iccid(device)
    report = air.deliver(message(enable_profile(AID), counter=1))
    assert report["ok"] is True
    assert [answer.sw for answer in receipt(air).answers] == [0x9000]
    device.wait_installed(timeout_s=10)
    assert before == b"\xff" * 10
    assert iccid(device) == encode_iccid(image.iccid)


@pytest.mark.parametrize("mode", ["first", "test"])
def test_packets_are_refused_in_the_other_modes(
    workbench: Workbench, air: Air, esim: str, mode: str
) -> None:
    device = workbench.start(esim=esim, radio=air.address)
    air.attach()
    command_mode(device, mode)
    report = air.deliver(message(enable_profile(AID), counter=1))
    assert (report["ok"], report["report"]) == (False, "")
    assert device.status().last_error == f"packet over the air refused in {mode} mode"
    command_mode(device, "second")
    assert air.deliver(message(enable_profile(AID), counter=1))["ok"] is True


def test_messages_that_are_not_for_the_card_go_nowhere(workbench: Workbench, air: Air) -> None:
    card = workbench.card()
    workbench.start(esim=card.esim, radio=air.address)
    air.attach()
    before = len(card.received)
    text = SmsDeliver(Address("12345678"), b"hello", pid=0, dcs=4, has_header=False)
    assert air.deliver(text.encode())["ok"] is True
    assert air.deliver(b"\x01\x02")["ok"] is False
    assert len(card.received) == before


@pytest.mark.parametrize(
    ("answer", "ok", "report"),
    [
        ("9000", True, ""),
        ("0271000A9000", True, "0271000A"),
        ("0271000A6200", False, "0271000A"),
        ("6F00", False, ""),
        ("9300", False, ""),
    ],
)
def test_what_the_card_says_to_the_envelope_is_the_delivery_report(
    workbench: Workbench, air: Air, answer: str, ok: bool, report: str
) -> None:
    card = workbench.card()
    card.broken[0xC2] = bytes.fromhex(answer)
    workbench.start(esim=card.esim, radio=air.address)
    air.attach()
    got = air.deliver(message(enable_profile(AID), counter=1))
    assert (got["ok"], got["report"].upper()) == (ok, report)
    envelope = card.received[-1]
    assert envelope[:4].hex() == "80c20000"
    assert message(enable_profile(AID), counter=1) in envelope


def test_the_radio_is_off_while_the_device_is_off(workbench: Workbench, air: Air) -> None:
    device = workbench.start(radio=air.address)
    air.attach()
    device.reboot()
    with pytest.raises((EOFError, ConnectionError)):
        air.read()
    air.attach()


def test_images_do_not_come_over_the_air_and_packets_not_by_cable(
    workbench: Workbench, air: Air
) -> None:
    device = workbench.start(radio=air.address, input_events=["server-command"])
    air.attach()
    authenticate(device)
    with pytest.raises(Exception, match="mode refuses images"):
        device.send_image(seal_image(make_image()))
