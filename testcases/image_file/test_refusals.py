"""What the device refuses before an image enters its memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hil.checks import refusal
from hil.equipment.device import DeviceRefusal, TransferError
from hil.evidence import step
from hil.wire.image import SigningKey, seal
from testcases.installing import (
    assert_installed,
    assert_untouched,
    hand_over,
    install_at_boot,
)

if TYPE_CHECKING:
    from hil.bench.device_owner import DeviceOwner
    from hil.bench.esim import Esim
    from hil.bench.image_maker import ImageMaker
    from hil.bench.profile_maker import LabProfile

pytestmark = [pytest.mark.requires("device", "card.m2m"), pytest.mark.severity("critical")]

INITIALIZE_UPDATE = 0x50
OTHER_EID = "89086030202200000022000023022943"


def refuse(owner: DeviceOwner, esim: Esim, profile: LabProfile, raw: bytes, reason: str) -> None:
    """Hold the device to refusing an image, with the reason, and to keeping nothing of it."""
    owner.authenticate()
    with step(f"The device refuses: {reason}"), refusal(TransferError, match=reason):
        owner.device.send_image(raw)
    with step("Nothing of it is kept, and the next boot installs nothing"):
        assert owner.device.images() == ()
        assert owner.device.status().last_error
        before = owner.device.last_install()
        assert install_at_boot(owner.device) == before
    assert_untouched(esim, profile)


@pytest.mark.requirement("R-47", refusal=True)
def test_an_image_for_another_esim(owner: DeviceOwner, esim: Esim, image_maker: ImageMaker) -> None:
    """The target EID is another card's."""
    profile = image_maker.profile()
    raw = image_maker.seal(image_maker.image(profile, eid=OTHER_EID))
    refuse(owner, esim, profile, raw, "image for another eSIM")


@pytest.mark.requirement("R-47", refusal=True)
def test_an_image_for_another_device(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker
) -> None:
    """The target device id is another device's."""
    profile = image_maker.profile()
    raw = image_maker.seal(image_maker.image(profile, device_id="ANOTHER-0001"))
    refuse(owner, esim, profile, raw, "image for another device")


@pytest.mark.requirement("R-35", refusal=True)
def test_an_image_signed_for_the_other_life(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker
) -> None:
    """A device in development takes no commercial signature, and the other way round."""
    profile = image_maker.profile()
    image = image_maker.image(profile)
    in_development = image_maker.life == "development"
    raw = image_maker.seal(image, signed_by="commercial" if in_development else "development")
    refuse(owner, esim, profile, raw, "image signature wrong")


@pytest.mark.requirement("R-29", "R-35", refusal=True)
def test_an_image_signed_by_a_stranger(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker
) -> None:
    """A key of the right kind, but nobody's."""
    profile = image_maker.profile()
    raw = seal(image_maker.image(profile), SigningKey.generate(image_maker.life), owner.keys.enc)
    refuse(owner, esim, profile, raw, "image signature wrong")


@pytest.mark.requirement("R-20", "R-35", refusal=True)
@pytest.mark.units(place="of the file")
@pytest.mark.parametrize("place", [0.02, 0.5, 0.97])
def test_a_flipped_bit(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker, place: float
) -> None:
    """One bit of the image file is wrong, wherever it stands."""
    profile = image_maker.profile()
    raw = bytearray(image_maker.sealed(profile))
    raw[int(place * len(raw))] ^= 0x10
    refuse(owner, esim, profile, bytes(raw), "image (signature|format) wrong")


@pytest.mark.requirement("R-20", refusal=True)
@pytest.mark.parametrize("left", [1, 100, 0.5, -1])
def test_a_truncated_image(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker, left: float
) -> None:
    """The image file is cut off: after one byte, in the middle, before its last byte."""
    profile = image_maker.profile()
    raw = image_maker.sealed(profile)
    cut = raw[: int(left * len(raw)) if isinstance(left, float) else left]
    refuse(owner, esim, profile, cut, "image (signature|format) wrong")


@pytest.mark.requirement("R-43", refusal=True)
@pytest.mark.parametrize("lack", ["no authentication", "an answer that is not compared"])
def test_an_image_that_does_not_authenticate_to_the_isd_r_first(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker, lack: str
) -> None:
    """Its script would create the ISD-P without proof, or whatever ISD-R has answered."""
    profile = image_maker.profile()
    image = image_maker.image(profile)
    steps = list(image.steps_before)
    first = next(at for at, one in enumerate(steps) if one.command[1] == INITIALIZE_UPDATE)
    if lack == "no authentication":
        del steps[first : first + 2]
    else:
        steps[first] = replace(steps[first], expected=None)
    raw = image_maker.seal(replace(image, steps_before=tuple(steps)))
    refuse(owner, esim, profile, raw, "image format wrong")


@pytest.mark.requirement("R-46", refusal=True)
def test_an_image_whose_counter_was_used(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker
) -> None:
    """The image that has been installed is refused when it comes again."""
    profile = image_maker.profile()
    raw = image_maker.sealed(profile)
    hand_over(owner, raw)
    assert_installed(install_at_boot(owner.device), profile.iccid)
    state = esim.state()
    owner.authenticate()
    with refusal(TransferError, match="image counter replayed"):
        owner.device.send_image(raw)
    assert install_at_boot(owner.device).iccid == profile.iccid
    assert esim.state().differences(state) == []


@pytest.mark.requirement("R-29", "R-34", refusal=True)
@pytest.mark.severity("blocker")
def test_an_image_from_a_sender_that_is_not_authenticated(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker
) -> None:
    """Unauthenticated bytes leave no trace in the memory."""
    profile = image_maker.profile()
    with refusal(DeviceRefusal, match="sender not authenticated"):
        owner.device.send_image(image_maker.sealed(profile))
    assert owner.device.images() == ()
    assert_untouched(esim, profile)
