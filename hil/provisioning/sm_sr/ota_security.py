"""What secures the packets of an SM-SR: the SCP80 key set of an eUICC, its counter, the SPI."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, Row, select, update

from hil.errors import CodecError
from hil.provisioning.tables import OTA_KEYS, OTA_WAYS
from hil.wire.scp80 import SGP02_SPI, OtaKeySet, SecurityParameters
from hil.wire.scp80_parameters import Spi

REPORT_SPI: Final = Spi(por_by_submit=False).encode()
"""``16 19``: as SGP.02 wants it, but with the proof of receipt in the delivery report."""


def ota_keys_of(connection: Connection, eid: str) -> OtaKeySet | None:
    """Return the SCP80 key set by which an eUICC is managed, None for an unknown one."""
    row = connection.execute(select(OTA_KEYS).where(OTA_KEYS.c.eid == eid)).first()
    return None if row is None else OtaKeySet(int(row.kvn), bytes(row.kic), bytes(row.kid))


def take_counter(connection: Connection, eid: str) -> tuple[OtaKeySet, int]:
    """Return the key set of an eUICC and the next counter, which is used up by that."""
    row = connection.execute(
        select(OTA_KEYS).where(OTA_KEYS.c.eid == eid).with_for_update()
    ).first()
    if row is None:
        raise CodecError(f"no SCP80 keys for the eUICC {eid}")
    counter = int(row.counter) + 1
    connection.execute(update(OTA_KEYS).where(OTA_KEYS.c.eid == eid).values(counter=counter))
    return OtaKeySet(int(row.kvn), bytes(row.kic), bytes(row.kid)), counter


def skip_counters(connection: Connection, eid: str, amount: int) -> None:
    """Leave counters out, because the card is further on than this SM-SR knows."""
    connection.execute(
        update(OTA_KEYS).where(OTA_KEYS.c.eid == eid).values(counter=OTA_KEYS.c.counter + amount)
    )


def parameters_of(connection: Connection, command: Row[Any]) -> SecurityParameters:
    """Return how the packet of a command is secured, and how its proof of receipt comes back."""
    way = connection.execute(
        select(OTA_WAYS.c.way).where(OTA_WAYS.c.job == command.job)
    ).scalar_one_or_none()
    spi = REPORT_SPI if way == "report" else SGP02_SPI
    return SecurityParameters(spi, bytes(command.tar))
