"""Who may see and manage which profiles at an SM-SR (SGP.02, roles of ES3 and ES4)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from hil.provisioning.door import require_role
from hil.provisioning.es_status import FunctionStatus, refusal
from hil.provisioning.sm_sr.eis_rows import EisProfileRow
from hil.provisioning.trust import Principal, Role


class Rights:
    """An MNO manages its own profiles; an SM-DP those it made, and those of MNOs that let it.

    ``authorised``: SM-DP → MNOs on whose behalf it may act. The operator of the bench sees all.
    """

    def __init__(self, authorised: Mapping[str, Collection[str]] | None = None) -> None:
        self._authorised = {name: frozenset(mnos) for name, mnos in (authorised or {}).items()}

    def owns(self, caller: Principal, mno: str, sm_dp: str) -> bool:
        """Whether a caller may manage a profile of that MNO, made by that SM-DP."""
        if caller.role is Role.MNO:
            return caller.id == mno
        if caller.role is Role.SM_DP:
            return caller.id == sm_dp or mno in self._authorised.get(caller.id, ())
        return caller.role is Role.OPERATOR

    def check(self, caller: Principal, iccid: str, mno: str, sm_dp: str) -> None:
        """Refuse a caller who may not manage this profile."""
        require_role(caller, Role.MNO, Role.SM_DP, Role.OPERATOR)
        if not self.owns(caller, mno, sm_dp):
            raise refusal(
                FunctionStatus.NOT_YOUR_PROFILE,
                f"profile {iccid} is not one of the {_name(caller.role)} {caller.id}",
            )

    def visible(
        self, caller: Principal, rows: tuple[EisProfileRow, ...]
    ) -> tuple[EisProfileRow, ...]:
        """Return the profiles that a caller may see."""
        return tuple(row for row in rows if self.owns(caller, row.mno, row.sm_dp))


def _name(role: Role) -> str:
    return {Role.MNO: "MNO", Role.SM_DP: "SM-DP"}.get(role, role.value)
