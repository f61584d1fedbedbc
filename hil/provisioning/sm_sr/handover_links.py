"""SM-SRs as they see each other in a change of the SM-SR (ES7)."""

from __future__ import annotations

from typing import Protocol

from hil.provisioning.sm_sr.handover_rows import HandedEis, HandoverReport
from hil.provisioning.sm_sr.jobs import JobReport


class Es7Link(Protocol):
    """The other SM-SR."""

    def handover_euicc(self, handed: HandedEis) -> None:
        """Hand an eUICC over (HandoverEUICC); the new SM-SR begins its part."""

    def handover(self, eid: str) -> HandoverReport:
        """Ask the new SM-SR how its part stands."""

    def authenticate_sm_sr(self, eid: str, certificate: bytes) -> str:
        """Have the new SM-SR's certificate shown to the ISD-R (AuthenticateSMSR); the job."""

    def create_additional_key_set(self, eid: str, request: bytes) -> str:
        """Have the ISD-R establish a key set with the new SM-SR; the job."""

    def report(self, job: str, *, wait_s: float = 0.0) -> JobReport:
        """Ask how a job stands, after it has ended or ``wait_s`` seconds."""
