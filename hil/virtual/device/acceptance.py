"""What the device checks before an image enters its memory, and again before it installs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

from hil.errors import CodecError
from hil.virtual.device.config import DeviceConfig
from hil.virtual.device.failures import Cme, Refusal
from hil.wire.device_auth import Mode
from hil.wire.image import (
    Image,
    ImageDecryptionError,
    ImageSignatureError,
    SigningKind,
    open_image,
)

_SELECT: Final = 0xA4
_INITIALIZE_UPDATE: Final = 0x50
_EXTERNAL_AUTHENTICATE: Final = 0x82


class Acceptance:
    """Signature by the life state's key, target, counter, and in test mode the content."""

    def __init__(
        self,
        config: DeviceConfig,
        *,
        eid: Callable[[], str],
        mode: Callable[[], Mode],
        counter: Callable[[], int],
    ) -> None:
        self._config = config
        self._eid = eid
        self._mode = mode
        self._counter = counter

    def check(self, raw: bytes) -> Image:
        """Open an image file and judge it.

        Raises:
            Refusal: with the code of what is wrong; nothing has been kept.

        """
        image = self.check_again(raw)
        if image.counter <= self._counter():
            raise Refusal(
                Cme.IMAGE_COUNTER_REPLAYED,
                f"image has counter {image.counter}, already used is {self._counter()}",
            )
        if self._mode() is Mode.TEST:
            look_inside(image)
        return image

    def check_again(self, raw: bytes) -> Image:
        """Judge signature and target only: of an image that was accepted once and is half done."""
        image = self._open(raw)
        if image.device_id is not None and image.device_id != self._config.device_id:
            raise Refusal(
                Cme.IMAGE_FOR_ANOTHER_DEVICE,
                f"image is for device {image.device_id}, this is {self._config.device_id}",
            )
        if image.eid != self._eid():
            raise Refusal(
                Cme.IMAGE_FOR_ANOTHER_ESIM,
                f"image is for EID {image.eid}, here is {self._eid() or 'none'}",
            )
        if not authenticates_first(image):
            raise Refusal(Cme.IMAGE_FORMAT_WRONG, "image has no ISD-R authentication to begin with")
        return image

    def _open(self, raw: bytes) -> Image:
        keys = self._config.key_set
        try:
            return open_image(
                raw,
                trusted=cast("dict[SigningKind, bytes]", self._config.trusted()),
                device_key=None if keys is None else keys.enc,
            )
        except ImageSignatureError as err:
            raise Refusal(Cme.IMAGE_SIGNATURE_WRONG, str(err)) from err
        except ImageDecryptionError as err:
            raise Refusal(Cme.IMAGE_DECRYPTION_FAILED, str(err)) from err
        except CodecError as err:
            raise Refusal(Cme.IMAGE_FORMAT_WRONG, str(err)) from err


def authenticates_first(image: Image) -> bool:
    """Whether INITIALIZE UPDATE, its answer known, and EXTERNAL AUTHENTICATE come before the rest.

    Only a selection may stand before them (operation 570: ISD-R authentication, then installation).
    """
    steps = [step for step in image.steps_before if step.command[1] != _SELECT]
    return (
        len(steps) >= 2
        and steps[0].command[1] == _INITIALIZE_UPDATE
        and steps[0].expected is not None
        and steps[1].command[1] == _EXTERNAL_AUTHENTICATE
    )


def look_inside(image: Image) -> None:
    """Refuse everything but a test profile, judged by its deciphered content, never by a claim.

    Raises:
        Refusal: no disclosed key, packets that it does not open, or content that is no test
            profile.

    """
    from hil.wire.download import decipher_packets  # noqa: PLC0415 - only in test mode
    from hil.wire.profile_package.test_profile import inspect  # noqa: PLC0415 - only in test mode

    if image.disclosed_key is None:
        raise Refusal(Cme.NOT_A_TEST_PROFILE, "image discloses no key, so nobody can look inside")
    try:
        inspection = inspect(decipher_packets(image.packets, image.disclosed_key))
    except CodecError as err:
        raise Refusal(Cme.NOT_A_TEST_PROFILE, f"content cannot be read: {err}") from err
    if not inspection.is_test:
        raise Refusal(Cme.NOT_A_TEST_PROFILE, "; ".join(inspection.reasons))
