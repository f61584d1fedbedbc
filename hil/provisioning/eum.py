"""The eUICC maker (patent FIG. 2 (250)): signs the EIS, and releases secrets by role.

| who asks | gets |
|---|---|
| SM-SR | SCP80 key set and SCP81 key of the ISD-R |
| support server, SM-SR | SCP03 key sets of the ISD-R (provisioning, audit) |
| SM-DP | ISD-P base key set |
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import delete, insert, select

from hil.errors import CodecError
from hil.provisioning import sequences
from hil.provisioning.door import require_role
from hil.provisioning.eis import Eis, EisProfile, SignedEis, sign
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.numbering import NumberPlan
from hil.provisioning.orders import Subscription, check_amount
from hil.provisioning.store import Store
from hil.provisioning.tables import EUICCS
from hil.provisioning.trust import Principal, Role
from hil.wire.admin_session import FIRST_PSK_KVN
from hil.wire.identifiers import (
    ECASD_AID,
    ISD_P_LOAD_FILE_AID,
    ISD_P_MODULE_AID,
    ISD_R_AID,
    is_valid_eid,
    isd_p_aid,
)
from hil.wire.profile_package.test_profile import inspect
from hil.wire.scp03_keys import SGP02_OPTION, KeySet

FIRST_ISD_P: Final = 0x10
MAX_BATCH: Final = 500
"""Most eUICCs whose keys are released in one call."""


@dataclass(frozen=True, slots=True)
class OtaKeys:
    """The SCP80 keys of an ISD-R, and the counter that its eUICC left the factory with."""

    kvn: int
    kic: bytes = field(repr=False)
    kid: bytes = field(repr=False)
    counter: int = 0


@dataclass(frozen=True, slots=True)
class AdminKey:
    """The key of administration sessions (SCP81) of an ISD-R."""

    kvn: int
    kid: int
    psk: bytes = field(repr=False)


class EuiccMaker:
    """One eUICC maker. ``plan`` serves for the profiles made from its own information (R-06)."""

    def __init__(
        self,
        eum_id: str,
        store: Store,
        signing_key: ec.EllipticCurvePrivateKey,
        *,
        plan: NumberPlan | None = None,
        sm_sr: str = "",
    ) -> None:
        store.claim("eum", eum_id)
        self.id = eum_id
        self._store = store
        self._key = signing_key
        self._plan = plan
        self._sm_sr = sm_sr

    def produce(
        self,
        factory: Mapping[str, Any],
        *,
        production_date: str = "2025-01-01",
        msisdn: str | None = None,
    ) -> str:
        """Enter an eUICC as it is personalised in the factory, or replace it; return its EID.

        ``factory`` is the content of the eUICC's factory file; ``msisdn`` the number under which
        its provisioning profile is reached.
        """
        eid = str(factory.get("eid", ""))
        if not is_valid_eid(eid):
            raise Refusal(RefusalCode.INVALID, f"factory data name no valid EID: {eid!r}")
        try:
            _scp80(factory)
            _scp81(factory)
            base_key_set(factory)
            for kvn in _kvns(factory, "scp03"):
                isd_r_key_set(factory, kvn)
        except (LookupError, TypeError, ValueError):
            # The error itself may show a key, so it stays behind.
            raise Refusal(
                RefusalCode.INVALID, f"factory data of {eid} lack keys or hold broken ones"
            ) from None
        with self._store.transaction() as connection:
            connection.execute(delete(EUICCS).where(EUICCS.c.eid == eid))
            connection.execute(
                insert(EUICCS).values(
                    eid=eid,
                    production_date=production_date,
                    factory=json.dumps(dict(factory)),
                    msisdn=msisdn,
                )
            )
        return eid

    def eis(self, eid: str) -> SignedEis:
        """Return the signed EIS of one eUICC (ES1)."""
        factory, production_date, msisdn = self._find(eid)
        profiles: tuple[EisProfile, ...] = ()
        bootstrap = factory.get("bootstrap_profile")
        if bootstrap:
            iccid = _package_iccid(bytes.fromhex(bootstrap))
            profiles = (EisProfile(iccid, isd_p_aid(FIRST_ISD_P).hex(), "enabled", fallback=True),)
        admin = _scp81(factory)
        eis = Eis(
            eid=eid,
            eum=self.id,
            production_date=production_date,
            memory=int(factory.get("memory", 0)),
            isd_r_aid=ISD_R_AID.hex(),
            ecasd_aid=ECASD_AID.hex(),
            isd_p_load_file_aid=ISD_P_LOAD_FILE_AID.hex(),
            isd_p_module_aid=ISD_P_MODULE_AID.hex(),
            scp80_kvns=tuple(_kvns(factory, "scp80")),
            scp03_kvns=tuple(_kvns(factory, "scp03")),
            scp81_kvns=() if admin is None else (admin.kvn,),
            msisdn=msisdn,
            profiles=profiles,
            ecasd_certificate=str(factory.get("ecasd", {}).get("certificate", "")),
        )
        return sign(eis, self._key)

    def ota_keys(self, caller: Principal, eid: str) -> OtaKeys:
        """Release the SCP80 key set of the ISD-R, to an SM-SR only."""
        require_role(caller, Role.SM_SR)
        return _scp80(self._find(eid)[0])

    def admin_key(self, caller: Principal, eid: str) -> AdminKey:
        """Release the SCP81 key of the ISD-R, to an SM-SR only."""
        require_role(caller, Role.SM_SR)
        key = _scp81(self._find(eid)[0])
        if key is None:
            raise Refusal(RefusalCode.UNKNOWN, f"ISD-R of {eid} has no SCP81 key")
        return key

    def isd_r_keys(self, caller: Principal, eid: str, kvn: int) -> KeySet:
        """Release SCP03 key set ``kvn`` of the ISD-R, to a support server or an SM-SR only."""
        require_role(caller, Role.SUPPORT_SERVER, Role.SM_SR)
        factory = self._find(eid)[0]
        if kvn not in _kvns(factory, "scp03"):
            raise Refusal(RefusalCode.UNKNOWN, f"ISD-R of {eid} has no SCP03 key set {kvn}")
        return isd_r_key_set(factory, kvn)

    def isd_p_base(self, caller: Principal, eid: str) -> KeySet:
        """Release the ISD-P base key set, to an SM-DP only."""
        require_role(caller, Role.SM_DP)
        return base_key_set(self._find(eid)[0])

    def isd_p_bases(self, caller: Principal, eids: Sequence[str]) -> tuple[KeySet, ...]:
        """Release the ISD-P base key sets of many eUICCs, in their order, to an SM-DP only."""
        require_role(caller, Role.SM_DP)
        return tuple(base_key_set(factory) for factory in self._find_many(eids))

    def isd_r_key_sets(
        self, caller: Principal, eids: Sequence[str], kvn: int
    ) -> tuple[KeySet, ...]:
        """Release SCP03 key set ``kvn`` of many ISD-Rs, in their order; see ``isd_r_keys``."""
        require_role(caller, Role.SUPPORT_SERVER, Role.SM_SR)
        found = self._find_many(eids)
        for eid, factory in zip(eids, found, strict=True):
            if kvn not in _kvns(factory, "scp03"):
                raise Refusal(RefusalCode.UNKNOWN, f"ISD-R of {eid} has no SCP03 key set {kvn}")
        return tuple(isd_r_key_set(factory, kvn) for factory in found)

    def subscriptions(self, caller: Principal, amount: int) -> tuple[Subscription, ...]:
        """Make information for ``amount`` profiles of the eUICC maker itself (R-06, R-16)."""
        require_role(caller, Role.SM_DP)
        if self._plan is None:
            raise Refusal(
                RefusalCode.INCOMPLETE, f"{self.id} has no number plan: it gives no profiles"
            )
        check_amount(amount)
        with self._store.transaction() as connection:
            # Where the plan has too few numbers, none of them is lost by asking.
            serials = sequences.take(connection, "subscription", amount, first=1)
            return tuple(self._plan.subscription(serial, self._sm_sr) for serial in serials)

    def _find_many(self, eids: Sequence[str]) -> list[dict[str, Any]]:
        if len(eids) > MAX_BATCH:
            raise Refusal(
                RefusalCode.TOO_LARGE, f"{len(eids)} eUICCs at once; {MAX_BATCH} are the most"
            )
        with self._store.transaction() as connection:
            rows = connection.execute(
                select(EUICCS.c.eid, EUICCS.c.factory).where(EUICCS.c.eid.in_(set(eids)))
            ).all()
        found = {row.eid: row.factory for row in rows}
        for eid in eids:
            if eid not in found:
                raise Refusal(RefusalCode.UNKNOWN, f"{self.id} made no eUICC with the EID {eid}")
        return [json.loads(found[eid]) for eid in eids]

    def _find(self, eid: str) -> tuple[dict[str, Any], str, str | None]:
        with self._store.transaction() as connection:
            row = connection.execute(select(EUICCS).where(EUICCS.c.eid == eid)).first()
        if row is None:
            raise Refusal(RefusalCode.UNKNOWN, f"{self.id} made no eUICC with the EID {eid}")
        return json.loads(row.factory), row.production_date, row.msisdn


def _kvns(factory: Mapping[str, Any], channel: str) -> list[int]:
    return [int(row["kvn"]) for row in factory["isd_r"][channel]]


def _scp80(factory: Mapping[str, Any]) -> OtaKeys:
    row = factory["isd_r"]["scp80"][0]
    kic, kid = bytes.fromhex(row["kic"]), bytes.fromhex(row["kid"])
    return OtaKeys(int(row["kvn"]), kic, kid, int(row.get("counter", 0)))


def _scp81(factory: Mapping[str, Any]) -> AdminKey | None:
    row = factory["isd_r"].get("scp81")
    if row is None:
        return None
    kvn, kid, psk = int(row.get("kvn", FIRST_PSK_KVN)), int(row.get("kid", 1)), row["psk"]
    key = AdminKey(kvn, kid, bytes.fromhex(psk))
    if not 16 <= len(key.psk) <= 64 or len(key.psk) % 8:
        raise ValueError("a key that cannot be wrapped")
    return key


def isd_r_key_set(factory: Mapping[str, Any], kvn: int) -> KeySet:
    """Return SCP03 key set ``kvn`` of the ISD-R in a factory file."""
    row = next(row for row in factory["isd_r"]["scp03"] if int(row["kvn"]) == kvn)
    return _key_set(row)


def base_key_set(factory: Mapping[str, Any]) -> KeySet:
    """Return the ISD-P base key set in a factory file."""
    return _key_set(factory["isd_p_base"])


def _key_set(row: Mapping[str, Any]) -> KeySet:
    enc, mac, dek = (bytes.fromhex(row[name]) for name in ("enc", "mac", "dek"))
    return KeySet(int(row["kvn"]), enc, mac, dek, int(row.get("i", SGP02_OPTION)))


def _package_iccid(package: bytes) -> str:
    try:
        return inspect(package).iccid or ""
    except CodecError as err:
        raise Refusal(
            RefusalCode.INVALID, f"bootstrap profile of the factory file cannot be read: {err}"
        ) from err
