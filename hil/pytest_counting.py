"""Counts assertions that hold: pytest tells of each one if it was compiled to be told.

That is switched on by ``enable_assertion_pass_hook`` (``hil run`` does it). pytest keeps compiled
test files and does not remember whether they tell; files that do not are compiled again here.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any, Final

import _pytest.assertion.rewrite as rewriting

import hil

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    import pytest

OPTION: Final = "enable_assertion_pass_hook"
SWITCHED_ON: Final = ("-o", f"{OPTION}=true")
"""What switches it on, on a command line of pytest."""
_TELLS: Final = "_call_assertion_pass"
_REWRITTEN: Final = "_format_explanation"
_READ: Final = "_read_pyc"
_OURS: Final = str(Path(hil.__file__).parent) + os.sep


def is_on(config: pytest.Config) -> bool:
    """Whether assertions that hold are told."""
    return bool(config.getini(OPTION))


def compile_again(config: pytest.Config) -> None:
    """Have compiled test files that do not tell compiled again, until the end of the session.

    Where this pytest reads them in a way that is not known here, they are left alone; what tests
    in them assert is then not counted, and :func:`is_stale` says so.
    """
    read: Any = getattr(rewriting, _READ, None)
    if read is None or not is_on(config):
        return

    def read_if_it_tells(*arguments: object, **named: object) -> CodeType | None:
        found = read(*arguments, **named)
        return None if isinstance(found, CodeType) and _keeps_quiet(found) else found

    setattr(rewriting, _READ, read_if_it_tells)
    config.add_cleanup(lambda: setattr(rewriting, _READ, read))


def is_stale(item: pytest.Item) -> bool:
    """Whether the assertions of a test were compiled without telling."""
    code = getattr(getattr(item, "function", None), "__code__", None)
    return isinstance(code, CodeType) and _keeps_quiet(code)


def is_our_own() -> bool:
    """Whether the assertion that has just held is one of this package; pytest does not tell.

    To be called from ``pytest_assertion_pass``.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_name != _TELLS:
        frame = frame.f_back
    asserting = frame.f_back if frame is not None else None
    return asserting is not None and asserting.f_code.co_filename.startswith(_OURS)


def _keeps_quiet(code: CodeType) -> bool:
    names = {name for one in _all_of(code) for name in one.co_names}
    return _REWRITTEN in names and _TELLS not in names


def _all_of(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _all_of(constant)
