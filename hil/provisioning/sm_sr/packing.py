"""How few short messages can carry a row of TLVs: sizes of SCP80 packets and the best way to pack.

A packet to the eUICC is: 10 clear bytes, then counter, padding counter and checksum (14 bytes) with
the script, filled to whole AES blocks (ETSI TS 102 225). The script is ``AA`` with the TLVs inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hil.errors import ConfigError

CLEAR_BYTES: Final = 10
SECURED_BYTES: Final = 14
BLOCK: Final = 16
MAX_PARTS: Final = 255


@dataclass(frozen=True, slots=True)
class MessageSize:
    """What one short message and one packet may hold.

    ``octets``: user data of one message with its header, at most 140; some cards want less.
    ``parts``: how many messages may carry one packet.
    """

    octets: int = 140
    parts: int = 20

    def __post_init__(self) -> None:
        if not 64 <= self.octets <= 140 or not 1 <= self.parts <= MAX_PARTS:
            raise ConfigError(
                f"{self.octets} octets a message and {self.parts} messages a packet: "
                "64 to 140 and 1 to 255 are possible"
            )

    def messages(self, packet_bytes: int) -> int:
        """Return how many messages carry a packet of that size (3GPP TS 31.115, TS 23.040)."""
        if packet_bytes <= self.octets - 3:
            return 1
        beyond_first = packet_bytes - (self.octets - 8)
        return 1 + -(-beyond_first // (self.octets - 6))


def script_bytes(body: int) -> int:
    """Return the size of ``AA`` with a body of that many bytes."""
    head = 2 if body < 0x80 else 3 if body < 0x100 else 4
    return head + body


def packet_bytes(script: int) -> int:
    """Return the size of the ciphered packet around a script of that many bytes."""
    return CLEAR_BYTES + -(-(SECURED_BYTES + script) // BLOCK) * BLOCK


def pack(sizes: Sequence[int], size: MessageSize) -> list[range]:
    """Cut a row of TLVs, whole ones and in order, into packets that need the fewest messages.

    Among equally good ways the one with fewer packets is taken. ConfigError when one TLV alone
    needs more messages than a packet may have.
    """
    best: list[tuple[int, int, int]] = [(0, 0, 0)]
    for end in range(1, len(sizes) + 1):
        choices: list[tuple[int, int, int]] = []
        body = 0
        for start in range(end - 1, -1, -1):
            body += sizes[start]
            count = size.messages(packet_bytes(script_bytes(body)))
            if count > size.parts:
                break
            messages, packets, _ = best[start]
            choices.append((messages + count, packets + 1, start))
        if not choices:
            raise ConfigError(
                f"a TLV of {sizes[end - 1]} bytes does not fit {size.parts} messages of "
                f"{size.octets} octets: allow more messages a packet"
            )
        best.append(min(choices))
    cuts: list[range] = []
    end = len(sizes)
    while end:
        start = best[end][2]
        cuts.append(range(start, end))
        end = start
    return cuts[::-1]


def fewest_messages(sizes: Sequence[int], size: MessageSize) -> int:
    """Return how many messages :func:`pack` needs: the minimum for these TLVs."""
    return sum(
        size.messages(packet_bytes(script_bytes(sum(sizes[i] for i in cut))))
        for cut in pack(sizes, size)
    )
