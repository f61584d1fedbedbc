"""ES1: the eUICC maker brings the EIS of an eUICC to the SM-SR that shall manage it (R-69)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from hil.provisioning.eis import SignedEis
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.eum import EuiccMaker


class EisSink(Protocol):
    """An SM-SR, as an eUICC maker sees it."""

    def register(self, signed: SignedEis) -> str:
        """Take the EIS of a new eUICC; return its EID."""


class EisDelivery:
    """One eUICC maker and the SM-SRs it works with."""

    def __init__(self, maker: EuiccMaker, sm_srs: Mapping[str, EisSink]) -> None:
        self._maker = maker
        self._sm_srs = dict(sm_srs)

    def deliver(self, eid: str, sm_sr: str) -> None:
        """Send the signed EIS of one eUICC to one SM-SR."""
        if sm_sr not in self._sm_srs:
            raise Refusal(RefusalCode.NO_ROUTE, f"{self._maker.id} does not work with {sm_sr!r}")
        self._sm_srs[sm_sr].register(self._maker.eis(eid))
