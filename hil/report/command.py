"""A command as the words see it: header, data, answer, read leniently from what was exchanged."""

from __future__ import annotations

from dataclasses import dataclass

from hil.wire.current_files import channel_of


@dataclass(frozen=True, slots=True)
class Command:
    """Header bytes, command data and answer data; missing header bytes of a torn one are 0."""

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes
    answer: bytes

    @classmethod
    def read(cls, header: bytes, data: bytes, answer: bytes) -> Command:
        """Read any bytes."""
        cla, ins, p1, p2 = (header + bytes(4))[:4]
        return cls(cla, ins, p1, p2, data, answer)

    @property
    def channel(self) -> int:
        """Logical channel."""
        return channel_of(self.cla)

    @property
    def secured(self) -> bool:
        """Whether the class says secure messaging: what is inside is not for reading."""
        return bool(self.cla & (0x20 if self.cla & 0x40 else 0x0C))

    @property
    def proprietary(self) -> bool:
        """Whether the class is that of GlobalPlatform and of the toolkit (b8)."""
        return bool(self.cla & 0x80)
