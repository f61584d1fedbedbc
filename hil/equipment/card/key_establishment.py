"""Key establishment through a terminal: the SM-DP's or SM-SR's part over an ISD-R session.

GlobalPlatform Amendment E, scenario #3, as in SGP.02, 4.1.3.1 and 4.1.1.8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.equipment.card.errors import StatusWordError
from hil.wire import isdr_commands
from hil.wire.ecc import PrivateKey, PublicKey
from hil.wire.key_establishment_messages import (
    KeyRequest,
    certificate_message,
    host_keys,
    read_challenge,
    store_data,
)
from hil.wire.status_words import is_success

if TYPE_CHECKING:
    from hil.equipment.card.isd_r import IsdRSession
    from hil.wire.apdu import CommandApdu, ResponseApdu
    from hil.wire.gp_certificate import Certificate
    from hil.wire.key_establishment import Established, Reference


def establish(
    isd_r: IsdRSession,
    reference: Reference,
    *,
    certificate: Certificate,
    signer: PrivateKey,
    ecasd: PublicKey,
    isd_p: bytes | None = None,
    sin: bytes = b"",
) -> Established:
    """Agree on keys with the ISD-R, or with the ISD-P of this AID; the receipt is checked.

    ``signer``: the key of ``certificate``. ``ecasd``: PK.ECASD.ECKA, from a certificate that the
    caller has checked. All goes through one secure channel: use it inside ``with``.
    :class:`StatusWordError` when the card refuses, ``ReceiptError`` when it has other keys then.
    """
    if isd_p is not None:
        _send(isd_r, isdr_commands.install_for_personalization(isd_p))
    first = store_data(certificate_message(certificate), last=False)
    for command in first:
        answer = _send(isd_r, command)
    ephemeral = PrivateKey.generate(ecasd.curve)
    request = KeyRequest.make(reference, ephemeral.public, signer, read_challenge(answer.data))
    for command in store_data(request.encode(), first=len(first), last=True):
        answer = _send(isd_r, command)
    return host_keys(request, answer.data, ephemeral, ecasd, sin)


def _send(isd_r: IsdRSession, command: CommandApdu) -> ResponseApdu:
    answer = isd_r.send(command)
    if not is_success(answer.sw):
        shown = command.header.hex().upper() + " to the ISD-R"
        raise StatusWordError(answer.sw, shown, isd_r.card.name)
    return answer
