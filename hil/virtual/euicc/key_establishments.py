"""The ECASD's service to other domains: keys from an agreement with an SM-DP or SM-SR.

SGP.02, 4.1.3.1 and 4.1.1.8, GlobalPlatform Amendment E. A refusal leaves the keys as they were.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.virtual.euicc.refusal import RefusalError
from hil.virtual.euicc.registry import LifeCycle
from hil.virtual.euicc.store_data import Challenge
from hil.wire import dgi
from hil.wire.gp_certificate import Certificate, Role, accept
from hil.wire.identifiers import ISD_R_AID
from hil.wire.key_establishment_messages import (
    DGI_CERTIFICATE,
    KeyRequest,
    card_answer,
    challenge_answer,
)

if TYPE_CHECKING:
    from hil.virtual.euicc.factory_options import EcasdData
    from hil.virtual.euicc.key_store import KeyStore
    from hil.virtual.euicc.nvm import Nvm, Transaction
    from hil.virtual.euicc.registry import Registry
    from hil.wire.key_establishment import Established, Reference

log = logging.getLogger(__name__)

_SCP80: Final = range(0x01, 0x10)
_SCP03: Final = range(0x30, 0x40)
_LAST_COUNTERS: Final = {Role.SM_DP: 0xFFFFFF, Role.SM_SR: 0xFFFFFFFFFF}


class KeyEstablishments:
    """Establishes key sets for the ISD-R (with an SM-SR) and for ISD-Ps (with an SM-DP)."""

    def __init__(
        self, ecasd: EcasdData | None, nvm: Nvm, keys: KeyStore, registry: Registry
    ) -> None:
        self._ecasd = ecasd
        self._nvm = nvm
        self._keys = keys
        self._registry = registry

    def certificate(self, domain: bytes, data: bytes) -> tuple[Challenge, bytes]:
        """Take DGI 3A01 for a domain; return what to keep, and the answer with RC.

        6985 for an ISD-P that has a profile, 6A88 without an ECASD that can agree on keys, 6A80
        for a certificate that cannot be read or is not accepted.
        """
        ecasd = self._personalised()
        self._check_state(domain)
        try:
            (group,) = dgi.decode_all(data)
            read = Certificate.decode(group.value)
            accept(
                read,
                ecasd.ci_key,
                role=_role(domain),
                usages=ecasd.usages,
                today=ecasd.today,
                revoked=ecasd.revoked,
            )
        except (CodecError, ValueError) as err:
            raise RefusalError(0x6A80, str(err)) from err
        random = os.urandom(ecasd.challenge_size)
        log.info("certificate %s accepted", read.content.serial.hex())
        return Challenge(domain, read.public_key, random), challenge_answer(random)

    def keys(self, challenge: Challenge | None, domain: bytes, data: bytes) -> bytes:
        """Take DGIs 3A02, 7F49, 5F37; store the keys and return the answer with the receipt.

        6985 without the first message or in a state that forbids it, 6A80 for a wrong signature or
        a request that cannot be done.
        """
        ecasd = self._personalised()
        self._check_state(domain)
        if challenge is None or challenge.domain != domain:
            raise RefusalError(0x6985, "no certificate came before the key request")
        try:
            request = KeyRequest.decode(data)
            if not request.is_signed_by(challenge.key, challenge.random):
                raise RefusalError(0x6A80, "signature of the key request")
            reference = request.reference
            self._check_reference(domain, reference)
            random = os.urandom(ecasd.ecka.curve.random) if reference.with_random else b""
            made, answer = card_answer(request, ecasd.ecka, random, ecasd.sin)
        except CodecError as err:
            raise RefusalError(0x6A80, str(err)) from err
        with self._nvm.transaction() as change:
            self._store(change, domain, reference, made)
        log.info("key set %02X established for %s", reference.kvn, domain.hex())
        return answer

    def _personalised(self) -> EcasdData:
        if self._ecasd is None:
            raise RefusalError(0x6A88, "the ECASD holds no key to agree with")
        return self._ecasd

    def _check_state(self, domain: bytes) -> None:
        if domain != ISD_R_AID and self._registry.require(domain).installed:
            raise RefusalError(0x6985, f"ISD-P {domain.hex()} has a profile")

    def _check_reference(self, domain: bytes, reference: Reference) -> None:
        versions = _SCP80 if domain == ISD_R_AID else _SCP03
        if reference.kvn not in versions or reference.key_id != 0x01:
            raise RefusalError(0x6A80, f"key {reference.key_id:02X} of {reference.kvn:02X}")
        if int.from_bytes(reference.counter, "big") > _LAST_COUNTERS[_role(domain)]:
            raise RefusalError(0x6A80, "initial counter")
        if self._keys.identifiers(domain, reference.kvn) and not reference.delete_existing:
            raise RefusalError(0x6985, f"key set {reference.kvn:02X} exists")

    def _store(
        self, change: Transaction, domain: bytes, reference: Reference, made: Established
    ) -> None:
        if reference.delete_existing:
            # Those of the ISD-R's other sets belong to whoever manages it until the handover ends.
            mine = [reference.kvn] if domain == ISD_R_AID else list(_SCP03)
            for kvn in mine:
                self._keys.delete_version(change, domain, kvn)
        start = int.from_bytes(reference.counter, "big")
        self._keys.put(change, domain, made.key_set(reference.kvn), counter=start)
        if domain != ISD_R_AID:
            record = self._registry.require(domain)
            if record.state is LifeCycle.SELECTABLE:
                self._registry.put(change, record.personalized())


def is_certificate(data: bytes) -> bool:
    """Whether the data so far are one whole DGI 3A01."""
    if not data.startswith(DGI_CERTIFICATE.to_bytes(2, "big")):
        return False
    try:
        return len(dgi.decode_all(data)) == 1
    except CodecError:
        return False


def _role(domain: bytes) -> Role:
    return Role.SM_SR if domain == ISD_R_AID else Role.SM_DP
