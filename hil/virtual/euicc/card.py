"""The virtual eUICC: power, reset and APDUs; safe to use from several threads."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.virtual.euicc.factory import Factory, read_factory
from hil.virtual.euicc.nvm import Nvm
from hil.virtual.euicc.persistent import Persistent
from hil.virtual.euicc.runtime import Runtime
from hil.wire.apdu import CommandApdu

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

log = logging.getLogger(__name__)

_WRONG_LENGTH: Final = b"\x67\x00"
_MEMORY_PROBLEM: Final = b"\x65\x81"
_SHORT_HEADER: Final = 5
"""CLA INS P1 P2 and one length byte; 00 there begins an extended length if more follows."""


class VirtualCard:
    """One eUICC. What it knows beyond :attr:`Runtime` is in its non-volatile memory.

    ``clock``: seconds, for what the card waits for.
    """

    def __init__(
        self, nvm: Nvm, factory: Factory, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._nvm = nvm
        self._clock = clock
        self._persistent = Persistent(nvm, factory)
        self._lock = threading.Lock()
        self._runtime: Runtime | None = None
        self._starts = 0

    @property
    def atr(self) -> bytes:
        """The answer to reset, also while the card is off."""
        return self._persistent.factory.atr

    @property
    def powered(self) -> bool:
        """Whether the card has power."""
        return self._runtime is not None

    @property
    def starts(self) -> int:
        """How often the card has begun anew, by power or reset, since it was opened."""
        return self._starts

    def power_on(self) -> bytes:
        """Give power; return the ATR. A card that has power keeps its state."""
        with self._lock:
            if self._runtime is None:
                self._start()
        return self.atr

    def reset(self) -> bytes:
        """Reset, cold or warm alike; return the ATR. All volatile state is lost."""
        with self._lock:
            self._start()
        return self.atr

    def power_off(self) -> None:
        """Take the power away; all volatile state is lost."""
        with self._lock:
            self._runtime = None

    def transmit(self, apdu: bytes) -> bytes:
        """Return the answer to one command APDU, never less than a status word.

        A card without power is given it: after a swap under a running reader nobody says so.
        """
        with self._lock:
            if self._runtime is None:
                self._start()
            try:
                command = CommandApdu.decode(apdu)
            except CodecError:
                return _WRONG_LENGTH
            if _in_extended_form(apdu) or self._runtime is None:
                return _WRONG_LENGTH
            try:
                return self._runtime.process(command).encode()
            except OSError as err:
                log.warning("card memory: %s", err)
                return _MEMORY_PROBLEM

    def close(self) -> None:
        """Take the power away and let go of the memory; may be called again."""
        with self._lock:
            self._runtime = None
            self._nvm.close()

    def _start(self) -> None:
        self._starts += 1
        self._runtime = Runtime(self._persistent, self._persistent.tree(), clock=self._clock)


def _in_extended_form(apdu: bytes) -> bool:
    """Whether the lengths are coded as the capabilities in the ATR say they may not be."""
    return len(apdu) > _SHORT_HEADER and not apdu[_SHORT_HEADER - 1]


def open_card(
    nvm: Path, factory: Mapping[str, object], *, clock: Callable[[], float] = time.monotonic
) -> VirtualCard:
    """Open the card whose memory is in the folder ``nvm``, new from ``factory`` if it is empty.

    :class:`~hil.errors.ConfigError` for a wrong factory file or the memory of another card,
    :class:`~hil.virtual.euicc.nvm.NvmError` for a damaged or busy one.
    """
    read = read_factory(factory)
    memory = Nvm(nvm)
    try:
        return VirtualCard(memory, read, clock=clock)
    except BaseException:
        memory.close()
        raise
