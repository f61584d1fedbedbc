"""How much the secure channels cost beside the bare AES calls that they cannot do without.

SCP03 at level 33 needs two CBC calls (counter block, data) and one CMAC to wrap 200 bytes, and the
same to unwrap them; SCP80 needs one CBC and one CMAC each way. Both sides of the comparison run in
alternating rounds of one process, so that a busy machine slows both alike.
"""

from __future__ import annotations

import json
import statistics
import time
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.cmac import CMAC

from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.identifiers import ISD_R_AID, ISD_R_TAR
from hil.wire.scp03 import CardSession, HostSession, KeySet, card_challenge, parse_initialize_update
from hil.wire.scp80 import (
    SGP02_SPI,
    OtaKeySet,
    SecurityParameters,
    unwrap_command,
    wrap_command,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS: Final = 101
CALLS: Final = 40
LIMIT: Final = 1.7
DATA: Final = bytes(range(200))

_KEY: Final = AES(bytes(range(16)))
_IV: Final = bytes(16)
_HEAD: Final = bytes(16 + 5)


def run() -> list[dict[str, object]]:
    """Measure and return one row for each channel and direction."""
    host, card = _sessions()
    command = CommandApdu(0x80, 0xE2, 0x88, 0x00, DATA)
    answer = ResponseApdu(DATA, 0x9000)
    keys = OtaKeySet(1, bytes(range(16)), bytes(range(1, 17)))
    parameters = SecurityParameters(SGP02_SPI, ISD_R_TAR)

    def commands() -> None:
        if card.unwrap(host.wrap(command)) != command:
            raise AssertionError("SCP03 command changed on its way")

    def answers() -> None:
        if host.unwrap(card.wrap(answer)) != answer:
            raise AssertionError("SCP03 answer changed on its way")

    def packets() -> None:
        if unwrap_command(wrap_command(DATA, 1, parameters, keys), keys).data != DATA:
            raise AssertionError("SCP80 packet changed on its way")

    return [
        _row("scp03 wrap+unwrap of a 200-byte command, level 33", commands, _bare_scp03),
        _row("scp03 wrap+unwrap of a 200-byte answer, level 33", answers, _bare_scp03),
        _row("scp80 wrap+unwrap of a 200-byte packet, SPI 1639", packets, _bare_scp80),
    ]


def _sessions() -> tuple[HostSession, CardSession]:
    keys = KeySet(0x30, bytes(range(16)), bytes(range(16, 32)), bytes(range(32, 48)))
    host = HostSession(keys, bytes(8))
    card = CardSession(
        keys,
        parse_initialize_update(host.initialize_update()),
        challenge=card_challenge(keys, 1, ISD_R_AID),
        counter=1,
    )
    host.open(card.answer())
    card.authenticate(host.external_authenticate())
    return host, card


_PADDED: Final = bytes(208)


def _cbc(data: bytes, *, decrypt: bool = False) -> bytes:
    cipher = Cipher(_KEY, CBC(_IV))
    context = cipher.decryptor() if decrypt else cipher.encryptor()
    return context.update(data) + context.finalize()


def _cmac(data: bytes) -> bytes:
    mac = CMAC(_KEY)
    mac.update(data)
    return mac.finalize()


def _bare_scp03() -> None:
    _cbc(_IV)
    _cmac(_HEAD + _cbc(_PADDED))
    _cbc(_IV)
    _cmac(_HEAD + _PADDED)
    _cbc(_PADDED, decrypt=True)


def _bare_scp80() -> None:
    _cmac(_HEAD + _PADDED)
    _cbc(_PADDED)
    _cbc(_PADDED, decrypt=True)
    _cmac(_HEAD + _PADDED)


def _row(name: str, ours: Callable[[], None], reference: Callable[[], None]) -> dict[str, object]:
    for warm_up in (ours, reference):
        _time_us(warm_up)
    pairs = [(_time_us(ours), _time_us(reference)) for _ in range(ROUNDS)]
    ratio = statistics.median(one / other for one, other in pairs)
    return {
        "name": name,
        "value": round(statistics.median(one for one, _ in pairs), 2),
        "unit": "µs",
        "reference": round(statistics.median(other for _, other in pairs), 2),
        "ratio": round(ratio, 3),
        "limit": LIMIT,
        "ok": ratio <= LIMIT,
    }


def _time_us(work: Callable[[], None]) -> float:
    started = time.perf_counter_ns()
    for _ in range(CALLS):
        work()
    return (time.perf_counter_ns() - started) / CALLS / 1000


if __name__ == "__main__":
    print(json.dumps(run(), indent=1, ensure_ascii=False))
