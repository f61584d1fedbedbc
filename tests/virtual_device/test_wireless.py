"""The second link to the device's line: TCP, as a wireless serial bridge carries it."""

from __future__ import annotations

import pytest

from hil.equipment.device import Device, DeviceLinkError, DeviceTimeoutError
from tests.virtual_device.conftest import Workbench, authenticate, make_image, seal_image


def test_the_device_answers_where_it_was_last_spoken_to(workbench: Workbench) -> None:
    running = workbench.start_process("--wireless-port", "0")
    cable = running.device
    with Device.open(running.ready["wireless"], timeout_s=5) as bridge:
        assert bridge.identity().device_id == cable.identity().device_id
        assert authenticate(bridge) == "passed"
        assert cable.status().server_auth == "passed", "it is one line, and one device"
        sent = bridge.send_image(seal_image(make_image()))
        assert [one.image_id for one in cable.images()] == [sent.image_id]
        bridge.reboot()
        assert bridge.boot_count() == cable.boot_count() == 2


def test_a_bridge_that_is_gone_is_a_link_error(workbench: Workbench) -> None:
    running = workbench.start_process("--wireless-port", "0")
    bridge = Device.open(running.ready["wireless"], timeout_s=5)
    bridge.identity()
    running.end()
    with pytest.raises((DeviceLinkError, DeviceTimeoutError)):
        bridge.identity()
    bridge.close()
    with pytest.raises(DeviceLinkError, match="cannot be opened"):
        Device.open(running.ready["wireless"])
