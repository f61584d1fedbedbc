"""One step of a prepared APDU script: what to send and what must come back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from hil.errors import CodecError
from hil.wire.apdu import CommandApdu, ResponseApdu

_RULE: Final = re.compile(
    r"(?=.{4}(\||$))[0-9A-F]{1,4}X{0,3}(\|(?=.{4}(\||$))[0-9A-F]{1,4}X{0,3})*"
)
SUCCESS: Final = "9000"


@dataclass(frozen=True, slots=True)
class ScriptStep:
    """A command APDU, the answer data to expect, and the status word to expect.

    * ``expected``: answer data, compared byte for byte; None: not predictable, not compared.
    * ``sw``: four hex digits, ``X`` at the end for any digit; several such rules with ``|``
      between them, one of which must fit. ``9000`` also accepts 91xx: the card did it and has a
      proactive command waiting (ETSI TS 102 221).
    """

    command: bytes
    expected: bytes | None = None
    sw: str = SUCCESS

    def __post_init__(self) -> None:
        if not _RULE.fullmatch(self.sw):
            raise CodecError(f"status word rule {self.sw!r} is not like 9000, 63CX or 9000|6A88")
        CommandApdu.decode(self.command)

    def accepts_sw(self, sw: int) -> bool:
        """Tell whether the status word fits the rule."""
        rules = self.sw.split("|")
        if SUCCESS in rules and sw >> 8 == 0x91:
            return True
        return any(f"{sw:04X}".startswith(rule.rstrip("X")) for rule in rules)

    def mismatch(self, response: ResponseApdu) -> str | None:
        """Return what is wrong with the card's answer, without its data; None if it fits."""
        if not self.accepts_sw(response.sw):
            return f"status word {response.sw:04X} instead of {self.sw}"
        if self.expected is None or response.data == self.expected:
            return None
        if len(response.data) != len(self.expected):
            return f"{len(response.data)} answer bytes instead of {len(self.expected)}"
        pairs = zip(response.data, self.expected, strict=True)
        place = next(i for i, (got, wanted) in enumerate(pairs) if got != wanted)
        return f"answer differs from the prepared one at byte {place}"

    def to_row(self) -> list[object]:
        """Return the step as a CBOR row: command, expected data or null, status word rule."""
        return [self.command, self.expected, self.sw]

    @classmethod
    def from_row(cls, row: object) -> ScriptStep:
        """Read a CBOR row; raise CodecError if it is no step."""
        if not isinstance(row, (list, tuple)) or len(row) != 3:
            raise CodecError("a step is a row of command, expected data and status word")
        command, expected, sw = row
        if not isinstance(command, bytes) or not isinstance(expected, (bytes, type(None))):
            raise CodecError("command and expected data of a step must be byte strings")
        if not isinstance(sw, str):
            raise CodecError("status word rule of a step must be a text")
        return cls(command, expected, sw)
