"""Script chaining: what a script leaves to the next one (ETSI TS 102 226, 5.2.1).

The first script of a chain says whether the chain is deleted at a reset or kept; the last one ends
it. A kept one is in non-volatile memory, as a reset may come with a loss of power.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from hil.errors import CodecError
from hil.virtual.euicc.refusal import RefusalError
from hil.wire.command_script import CHAINING, Chaining, CommandScript, ResponseScript
from hil.wire.tlv import Tlv

if TYPE_CHECKING:
    from hil.virtual.euicc.nvm import Nvm

T = TypeVar("T", bound="State")

NO_PREVIOUS_SCRIPT: Final = 0x01
"""Chaining object in the answer when the first script is missing; the value is recollected."""

_FIRST: Final = frozenset({Chaining.FIRST_DELETED_ON_RESET, Chaining.FIRST_KEPT_ON_RESET})


class State(Protocol):
    """What goes from script to script."""

    def write(self) -> bytes:
        """Return what of it outlives a reset."""


Made_co = TypeVar("Made_co", bound="State", covariant=True)


class Making(Protocol[Made_co]):
    """Makes the state of a chain: a call at its start, :meth:`read` after a reset."""

    def __call__(self) -> Made_co:
        """Return the state at the start of a chain."""

    def read(self, raw: bytes) -> Made_co:
        """Return what was written; :class:`RefusalError` if it can not be gone on with."""


class ScriptChains(Generic[T]):
    """The chains of one kind of application, by its name.

    ``implicit``: scripts without chaining go on with each other until a reset.
    """

    def __init__(self, nvm: Nvm, *, implicit: bool = False) -> None:
        self._nvm = nvm
        self._implicit = implicit
        self._running: dict[str, T] = {}

    def begin(self, name: str, chaining: Chaining | None, make: Making[T]) -> T | None:
        """Return the state a script starts with; ``None`` if its first script is missing."""
        goes_on = chaining not in _FIRST if self._implicit else chaining not in (None, *_FIRST)
        state = self._known(name, make) if goes_on else None
        if state is not None:
            return state
        if goes_on and chaining is not None:
            return None
        self.forget(name)
        state = make()
        if chaining is not None or self._implicit:
            self._running[name] = state
        if chaining is Chaining.FIRST_KEPT_ON_RESET:
            self._keep(name, state.write())
        return state

    def end(self, name: str, chaining: Chaining | None, state: T) -> None:
        """Take note of what a script left."""
        if chaining is Chaining.LAST:
            self.forget(name)
        elif self._nvm.get(_key(name)) is not None:
            self._keep(name, state.write())

    def forget(self, name: str) -> None:
        """End a chain."""
        self._running.pop(name, None)
        if self._nvm.get(_key(name)) is not None:
            with self._nvm.transaction() as change:
                change.delete(_key(name))

    def _known(self, name: str, make: Making[T]) -> T | None:
        if name not in self._running:
            kept = self._nvm.get(_key(name))
            if kept is None:
                return None
            try:
                self._running[name] = make.read(kept)
            except RefusalError:
                self.forget(name)
                return None
        return self._running[name]

    def _keep(self, name: str, raw: bytes) -> None:
        if self._nvm.get(_key(name)) != raw:
            with self._nvm.transaction() as change:
                change.put(_key(name), raw)


def chaining_of(raw: bytes) -> Chaining | None:
    """Return what a script says about chaining; ``None`` also for one that can not be read."""
    try:
        return CommandScript.decode(raw).chaining
    except CodecError:
        return None


def no_previous_script() -> bytes:
    """Return the answer to a script whose first one is missing."""
    return ResponseScript((Tlv(CHAINING, bytes((NO_PREVIOUS_SCRIPT,))),), 0).encode()


def chain_name(owner: bytes, aid: bytes) -> str:
    """Return the name of an application's chain; it goes with the profile of its ISD-P."""
    return f"profile/{owner.hex()}/chain/{aid.hex()}"


def _key(name: str) -> str:
    return name
