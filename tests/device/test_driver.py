"""The driver against devices that say what is written here, word by word."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hil.equipment.device import (
    Device,
    DeviceAnswerError,
    DeviceLinkError,
    DeviceRefusal,
    DeviceTimeoutError,
    DeviceUsageError,
)
from hil.observer import Exchange
from hil.wire.device_auth import CommandAuthorization
from tests.device.conversation import Conversation

OK = "\r\nOK\r\n"
START = {"AT": [OK], "ATE0": [OK], "AT+CMEE=1": [OK]}
Open = Callable[[dict[str, list[str]]], tuple[Device, Conversation]]


class Notes:
    def __init__(self) -> None:
        self.texts: list[str] = []

    def exchange(self, exchange: Exchange) -> None:
        assert exchange.link == "at"
        self.texts.append(f"{exchange.direction} {exchange.text}")


NOTES = Notes()


@pytest.fixture
def talk() -> Iterator[Open]:
    NOTES.texts.clear()
    opened: list[tuple[Device, Conversation]] = []

    def start(answers: dict[str, list[str]]) -> tuple[Device, Conversation]:
        conversation = Conversation(START | answers)
        device = Device.open(conversation.port, observer=NOTES, timeout_s=5)
        opened.append((device, conversation))
        return device, conversation

    yield start
    for device, conversation in opened:
        device.close()
        device.close()
        conversation.close()


def test_open_sets_the_line_as_the_dialect_wants_it(talk: Open) -> None:
    _device, conversation = talk({})
    assert conversation.heard == ["AT", "ATE0", "AT+CMEE=1"]


def test_echo_and_unasked_lines_are_no_answer(talk: Open) -> None:
    device, _ = talk({"AT+HILBOOT?": ["AT+HILBOOT?\r\r\nRDY\r\n+CREG: 1\r\n+HILBOOT: 7\r\n" + OK]})
    assert device.boot_count() == 7


def test_an_answer_in_pieces_is_put_together(talk: Open) -> None:
    device, conversation = talk({"AT+HILBOOT?": ["\r\n+HILB"]})
    later = threading.Timer(0.1, conversation.say, ("OOT: 12\r\n" + OK,))
    later.start()
    assert device.boot_count() == 12
    later.join()


@pytest.mark.parametrize(
    ("answer", "code", "name"),
    [
        ("\r\nERROR\r\n", None, "error"),
        ("\r\n+CME ERROR: 14\r\n", 14, "SIM busy"),
        ("\r\n+CME ERROR: SIM busy\r\n", 14, "SIM busy"),
        ("\r\n+CME ERROR: 600\r\n", 600, "sender not authenticated"),
        ("\r\n+CME ERROR: 9999\r\n", 9999, "unknown error"),
    ],
)
def test_refusals_keep_code_and_name(talk: Open, answer: str, code: int | None, name: str) -> None:
    device, _ = talk({"AT+HILBYE": [answer]})
    with pytest.raises(DeviceRefusal) as caught:
        device.goodbye()
    assert (caught.value.code, caught.value.name) == (code, name)


@pytest.mark.parametrize(
    "answer",
    ["\r\n+HILBOOT: many\r\n" + OK, OK, "\r\n\xff\xfe\r\n" + OK, "\r\n+HILBOOT: \r\n" + OK],
)
def test_an_answer_that_the_dialect_does_not_know(talk: Open, answer: str) -> None:
    device, _ = talk({"AT+HILBOOT?": [answer]})
    with pytest.raises(DeviceAnswerError, match="'boot_count' answered"):
        device.boot_count()


def test_a_word_that_means_nothing_points_to_the_dialect(talk: Open) -> None:
    device, _ = talk(
        {
            "AT+HILMODE?": ['\r\n+HILMODE: "third","none"\r\n' + OK],
            "AT+HILAUTH?": ['\r\n+HILAUTH: "none","none",0\r\n' + OK],
        }
    )
    with pytest.raises(DeviceAnswerError, match="translate it in the dialect under 'values'"):
        device.status()


def test_a_late_answer_never_passes_for_the_next_one(talk: Open) -> None:
    device, conversation = talk({"AT+HILERR?": ['\r\n+HILERR: "mine"\r\n' + OK]})
    object.__setattr__(device._at.dialect.operations["boot_count"], "timeout_s", 0.05)
    with pytest.raises(DeviceTimeoutError):
        device.boot_count()
    conversation.say("\r\n+HILBOOT: 1\r\n" + OK)
    assert device._at.ask("last_error") == {"text": "mine"}


def test_an_endless_line_is_an_error_not_a_memory_leak(talk: Open) -> None:
    device, _ = talk({"AT+HILBOOT?": ["x" * 100_000]})
    with pytest.raises(DeviceAnswerError, match="more than 70000 bytes"):
        device.boot_count()


def test_a_pulled_cable_is_a_link_error(talk: Open) -> None:
    device, conversation = talk({})
    conversation.hang_up()
    with pytest.raises(DeviceLinkError, match="line lost"):
        device.boot_count()


def test_a_port_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DeviceLinkError, match="cannot be opened"):
        Device.open(str(tmp_path / "ttyUSB9"))


def test_a_port_in_use_says_so(talk: Open) -> None:
    device, _ = talk({})
    with pytest.raises(DeviceLinkError, match="cannot be opened"):
        Device.open(device.port)


def test_a_device_that_stays_silent_at_open() -> None:
    conversation = Conversation({})
    with pytest.raises(DeviceTimeoutError, match=r"not ready in 0\.3 s; is its supply on"):
        Device.open(conversation.port, timeout_s=0.3)
    conversation.close()


def test_pins_and_keys_in_apdus_are_not_shown(talk: Open) -> None:
    verify = "0020000108313233343FFFFFFF"
    device, _ = talk(
        {
            f'AT+CSIM={len(verify)},"{verify}"': ['\r\n+CSIM: 4,"9000"\r\n' + OK],
            'AT+CSIM=14,"00A40004023F00"': ['\r\n+CSIM: 4,"6110"\r\n' + OK],
        }
    )
    assert device.csim(bytes.fromhex(verify)) == b"\x90\x00"
    assert device.csim(bytes.fromhex("00A40004023F00")) == b"\x61\x10"
    seen = "\n".join(NOTES.texts)
    assert "31323334" not in seen
    assert f'out AT+CSIM={len(verify)},"0020000108{"FF" * 8}"' in seen
    assert 'in +CSIM: 4,"9000"' in seen
    assert 'out AT+CSIM=14,"00A40004023F00"' in seen


def test_what_apdus_bring_is_blanked_as_on_a_reader(talk: Open) -> None:
    usim, imsi, keys = "A0000000871002", "080910100000001032", "07" + "5C" * 16
    read = "00B0000009"
    device, _ = talk(
        {
            f'AT+CCHO="{usim}"': ["\r\n+CCHO: 2\r\n" + OK],
            'AT+CGLA=2,14,"00A40004026F07"': ['\r\n+CGLA: 4,"9000"\r\n' + OK],
            'AT+CGLA=2,14,"00A40004026F08"': ['\r\n+CGLA: 4,"6121"\r\n' + OK],
            f'AT+CGLA=2,10,"{read}"': [f'\r\n+CGLA: 22,"{imsi}9000"\r\n' + OK],
            'AT+CGLA=2,10,"00B0000011"': [f'\r\n+CGLA: 38,"{keys}9000"\r\n' + OK],
            'AT+CSIM=10,"00B0000011"': [f'\r\n+CSIM: 38,"{keys}9000\r\n' + OK],
            "AT+CIMI": ["\r\n001010000000123\r\n" + OK],
        }
    )
    session = device.open_channel(bytes.fromhex(usim))
    device.logical(session, bytes.fromhex("00A40004026F07"))
    assert device.logical(session, bytes.fromhex(read)).hex() == imsi + "9000"
    device.logical(session, bytes.fromhex("00A40004026F08"))
    assert keys.lower() in device.logical(session, bytes.fromhex("00B0000011")).hex()
    assert device.imsi() == "001010000000123"
    with pytest.raises(DeviceAnswerError, match="1 lines that are not shown"):
        device.csim(bytes.fromhex("00B0000011"))
    seen = "\n".join(NOTES.texts)
    assert keys not in seen
    assert imsi not in seen
    assert "00101" not in seen
    assert f'in +CGLA: 22,"{"FF" * 7}10329000"' in seen
    assert "in ***********0123" in seen


def test_what_cannot_be_sent_is_refused_before_the_line(talk: Open) -> None:
    device, conversation = talk({})
    heard = list(conversation.heard)
    for bad in ('x"', "x\rAT+CFUN=1,1", "x\x00"):
        with pytest.raises(DeviceUsageError):
            device.delete_image(bad)
    for apdu in (b"", b"\x00", bytes(40_000)):
        with pytest.raises(DeviceUsageError, match="a command APDU has 4 to 32768 bytes"):
            device.csim(apdu)
    with pytest.raises(DeviceUsageError, match="empty image"):
        device.send_image(b"")
    assert conversation.heard == heard


def test_an_operation_that_the_dialect_lacks_is_named(tmp_path: Path) -> None:
    file = tmp_path / "bare.yaml"
    file.write_text(
        "dialect: bare\nversion: 1\noperations:\n  attention: {send: AT}\n"
        "  set_mode:\n    send: AT+XM={mode}\n    values: {mode: {test: '3'}}\n"
    )
    conversation = Conversation({"AT": [OK], "AT+XM=3": [OK]})
    with Device.open(conversation.port, dialect=file, timeout_s=5) as device:
        device.set_mode("test", CommandAuthorization(b"", b""))
        with pytest.raises(DeviceUsageError, match="'bare' has no words for 'jig'"):
            device.jig()
    assert conversation.heard == ["AT", "AT+XM=3"]
    conversation.close()


@pytest.mark.parametrize("offer", ["9999,8", "0,0", "0,33"])
def test_an_impossible_offer_ends_the_transfer_before_it_begins(talk: Open, offer: str) -> None:
    digest = "6E340B9CFFB37A989CA544E6BB780A2C78901D3FB33738768511A30617AFA01D"
    device, _ = talk({f'AT+HILRX=1,"{digest}",1024,1': [f"\r\n+HILRX: {offer}\r\n\r\nCONNECT\r\n"]})
    with pytest.raises(DeviceAnswerError, match="offers to receive"):
        device.send_image(b"\x00")


def test_importing_the_driver_loads_no_serial_library() -> None:
    code = "import sys, hil.equipment.device; assert 'serial' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
