"""Sending one image in frames: keeps the window full, repeats what is lost, ends in a verdict."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import Final

from hil.equipment.device.errors import DeviceTimeoutError
from hil.equipment.device.serial_link import SerialLink
from hil.equipment.device.types import Progress
from hil.wire import device_frames as frames
from hil.wire.device_window import SendWindow

STALL_S: Final = 5.0
_ANSWER_S: Final = 0.25
_BITS_PER_BYTE: Final = 10
_LEAVE_TRIES: Final = 20
_FINAL_CODES: Final = (b"OK\r\n", b"NO CARRIER\r\n", b"ERROR")


@dataclass(frozen=True, slots=True)
class Sent:
    """How the frames ended: the verdict (None: the device left before it was heard), the cost.

    ``text`` is what the device said after the frames, for the command channel to read.
    """

    result: frames.TransferResult | None
    transmissions: int
    retransmissions: int
    text: bytes


class FrameSender:
    """Sends the blocks of one image over a line that is already in frame mode."""

    def __init__(
        self, link: SerialLink, send: SendWindow, *, digest: bytes, window_bytes: int, total: int
    ) -> None:
        self._link = link
        self._send = send
        self._digest = digest
        self._total = total
        self._deframer = frames.Deframer()
        self._result: frames.TransferResult | None = None
        self._progressed = False
        self._repeat_s = _ANSWER_S + window_bytes * _BITS_PER_BYTE / link.baudrate

    def run(self, *, progress: Progress, stall_s: float) -> Sent:
        """Send all that is missing, then the digest; return the device's verdict.

        Raises:
            DeviceTimeoutError: nothing new was acknowledged for ``stall_s``.
            DeviceLinkError: the line is gone.

        """
        try:
            self._send_blocks(progress, stall_s)
            self._finish(stall_s)
            text = self._leave()
        except DeviceTimeoutError:
            with contextlib.suppress(DeviceTimeoutError):
                self._link.write(frames.encode(frames.Escape()))
            raise
        return Sent(self._result, self._send.transmissions, self._send.retransmissions, text)

    def _send_blocks(self, progress: Progress, stall_s: float) -> None:
        deadline = time.monotonic() + stall_s
        shown = self._send.acknowledged
        while not self._send.complete and self._result is None:
            while (data := self._send.take()) is not None:
                self._link.write(frames.encode(data))
            if not self._receive(self._repeat_s):
                self._send.repeat()
            if self._progressed:
                self._progressed = False
                deadline = time.monotonic() + stall_s
            if time.monotonic() > deadline or self._left:
                raise self._stalled(stall_s)
            if self._send.acknowledged != shown:
                shown = self._send.acknowledged
                progress(shown, self._total)

    def _finish(self, stall_s: float) -> None:
        deadline = time.monotonic() + stall_s
        while self._result is None and not self._left:
            if time.monotonic() > deadline:
                raise self._stalled(stall_s)
            self._link.write(frames.encode(frames.Finish(self._digest)))
            self._receive(_ANSWER_S, only_result=True)

    def _receive(self, timeout_s: float, *, only_result: bool = False) -> bool:
        """Take what the line brings until there is something to do; False when time is up."""
        deadline = time.monotonic() + timeout_s
        while (left := deadline - time.monotonic()) > 0:
            woken = False
            for frame in self._deframer.feed(self._link.read(timeout_s=left)):
                if isinstance(frame, frames.Done):
                    self._result = frame.result
                elif isinstance(frame, frames.Acknowledge) and self._send.acknowledge(frame):
                    self._progressed = woken = True
            woken |= self._send.has_lost
            if self._result is not None or self._left or (woken and not only_result):
                return True
        return False

    @property
    def _left(self) -> bool:
        """Whether the device speaks in lines again: it closed the transfer by itself."""
        return any(code in self._deframer.pending for code in _FINAL_CODES)

    def _leave(self) -> bytes:
        """Escape until the device speaks in lines; return what it said there so far."""
        for _ in range(_LEAVE_TRIES):
            if b"\n" in self._deframer.pending:
                break
            self._link.write(frames.encode(frames.Escape()))
            self._deframer.feed(self._link.read(timeout_s=_ANSWER_S))
        return self._deframer.pending

    def _stalled(self, stall_s: float) -> DeviceTimeoutError:
        return DeviceTimeoutError(
            f"device port {self._link.port}: transfer stalled at byte {self._send.acknowledged} "
            f"of {self._total}: nothing new acknowledged for {stall_s:g} s; send it again to resume"
        )
