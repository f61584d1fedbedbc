"""Runs command scripts in the expanded format (ETSI TS 102 226, 5.2) on a security domain."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.virtual.euicc.refusal import RefusalError
from hil.virtual.euicc.store_data import Chain
from hil.wire import tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.command_script import (
    BAD_FORMAT,
    C_APDU,
    R_APDU,
    SECURED_ERRORS,
    SECURED_OBJECTS,
    CommandScript,
    ResponseScript,
)
from hil.wire.identifiers import ISD_R_AID, is_isd_p_aid
from hil.wire.status_words import is_success, is_warning
from hil.wire.tlv import Tlv

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.virtual.euicc.download import ProfileDownloads
    from hil.virtual.euicc.key_store import StoredKey
    from hil.virtual.euicc.security_domain import SecurityDomain

log = logging.getLogger(__name__)

UNKNOWN_TAG: Final = 0x01
WRONG_LENGTH: Final = 0x02
_SECURED: Final = 0x04


class RemoteScripts:
    """Runs scripts. ``domain`` gives the security domain with an AID, ``None`` if it is gone."""

    def __init__(
        self, domain: Callable[[bytes], SecurityDomain | None], downloads: ProfileDownloads
    ) -> None:
        self._domain = domain
        self._downloads = downloads

    def run_remote(self, aid: bytes, raw: bytes) -> bytes | None:
        """Run a script on the ISD-R or an ISD-P; ``None`` if there is no such application."""
        known = aid == ISD_R_AID or is_isd_p_aid(aid)
        return self.run(aid, raw) if known and self._domain(aid) is not None else None

    def run(self, aid: bytes, raw: bytes, dek: StoredKey | None = None) -> bytes:
        """Run a script; return the response script, in the form in which the command came.

        ``dek``: enciphers keys in this script. Execution ends at the first command that fails; its
        answer is the last one.
        """
        try:
            script = CommandScript.decode(raw)
        except CodecError as err:
            log.info("script refused: %s", err)
            return ResponseScript((Tlv(BAD_FORMAT, bytes((WRONG_LENGTH,))),), 0).encode()
        answers: list[Tlv] = []
        chain = Chain()
        chain.dek = dek
        executed = 0
        for item in script.items:
            if item.tag not in SECURED_OBJECTS and item.tag != C_APDU:
                # Immediate and error actions and chaining ask for nothing this card would do.
                continue
            executed += 1
            answer = self._one(aid, item, chain)
            answers.append(answer)
            if _failed(answer):
                break
        return ResponseScript(
            tuple(answers), None if script.indefinite else executed, script.indefinite
        ).encode()

    def _one(self, aid: bytes, item: Tlv, chain: Chain) -> Tlv:
        domain = self._domain(aid)
        if domain is None:
            return Tlv(R_APDU, b"\x6a\x82")
        if item.tag in SECURED_OBJECTS:
            answer, _ = tlv.decode_one(self._downloads.process(aid, item.encode()))
            return answer
        try:
            command = CommandApdu.decode(item.value)
            if command.cla & _SECURED:
                raise RefusalError(0x6882, "secured twice")
            response = domain.execute(command, secured=True, chain=chain)
        except RefusalError as err:
            log.info("remote command refused: %s", err)
            return Tlv(R_APDU, err.sw.to_bytes(2, "big"))
        except CodecError as err:
            log.info("remote command refused: %s", err)
            return Tlv(R_APDU, b"\x67\x00")
        if command.le is None:
            response = ResponseApdu(b"", response.sw)
        return Tlv(R_APDU, response.encode())


def _failed(answer: Tlv) -> bool:
    if answer.tag != R_APDU:
        return answer.tag in SECURED_ERRORS
    sw = int.from_bytes(answer.value[-2:], "big")
    return not (is_success(sw) or is_warning(sw))
