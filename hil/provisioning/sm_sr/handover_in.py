"""The new SM-SR's part of a change of the SM-SR (SGP.02, 3.8 and 4.1.1.8): keys of its own.

Each step is stored before the next begins, so that a restart goes on where it stood. Once the new
keys are on the card the eUICC is not given back on a guess: only a card that refuses to have the
old keys deleted ends the change.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from hil.errors import CodecError, LinkError
from hil.provisioning.card_answers import answer_of
from hil.provisioning.credentials import Credentials
from hil.provisioning.door import require_role
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.es_status import FunctionStatus, refusal
from hil.provisioning.eum import OtaKeys
from hil.provisioning.notices import NoticeBox
from hil.provisioning.sm_sr import handover_rows as rows
from hil.provisioning.sm_sr import scripts
from hil.provisioning.sm_sr.admin_key_renewal import AdminKeyRenewal
from hil.provisioning.sm_sr.asking import Asking
from hil.provisioning.sm_sr.eis_book import EisBook
from hil.provisioning.sm_sr.handover_links import Es7Link
from hil.provisioning.sm_sr.handover_out import forget
from hil.provisioning.sm_sr.handover_rows import HandedEis, HandoverReport
from hil.provisioning.sm_sr.job_outcome import Outcome
from hil.provisioning.sm_sr.jobs import Jobs
from hil.provisioning.store import Store
from hil.provisioning.tables import EIS
from hil.provisioning.trust import Principal, Role
from hil.wire import isdr_commands
from hil.wire.admin_session import FIRST_PSK_KVN, LAST_PSK_KVN
from hil.wire.ecc import PrivateKey
from hil.wire.key_establishment import Parameter, Reference
from hil.wire.key_establishment_messages import KeyRequest, host_keys, read_challenge
from hil.wire.sms_address import Address

log = logging.getLogger(__name__)

LAST_KVN: Final = 0x0F
LAST_KID: Final = 0x7F
_PARAMETERS: Final = Parameter.CERTIFICATE_FIRST | Parameter.DERIVATION_RANDOM


class HandoverIn:
    """Takes eUICCs over from other SM-SRs (``links``), when an MNO has said that they come.

    ``number``: our own at the SMS centre, to which the card's notifications go from then on.
    """

    def __init__(
        self,
        owner: str,
        store: Store,
        book: EisBook,
        jobs: Jobs,
        *,
        notices: NoticeBox,
        renewal: AdminKeyRenewal,
        links: Mapping[str, Es7Link],
        credentials: Credentials | None,
        number: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._owner = owner
        self._store = store
        self._book = book
        self._jobs = jobs
        self._notices = notices
        self._renewal = renewal
        self._links = dict(links)
        self._credentials = credentials
        self._number = number
        self._clock = clock
        self._asking = Asking()

    def prepare(self, caller: Principal, eid: str, current: str) -> None:
        """Expect an eUICC from the SM-SR ``current`` (ES4.PrepareSMSRChange)."""
        require_role(caller, Role.MNO)
        self._own_credentials()
        _ = self._jobs.queue
        if current not in self._links:
            raise refusal(FunctionStatus.UNKNOWN_SM_SR, f"{self._owner} knows no SM-SR {current!r}")
        with self._store.transaction() as connection:
            if connection.execute(select(EIS.c.eid).where(EIS.c.eid == eid)).first():
                raise refusal(FunctionStatus.EUICC_KNOWN, f"{self._owner} manages {eid} already")
            known = rows.find(connection, eid, rows.IN)
            if known is not None and known.state in rows.COMING:
                raise refusal(FunctionStatus.EUICC_BUSY, f"{eid} is just being taken over")
            rows.begin(
                connection,
                eid,
                rows.IN,
                other=current,
                mno=caller.id,
                state="prepared",
                begun_at=self._clock(),
            )

    def handover_euicc(self, caller: Principal, handed: HandedEis) -> None:
        """Take an EIS from the old SM-SR (ES7.HandoverEUICC); its signature is verified again."""
        require_role(caller, Role.SM_SR)
        eid = handed.eid
        with self._store.transaction() as connection:
            row = rows.find(connection, eid, rows.IN)
        if row is None or row.other != caller.id or row.state not in ("prepared", "received"):
            raise refusal(
                FunctionStatus.SM_SR_NOT_EXPECTED,
                f"{self._owner} does not expect {eid} from {caller.id}: its MNO must prepare that",
            )
        eis = self._book.verify(handed.signed)
        if eis.eid != eid:
            raise refusal(FunctionStatus.BAD_EIS, f"the EIS is of {eis.eid}, not of {eid}")
        _check_kvns(handed)
        today = datetime.fromtimestamp(self._clock(), UTC).date()
        self._own_credentials().card_key(eis, today)
        with self._store.transaction() as connection:
            rows.change(
                connection,
                eid,
                rows.IN,
                state="received",
                body=handed.of(eid).encode(),
                kvn=_free_kvn(set(handed.kvns) | set(eis.scp80_kvns)),
            )

    def report(self, caller: Principal, eid: str) -> HandoverReport:
        """Say how our part stands, to the old SM-SR, the MNO that prepared it, or the operator."""
        require_role(caller, Role.SM_SR, Role.MNO, Role.OPERATOR)
        with self._store.transaction() as connection:
            row = rows.find(connection, eid, rows.IN)
        if row is None or (caller.role is not Role.OPERATOR and caller.id not in _parties(row)):
            raise refusal(FunctionStatus.UNKNOWN_EUICC, f"{eid} does not come from {caller.id}")
        return HandoverReport(eid, rows.IN, row.other, row.state, row.reason)

    def work(self) -> None:
        """Do the next step of each change."""
        with self._store.transaction() as connection:
            coming = rows.in_states(connection, rows.IN, rows.COMING)
        steps = {
            "received": self._authenticate,
            "challenged": self._make_keys,
            "entered": self._finalise,
        }
        self._asking.keep_only(map(_step, coming))
        for row in coming:
            if not self._asking.is_due(_step(row), self._clock()):
                continue
            try:
                if row.state in steps:
                    steps[row.state](row)
            except LinkError as err:
                log.warning("handover of %s from %s waits: %s", row.eid, row.other, err)
            except (Refusal, CodecError) as err:
                self._fail(row, str(err))

    def finalised(self, connection: Connection, outcome: Outcome) -> None:
        """Take note of the end of the job that deletes the old keys."""
        row = rows.find(connection, outcome.eid, rows.IN)
        if row is None or row.state != "entered" or row.job != outcome.job:
            return
        if outcome.refused:
            forget(connection, outcome.eid)
            reason = "the card refused to have the keys of the old SM-SR deleted"
            rows.change(connection, outcome.eid, rows.IN, state="failed", reason=reason, job="")
        elif outcome.failed:
            rows.change(connection, outcome.eid, rows.IN, job="")
        else:
            rows.change(connection, outcome.eid, rows.IN, state="renewing", job="", ephemeral=None)
            if not self._renewal.begin(connection, outcome.eid):
                self.renewed(connection, outcome.eid)

    def renewed(self, connection: Connection, eid: str) -> None:
        """End the change: all keys are in order, and the owners of profiles are told."""
        row = rows.find(connection, eid, rows.IN)
        if row is not None and row.state == "renewing":
            rows.change(connection, eid, rows.IN, state="done")
            for mno, sm_dp, iccid in sorted(_owners(HandedEis.decode(row.body))):
                self._notices.post(
                    connection, "sm-sr-changed", eid=row.eid, iccid=iccid, mno=mno, sm_dp=sm_dp
                )

    def _authenticate(self, row: Row[Any]) -> None:
        link = self._link(row.other)
        certificate = self._own_credentials().identity.certificate
        job = row.job or link.authenticate_sm_sr(row.eid, certificate.encode())
        self._change(row, job=job)
        response = self._answer(link, job)
        if response is None:
            return
        identity = self._own_credentials().identity
        challenge = read_challenge(response)
        ephemeral = PrivateKey.generate(identity.key.curve)
        reference = Reference(kvn=row.kvn, parameters=_parameters(row))
        request = KeyRequest.make(reference, ephemeral.public, identity.key, challenge)
        self._change(
            row,
            state="challenged",
            job="",
            request=request.encode(),
            ephemeral=ephemeral.scalar,
        )

    def _make_keys(self, row: Row[Any]) -> None:
        link = self._link(row.other)
        job = row.job or link.create_additional_key_set(row.eid, bytes(row.request))
        self._change(row, job=job)
        response = self._answer(link, job)
        if response is None:
            return
        credentials = self._own_credentials()
        handed = HandedEis.decode(row.body)
        eis = self._book.verify(handed.signed)
        card_key = credentials.card_key(eis, datetime.fromtimestamp(self._clock(), UTC).date())
        ephemeral = PrivateKey(credentials.identity.key.curve, bytes(row.ephemeral))
        request = KeyRequest.decode(bytes(row.request))
        made = host_keys(request, response, ephemeral, card_key).key_set(row.kvn)
        keys = OtaKeys(row.kvn, made.enc, made.mac)
        with self._store.transaction() as connection:
            self._book.take_over(connection, eis, handed, keys)
            for kvn, kid in handed.scp81[:1]:
                self._renewal.prepare(connection, row.eid, kvn, kid, dek=made.dek)
            rows.change(connection, row.eid, rows.IN, state="entered", job="", ephemeral=None)

    def _finalise(self, row: Row[Any]) -> None:
        """Tell the card our number, and have all keys deleted that the old SM-SR knows.

        What stays is named: our key set, and those of images, which no SM-SR ever knew.
        """
        if row.job or self._jobs.is_busy(row.eid):
            return
        images = self._book.eis(row.eid).scp03_kvns
        kept = [isdr_commands.KeyRange(kvn) for kvn in (row.kvn, *images)]
        named = {"finalise": isdr_commands.finalise_handover(*kept)}
        if self._number is not None:
            address = isdr_commands.update_addressing(Address(self._number))
            named = {"addressing": address} | named

        def note(connection: Connection, job: str) -> None:
            rows.change(connection, row.eid, rows.IN, job=job)

        self._jobs.start(
            "finalise",
            row.eid,
            "",
            b"",
            caller=self._owner,
            commands=lambda job: [
                scripts.isd_r_command(job, row.eid, name, command)
                for name, command in named.items()
            ],
            along=note,
        )

    def _answer(self, link: Es7Link, job: str) -> bytes | None:
        """Return the data of the card's last answer; None while the job runs."""
        report = link.report(job)
        if report.state == "running":
            return None
        if report.state == "failed":
            raise refusal(FunctionStatus.CARD_REFUSED, report.reason)
        return answer_of(report.response)

    def _fail(self, row: Row[Any], reason: str) -> None:
        log.warning("handover of %s from %s failed: %s", row.eid, row.other, reason)
        self._change(row, state="failed", reason=reason, job="", ephemeral=None)

    def _change(self, row: Row[Any], **values: object) -> None:
        with self._store.transaction() as connection:
            rows.change(connection, row.eid, rows.IN, **values)

    def _own_credentials(self) -> Credentials:
        if self._credentials is None:
            raise Refusal(
                RefusalCode.NO_ROUTE, f"{self._owner} has no certificate: it can take no eUICC over"
            )
        return self._credentials

    def _link(self, name: str) -> Es7Link:
        if name not in self._links:
            raise refusal(FunctionStatus.UNKNOWN_SM_SR, f"SM-SR {name} is not known any more")
        return self._links[name]


def _check_kvns(handed: HandedEis) -> None:
    """Refuse key sets that are none of an SM-SR."""
    psks = range(FIRST_PSK_KVN, LAST_PSK_KVN + 1)
    if not all(0x01 <= kvn <= LAST_KVN for kvn in handed.kvns) or not all(
        kvn in psks and 0x01 <= kid <= LAST_KID for kvn, kid in handed.scp81
    ):
        raise refusal(
            FunctionStatus.BAD_EIS, "key sets handed over are not those of SCP80 and SCP81"
        )


def _free_kvn(used: set[int]) -> int:
    """Return one more than the highest key version; at 0F one that is free, or 01 made anew."""
    highest = max(used, default=0)
    if highest < LAST_KVN:
        return highest + 1
    return next((kvn for kvn in range(1, LAST_KVN) if kvn not in used), 0x01)


def _parameters(row: Row[Any]) -> int:
    handed = HandedEis.decode(row.body)
    return _PARAMETERS | (Parameter.DELETE_EXISTING if row.kvn in handed.kvns else 0)


def _parties(row: Row[Any]) -> tuple[str, str]:
    return row.other, row.mno


def _owners(handed: HandedEis) -> set[tuple[str, str, str]]:
    return {(row.mno, row.sm_dp, row.iccid) for row in handed.profiles if row.mno}


def _step(row: Row[Any]) -> str:
    return f"{row.eid} {row.state} {row.job}"
