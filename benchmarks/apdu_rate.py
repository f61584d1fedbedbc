"""APDU rate and latency of the card layer, against raw pyscard in the same run.

Both go through the same private PC/SC service and virtual reader to the same card, a process of
its own that answers at once. Short rounds alternate, so that a busy machine slows both down. A
rate is that of the median APDU; the ratio is the median over the rounds of ours to the raw round
beside it. The latency rows guard against a stall of 40 ms per APDU, which a delayed acknowledgement
between vpcd and a card causes.

Run it with ``python -m benchmarks.apdu_rate``.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Final

from hil.bench.guardian import close_lifeline
from hil.bench.pcscd import PrivatePcscd, missing
from hil.equipment.card import Card
from hil.equipment.card.pcsc import PcscTransport
from hil.observer import Exchange
from hil.wire.apdu import CommandApdu

Row = dict[str, object]

RATIO_LIMIT: Final = 0.85
P99_LIMIT_MS: Final = 20.0
_ROUNDS: Final = 40
_APDUS: Final = 100
_ATR: Final = "3B9E96803F87828031E073FE211B665645554943433D"
_READ: Final = CommandApdu(0x00, 0xB0, 0x00, 0x00, le=5)
_CARD: Final = """
import socket, sys, threading, os
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
card = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
card.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
atr, answer = bytes.fromhex(sys.argv[2]), bytes((0, 7)) + b"hello" + bytes((0x90, 0))
buffer = b""
while part := card.recv(65536):
    buffer += part
    while len(buffer) >= 2 and len(buffer) >= 2 + (size := int.from_bytes(buffer[:2], "big")):
        frame, buffer = buffer[2:2 + size], buffer[2 + size:]
        if size > 1:
            card.sendall(answer)
        elif frame[0] == 4:
            card.sendall(len(atr).to_bytes(2, "big") + atr)
"""


class _CountingObserver:
    """Takes every exchange and keeps only their number."""

    def __init__(self) -> None:
        self.count = 0

    def exchange(self, exchange: Exchange) -> None:  # noqa: ARG002  (counted, not kept)
        self.count += 1


def run() -> list[Row]:
    """Return the rows; one row with ``ok`` False and the reason when no reader can be served."""
    if lacking := missing():
        reason = "; ".join(map(str, lacking))
        return [_row("APDU rate", None, "APDU/s", reference=reason, limit=RATIO_LIMIT, ok=False)]
    with PrivatePcscd.start() as service:
        os.environ.update(service.environment)
        player = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _CARD, str(service.vpcd_port), _ATR],
            stdin=subprocess.PIPE,
        )
        try:
            return _measure(service)
        finally:
            close_lifeline(player, timeout_s=5.0)


def _measure(service: PrivatePcscd) -> list[Row]:
    pattern = service.reader_patterns[0]
    observer = _CountingObserver()
    plain = Card(PcscTransport(pattern, interrupt=service.cut))
    traced = Card(PcscTransport(pattern, interrupt=service.cut), observer)
    raw, close_raw = _raw_sender(service.reader_names[0], plain)
    ours: list[float] = []
    latencies: list[float] = []
    raw_latencies: list[float] = []
    seen: list[float] = []
    raws: list[float] = []
    for number in range(_ROUNDS + 1):
        rounds = (
            _time(raw, raw_latencies),
            _in_transaction(plain, latencies),
            _in_transaction(traced, []),
        )
        if number:  # the first warms up
            raws.append(rounds[0])
            ours.append(rounds[1])
            seen.append(rounds[2])
        else:
            latencies.clear()
            raw_latencies.clear()
    assert observer.count == 2 * (_ROUNDS + 1) * _APDUS + 1
    for close in (close_raw, plain.disconnect, traced.disconnect):
        close()
    return [
        _rate("APDU rate, card layer in a transaction", ours, raws, limit=RATIO_LIMIT),
        _rate("APDU rate, card layer with every APDU observed", seen, raws, limit=None),
        _latency("APDU latency p99", _percentile(latencies, 99), _percentile(raw_latencies, 99)),
        _latency("APDU latency, slowest", max(latencies), max(raw_latencies), limit_ms=None),
    ]


def _raw_sender(reader: str, card: Card) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return the bare pyscard call on a connection of its own, and what closes it."""
    card.connect()
    from smartcard import scard  # noqa: PLC0415  (after the environment is set)

    _, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    code, handle, _ = scard.SCardConnect(context, reader, scard.SCARD_SHARE_SHARED, 1)
    assert code == 0, f"SCardConnect: {code & 0xFFFFFFFF:08X}"
    transmit, pci, command = scard.SCardTransmit, scard.SCARD_PCI_T0, list(_READ.encode())

    def send() -> object:
        return transmit(handle, pci, command)

    def close() -> None:
        scard.SCardDisconnect(handle, scard.SCARD_LEAVE_CARD)
        scard.SCardReleaseContext(context)

    return send, close


def _in_transaction(card: Card, latencies: list[float]) -> float:
    with card.transaction():
        return _time(lambda: card.send(_READ), latencies)


def _time(send: Callable[[], object], latencies: list[float]) -> float:
    """Return the rate of the median APDU, in APDU/s; add each one's seconds to ``latencies``."""
    clock = time.perf_counter
    taken = []
    before = clock()
    for _ in range(_APDUS):
        send()
        now = clock()
        taken.append(now - before)
        before = now
    latencies += taken
    return 1 / statistics.median(taken)


def _percentile(values: list[float], percent: int) -> float:
    return sorted(values)[len(values) * percent // 100]


def _rate(name: str, ours: list[float], raws: list[float], *, limit: float | None) -> Row:
    ratio = statistics.median(one / other for one, other in zip(ours, raws, strict=True))
    return _row(
        name,
        round(statistics.median(ours)),
        "APDU/s",
        reference=f"raw pyscard {statistics.median(raws):.0f} APDU/s",
        ratio=round(ratio, 3),
        limit=limit,
        ok=limit is None or ratio >= limit,
    )


def _latency(
    name: str, seconds: float, reference: float, *, limit_ms: float | None = P99_LIMIT_MS
) -> Row:
    value = round(seconds * 1000, 3)
    return _row(
        name,
        value,
        "ms",
        reference=f"raw pyscard {reference * 1000:.3f} ms",
        ratio=round(seconds / reference, 3),
        limit=limit_ms,
        ok=limit_ms is None or value < limit_ms,
    )


def _row(
    name: str,
    value: float | None,
    unit: str,
    *,
    reference: str,
    ratio: float | None = None,
    limit: float | None = None,
    ok: bool,
) -> Row:
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "reference": reference,
        "ratio": ratio,
        "limit": limit,
        "ok": ok,
    }


if __name__ == "__main__":
    rows = run()
    for one in rows:
        print(one)
    sys.exit(0 if all(one["ok"] for one in rows) else 1)
