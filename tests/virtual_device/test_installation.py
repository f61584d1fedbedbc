from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hil.equipment.device import DeviceRefusal, TransferError
from hil.errors import ConfigError, LinkError
from hil.virtual.device.config import parse_config
from hil.wire.scp03_keys import KeySet
from tests.virtual_device.conftest import (
    DEVICE_ID,
    EID,
    KEYS,
    AsProcess,
    Workbench,
    authenticate,
    command_mode,
    make_image,
    seal_image,
)
from tests.virtual_device.scripted_card import ScriptedCard

OTHER_EID = "89086030202200000022000023022943"
BOOT_APDUS = 3
"""SELECT ECASD, GET DATA 5A, TERMINAL PROFILE."""


def test_an_image_is_stored_and_installed_at_the_next_boot(workbench: Workbench) -> None:
    image, card = make_image(), workbench.card()
    card.expect(image)
    device = workbench.start(esim=card.esim)
    assert authenticate(device) == "passed"
    report = device.send_image(seal_image(image))
    assert report.image_id == "image-1"
    assert [i.state for i in device.images()] == ["stored"]
    assert len(card.received) == BOOT_APDUS
    device.reboot()
    done = device.wait_installed(timeout_s=10)
    assert (done.result, done.reason, done.iccid) == ("installed", "", image.iccid)
    assert done.boot == 2
    assert [i.state for i in device.images()] == ["installed"]
    assert card.received[BOOT_APDUS * 2 :][: len(image.steps_before)] == [
        step.command for step in image.steps_before
    ]


def test_an_installed_image_is_not_installed_again(workbench: Workbench) -> None:
    image, card = make_image(), workbench.card()
    card.expect(image)
    device = workbench.start(esim=card.esim)
    authenticate(device)
    device.send_image(seal_image(image))
    device.reboot()
    done = device.wait_installed(timeout_s=10)
    before = len(card.received)
    device = workbench.restart(esim=card.esim)
    assert device.wait_installed(timeout_s=10) == done
    assert len(card.received) == before + BOOT_APDUS
    authenticate(device)
    with pytest.raises(TransferError, match="image counter replayed"):
        device.send_image(seal_image(image))


def test_the_secure_area_survives_power_off_and_shows_nothing(
    workbench: Workbench, tmp_path: Path
) -> None:
    image, card = make_image(), workbench.card()
    card.expect(image)
    running = workbench.start_process(esim=card.esim)
    authenticate(running.device)
    raw = seal_image(image)
    running.device.send_image(raw)
    running.kill()
    files = list((tmp_path / "state").rglob("*.*"))
    assert any(file.name.startswith("image-") for file in files)
    for file in (file for file in files if file.is_file()):
        content = file.read_bytes()
        assert raw[200:232] not in content
        assert image.iccid.encode() not in content
        assert file.stat().st_mode & 0o077 == 0
    device = workbench.start(esim=card.esim)
    assert device.wait_installed(timeout_s=10).result == "installed"


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        ({"eid": OTHER_EID}, "image for another eSIM"),
        ({"device_id": "DUT-0002"}, "image for another device"),
        ({"counter": 0}, "image counter replayed"),
    ],
)
def test_an_image_for_somebody_else_is_refused(
    workbench: Workbench, spoil: dict[str, object], name: str
) -> None:
    device = workbench.start()
    authenticate(device)
    with pytest.raises(TransferError, match=name):
        device.send_image(seal_image(make_image(**spoil)))  # type: ignore[arg-type]
    assert device.images() == ()
    assert device.send_image(seal_image(make_image())).image_id == "image-1"


@pytest.mark.parametrize(
    ("life", "signed", "good"),
    [
        ("development", "development", True),
        ("development", "commercial", False),
        ("commercial", "development", False),
        ("commercial", "commercial", True),
    ],
)
def test_the_life_state_decides_which_signature_counts(
    workbench: Workbench, life: str, signed: str, good: bool
) -> None:
    device = workbench.start(life=life)
    assert device.identity().life == life
    authenticate(device)
    raw = seal_image(make_image(), signed)
    if good:
        assert device.send_image(raw).image_id == "image-1"
    else:
        with pytest.raises(TransferError, match="image signature wrong"):
            device.send_image(raw)
        assert device.images() == ()


def test_an_image_enciphered_for_another_device_is_refused(workbench: Workbench) -> None:
    device = workbench.start()
    authenticate(device)
    with pytest.raises(TransferError, match="image decryption failed"):
        device.send_image(seal_image(make_image(), key=bytes(16)))
    assert device.send_image(seal_image(make_image(), key=None)).image_id == "image-1"


@pytest.mark.parametrize("raw", [b"\x00", b"packets?" * 100, b"\xd2\x84\x5f" + b"\x9f" * 3000])
def test_data_of_an_unknown_type_is_refused(workbench: Workbench, raw: bytes) -> None:
    device = workbench.start()
    authenticate(device)
    with pytest.raises(TransferError, match="image format wrong"):
        device.send_image(raw)
    assert device.images() == ()


def test_an_image_without_isd_r_authentication_is_refused(workbench: Workbench) -> None:
    image = make_image()
    device = workbench.start()
    authenticate(device)
    with pytest.raises(TransferError, match="image format wrong"):
        device.send_image(seal_image(replace(image, steps_before=image.steps_before[:1])))
    assert "no ISD-R authentication" in device.status().last_error


def test_wrong_isd_r_keys_install_nothing_and_say_so(workbench: Workbench) -> None:
    wrong = KeySet(0x30, bytes(16), bytes(16), bytes(16))
    card = workbench.card()
    card.expect(make_image(isd_r_keys=wrong))
    device = workbench.start(esim=card.esim)
    authenticate(device)
    device.send_image(seal_image(make_image()))
    device.reboot()
    done = device.wait_installed(timeout_s=10)
    assert (done.result, done.reason) == (
        "failed",
        "ISD-R authentication: the keys are not those of this eSIM",
    )
    assert 0x82 not in card.instructions()


def test_a_card_whose_counter_is_further_on_makes_the_image_stale(workbench: Workbench) -> None:
    card = workbench.card()
    card.expect(make_image(counter=5))
    device = workbench.start(esim=card.esim)
    authenticate(device)
    device.send_image(seal_image(make_image(counter=2)))
    device.reboot()
    done = device.wait_installed(timeout_s=10)
    assert (done.result, done.reason) == (
        "stale",
        "ISD-R counter is 000005, the image expects 000002",
    )
    assert [i.state for i in device.images()] == ["stale"]


def test_an_unexpected_answer_to_a_packet_fails_with_its_number(workbench: Workbench) -> None:
    image, card = make_image(), workbench.card()
    card.expect(image)
    card.packets[image.packets[2].command] = bytes.fromhex("9F460102") + b"\x90\x00"
    device = workbench.start(esim=card.esim)
    authenticate(device)
    device.send_image(seal_image(image))
    device.reboot()
    done = device.wait_installed(timeout_s=10)
    assert done.result == "failed"
    assert done.reason.startswith("packet 3: answer 9f460102")


def cut_power_at(running: AsProcess, card: ScriptedCard, ins: int, nth: int) -> None:
    """Kill the device when the card gets the nth APDU with that instruction."""
    original, seen = card._apdu, [0]

    def apdu(raw: bytes) -> bytes:
        answer = original(raw)
        if raw[1] == ins:
            seen[0] += 1
            if seen[0] == nth:
                running.process.kill()
                running.process.wait(10)
        return answer

    card._apdu = apdu  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("ins", "nth", "result", "reason"),
    [
        (0x50, 1, "installed", ""),
        (0x82, 1, "stale", "power was cut while the profile was loaded; a new image is needed"),
        (0xE6, 1, "stale", "power was cut while the profile was loaded; a new image is needed"),
        (0xE2, 5, "stale", "power was cut while the profile was loaded; a new image is needed"),
        (0x50, 2, "installed", ""),
        (0x82, 2, "stale", "power was cut while the profile was enabled"),
    ],
    ids=["before", "authenticating", "creating", "loading", "before enabling", "enabling"],
)
def test_a_power_cut_leaves_something_that_can_go_on_or_says_what_it_needs(
    workbench: Workbench, ins: int, nth: int, result: str, reason: str
) -> None:
    image, card = make_image(), workbench.card()
    card.expect(image)
    running = workbench.start_process(esim=card.esim, install_at="command")
    authenticate(running.device)
    running.device.send_image(seal_image(image))
    running.device.reboot()
    cut_power_at(running, card, ins, nth)
    with pytest.raises(LinkError):
        running.device.install(timeout_s=3)
    running.kill()
    del card._apdu
    card.answers.clear()
    for step in (*image.steps_before, *image.steps_after)[-99 if nth == 1 else -4 :]:
        card._expect_step(step)
    device = workbench.start(esim=card.esim)
    done = device.wait_installed(timeout_s=10)
    assert (done.result, done.reason) == (result, reason)
    assert len(device.images()) == 1
    assert device.images()[0].state == result


def test_install_by_command_only(workbench: Workbench) -> None:
    image, card = make_image(), workbench.card()
    card.expect(image)
    device = workbench.start(esim=card.esim, install_at="command")
    authenticate(device)
    device.send_image(seal_image(image))
    device.reboot()
    assert device.wait_installed(timeout_s=5).result == "none"
    assert device.install(timeout_s=10).result == "installed"
    with pytest.raises(DeviceRefusal, match="nothing to install"):
        device.install()


def test_a_device_that_only_stores(workbench: Workbench) -> None:
    card = workbench.card()
    device = workbench.start(esim=card.esim, installation="store-only")
    authenticate(device)
    device.send_image(seal_image(make_image()))
    device.reboot()
    assert [i.state for i in device.images()] == ["stored"]
    with pytest.raises(DeviceRefusal, match="operation not allowed"):
        device.install()
    assert 0x50 not in card.instructions()


def test_a_device_that_only_installs_keeps_nothing(workbench: Workbench, tmp_path: Path) -> None:
    image, card = make_image(), workbench.card()
    card.expect(image)
    device = workbench.start(esim=card.esim, installation="install-only")
    authenticate(device)
    assert device.send_image(seal_image(image)).image_id == "image-1"
    assert device.last_install().result == "installed"
    assert device.images() == ()
    assert not list((tmp_path / "state" / "secure").glob("image-*"))


def test_an_image_that_waits_for_the_user_shows_that_it_waits(workbench: Workbench) -> None:
    image, card = make_image(), workbench.card()
    card.expect(image)
    device = workbench.start(esim=card.esim, wait_for_user=True)
    authenticate(device)
    device.send_image(seal_image(image))
    device.reboot()
    assert device.wait_installed(timeout_s=5).result == "waiting"
    assert [i.state for i in device.images()] == ["waiting"]
    device.user_input("*3#")
    assert device.last_install().result == "installed"


def test_a_stored_image_does_not_install_in_second_mode(workbench: Workbench) -> None:
    image, card = make_image(), workbench.card()
    card.expect(image)
    device = workbench.start(esim=card.esim)
    authenticate(device)
    device.send_image(seal_image(image))
    command_mode(device, "second")
    device.reboot()
    assert device.wait_installed(timeout_s=5).result == "none"
    with pytest.raises(DeviceRefusal, match="mode refuses images"):
        device.install()
    with pytest.raises(DeviceRefusal, match="mode refuses images"):
        device.user_input("*3#")
    assert 0x50 not in card.instructions()
    command_mode(device, "first")
    device.reboot()
    assert device.wait_installed(timeout_s=5).result == "installed"


def test_images_are_listed_and_deleted(workbench: Workbench) -> None:
    device = workbench.start(max_images=2)
    authenticate(device)
    for number in (1, 2):
        device.send_image(seal_image(make_image(image_id=f"image-{number}", counter=number)))
    with pytest.raises(TransferError, match="memory full"):
        device.send_image(seal_image(make_image(image_id="image-3")))
    device.delete_image("image-1")
    assert [i.image_id for i in device.images()] == ["image-2"]
    with pytest.raises(DeviceRefusal, match="not found"):
        device.delete_image("image-1")


def test_an_image_above_the_limit_is_refused_before_a_byte_of_it(workbench: Workbench) -> None:
    device = workbench.start(max_image=1000)
    authenticate(device)
    with pytest.raises(DeviceRefusal, match="image too large"):
        device.send_image(bytes(1001))


def test_a_secure_area_that_was_tampered_with_is_not_believed(
    workbench: Workbench, tmp_path: Path
) -> None:
    card = workbench.card()
    device = workbench.start(esim=card.esim)
    authenticate(device)
    device.send_image(seal_image(make_image()))
    workbench.running[-1].end()
    (record,) = (tmp_path / "state" / "secure").glob("image-*.bin")
    content = bytearray(record.read_bytes())
    content[100] ^= 1
    record.write_bytes(content)
    device = workbench.start(esim=card.esim)
    done = device.wait_installed(timeout_s=10)
    assert (done.result, done.reason) == ("failed", "image is lost")


def test_the_configuration_names_what_is_wrong(workbench: Workbench) -> None:
    good = {"device_id": DEVICE_ID, "eid": EID}
    assert parse_config(good).device_id == DEVICE_ID
    for bad, text in (
        ({"maner": "skip"}, "unknown key 'maner'; did you mean 'manner'"),
        ({"manner": "none"}, "device.manner is 'none', not one of key-set, jig, both, skip"),
        ({"jig": {"window": 2}}, "device.jig.window is 2, not within 0 … 1"),
        ({"jig": {"nominal_v": "3.3"}}, "device.jig.nominal_v is no number"),
        ({"key_set": {"kvn": 1, "auth": "00", "enc": "00"}}, "device.key_set.auth has 1 bytes"),
        ({"device_id": None}, "device.device_id is missing"),
        ({"rail": {"brown_out_v": 4.0}}, "brown_out_v lies above power_good_v"),
    ):
        with pytest.raises(ConfigError, match=text):
            parse_config(json.loads(json.dumps(good | bad)))
    assert KEYS.auth.hex() not in str(KEYS)


def test_several_stored_images_are_installed_at_one_boot_in_their_order(
    workbench: Workbench,
) -> None:
    card = workbench.card()
    images = [make_image(image_id="image-1"), make_image(image_id="image-2", counter=3)]
    for image in images:
        card.expect(image)
    device = workbench.start(esim=card.esim)
    for image in images:
        authenticate(device)
        device.send_image(seal_image(image))
    device.reboot()
    assert device.wait_installed(timeout_s=10).image_id == "image-2"
    assert [image.state for image in device.images()] == ["installed", "installed"]
