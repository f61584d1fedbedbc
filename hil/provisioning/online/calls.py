"""The functions of ES2: what an MNO has an SM-DP do with its profiles on cards (SGP.02, 5.3).

A call that takes its time is stored before it is answered and carried out beside; after a restart a
download goes on with what is left to do. One call at a time is carried out on an eUICC.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from sqlalchemy import Row, insert, select, update

from hil.errors import HilError
from hil.provisioning.credentials import Credentials
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.es_status import FunctionStatus, refusal
from hil.provisioning.function_calls import FunctionCall, within
from hil.provisioning.online import connectivity
from hil.provisioning.online.isdp_keys import IsdpKeys
from hil.provisioning.online.link import Es3Link, finished, start_when_free
from hil.provisioning.online.procedure import Means, WantedProfile, download
from hil.provisioning.online.profiles import ProfileShelf
from hil.provisioning.sm_sr.eis_rows import EisProfileRow, SubscriptionAddress
from hil.provisioning.sm_sr.management import EisView
from hil.provisioning.store import Store
from hil.provisioning.tables import DP_CALLS
from hil.provisioning.validity import end_of_validity, valid_until
from hil.wire.identifiers import is_valid_eid

log = logging.getLogger(__name__)

MAX_ATTEMPTS: Final = 3
"""How often a download is begun that a dying server left behind."""

_GRACE_S: Final = 5.0

Identifier = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Place:
    """Which profile on which card, and the SM-SR that manages it."""

    sm_sr: str
    eid: str
    iccid: str


@dataclass(frozen=True, slots=True)
class CallReport:
    """How a call stands: ``state`` is running, done or failed; ``step`` the last one begun."""

    call: str
    kind: str
    sm_sr: str
    eid: str
    iccid: str
    step: str
    state: str
    reason: str


class OnlineCalls:
    """The calls of one SM-DP. ``links``: the SM-SRs it works with; ``timeout_s`` bounds each step.

    Without ``credentials`` no keys can be established, so nothing can be downloaded.
    """

    def __init__(
        self,
        sm_dp: str,
        store: Store,
        shelf: ProfileShelf,
        links: Mapping[str, Es3Link],
        credentials: Credentials | None,
        *,
        keys: IsdpKeys,
        new_call: Identifier,
        timeout_s: float = 3600.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sm_dp = sm_dp
        self._store = store
        self._shelf = shelf
        self._keys = keys
        self._links = dict(links)
        self._credentials = credentials
        self._new_call = new_call
        self._timeout_s = timeout_s
        self._clock = clock
        self._over = threading.Event()

    def get_eis(self, mno: str, sm_sr: str, eid: str) -> EisView:
        """Return the EIS with the profiles of this MNO that this SM-DP may see (ES2.GetEIS)."""
        view = self._link(sm_sr).get_eis(eid)
        own = tuple(row for row in view.profiles if row.mno == mno)
        values = {name: getattr(view, name) for name in EisView.__slots__}
        return EisView(**values | {"profiles": own})

    def download_profile(
        self,
        mno: str,
        sm_sr: str,
        eid: str,
        *,
        iccid: str | None = None,
        profile_type: str | None = None,
        enable: bool = False,
    ) -> str:
        """Download a profile, by ICCID or one of a type (ES2.DownloadProfile); return the call."""
        call = self._new_call("download")
        if self._known(call):
            return call
        self._link(sm_sr)
        if not is_valid_eid(eid):
            raise refusal(FunctionStatus.DATA_INVALID, f"{eid!r} is not an EID")
        if self._credentials is None:
            raise Refusal(
                RefusalCode.NO_ROUTE,
                f"{self._sm_dp} has no certificate: it cannot establish keys with an eUICC",
            )
        if (iccid is None) == (profile_type is None):
            raise refusal(
                FunctionStatus.DATA_INVALID, "DownloadProfile names an ICCID or a profile type"
            )
        chosen = self._shelf.choose(mno, eid, iccid=iccid, profile_type=profile_type)
        self._note(call, "download", mno, Place(sm_sr, eid, chosen), enable=enable)
        return call

    def enable_profile(self, mno: str, place: Place) -> str:
        """Enable a profile of this MNO (ES2.EnableProfile); return the call."""
        return self._managed("enable", mno, place)

    def disable_profile(self, mno: str, place: Place) -> str:
        """Disable a profile of this MNO (ES2.DisableProfile); return the call."""
        return self._managed("disable", mno, place)

    def delete_profile(self, mno: str, place: Place) -> str:
        """Delete a profile of this MNO (ES2.DeleteProfile); return the call."""
        return self._managed("delete", mno, place)

    def update_connectivity(self, mno: str, place: Place, parameters: bytes) -> str:
        """Set connectivity parameters of a profile of this MNO, by its ISD-P; return the call."""
        connectivity.check_parameters(parameters)
        return self._managed("connectivity", mno, place, data=parameters)

    def update_policy_rules(self, mno: str, place: Place, pol2: int) -> None:
        """Set POL2 of a profile of this MNO (ES2.UpdatePolicyRules)."""
        self._owned(mno, place)
        self._link(place.sm_sr).update_policy_rules(place.eid, place.iccid, pol2)

    def update_subscription_address(
        self, mno: str, place: Place, address: SubscriptionAddress
    ) -> None:
        """Set IMSI and number of a profile of this MNO (ES2.UpdateSubscriptionAddress)."""
        self._owned(mno, place)
        self._link(place.sm_sr).update_subscription_address(place.eid, place.iccid, address)

    def report(self, call: str, mno: str | None) -> CallReport:
        """Say how a call of this MNO stands (None: of any)."""
        with self._store.transaction() as connection:
            row = connection.execute(select(DP_CALLS).where(DP_CALLS.c.call == call)).first()
        if row is None or mno not in (None, row.mno):
            raise Refusal(RefusalCode.UNKNOWN, f"{self._sm_dp} has no call {call}")
        return CallReport(
            call, row.kind, row.sm_sr, row.eid, row.iccid, row.step, row.state, row.reason
        )

    def next_call(self, busy: frozenset[str] = frozenset()) -> tuple[str, str] | None:
        """Return the oldest call on an eUICC that is not among ``busy``, and that eUICC."""
        with self._store.transaction() as connection:
            rows = connection.execute(
                select(DP_CALLS.c.call, DP_CALLS.c.eid)
                .where(DP_CALLS.c.state == "running")
                .order_by(DP_CALLS.c.created_at, DP_CALLS.c.call)
            ).all()
        seen = set(busy)
        for row in rows:
            if row.eid not in seen:
                return str(row.call), str(row.eid)
            seen.add(row.eid)
        return None

    def carry_out(self, call: str) -> CallReport:
        """Carry out a call to its end; its report tells of any failure."""
        with self._store.transaction() as connection:
            row = connection.execute(select(DP_CALLS).where(DP_CALLS.c.call == call)).one()
            if row.state != "running":
                return self.report(call, None)
            connection.execute(
                update(DP_CALLS).where(DP_CALLS.c.call == call).values(attempts=row.attempts + 1)
            )
        reason = ""
        if row.attempts >= MAX_ATTEMPTS:
            reason = f"given up after {row.attempts} attempts that this server did not survive"
        elif not row.step and not row.job and self._left(row) <= 0:
            reason = "the validity period of the function call ended before it was begun"
        else:
            try:
                with valid_until(row.until):
                    self._do(row)
            except HilError as err:
                reason = str(err)
        if self._over.is_set() and reason:
            # The way was cut because this server ends: the next start goes on.
            self._set(call, attempts=row.attempts)
            return self.report(call, None)
        if reason:
            log.warning("%s of %s on %s failed: %s", row.kind, row.iccid, row.eid, reason)
        self._set(call, state="failed" if reason else "done", reason=reason)
        if row.kind == "download":
            self._shelf.downloaded(row.iccid, row.eid, ok=not reason)
        return self.report(call, None)

    @property
    def over(self) -> bool:
        """Whether this server ends."""
        return self._over.is_set()

    def stop(self) -> None:
        """Say that this server ends: what fails from now on has not failed for good."""
        self._over.set()

    def give_up(self, call: str) -> None:
        """End a call that this server cannot carry out."""
        self._set(call, state="failed", reason="internal error; see the server's log")

    def _do(self, row: Row[Any]) -> None:
        link = self._link(row.sm_sr)
        # The SM-SR says better than a clock here what became of a command that was given up.
        limit_s = max(0.0, min(self._timeout_s, self._left(row) + _GRACE_S))
        if row.kind == "download":
            assert self._credentials is not None  # noqa: S101 - or the call was not taken
            found = self._shelf.find(row.iccid)
            wanted = WantedProfile(
                eid=row.eid,
                mno=row.mno,
                sm_dp=self._sm_dp,
                template=found.template,
                subscription=found.subscription,
                enable=row.enable,
            )
            means = Means(link, self._credentials, self._today, limit_s, self._keys.keep)
            download(wanted, means, lambda step: self._set(row.call, step=step))
            return
        if row.kind == "connectivity":
            profile = self._owned(row.mno, Place(row.sm_sr, row.eid, row.iccid))
            keys = self._keys.find(row.eid, profile.isdp_aid, row.iccid)
            connectivity.update(link, profile, keys, bytes(row.data), timeout_s=limit_s)
            return
        start = {
            "enable": link.enable_profile,
            "disable": link.disable_profile,
            "delete": link.delete_profile,
        }[row.kind]
        job = row.job
        if not job:
            # A server that dies before it has noted the job asks for it again by the same name.
            with within(FunctionCall(self._sm_dp, row.call, b"", until=row.until)):
                job = start_when_free(lambda: start(row.eid, row.iccid), timeout_s=limit_s)
        self._set(row.call, job=job)
        finished(link, job, timeout_s=limit_s)

    def _left(self, row: Row[Any]) -> float:
        """Return the seconds left of a call's validity period, infinity without one."""
        return math.inf if row.until is None else float(row.until) - self._clock()

    def _managed(self, kind: str, mno: str, place: Place, *, data: bytes | None = None) -> str:
        call = self._new_call(kind)
        if not self._known(call):
            self._owned(mno, place)
            self._note(call, kind, mno, place, data=data)
        return call

    def _known(self, call: str) -> bool:
        """Whether a call was noted before a server died, and is now repeated."""
        with self._store.transaction() as connection:
            found = select(DP_CALLS.c.call).where(DP_CALLS.c.call == call)
            return connection.execute(found).first() is not None

    def _owned(self, mno: str, place: Place) -> EisProfileRow:
        view = self._link(place.sm_sr).get_eis(place.eid)
        for row in view.profiles:
            if row.iccid == place.iccid:
                if row.mno != mno:
                    break
                return row
        else:
            raise refusal(
                FunctionStatus.UNKNOWN_PROFILE,
                f"eUICC {place.eid} has no profile {place.iccid} that {self._sm_dp} manages",
            )
        raise refusal(
            FunctionStatus.NOT_YOUR_PROFILE, f"profile {place.iccid} is not one of the MNO {mno}"
        )

    def _note(
        self,
        call: str,
        kind: str,
        mno: str,
        place: Place,
        *,
        enable: bool = False,
        data: bytes | None = None,
    ) -> None:
        with self._store.transaction() as connection:
            connection.execute(
                insert(DP_CALLS).values(
                    call=call,
                    kind=kind,
                    mno=mno,
                    sm_sr=place.sm_sr,
                    eid=place.eid,
                    iccid=place.iccid,
                    enable=enable,
                    data=data,
                    state="running",
                    created_at=self._clock(),
                    until=end_of_validity(),
                )
            )

    def _set(self, call: str, **values: object) -> None:
        with self._store.transaction() as connection:
            connection.execute(update(DP_CALLS).where(DP_CALLS.c.call == call).values(**values))

    def _link(self, sm_sr: str) -> Es3Link:
        if sm_sr not in self._links:
            known = ", ".join(sorted(self._links)) or "none"
            raise refusal(
                FunctionStatus.UNKNOWN_SM_SR,
                f"{self._sm_dp} works with no SM-SR {sm_sr!r}; it knows: {known}",
            )
        return self._links[sm_sr]

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock(), UTC).date()
