"""What the device remembers over power-off: one enciphered record, and the images beside it."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import asdict, dataclass, field, replace
from typing import Final

from hil.virtual.device.config import InputEvent
from hil.virtual.device.vault import Vault
from hil.wire.device_auth import Manner, Mode

_log = logging.getLogger(__name__)
_RECORD: Final = "memory"
_UNSAFE: Final = re.compile(r"[^a-z0-9-]")


@dataclass(frozen=True, slots=True)
class ImageLabel:
    """What is known of a stored image without opening it; ``record`` names its vault record."""

    image_id: str
    iccid: str
    profile_class: str
    state: str
    counter: int
    record: str


@dataclass(frozen=True, slots=True)
class Installed:
    """How the last installation ended."""

    result: str = "none"
    reason: str = ""
    image_id: str = ""
    iccid: str = ""
    boot: int = 0


@dataclass(frozen=True, slots=True)
class Journal:
    """How far an installation is: written *before* each stage that cannot be taken back."""

    record: str
    stage: str


@dataclass(frozen=True, slots=True)
class Persistent:
    """Everything but the images. ``counter`` is the highest script counter ever used up."""

    boots: int = 0
    mode: str = ""
    mode_cause: str = InputEvent.NONE.value
    manner: str = ""
    failures: int = 0
    counter: int = 0
    last_error: str = ""
    installed: Installed = field(default_factory=Installed)
    journal: Journal | None = None
    images: tuple[ImageLabel, ...] = ()


class Memory:
    """The persistent state; every change is on disk when the call returns."""

    def __init__(self, vault: Vault, *, mode: Mode, manner: Manner) -> None:
        self._vault = vault
        self._state = self._load() or Persistent(mode=mode.value, manner=manner.value)

    @property
    def state(self) -> Persistent:
        """The state as it is on disk."""
        return self._state

    def change(self, **fields: object) -> None:
        """Change fields of the state."""
        self._state = replace(self._state, **fields)  # type: ignore[arg-type]
        self._vault.write(_RECORD, json.dumps(asdict(self._state)).encode())

    def image(self, record: str) -> bytes | None:
        """Return an image file."""
        return self._vault.read(record)

    def label(self, image_id: str) -> ImageLabel | None:
        """Return the label of an image."""
        return next((label for label in self._state.images if label.image_id == image_id), None)

    def add_image(self, label: ImageLabel, raw: bytes) -> None:
        """Keep an image file; one with the same id is replaced."""
        self._vault.write(label.record, raw)
        kept = tuple(old for old in self._state.images if old.image_id != label.image_id)
        self.change(images=(*kept, label))

    def set_image_state(self, image_id: str, state: str) -> None:
        """Change the state of one image; a used-up one loses its bytes."""
        images = tuple(
            replace(label, state=state) if label.image_id == image_id else label
            for label in self._state.images
        )
        self.change(images=images)
        if state in ("installed", "stale", "failed"):
            for label in images:
                if label.image_id == image_id:
                    self._vault.delete(label.record)

    def delete_image(self, image_id: str) -> bool:
        """Forget an image; return whether it was there."""
        label = self.label(image_id)
        if label is None:
            return False
        self.change(images=tuple(kept for kept in self._state.images if kept is not label))
        self._vault.delete(label.record)
        return True

    def _load(self) -> Persistent | None:
        raw = self._vault.read(_RECORD)
        if raw is None:
            return None
        fields = json.loads(raw)
        fields["installed"] = Installed(**fields["installed"])
        fields["journal"] = Journal(**fields["journal"]) if fields["journal"] else None
        fields["images"] = tuple(ImageLabel(**label) for label in fields["images"])
        return Persistent(**fields)


def record_name(image_id: str, digest: bytes) -> str:
    """Return the vault record of an image: readable part of its id, and its digest."""
    return f"image-{_UNSAFE.sub('-', image_id.lower())[:32]}-{digest[:8].hex()}"
