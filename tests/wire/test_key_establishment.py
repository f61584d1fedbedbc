"""ECKA key establishment by worked numbers, a foreign X9.63 KDF, and both ends together."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire import dgi
from hil.wire.ecc import BRAINPOOL_P384R1, CURVES, P256, P384, Curve, PrivateKey, PublicKey
from hil.wire.key_establishment import Reference, Usage, derive, receipt, shared_info
from hil.wire.key_establishment_messages import (
    KeyRequest,
    ReceiptError,
    card_answer,
    certificate_message,
    challenge_answer,
    host_keys,
    read_challenge,
    store_data,
)
from tests.wire.test_gp_certificate import CI, draft

ECASD = PrivateKey(P256, b"\x11" * 32)
EPHEMERAL = PrivateKey(P256, b"\x22" * 32)
SM_DP = PrivateKey(P256, b"\x44" * 32)
DR = bytes(range(0x10, 0x20))
RC = bytes(range(16))
PK_ECASD = (
    "040217e617f0b6443928278f96999e69a23a4f2c152bdf6d6cdf66e5b80282d4ed"
    "194a7debcb97712d2dda3ca85aa8765a56f45fc758599652f2897c65306e5794"
)
EPK = (
    "04d65a93977caa3d1b081852ff57a79e465f1660577304baead505dd3a48589cf3"
    "50185e895372df6221ea3a137557e473fddb6755f05bd507c3c533fce9c91285"
)
ZAB = "ccfc261f58193c98ca4ad4a53bbac6f0ee29bc4d48438090446908622ca79af6"
THREE = Reference(0x30, parameters=0x0B)
BASE = Reference(0x30, usage=Usage.BASE_KEY, parameters=0x0B)


def test_points_and_shared_secret() -> None:
    assert ECASD.public.point.hex() == PK_ECASD
    assert EPHEMERAL.public.point.hex() == EPK
    assert EPHEMERAL.agree(ECASD.public).hex() == ZAB
    assert ECASD.agree(EPHEMERAL.public).hex() == ZAB
    group = dgi.encode(0x7F49, EPHEMERAL.public.encode())
    assert group.hex() == "7f4946b041" + EPK + "f00100"


def test_three_keys() -> None:
    assert THREE.encode().hex() == "a6159002030b9501108001888101108201018301309100"
    assert shared_info(THREE, DR).hex() == "108810101112131415161718191a1b1c1d1e1f"
    made = derive(bytes.fromhex(ZAB), THREE, DR)
    assert made.receipt_key.hex() == "492c94c8422fe185d5d3666902e971e5"
    assert [key.hex() for key in made.keys] == [
        "5b85647c8432df8e554f5b34efafee61",
        "15e75c8dd5c094a526e509656d6ae2ff",
        "e66fc7b0fc83c048dc7f3d8860af7d7a",
    ]
    assert receipt(made, THREE.encode(), DR).hex() == "765408080d87d146f4c0e9ac55a885a3"
    keys = made.key_set(0x30)
    assert (keys.enc, keys.mac, keys.dek) == made.keys


def test_one_base_key() -> None:
    made = derive(bytes.fromhex(ZAB), BASE, DR)
    assert made.receipt_key.hex() == "401dcb3dcbf1976c4e70f5db676bdfd7"
    assert [key.hex() for key in made.keys] == ["fd0ff83f1017689f59adb2b4a2110f41"]
    assert receipt(made, BASE.encode(), DR).hex() == "bc1453ff7e2b8c78ab3dd9089d56f251"
    keys = made.key_set(0x30)
    assert keys.enc == keys.mac == keys.dek == made.keys[0]


@pytest.mark.parametrize("size", [16, 24, 32])
@pytest.mark.parametrize("usage", list(Usage))
def test_derivation_is_that_of_a_foreign_x963(size: int, usage: Usage) -> None:
    reference = Reference(0x30, usage=usage, key_size=size)
    wanted = size * (usage.keys + 1)
    info = bytes((usage, 0x88, size))
    foreign = X963KDF(SHA256(), wanted, info).derive(b"\x77" * 32)
    made = derive(b"\x77" * 32, reference)
    assert made.receipt_key + b"".join(made.keys) == foreign


def test_host_id_sin_and_sdin_enter_together() -> None:
    reference = Reference(0x30, parameters=0x0F, sdin=b"\x01\x02", host_id=b"HOST")
    assert reference.encode().hex().endswith("4502010284" + "04" + b"HOST".hex())
    info = shared_info(reference, DR, b"SIN")
    assert info == bytes.fromhex("108810") + DR + b"\x04HOST" + b"\x03SIN" + b"\x02\x01\x02"
    for sdin, host_id, parameters in ((b"1", None, 9), (None, b"1", 9), (None, None, 0x0F)):
        with pytest.raises(CodecError):
            Reference(0x30, parameters=parameters, sdin=sdin, host_id=host_id)


@pytest.mark.parametrize("curve", CURVES.values(), ids=lambda curve: curve.name)
@pytest.mark.parametrize("challenge", [RC, RC * 2], ids=["RC 16", "RC 32"])
@pytest.mark.parametrize("parameters", [0x09, 0x0B, 0x0F], ids=["no DR", "DR", "DR and ids"])
def test_both_ends_meet(curve: Curve, challenge: bytes, parameters: int) -> None:
    static, ephemeral, signer = (
        PrivateKey(curve, bytes((number,)) * curve.size) for number in (0x11, 0x22, 0x33)
    )
    ids = bool(parameters & 0x04)
    reference = Reference(
        0x31,
        parameters=parameters,
        sdin=b"\x45" if ids else None,
        host_id=b"\x84" if ids else None,
    )
    challenge = read_challenge(challenge_answer(challenge))
    sent = KeyRequest.make(reference, ephemeral.public, signer, challenge)
    got = KeyRequest.decode(sent.encode())
    assert got == sent
    assert got.is_signed_by(signer.public, challenge)
    assert not got.is_signed_by(signer.public, bytes(16))
    random = b"\x5a" * curve.random if parameters & 0x02 else b""
    card, answer = card_answer(got, static, random, b"SIN")
    assert host_keys(sent, answer, ephemeral, static.public, b"SIN") == card
    if ids:
        with pytest.raises(ReceiptError):
            host_keys(sent, answer, ephemeral, static.public, b"OTHER")
    with pytest.raises(ReceiptError):
        host_keys(sent, answer[:-1] + bytes((answer[-1] ^ 1,)), ephemeral, static.public, b"SIN")


def test_bytes_of_the_signed_message() -> None:
    request = KeyRequest.make(THREE, EPHEMERAL.public, SM_DP, RC)
    message = "3a0217" + THREE.encode().hex() + "7f4946b041" + EPK + "f00100" + "008510" + RC.hex()
    assert SM_DP.public.verifies(request.signature, bytes.fromhex(message))
    assert request.encode().hex().startswith(message[: -2 * 19])
    assert request.encode().hex()[-134:].startswith("5f3740")


def test_blocks_of_the_two_messages() -> None:
    """A certificate on a curve of 384 bits does not fit one block."""
    big = draft(key=PrivateKey(BRAINPOOL_P384R1, b"\x44" * 48)).sign(PrivateKey(P384, b"\x01" * 48))
    first = store_data(certificate_message(big), last=False)
    assert [(one.p1, one.p2) for one in first] == [(0x09, 0), (0x09, 1)]
    request = KeyRequest.make(THREE, EPHEMERAL.public, SM_DP, RC)
    second = store_data(request.encode(), first=len(first), last=True)
    assert [(one.p1, one.p2) for one in second] == [(0x89, 2)]
    small = store_data(certificate_message(draft().sign(CI)), last=False)
    assert [one.encode()[:4].hex() for one in small] == ["80e20900"]
    assert store_data(request.encode(), first=1, last=True)[0].encode()[:4].hex() == "80e28901"
    assert b"".join(one.data for one in first) == certificate_message(big)


@pytest.mark.parametrize(
    "template",
    [
        "a6159002040b9501108001888101108201018301309100",
        "a6159002031b9501108001888101108201018301309100",
        "a6159002030b9501118001888101108201018301309100",
        "a6159002030b9501108001828101108201018301309100",
        "a6159002030b9501108001888101118201018301309100",
        "a6179002030b950110800188810110820101830130910199",
        "a6129002030b9501108001888101108201018301",
        "a6129002030b9501108001888101108301309100",
        "a6189002030b9501108001888101108201018301309100950110",
        "a6169002030b950110800188810110820101830130910102",
        "a6189002030b95011080018881011082010183013091009f0100",
        "a50100",
    ],
)
def test_templates_that_cannot_be_done(template: str) -> None:
    with pytest.raises(CodecError):
        Reference.decode(bytes.fromhex(template))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_a_codec_error(raw: bytes) -> None:
    for start in (b"", b"\x3a\x02" + bytes((len(THREE.encode()),)) + THREE.encode()):
        try:
            KeyRequest.decode(start + raw)
        except CodecError:
            continue


def test_keys_do_not_show() -> None:
    made = derive(bytes.fromhex(ZAB), THREE, DR)
    assert made.keys[0].hex() not in repr(made)
    assert repr(made.keys[0]) not in repr(made)
    assert repr(made.receipt_key) not in repr(made)


def test_public_key_of_another_curve_is_refused() -> None:
    other = PrivateKey(P384, b"\x01" * 48).public
    request = KeyRequest.make(THREE, other, SM_DP, RC)
    with pytest.raises(CodecError):
        card_answer(request, ECASD, DR)
    assert PublicKey.decode(other.encode()) == other
