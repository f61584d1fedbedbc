"""ES8.DownloadAndInstallation by an SM-DP through an SM-SR: SCP03t with the card at hand."""

from __future__ import annotations

import secrets

from hil.errors import CodecError
from hil.provisioning.es_status import FunctionStatus, refusal
from hil.provisioning.online.establishment import CardLine
from hil.wire import tlv
from hil.wire.profile_package.response import EuiccResponse
from hil.wire.scp03_keys import KeySet
from hil.wire.scp03t import SECURED_DATA, TlvHostSession, room
from hil.wire.tlv import Tlv


def install(
    line: CardLine,
    aid: bytes,
    keys: KeySet,
    package: bytes,
    *,
    block: int,
) -> None:
    """Load a profile package into an ISD-P; refuse with the card's own reason when it says no.

    ``block``: most bytes of one data object. INITIALIZE UPDATE goes alone, for the rest depends on
    its answer; EXTERNAL AUTHENTICATE and the whole package follow in one SendData.
    """
    session = TlvHostSession(keys, secrets.token_bytes(8), limit=block)
    try:
        session.open(line.exchange(aid, session.initialize_update()), aid=aid)
    except CodecError as err:
        raise refusal(FunctionStatus.CARD_REFUSED, f"INITIALIZE UPDATE: {err}") from err
    commands = [session.external_authenticate()]
    # An answer is opened with the state in which its command left, so each is kept.
    states = [session.kept()]
    size = room(block)
    for start in range(0, len(package), size):
        commands.append(session.wrap(package[start : start + size]))
        states.append(session.kept())
    _judge(tlv.decode_all(line.exchange(aid, b"".join(commands))), states)


def _judge(answers: tuple[Tlv, ...], states: list[TlvHostSession]) -> None:
    last = b""
    for number, (answer, state) in enumerate(zip(answers, states, strict=False), start=1):
        try:
            plain = state.unwrap(answer.encode())
        except CodecError as err:
            raise refusal(
                FunctionStatus.CARD_REFUSED, f"answer {number} of the card: {err}"
            ) from err
        if plain and answer.tag == SECURED_DATA:
            last = plain
            _check_response(number, plain)
    if len(answers) != len(states):
        raise refusal(
            FunctionStatus.CARD_REFUSED,
            f"the card answered {len(answers)} of {len(states)} data objects",
        )
    if not last:
        raise refusal(
            FunctionStatus.CARD_REFUSED, "the card did not say that the profile is installed"
        )


def _check_response(number: int, plain: bytes) -> None:
    try:
        response = EuiccResponse.decode(plain)
    except CodecError as err:
        raise refusal(FunctionStatus.CARD_REFUSED, f"answer {number} of the card: {err}") from err
    if not response.ok:
        raise refusal(
            FunctionStatus.CARD_REFUSED, f"the card did not install the profile: {response.text}"
        )
