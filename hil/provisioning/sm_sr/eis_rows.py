"""Rows of the EIS: the profiles of an eUICC, and how their states hang together (SGP.02)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from sqlalchemy import Connection, Row, delete, insert, select, update

from hil.provisioning.es_status import FunctionStatus, refusal
from hil.provisioning.tables import EIS, EIS_PROFILES

ProfileState = Literal["in-creation", "created", "disabled", "enabled"]

POL2_NO_DISABLE: Final = 1
POL2_NO_DELETE: Final = 2
POL2_DELETE_ON_DISABLE: Final = 4


@dataclass(frozen=True, slots=True)
class EisProfileRow:
    """One profile as the SM-SR knows it; POL2: 1 no disable, 2 no delete, 4 delete on disable.

    ``memory``: bytes granted to the ISD-P, 0 where they are not known; ``imsi`` and ``msisdn`` are
    the subscription address; ``delete_due``: POL2 wants it deleted, because it was disabled.
    """

    eid: str
    isdp_aid: bytes
    iccid: str
    mno: str
    sm_dp: str
    state: str
    fallback: bool
    pol2: int
    memory: int = 0
    profile_type: str = ""
    imsi: str = ""
    msisdn: str = ""
    delete_due: bool = False


@dataclass(frozen=True, slots=True)
class SubscriptionAddress:
    """Under which IMSI and number the subscription of a profile is known; either may be empty."""

    imsi: str = ""
    msisdn: str = ""

    def check(self) -> None:
        """Refuse what is not digits, or of a wrong length."""
        for name, value, low, high in (("IMSI", self.imsi, 6, 15), ("MSISDN", self.msisdn, 3, 20)):
            if value and not (value.isascii() and value.isdigit() and low <= len(value) <= high):
                raise refusal(
                    FunctionStatus.ADDRESS_INVALID, f"{name} is not {low} to {high} digits"
                )


def check_pol2(pol2: int) -> None:
    """Refuse policy rules that do not exist."""
    if not 0 <= pol2 <= 7:
        raise refusal(FunctionStatus.POL2_INVALID, f"POL2 {pol2} has bits beside 1, 2 and 4")


def follow_number(connection: Connection, eid: str) -> None:
    """Reach the eUICC at the number of its enabled profile, where one is known."""
    row = connection.execute(
        select(EIS_PROFILES.c.msisdn).where(
            EIS_PROFILES.c.eid == eid,
            EIS_PROFILES.c.state == "enabled",
            EIS_PROFILES.c.msisdn != "",
        )
    ).first()
    if row is not None:
        connection.execute(update(EIS).where(EIS.c.eid == eid).values(msisdn=row.msisdn))


def rows_of(connection: Connection, eid: str) -> tuple[EisProfileRow, ...]:
    """Return the profiles of an eUICC, by AID."""
    rows = connection.execute(
        select(EIS_PROFILES).where(EIS_PROFILES.c.eid == eid).order_by(EIS_PROFILES.c.isdp_aid)
    )
    return tuple(_profile(row) for row in rows)


def put_profile(connection: Connection, profile: EisProfileRow) -> None:
    """Enter a profile, or replace what is known of its ISD-P."""
    remove_profile(connection, profile.eid, profile.isdp_aid)
    connection.execute(insert(EIS_PROFILES).values(**asdict(profile)))
    if profile.state == "enabled":
        follow_number(connection, profile.eid)


def remove_profile(connection: Connection, eid: str, isdp_aid: bytes) -> None:
    """Forget an ISD-P."""
    connection.execute(
        delete(EIS_PROFILES).where(EIS_PROFILES.c.eid == eid, EIS_PROFILES.c.isdp_aid == isdp_aid)
    )


def set_enabled(connection: Connection, eid: str, isdp_aid: bytes) -> None:
    """Note that this profile is enabled, and so no other one is."""
    for row in rows_of(connection, eid):
        if row.isdp_aid == isdp_aid:
            _set_state(connection, row, "enabled", delete_due=False)
        elif row.state == "enabled":
            _set_state(connection, row, "disabled", delete_due=wants_deletion(row))
    follow_number(connection, eid)


def set_disabled(connection: Connection, eid: str, isdp_aid: bytes) -> None:
    """Note that this profile is disabled; the one with the fall-back attribute takes its place."""
    rows = rows_of(connection, eid)
    for row in rows:
        if row.isdp_aid == isdp_aid and row.state != "disabled":
            _set_state(connection, row, "disabled", delete_due=wants_deletion(row))
    fallback = next((row for row in rows if row.fallback), None)
    if fallback is not None and fallback.isdp_aid != isdp_aid:
        set_enabled(connection, eid, fallback.isdp_aid)


def wants_deletion(row: EisProfileRow) -> bool:
    """Whether POL2 wants this profile deleted once it is disabled; the fall-back one never is."""
    return bool(row.pol2 & POL2_DELETE_ON_DISABLE) and not row.fallback


def _set_state(
    connection: Connection, row: EisProfileRow, state: ProfileState, *, delete_due: bool
) -> None:
    connection.execute(
        update(EIS_PROFILES)
        .where(EIS_PROFILES.c.eid == row.eid, EIS_PROFILES.c.isdp_aid == row.isdp_aid)
        .values(state=state, delete_due=delete_due)
    )


def _profile(row: Row[Any]) -> EisProfileRow:
    values = dict(row._mapping)
    return EisProfileRow(**values | {"isdp_aid": bytes(row.isdp_aid)})
