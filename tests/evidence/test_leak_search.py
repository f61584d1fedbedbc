"""The search finds a planted secret in every form it is known to be written in, and only there."""

from __future__ import annotations

import base64
import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import UsageError
from hil.evidence.leak_search import find_leaks
from hil.evidence.secret_forms import Forms

KEY = bytes.fromhex("0F1E2D3C4B5A69788796A5B4C3D2E1F0")
SWAPPED = bytes.fromhex("F0E1D2C3B4A5968778695A4B3C2D1E0F")

FORMS: dict[str, Callable[[bytes], bytes]] = {
    "bytes": bytes,
    "lower hex": lambda key: key.hex().encode(),
    "upper hex": lambda key: key.hex().upper().encode(),
    "spaced hex": lambda key: key.hex(" ").encode(),
    "hex with colons": lambda key: key.hex(":").upper().encode(),
    "hex over lines": lambda key: key.hex("\n", 4).encode(),
    "escapes": lambda key: "".join(f"\\x{one:02x}" for one in key).encode(),
    "C array": lambda key: ", ".join(f"0x{one:02X}" for one in key).encode(),
    "nibbles swapped": lambda _: SWAPPED,
    "nibbles swapped, hex": lambda _: SWAPPED.hex(" ").encode(),
    "base64": base64.b64encode,
    "base64 over lines": lambda key: base64.encodebytes(bytes(50) + key + bytes(50)),
    "base64 for URLs": lambda key: base64.urlsafe_b64encode(b"\xfb\xff" + key),
    "base64 of hex": lambda key: base64.b64encode(b"APDU 80D8" + key.hex().upper().encode()),
    "Python": lambda key: repr(key).encode(),
    "Python in JSON": lambda key: json.dumps(repr(key)).encode(),
    "numbers in JSON": lambda key: json.dumps(list(key)).encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_planted_secret_is_found(form: str, tmp_path: Path) -> None:
    planted = b"before it " + FORMS[form](KEY) + b" behind it"
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "a file").write_bytes(planted)
    (tmp_path / "clean").write_bytes(b"nothing of the kind")
    found = find_leaks(tmp_path, {"Ki": KEY})
    assert {leak.file for leak in found.leaks} == {"deep/er/a file"}
    assert found.leaks[0].secret == "Ki"
    assert found.searched == 2


@given(st.binary(min_size=8, max_size=40), st.integers(0, 5), st.binary(max_size=9))
def test_base64_is_found_at_any_place(secret: bytes, before: int, behind: bytes) -> None:
    text = base64.b64encode(bytes(before) + secret + behind)
    assert list(Forms.of(secret).found_in(b"", text, b""))


def test_packed_files_are_opened(tmp_path: Path) -> None:
    (tmp_path / "wave.csv.gz").write_bytes(gzip.compress(KEY.hex().encode()))
    (tmp_path / "torn.gz").write_bytes(gzip.compress(bytes(range(200)))[:-20])
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.txt", KEY.hex(" "))
    found = find_leaks(tmp_path, {"Ki": KEY})
    assert {leak.file for leak in found.leaks} == {"wave.csv.gz", "all.zip"}


def test_a_secret_across_the_parts_of_a_large_file_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hil.evidence.leak_search._PART", 64)
    for at in range(40, 90):
        (tmp_path / f"at-{at}").write_bytes(bytes(at) + KEY.hex(" ").encode() + bytes(300))
    assert len(find_leaks(tmp_path, {"Ki": KEY}).leaks) == 50


def test_a_name_of_a_file_may_be_a_leak(tmp_path: Path) -> None:
    (tmp_path / f"card-{KEY.hex()}.log").touch()
    assert [leak.form for leak in find_leaks(tmp_path, {"Ki": KEY}).leaks] == ["hex"]


def test_a_short_secret_is_refused_and_none_is_shown(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'PIN': shorter than 6 bytes") as refused:
        find_leaks(tmp_path, {"PIN": b"4711"})
    assert "4711" not in str(refused.value)
