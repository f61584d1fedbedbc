from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from hil.errors import CodecError
from hil.wire import device_auth as auth

KEYS = auth.DeviceKeySet(1, bytes(range(16)), bytes(range(16, 32)))
OTHER = auth.DeviceKeySet(1, bytes(range(1, 17)), bytes(range(16, 32)))
EID = "89049032123451234512345678901235"
SERVER, DEVICE = bytes([0x51] * 16), bytes([0xD1] * 16)
JIG = auth.JigReading("accepted", accepted=True, volts=3.3012, amps=0.0021)


def exchange(extra: bytes = b"") -> auth.ProofExchange:
    return auth.ProofExchange("DUT-1", EID, SERVER, DEVICE, extra)


def hello() -> auth.DeviceHello:
    return auth.DeviceHello(
        "DUT-1",
        EID,
        auth.Manner.BOTH,
        DEVICE,
        1,
        auth.prove(KEYS, auth.Purpose.DEVICE, exchange(b"both")),
        JIG,
        auth.prove(KEYS, auth.Purpose.JIG, exchange(JIG.claim)),
    )


def test_the_proof_is_a_cmac_over_the_documented_bytes() -> None:
    mac = CMAC(AES(KEYS.auth))
    mac.update(b"hil server proof\x00\x05DUT-1\x20" + EID.encode() + SERVER + DEVICE + b"x")
    assert auth.prove(KEYS, auth.Purpose.SERVER, exchange(b"x")) == mac.finalize()


def test_cmac_of_rfc_4493_example_2() -> None:
    mac = CMAC(AES(bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")))
    mac.update(bytes.fromhex("6bc1bee22e409f96e93d7e117393172a"))
    assert mac.finalize().hex() == "070a16b46b4d4144f79bdd9dd04a287c"


def test_a_hello_proves_the_device_and_its_jig() -> None:
    assert hello().proves_device(KEYS, SERVER)
    assert hello().proves_jig(KEYS, SERVER)


@pytest.mark.parametrize(
    "forged",
    [
        replace(hello(), device_id="DUT-2"),
        replace(hello(), eid=EID[:-1] + "4"),
        replace(hello(), device_nonce=bytes(16)),
        replace(hello(), manner=auth.Manner.SKIP),
        replace(hello(), proof=hello().jig_proof),
        replace(hello(), proof=b""),
        replace(hello(), proof=hello().server_proof(KEYS, SERVER)),
    ],
    ids=["id", "eid", "nonce", "manner", "jig for device", "empty", "reflected"],
)
def test_a_changed_or_reflected_hello_proves_nothing(forged: auth.DeviceHello) -> None:
    assert not forged.proves_device(KEYS, SERVER)


def test_a_hello_for_another_nonce_or_key_proves_nothing() -> None:
    assert not hello().proves_device(KEYS, bytes(16))
    assert not hello().proves_device(OTHER, SERVER)
    assert not hello().proves_jig(OTHER, SERVER)


def test_a_jig_reading_cannot_be_improved_afterwards() -> None:
    better = replace(hello(), jig=replace(JIG, volts=3.31))
    assert not better.proves_jig(KEYS, SERVER)
    assert not replace(hello(), jig=replace(JIG, accepted=False)).proves_jig(KEYS, SERVER)


def test_an_authorization_is_good_for_one_value_and_one_purpose() -> None:
    order = auth.authorize_mode(
        KEYS,
        device_id="DUT-1",
        eid=EID,
        server_nonce=SERVER,
        device_nonce=DEVICE,
        mode="test",
    )
    assert auth.verify(order.proof, KEYS, auth.Purpose.MODE, exchange(b"test"))
    assert not auth.verify(order.proof, KEYS, auth.Purpose.MODE, exchange(b"first"))
    assert not auth.verify(order.proof, KEYS, auth.Purpose.MANNER, exchange(b"test"))


def test_keys_never_show_in_text() -> None:
    assert KEYS.auth.hex() not in repr(KEYS)
    assert "auth" not in repr(KEYS)


def test_short_nonces_and_keys_are_refused() -> None:
    with pytest.raises(CodecError, match="server nonce has 8 bytes"):
        auth.prove(KEYS, auth.Purpose.SERVER, replace(exchange(), server_nonce=bytes(8)))
    with pytest.raises(CodecError, match="auth key has 15 bytes"):
        auth.DeviceKeySet(1, bytes(15), bytes(16))
    with pytest.raises(CodecError, match="device id has 300 bytes"):
        auth.prove(KEYS, auth.Purpose.SERVER, replace(exchange(), device_id="x" * 300))
