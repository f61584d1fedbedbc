"""Additional properties of an eUICC: what its maker tells beside the signed EIS (SGP.02, 5.2.2).

Names and values are the maker's; the SM-SR keeps them, shows them with the EIS, and hands them over
with the eUICC.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from hil.provisioning.es_status import FunctionStatus, refusal
from hil.provisioning.tables import EIS_PROPERTIES

MAX_PROPERTIES: Final = 64
MAX_NAME: Final = 64
MAX_VALUE: Final = 1000


def properties_of(connection: Connection, eid: str) -> dict[str, str]:
    """Return the additional properties of an eUICC, by name."""
    rows = connection.execute(
        select(EIS_PROPERTIES).where(EIS_PROPERTIES.c.eid == eid).order_by(EIS_PROPERTIES.c.name)
    )
    return {row.name: row.value for row in rows}


def set_properties(connection: Connection, eid: str, changed: Mapping[str, str]) -> None:
    """Set the named properties, in the caller's transaction; an empty value takes one away.

    The others stay as they are: that is how we read "update" in the name of the function.
    """
    known = properties_of(connection, eid) | dict(changed)
    left = {name: value for name, value in known.items() if value}
    _check(left)
    connection.execute(delete(EIS_PROPERTIES).where(EIS_PROPERTIES.c.eid == eid))
    for name, value in left.items():
        connection.execute(insert(EIS_PROPERTIES).values(eid=eid, name=name, value=value))


def _check(properties: Mapping[str, str]) -> None:
    if len(properties) > MAX_PROPERTIES:
        raise refusal(
            FunctionStatus.DATA_INVALID,
            f"an eUICC has up to {MAX_PROPERTIES} additional properties, not {len(properties)}",
        )
    for name, value in properties.items():
        if not 1 <= len(name) <= MAX_NAME or len(value) > MAX_VALUE:
            raise refusal(
                FunctionStatus.DATA_INVALID,
                f"a property has a name of 1 to {MAX_NAME} and a value of up to {MAX_VALUE} "
                "characters",
            )
