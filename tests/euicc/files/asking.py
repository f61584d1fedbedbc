"""What the tests of file commands ask of a card."""

from __future__ import annotations

from pathlib import Path

from hil.virtual.euicc import VirtualCard
from hil.wire import tlv
from tests.euicc.enabled_card import opened_again
from tests.euicc.playground import DF
from tests.euicc.terminal import Terminal


def ask(terminal: Terminal, command: str) -> str:
    """All of the answer, 61xx followed; data, a blank, status word."""
    answer = terminal.raw(command)
    if answer[:2] == "61":
        answer = terminal.raw("00C00000" + answer[2:])
    return f"{answer[:-4]} {answer[-4:]}".strip()


def fcp(terminal: Terminal, fid: int) -> dict[int, bytes]:
    (template,) = tlv.decode_all(terminal.select(fid).data)
    return {one.tag: one.value for one in template.children()}


def reopened(terminal: Terminal, tmp_path: Path) -> Terminal:
    assert isinstance(terminal.card, VirtualCard)
    again = Terminal(opened_again(terminal.card, tmp_path / "card"))
    again.select(0x3F00)
    again.select(DF)
    return again


def records(terminal: Terminal, count: int, length: int) -> list[str]:
    return [terminal.raw(f"00B2{n + 1:02X}04{length:02X}")[:-4] for n in range(count)]


def create(body: str) -> str:
    return f"00E00000{len(bytes.fromhex(body)) + 2:02X}62{len(bytes.fromhex(body)):02X}{body}"


NEW = "82024121 83026F20 8A0105 8B036F0601 8002000A 880150".replace(" ", "")
NEW_RECORDS = "82054221000402 83026F21 8A0105 8B036F0601 80020008 8800".replace(" ", "")
NEW_DF = "82027821 83025F20 8A0105 8B036F0601 81020100 C609900180 830101 83010A".replace(" ", "")
