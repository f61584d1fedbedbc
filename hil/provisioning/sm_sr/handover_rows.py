"""A change of the SM-SR as both ends keep it (SGP.02, 3.8), and what goes over with the eUICC.

| direction | state | meaning |
|---|---|---|
| out | offered | the MNO has asked; the EIS is still to be sent |
| out | running | the new SM-SR has the EIS and does its part |
| in | prepared | the MNO has said that an eUICC will come |
| in | received | the EIS is here; the ISD-R is to be shown our certificate |
| in | challenged | the card's challenge is here; keys are to be established |
| in | entered | our keys are on the card and the EIS is ours; the old keys are to be deleted |
| in | renewing | the old keys are deleted; our SCP81 key is to be put on the card |
| both | done, failed | the end |
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select, update

from hil.errors import CodecError
from hil.provisioning.eis import SignedEis
from hil.provisioning.sm_sr.eis_rows import EisProfileRow
from hil.provisioning.tables import HANDOVERS

OUT: Final = "out"
IN: Final = "in"
LEAVING: Final = ("offered", "running")
ARRIVING: Final = ("entered", "renewing")
COMING: Final = ("received", "challenged", *ARRIVING)


@dataclass(frozen=True, slots=True)
class HandoverReport:
    """How a change of the SM-SR stands at one of its ends."""

    eid: str
    direction: str
    other: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class HandedEis:
    """What goes over: the maker's EIS, the state of the profiles, the number, key versions.

    ``kvns``: SCP80 key sets that the old SM-SR has on the ISD-R; ``scp81``: key versions and
    identifiers of its keys for administration sessions. The new one has all of them deleted.
    """

    eid: str
    signed: SignedEis
    msisdn: str | None
    kvns: tuple[int, ...]
    profiles: tuple[EisProfileRow, ...]
    scp81: tuple[tuple[int, int], ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> str:
        """Return it as JSON."""
        return json.dumps(
            {
                "eid": self.eid,
                "payload": self.signed.payload.hex(),
                "signature": self.signed.signature.hex(),
                "msisdn": self.msisdn,
                "kvns": list(self.kvns),
                "scp81": [list(one) for one in self.scp81],
                "properties": dict(self.properties),
                "profiles": [
                    asdict(row) | {"isdp_aid": row.isdp_aid.hex()} for row in self.profiles
                ],
            }
        )

    @classmethod
    def decode(cls, text: str) -> HandedEis:
        """Read what :meth:`encode` wrote; CodecError for anything else."""
        try:
            raw: Any = json.loads(text)
            rows = tuple(
                EisProfileRow(**row | {"isdp_aid": bytes.fromhex(row["isdp_aid"])})
                for row in raw["profiles"]
            )
            signed = SignedEis(bytes.fromhex(raw["payload"]), bytes.fromhex(raw["signature"]))
            kvns = tuple(int(kvn) for kvn in raw["kvns"])
            scp81 = tuple((int(kvn), int(kid)) for kvn, kid in raw.get("scp81", ()))
            told = {str(name): str(value) for name, value in raw.get("properties", {}).items()}
            return cls(raw["eid"], signed, raw["msisdn"], kvns, rows, scp81, told)
        except (ValueError, TypeError, KeyError, AttributeError) as err:
            raise CodecError(f"handed EIS cannot be read: {type(err).__name__}") from err

    def of(self, eid: str) -> HandedEis:
        """Return it with profiles that all name this eUICC."""
        return replace(self, profiles=tuple(replace(row, eid=eid) for row in self.profiles))


def find(connection: Connection, eid: str, direction: str) -> Row[Any] | None:
    """Return the handover of an eUICC in one direction."""
    return connection.execute(
        select(HANDOVERS).where(HANDOVERS.c.eid == eid, HANDOVERS.c.direction == direction)
    ).first()


def begin(connection: Connection, eid: str, direction: str, **values: object) -> None:
    """Enter a handover; one that has ended is forgotten."""
    connection.execute(
        delete(HANDOVERS).where(HANDOVERS.c.eid == eid, HANDOVERS.c.direction == direction)
    )
    connection.execute(insert(HANDOVERS).values(eid=eid, direction=direction, **values))


def change(connection: Connection, eid: str, direction: str, **values: object) -> None:
    """Change a handover."""
    connection.execute(
        update(HANDOVERS)
        .where(HANDOVERS.c.eid == eid, HANDOVERS.c.direction == direction)
        .values(**values)
    )


def in_states(connection: Connection, direction: str, states: tuple[str, ...]) -> list[Row[Any]]:
    """Return the handovers in one of some states, the oldest first."""
    return list(
        connection.execute(
            select(HANDOVERS)
            .where(HANDOVERS.c.direction == direction, HANDOVERS.c.state.in_(states))
            .order_by(HANDOVERS.c.begun_at, HANDOVERS.c.eid)
        )
    )


def went_to(connection: Connection, eid: str) -> str | None:
    """Return the SM-SR to which an eUICC went from here the last time, where that is known."""
    row = find(connection, eid, OUT)
    return row.other if row is not None and row.state == "done" else None


def is_arriving(connection: Connection, eid: str) -> bool:
    """Whether an eUICC is ours, but its keys are not all in order yet.

    It goes back if the card refuses to have the old ones deleted.
    """
    row = find(connection, eid, IN)
    return row is not None and row.state in ARRIVING


def is_leaving(connection: Connection, eid: str) -> bool:
    """Whether an eUICC is on its way to another SM-SR."""
    row = find(connection, eid, OUT)
    return row is not None and row.state in LEAVING
