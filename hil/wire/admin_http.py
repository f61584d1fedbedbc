"""HTTP of administration sessions: headers, targets, and the card's requests (Amendment B, 3.4)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hil.errors import CodecError

PROTOCOL: Final = "globalplatform-remote-admin/1.0"
COMMANDS: Final = "application/vnd.globalplatform.card-content-mgt;version=1.0"
RESPONSES: Final = "application/vnd.globalplatform.card-content-mgt-response;version=1.0"
X_PROTOCOL: Final = "X-Admin-Protocol"
X_FROM: Final = "X-Admin-From"
X_NEXT_URI: Final = "X-Admin-Next-URI"
X_TARGET: Final = "X-Admin-Targeted-Application"
X_STATUS: Final = "X-Admin-Script-Status"
X_RESUME: Final = "X-Admin-Resume"
_RID: Final = 5
_TARGET: Final = re.compile(r"//aid/([0-9A-Fa-f]{10})/((?:[0-9A-Fa-f]{2}){0,11})")
_FROM: Final = re.compile(r"//se-id/eid/([0-9]{32});//aa-id/aid/([0-9A-Fa-f]{10})/([0-9A-Fa-f]*)")
_URI: Final = re.compile(r"/[\x21-\x7e]*")


class ScriptStatus(StrEnum):
    """What became of the script of the answer before."""

    OK = "ok"
    UNKNOWN_APPLICATION = "unknown-application"
    NOT_A_SECURITY_DOMAIN = "not-a-security-domain"
    SECURITY_ERROR = "security-error"


@dataclass(frozen=True, slots=True)
class AdminPost:
    """One request of the card. ``status`` and ``body`` answer the script before; None at first.

    ``resume``: the link broke after the last request that reached the server.
    """

    uri: str
    host: str
    agent_id: str
    status: ScriptStatus | None = None
    body: bytes | None = None
    resume: bool = False

    def encode(self) -> bytes:
        """Return the request; a body goes as one chunk."""
        if not _URI.fullmatch(self.uri):
            raise CodecError("the URI of an administration request is an absolute path")
        rows = [
            f"POST {self.uri} HTTP/1.1",
            f"Host: {self.host}",
            f"{X_PROTOCOL}: {PROTOCOL}",
            f"{X_FROM}: {self.agent_id}",
        ]
        if self.resume:
            rows.append(f"{X_RESUME}: true")
        if self.status is not None:
            rows.append(f"{X_STATUS}: {self.status}")
        tail = b""
        if self.body is None:
            rows.append("Content-Length: 0")
        else:
            rows += [f"Content-Type: {RESPONSES}", "Transfer-Encoding: chunked"]
            if self.body:
                tail = b"%X\r\n%b\r\n" % (len(self.body), self.body)
            tail += b"0\r\n\r\n"
        return "\r\n".join([*rows, "", ""]).encode("ascii") + tail


def agent_id(eid: str, aid: bytes) -> str:
    """Return X-Admin-From of a security domain (SGP.02, 2.4.4.2)."""
    return f"//se-id/eid/{eid};//aa-id/aid/{_split(aid)}"


def parse_agent_id(text: str) -> tuple[str, bytes]:
    """Return EID and AID of X-Admin-From."""
    match = _FROM.fullmatch(text)
    if match is None or len(match[3]) % 2:
        raise CodecError(f"X-Admin-From {text[:100]!r} does not name an EID and an AID")
    return match[1], bytes.fromhex(match[2] + match[3])


def target(aid: bytes) -> str:
    """Return X-Admin-Targeted-Application."""
    return f"//aid/{_split(aid)}"


def parse_target(text: str) -> bytes:
    """Return the AID of X-Admin-Targeted-Application."""
    match = _TARGET.fullmatch(text)
    if match is None:
        raise CodecError(f"{X_TARGET} {text[:100]!r} is not //aid/RID/PIX")
    return bytes.fromhex(match[1] + match[2])


def next_uri(text: str) -> str:
    """Return the path of X-Admin-Next-URI; scheme and host of a whole URI are passed over."""
    path = re.sub(r"^https?://[^/?#]+", "", text) or "/"
    if not _URI.fullmatch(path):
        raise CodecError(f"{X_NEXT_URI} {text[:100]!r} is no URI of HTTP")
    return path


def _split(aid: bytes) -> str:
    return f"{aid[:_RID].hex().upper()}/{aid[_RID:].hex().upper()}"
