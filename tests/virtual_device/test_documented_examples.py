"""Every example of docs/device-link.md, run against the virtual device."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hil.equipment.device import load_dialect
from hil.equipment.device.serial_link import SerialLink
from hil.virtual.device.failures import Cme
from hil.wire import device_frames as frames
from hil.wire.device_auth import ProofExchange, Purpose, prove
from tests.virtual_device.conftest import DEVICE_ID, EID, KEYS, Workbench

PAGE = (Path(__file__).parents[2] / "docs" / "device-link.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```at\n(.*?)```", PAGE, re.DOTALL)
SERVER_NONCE = bytes([0x51] * 16)


def read_line(link: SerialLink) -> str:
    line = b""
    while not line.strip() or not line.endswith(b"\n"):
        data = link.read(timeout_s=5)
        assert data, f"silence after {line!r}"
        place = data.find(b"\n") + 1 or len(data)
        link.unread(data[place:])
        line += data[:place]
    return line.decode().strip()


def fill(text: str, values: dict[str, str]) -> str:
    if "{sha256}" in text:
        values["sha256"] = "00" * 32
    if "{server_proof}" in text or "{mode_order}" in text:
        nonce = bytes.fromhex(values["device_nonce"])
        for name, purpose, extra in (
            ("server_proof", Purpose.SERVER, b""),
            ("mode_order", Purpose.MODE, b"test"),
        ):
            exchange = ProofExchange(DEVICE_ID, EID, SERVER_NONCE, nonce, extra)
            values[name] = prove(KEYS, purpose, exchange).hex()
    return text.format_map(values)


def matches(shown: str, line: str, values: dict[str, str]) -> bool:
    pattern = re.escape(shown).replace("…", ".*")
    pattern = pattern.replace(re.escape("{device_nonce}"), "(?P<device_nonce>[0-9A-F]{32})")
    found = re.fullmatch(pattern, line)
    values |= found.groupdict() if found else {}
    return found is not None


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_conversation(workbench: Workbench, block: str) -> None:
    device = workbench.start()
    device.close()
    values: dict[str, str] = {}
    with SerialLink(device.port, baudrate=921_600) as link:
        link.write(b"ATZE0\r")
        while read_line(link) != "OK":
            continue
        for line in block.splitlines():
            if line.startswith("> "):
                link.write(fill(line[2:], values).encode() + b"\r")
            else:
                answer = read_line(link)
                assert matches(line[2:], answer, values), f"{answer!r} instead of {line[2:]!r}"


def test_there_are_conversations() -> None:
    assert len(BLOCKS) == 5


def test_worked_proofs() -> None:
    exchange = ProofExchange(DEVICE_ID, EID, SERVER_NONCE, bytes([0xD1] * 16))
    assert prove(KEYS, Purpose.SERVER, exchange).hex().upper() in PAGE
    order = ProofExchange(DEVICE_ID, EID, SERVER_NONCE, bytes([0xD1] * 16), b"test")
    assert prove(KEYS, Purpose.MODE, order).hex().upper() in PAGE
    for purpose in Purpose:
        assert f"`{purpose.value}`" in PAGE


def test_worked_frames() -> None:
    for frame in (frames.Data(0, bytes.fromhex("AA00BB")), frames.Escape()):
        assert f"`{frames.encode(frame).hex().upper()}`" in PAGE


def test_every_error_is_on_the_page_and_in_the_dialect() -> None:
    names = load_dialect("hil-reference").errors
    assert names == {code.value: code.text for code in Cme}
    for code in Cme:
        assert f"| {code.value} | {code.text} |" in PAGE


def test_every_command_is_on_the_page() -> None:
    for wording in load_dialect("hil-reference").operations.values():
        name = re.match(r"AT(\+[A-Z]+)?", wording.send)
        assert name is not None
        assert (name[1] or "AT") in PAGE
