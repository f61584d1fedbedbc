from __future__ import annotations

import pytest

from hil.equipment.device import DeviceRefusal, TransferError
from hil.wire.scp03_keys import KeySet
from tests.virtual_device.conftest import Workbench, authenticate, make_image, seal_image


def test_an_image_is_stored_and_installed_at_the_next_boot(workbench: Workbench) -> None:
    image, card = make_image(), workbench.card()
    card.expect(image)
    device = workbench.start(esim=card.esim)
    assert authenticate(device) == "passed"
    report = device.send_image(seal_image(image))
    assert report.image_id == "image-1"
    assert [i.state for i in device.images()] == ["stored"]
    assert 0xE2 not in card.instructions()
    device.reboot()
    done = device.wait_installed(timeout_s=10)
    assert (done.result, done.reason, done.iccid) == ("installed", "", image.iccid)
    assert done.boot == 2
    assert [i.state for i in device.images()] == ["installed"]
    sent = list(card.received)
    device = workbench.restart(esim=card.esim)
    assert device.wait_installed(timeout_s=10) == done
    assert card.received[len(sent) :] == sent[:2]
