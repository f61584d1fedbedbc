"""The keys that an SM-DP shares with its ISD-Ps (SGP.02, 2.2.5): made on the card, or derived."""

from __future__ import annotations

from sqlalchemy import delete, insert, select

from hil.provisioning.links import EumLink
from hil.provisioning.store import Store
from hil.provisioning.tables import DP_ISDP_KEYS
from hil.wire.isdp_keys import derive
from hil.wire.scp03_keys import KeySet


class IsdpKeys:
    """Keeps what was established in downloads; for images the eUICC maker's base keys tell it."""

    def __init__(self, store: Store, eum: EumLink) -> None:
        self._store = store
        self._eum = eum

    def keep(self, eid: str, isdp_aid: bytes, iccid: str, keys: KeySet) -> None:
        """Keep the key set of an ISD-P, in place of that of an ISD-P with its AID before."""
        table = DP_ISDP_KEYS
        with self._store.transaction() as connection:
            connection.execute(
                delete(table).where(table.c.eid == eid, table.c.isdp_aid == isdp_aid)
            )
            connection.execute(
                insert(table).values(
                    eid=eid,
                    isdp_aid=isdp_aid,
                    iccid=iccid,
                    kvn=keys.kvn,
                    enc=keys.enc,
                    mac=keys.mac,
                    dek=keys.dek,
                    option=keys.option,
                )
            )

    def find(self, eid: str, isdp_aid: bytes, iccid: str) -> KeySet:
        """Return the key set of the ISD-P that has this profile."""
        table = DP_ISDP_KEYS
        with self._store.transaction() as connection:
            row = connection.execute(
                select(table).where(
                    table.c.eid == eid, table.c.isdp_aid == isdp_aid, table.c.iccid == iccid
                )
            ).first()
        if row is None:
            return derive(self._eum.isd_p_base(eid), isdp_aid)
        enc, mac, dek = (bytes(one) for one in (row.enc, row.mac, row.dek))
        return KeySet(row.kvn, enc, mac, dek, row.option)
