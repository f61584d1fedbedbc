"""Receiving one image in frames: nothing is kept of a sender who is not, or no longer, accepted."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from hil.virtual.device.failures import Cme, Refusal
from hil.virtual.device.port import Port
from hil.wire import device_frames as frames
from hil.wire.device_frames import MAX_BLOCK, TransferResult
from hil.wire.device_window import ReceiveWindow

_log = logging.getLogger(__name__)
_LINGER_S: Final = 1.0
_GUARD_S: Final = 1.0
_LOOK_S: Final = 0.05
_ESCAPE_SEQUENCE: Final = b"+++"


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a sender announces: bytes, SHA-256, block length."""

    size: int
    digest: bytes
    block: int

    def check(self, *, max_image: int) -> None:
        """Refuse what cannot be received."""
        if not 1 <= self.block <= MAX_BLOCK or len(self.digest) != 32 or self.size < 1:
            raise Refusal(Cme.INCORRECT_PARAMETERS, "size, digest or block length out of range")
        if self.size > max_image:
            raise Refusal(Cme.IMAGE_TOO_LARGE, f"{self.size} bytes, more than {max_image}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the last reception ended: ``stored``, ``refused``, ``broken`` or ``none``."""

    result: str = "none"
    image_id: str = ""
    reason: str = ""


class Reception:
    """The receiver of the device; a broken transfer is kept in RAM until its sender resumes it."""

    def __init__(
        self,
        port: Port,
        *,
        idle_s: float,
        granted: Callable[[], bool],
        accept: Callable[[bytes], Awaitable[str]],
    ) -> None:
        self._port = port
        self._idle_s = idle_s
        self._granted = granted
        self._accept = accept
        self._partial: tuple[Announcement, bytes] | None = None
        self.outcome = Outcome()

    def offset(self, announced: Announcement, *, resume: bool) -> int:
        """Return from which byte the sender may go on; forget what broke off of another image."""
        if self._partial is None or self._partial[0] != announced or not resume:
            self._partial = None
            return 0
        return len(self._partial[1]) // announced.block * announced.block

    def forget(self) -> None:
        """Drop a broken transfer: its sender is no longer authenticated."""
        self._partial = None

    async def receive(self, announced: Announcement) -> None:
        """Receive frames until the sender finishes.

        Raises:
            Refusal: authentication lost, digest wrong, image refused, or the sender left.

        """
        kept = self._partial[1] if self._partial is not None else b""
        window = ReceiveWindow(size=announced.size, block=announced.block, kept=kept)
        self._partial = None
        self.outcome = Outcome("broken", reason="transfer not finished")
        try:
            await self._collect(window, announced)
        except Refusal as refusal:
            if refusal.code is Cme.TRANSFER_ABORTED and self._granted():
                self._partial = (announced, window.received)
            else:
                self.outcome = Outcome("refused", reason=refusal.reason)
            raise

    async def _collect(self, window: ReceiveWindow, announced: Announcement) -> None:
        deframer = frames.Deframer()
        while True:
            data = await self._hear(deframer)
            for frame in deframer.feed(data):
                if not self._granted():
                    await self._close(
                        TransferResult.AUTHENTICATION_LOST,
                        Refusal(Cme.AUTHENTICATION_LOST, "sender is no longer authenticated"),
                    )
                if isinstance(frame, frames.Data):
                    await self._port.write(frames.encode(window.take(frame)))
                elif isinstance(frame, frames.Finish):
                    await self._judge(window, announced, frame.digest)
                    return
                elif isinstance(frame, frames.Escape):
                    raise Refusal(Cme.TRANSFER_ABORTED, "the sender left the transfer")

    async def _hear(self, deframer: frames.Deframer) -> bytes:
        """Wait for bytes; ``+++`` between guard times, or silence, ends the transfer."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._idle_s
        while (left := deadline - loop.time()) > 0:
            try:
                async with asyncio.timeout(min(left, _LOOK_S)):
                    return await self._port.read()
            except TimeoutError:
                if not self._granted():
                    await self._close(
                        TransferResult.AUTHENTICATION_LOST,
                        Refusal(Cme.AUTHENTICATION_LOST, "sender is no longer authenticated"),
                    )
                if deframer.pending == _ESCAPE_SEQUENCE and self._idle_s - left >= _GUARD_S:
                    break
        raise Refusal(Cme.TRANSFER_ABORTED, "the sender fell silent")

    async def _judge(self, window: ReceiveWindow, announced: Announcement, digest: bytes) -> None:
        image = window.received
        actual = hashlib.sha256(image).digest()
        if not window.complete:
            await self._close(
                TransferResult.SIZE_WRONG, Refusal(Cme.DIGEST_WRONG, "blocks are missing")
            )
        if not (
            hmac.compare_digest(actual, digest) and hmac.compare_digest(actual, announced.digest)
        ):
            await self._close(
                TransferResult.DIGEST_WRONG, Refusal(Cme.DIGEST_WRONG, "SHA-256 does not fit")
            )
        try:
            image_id = await self._accept(image)
        except Refusal as refusal:
            await self._close(TransferResult.REFUSED, refusal)
            return
        except OSError as err:
            await self._close(TransferResult.STORE_FAILED, Refusal(Cme.STORE_FAILED, str(err)))
            return
        self.outcome = Outcome("stored", image_id)
        await self._say_done(TransferResult.STORED)

    async def _close(self, result: TransferResult, refusal: Refusal) -> None:
        await self._say_done(result)
        raise refusal

    async def _say_done(self, result: TransferResult) -> None:
        """Tell the verdict until the sender escapes, or for a while."""
        deframer = frames.Deframer()
        await self._port.write(frames.encode(frames.Done(result)))
        try:
            async with asyncio.timeout(_LINGER_S):
                while True:
                    for frame in deframer.feed(await self._port.read()):
                        if isinstance(frame, frames.Escape):
                            return
                        await self._port.write(frames.encode(frames.Done(result)))
        except TimeoutError:
            _log.debug("the sender did not confirm the verdict %s", result.name)
