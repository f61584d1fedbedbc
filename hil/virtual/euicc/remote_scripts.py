"""Runs command scripts in the expanded format (ETSI TS 102 226, 5.2) and the compact one (5.1)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.virtual.euicc.refusal import RefusalError
from hil.virtual.euicc.script_chains import (
    ScriptChains,
    chain_name,
    chaining_of,
    no_previous_script,
)
from hil.virtual.euicc.store_data import Chain
from hil.wire import compact_script, tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.command_script import (
    BAD_FORMAT,
    C_APDU,
    R_APDU,
    SECURED_ERRORS,
    SECURED_OBJECTS,
    CommandScript,
    ResponseScript,
    is_expanded,
)
from hil.wire.identifiers import ISD_R_AID, is_isd_p_aid
from hil.wire.status_words import is_success, is_warning
from hil.wire.tlv import Tlv

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.virtual.euicc.channel import Channel
    from hil.virtual.euicc.download import ProfileDownloads
    from hil.virtual.euicc.key_store import StoredKey
    from hil.virtual.euicc.nvm import Nvm
    from hil.virtual.euicc.security_domain import SecurityDomain

    Execute = Callable[[CommandApdu], ResponseApdu]

log = logging.getLogger(__name__)

UNKNOWN_TAG: Final = 0x01
WRONG_LENGTH: Final = 0x02
_SECURED: Final = 0x04


class RemoteScripts:
    """Runs scripts. ``domain`` gives the security domain with an AID, ``None`` if it is gone."""

    def __init__(
        self,
        nvm: Nvm,
        domain: Callable[[bytes], SecurityDomain | None],
        downloads: ProfileDownloads,
        new_channel: Callable[[], Channel],
    ) -> None:
        self._domain = domain
        self._downloads = downloads
        self._new_channel = new_channel
        self._channels: dict[bytes, Channel] = {}
        # Between the two messages of a key establishment the SM-DP must hear from the card, so they
        # come in two scripts. Script chaining says so; without it the sequence is kept as well.
        self._chains = ScriptChains[Chain](nvm, implicit=True)
        self._managed = ScriptChains[Chain](nvm)

    def run_remote(self, aid: bytes, raw: bytes) -> bytes | None:
        """Run a script on the ISD-R or an ISD-P; ``None`` if there is no such application."""
        known = aid == ISD_R_AID or is_isd_p_aid(aid)
        return self.run(aid, raw) if known and self._domain(aid) is not None else None

    def run(self, aid: bytes, raw: bytes, dek: StoredKey | None = None) -> bytes:
        """Run a script on the ISD-R or an ISD-P, expanded format only.

        ``dek``: enciphers keys in this script.
        """
        isd_p = is_isd_p_aid(aid)
        execute = self._execute_isd_p if isd_p else self._execute
        return self._in_chain(
            self._chains,
            chain_name(aid, aid),
            raw,
            dek,
            lambda chain: run_expanded(
                raw,
                lambda command: execute(aid, command, chain),
                lambda item: tlv.decode_one(self._downloads.process(aid, item.encode()))[0],
                inner=isd_p,
            ),
        )

    def manage(self, owner: bytes, aid: bytes, raw: bytes, dek: StoredKey | None) -> bytes:
        """Run remote application management on a security domain of the profile of an ISD-P."""
        return self._in_chain(
            self._managed,
            chain_name(owner, aid),
            raw,
            dek,
            lambda chain: run_either(
                raw,
                lambda command: self._execute(aid, command, chain),
                compact_script.MANAGEMENT_ANSWERS,
            ),
        )

    @staticmethod
    def _in_chain(
        chains: ScriptChains[Chain],
        name: str,
        raw: bytes,
        dek: StoredKey | None,
        run: Callable[[Chain], bytes],
    ) -> bytes:
        """Run a script with what the one before it in its chain left."""
        chaining = chaining_of(raw)
        chain = chains.begin(name, chaining, Chain)
        if chain is None:
            return no_previous_script()
        chain.dek = dek
        answer = run(chain)
        chains.end(name, chaining, chain)
        return answer

    def _execute_isd_p(self, aid: bytes, command: CommandApdu, chain: Chain) -> ResponseApdu:
        """Do a command for an ISD-P: its SM-DP speaks SCP03 inside the SM-SR's packets (ES8).

        The packet alone opens nothing there: the SM-SR has no keys of an ISD-P. The session goes on
        in the next script, for the SM-DP must hear the card's challenge first.
        """
        domain = self._domain(aid)
        if domain is None:
            self._channels.pop(aid, None)
            raise RefusalError(0x6A82, "the application is gone")
        channel = self._channels.setdefault(aid, self._new_channel())
        channel.chain = chain
        return domain.process(command, channel)

    def _execute(self, aid: bytes, command: CommandApdu, chain: Chain) -> ResponseApdu:
        domain = self._domain(aid)
        if domain is None:
            raise RefusalError(0x6A82, "the application is gone")
        try:
            return domain.execute(command, secured=True, chain=chain)
        except RefusalError:
            chain.end()
            raise


def run_either(raw: bytes, execute: Execute, answers: frozenset[int]) -> bytes:
    """Run a script in the format in which it came; ``answers``: as in ``compact_script``."""
    if is_expanded(raw):
        return run_expanded(raw, execute)
    return compact_script.run(raw, answers, lambda command: _guarded(command, execute))


def run_expanded(
    raw: bytes,
    execute: Execute,
    secured: Callable[[Tlv], Tlv] | None = None,
    *,
    inner: bool = False,
) -> bytes:
    """Run a script; return the response script, definite or indefinite as the command came.

    Execution ends at the first command that fails; its answer is the last one. ``secured`` takes
    the SCP03t objects; where there is none they are a bad format. ``inner``: commands may be under
    secure messaging of their own.
    """
    try:
        script = CommandScript.decode(raw)
    except CodecError as err:
        log.info("script refused: %s", err)
        return _bad_format(WRONG_LENGTH)
    answers: list[Tlv] = []
    for item in script.items:
        if item.tag in SECURED_OBJECTS:
            if secured is None:
                return _bad_format(UNKNOWN_TAG)
            answers.append(secured(item))
        elif item.tag == C_APDU:
            answers.append(_one(item, execute, inner=inner))
        else:
            # Immediate and error actions ask for nothing this card would do; chaining is seen to.
            continue
        if _failed(answers[-1]):
            break
    executed = None if script.indefinite else len(answers)
    return ResponseScript(tuple(answers), executed, script.indefinite).encode()


def _bad_format(code: int) -> bytes:
    return ResponseScript((Tlv(BAD_FORMAT, bytes((code,))),), 0).encode()


def _one(item: Tlv, execute: Execute, *, inner: bool) -> Tlv:
    try:
        command = CommandApdu.decode(item.value)
    except CodecError as err:
        log.info("remote command refused: %s", err)
        return Tlv(R_APDU, b"\x67\x00")
    response = _guarded(command, execute, inner=inner)
    if command.le is None:
        response = ResponseApdu(b"", response.sw)
    return Tlv(R_APDU, response.encode())


def _guarded(command: CommandApdu, execute: Execute, *, inner: bool = False) -> ResponseApdu:
    """Execute a command; a refusal is an answer."""
    try:
        if command.cla & _SECURED and not inner:
            raise RefusalError(0x6882, "secured twice")
        return execute(command)
    except RefusalError as err:
        log.info("remote command refused: %s", err)
        return ResponseApdu(b"", err.sw)
    except CodecError as err:
        log.info("remote command refused: %s", err)
        return ResponseApdu(b"", 0x6A80)


def _failed(answer: Tlv) -> bool:
    if answer.tag != R_APDU:
        return answer.tag in SECURED_ERRORS
    sw = int.from_bytes(answer.value[-2:], "big")
    return not (is_success(sw) or is_warning(sw))
