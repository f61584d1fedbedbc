"""The keys of administration sessions (SCP81), which an SM-SR gets with the EIS."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from hil.errors import CodecError
from hil.provisioning.eum import AdminKey
from hil.provisioning.store import Store
from hil.provisioning.tables import ADMIN_KEYS
from hil.wire.admin_session import PskIdentity
from hil.wire.identifiers import ISD_R_AID


class AdminKeys:
    """Finds a key by EID, and by the identity that a card shows in TLS."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, eid: str) -> AdminKey | None:
        """Return the key of an eUICC, None for one that has no SCP81."""
        with self._store.transaction() as connection:
            return admin_key_of(connection, eid)

    def find(self, identity: bytes) -> bytes | None:
        """Return the pre-shared key of an identity, None for an unknown one."""
        try:
            read = PskIdentity.decode(identity)
        except CodecError:
            return None
        key = self.of(read.eid)
        if key is None or read.aid != ISD_R_AID or (read.kvn, read.kid) != (key.kvn, key.kid):
            return None
        return key.psk


def admin_key_of(connection: Connection, eid: str) -> AdminKey | None:
    """Return the key of an eUICC, in the caller's transaction."""
    row = connection.execute(select(ADMIN_KEYS).where(ADMIN_KEYS.c.eid == eid)).first()
    return None if row is None else AdminKey(int(row.kvn), int(row.kid), bytes(row.psk))


def put_admin_key(connection: Connection, eid: str, key: AdminKey) -> None:
    """Enter the key of an eUICC, in the transaction that enters its EIS."""
    connection.execute(delete(ADMIN_KEYS).where(ADMIN_KEYS.c.eid == eid))
    connection.execute(insert(ADMIN_KEYS).values(eid=eid, kvn=key.kvn, kid=key.kid, psk=key.psk))
