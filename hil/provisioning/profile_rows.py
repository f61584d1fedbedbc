"""Rows of the profiles that an SM-DP makes: from subscriptions into its store, each only once."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.orders import Subscription
from hil.provisioning.tables import PROFILES


def check_new(connection: Connection, sm_dp: str, found: Sequence[Subscription]) -> None:
    """Refuse subscriptions with an ICCID or IMSI that this SM-DP has used before."""
    taken = connection.execute(
        select(PROFILES.c.iccid).where(
            PROFILES.c.iccid.in_([one.iccid for one in found])
            | PROFILES.c.imsi.in_([one.imsi for one in found])
        )
    ).first()
    if taken is not None:
        raise Refusal(
            RefusalCode.EXISTS,
            f"{sm_dp} has made the profile {taken.iccid} with this ICCID or IMSI before",
        )


def profile_columns(
    order_id: str, number: int, one: Subscription, eid: str | None = None
) -> dict[str, object]:
    """Return the row of a new profile, ready to be made where its eUICC is known."""
    return {
        "iccid": one.iccid,
        "order_id": order_id,
        "number": number,
        "imsi": one.imsi,
        "k": one.k,
        "opc": one.opc,
        "msisdn": one.msisdn,
        "sm_sr": one.sm_sr,
        "eid": eid,
        "state": "waiting" if eid is None else "ready",
    }
