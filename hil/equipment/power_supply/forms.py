"""How a model writes what it says: numbers, words, and the bits of a register."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

RegisterForm = Literal["decimal", "hexadecimal", "byte"]
"""How a register is sent: digits (``512``), hex digits (``0x0224``), or one raw byte."""


ONE_ZERO: Final = MappingProxyType({"1": True, "0": False})
ON_OFF: Final = MappingProxyType({"ON": True, "OFF": False})
ANY_BOOLEAN: Final = MappingProxyType({**ONE_ZERO, **ON_OFF})


@dataclass(frozen=True, slots=True)
class NumberForm:
    """How a reply writes a number: fixed decimals (a cut-off reply has fewer), or NR3 if None.

    With ``exponent`` NR3 is understood besides fixed decimals, for models whose manual is silent.
    ``echo`` stands before the number (``V1 3.300``) and may hold ``{n}``; ``unit`` stands behind it
    (``3.300V``). ``length`` is the bytes of the whole reply where no terminator ends it.
    """

    decimals: tuple[int, int] | None
    exponent: bool = False
    echo: str = ""
    unit: str = ""
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """A query answered by a word; ``answers`` are all that it may give, in capitals."""

    query: str
    answers: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class Bits:
    """A query answered by a register: true if a bit of ``mask`` is set.

    ``mask`` may differ by channel. ``event``: reading clears the register, so that what was read
    once is remembered until the trip is cleared.
    """

    query: str
    mask: int | Mapping[int, int]
    form: RegisterForm = "decimal"
    event: bool = False

    def mask_of(self, channel: int) -> int:
        """Return the mask for a channel."""
        return self.mask if isinstance(self.mask, int) else self.mask[channel]


YesNo = Word | Bits
"""Whatever a query answers with yes or no."""
