"""The EIS of every eUICC that this SM-SR manages, and the state of its profiles (SGP.02)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import Connection, Row, insert, select, update

from hil.errors import CodecError
from hil.provisioning.eis import Eis, SignedEis, is_signed_by
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.es_status import FunctionStatus, refusal
from hil.provisioning.eum import AdminKey, OtaKeys
from hil.provisioning.function_calls import first_time
from hil.provisioning.sm_sr.admin_keys import admin_key_of, put_admin_key
from hil.provisioning.sm_sr.eis_properties import properties_of, set_properties
from hil.provisioning.sm_sr.eis_rows import (
    EisProfileRow,
    SubscriptionAddress,
    check_pol2,
    follow_number,
    put_profile,
    rows_of,
)
from hil.provisioning.sm_sr.handover_rows import HandedEis, is_arriving, is_leaving, went_to
from hil.provisioning.store import Store
from hil.provisioning.tables import EIS, EIS_PROFILES, OTA_KEYS

FIRST_KEY: Final = 0x01
"""Identifier of the SCP81 key of a version (SGP.02, 2.2.5.1)."""


class EisBook:
    """Registers eUICCs by signed EIS only; everything else asks here whether an EID is known."""

    def __init__(
        self,
        owner: str,
        store: Store,
        trusted_eums: Mapping[str, ec.EllipticCurvePublicKey],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.owner = owner
        self._store = store
        self._trusted = dict(trusted_eums)
        self._clock = clock

    def verify(self, signed: SignedEis) -> Eis:
        """Return the EIS; refuse one whose maker is unknown or whose signature is wrong (R-69)."""
        try:
            eis = Eis.decode(signed.payload)
        except CodecError as err:
            raise Refusal(RefusalCode.INVALID, str(err)) from err
        key = self._trusted.get(eis.eum)
        if key is None:
            raise Refusal(
                RefusalCode.BAD_SIGNATURE,
                f"{self.owner} does not trust the eUICC maker {eis.eum!r} of {eis.eid}",
            )
        if not is_signed_by(signed, key):
            raise Refusal(
                RefusalCode.BAD_SIGNATURE,
                f"signature of the EIS of {eis.eid} is not that of {eis.eum}: nothing was stored",
            )
        return eis

    def ota_kvns(self, eid: str) -> tuple[int, ...]:
        """Return the versions of the SCP80 key sets by which this SM-SR manages an eUICC.

        Those of the factory are its own as long as it uses one of them.
        """
        with self._store.transaction() as connection:
            used = connection.execute(
                select(OTA_KEYS.c.kvn).where(OTA_KEYS.c.eid == eid)
            ).scalar_one()
        made = self.eis(eid).scp80_kvns
        return tuple(sorted(set(made))) if used in made else (used,)

    def scp81_keys(self, eid: str) -> tuple[tuple[int, int], ...]:
        """Return version and identifier of the SCP81 keys that are on the ISD-R.

        Where we use none, those of the factory may still be there.
        """
        with self._store.transaction() as connection:
            key = admin_key_of(connection, eid)
        made = tuple((kvn, FIRST_KEY) for kvn in self.eis(eid).scp81_kvns)
        return made if key is None else ((key.kvn, key.kid),)

    def take_over(self, connection: Connection, eis: Eis, handed: HandedEis, keys: OtaKeys) -> None:
        """Enter an eUICC that another SM-SR hands over, with the keys established for us."""
        connection.execute(
            insert(EIS).values(
                eid=eis.eid,
                eum=eis.eum,
                payload=handed.signed.payload,
                signature=handed.signed.signature,
                msisdn=handed.msisdn,
                registered_at=self._clock(),
            )
        )
        connection.execute(
            insert(OTA_KEYS).values(
                eid=eis.eid, kvn=keys.kvn, kic=keys.kic, kid=keys.kid, counter=keys.counter
            )
        )
        for profile in handed.profiles:
            put_profile(connection, profile)
        set_properties(connection, eis.eid, handed.properties)

    def enter(
        self, eis: Eis, signed: SignedEis, keys: OtaKeys, admin: AdminKey | None = None
    ) -> None:
        """Store a verified EIS with its keys; an EID that is known already is refused."""
        with self._store.transaction() as connection:
            if not first_time(connection, f"EIS {eis.eid}"):
                return
            if connection.execute(select(EIS.c.eid).where(EIS.c.eid == eis.eid)).first():
                raise refusal(FunctionStatus.EUICC_KNOWN, f"{self.owner} manages {eis.eid} already")
            connection.execute(
                insert(EIS).values(
                    eid=eis.eid,
                    eum=eis.eum,
                    payload=signed.payload,
                    signature=signed.signature,
                    msisdn=eis.msisdn,
                    registered_at=self._clock(),
                )
            )
            connection.execute(
                insert(OTA_KEYS).values(
                    eid=eis.eid, kvn=keys.kvn, kic=keys.kic, kid=keys.kid, counter=keys.counter
                )
            )
            if admin is not None:
                put_admin_key(connection, eis.eid, admin)
            for profile in eis.profiles:
                connection.execute(
                    insert(EIS_PROFILES).values(
                        eid=eis.eid,
                        isdp_aid=bytes.fromhex(profile.isdp_aid),
                        iccid=profile.iccid,
                        mno="",
                        sm_dp="",
                        state=profile.state,
                        fallback=profile.fallback,
                    )
                )

    def require_staying(self, connection: Connection, eid: str) -> None:
        """Refuse, in the transaction of a change, an eUICC that changes its SM-SR or has gone.

        What was sent on to the other SM-SR would not have the change; so the sender must repeat it
        when the eUICC has arrived. The refusal names the ``sm_sr`` to which an eUICC has gone.
        """
        if connection.execute(select(EIS.c.eid).where(EIS.c.eid == eid)).first() is None:
            raise self._unknown(eid, went_to(connection, eid))
        if is_leaving(connection, eid) or is_arriving(connection, eid):
            raise refusal(
                FunctionStatus.EUICC_BUSY,
                f"eUICC {eid} is being handed to another SM-SR: repeat this when it is there",
            )

    def _unknown(self, eid: str, other: str | None = None) -> Refusal:
        if other is None:
            return refusal(
                FunctionStatus.UNKNOWN_EUICC,
                f"{self.owner} does not know the eUICC {eid}: its maker must send the EIS first",
            )
        gone = refusal(FunctionStatus.UNKNOWN_EUICC, f"eUICC {eid} went from here to {other}")
        gone.details["sm_sr"] = other
        return gone

    def eis(self, eid: str) -> Eis:
        """Return the EIS; refuse an EID that was not registered."""
        return Eis.decode(bytes(self.row(eid).payload))

    def eids(self) -> tuple[str, ...]:
        """Return all registered EIDs."""
        with self._store.transaction() as connection:
            rows = connection.execute(select(EIS.c.eid).order_by(EIS.c.eid)).all()
        return tuple(row.eid for row in rows)

    def is_known(self, eid: str) -> bool:
        """Whether an EID was registered; refuse one that has gone, naming where it is."""
        with self._store.transaction() as connection:
            if connection.execute(select(EIS.c.eid).where(EIS.c.eid == eid)).first() is not None:
                return True
            other = went_to(connection, eid)
        if other is not None:
            raise self._unknown(eid, other)
        return False

    def require(self, eid: str) -> None:
        """Refuse an EID that was not registered."""
        self.row(eid)

    def known_msisdn(self, eid: str) -> str | None:
        """Return the number at which the eUICC is reached, where one is known."""
        msisdn: str | None = self.row(eid).msisdn
        return msisdn

    def msisdn(self, eid: str) -> str:
        """Return the number at which the eUICC is reached; refuse an eUICC without one."""
        msisdn = self.known_msisdn(eid)
        if msisdn is None:
            raise refusal(
                FunctionStatus.EUICC_NOT_REACHABLE,
                f"{self.owner} knows no number at which {eid} is reached",
            )
        return msisdn

    def set_msisdn(self, eid: str, msisdn: str) -> None:
        """Note the number at which the eUICC is reached (ES4.UpdateSubscriptionAddress)."""
        self.require(eid)
        if not msisdn.isascii() or not msisdn.isdigit() or not 3 <= len(msisdn) <= 20:
            raise Refusal(RefusalCode.INVALID, f"{msisdn!r} is not a number of 3 to 20 digits")
        with self._store.transaction() as connection:
            self.require_staying(connection, eid)
            connection.execute(update(EIS).where(EIS.c.eid == eid).values(msisdn=msisdn))

    def eids_at(self, msisdn: str) -> tuple[str, ...]:
        """Return the eUICCs that are reached at a number, or have a profile with that number."""
        with self._store.transaction() as connection:
            rows = connection.execute(
                select(EIS.c.eid)
                .where(EIS.c.msisdn == msisdn)
                .union(select(EIS_PROFILES.c.eid).where(EIS_PROFILES.c.msisdn == msisdn))
            ).all()
        return tuple(row.eid for row in rows)

    def profiles(self, eid: str) -> tuple[EisProfileRow, ...]:
        """Return the profiles of an eUICC, by AID."""
        self.require(eid)
        with self._store.transaction() as connection:
            return rows_of(connection, eid)

    def profile(self, eid: str, iccid: str) -> EisProfileRow:
        """Return one profile; refuse an unknown one."""
        for row in self.profiles(eid):
            if row.iccid == iccid:
                return row
        raise refusal(
            FunctionStatus.UNKNOWN_PROFILE, f"eUICC {eid} has no profile {iccid} in its EIS"
        )

    def set_pol2(self, eid: str, iccid: str, pol2: int) -> None:
        """Set the policy rules that are checked before a command is sent."""
        check_pol2(pol2)
        self._set(eid, iccid, pol2=pol2)

    def set_address(self, eid: str, iccid: str, address: SubscriptionAddress) -> None:
        """Note IMSI and number of a profile; where it is enabled, its eUICC is reached there."""
        address.check()
        self._set(eid, iccid, imsi=address.imsi, msisdn=address.msisdn)

    def complete(
        self, eid: str, iccid: str, profile_type: str, address: SubscriptionAddress, pol2: int
    ) -> None:
        """Note that the download of a profile is complete: it is disabled."""
        self._set(
            eid,
            iccid,
            state="disabled",
            profile_type=profile_type,
            imsi=address.imsi,
            msisdn=address.msisdn,
            pol2=pol2,
        )

    def update_properties(self, eum: str, eid: str, changed: Mapping[str, str]) -> None:
        """Set additional properties, for the maker of the eUICC (ES1)."""
        if not changed:
            raise refusal(FunctionStatus.DATA_INVALID, "no additional property is named")
        with self._store.transaction() as connection:
            self.require_staying(connection, eid)
            made_by = connection.execute(select(EIS.c.eum).where(EIS.c.eid == eid)).scalar_one()
            if made_by != eum:
                raise refusal(
                    FunctionStatus.CALLER_NOT_ALLOWED, f"eUICC {eid} was not made by {eum}"
                )
            set_properties(connection, eid, changed)

    def properties(self, eid: str) -> dict[str, str]:
        """Return the additional properties of an eUICC."""
        with self._store.transaction() as connection:
            return properties_of(connection, eid)

    def due_for_deletion(self) -> tuple[EisProfileRow, ...]:
        """Return the profiles that POL2 wants deleted, for they were disabled."""
        with self._store.transaction() as connection:
            eids = {
                row.eid
                for row in connection.execute(
                    select(EIS_PROFILES.c.eid).where(
                        EIS_PROFILES.c.delete_due.is_(True), EIS_PROFILES.c.state == "disabled"
                    )
                )
            }
            rows = [row for eid in sorted(eids) for row in rows_of(connection, eid)]
        return tuple(row for row in rows if row.delete_due and row.state == "disabled")

    def _set(self, eid: str, iccid: str, **values: object) -> None:
        self.profile(eid, iccid)
        with self._store.transaction() as connection:
            self.require_staying(connection, eid)
            connection.execute(
                update(EIS_PROFILES)
                .where(EIS_PROFILES.c.eid == eid, EIS_PROFILES.c.iccid == iccid)
                .values(**values)
            )
            follow_number(connection, eid)

    def row(self, eid: str) -> Row[Any]:
        """Return the row of an eUICC; refuse an EID that was not registered."""
        with self._store.transaction() as connection:
            row = connection.execute(select(EIS).where(EIS.c.eid == eid)).first()
        if row is None:
            raise self._unknown(eid)
        return row
