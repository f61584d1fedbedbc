"""Notifications of changed profiles: ES4 and ES2 at an MNO, ES3 at an SM-DP."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Depends, FastAPI

from hil.provisioning.door import PeerDoor
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.http import es_messages as e
from hil.provisioning.http.face import caller_of
from hil.provisioning.notices import NAMES, Notice
from hil.provisioning.trust import Peer, Role

Take = Callable[[str, Notice], None]


def add_notices(app: FastAPI, door: PeerDoor, interface: str, sender: Role, take: Take) -> None:
    """Add the notifications of one interface; ``take`` gets the sender's id and the notice."""
    for event, name in NAMES.items():
        route = app.post(
            f"/{interface}/{name}", status_code=204, operation_id=f"{interface}_{name}"
        )
        route(_handler(door, sender, event, take))


def _handler(door: PeerDoor, sender: Role, event: str, take: Take) -> Callable[..., None]:
    caller = Depends(caller_of(door, sender))

    def handle(message: e.NoticeMessage, peer: Peer = caller) -> None:
        if message.event != event:
            raise Refusal(
                RefusalCode.INVALID, f"a notice of {message.event} came by the function of {event}"
            )
        take(peer.id, e.notice_of(message))

    return handle
