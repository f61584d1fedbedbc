"""One image transfer from the command that opens it to the verdict that closes it."""

from __future__ import annotations

import hashlib
import time

from hil.equipment.device import fields
from hil.equipment.device.at_channel import AtChannel
from hil.equipment.device.errors import (
    DeviceAnswerError,
    DeviceRefusal,
    DeviceUsageError,
    TransferError,
)
from hil.equipment.device.transfer import FrameSender, Sent
from hil.equipment.device.types import Progress, TransferReport
from hil.wire.device_frames import SELECTIVE_BITS, TransferResult
from hil.wire.device_window import DEFAULT_BLOCK, DEFAULT_WINDOW, SendWindow

_FINAL_S = 5.0


def send_image(
    channel: AtChannel, raw: bytes, *, progress: Progress | None, resume: bool, stall_s: float
) -> TransferReport:
    """Send ``raw`` over ``channel``; see :meth:`hil.equipment.device.Device.send_image`."""
    if not raw:
        raise DeviceUsageError("an empty image cannot be sent")
    digest = hashlib.sha256(raw).digest()
    started = time.monotonic()
    with channel.exclusive():
        offset, window = _open(channel, raw, digest, resume=resume)
        send = SendWindow(raw, block=DEFAULT_BLOCK, window=window, first=offset // DEFAULT_BLOCK)
        tell = progress or _nobody
        tell(send.acknowledged, len(raw))
        sent = _frames(channel, send, raw, digest, window=window, progress=tell, stall_s=stall_s)
        image_id = _verdict(channel, sent)
    return TransferReport(
        size=len(raw),
        sha256=digest,
        resumed_from=offset,
        frames=sent.transmissions,
        retransmitted=sent.retransmissions,
        seconds=time.monotonic() - started,
        image_id=image_id,
    )


def _open(channel: AtChannel, raw: bytes, digest: bytes, *, resume: bool) -> tuple[int, int]:
    row = channel.ask(
        "receive_image",
        until=("CONNECT",),
        size=len(raw),
        sha256=digest.hex().upper(),
        block=DEFAULT_BLOCK,
        resume=int(resume),
    )
    offset = fields.number(row, "offset")
    asked = fields.optional_number(row, "window")
    window = DEFAULT_WINDOW if asked is None else asked
    if not 0 <= offset <= len(raw) or not 1 <= window <= SELECTIVE_BITS:
        raise DeviceAnswerError(
            f"device offers to receive from byte {offset} of {len(raw)} with a window of {window}"
        )
    return offset, window


def _frames(
    channel: AtChannel,
    send: SendWindow,
    raw: bytes,
    digest: bytes,
    *,
    window: int,
    progress: Progress,
    stall_s: float,
) -> Sent:
    with channel.frames() as link:
        sender = FrameSender(
            link, send, digest=digest, window_bytes=window * DEFAULT_BLOCK, total=len(raw)
        )
        channel.note("out", f"image of {len(raw)} bytes in frames, from {send.acknowledged}")
        sent = sender.run(progress=progress, stall_s=stall_s)
        result = "no verdict heard" if sent.result is None else sent.result.name
        channel.note(
            "in", f"{result}: {sent.transmissions} frames, {sent.retransmissions} sent again"
        )
        link.unread(sent.text)
    return sent


def _verdict(channel: AtChannel, sent: Sent) -> str:
    """Read the final result code behind the frames, then ask what became of the image."""
    try:
        channel.final_lines("receive_image", timeout_s=_FINAL_S)
    except DeviceRefusal as refusal:
        raise TransferError("send_image", refusal.code, refusal.name) from refusal
    if sent.result not in (TransferResult.STORED, None):
        raise TransferError("send_image", None, sent.result.name.lower().replace("_", " "))
    row = channel.ask("received")
    if fields.text(row, "result") != "stored":
        raise TransferError("send_image", None, fields.text(row, "reason"))
    return fields.text(row, "image_id")


def _nobody(_done: int, _total: int) -> None:
    """Take no interest in progress."""
