"""SCP80 at the card: which packets are executed, which are answered, which vanish.

ETSI TS 102 225 and, for the ISD-R and the ISD-Ps, GSMA SGP.02, 2.4.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hil.errors import CodecError
from hil.virtual.euicc.key_store import DEK, StoredKey
from hil.virtual.euicc.ota_keys import key_set
from hil.wire import scp80
from hil.wire.admin_session import is_admin_request
from hil.wire.identifiers import ISD_R_TAR
from hil.wire.scp80 import (
    CommandHeader,
    CommandPacket,
    Integrity,
    OtaKeySet,
    PacketSecurityError,
    ProofOfReceipt,
    ResponsePacket,
    ResponseStatus,
    SecurityParameters,
)
from hil.wire.toolkit_parameters import reaches

if TYPE_CHECKING:
    from hil.virtual.euicc.key_store import KeyStore

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A proof of receipt to be sent, secured as its command asked for."""

    response: ResponsePacket
    parameters: SecurityParameters
    keys: OtaKeySet = field(repr=False)

    @property
    def by_submit(self) -> bool:
        """Whether it travels in SMS-SUBMIT, not in the delivery report."""
        return self.parameters.flags.por_by_submit

    def packet(self, status: ResponseStatus | None = None) -> bytes:
        """Return the packet; with ``status``, one that says only that."""
        response = self.response
        if status is not None:
            response = replace(response, status=int(status), data=b"")
        return scp80.wrap_response(response, self.parameters, self.keys)


@dataclass(frozen=True, slots=True)
class Destination:
    """Who takes packets: ``domain`` names the keys, ``run`` executes data with the set's DEK.

    ``level``: least first SPI octet, ``None`` for the minimum of SGP.02, below which a packet
    vanishes. ``run`` is ``None`` where keys are known, but nobody has the TAR.
    """

    domain: bytes
    level: int | None
    run: Callable[[bytes, StoredKey | None], bytes] | None


class SecuredPackets:
    """Opens packets with the keys of their destination's security domain.

    Dropped without an answer: a packet with a wrong cryptographic checksum or under unknown keys,
    for the ISD-R and the ISD-Ps also one weaker than SGP.02 wants. The counter is stored after the
    checksum is found good and before the script runs, so that power lost in between can not make
    it run twice. ``destinations``: who may take a TAR, in the order in which they are tried.
    ``ask_session`` takes a request for an administration session (SCP81) in place of a script.
    """

    def __init__(
        self,
        keys: KeyStore,
        destinations: Callable[[bytes], list[Destination]],
        *,
        ask_session: Callable[[bytes], None],
    ) -> None:
        self._keys = keys
        self._destinations = destinations
        self._ask_session = ask_session

    def process(self, packet: bytes) -> Receipt | None:
        """Take one command packet; return the receipt it asks for, ``None`` for none."""
        try:
            header = CommandHeader.decode(packet)
            choice = self._destinations(header.parameters.tar)
        except CodecError as err:
            log.warning("packet dropped: %s", err)
            return None
        for destination in choice:
            try:
                return self._open(packet, header, destination)
            except CodecError as err:
                log.warning("packet not for this domain, or not authentic: %s", err)
        log.warning("packet dropped")
        return None

    def _open(
        self, packet: bytes, header: CommandHeader, destination: Destination
    ) -> Receipt | None:
        """Open and execute; :class:`CodecError` if it is not to be answered."""
        if destination.level is None:
            weaknesses = scp80.sgp02_weaknesses(header.parameters)
            if weaknesses:
                raise CodecError(", ".join(weaknesses))
        keys = key_set(self._keys, destination.domain, header)
        try:
            opened = scp80.unwrap_command(packet, keys)
        except PacketSecurityError as err:
            if header.parameters.flags.integrity is not Integrity.REDUNDANCY_CHECK:
                raise
            # No secret is at stake: a wrong sum tells of a bad line.
            failed = ResponseStatus.INTEGRITY_FAILED
            return _receipt(header, keys, err.counter, failed, b"")
        status, data = self._execute(opened, keys.kvn, destination)
        return _receipt(header, keys, opened.counter, status, data)

    def _execute(
        self, opened: CommandPacket, kvn: int, destination: Destination
    ) -> tuple[ResponseStatus, bytes]:
        parameters = opened.header.parameters
        if destination.level is not None and not reaches(parameters.flags, destination.level):
            return ResponseStatus.SECURITY_TOO_LOW, b""
        stored = self._keys.counter(destination.domain, kvn)
        decision = scp80.accept_counter(parameters.spi, stored, opened.counter)
        if not decision.accepted:
            log.warning("packet refused: %s, stored %010X", decision.status.name, stored)
            return decision.status, b""
        if decision.stored != stored:
            self._keys.set_counter(destination.domain, kvn, decision.stored)
        if destination.run is None:
            return ResponseStatus.TAR_UNKNOWN, b""
        if parameters.tar == ISD_R_TAR and is_admin_request(opened.data):
            return self._request(opened.data), b""
        dek = self._keys.key(destination.domain, kvn, DEK)
        return ResponseStatus.OK, destination.run(opened.data, dek)

    def _request(self, data: bytes) -> ResponseStatus:
        try:
            self._ask_session(data)
        except CodecError as err:
            log.warning("request for an administration session refused: %s", err)
            return ResponseStatus.SECURITY_ERROR
        return ResponseStatus.OK


def _receipt(
    header: CommandHeader, keys: OtaKeySet, counter: int, status: ResponseStatus, data: bytes
) -> Receipt | None:
    """Return the receipt that a command asks for; ``None`` if it asks for none now."""
    asked = header.parameters.flags.por
    wanted = asked is ProofOfReceipt.ALWAYS or (
        asked is ProofOfReceipt.ON_ERROR and status is not ResponseStatus.OK
    )
    if not wanted:
        return None
    response = ResponsePacket(header.parameters.tar, counter, int(status), data)
    return Receipt(response, header.parameters, keys)
