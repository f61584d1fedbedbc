"""From the text of a condition to an :class:`~hil.applicability.expression.Expression`.

Grammar, words in any case but R, M, O and N/A::

    expression  = if | any
    if          = IF any THEN branch [ELSE branch]
    branch      = R | M | O | N/A | if | "(" branch ")"
    any         = all {or all}
    all         = not {and not}
    not         = not not | "(" any ")" | item [("=" | "<" | "<=" | ">" | ">=") number]
    item        = such as A.4/7, A.4.1/7a, O_BER_TLV
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from hil.applicability.expression import (
    OPERATORS,
    OUTCOMES,
    RESERVED,
    All,
    Any,
    Branch,
    Comparison,
    Condition,
    Expression,
    ExpressionError,
    If,
    Item,
    Not,
    Outcome,
)

MAX_LENGTH: Final = 2_000
MAX_DEPTH: Final = 50
ITEM: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.\-]*(?:/[0-9]+[A-Za-z]?)?")
"""Form of an item's id: a name, or the reference ``table/item`` of a proforma."""
_TOKEN: Final = re.compile(
    rf"\s*(?:(?P<na>N/A\b)|(?P<word>{ITEM.pattern})|(?P<number>-?[0-9]{{1,18}}\b)"
    r"|(?P<sign><=|>=|[=<>()]))"
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int


def parse(text: str) -> Expression:
    """Read a condition. Raises ExpressionError that names the column and what was expected."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"a condition of {len(text)} characters; {MAX_LENGTH} are the most")
    return _Parser(_tokens(text), len(text) + 1).expression()


def is_item(text: str) -> bool:
    """Return whether a text can be the id of an item."""
    return bool(ITEM.fullmatch(text)) and text.lower() not in RESERVED and text not in OUTCOMES


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            column = at + len(text[at:]) - len(text[at:].lstrip()) + 1
            raise ExpressionError(f"column {column}: {text[column - 1]!r} has no meaning here")
        kind, value = match.lastgroup, match[match.lastgroup]
        found.append(_Token(kind, value, match.start(match.lastgroup) + 1))
        at = match.end()
    return found


class _Parser:
    def __init__(self, tokens: list[_Token], end: int) -> None:
        self._tokens = tokens
        self._end = _Token("end", "", end)
        self._at = 0
        self._depth = 0
        self._items: list[Item] = []

    def expression(self) -> Expression:
        root: Condition | If = self._if() if self._is("if") else self._any()
        if self._next is not self._end:
            raise self._expected("'and', 'or' or the end")
        return Expression(root, tuple(self._items))

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else self._end

    def _is(self, word: str) -> bool:
        token = self._next
        return token.kind == "word" and token.text.lower() == word

    def _took(self, word: str) -> bool:
        if self._is(word) or (self._next.kind == "sign" and self._next.text == word):
            self._at += 1
            return True
        return False

    def _need(self, word: str) -> None:
        if not self._took(word):
            raise self._expected(f"'{word}'")

    def _expected(self, what: str) -> ExpressionError:
        token = self._next
        found = f"'{token.text}'" if token.text else "the end"
        return ExpressionError(f"column {token.column}: {what} is expected, not {found}")

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError(f"column {self._next.column}: nested deeper than {MAX_DEPTH}")

    def _if(self) -> If:
        self._deeper()
        self._need("if")
        condition = self._any()
        self._need("then")
        then = self._branch()
        otherwise: Branch = self._branch() if self._took("else") else Outcome("N/A")
        self._depth -= 1
        return If(condition, then, otherwise)

    def _branch(self) -> Branch:
        if self._is("if"):
            return self._if()
        if self._took("("):
            self._deeper()
            inner = self._branch()
            self._need(")")
            self._depth -= 1
            return inner
        token = self._next
        if token.text not in OUTCOMES:
            raise self._expected(f"{', '.join(OUTCOMES)} or IF")
        self._at += 1
        return Outcome(token.text)

    def _any(self) -> Condition:
        parts = [self._all()]
        while self._took("or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Any(tuple(parts))

    def _all(self) -> Condition:
        parts = [self._not()]
        while self._took("and"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _not(self) -> Condition:
        self._deeper()
        made: Condition
        if self._took("not"):
            made = Not(self._not())
        elif self._took("("):
            made = self._any()
            self._need(")")
        else:
            made = self._comparison()
        self._depth -= 1
        return made

    def _comparison(self) -> Item | Comparison:
        token = self._next
        if token.kind != "word" or not is_item(token.text):
            raise self._expected("an item, 'not' or '('")
        self._at += 1
        item = Item(token.text, token.column)
        self._items.append(item)
        sign = self._next
        if sign.kind != "sign" or sign.text not in OPERATORS:
            return item
        self._at += 1
        number = self._next
        if number.kind != "number":
            raise self._expected("a whole number")
        self._at += 1
        return Comparison(item, sign.text, int(number.text))
