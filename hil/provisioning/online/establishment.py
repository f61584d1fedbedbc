"""ES8.EstablishISDPKeySet by an SM-DP through an SM-SR (GSMA SGP.02, 3.1.2 and 4.1.3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hil.errors import CodecError
from hil.provisioning.card_answers import answer_of, as_data
from hil.provisioning.credentials import Credentials
from hil.provisioning.es_status import FunctionStatus, refusal
from hil.provisioning.online.link import Es3Link, finished
from hil.wire.apdu import CommandApdu
from hil.wire.ecc import PrivateKey, PublicKey
from hil.wire.identifiers import ISD_R_AID
from hil.wire.isdr_commands import install_for_personalization
from hil.wire.key_establishment import Parameter, Reference
from hil.wire.key_establishment_messages import (
    KeyRequest,
    certificate_message,
    host_keys,
    read_challenge,
    store_data,
)
from hil.wire.scp03_keys import KeySet

PARAMETERS: Final = (
    Parameter.CERTIFICATE_FIRST | Parameter.DERIVATION_RANDOM | Parameter.DELETE_EXISTING
)
"""Scenario parameters: 0B, with a derivation random of the card."""


@dataclass(frozen=True, slots=True)
class CardLine:
    """The way to one eUICC through its SM-SR; ``timeout_s`` bounds each exchange with the card.

    ``repeat_install``: whether the card wants INSTALL [for personalization] in each script; others
    go on with the sequence that an earlier script began, and a second INSTALL would end it.
    """

    link: Es3Link
    eid: str
    timeout_s: float
    repeat_install: bool = False

    def exchange(self, sd_aid: bytes, data: bytes) -> bytes:
        """Send objects to a security domain; return the card's answers."""
        job = self.link.send_data(self.eid, sd_aid, data)
        return finished(self.link, job, timeout_s=self.timeout_s).response

    def personalise(self, commands: Sequence[CommandApdu]) -> bytes:
        """Send commands for an ISD-P by way of the ISD-R; return the last answer."""
        return answer_of(self.exchange(ISD_R_AID, as_data(commands)), len(commands))


def establish(
    line: CardLine,
    aid: bytes,
    reference: Reference,
    credentials: Credentials,
    card_key: PublicKey,
) -> KeySet:
    """Establish the key set that ``reference`` asks for in an ISD-P; return it.

    Both messages go to the ISD-R, INSTALL [for personalization] in front. The card's receipt is
    checked: with wrong keys nothing goes on.
    """
    identity = credentials.identity
    certificate = store_data(certificate_message(identity.certificate), last=False)
    try:
        install = install_for_personalization(aid)
        challenge = read_challenge(line.personalise([install, *certificate]))
        ephemeral = PrivateKey.generate(card_key.curve)
        request = KeyRequest.make(reference, ephemeral.public, identity.key, challenge)
        blocks = store_data(request.encode(), first=len(certificate), last=True)
        answer = line.personalise([install, *blocks] if line.repeat_install else blocks)
        return host_keys(request, answer, ephemeral, card_key).key_set(reference.kvn)
    except CodecError as err:
        raise refusal(FunctionStatus.CARD_REFUSED, f"key establishment: {err}") from err
