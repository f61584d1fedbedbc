"""Keys of the seal: by reference, refused with a sentence, never shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from hil.seal.keys import SealKeyError, SigningKey, VerifyingKey
from tests.seal.runs import KEY

PRIVATE = Ed25519PrivateKey.generate()
PLAIN = NoEncryption()


def _pem(
    key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey, how: KeySerializationEncryption
) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)


def _file(folder: Path, body: bytes, mode: int = 0o600) -> str:
    path = folder / "seal.key"
    path.write_bytes(body)
    path.chmod(mode)
    return str(path)


def test_a_file_of_its_owner_and_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = _pem(PRIVATE, PLAIN)
    monkeypatch.setenv("LAB_KEY", pem.decode())
    of_file, of_environment = SigningKey.load(_file(tmp_path, pem)), SigningKey.load("env:LAB_KEY")
    assert of_file.public == of_environment.public == VerifyingKey.of(PRIVATE.public_key())
    assert of_file.public.verifies(of_environment.sign(b"x"), b"x")
    assert not of_file.public.verifies(of_file.sign(b"x"), b"y")


@pytest.mark.parametrize(
    ("body", "mode", "says"),
    [
        (_pem(PRIVATE, PLAIN), 0o644, "others may read"),
        (_pem(PRIVATE, PLAIN), 0o620, "others may read"),
        (_pem(PRIVATE, BestAvailableEncryption(b"pass")), 0o600, "has a passphrase"),
        (_pem(ec.generate_private_key(ec.SECP256R1()), PLAIN), 0o600, "another kind than Ed25519"),
        (KEY.public.pem.encode(), 0o600, "this is a public key"),
        (b"", 0o600, "no private key in PEM form"),
        (b"\x00\xff" * 50, 0o600, "no private key in PEM form"),
        (b"x" * 100_000, 0o600, "too many for a signing key"),
    ],
)
def test_wrong_signing_keys(tmp_path: Path, body: bytes, mode: int, says: str) -> None:
    with pytest.raises(SealKeyError, match=says) as caught:
        SigningKey.load(_file(tmp_path, body, mode))
    assert str(tmp_path) in str(caught.value)
    assert "MC4CAQ" not in repr(caught.value), "the key itself"


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name, says in (("none", "no such signing key"), (".", "no file"), ("pipe", "no file")):
        with pytest.raises(SealKeyError, match=says):
            SigningKey.load(str(tmp_path / name))
    for reference in ("env:", "env:NOT_SET_ANYWHERE"):
        with pytest.raises(SealKeyError, match="is not set"):
            SigningKey.load(reference)


def test_wrong_public_keys(tmp_path: Path) -> None:
    path = tmp_path / "seal.pub"
    of_curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    for body, says in (
        (_pem(PRIVATE, PLAIN), "this is a private key"),
        (b"nothing", "no public key in PEM form"),
        (of_curve.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "another kind"),
    ):
        path.write_bytes(body)
        with pytest.raises(SealKeyError, match=says) as caught:
            VerifyingKey.load(path)
        assert "MC4CAQ" not in str(caught.value)
    with pytest.raises(SealKeyError, match="no such public key"):
        VerifyingKey.load(tmp_path / "none")


def test_the_key_is_in_no_repr() -> None:
    secret = PRIVATE.private_bytes(Encoding.Raw, PrivateFormat.Raw, PLAIN)
    shown = repr(SigningKey.of(PRIVATE))
    assert secret.hex() not in shown
    assert repr(secret) not in shown
    assert "PrivateKey" not in shown
