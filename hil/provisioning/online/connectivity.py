"""ES8.UpdateConnectivityParameters by an SM-DP through an SM-SR: SCP03 with the card at hand.

INITIALIZE UPDATE goes alone, for the rest depends on its answer (SGP.02, 3.14 and 4.1.3.4).
"""

from __future__ import annotations

import secrets

from hil.errors import CodecError
from hil.provisioning.card_answers import answer_of, as_data
from hil.provisioning.es_status import FunctionStatus, refusal
from hil.provisioning.online.link import Es3Link, finished, start_when_free
from hil.provisioning.sm_sr.eis_rows import EisProfileRow
from hil.wire import tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.command_script import R_APDU
from hil.wire.isdr_commands import update_connectivity
from hil.wire.scp03_channel import size_of
from hil.wire.scp03_host import HostSession
from hil.wire.scp03_keys import KeySet

MAX_PARAMETERS = 200
"""Most bytes that fit one STORE DATA under SCP03."""


def check_parameters(parameters: bytes) -> None:
    """Refuse what is no data object, or too much for one command."""
    try:
        if not tlv.decode_all(parameters, limit=16):
            raise CodecError("there are none")
        if len(parameters) > MAX_PARAMETERS:
            raise CodecError(f"{len(parameters)} bytes are more than {MAX_PARAMETERS}")
    except CodecError as err:
        raise refusal(FunctionStatus.DATA_INVALID, f"connectivity parameters: {err}") from err


def update(
    link: Es3Link, profile: EisProfileRow, keys: KeySet, parameters: bytes, *, timeout_s: float
) -> None:
    """Bring parameters to the ISD-P of a profile; refuse with the card's reason when it says no."""
    session = HostSession(keys, secrets.token_bytes(size_of(keys.option)))

    def exchange(commands: list[CommandApdu]) -> bytes:
        data = as_data(commands)
        job = start_when_free(
            lambda: link.update_connectivity(profile.eid, profile.iccid, data),
            timeout_s=timeout_s,
        )
        return finished(link, job, timeout_s=timeout_s).response

    try:
        first = ResponseApdu(answer_of(exchange([session.initialize_update()]), 1), 0x9000)
        session.open(first, aid=profile.isdp_aid)
        authenticate = session.external_authenticate()
        store = session.wrap(update_connectivity(parameters))
        response = exchange([authenticate, store])
        answer_of(response, 2)
        answers = [one.value for one in tlv.decode_all(response) if one.tag == R_APDU]
        session.unwrap(ResponseApdu.decode(answers[-1]))
    except CodecError as err:
        raise refusal(FunctionStatus.CARD_REFUSED, f"connectivity parameters: {err}") from err
