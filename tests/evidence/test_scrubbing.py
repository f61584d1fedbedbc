"""No form of a known secret survives in a text, and nothing else is touched."""

from __future__ import annotations

import base64
import hashlib
import json
import pprint
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hil import known_secrets, pytest_scrubbing
from hil.bench.lab import load_lab
from hil.bench.lab_secrets import secrets_of
from hil.evidence.leak_search import _in_text
from hil.evidence.scrubbing import Scrubber
from hil.evidence.secret_forms import Forms
from hil.pytest_scrubbing import Scrubbing
from tests.evidence.test_leak_search import FORMS

if TYPE_CHECKING:
    from hil.pytest_run import Run

KEY = bytes.fromhex("0F1E2D3C4B5A69788796A5B4C3D2E1F0")
WRITTEN: dict[str, Callable[[bytes], str]] = {
    "lower hex": bytes.hex,
    "spaced upper hex": lambda key: key.hex(" ").upper(),
    "hex with colons": lambda key: key.hex(":"),
    "hex over lines": lambda key: key.hex("\n", 4),
    "escapes": lambda key: "".join(f"\\x{one:02x}" for one in key),
    "C array": lambda key: ", ".join(f"0x{one:02X}" for one in key),
    "nibbles swapped": lambda key: bytes(one >> 4 | (one & 15) << 4 for one in key).hex(),
    "base64": lambda key: base64.b64encode(key).decode(),
    "base64 for URLs": lambda key: base64.urlsafe_b64encode(b"\xfb\xff" + key).decode(),
    "base64 of hex": lambda key: base64.b64encode(b"80D8" + key.hex().encode()).decode(),
    "Python": repr,
    "Python in JSON": lambda key: json.dumps(repr(key)),
    "hex as bytes": lambda key: repr(key.hex().encode()),
    "characters": lambda key: key.decode("latin-1"),
    "numbers": lambda key: json.dumps(list(key)),
    "over lines": lambda key: pprint.pformat([key], width=30),
}
NAME = "[secret Ki]"
LAB = load_lab("virtual")


def left_in(text: str, secret: bytes) -> list[tuple[str, str]]:
    forms = {"Ki": Forms.of(secret)}
    as_written = text.encode("utf-8", "surrogatepass"), text.encode("latin-1", "replace")
    return [found for one in as_written for found in _in_text(one, forms)]


@pytest.mark.parametrize("form", WRITTEN)
def test_a_secret_is_replaced_in_every_form(form: str) -> None:
    text = f"before it {WRITTEN[form](KEY)} behind it"
    assert left_in(text, KEY) or form == "over lines"
    scrubbed = Scrubber({"Ki": KEY}).scrub(text)
    assert NAME in scrubbed
    assert scrubbed.startswith("before it ")
    assert scrubbed.endswith(" behind it")
    assert not left_in(scrubbed, KEY)
    assert len(scrubbed) <= len("before it  behind it") + len(NAME) + 12  # quotes and brackets


def test_what_the_search_finds_is_known_here() -> None:
    for written in FORMS.values():
        text = written(KEY).decode("latin-1")
        assert not left_in(Scrubber({"Ki": KEY}).scrub(text), KEY)


@given(
    st.binary(min_size=6, max_size=48),
    st.sampled_from(sorted(WRITTEN)),
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.text(st.characters(codec="utf-8"), max_size=20),
)
@example(b"\\\x01\\\\'\"\n", "Python in JSON", "b'", "'")
@example(b"55555555", "Python", "", "")
@example(b"\xfb\xff\xbf\xfe\xff\xfb", "base64 for URLs", "", "")
@example(bytes(16), "hex over lines", "0", "0")
@example(b"'\nE   + b'", "characters", "", "")
def test_no_form_of_any_secret_survives(secret: bytes, form: str, before: str, behind: str) -> None:
    text = f"{before} {WRITTEN[form](secret)} {behind}"
    assert not left_in(Scrubber({"Ki": secret}).scrub(text), secret)


@given(st.text())
@example("\\x0f\\x1e" * 4 + "0F1E 2D3C 4B '\nE     b'")
def test_a_text_without_secrets_is_the_same_object(text: str) -> None:
    assert Scrubber({"Ki": KEY, "ADM1": b"94638712"}).scrub(text) is text


PIECES = {
    "shortened": f"assert '{KEY.hex()[:14]}...7aa'",
    "end skipped": f"E     - {KEY.hex()[:-4]}ffff\nE     ?   ^^^^",
    "colours": "b\x1b[33m'\x1b[39;49;00m" + repr(KEY)[2:20] + "\x1b[33m" + repr(KEY)[20:],
    "colours within": "\x1b[33m".join(KEY.hex()[at : at + 8] for at in range(0, 32, 8)),
    "pieces on lines": "E     (b'" + repr(KEY[:4])[2:-1] + "'\nE      b'" + repr(KEY[4:])[2:],
    "middle left out": rf"assert b'{repr(KEY)[2:15]}\...{repr(KEY)[-14:-1]}' == b''",
    "rest left out": f"assert [b'{repr(KEY)[2:13]}...', 'open'] == []",
    "begin left out": f"assert Keys(a=b'', ...{repr(KEY)[-12:-1]}') == b''",
    "hex as bytes on lines": "E     + (b'"
    + "'\nE     +  b'".join(KEY.hex()[at : at + 10] for at in range(0, 32, 10))
    + "')",
    "difference": f"E     - {KEY[:8]!r}\nE     + {KEY[8:]!r}",
}


@pytest.mark.parametrize("text", PIECES.values(), ids=PIECES)
def test_what_an_explanation_shows_of_a_secret_is_replaced(text: str) -> None:
    scrubbed = Scrubber({"Ki": KEY}).scrub(text)
    assert NAME in scrubbed
    for begin in range(len(KEY) - 3):
        piece = KEY[begin : begin + 4]
        assert piece.hex() not in scrubbed
        assert repr(piece)[2:-1] not in scrubbed


def test_nothing_is_left_of_the_escape_at_the_end_of_a_piece() -> None:
    secret = b"\xb7Qz\xee~Gk\x91Wp!tN\x05mZ\xd8"
    assert Scrubber({"Ki": secret}).scrub(f"got {secret[1:]!r} here") == "got b'[secret Ki]' here"


class Foreign:
    """An explanation that is no pytest's: a plugin's, with parts that nobody knows."""

    def __str__(self) -> str:
        assert LAB.device_keys
        return f"not the key: {LAB.device_keys.auth!r}"


def test_an_explanation_of_another_kind_becomes_a_text() -> None:
    scrubbing = Scrubbing(cast("Run", SimpleNamespace(has_bench=True, load=lambda: LAB)))
    report = pytest.TestReport(
        "test_it", ("test_it.py", 1, "test_it"), {}, "failed", cast("Any", Foreign()), "call"
    )
    scrubbing.report(report)
    assert report.longreprtext == "not the key: b'[secret device.auth]'"


def test_secrets_side_by_side_are_both_named() -> None:
    one, other = KEY, bytes(range(100, 116))
    scrub = Scrubber({"Ki": one, "OPc": other}).scrub
    assert scrub(f"{one.hex()} is not {other.hex()}") == "[secret Ki] is not [secret OPc]"


def test_what_is_found_by_chance_is_left_alone() -> None:
    scrub = Scrubber({"PIN1": b"1234", "PUK": b"11112222"}).scrub
    assert scrub("1234 ms, PUK 11112222, count 1111222") == (
        "1234 ms, PUK [secret PUK], count 1111222"
    )
    zeros = "00" * 15
    assert Scrubber({"Ki": bytes(16)}).scrub(zeros) is zeros


def test_the_secrets_of_a_bench_are_all_that_its_models_keep_out_of_repr() -> None:
    lab = LAB
    secrets = secrets_of(lab)
    assert lab.device_keys
    assert lab.euicc_keys
    assert lab.network_keys
    assert lab.server_keys
    assert lab.server_keys.pki
    assert secrets["device.auth"] == lab.device_keys.auth
    assert secrets["euicc.isd_r_scp03[0].enc"] == lab.euicc_keys.isd_r_scp03[0].enc
    assert secrets["network.subscribers[1].opc"] == lab.network_keys.subscribers[1].opc
    assert secrets["servers.pki.servers.sm-dp.key"] == lab.server_keys.pki.servers["sm-dp"].key
    assert secrets["servers.smpp_password"] == lab.server_keys.smpp_password.encode()
    assert secrets["link mno-1/sm-dp-1.mac"] == lab.server_keys.link("mno-1", "sm-dp-1")[2]
    assert len(set(secrets.values())) == len(secrets)
    shown = repr((lab.device_keys, lab.euicc_keys, lab.server_keys, lab.network_keys))
    assert Scrubber(secrets).scrub(shown) is shown


STATED = {
    "named": "PIN 4711 refused",
    "field": "ProfileData(pin1='4711')",
    "command": 'AT+CPIN="4711" -> ERROR',
    "second command": 'AT+CLCK="SC",1,"4711"',
    "sentence": "the PIN1 is not 4711, but another",
    "bytes": "verify(chv=b'4711')",
    "comparison": "assert '4711' == '0815'",
    "colours": "assert \x1b[33m'\x1b[39;49;00m\x1b[33m4711\x1b[39;49;00m\x1b[33m'\x1b[39m",
    "difference": "E         - 0815\nE         + 4711",
    "coloured difference": "\x1b[31mE         \x1b[91m- 4711\x1b[39;49;00m\x1b[0m",
    "block": "00200001 08 34373131FFFFFFFF",
    "spaced block": "34 37 31 31 ff ff ff ff",
    "block as Python shows it": repr(b"4711" + b"\xff" * 4),
}
NO_CODE = (
    "4711 ms",
    "4711",
    "port 4711",
    "shipping 4711",
    "pin_count=14711",
    "PIN tries 3, 4711 bytes",
    "8947110000000000000",
    "00200001 04 34373131",
    "PIN 47110815",
    "PIN 0000",
    "E         + 47111",
    "'SW 4711'",
)


@pytest.mark.parametrize("text", STATED.values(), ids=STATED)
def test_a_short_code_is_replaced_where_it_stands_as_one(text: str) -> None:
    for secrets in ({"PIN1": b"4711"}, {"PUK1": b"36925814", "PIN1": b"4711", "PIN2": b"0000"}):
        scrubbed = Scrubber(secrets).scrub(text)
        assert "[secret PIN1]" in scrubbed
        assert "4711" not in scrubbed
        assert "34373131" not in scrubbed


@pytest.mark.parametrize("text", NO_CODE)
def test_the_digits_of_a_short_code_are_left_alone_elsewhere(text: str) -> None:
    assert Scrubber({"PIN1": b"4711"}).scrub(text) is text


def test_one_digit_over_and_over_is_a_code_only_by_name_or_in_its_block() -> None:
    scrubber = Scrubber({})
    scrubber.learn_code("PIN1", b"0000")
    scrubber.learn_code("PUK1", b"11111111")
    assert scrubber.scrub("PIN1: 0000, PUK 11111111") == "PIN1: [secret PIN1], PUK [secret PUK1]"
    assert scrubber.scrub("30303030FFFFFFFF") == "[secret PIN1]"
    assert scrubber.scrub("3131313131313131") == "[secret PUK1]"
    for text in ("assert '0000' == '9000'", "0000 11111111", "8911111111000000000"):
        assert scrubber.scrub(text) is text


@given(st.text(), st.from_regex(r"[0-9]{4,8}", fullmatch=True))
@example("pin" + " " * 40, "4711")
@example("E" * 200 + "+", "4711")
def test_any_text_with_codes_is_taken(text: str, code: str) -> None:
    scrubber = Scrubber({})
    scrubber.learn_code("PIN1", code.encode())
    stated = f"{text} pin1={code} {text}"
    assert "pin1=[secret PIN1] " in scrubber.scrub(stated)


def test_properties_of_ours_cost_nothing_and_hide_nothing() -> None:
    scrubbing = Scrubbing(cast("Run", SimpleNamespace(has_bench=True, load=lambda: LAB)))
    report = pytest.TestReport("test_it", ("test_it.py", 1, "test_it"), {}, "passed", None, "call")
    ours: list[tuple[str, object]] = [("requirement", "R-12"), ("case", "EUICC-ES5-ENABLE-03")]
    ours += [("verdict", "NOT APPLICABLE")]
    report.user_properties = [*ours]
    scrubbing.report(report)
    assert report.user_properties == ours
    assert scrubbing._scrubber is None, "nothing was looked through"
    assert LAB.device_keys
    report.user_properties = [("requirement", LAB.device_keys.auth.hex().upper()), ("count", 3)]
    scrubbing.report(report)
    assert report.user_properties == [("requirement", "[secret device.auth]"), ("count", 3)]


def test_what_was_announced_last_is_known_and_the_oldest_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pytest_scrubbing, "_GENERATION", 32)
    monkeypatch.setattr(known_secrets, "MOST", 48)
    monkeypatch.setattr(known_secrets, "_known", {})
    scrubbing = Scrubbing(cast("Run", SimpleNamespace(has_bench=True, load=lambda: LAB)))
    keys = [hashlib.sha256(bytes((number,))).digest() for number in range(100)]
    for at in range(0, len(keys), 10):
        for key in keys[at : at + 10]:
            known_secrets.announce("card", {"k": key})
        assert scrubbing.text(keys[at].hex()) == "[secret k of card]"
    told = [scrubbing.text(key.hex()) == "[secret k of card]" for key in keys]
    assert all(told[-32:])
    assert not any(told[:32])
    left = known_secrets.announced_since(0)[1]
    assert [secret.value for secret in left] == keys[-48:]
