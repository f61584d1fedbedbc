"""The forms that people and programs write a secret down in."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

SHORTEST: Final = 6
"""Bytes of the shortest secret that is looked for: a shorter one is found by chance."""

SEPARATORS: Final = r"\\?x|0x|[\s:,_'\"\[\]-]"
"""What may stand between the hex digits of a secret: a regular expression, case ignored."""


@dataclass(frozen=True, slots=True)
class Forms:
    """Forms of one secret, by name, by what is done to a text before they are looked for.

    ``as_is``: nothing; ``squeezed``: white space is taken out; ``bare``: :data:`SEPARATORS` are
    taken out, and digits are lower hex.
    """

    as_is: dict[str, bytes] = field(repr=False)
    squeezed: dict[str, bytes] = field(repr=False)
    bare: dict[str, bytes] = field(repr=False)

    @classmethod
    def of(cls, secret: bytes) -> Forms:
        """Return all forms of ``secret``."""
        swapped = bytes((one & 0x0F) << 4 | one >> 4 for one in secret)
        python = repr(secret)[2:-1].encode()
        digits = {"hex": secret.hex(), "hex, nibbles swapped": swapped.hex()}
        sources = {"": secret, " of hex": secret.hex().encode()}
        sources[" of upper hex"] = secret.hex().upper().encode()
        encoded = {
            f"base64{of}, byte {shift}": form
            for of, source in sources.items()
            for shift in range(3)
            for form in [_base64(source, shift)]
        }
        web = {f"{name}, URL": _for_urls(form) for name, form in encoded.items()}
        numbers = ",".join(map(str, secret)).encode()
        return cls(
            {
                "bytes": secret,
                "bytes, nibbles swapped": swapped,
                "Python": python,
                "Python in JSON": python.replace(b"\\", b"\\\\"),
            },
            encoded | web | {"decimal numbers": numbers},
            {name: form.encode() for name, form in digits.items()},
        )

    @property
    def longest(self) -> int:
        """Length of the longest form."""
        return max(len(form) for form in (self.as_is | self.squeezed | self.bare).values())

    def found_in(self, part: bytes, squeezed: bytes, bare: bytes) -> Iterator[str]:
        """Give the names of the forms that stand in a text, given in the three ways."""
        for forms, where in (
            (self.as_is, part),
            (self.squeezed, squeezed),
            (self.bare, bare),
        ):
            yield from (name for name, form in forms.items() if form in where)


def _base64(raw: bytes, shift: int) -> bytes:
    """Return the part of a base64 text that ``raw`` alone decides, ``shift`` bytes before it."""
    whole = base64.b64encode(bytes(shift) + raw)
    return whole[-(-8 * shift // 6) : 8 * (shift + len(raw)) // 6]


def _for_urls(form: bytes) -> bytes:
    return form.replace(b"+", b"-").replace(b"/", b"_")
