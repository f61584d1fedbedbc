"""SCP80 at the card: which packets are executed, which are answered, which vanish (SGP.02, 2.4)."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hil.errors import CodecError
from hil.virtual.euicc.key_store import DEK
from hil.wire import scp80
from hil.wire.admin_session import is_admin_request
from hil.wire.identifiers import ISD_R_AID, ISD_R_TAR, tar_of
from hil.wire.scp80 import (
    CommandHeader,
    OtaKeySet,
    ProofOfReceipt,
    ResponsePacket,
    ResponseStatus,
    SecurityParameters,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.virtual.euicc.key_store import KeyStore
    from hil.virtual.euicc.registry import Registry
    from hil.virtual.euicc.remote_scripts import RemoteScripts

log = logging.getLogger(__name__)

_VERSIONS = range(0x01, 0x10)


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


class SecuredPackets:
    """Opens packets with the ISD-R's SCP80 key sets, for the ISD-R and for the ISD-Ps.

    ``ask_session`` takes a request for an administration session (SCP81) in place of a script.

    Dropped without an answer: a packet weaker than SGP.02 wants, one that is not authentic, one
    under unknown keys. The counter is stored after the checksum is found good and before the
    script runs, so that power lost in between can not make it run twice.
    """

    def __init__(
        self,
        keys: KeyStore,
        registry: Registry,
        scripts: RemoteScripts,
        *,
        ask_session: Callable[[bytes], None],
    ) -> None:
        self._keys = keys
        self._registry = registry
        self._scripts = scripts
        self._ask_session = ask_session

    def process(self, packet: bytes) -> Receipt | None:
        """Take one command packet; return the receipt it asks for, ``None`` for none."""
        try:
            header = CommandHeader.decode(packet)
            weaknesses = scp80.sgp02_weaknesses(header.parameters)
            if weaknesses:
                log.warning("packet dropped: %s", ", ".join(weaknesses))
                return None
            keys = self._key_set(header)
            opened = scp80.unwrap_command(packet, keys)
        except CodecError as err:
            log.warning("packet dropped: %s", err)
            return None
        status, data = self._execute(opened, keys.kvn)
        asked = header.parameters.flags.por
        if asked is ProofOfReceipt.NEVER:
            return None
        if asked is ProofOfReceipt.ON_ERROR and status is ResponseStatus.OK:
            return None
        response = ResponsePacket(header.parameters.tar, opened.counter, int(status), data)
        return Receipt(response, header.parameters, keys)

    def _execute(self, opened: scp80.CommandPacket, kvn: int) -> tuple[ResponseStatus, bytes]:
        parameters = opened.header.parameters
        stored = self._keys.counter(ISD_R_AID, kvn)
        decision = scp80.accept_counter(parameters.spi, stored, opened.counter)
        if not decision.accepted:
            log.warning("packet refused: %s, stored %010X", decision.status.name, stored)
            return decision.status, b""
        if decision.stored != stored:
            self._keys.set_counter(ISD_R_AID, kvn, decision.stored)
        target = self._target(parameters.tar)
        if target is None:
            return ResponseStatus.TAR_UNKNOWN, b""
        if target == ISD_R_AID and is_admin_request(opened.data):
            return self._request(opened.data), b""
        dek = self._keys.key(ISD_R_AID, kvn, DEK)
        return ResponseStatus.OK, self._scripts.run(target, opened.data, dek)

    def _request(self, data: bytes) -> ResponseStatus:
        try:
            self._ask_session(data)
        except CodecError as err:
            log.warning("request for an administration session refused: %s", err)
            return ResponseStatus.SECURITY_ERROR
        return ResponseStatus.OK

    def _target(self, tar: bytes) -> bytes | None:
        if tar == ISD_R_TAR:
            return ISD_R_AID
        return next((one.aid for one in self._registry.all() if tar_of(one.aid) == tar), None)

    def _key_set(self, header: CommandHeader) -> OtaKeySet:
        kvn = header.kic_kvn or header.kid_kvn
        if header.kid_kvn not in (0, kvn):
            raise CodecError(f"KIc names key set {kvn:X}, KID {header.kid_kvn:X}")
        if not kvn:
            versions = self._keys.versions(ISD_R_AID)
            kvn = next((one for one in versions if one in _VERSIONS), 0)
        keys = self._keys.find(ISD_R_AID, kvn) if kvn else None
        if keys is None:
            raise CodecError(f"no SCP80 key set {kvn:X}")
        return OtaKeySet(kvn, keys.enc, keys.mac, keys.dek)
