"""Until when what is carried out here may be: what it asks of others ends with it.

A call that is carried out beside, after it was answered, is no function call of its own any more;
it keeps the end of the one that began it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from hil.provisioning.function_calls import current_call

_UNTIL: ContextVar[float | None] = ContextVar("hil_valid_until", default=None)


@contextmanager
def valid_until(until: float | None) -> Iterator[None]:
    """Hand this end (seconds since 1970) on to all that is asked for inside; None: no end."""
    token = _UNTIL.set(until)
    try:
        yield
    finally:
        _UNTIL.reset(token)


def handed_on() -> float | None:
    """Return the end that :func:`valid_until` says, to be told to a peer."""
    return _UNTIL.get()


def end_of_validity() -> float | None:
    """Return until when the function call that is carried out here holds, or what was handed on."""
    call = current_call()
    return _UNTIL.get() if call is None else call.until
