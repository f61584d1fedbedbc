"""The envelope against the protocol's published vectors, securesystemslib and openssl."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope as ForeignEnvelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey

from hil.seal.attestation import PAYLOAD_TYPE
from hil.seal.dsse import Envelope, EnvelopeError, decode, pae, sign
from hil.seal.keys import SigningKey, VerifyingKey
from tests.seal.runs import KEY, OTHER_KEY

# secure-systems-lab/dsse, testvectors/vectors.json; keys of RFC 8032, 7.1, TEST 1 and TEST 2.
PUBLIC = {
    "A": "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "B": "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
}
SECRET_A = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
STATEMENT = "eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEifQ=="
BY_A = "2WAfaHm5jluo0w+0rk8uVkluELJYWjSmU9x7EUzx+AyteDGJ4/nqyJXfmAUVFIAoQafWm7AxBZNw5M9ixNHiCA=="
BY_B = "c1+67/aT0yqEpwx8PsVY3MLHsj9D0CZ014/Fv/QlG59P+9CobUZ7xECJ/V3USG0Ob9CiE5LjReEZUzNF2l7eBw=="
NOT_ASCII = (
    "xmSk/ug66ysT7ayhkCIjhAq42zgZXSsEWuzUaNL7w2eGAdF/NU6/fRXPtmfN+5DNSAs5/i2lUnHjbbjPsu0tAw=="
)
EMPTY = "gSggCAaTLTYyRH6FIDBem6meyIynsYy8RTHVzwx9tnTb7Bg/1jMWnuVgI/gffqmbsC2VX5/jHfkkDqsj7CDbDg=="
URL_SAFE = (
    "P-_KHICeR7tI6S_YyejJTRtrXhcQyQ2LYPaL8h90KjC9qN8HU_svOQ6TuDOT1HIrsGW886DbWNWcCmX5twLrAw=="
)


def _key(name: str) -> VerifyingKey:
    return VerifyingKey.of(Ed25519PublicKey.from_public_bytes(bytes.fromhex(PUBLIC[name])))


def _envelope(payload: str, kind: str, *signatures: str) -> Envelope:
    rows = [{"sig": one, "keyid": "a hint"} for one in signatures]
    return decode(
        json.dumps({"payload": payload, "payloadType": kind, "signatures": rows}).encode()
    )


@pytest.mark.parametrize(
    ("payload", "kind", "signatures", "signers"),
    [
        (STATEMENT, PAYLOAD_TYPE, [BY_A], "A"),
        ("-_-_Pj8=", PAYLOAD_TYPE, [URL_SAFE], "A"),
        (STATEMENT, "application/vnd.example.other+json", [BY_A], ""),
        (STATEMENT, "application/vnd.exämple+json", [NOT_ASCII], "A"),
        ("", PAYLOAD_TYPE, [EMPTY], "A"),
        (STATEMENT, PAYLOAD_TYPE, [BY_A, BY_B], "AB"),
        (STATEMENT, PAYLOAD_TYPE, [BY_A, BY_A], "A"),
    ],
    ids=["one", "url-safe", "type swapped", "not ASCII", "empty", "two", "one twice"],
)
def test_published_vectors(payload: str, kind: str, signatures: list[str], signers: str) -> None:
    envelope = _envelope(payload, kind, *signatures)
    keys = {name: _key(name) for name in PUBLIC}
    found = envelope.signers(list(keys.values()))
    assert found == {keys[name].keyid for name in signers}


def test_our_signature_is_the_published_one() -> None:
    key = SigningKey.of(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(SECRET_A)))
    made = json.loads(
        sign(PAYLOAD_TYPE, b'{"_type":"https://in-toto.io/Statement/v1"}', key).encode()
    )
    assert made["payload"] == STATEMENT
    assert made["signatures"][0]["sig"] == BY_A


def test_pae_of_the_protocol() -> None:
    said = pae("http://example.com/HelloWorld", b"hello world")
    assert said == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


@given(
    st.tuples(st.text(alphabet=st.characters(exclude_categories=["Cs"])), st.binary()),
    st.tuples(st.text(alphabet=st.characters(exclude_categories=["Cs"])), st.binary()),
)
def test_pae_is_injective(one: tuple[str, bytes], other: tuple[str, bytes]) -> None:
    assert (pae(*one) == pae(*other)) == (one == other)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.binary(max_size=300))
def test_an_envelope_comes_back(kind: str, payload: bytes) -> None:
    envelope = sign(kind, payload, KEY)
    assert decode(envelope.encode()) == envelope
    assert envelope.signers([OTHER_KEY.public, KEY.public]) == {KEY.public.keyid}


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    with contextlib.suppress(EnvelopeError):
        decode(data)


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 200_000,
        b'{"payload": ' + b"[" * 100_000,
        b"{}",
        b"[]",
        b'{"payloadType": "a", "signatures": [], "payload": ""}',
        b'{"payloadType": "a", "signatures": [1], "payload": ""}',
        b'{"payloadType": "a", "signatures": [{"keyid": 1, "sig": ""}], "payload": ""}',
        b'{"payloadType": "a", "signatures": [{"sig": "%"}], "payload": ""}',
        b'{"payloadType": "", "signatures": [{"sig": ""}], "payload": ""}',
        b'{"payloadType": "a", "signatures": [{"sig": ""}], "payload": "caf\xc3\xa9"}',
        b"9" * 10_000,
    ],
)
def test_what_is_no_envelope_is_said(data: bytes) -> None:
    with pytest.raises(EnvelopeError):
        decode(data)


def _foreign(key: VerifyingKey) -> SSlibKey:
    public = Ed25519PublicKey.from_public_bytes(_raw(key))
    return SSlibKey.from_crypto(public, keyid=key.keyid)


def _raw(key: VerifyingKey) -> bytes:
    return base64.b64decode("".join(key.pem.splitlines()[1:-1]))[-32:]


def test_securesystemslib_verifies_ours() -> None:
    made: dict[str, Any] = json.loads(sign(PAYLOAD_TYPE, b'{"a": 1}', KEY).encode())
    envelope = ForeignEnvelope.from_dict(made)
    assert list(envelope.verify([_foreign(KEY.public)], 1)) == [KEY.public.keyid]
    envelope.payload = b'{"a": 2}'
    with pytest.raises(VerificationError):
        envelope.verify([_foreign(KEY.public)], 1)


def test_we_verify_what_securesystemslib_made() -> None:
    private = Ed25519PrivateKey.generate()
    envelope = ForeignEnvelope(b'{"a": 1}', PAYLOAD_TYPE, {})
    envelope.sign(CryptoSigner(private))
    ours = decode(json.dumps(envelope.to_dict()).encode())
    key = VerifyingKey.of(private.public_key())
    assert ours.signers([key, KEY.public]) == {key.keyid}
    assert Envelope(ours.payload_type, b'{"a": 2}', ours.signatures).signers([key]) == set()


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
def test_openssl_verifies_the_raw_signature(tmp_path: Path) -> None:
    envelope = sign(PAYLOAD_TYPE, b'{"a": 1}', KEY)
    (tmp_path / "seal.pub").write_text(KEY.public.pem)
    (tmp_path / "sig").write_bytes(envelope.signatures[0].sig)
    for body, code in ((envelope.payload, 0), (b'{"a": 2}', 1)):
        (tmp_path / "signed").write_bytes(pae(PAYLOAD_TYPE, body))
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "seal.pub", "-rawin"]
        command += ["-in", "signed", "-sigfile", "sig"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=20)
        assert done.returncode == code, done.stderr
