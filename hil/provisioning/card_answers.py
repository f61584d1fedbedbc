"""Commands as SendData takes them, and the answers of the card to them (TS 102 226, 5.2)."""

from __future__ import annotations

from collections.abc import Iterable

from hil.provisioning.es_status import FunctionStatus, refusal
from hil.wire import tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.command_script import C_APDU, R_APDU
from hil.wire.status_words import describe


def as_data(commands: Iterable[CommandApdu]) -> bytes:
    """Return commands as SendData takes them."""
    return b"".join(tlv.encode(C_APDU, one.encode()) for one in commands)


def answer_of(response: bytes, count: int | None = None) -> bytes:
    """Return the data of the last answer (to ``count`` commands); refuse when one failed."""
    answers = [
        ResponseApdu.decode(one.value) for one in tlv.decode_all(response) if one.tag == R_APDU
    ]
    for answer in answers:
        if answer.sw != 0x9000:
            raise refusal(FunctionStatus.CARD_REFUSED, f"the card answers {describe(answer.sw)}")
    if not answers or len(answers) != (count or len(answers)):
        raise refusal(
            FunctionStatus.CARD_REFUSED, f"the card answered {len(answers)} of {count} commands"
        )
    return answers[-1].data
