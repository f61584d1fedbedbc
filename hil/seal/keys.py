"""Keys of the seal (Ed25519, RFC 8032), always by reference; the private one is never shown.

A reference is the path of a PEM file that its owner alone can read, or ``env:NAME``: the
environment variable NAME holds the PEM text itself.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hil.errors import ConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

MOST_BYTES: Final = 65_536
"""Largest key file that is read."""
_ENVIRONMENT: Final = "env:"
_MAKES_ONE: Final = "make one with: openssl genpkey -algorithm ed25519 -out seal.key"


class SealKeyError(ConfigError):
    """A key of the seal is missing, of the wrong kind, or open to others; says what mends it."""


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """The public half; ``keyid`` is the SHA-256 of its SubjectPublicKeyInfo (DER), in hex."""

    keyid: str
    pem: str
    _key: Ed25519PublicKey = field(repr=False, compare=False)

    @classmethod
    def of(cls, key: Ed25519PublicKey) -> VerifyingKey:
        """Wrap a key of ``cryptography``."""
        from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
            Encoding,
            PublicFormat,
        )

        info = PublicFormat.SubjectPublicKeyInfo
        keyid = hashlib.sha256(key.public_bytes(Encoding.DER, info)).hexdigest()
        return cls(keyid, key.public_bytes(Encoding.PEM, info).decode(), key)

    @classmethod
    def read(cls, pem: bytes, where: str) -> VerifyingKey:
        """Read a PEM public key; ``where`` is named in the SealKeyError if it is none."""
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
            Ed25519PublicKey,
        )
        from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

        if b"PRIVATE KEY" in pem:
            raise SealKeyError(
                f"{where}: this is a private key, which a verifier must not have; give the public "
                f"half: openssl pkey -in seal.key -pubout -out seal.pub"
            )
        try:
            key = load_pem_public_key(pem)
        except (ValueError, TypeError, UnsupportedAlgorithm) as err:
            raise SealKeyError(f"{where}: no public key in PEM form stands there") from err
        if not isinstance(key, Ed25519PublicKey):
            raise SealKeyError(f"{where}: the key is of another kind than Ed25519")
        return cls.of(key)

    @classmethod
    def load(cls, path: Path) -> VerifyingKey:
        """Read the file of a public key. Raises SealKeyError."""
        return cls.read(_read(path, secret=False), str(path))

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Return whether the private half signed ``data``."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415

        try:
            self._key.verify(signature, data)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The private half, which signs and is never shown."""

    public: VerifyingKey
    _key: Ed25519PrivateKey = field(repr=False, compare=False)

    @classmethod
    def of(cls, key: Ed25519PrivateKey) -> SigningKey:
        """Wrap a key of ``cryptography``."""
        return cls(VerifyingKey.of(key.public_key()), key)

    @classmethod
    def load(cls, reference: str) -> SigningKey:
        """Read the key that ``reference`` names, a path or ``env:NAME``. Raises SealKeyError."""
        if reference.startswith(_ENVIRONMENT):
            name = reference.removeprefix(_ENVIRONMENT)
            text = os.environ.get(name, "")
            if not text:
                raise SealKeyError(
                    f"signing key '{reference}': the environment variable {name or '(no name)'} is "
                    f"not set; it must hold the private key in PEM form"
                )
            return cls._of_pem(os.fsencode(text), f"environment variable {name}")
        path = Path(reference).expanduser()
        return cls._of_pem(_read(path, secret=True), str(path))

    @classmethod
    def _of_pem(cls, pem: bytes, where: str) -> SigningKey:
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
            Ed25519PrivateKey,
        )
        from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
            load_pem_private_key,
        )

        # The causes are left out on purpose: their texts may hold what was parsed.
        if b"PUBLIC KEY" in pem and b"PRIVATE" not in pem:
            raise SealKeyError(f"{where}: this is a public key; a seal needs the private half")
        try:
            key = load_pem_private_key(pem, password=None)
        except TypeError:
            raise SealKeyError(
                f"{where}: the key has a passphrase, and this tool asks for none: decrypt it into "
                f"a file of mode 0600 (openssl pkey -in KEY -out seal.key), or hand it over in an "
                f"environment variable"
            ) from None
        except (ValueError, UnsupportedAlgorithm):
            raise SealKeyError(
                f"{where}: no private key in PEM form stands there; {_MAKES_ONE}"
            ) from None
        if not isinstance(key, Ed25519PrivateKey):
            raise SealKeyError(f"{where}: the key is of another kind than Ed25519; {_MAKES_ONE}")
        return cls.of(key)

    def sign(self, data: bytes) -> bytes:
        """Return the signature of ``data``, 64 bytes."""
        return self._key.sign(data)


def _read(path: Path, *, secret: bool) -> bytes:
    what = "signing key" if secret else "public key"
    try:
        # Not blocking, so that a pipe in its place does not hold us up.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        mends = f"; {_MAKES_ONE}" if secret else ""
        raise SealKeyError(f"{path}: there is no such {what}{mends}") from None
    except OSError as err:
        raise SealKeyError(f"{path}: the {what} cannot be read: {err.strerror}") from err
    state = os.fstat(descriptor)
    if not stat.S_ISREG(state.st_mode):
        os.close(descriptor)
        raise SealKeyError(f"{path}: the {what} is no file")
    with os.fdopen(descriptor, "rb") as file:
        if secret and state.st_mode & 0o077:
            raise SealKeyError(
                f"{path}: others may read this signing key (mode "
                f"{stat.S_IMODE(state.st_mode):04o}), so they may know it: make a new one, and "
                f"keep it at mode 0600"
            )
        if state.st_size > MOST_BYTES:
            raise SealKeyError(f"{path}: {state.st_size} bytes are too many for a {what}")
        return file.read(MOST_BYTES)
