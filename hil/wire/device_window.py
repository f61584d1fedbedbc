"""The windows of the image transfer: what to send next, what has arrived. No I/O, no clock.

A serial line keeps its order. So when a block is acknowledged that was put on the line *after*
another one, that other one is lost and goes again at once, without waiting for a timer.
"""

from __future__ import annotations

from typing import Final

from hil.errors import CodecError
from hil.wire.device_frames import MAX_BLOCK, SELECTIVE_BITS, Acknowledge, Data

DEFAULT_BLOCK: Final = 1024
DEFAULT_WINDOW: Final = 8


class SendWindow:
    """The sender's side: at most ``window`` unacknowledged blocks are on the line."""

    def __init__(self, image: bytes, *, block: int, window: int, first: int = 0) -> None:
        if not 1 <= block <= MAX_BLOCK or not 1 <= window <= SELECTIVE_BITS:
            raise CodecError(f"block of {block} bytes or window of {window} is out of range")
        self._image = image
        self._block = block
        self._window = window
        self._count = -(-len(image) // block)
        self._base = min(first, self._count)
        self._next = self._base
        self._above: set[int] = set()
        self._ordinals: dict[int, int] = {}
        self._lost: list[int] = []
        self._transmissions = 0
        self._first_sendings = 0

    @property
    def acknowledged(self) -> int:
        """Bytes from the start of the image that the receiver has without a hole."""
        return min(self._base * self._block, len(self._image))

    @property
    def complete(self) -> bool:
        """Whether the receiver has every block."""
        return self._base >= self._count

    @property
    def transmissions(self) -> int:
        """Blocks put on the line so far, repetitions included."""
        return self._transmissions

    @property
    def retransmissions(self) -> int:
        """Blocks put on the line again."""
        return self._transmissions - self._first_sendings

    @property
    def has_lost(self) -> bool:
        """Whether a block is known to be lost and waits to be taken again."""
        return bool(self._lost)

    def take(self) -> Data | None:
        """Return the next block to put on the line, or None while the window is full."""
        if self._lost:
            return self._send(self._lost.pop(0))
        if self._next >= min(self._count, self._base + self._window):
            return None
        self._next += 1
        self._first_sendings += 1
        return self._send(self._next - 1)

    def acknowledge(self, ack: Acknowledge) -> bool:
        """Take an acknowledgement; return whether the receiver has more than before."""
        before = (self._base, len(self._above))
        if self._base <= ack.following <= self._next:
            self._base = ack.following
        above = {ack.following + 1 + n for n in range(SELECTIVE_BITS) if ack.selective >> n & 1}
        self._above = {s for s in self._above | above if self._base < s < self._next}
        echoed = self._ordinals.get(ack.echo, 0)
        for sequence in [s for s in self._ordinals if s < self._base or s in self._above]:
            del self._ordinals[sequence]
        self._lost = [s for s, ordinal in sorted(self._ordinals.items()) if ordinal < echoed]
        return (self._base, len(self._above)) != before

    def repeat(self) -> None:
        """Put the oldest unacknowledged block in line again: the timer has run out."""
        if self._base < self._next and self._base not in self._lost:
            self._lost.insert(0, self._base)

    def _send(self, sequence: int) -> Data:
        self._transmissions += 1
        self._ordinals[sequence] = self._transmissions
        start = sequence * self._block
        return Data(sequence, self._image[start : start + self._block])


class ReceiveWindow:
    """The receiver's side: collects blocks in any order, at most 32 beyond the first hole."""

    def __init__(self, *, size: int, block: int, kept: bytes = b"") -> None:
        self._size = size
        self._block = block
        self._count = -(-size // block)
        self._received = bytearray(kept[: len(kept) // block * block])
        self._ahead: dict[int, bytes] = {}

    @property
    def received(self) -> bytes:
        """Everything up to the first hole."""
        return bytes(self._received)

    @property
    def following(self) -> int:
        """Number of the first block that is missing."""
        return -(-len(self._received) // self._block)

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return len(self._received) == self._size

    def take(self, data: Data) -> Acknowledge:
        """Take a block; return what to tell the sender. A repeated one changes nothing."""
        sequence = data.sequence
        if sequence < self._count and len(data.payload) == self._length(sequence):
            if self.following < sequence <= self.following + SELECTIVE_BITS:
                self._ahead[sequence] = data.payload
            elif sequence == self.following:
                self._received += data.payload
                while (block := self._ahead.pop(self.following, None)) is not None:
                    self._received += block
        selective = sum(1 << (s - self.following - 1) for s in self._ahead)
        return Acknowledge(self.following, selective, sequence)

    def _length(self, sequence: int) -> int:
        return min(self._block, self._size - sequence * self._block)
