"""What a test case checks, and how that stands in the evidence.

An assertion that holds is recorded by its source text, and so is a judged measurement (``judge``).
A refusal that a test expects is a check as well: :func:`refusal` records which one came.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import pytest

from hil.evidence import check

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["check", "refusal"]

_Refusal = TypeVar("_Refusal", bound=BaseException)


@contextmanager
def refusal(kind: type[_Refusal], match: str = "") -> Iterator[pytest.ExceptionInfo[_Refusal]]:
    """Expect what stands in the context to be refused by an error of ``kind``.

    ``match`` is a regular expression that its text must hold. Yields what :func:`pytest.raises`
    does. Fails as that does where nothing is refused, or with another text.
    """
    with pytest.raises(kind, match=match or None) as caught:
        yield caught
    check(f"refused: {kind.__name__}" + (f" ({match})" if match else ""))
