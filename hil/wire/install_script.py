"""The image's APDU scripts to the ISD-R, written with the card absent.

SCP03 with the pseudo-random card challenge (i = 70) makes every byte of a session, and every
answer to expect, a function of keys, sequence counter and host challenge (GlobalPlatform
Amendment D). So the holder of the ISD-R's key set writes the sessions that create and enable an
ISD-P, and the device only plays them (patent operations 540 and 570).

The answer of INITIALIZE UPDATE is compared before EXTERNAL AUTHENTICATE is sent: a mismatch means
a stale counter or wrong keys, and nothing has changed on the card.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hil.errors import CodecError
from hil.wire import isdr_commands
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.identifiers import ISD_R_AID
from hil.wire.scp03_handshake import DEFAULT_LEVEL
from hil.wire.scp03_keys import KeySet
from hil.wire.scp03_prepare import DONE, PreparedExchange, PreparedSession
from hil.wire.script_step import ScriptStep

__all__ = ["CREATE_ANSWER", "InstallScript", "ScriptStep", "prepare_install", "store_data_blocks"]

CREATE_ANSWER: Final = b"\x00"
"""Answer data of INSTALL: no confirmation follows (GlobalPlatform card specification, 11.5.3)."""

CLEARED: Final = "9000|6A88"
"""Status words of a deletion after which the ISD-P is gone."""

STORE_DATA_SIZE: Final = 255
"""Most bytes of a TLV in one STORE DATA command."""


@dataclass(frozen=True, slots=True)
class InstallScript:
    """Steps to the ISD-R around the packets.

    ``before`` ends with the ISD-P selected, ready for the packets; ``after`` is empty when the
    profile is only installed. ``sessions`` is by how much the ISD-R's sequence counter moves.
    """

    before: tuple[ScriptStep, ...]
    after: tuple[ScriptStep, ...] = ()

    @property
    def sessions(self) -> int:
        """Number of SCP03 sessions with the ISD-R."""
        return 2 if self.after else 1


def prepare_install(
    isdr_keys: KeySet,
    counter: int,
    host_challenge: bytes,
    *,
    isdp_aid: bytes,
    memory: int,
    enable: bool,
    level: int = DEFAULT_LEVEL,
    diversification: bytes = bytes(10),
    create_answer: bytes = CREATE_ANSWER,
    clear: bool = False,
) -> InstallScript:
    """Write the steps that create ``isdp_aid`` and, with ``enable``, enable its profile.

    * ``counter``: what the ISD-R's key set will use next; enabling uses ``counter`` + 1.
    * ``host_challenge``: 8 bytes. The second session uses them too: its card challenge differs.
    * ``diversification``: the card's 10 bytes in the answer to INITIALIZE UPDATE.
    * ``create_answer``: the card's plain answer to INSTALL.
    * ``clear``: delete first what an earlier attempt may have left of the ISD-P; that it left
      nothing (6A88) is as good.
    """

    def session(number: int) -> PreparedSession:
        return PreparedSession(
            isdr_keys,
            host_challenge,
            counter=counter + number,
            aid=ISD_R_AID,
            level=level,
            diversification=diversification,
        )

    create = session(0)
    opening = [_select(ISD_R_AID), *map(_step, create.opening)]
    if clear:
        delete = create.exchange(isdr_commands.delete_profile(isdp_aid)).command
        opening.append(ScriptStep(delete.encode(), None, CLEARED))
    before = (
        *opening,
        _step(
            create.exchange(
                isdr_commands.create_isdp(isdp_aid, memory),
                ResponseApdu(create_answer, DONE.sw),
            )
        ),
        _select(isdp_aid),
    )
    if not enable:
        return InstallScript(before)
    second = session(1)
    after = (
        _select(ISD_R_AID),
        *map(_step, second.opening),
        _step(second.exchange(isdr_commands.enable_profile(isdp_aid))),
    )
    return InstallScript(before, after)


def store_data_blocks(command: bytes, *, size: int = STORE_DATA_SIZE) -> tuple[CommandApdu, ...]:
    """Cut one packet's command TLV into STORE DATA commands to the selected ISD-P.

    ``80 E2 11 nn``, the last one ``80 E2 91 nn`` with an answer wanted: BER-TLV structure, block
    number from 00 for each TLV (GlobalPlatform card specification, 11.11). The security is inside
    the TLV.
    """
    if not 1 <= size <= STORE_DATA_SIZE:
        raise CodecError(f"STORE DATA blocks of {size} bytes: 1 to {STORE_DATA_SIZE} are possible")
    blocks = [command[at : at + size] for at in range(0, len(command), size)]
    if not 1 <= len(blocks) <= 256:
        raise CodecError(f"a TLV of {len(command)} bytes does not fit 1 to 256 STORE DATA blocks")
    last = len(blocks) - 1
    return tuple(
        CommandApdu(0x80, 0xE2, 0x91, number, block, 256)
        if number == last
        else CommandApdu(0x80, 0xE2, 0x11, number, block)
        for number, block in enumerate(blocks)
    )


def _select(aid: bytes) -> ScriptStep:
    return ScriptStep(isdr_commands.select(aid).encode())


def _step(exchange: PreparedExchange) -> ScriptStep:
    answer = exchange.expected
    return ScriptStep(exchange.command.encode(), answer.data, f"{answer.sw:04X}")
