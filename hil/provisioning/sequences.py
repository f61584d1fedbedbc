"""Numbers that are given out once: serials of ICCIDs, IMSIs and alike, kept in the store."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from hil.provisioning.tables import SEQUENCES


def take(connection: Connection, name: str, amount: int = 1, *, first: int = 0) -> range:
    """Take ``amount`` consecutive numbers of the sequence ``name``, which begins with ``first``."""
    row = connection.execute(
        select(SEQUENCES.c.next).where(SEQUENCES.c.name == name).with_for_update()
    ).first()
    start = first if row is None else int(row.next)
    if row is None:
        connection.execute(insert(SEQUENCES).values(name=name, next=start + amount))
    else:
        connection.execute(
            update(SEQUENCES).where(SEQUENCES.c.name == name).values(next=start + amount)
        )
    return range(start, start + amount)
