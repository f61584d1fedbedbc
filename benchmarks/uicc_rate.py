"""How many APDUs a second the virtual eUICC answers while a whole profile is selected and read.

In-process, T=0: every file of the enabled profile is selected with its FCP (two APDUs: SELECT and
GET RESPONSE) and read, record by record; what PIN or ADM protects is refused. A whole walk is one
round; the figure is the median of the rounds.

A second row holds the simplest command, READ BINARY of the selected EF.ICCID, to what no card can
do without: reading the command and writing the answer. Short rounds of both alternate, in processor
time, so that a busy machine slows both down; the ratio is the median over the rounds.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from hil.virtual.euicc import VirtualCard, open_card
from hil.wire import tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.profile_package.generate import generate
from hil.wire.profile_package.profile_data import ProfileData

LIMIT: Final = 5000
ROUNDS: Final = 7
CODEC_LIMIT: Final = 6.0
_SIMPLE_ROUNDS: Final = 40
_SIMPLE: Final = 250
_SELECT_MF: Final = bytes.fromhex("00A4000C023F00")
_SELECT_ICCID: Final = bytes.fromhex("00A4000C022FE2")
_READ: Final = bytes.fromhex("00B000000A")
_EID: Final = "89049032123451234512345678901235"
_FOLDERS: Final = {
    "MF": ["00A40004023F00"],
    "DF.TELECOM": ["00A40004023F00", "00A40004027F10"],
    "DF.PHONEBOOK": ["00A40004023F00", "00A40004027F10", "00A40004025F3A"],
    "ADF.USIM": ["00A404040CA0000000871002FF49FF0589"],
    "DF.GSM-ACCESS": ["00A404040CA0000000871002FF49FF0589", "00A40004025F3B"],
    "DF.5GS": ["00A404040CA0000000871002FF49FF0589", "00A40004025FC0"],
    "ADF.ISIM": ["00A404040CA0000000871004FF49FF0589"],
}
_IDS: Final = (
    range(0x2F00, 0x2F09), range(0x2FE2, 0x2FE3), range(0x4F01, 0x4F70), range(0x6F00, 0x6FFF),
)  # fmt: skip


class _Terminal:
    """Counts the APDUs it sends."""

    def __init__(self, card: VirtualCard) -> None:
        self._transmit = card.transmit
        self.count = 0

    def send(self, command: bytes) -> bytes:
        """Send a command and fetch its answer."""
        self.count += 1
        answer = self._transmit(command)
        if answer[-2] == 0x61:
            self.count += 1
            answer = self._transmit(b"\x00\xc0\x00\x00" + answer[-1:])
        return answer


def run() -> list[dict[str, object]]:
    """Return the rows."""
    with tempfile.TemporaryDirectory() as folder:
        data = ProfileData(iccid="8900100000000000017", imsi="001010000000017", k=bytes(range(16)))
        package = generate(data, profile_class="test")
        factory = {"eid": _EID, "bootstrap_profile": package.hex()}
        card = open_card(Path(folder), factory)
        try:
            card.power_on()
            return [_files(card), _simple(card)]
        finally:
            card.close()


def _files(card: VirtualCard) -> dict[str, object]:
    walk = _plan(_Terminal(card))
    rates = []
    for _ in range(ROUNDS):
        terminal = _Terminal(card)
        started = time.perf_counter()
        for command in walk:
            terminal.send(command)
        rates.append(terminal.count / (time.perf_counter() - started))
    rate = statistics.median(rates)
    return {
        "name": "virtual eUICC: a whole profile selected and read, in-process",
        "value": round(rate),
        "unit": "APDU/s",
        "reference": f"{len(walk)} commands a walk",
        "ratio": None,
        "limit": LIMIT,
        "ok": rate >= LIMIT,
    }


def _simple(card: VirtualCard) -> dict[str, object]:
    card.transmit(_SELECT_MF)
    card.transmit(_SELECT_ICCID)
    answer = card.transmit(_READ)
    if len(answer) != 12 or not answer.endswith(b"\x90\x00"):
        raise AssertionError(f"EF.ICCID was answered with {answer.hex()}")

    def codec() -> None:
        CommandApdu.decode(_READ)
        ResponseApdu(answer[:-2], 0x9000).encode()

    def read() -> None:
        card.transmit(_READ)

    rounds = [(_seconds(read), _seconds(codec)) for _ in range(_SIMPLE_ROUNDS)]
    ratio = statistics.median(ours / least for ours, least in rounds)
    ours, least = (statistics.median(column) for column in zip(*rounds, strict=True))
    return {
        "name": "virtual eUICC: READ BINARY, in-process",
        "value": ours * 1e6,
        "unit": "µs",
        "reference": f"reading and writing APDUs alone: {least * 1e6:.3g} µs",
        "ratio": ratio,
        "limit": CODEC_LIMIT,
        "ok": ratio <= CODEC_LIMIT,
    }


def _seconds(work: Callable[[], None]) -> float:
    began = time.process_time()
    for _ in range(_SIMPLE):
        work()
    return (time.process_time() - began) / _SIMPLE


def _plan(terminal: _Terminal) -> list[bytes]:
    """Find all files, and return the commands that select and read each of them."""
    walk: list[bytes] = []
    for steps in _FOLDERS.values():
        ways = [bytes.fromhex(one) for one in steps]
        for one in ways:
            if not terminal.send(one).endswith(b"\x90\x00"):
                raise AssertionError(f"the profile lacks {one.hex()}")
        walk += ways
        for fid in (fid for ids in _IDS for fid in ids):
            select = bytes.fromhex(f"00A4000402{fid:04X}")
            answer = terminal.send(select)
            if answer.endswith(b"\x90\x00"):
                walk += [select, *_reads(answer[:-2])]
    return walk


def _reads(template: bytes) -> list[bytes]:
    objects = tlv.decode_all(template)[0].children()
    descriptor = tlv.require(objects, 0x82, where="FCP")
    if descriptor[0] & 7 == 1 and descriptor[0] & 0x38 != 0x38:
        size = int.from_bytes(tlv.require(objects, 0x80, where="FCP"), "big")
        return [bytes((0x00, 0xB0, at >> 8, at & 0xFF, 0)) for at in range(0, size, 256)]
    if descriptor[0] & 7 in (2, 6):
        return [bytes((0x00, 0xB2, n, 4, descriptor[3])) for n in range(1, descriptor[4] + 1)]
    return []


if __name__ == "__main__":
    rows = run()
    for one in rows:
        print(one)
    sys.exit(0 if all(one["ok"] for one in rows) else 1)
