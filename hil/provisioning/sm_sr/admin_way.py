"""Which commands go in administration sessions (SCP81), and what asks a card for one.

The way is chosen once for a job, when its first command is due, and stored: a repetition after a
restart goes the same way. Limits after SGP.02 practice: beyond 5 commands or 20 short messages a
session is quicker.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import Connection, Row, insert, select

from hil.errors import ConfigError
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.sm_sr.admin_keys import AdminKeys, admin_key_of
from hil.provisioning.sm_sr.packing import MessageSize, packet_bytes
from hil.provisioning.tables import OTA_COMMANDS, OTA_WAYS
from hil.wire.admin_session import AdminRequest
from hil.wire.bip import OpenChannel
from hil.wire.command_script import CommandScript
from hil.wire.identifiers import ISD_R_TAR
from hil.wire.scp80 import SecurityParameters

Way = Literal["auto", "sms", "report", "https"]
"""How a job goes: ``report`` is by short messages with the answer in the delivery report."""

QUIET_SPI: Final = bytes.fromhex("1600")
"""Checksum, ciphered, counter higher; no proof of receipt: the session itself is the proof."""
REQUEST_PARAMETERS: Final = SecurityParameters(QUIET_SPI, ISD_R_TAR)


@dataclass(frozen=True, slots=True)
class AdminPlace:
    """Where cards reach this SM-SR: an IP address, a port, the path and the host they name."""

    address: str
    port: int
    uri: str = "/admin"
    host: str = ""

    def request(self) -> bytes:
        """Return the request for a session, always the same: cards go on where they stood."""
        try:
            packed = ipaddress.ip_address(self.address).packed
        except ValueError as err:
            raise ConfigError(f"administration server {self.address!r}: {err}") from err
        return AdminRequest(
            connection=OpenChannel(packed, self.port, None, None),
            host=self.host.encode() or None,
            uri=self.uri.encode(),
        ).encode()


@dataclass(frozen=True, slots=True)
class AdminLimits:
    """Up to how many commands and short messages a job goes by SMS; ``automatic``: whether at all.

    Without ``automatic`` only those jobs go in sessions for which the caller asks for it.
    """

    commands: int = 5
    messages: int = 20
    automatic: bool = True


class AdminWay:
    """Chooses for each job."""

    def __init__(self, place: AdminPlace, keys: AdminKeys, limits: AdminLimits) -> None:
        self.request = place.request()
        self._keys = keys
        self._limits = limits

    def require(self, eid: str) -> None:
        """Refuse a session with an eUICC that has no SCP81."""
        if self._keys.of(eid) is None:
            raise Refusal(RefusalCode.NO_ROUTE, f"the eUICC {eid} has no SCP81 after its EIS")

    def is_for(self, connection: Connection, row: Row[Any], size: MessageSize) -> bool:
        """Whether a command goes in a session."""
        found = connection.execute(
            select(OTA_WAYS.c.way).where(OTA_WAYS.c.job == row.job)
        ).scalar_one_or_none()
        if found is None:
            found = self._choose(connection, row, size)
            set_way(connection, row.job, found)
        return str(found) == "https"

    def _choose(self, connection: Connection, row: Row[Any], size: MessageSize) -> Way:
        known = connection.execute(
            select(OTA_COMMANDS.c.script).where(OTA_COMMANDS.c.job == row.job)
        ).scalars()
        scripts = [bytes(one) for one in known]
        if not self._limits.automatic or not self._is_much(scripts, size):
            return "sms"
        return "https" if admin_key_of(connection, row.eid) is not None else "sms"

    def _is_much(self, scripts: Sequence[bytes], size: MessageSize) -> bool:
        commands = sum(len(CommandScript.decode(one).items) for one in scripts)
        messages = sum(size.messages(packet_bytes(len(one))) for one in scripts)
        return commands > self._limits.commands or messages > self._limits.messages


def set_way(connection: Connection, job: str, way: Way) -> None:
    """Store the way of a job."""
    connection.execute(insert(OTA_WAYS).values(job=job, way=way))
