"""The devices a support server knows: unique id, EID, life state, key set, failed attempts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row, delete, insert, select, update

from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.store import Store
from hil.provisioning.tables import DEVICES
from hil.wire.device_auth import DeviceKeySet
from hil.wire.identifiers import is_valid_eid

Life = Literal["development", "commercial"]


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """One device of the device maker; ``keys`` is None where only the jig shall decide."""

    device_id: str
    eid: str
    life: Life = "commercial"
    keys: DeviceKeySet | None = None


class DeviceRegistry:
    """Devices by unique id, with a count of failed attempts that outlives a restart."""

    def __init__(self, store: Store, *, attempt_limit: int = 5) -> None:
        self._store = store
        self._limit = attempt_limit

    def register(self, record: DeviceRecord) -> None:
        """Enter a device, or replace what is known of it; failed attempts stay counted."""
        if not record.device_id or not is_valid_eid(record.eid):
            raise Refusal(
                RefusalCode.INVALID, f"device {record.device_id!r} has no valid EID: {record.eid!r}"
            )
        failures = self.failures(record.device_id)
        with self._store.transaction() as connection:
            holder = connection.execute(
                select(DEVICES.c.device_id).where(
                    DEVICES.c.eid == record.eid, DEVICES.c.device_id != record.device_id
                )
            ).first()
            if holder is not None:
                raise Refusal(
                    RefusalCode.EXISTS,
                    f"eSIM {record.eid} belongs to the device {holder.device_id}",
                )
            connection.execute(delete(DEVICES).where(DEVICES.c.device_id == record.device_id))
            connection.execute(
                insert(DEVICES).values(
                    device_id=record.device_id,
                    eid=record.eid,
                    life=record.life,
                    kvn=record.keys.kvn if record.keys else None,
                    auth=record.keys.auth if record.keys else None,
                    enc=record.keys.enc if record.keys else None,
                    failures=failures,
                )
            )

    def find(self, device_id: str) -> DeviceRecord | None:
        """Return what is known of a device."""
        with self._store.transaction() as connection:
            row = connection.execute(
                select(DEVICES).where(DEVICES.c.device_id == device_id)
            ).first()
        return None if row is None else _record(row)

    def with_esim(self, eid: str) -> DeviceRecord | None:
        """Return the device that holds the eSIM ``eid``."""
        with self._store.transaction() as connection:
            return self.known(connection, eid)

    def holding(self, eids: Sequence[str]) -> frozenset[str]:
        """Return those of the EIDs whose eSIM is held by a device that is known here."""
        with self._store.transaction() as connection:
            rows = connection.execute(select(DEVICES.c.eid).where(DEVICES.c.eid.in_(set(eids))))
            return frozenset(row.eid for row in rows)

    def known(self, connection: Connection, eid: str) -> DeviceRecord | None:
        """Return the device that holds the eSIM ``eid``, inside the caller's transaction."""
        row = connection.execute(select(DEVICES).where(DEVICES.c.eid == eid)).first()
        return None if row is None else _record(row)

    def eids(self) -> tuple[str, ...]:
        """Return the EIDs of all devices, by device id."""
        with self._store.transaction() as connection:
            rows = connection.execute(select(DEVICES.c.eid).order_by(DEVICES.c.device_id)).all()
        return tuple(row.eid for row in rows)

    def failures(self, device_id: str) -> int:
        """Return how many attempts have failed since the last success."""
        with self._store.transaction() as connection:
            row = connection.execute(
                select(DEVICES.c.failures).where(DEVICES.c.device_id == device_id)
            ).first()
        return 0 if row is None else int(row.failures)

    def check_attempts(self, device_id: str) -> None:
        """Refuse a device whose attempts are used up."""
        failures = self.failures(device_id)
        if failures >= self._limit:
            raise Refusal(
                RefusalCode.ATTEMPTS_EXHAUSTED,
                f"device {device_id} failed to authenticate {failures} times in a row; it stays "
                "locked until an operator unlocks it",
                {"failures": failures},
            )

    def note_failure(self, device_id: str) -> int:
        """Count a failed attempt; return how many are left."""
        with self._store.transaction() as connection:
            connection.execute(
                update(DEVICES)
                .where(DEVICES.c.device_id == device_id)
                .values(failures=DEVICES.c.failures + 1)
            )
        return max(0, self._limit - self.failures(device_id))

    def clear_failures(self, device_id: str) -> None:
        """Forget failed attempts: after a success, or because an operator unlocks the device."""
        with self._store.transaction() as connection:
            connection.execute(
                update(DEVICES).where(DEVICES.c.device_id == device_id).values(failures=0)
            )


def _record(row: Row[Any]) -> DeviceRecord:
    keys = None
    if row.auth is not None:
        keys = DeviceKeySet(int(row.kvn), bytes(row.auth), bytes(row.enc))
    return DeviceRecord(row.device_id, row.eid, row.life, keys)
