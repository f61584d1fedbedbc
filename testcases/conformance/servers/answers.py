"""What the servers must answer, as docs/servers.md has it, and how a case holds them to it."""

from __future__ import annotations

from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any

from hil.checks import refusal
from hil.evidence import step
from hil.provisioning.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.bench.parties import Parties


class Answer(Enum):
    """Our word, then subject and reason code (SGP.02, 5.1.6), empty where there is no pair.

    The pairs of rows marked *recalled* were not seen in print; who needs others changes the row.
    """

    NOT_ALLOWED = ("not-allowed", "", "")
    NO_SESSION = ("not-authenticated", "", "")
    BAD_SIGNATURE = ("bad-signature", "", "")
    INVALID = ("invalid", "", "")
    INCOMPLETE = ("incomplete", "", "")
    OTHER_CALL = ("exists", "", "")
    EXPIRED = ("expired", "", "")
    UNKNOWN = ("unknown", "", "")

    UNKNOWN_EUICC = ("unknown", "8.1.1", "3.9")
    EUICC_KNOWN = ("exists", "8.1.1", "3.3")  # recalled
    EUICC_BUSY = ("wrong-state", "1.2", "4.4")
    NOT_REACHABLE = ("no-route", "8.1.1", "5.1")  # recalled
    NO_MEMORY = ("no-memory", "8.1", "4.8")
    UNKNOWN_PROFILE = ("unknown", "8.2.1", "3.9")
    PROFILE_KNOWN = ("exists", "8.2.1", "3.3")
    PROFILE_INVALID = ("invalid", "8.2.1", "2.1")  # recalled
    NOT_YOUR_PROFILE = ("not-allowed", "8.2.1", "1.2")
    WRONG_STATE = ("wrong-state", "8.2.1", "1.2")
    POL2 = ("policy", "8.2.3", "3.8")  # recalled
    POL2_INVALID = ("invalid", "8.2.3", "2.1")  # recalled
    ADDRESS_INVALID = ("invalid", "8.2.6", "2.1")  # recalled
    UNKNOWN_ISDP = ("unknown", "8.3.1", "3.9")
    DATA_INVALID = ("invalid", "1.6", "2.1")  # recalled
    DATA_NOT_ALLOWED = ("not-allowed", "8.4", "1.2")  # recalled
    EIS_OF_ANOTHER = ("bad-signature", "8.6", "6.1")  # recalled
    BAD_EUICC_CERTIFICATE = ("bad-signature", "8.5.2", "6.1")
    UNKNOWN_SM_SR = ("unknown-peer", "8.7", "1.1")
    SM_SR_NOT_EXPECTED = ("wrong-state", "8.7", "1.2")  # recalled
    CALLER_NOT_ALLOWED = ("not-allowed", "1.1", "1.2")  # recalled

    def __str__(self) -> str:
        """Return it as the documentation writes it: ``unknown 8.1.1 / 3.9``."""
        word, subject, reason = self.value
        return f"{word} {subject} / {reason}" if subject else word


@contextmanager
def refused(expected: Answer) -> Iterator[None]:
    """Hold what runs within to being refused with one answer."""
    with refusal(Refusal) as caught:
        yield
    found = caught.value
    pair = tuple(str(found.details.get(name, "")) for name in ("subject", "reason"))
    assert (found.code.value, *pair) == expected.value, (
        f"{found.code.value} {' / '.join(pair)}, not {expected}: {found.reason}"
    )


def eis(parties: Parties, eid: str, *, at: str = "") -> list[dict[str, Any]]:
    """Return all profiles in an SM-SR's EIS of an eUICC, as its operator sees them.

    ``at``: which SM-SR, by default the one that manages the eUICCs.
    """
    view = parties.desk.caller(parties.operator, at or parties.sm_sr).ask(f"euiccs/{eid}")
    return sorted(view["profiles"], key=lambda row: str(row["iccid"]))


@contextmanager
def unchanged(parties: Parties, eid: str) -> Iterator[None]:
    """Hold the SM-SR's EIS of an eUICC to being the same after what runs within."""
    before = eis(parties, eid)
    yield
    with step("The EIS: nothing has changed"):
        assert eis(parties, eid) == before
