"""Certificates of GlobalPlatform form: both ways, checked by OpenSSL, refused for each fault."""

from __future__ import annotations

import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire import gp_certificate as gp
from hil.wire import tlv
from hil.wire.ecc import BRAINPOOL_P256R1, BRAINPOOL_P384R1, CURVES, P256, P384, Curve, PublicKey
from hil.wire.ecc import PrivateKey as Key
from hil.wire.gp_certificate import Certificate, CertificateError, Draft, Fault, Role, accept

CI = Key(P256, b"\x33" * 32)
SM_DP = Key(P256, b"\x44" * 32)
CI_ID = bytes.fromhex("4349303031")


def draft(
    *,
    serial: bytes = b"\x01\x02",
    key_usage: bytes = gp.SIGNING,
    effective: date | None = date(2025, 1, 1),
    key: Key = SM_DP,
) -> Draft:
    return Draft(
        serial=serial,
        issuer=CI_ID,
        subject=bytes.fromhex("2B0601"),
        key_usage=key_usage,
        expiry=date(2035, 12, 31),
        public_key=key.public,
        effective=effective,
        discretionary=gp.role_data(Role.SM_DP, b"\xaa" * 20),
    )


def test_layout() -> None:
    raw = draft().sign(CI).encode()
    body = tlv.decode_one(raw)[0].children()
    assert [f"{one.tag:X}" for one in body] == [
        *("93", "42", "5F20", "95", "5F25", "5F24", "73", "7F49", "5F37")
    ]
    values = {one.tag: one.value.hex() for one in body}
    assert values[0x5F25] == "20250101"
    assert values[0x5F24] == "20351231"
    assert values[0x95] == "88"
    assert values[0x73] == "c80101c914" + "aa" * 20
    assert values[0x7F49] == "b041" + SM_DP.public.point.hex() + "f00100"
    assert len(values[0x5F37]) == 128


@pytest.mark.parametrize("curve", CURVES.values(), ids=lambda curve: curve.name)
def test_signatures_on_all_curves_hold_for_openssl(curve: Curve, tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl on this machine")
    issuer = Key(curve, b"\x01" + b"\x27" * (curve.size - 1))
    made = draft(key=Key(curve, b"\x02" * curve.size)).sign(issuer)
    assert Certificate.decode(made.encode()) == made
    accept(made, issuer.public)
    with pytest.raises(CertificateError):
        accept(made, Key(curve, b"\x03" * curve.size).public)
    public = ec.EllipticCurvePublicKey.from_encoded_point(curve.curve, issuer.public.point)
    (tmp_path / "key.pem").write_bytes(
        public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    size = curve.size
    r, s = (int.from_bytes(half, "big") for half in (made.signature[:size], made.signature[size:]))
    (tmp_path / "signature").write_bytes(encode_dss_signature(r, s))
    digest = "-sha384" if size == 48 else "-sha256"
    for message, good in ((made.signed, True), (made.signed[:-1], False)):
        (tmp_path / "message").write_bytes(message)
        done = subprocess.run(
            [openssl, "dgst", digest, "-verify", "key.pem", "-signature", "signature", "message"],
            cwd=tmp_path,
            capture_output=True,
            timeout=30,
            check=False,
        )
        assert (done.returncode == 0) is good, done.stderr


def test_curve_references() -> None:
    assert {reference: one.name for reference, one in CURVES.items()} == {
        0x00: "P-256",
        0x01: "P-384",
        0x03: "brainpoolP256r1",
        0x05: "brainpoolP384r1",
    }
    assert [one.random for one in (P256, BRAINPOOL_P256R1, P384, BRAINPOOL_P384R1)] == [
        *(16, 16, 24, 24)
    ]


TODAY = date(2030, 6, 1)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"issuer": b"\x00"}, Fault.ISSUER),
        ({"role": Role.SM_SR}, Fault.ROLE),
        ({"usages": {gp.KEY_AGREEMENT}}, Fault.KEY_USAGE),
        ({"today": date(2024, 12, 31)}, Fault.NOT_YET_VALID),
        ({"today": date(2036, 1, 1)}, Fault.EXPIRED),
        ({"revoked": {b"\x01\x02"}}, Fault.REVOKED),
    ],
)
def test_each_fault_is_named(change: dict[str, object], fault: Fault) -> None:
    made = Certificate.decode(draft().sign(CI).encode())
    good: dict[str, object] = {
        "issuer": CI_ID,
        "role": Role.SM_DP,
        "usages": gp.SIGNING_USAGES,
        "today": TODAY,
        "revoked": {b"\x01\x03"},
    }
    accept(made, CI.public, **good)  # type: ignore[arg-type]
    with pytest.raises(CertificateError) as caught:
        accept(made, CI.public, **good | change)  # type: ignore[arg-type]
    assert caught.value.fault is fault


def test_first_and_last_day_count_and_an_unknown_day_is_not_checked() -> None:
    made = draft().sign(CI)
    for day in (date(2025, 1, 1), date(2035, 12, 31), None):
        accept(made, CI.public, today=day)
    accept(draft(effective=None).sign(CI), CI.public, today=date(2000, 1, 1))


def test_every_changed_bit_breaks_it() -> None:
    raw = draft().sign(CI).encode()
    for place in range(len(raw)):
        for bit in (0x01, 0x80):
            changed = bytearray(raw)
            changed[place] ^= bit
            with pytest.raises(CodecError):
                accept(Certificate.decode(bytes(changed)), CI.public)


def test_unknown_objects_stay_under_the_signature() -> None:
    body = draft().sign(CI).signed + tlv.encode(0x45, b"\x77")
    made = Certificate(draft(), body, CI.sign(body))
    read = Certificate.decode(made.encode())
    accept(read, CI.public)
    assert read.signed == body


@pytest.mark.parametrize(
    "point",
    [b"\x04" + bytes(64), b"\x02" + bytes(32), b"\x00", b"\x04" + b"\x11" * 96],
    ids=["off the curve", "compressed", "infinity", "of another curve"],
)
def test_bad_points_are_refused(point: bytes) -> None:
    with pytest.raises(CodecError):
        PublicKey(P256, point)


def test_private_keys_do_not_show() -> None:
    key = Key(P256, b"\x5a" * 32)
    assert "5a" not in repr(key)
    assert "ZZ" not in repr(key)
    for scalar in (bytes(32), b"\xff" * 32, b"\x01"):
        with pytest.raises(CodecError) as caught:
            Key(P256, scalar)
        assert caught.value.__cause__ is None
    assert Key.generate(P384).public != Key.generate(P384).public


@given(st.binary(max_size=300))
def test_any_bytes_are_a_certificate_or_a_codec_error(raw: bytes) -> None:
    for start in (b"", b"\x7f\x21", b"\x7f\x21\x82\x01\x00\x93\x01\x00"):
        try:
            Certificate.decode(start + raw)
        except CodecError:
            continue


def test_keys_on_other_curves_do_not_agree() -> None:
    with pytest.raises(CodecError, match=r"P-256.*P-384"):
        CI.agree(Key(P384, b"\x01" * 48).public)
