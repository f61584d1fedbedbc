"""What an administration server may answer to a card (GlobalPlatform Amendment B, 3.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from hil.wire import admin_http
from hil.wire.apdu import CommandApdu
from hil.wire.command_script import CommandScript

PATH: Final = "/hil/administration"
"""Where the lab's server is."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Bytes of HTTP. ``close``: TLS is closed behind them, ``hang_up``: the link is cut then.

    ``changed`` is what becomes of the TLS records on their way.
    """

    http: bytes
    close: bool = False
    hang_up: bool = False
    changed: Callable[[bytes], bytes] | None = None


HOLD: Final = Answer(b"")
"""Nothing for now; the link stands."""

HANG_UP: Final = Answer(b"", hang_up=True)
"""The link is cut in place of an answer."""


def head(status: str, *fields: tuple[str, str]) -> bytes:
    """Return status line and header fields; ``status``: number and reason."""
    rows = [f"HTTP/1.1 {status}", f"{admin_http.X_PROTOCOL}: {admin_http.PROTOCOL}"]
    rows += [f"{name}: {value}" for name, value in fields]
    return "\r\n".join([*rows, "", ""]).encode("ascii")


def chunked(body: bytes, size: int = 1 << 16) -> bytes:
    """Return a body in chunks of at most so many bytes."""
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    rows = [b"%X\r\n%b\r\n" % (len(piece), piece) for piece in pieces]
    return b"".join(rows) + b"0\r\n\r\n"


def script(
    *commands: CommandApdu, uri: str | None = f"{PATH}?step=1", target: bytes | None = None
) -> Answer:
    """Return a script of commands in chunks, as SGP.02 has it; the answer is wanted at ``uri``."""
    return raw_script(CommandScript.of(commands).encode(), uri=uri, target=target)


def raw_script(
    data: bytes, *, uri: str | None = f"{PATH}?step=1", target: bytes | None = None
) -> Answer:
    """Return any data as a script."""
    fields = [("Transfer-Encoding", "chunked")]
    return Answer(head("200 OK", *script_fields(uri, target), *fields) + chunked(data))


def script_fields(uri: str | None, target: bytes | None = None) -> Iterable[tuple[str, str]]:
    """Return the header fields of a script, but for the length of its body."""
    if uri is not None:
        yield admin_http.X_NEXT_URI, uri
    if target is not None:
        yield admin_http.X_TARGET, admin_http.target(target)
    yield "Content-Type", admin_http.COMMANDS


def no_content(uri: str | None = None) -> Answer:
    """Return 204: the end, unless there is a URI to go on with."""
    fields = [] if uri is None else [(admin_http.X_NEXT_URI, uri)]
    return Answer(head("204 No Content", *fields))
