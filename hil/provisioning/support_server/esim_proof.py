"""The eSIM proves itself: its ISD-R answers INITIALIZE UPDATE with a cryptogram of its key set.

Operation 550 lets the server authenticate the eSIM instead of the device. The server draws an
8-byte host challenge; the line station sends the command through the device and brings the answer
back. The audit key set is used, so that looking never makes an image stale.
"""

from __future__ import annotations

from dataclasses import dataclass

from hil.errors import CodecError
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.identifiers import ISD_R_AID
from hil.wire.isdr_commands import AUDIT_KVN
from hil.wire.scp03 import HostSession
from hil.wire.scp03_keys import KeySet


@dataclass(frozen=True, slots=True)
class EsimChallenge:
    """What the line station sends to the card: SELECT of the ISD-R, then INITIALIZE UPDATE."""

    select: bytes
    initialize_update: bytes


def esim_challenge(host_challenge: bytes, *, kvn: int = AUDIT_KVN) -> EsimChallenge:
    """Return both commands for an 8-byte host challenge."""
    return EsimChallenge(
        CommandApdu(0x00, 0xA4, 0x04, 0x00, ISD_R_AID, 256).encode(),
        CommandApdu(0x80, 0x50, kvn, 0x00, host_challenge, 256).encode(),
    )


def esim_objection(answer: bytes, keys: KeySet, host_challenge: bytes) -> str | None:
    """Return why the answer to INITIALIZE UPDATE does not prove the eSIM, or None when it does."""
    session = HostSession(keys, host_challenge)
    try:
        session.initialize_update()
        session.open(ResponseApdu.decode(answer), aid=ISD_R_AID)
    except CodecError as err:
        return f"eSIM: {err}"
    return None
