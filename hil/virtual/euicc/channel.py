"""A logical channel: what is selected on it (ETSI TS 102 221, section 8.7 and 11.1.17)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hil.virtual.euicc.store_data import Chain

if TYPE_CHECKING:
    from hil.virtual.euicc.data_objects import Transfer
    from hil.virtual.euicc.files import Df, Ef
    from hil.virtual.euicc.scp02_session import Scp02Session
    from hil.virtual.euicc.secure_session import SecureSession
    from hil.virtual.euicc.security_domain import SecurityDomain
    from hil.wire.apdu import ResponseApdu


@dataclass(slots=True)
class Channel:
    """State of one open channel; all of it is lost at reset.

    ``domain`` is the selected security domain, ``None`` when the UICC's files or an NAA are
    selected. ``application``: ADF of the application that is active, also while other directories
    are current (8.4.1). ``record``: current record, 0 for none. ``waiting``: answer kept for GET
    RESPONSE. ``transfer``: data object that goes in or out in pieces. ``deletions``: those of the
    tree that the channel has taken note of.
    """

    number: int
    df: Df
    ef: Ef | None = None
    record: int = 0
    domain: SecurityDomain | None = None
    session: SecureSession | Scp02Session | None = None
    waiting: ResponseApdu | None = None
    chain: Chain = field(default_factory=Chain)
    transfer: Transfer | None = None
    deletions: int = 0
    application: Df | None = None
