"""The permutation Keccak-f[1600] (FIPS 202, 3.3), which TUAK applies to whole states."""

from __future__ import annotations

from typing import Final

STATE_LENGTH: Final = 200
_ROUNDS: Final = 24
_MASK: Final = (1 << 64) - 1


def keccak_f1600(state: bytes) -> bytes:
    """Return the permuted state of 200 bytes; lanes are little-endian."""
    lanes = [int.from_bytes(state[at : at + 8], "little") for at in range(0, STATE_LENGTH, 8)]
    for constant in _CONSTANTS:
        lanes = _round(lanes, constant)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes)


def _round(lanes: list[int], constant: int) -> list[int]:
    # theta
    parity = [
        lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20] for x in range(5)
    ]
    mixed = [parity[x - 1] ^ _rotate(parity[(x + 1) % 5], 1) for x in range(5)]
    # rho and pi
    moved = [0] * 25
    for place, (target, offset) in enumerate(_MOVES):
        moved[target] = _rotate(lanes[place] ^ mixed[place % 5], offset)
    # chi
    result = [
        moved[row + x] ^ (~moved[row + (x + 1) % 5] & moved[row + (x + 2) % 5])
        for row in range(0, 25, 5)
        for x in range(5)
    ]
    # iota
    result[0] ^= constant
    return result


def _rotate(lane: int, bits: int) -> int:
    return (lane << bits | lane >> (64 - bits)) & _MASK if bits else lane


def _moves() -> tuple[tuple[int, int], ...]:
    """Return where each lane goes and by how many bits it turns (FIPS 202, 3.2.2 and 3.2.3)."""
    offsets = [0] * 25
    x, y = 1, 0
    for step in range(24):
        offsets[x + 5 * y] = (step + 1) * (step + 2) // 2 % 64
        x, y = y, (2 * x + 3 * y) % 5
    return tuple(
        (y + 5 * ((2 * x + 3 * y) % 5), offsets[x + 5 * y]) for y in range(5) for x in range(5)
    )


def _constants() -> tuple[int, ...]:
    """Return the round constants, made by the shift register of FIPS 202, 3.2.5."""
    register, found = 1, []
    for _ in range(_ROUNDS):
        constant = 0
        for power in range(7):
            if register & 1:
                constant |= 1 << (1 << power) - 1
            register = register << 1 ^ (0x171 if register & 0x80 else 0)
        found.append(constant)
    return tuple(found)


_MOVES: Final = _moves()
_CONSTANTS: Final = _constants()
