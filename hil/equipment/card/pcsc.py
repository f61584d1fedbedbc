"""The card in a PC/SC reader: pyscard's low-level calls, shared access, transactions.

The card is always left as it is on disconnect: pyscard's default takes its power away and so resets
everybody else's session. pyscard is imported at the first :meth:`PcscTransport.connect`, and the
environment (PCSCLITE_CSOCK_NAME) counts as it is then: libpcsclite reads it once a process. Never
fork a process that holds a connection.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

from hil.equipment.card import pcsc_codes
from hil.equipment.card.deadline import Abandon, Deadline, Interrupt
from hil.equipment.card.errors import (
    AmbiguousReaderError,
    CardRemovedError,
    CardTimeoutError,
    NoReaderError,
)
from hil.equipment.card.pcsc_codes import CARD_ABSENT, OK, SERVICE_LOST, error_for
from hil.equipment.card.pcsc_library import Scard, load
from hil.equipment.card.transport import CardProtocol
from hil.errors import BenchError, UsageError

_P = ParamSpec("_P")
_T = TypeVar("_T")

_NONE: Final = 0
_POLL_S: Final = 0.02
_SHORTEST_CALL_S: Final = 0.25
_POLL_PERIOD_S: Final = 0.5  # longer than the 400 ms between two polls of pcscd
_T1: Final = 2  # SCARD_PROTOCOL_T1
_BOTH: Final = 3  # T=0 or T=1, as the card says


class PcscTransport:
    """The transport over one PC/SC reader, chosen by a regular expression.

    ``interrupt`` takes the card out of its reader, which only the bench's own virtual readers can
    do; it makes a deadline cheap (see :mod:`hil.equipment.card.deadline`). It is used while the
    card is ours in a transaction: a call that is late at other times may be waiting for somebody
    else, whose card must not be taken.
    """

    def __init__(self, reader: str, *, interrupt: Callable[[], None] | None = None) -> None:
        try:
            self._pattern = re.compile(reader)
        except re.error as err:
            raise UsageError(f"reader pattern {reader!r} is no regular expression: {err}") from err
        self._reader = reader
        what = f"the card in reader {reader}"
        self._calls = Abandon(what, late=self._give_back_later)
        self._deadline: Deadline = Interrupt(what, interrupt) if interrupt else self._calls
        self._held = False
        self._library: Scard | None = None
        self._context = _NONE
        self._handle = _NONE
        self._pci = 0
        self._send: Callable[[int, int, list[int]], tuple[int, list[int]]] = _not_connected
        self._protocol: CardProtocol = "T=0"
        self._lost = False

    @property
    def description(self) -> str:
        """What a banner says: the full name once connected, else the pattern."""
        return f"PC/SC reader {self._reader!r}"

    @property
    def protocol(self) -> CardProtocol:
        """What pcscd agreed on with the card."""
        return self._protocol

    def connect(self, *, timeout_s: float) -> bytes:
        """Connect to the card, waiting for it until the deadline; return its ATR.

        A connection that still holds is taken up again, the card's state with it. After a loss
        whose removal the service never saw (a swap within 400 ms) the card is powered off and on:
        it may be another one, which never got its power.
        """
        deadline = time.monotonic() + timeout_s
        if self._handle and not self._lost and self._reconnect(deadline):
            return self._atr()
        was_lost = self._lost
        self.disconnect()
        self._open_context()
        self._reader = self._find_reader()
        swapped = was_lost and not self._removal_seen()
        self._connect_card(deadline)
        if swapped:
            self._power_cycle(deadline)
        self._lost = False
        return self._atr()

    def transmit(self, command: bytes, *, timeout_s: float) -> bytes:
        """Carry one command APDU; see :class:`hil.equipment.card.transport.CardTransport`."""
        if len(command) < 4:
            # vpcd would take one byte for a control code and hang.
            raise UsageError(f"a command APDU has at least 4 bytes, not {len(command)}")
        if self._lost or not self._handle:
            raise CardRemovedError(f"no connection to the card in reader {self._reader}: connect")
        try:
            code, answer = (self._deadline if self._held else self._calls).call(
                self._send,
                self._handle,
                self._pci,
                list(command),
                timeout_s=timeout_s,
            )
        except CardTimeoutError:
            if self._held and self._deadline is not self._calls:
                self._lost = True
            else:
                self._forget()
            raise
        if code == OK:
            # Success with nothing in it is how this stack says that the card died.
            self._lost = len(answer) < 2
            return bytes(answer)
        raise self._error(code, "SCardTransmit")

    def begin(self, *, timeout_s: float) -> None:
        """Take the card; waits while another program holds it, until the deadline."""
        if self._lost or not self._handle:
            raise CardRemovedError(f"no connection to the card in reader {self._reader}: connect")
        code = self._bounded(timeout_s, self._scard.SCardBeginTransaction, self._handle)
        if code != OK:
            raise self._error(code, "SCardBeginTransaction")
        self._held = True

    def end(self) -> None:
        """Give the card back."""
        self._held = False
        if self._handle:
            self._scard.SCardEndTransaction(self._handle, self._scard.SCARD_LEAVE_CARD)

    def reset(self, *, timeout_s: float) -> bytes:
        """Power the card off and on; other programs see it as a reset."""
        if self._lost or not self._handle:
            return self.connect(timeout_s=timeout_s)
        self._power_cycle(time.monotonic() + timeout_s)
        return self._atr()

    def disconnect(self) -> None:
        """Close the connection and leave the card as it is. May be called again."""
        if self._handle:
            self._scard.SCardDisconnect(self._handle, self._scard.SCARD_LEAVE_CARD)
        if self._context:
            self._scard.SCardReleaseContext(self._context)
        lost = self._lost
        self._forget()
        self._lost = lost
        self._deadline.close()
        self._calls.close()

    @property
    def _scard(self) -> Scard:
        if self._library is None:
            self._library = load()
        return self._library

    def _open_context(self) -> None:
        code, context = self._scard.SCardEstablishContext(self._scard.SCARD_SCOPE_USER)
        if code != OK:
            raise self._error(code, "SCardEstablishContext")
        self._context = context
        self._send = self._scard.SCardTransmit

    def _find_reader(self) -> str:
        code, names = self._scard.SCardListReaders(self._context, [])
        if _code(code) == pcsc_codes.NO_READERS:
            names = []
        elif code != OK:
            raise self._error(code, "SCardListReaders")
        found = [name for name in names if self._pattern.search(name)]
        listed = ", ".join(map(repr, names)) or "none"
        if not found:
            raise NoReaderError(
                f"no PC/SC reader fits {self._pattern.pattern!r}; there are: {listed}. "
                "Plug it in, or mend the pattern (card.pcsc.reader, --reader)"
            )
        if len(found) > 1:
            raise AmbiguousReaderError(
                f"{len(found)} PC/SC readers fit {self._pattern.pattern!r}: "
                f"{', '.join(map(repr, found))}. Make the pattern fit one"
            )
        return str(found[0])

    def _removal_seen(self) -> bool:
        """Return whether the reader is seen empty within the service's poll period.

        Without this pause pcscd finds the empty reader at our power cycle, while its poll, 400 ms
        apart, never does: it then ignores the next card until that is pulled again.
        """
        scard = self._scard
        states = [(self._reader, scard.SCARD_STATE_UNAWARE)]
        deadline = time.monotonic() + _POLL_PERIOD_S
        while True:
            left_ms = max(0, int((deadline - time.monotonic()) * 1000))
            code, found = scard.SCardGetStatusChange(self._context, left_ms, states)
            if code != OK:
                return False
            if not found[0][1] & scard.SCARD_STATE_PRESENT:
                return True
            states = [(self._reader, found[0][1] & ~scard.SCARD_STATE_CHANGED)]

    def _connect_card(self, deadline: float) -> None:
        scard = self._scard
        while True:
            code, handle, protocol = self._bounded(
                deadline - time.monotonic(),
                scard.SCardConnect,
                self._context,
                self._reader,
                scard.SCARD_SHARE_SHARED,
                _BOTH,
            )
            if code == OK:
                self._handle = handle
                self._agree(protocol)
                return
            if _code(code) not in CARD_ABSENT or time.monotonic() > deadline:
                raise self._error(code, "SCardConnect")
            time.sleep(_POLL_S)

    def _reconnect(self, deadline: float) -> bool:
        scard = self._scard
        code, protocol = self._bounded(
            deadline - time.monotonic(),
            scard.SCardReconnect,
            self._handle,
            scard.SCARD_SHARE_SHARED,
            _BOTH,
            scard.SCARD_LEAVE_CARD,
        )
        if code == OK:
            self._agree(protocol)
        else:
            self._lost = True
        return bool(code == OK)

    def _power_cycle(self, deadline: float) -> None:
        scard = self._scard
        code, protocol = self._bounded(
            deadline - time.monotonic(),
            scard.SCardReconnect,
            self._handle,
            scard.SCARD_SHARE_SHARED,
            _BOTH,
            scard.SCARD_UNPOWER_CARD,
        )
        if code != OK:
            raise self._error(code, "SCardReconnect")
        self._agree(protocol)

    def _bounded(
        self, timeout_s: float, function: Callable[_P, _T], *arguments: _P.args, **_: _P.kwargs
    ) -> _T:
        """Make a call that waits while another program holds the card, or while the card hangs."""
        timeout_s = max(_SHORTEST_CALL_S, timeout_s)
        try:
            return self._calls.call(function, *arguments, timeout_s=timeout_s)
        except CardTimeoutError as err:
            self._forget()
            raise CardTimeoutError(
                f"the card in reader {self._reader} was not free for {timeout_s:g} s: another "
                "program holds it, or it hangs; end the program or pull the card"
            ) from err

    def _give_back_later(self) -> Callable[[], object]:
        """Return what frees the card once a late call returns, with what we hold now."""
        scard, handle, context = self._scard, self._handle, self._context

        def give_back() -> None:
            if handle:
                scard.SCardDisconnect(handle, scard.SCARD_LEAVE_CARD)
            scard.SCardReleaseContext(context)

        return give_back

    def _agree(self, protocol: int) -> None:
        self._protocol = "T=1" if protocol == _T1 else "T=0"
        scard = self._scard
        self._pci = scard.SCARD_PCI_T1 if protocol == _T1 else scard.SCARD_PCI_T0

    def _atr(self) -> bytes:
        code, _, _, _, atr = self._scard.SCardStatus(self._handle)
        if code != OK:
            raise self._error(code, "SCardStatus")
        return bytes(atr)

    def _error(self, code: int, doing: str) -> BenchError:
        number = _code(code)
        if number in SERVICE_LOST:
            self._forget()
        elif number in CARD_ABSENT and self._handle:
            self._lost = True
        return error_for(number, doing=doing, reader=repr(self._reader))

    def _forget(self) -> None:
        """Let go without a word: the service is gone, or a late call still uses what we held."""
        self._handle = self._context = _NONE
        self._lost = True
        self._held = False


def _not_connected(handle: int, pci: int, command: list[int]) -> tuple[int, list[int]]:
    raise CardRemovedError(f"no connection for {len(command)} bytes ({handle}, {pci}): connect")


def _code(code: int) -> int:
    return code & 0xFFFFFFFF
