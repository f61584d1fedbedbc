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

    def update_properties(self, eid: str, changed: Mapping[str, str]) -> None:
        """Take additional properties of an eUICC."""


class EisDelivery:
    """One eUICC maker and the SM-SRs it works with."""

    def __init__(self, maker: EuiccMaker, sm_srs: Mapping[str, EisSink]) -> None:
        self._maker = maker
        self._sm_srs = dict(sm_srs)

    def deliver(self, eid: str, sm_sr: str) -> None:
        """Send the signed EIS of one eUICC to one SM-SR."""
        self._sm_sr(sm_sr).register(self._maker.eis(eid))

    def update_properties(self, eid: str, sm_sr: str, changed: Mapping[str, str]) -> None:
        """Tell one SM-SR additional properties of an eUICC that this maker made."""
        self._maker.eis(eid)
        self._sm_sr(sm_sr).update_properties(eid, changed)

    def _sm_sr(self, name: str) -> EisSink:
        if name not in self._sm_srs:
            raise Refusal(RefusalCode.NO_ROUTE, f"{self._maker.id} does not work with {name!r}")
        return self._sm_srs[name]
