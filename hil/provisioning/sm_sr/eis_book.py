"""The EIS of every eUICC that this SM-SR manages, and the state of its profiles (SGP.02)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import Connection, Row, delete, insert, select, update

from hil.errors import CodecError
from hil.provisioning.eis import Eis, SignedEis, is_signed_by
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.eum import OtaKeys
from hil.provisioning.store import Store
from hil.provisioning.tables import EIS, EIS_PROFILES, OTA_KEYS

ProfileState = Literal["created", "disabled", "enabled"]


@dataclass(frozen=True, slots=True)
class EisProfileRow:
    """One profile as the SM-SR knows it; POL2: 1 no disable, 2 no delete, 4 delete on disable."""

    eid: str
    isdp_aid: bytes
    iccid: str
    mno: str
    sm_dp: str
    state: str
    fallback: bool
    pol2: int


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
        self._owner = owner
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
                f"{self._owner} does not trust the eUICC maker {eis.eum!r} of {eis.eid}",
            )
        if not is_signed_by(signed, key):
            raise Refusal(
                RefusalCode.BAD_SIGNATURE,
                f"signature of the EIS of {eis.eid} is not that of {eis.eum}: nothing was stored",
            )
        return eis

    def enter(self, eis: Eis, signed: SignedEis, keys: OtaKeys) -> None:
        """Store a verified EIS with its SCP80 keys; an EID that is known already is refused."""
        with self._store.transaction() as connection:
            if connection.execute(select(EIS.c.eid).where(EIS.c.eid == eis.eid)).first():
                raise Refusal(RefusalCode.EXISTS, f"{self._owner} manages {eis.eid} already")
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

    def eis(self, eid: str) -> Eis:
        """Return the EIS; refuse an EID that was not registered."""
        return Eis.decode(bytes(self._row(eid).payload))

    def eids(self) -> tuple[str, ...]:
        """Return all registered EIDs."""
        with self._store.transaction() as connection:
            rows = connection.execute(select(EIS.c.eid).order_by(EIS.c.eid)).all()
        return tuple(row.eid for row in rows)

    def require(self, eid: str) -> None:
        """Refuse an EID that was not registered."""
        self._row(eid)

    def known_msisdn(self, eid: str) -> str | None:
        """Return the number at which the eUICC is reached, where one is known."""
        msisdn: str | None = self._row(eid).msisdn
        return msisdn

    def msisdn(self, eid: str) -> str:
        """Return the number at which the eUICC is reached; refuse an eUICC without one."""
        msisdn = self.known_msisdn(eid)
        if msisdn is None:
            raise Refusal(
                RefusalCode.NO_ROUTE, f"{self._owner} knows no number at which {eid} is reached"
            )
        return msisdn

    def set_msisdn(self, eid: str, msisdn: str) -> None:
        """Note the number at which the eUICC is reached (ES4.UpdateSubscriptionAddress)."""
        self.require(eid)
        if not msisdn.isascii() or not msisdn.isdigit() or not 3 <= len(msisdn) <= 20:
            raise Refusal(RefusalCode.INVALID, f"{msisdn!r} is not a number of 3 to 20 digits")
        with self._store.transaction() as connection:
            connection.execute(update(EIS).where(EIS.c.eid == eid).values(msisdn=msisdn))

    def eids_at(self, msisdn: str) -> tuple[str, ...]:
        """Return the eUICCs that are reached at a number."""
        with self._store.transaction() as connection:
            rows = connection.execute(select(EIS.c.eid).where(EIS.c.msisdn == msisdn)).all()
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
        raise Refusal(RefusalCode.UNKNOWN, f"eUICC {eid} has no profile {iccid} in its EIS")

    def set_pol2(self, eid: str, iccid: str, pol2: int) -> None:
        """Set the policy rules that are checked before a command is sent."""
        if not 0 <= pol2 <= 7:
            raise Refusal(RefusalCode.INVALID, f"POL2 {pol2} has bits beside 1, 2 and 4")
        self.profile(eid, iccid)
        with self._store.transaction() as connection:
            connection.execute(
                update(EIS_PROFILES)
                .where(EIS_PROFILES.c.eid == eid, EIS_PROFILES.c.iccid == iccid)
                .values(pol2=pol2)
            )

    def _row(self, eid: str) -> Row[Any]:
        with self._store.transaction() as connection:
            row = connection.execute(select(EIS).where(EIS.c.eid == eid)).first()
        if row is None:
            raise Refusal(
                RefusalCode.UNKNOWN,
                f"{self._owner} does not know the eUICC {eid}: its maker must send the EIS first",
            )
        return row


def rows_of(connection: Connection, eid: str) -> tuple[EisProfileRow, ...]:
    """Return the profiles of an eUICC, by AID."""
    rows = connection.execute(
        select(EIS_PROFILES).where(EIS_PROFILES.c.eid == eid).order_by(EIS_PROFILES.c.isdp_aid)
    )
    return tuple(_profile(row) for row in rows)


def put_profile(connection: Connection, profile: EisProfileRow) -> None:
    """Enter a profile, or replace what is known of its ISD-P."""
    remove_profile(connection, profile.eid, profile.isdp_aid)
    connection.execute(
        insert(EIS_PROFILES).values(
            eid=profile.eid,
            isdp_aid=profile.isdp_aid,
            iccid=profile.iccid,
            mno=profile.mno,
            sm_dp=profile.sm_dp,
            state=profile.state,
            fallback=profile.fallback,
            pol2=profile.pol2,
        )
    )


def remove_profile(connection: Connection, eid: str, isdp_aid: bytes) -> None:
    """Forget an ISD-P."""
    connection.execute(
        delete(EIS_PROFILES).where(EIS_PROFILES.c.eid == eid, EIS_PROFILES.c.isdp_aid == isdp_aid)
    )


def set_enabled(connection: Connection, eid: str, isdp_aid: bytes) -> None:
    """Note that this profile is enabled, and so no other one is."""
    for state, chosen in (
        ("disabled", (EIS_PROFILES.c.state == "enabled")),
        ("enabled", (EIS_PROFILES.c.isdp_aid == isdp_aid)),
    ):
        connection.execute(
            update(EIS_PROFILES).where(EIS_PROFILES.c.eid == eid, chosen).values(state=state)
        )


def set_disabled(connection: Connection, eid: str, isdp_aid: bytes) -> None:
    """Note that this profile is disabled; the one with the fall-back attribute takes its place."""
    fallback = connection.execute(
        select(EIS_PROFILES.c.isdp_aid).where(
            EIS_PROFILES.c.eid == eid, EIS_PROFILES.c.fallback.is_(True)
        )
    ).first()
    connection.execute(
        update(EIS_PROFILES)
        .where(EIS_PROFILES.c.eid == eid, EIS_PROFILES.c.isdp_aid == isdp_aid)
        .values(state="disabled")
    )
    if fallback is not None and bytes(fallback.isdp_aid) != isdp_aid:
        set_enabled(connection, eid, bytes(fallback.isdp_aid))


def _profile(row: Row[Any]) -> EisProfileRow:
    return EisProfileRow(
        eid=row.eid,
        isdp_aid=bytes(row.isdp_aid),
        iccid=row.iccid,
        mno=row.mno,
        sm_dp=row.sm_dp,
        state=row.state,
        fallback=row.fallback,
        pol2=row.pol2,
    )
