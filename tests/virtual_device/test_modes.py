from __future__ import annotations

import pytest

from hil.equipment.device import Device, DeviceRefusal, TransferError
from tests.virtual_device.conftest import (
    Workbench,
    authenticate,
    command_mode,
    make_image,
    seal_image,
)


def mode_of(device: Device) -> tuple[str, str]:
    status = device.status()
    return status.mode.value, status.mode_cause


def test_authentication_leads_to_first_mode(workbench: Workbench) -> None:
    device = workbench.start(input_events=["authentication"])
    assert mode_of(device) == ("second", "none")
    authenticate(device)
    assert mode_of(device) == ("first", "authentication")


def test_the_type_of_received_data_leads_to_first_mode(workbench: Workbench) -> None:
    device = workbench.start(input_events=["data-type"])
    authenticate(device)
    assert mode_of(device) == ("second", "none")
    device.send_image(seal_image(make_image()))
    assert mode_of(device) == ("first", "data-type")


def test_data_of_another_type_does_not_lead_to_first_mode(workbench: Workbench) -> None:
    device = workbench.start(input_events=["data-type"])
    authenticate(device)
    with pytest.raises(TransferError, match="image format wrong"):
        device.send_image(b"\x86\x01\x00" * 30)
    assert mode_of(device) == ("second", "none")


def test_user_input_leads_to_first_mode_and_back(workbench: Workbench) -> None:
    device = workbench.start(input_events=["user-input"])
    authenticate(device)
    device.user_input("*1#")
    assert mode_of(device) == ("first", "user-input")
    device.user_input("*2#")
    assert mode_of(device) == ("second", "user-input")
    with pytest.raises(DeviceRefusal, match="incorrect parameters"):
        device.user_input("*9#")


def test_a_command_of_the_server_leads_to_every_mode(workbench: Workbench) -> None:
    device = workbench.start(input_events=["server-command"])
    for mode in ("first", "test", "second"):
        command_mode(device, mode)
        assert mode_of(device) == (mode, "server-command")


def test_without_an_input_event_images_are_refused(workbench: Workbench) -> None:
    device = workbench.start(input_events=[])
    authenticate(device)
    assert mode_of(device) == ("second", "none")
    with pytest.raises(DeviceRefusal, match="mode refuses images"):
        device.send_image(seal_image(make_image()))
    with pytest.raises(DeviceRefusal, match="operation not allowed"):
        device.user_input("*1#")
    with pytest.raises(DeviceRefusal, match="operation not allowed"):
        command_mode(device, "first")


def test_the_stronger_input_event_wins(workbench: Workbench) -> None:
    device = workbench.start()
    command_mode(device, "second")
    with pytest.raises(DeviceRefusal, match="held by a stronger input event"):
        device.user_input("*1#")
    authenticate(device)
    with pytest.raises(DeviceRefusal, match="mode refuses images"):
        device.send_image(seal_image(make_image()))
    assert mode_of(device) == ("second", "server-command")
    command_mode(device, "first")
    device.send_image(seal_image(make_image()))
    assert mode_of(device) == ("first", "server-command")


def test_the_user_wins_against_authentication_and_data_type(workbench: Workbench) -> None:
    device = workbench.start()
    device.user_input("*2#")
    authenticate(device)
    with pytest.raises(DeviceRefusal, match="mode refuses images"):
        device.send_image(seal_image(make_image()))
    device.user_input("*1#")
    assert device.send_image(seal_image(make_image())).image_id == "image-1"


def test_an_installation_uses_up_a_weak_event_but_not_a_strong_one(workbench: Workbench) -> None:
    card = workbench.card()
    for number, (strong, after) in enumerate(((False, "second"), (True, "first")), start=1):
        image = make_image(counter=2 * number, image_id=f"image-{number}")
        card.answers.clear()
        card.expect(image)
        device = (
            workbench.restart(esim=card.esim) if number > 1 else workbench.start(esim=card.esim)
        )
        authenticate(device)
        if strong:
            command_mode(device, "first")
        device.send_image(seal_image(image))
        device.reboot()
        assert device.wait_installed(timeout_s=10).result == "installed"
        assert mode_of(device)[0] == after


@pytest.mark.parametrize("mode", ["first", "second", "test"])
def test_the_mode_survives_power_off(workbench: Workbench, mode: str) -> None:
    device = workbench.start()
    command_mode(device, mode)
    assert mode_of(workbench.restart()) == (mode, "server-command")


def test_test_mode_is_left_by_server_command_alone(workbench: Workbench) -> None:
    device = workbench.start()
    command_mode(device, "test")
    authenticate(device)
    assert mode_of(device) == ("test", "server-command")
    with pytest.raises(DeviceRefusal, match="held by a stronger"):
        device.user_input("*1#")


def test_test_mode_takes_test_profiles_and_looks_inside(workbench: Workbench) -> None:
    device = workbench.start()
    command_mode(device, "test")
    authenticate(device)
    for spoilt in (
        make_image(),
        make_image(claimed="test"),
        make_image(claimed="test", disclose=False),
        make_image(kind="test", disclose=False),
    ):
        with pytest.raises(TransferError, match="not a test profile"):
            device.send_image(seal_image(spoilt))
        assert device.images() == ()
    image = make_image(kind="test")
    assert device.send_image(seal_image(image)).image_id == "image-1"
    command_mode(device, "first")
    authenticate(device)
    assert device.send_image(seal_image(make_image(image_id="image-2"))).image_id == "image-2"


def test_an_image_stored_in_first_mode_is_looked_into_again_in_test_mode(
    workbench: Workbench,
) -> None:
    image, card = make_image(), workbench.card()
    card.expect(image)
    device = workbench.start(esim=card.esim)
    authenticate(device)
    device.send_image(seal_image(image))
    command_mode(device, "test")
    device.reboot()
    done = device.wait_installed(timeout_s=10)
    assert done.result == "refused"
    assert "discloses no key" in done.reason
    assert 0x50 not in card.instructions()
    assert [i.state for i in device.images()] == ["stored"]
