"""The ECASD: holds the EID and, in time, the certificate of the eUICC (SGP.02, 2.2.1.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.virtual.euicc.refusal import RefusalError
from hil.virtual.euicc.security_domain import INS_GET_DATA, SecurityDomain
from hil.wire import tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.identifiers import ECASD_AID, encode_eid
from hil.wire.status_words import OK

if TYPE_CHECKING:
    from hil.virtual.euicc.secure_session import SecureChannels
    from hil.virtual.euicc.store_data import Chain

_EID: Final = 0x005A


class Ecasd(SecurityDomain):
    """Answers GET DATA 5A with the EID as a data object, plain BCD."""

    instructions = frozenset({INS_GET_DATA})

    def __init__(self, eid: str, channels: SecureChannels) -> None:
        super().__init__(ECASD_AID, channels)
        self._eid = encode_eid(eid)

    def execute(self, command: CommandApdu, *, secured: bool, chain: Chain) -> ResponseApdu:
        """Do one plain command."""
        del secured, chain
        if command.ins != INS_GET_DATA:
            raise RefusalError(0x6D00, f"ECASD: INS {command.ins:02X}")
        if command.p1 << 8 | command.p2 == _EID:
            return ResponseApdu(tlv.encode(_EID, self._eid), OK)
        raise RefusalError(0x6A88, f"ECASD: data {command.p1:02X}{command.p2:02X}")
