"""The download of a profile as SGP.02 orders it (3.1): from GetEIS to EnableProfile."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from hil.errors import CodecError, LinkError
from hil.provisioning.credentials import Credentials
from hil.provisioning.eis import Eis
from hil.provisioning.errors import Refusal
from hil.provisioning.es_status import FunctionStatus, refusal
from hil.provisioning.online.establishment import PARAMETERS, CardLine, establish
from hil.provisioning.online.installation import install
from hil.provisioning.online.link import Es3Link, finished, start_when_free
from hil.provisioning.orders import Subscription
from hil.provisioning.profile_making import Template, make_package
from hil.provisioning.sm_sr.download_functions import CompletedDownload
from hil.provisioning.sm_sr.eis_rows import EisProfileRow, SubscriptionAddress
from hil.provisioning.sm_sr.management import EisView
from hil.provisioning.validity import valid_until
from hil.wire.isdp_keys import ISD_P_KVN
from hil.wire.key_establishment import Reference
from hil.wire.scp03_keys import KeySet

log = logging.getLogger(__name__)

KeepKeys = Callable[[str, bytes, str, KeySet], None]
"""Told EID, AID and ICCID of an ISD-P and the keys that were established in it."""

Step = Callable[[str], None]
"""Told the name of each step before it is done."""


@dataclass(frozen=True, slots=True)
class WantedProfile:
    """What is to be downloaded: for whom, from which template, and whether it is enabled then."""

    eid: str
    mno: str
    sm_dp: str
    template: Template
    subscription: Subscription
    enable: bool
    pol2: int = 0


@dataclass(frozen=True, slots=True)
class Means:
    """With what: the SM-SR, our credentials, the day, how long the card may take each time.

    ``keep_keys`` keeps the keys of the ISD-P before they are used.
    """

    link: Es3Link
    credentials: Credentials
    today: Callable[[], date]
    timeout_s: float
    keep_keys: KeepKeys


def download(wanted: WantedProfile, means: Means, step: Step) -> None:
    """Download a profile; raise with the reason when it did not come about.

    May be called again after it broke off anywhere: what an attempt left on the card is deleted
    first, and a profile that is complete is not downloaded again. What fails before
    ProfileDownloadCompleted leaves no ISD-P, as far as the card can be reached.
    """
    step("GetEIS")
    view = means.link.get_eis(wanted.eid)
    own = _own(view, wanted.subscription.iccid)
    if own is None or own.state in ("in-creation", "created"):
        _install(wanted, means, view, step)
        own = None
    if wanted.enable and (own is None or own.state != "enabled"):
        step("EnableProfile")
        _done(
            means,
            lambda: means.link.enable_profile(wanted.eid, wanted.subscription.iccid),
        )


def _install(wanted: WantedProfile, means: Means, view: EisView, step: Step) -> None:
    link, iccid = means.link, wanted.subscription.iccid
    card_key = means.credentials.card_key(_eis(view), means.today())
    package = make_package(wanted.template, wanted.subscription)
    for row in view.profiles:
        if row.sm_dp == wanted.sm_dp and row.state in ("in-creation", "created"):
            step("DeleteISDP")
            _delete(wanted, means, row.iccid)
    step("CreateISDP")
    memory = wanted.template.memory or 2 * len(package)
    made = link.create_isdp(wanted.eid, iccid, wanted.mno, memory)
    line = CardLine(link, wanted.eid, means.timeout_s)
    try:
        finished(link, made.job, timeout_s=means.timeout_s)
        step("EstablishISDPKeySet")
        reference = Reference(kvn=ISD_P_KVN, parameters=PARAMETERS)
        keys = establish(line, made.isdp_aid, reference, means.credentials, card_key)
        means.keep_keys(wanted.eid, made.isdp_aid, iccid, keys)
        step("DownloadAndInstallation")
        install(line, made.isdp_aid, keys, package, block=wanted.template.block)
        step("ProfileDownloadCompleted")
        address = SubscriptionAddress(wanted.subscription.imsi, wanted.subscription.msisdn or "")
        link.completed(
            CompletedDownload(wanted.eid, iccid, wanted.template.profile_type, address, wanted.pol2)
        )
    except (Refusal, LinkError):
        _clean_up(wanted, means)
        raise


def _clean_up(wanted: WantedProfile, means: Means) -> None:
    """Delete what a failed download left; where that cannot be done now, the next one does it."""
    iccid = wanted.subscription.iccid
    try:
        # The call may have ended with its validity period: what it left goes all the same.
        with valid_until(None):
            row = _own(means.link.get_eis(wanted.eid), iccid)
            if row is not None and row.state in ("in-creation", "created"):
                _delete(wanted, means, iccid)
    except (Refusal, LinkError) as err:
        log.warning("ISD-P of %s on %s is left: %s", iccid, wanted.eid, err)


def _delete(wanted: WantedProfile, means: Means, iccid: str) -> None:
    _done(means, lambda: means.link.delete_profile(wanted.eid, iccid))


def _done(means: Means, start: Callable[[], str]) -> None:
    job = start_when_free(start, timeout_s=means.timeout_s)
    finished(means.link, job, timeout_s=means.timeout_s)


def _own(view: EisView, iccid: str) -> EisProfileRow | None:
    return next((row for row in view.profiles if row.iccid == iccid), None)


def _eis(view: EisView) -> Eis:
    try:
        eis = Eis.decode(view.payload)
    except CodecError as err:
        raise refusal(FunctionStatus.BAD_EIS, f"EIS of {view.eid}: {err}") from err
    if eis.eid != view.eid:
        raise refusal(FunctionStatus.BAD_EIS, f"the SM-SR sent the EIS of {eis.eid}")
    return eis
