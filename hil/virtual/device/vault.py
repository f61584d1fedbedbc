"""The secure area: enciphered with a key of the device, written atomically, lost by no power cut.

Each record is one file ``nonce (12) ‖ AES-256-GCM(record)``, its name being additional data, so
records cannot be swapped. A write goes to a new file that replaces the old one after ``fsync``.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hil.errors import UsageError
from hil.wire.device_auth import DeviceKeySet

_log = logging.getLogger(__name__)
_NONCE: Final = 12
_NAME: Final = re.compile(r"[a-z0-9-]{1,80}")
_LABEL: Final = b"hil secure area"


class Vault:
    """Records by name in one folder."""

    def __init__(self, folder: Path, key: bytes) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._cipher = AESGCM(key)
        for left_over in folder.glob("*.new"):
            left_over.unlink()

    def write(self, name: str, record: bytes) -> None:
        """Keep a record; after return it survives a power cut, before it the old one does."""
        path = self._path(name)
        nonce = secrets.token_bytes(_NONCE)
        fresh = path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(nonce + self._cipher.encrypt(nonce, record, name.encode()))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        self._sync_folder()

    def read(self, name: str) -> bytes | None:
        """Return a record, or None if it is absent or has been tampered with."""
        try:
            raw = self._path(name).read_bytes()
            return self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], name.encode())
        except FileNotFoundError:
            return None
        except (InvalidTag, ValueError):
            _log.warning("secure area: record %s cannot be deciphered and is ignored", name)
            return None

    def delete(self, name: str) -> None:
        """Forget a record; absent is well."""
        self._path(name).unlink(missing_ok=True)
        self._sync_folder()

    def names(self) -> list[str]:
        """Return the names of all records."""
        return sorted(path.stem for path in self._folder.glob("*.bin"))

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise UsageError(f"secure area: {name!r} is no record name")
        return self._folder / f"{name}.bin"

    def _sync_folder(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def storage_key(state: Path, device_id: str, keys: DeviceKeySet | None) -> bytes:
    """Return the 32-byte key of the secure area.

    It is derived from the device key set. A device without one gets a random secret at its first
    start, as a chip has one in its fuses; it lies beside the secure area, not in it.
    """
    if keys is not None:
        secret = keys.auth + keys.enc
    else:
        fuse = state / "fuse"
        if not fuse.exists():
            state.mkdir(mode=0o700, parents=True, exist_ok=True)
            fuse.write_bytes(secrets.token_bytes(32))
            fuse.chmod(0o600)
        secret = fuse.read_bytes()
    return HKDF(SHA256(), 32, device_id.encode(), _LABEL).derive(secret)
