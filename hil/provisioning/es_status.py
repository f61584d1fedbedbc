"""Status codes of the functions of ES1 to ES7 (GSMA SGP.02, 5.1.6): subject and reason.

A refused function answers with one of our own words (:class:`RefusalCode`) and, in its details,
with the standard's pair: ``{"subject": "8.1.1", "reason": "3.9"}``. The pairs marked *recalled*
were not seen in print; who needs others replaces the row.
"""

from __future__ import annotations

from enum import Enum

from hil.provisioning.errors import Refusal, RefusalCode


class FunctionStatus(Enum):
    """Why a function was not executed: our word, subject code, reason code."""

    UNKNOWN_EUICC = (RefusalCode.UNKNOWN, "8.1.1", "3.9")
    EUICC_KNOWN = (RefusalCode.EXISTS, "8.1.1", "3.3")  # recalled
    EUICC_BUSY = (RefusalCode.WRONG_STATE, "1.2", "4.4")
    EUICC_NOT_REACHABLE = (RefusalCode.NO_ROUTE, "8.1.1", "5.1")  # recalled
    NO_MEMORY = (RefusalCode.NO_MEMORY, "8.1", "4.8")
    UNKNOWN_PROFILE = (RefusalCode.UNKNOWN, "8.2.1", "3.9")
    PROFILE_KNOWN = (RefusalCode.EXISTS, "8.2.1", "3.3")
    PROFILE_INVALID = (RefusalCode.INVALID, "8.2.1", "2.1")  # recalled
    NOT_YOUR_PROFILE = (RefusalCode.NOT_ALLOWED, "8.2.1", "1.2")
    WRONG_PROFILE_STATE = (RefusalCode.WRONG_STATE, "8.2.1", "1.2")
    POL2 = (RefusalCode.POLICY, "8.2.3", "3.8")  # recalled
    POL2_INVALID = (RefusalCode.INVALID, "8.2.3", "2.1")  # recalled
    ADDRESS_INVALID = (RefusalCode.INVALID, "8.2.6", "2.1")  # recalled
    UNKNOWN_ISDP = (RefusalCode.UNKNOWN, "8.3.1", "3.9")
    DATA_INVALID = (RefusalCode.INVALID, "1.6", "2.1")  # recalled
    DATA_NOT_ALLOWED = (RefusalCode.NOT_ALLOWED, "8.4", "1.2")  # recalled
    CARD_REFUSED = (RefusalCode.CARD_REFUSED, "8.4", "4.2")
    BAD_EIS = (RefusalCode.BAD_SIGNATURE, "8.6", "6.1")  # recalled
    BAD_EUICC_CERTIFICATE = (RefusalCode.BAD_SIGNATURE, "8.5.2", "6.1")
    EXPIRED_EUICC_CERTIFICATE = (RefusalCode.BAD_SIGNATURE, "8.5.2", "6.3")
    UNKNOWN_SM_SR = (RefusalCode.UNKNOWN_PEER, "8.7", "1.1")
    SM_SR_NOT_EXPECTED = (RefusalCode.WRONG_STATE, "8.7", "1.2")  # recalled
    BAD_SM_SR_CERTIFICATE = (RefusalCode.BAD_SIGNATURE, "8.7.1", "6.1")  # recalled
    CALLER_NOT_ALLOWED = (RefusalCode.NOT_ALLOWED, "1.1", "1.2")  # recalled

    def __init__(self, code: RefusalCode, subject: str, reason: str) -> None:
        self.code = code
        self.subject = subject
        self.reason = reason


def refusal(status: FunctionStatus, text: str) -> Refusal:
    """Return the refusal of a function, for raising; ``text`` says what, where, what to do."""
    return Refusal(status.code, text, {"subject": status.subject, "reason": status.reason})
