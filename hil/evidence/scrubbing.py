"""Takes known secrets out of a text, in all forms of :mod:`hil.evidence.secret_forms`.

A text that shows a part of a secret only, as pytest's shortened explanations do, loses that part;
less than :data:`~hil.evidence.secret_forms.SHORTEST` bytes are told from chance only beside the
dots of a shortened value.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from hil.evidence.secret_codes import BLOCK, Codes, block, is_one_digit
from hil.evidence.secret_forms import SEPARATORS, SHORTEST, Forms

# What a terminal's colours and the marks before the lines of an explanation put between the pieces
# of one value: `b'\x01'` at a line's end goes on as `E     +  b'\x02'` on the next.
_COLOUR: Final = r"\x1b\[[\d;]*m"
_NEXT_LINE: Final = r"(?:\r?\n(?:E {3,})?[ \t]*(?:[-+?][ \t]+)?)+"
_NEXT_PIECE: Final = rf"['\"]\)?{_NEXT_LINE}\(?b?['\"]"
_NOISE: Final = rf"{_COLOUR}|{_NEXT_PIECE}"
_NEVER: Final = re.compile(r"(?!)")
_ESCAPES: Final = re.compile(rf"{_NOISE}|\\+(?:x|u00)([\da-fA-F]{{2}})|\\+([abfnrtv0\\'\"])")
_SQUEEZED: Final = re.compile(rf"{_NOISE}|\s")
_BARE: Final = re.compile(rf"{_NOISE}|{_NEXT_LINE}|{SEPARATORS}", re.IGNORECASE)
_ANY: Final = re.compile(rf".{{{SHORTEST},}}", re.DOTALL)
_BASE64: Final = re.compile(rf"[A-Za-z\d+/]{{{2 * SHORTEST},}}", re.ASCII)
_HEX: Final = re.compile(rf"[\da-f]{{{2 * SHORTEST},}}", re.ASCII)
_NAMED: Final = dict(zip("abfnrtv0", "\a\b\f\n\r\t\v\0", strict=True))
_LOWER: Final = str.maketrans("ABCDEFX", "abcdefx")
_FOR_URLS: Final = str.maketrans("-_", "+/")
_SHORT_CODE: Final = re.compile(rb"\d{4,5}")
_CUT: Final = "..."
_LEAST_OF_CUT: Final = 6
"""Characters of a form's begin or end beside the dots of a shortened value."""
_STRETCH: Final = 65_536
"""Pieces of a long text that are looked up at once."""
_LEAST_VARIETY: Final = 5
"""Different characters in a piece of a secret that is taken for it: others come by chance."""


@dataclass(frozen=True, slots=True)
class _View:
    """A text as it is looked through: characters were taken out or decoded.

    Its part from ``begins[n]`` on is the text from ``at[n]`` on; ``decoded[n]``: how many
    characters of the text made the one there, 1 for text that was taken over.
    """

    begins: list[int]
    at: list[int]
    decoded: list[int]

    @classmethod
    def of(cls, text: str, pattern: re.Pattern[str]) -> _View:
        """Return what ``pattern``, decoded, leaves of ``text``."""
        begins, at, decoded = [0], [0], [1]
        length = last = 0

        def begin(where: int, width: int = 1) -> None:
            begins.append(length)
            at.append(where)
            decoded.append(width)

        for match in pattern.finditer(text):
            start, end = match.span()
            length += start - last
            if _decoded(match):
                begin(start, end - start)
                length += 1
            begin(end)
            last = end
        return cls(begins, at, decoded)

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the text from which the characters ``start`` to ``end`` came."""
        first, last = (bisect_right(self.begins, at) - 1 for at in (start, end - 1))
        return (
            self.at[first] + start - self.begins[first],
            self.at[last] + end - 1 - self.begins[last] + self.decoded[last],
        )


@dataclass(slots=True)
class _Needles:
    """Forms that are looked for in one view: whole ones, and pieces of the long ones."""

    piece: int
    """Characters of a piece."""
    run: re.Pattern[str]
    """What is long enough to have a piece in it."""
    whole: dict[str, str] = field(default_factory=dict, repr=False)
    heads: dict[str, list[str]] = field(default_factory=dict, repr=False)
    """Whole forms by their first SHORTEST characters."""
    pieces: dict[str, str] = field(default_factory=dict, repr=False)

    def add(self, form: str, name: str, *, by_pieces: bool) -> None:
        """Look for ``form``; whole only where its pieces would be found by chance."""
        starts = range(len(form) - self.piece + 1) if by_pieces else range(0)
        pieces = [form[start : start + self.piece] for start in starts]
        telling = [piece for piece in pieces if len(set(piece)) >= _LEAST_VARIETY]
        for piece in telling:
            self.pieces.setdefault(piece, name)
        if (not telling or len(telling) < len(pieces)) and form not in self.whole:
            self.whole[form] = name
            self.heads.setdefault(form[:SHORTEST], []).append(form)

    def found_in(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Give begin, end and name of what stands in ``text``; what is found may overlap."""
        for form in self._candidates(text):
            start = text.find(form)
            while start >= 0:
                yield start, start + len(form), self.whole[form]
                start = text.find(form, start + 1)
        size = self.piece
        for piece in set().union(*self._pieces_in(text)):
            start = text.find(piece)
            while start >= 0:
                yield start, start + size, self.pieces[piece]
                start = text.find(piece, start + 1)

    def _pieces_in(self, text: str) -> Iterator[set[str]]:
        """Give the pieces that stand in each stretch of ``text``; memory stays flat."""
        for run in self.run.finditer(text):
            starts = range(run.start(), run.end() - self.piece + 1)
            for first in range(0, len(starts), _STRETCH):
                stretch = starts[first : first + _STRETCH]
                yield {text[at : at + self.piece] for at in stretch} & self.pieces.keys()

    def _candidates(self, text: str) -> Iterable[str]:
        """Return the whole forms that may stand in ``text``: few in a short one, like a title."""
        if len(text) >= len(self.whole):
            return self.whole
        heads = {text[at : at + SHORTEST] for at in range(len(text) - SHORTEST + 1)}
        return [form for head in heads & self.heads.keys() for form in self.heads[head]]


class Scrubber:
    """Replaces known secrets in texts by ``[secret NAME]``.

    Of ``secrets`` (by name) those of less than :data:`~hil.evidence.secret_forms.SHORTEST` bytes
    are left out: they would be found by chance, everywhere; but for codes of 4 digits and more, and
    what is learned as a code (:mod:`hil.evidence.secret_codes`). Pieces are looked for of secrets
    of at least twice that length.
    """

    def __init__(self, secrets: Mapping[str, bytes]) -> None:
        self._as_is = _Needles(SHORTEST, _ANY)
        self._squeezed = _Needles(2 * SHORTEST, _BASE64)
        self._bare = _Needles(2 * SHORTEST, _HEX)
        self._quoted: dict[str, str] = {}
        self._codes = Codes()
        for name, secret in secrets.items():
            if len(secret) >= SHORTEST:
                self.learn(name, secret)
            elif _SHORT_CODE.fullmatch(secret):
                self.learn_code(name, secret)

    def learn(self, name: str, secret: bytes) -> None:
        """Look for ``secret``, of at least SHORTEST bytes, too."""
        self._learn(name, Forms.of(secret), long=len(secret) >= 2 * SHORTEST)
        for quoted in (repr(secret)[2:-1], secret.hex(), secret.hex().upper()):
            self._quoted.setdefault(quoted, name)

    def learn_code(self, name: str, code: bytes) -> None:
        """Look for ``code`` too, a PIN, PUK or ADM code of 4 to 8 digits."""
        self._codes.add(code, name)
        if len(code) >= SHORTEST and not is_one_digit(code):
            self.learn(name, code)
        forms = Forms.of(block(code))
        if len(code) == BLOCK:  # not filled: the block as it is would be the digits, anywhere
            del forms.as_is["bytes"], forms.as_is["Python"], forms.as_is["Python in JSON"]
        self._learn(name, forms, long=False)

    def _learn(self, name: str, forms: Forms, *, long: bool) -> None:
        for form, raw in forms.as_is.items():
            by_pieces = long and not form.startswith("Python")
            self._as_is.add(raw.decode("latin-1"), name, by_pieces=by_pieces)
        for form, raw in forms.squeezed.items():
            if not form.endswith("URL"):  # looked for in a text that is made base64
                by_pieces = long and form.startswith("base64")
                self._squeezed.add(raw.decode("latin-1"), name, by_pieces=by_pieces)
        for raw in forms.bare.values():
            self._bare.add(raw.decode("latin-1"), name, by_pieces=long)

    def scrub(self, text: str) -> str:
        """Return ``text`` without the secrets; the same object where there are none."""
        found = sorted(set(self._found_in(text)), key=lambda one: (one[0], -one[1]))
        if not found:
            return text
        parts: list[str] = []
        last = 0
        (begin, end, name), *others = found
        for start, stop, other in [*others, (len(text) + 1, 0, "")]:
            if start <= end:
                end = max(end, stop)
                continue
            parts += [text[last:begin], f"[secret {name}]"]
            last, begin, end, name = end, start, stop, other
        return "".join([*parts, text[last:]])

    def _found_in(self, text: str) -> Iterator[tuple[int, int, str]]:
        for pattern, needles, table in (
            (_NEVER, self._as_is, None),
            (_ESCAPES, self._as_is, None),
            (_SQUEEZED, self._squeezed, _FOR_URLS),
            (_BARE, self._bare, _LOWER),
        ):
            seen = pattern.sub(_decoded if pattern.groups else "", text)
            if pattern is _ESCAPES and seen == text:
                continue
            found = list(needles.found_in(seen.translate(table) if table else seen))
            if found:  # rarely: only then is it worked out where each character came from
                view = _View.of(text, pattern)
                for start, end, name in found:
                    yield *view.origin(start, end), name
        yield from self._codes.found_in(text)
        dots = text.find(_CUT)
        while dots >= 0:
            yield from self._cut_at(text, dots)
            dots = text.find(_CUT, dots + 1)

    def _cut_at(self, text: str, dots: int) -> Iterator[tuple[int, int, str]]:
        """Give what is left of secrets whose middle was cut out at ``dots``: 'be97...2e1b'."""
        behind = dots + len(_CUT)
        for quote in "'\"":
            start, end = text.rfind(quote, 0, dots) + 1, text.find(quote, behind)
            left, right = text[start:dots], text[behind:end]
            for form, name in self._quoted.items():
                if start and len(left) >= _LEAST_OF_CUT and form.startswith(left):
                    yield start, dots, name
                if end > 0 and len(right) >= _LEAST_OF_CUT and form.endswith(right):
                    yield behind, end, name


def _decoded(match: re.Match[str]) -> str:
    if not match.re.groups:
        return ""
    digits, named = match.groups()
    if digits:
        return chr(int(digits, 16))
    return _NAMED.get(named, named) if named else ""
