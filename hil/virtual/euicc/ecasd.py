"""The ECASD: holds the EID and the certificate of the eUICC (SGP.02, 2.2.1.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.virtual.euicc.refusal import RefusalError
from hil.virtual.euicc.security_domain import INS_GET_DATA, SecurityDomain
from hil.wire import tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.identifiers import ECASD_AID, encode_eid
from hil.wire.status_words import OK

if TYPE_CHECKING:
    from hil.virtual.euicc.factory_options import EcasdData
    from hil.virtual.euicc.secure_session import SecureChannels
    from hil.virtual.euicc.store_data import Chain

_EID: Final = 0x005A
_CERTIFICATE: Final = 0x7F21
_ISSUER: Final = 0x42


class Ecasd(SecurityDomain):
    """Answers GET DATA: 5A, the EID, plain BCD; 7F21, CERT.ECASD.ECKA; 42, the SIN."""

    instructions = frozenset({INS_GET_DATA})

    def __init__(self, eid: str, data: EcasdData | None, channels: SecureChannels) -> None:
        super().__init__(ECASD_AID, channels)
        self._eid = encode_eid(eid)
        self._data = data

    def execute(self, command: CommandApdu, *, secured: bool, chain: Chain) -> ResponseApdu:
        """Do one plain command."""
        del secured, chain
        if command.ins != INS_GET_DATA:
            raise RefusalError(0x6D00, f"ECASD: INS {command.ins:02X}")
        tag = command.p1 << 8 | command.p2
        if tag == _EID:
            return ResponseApdu(tlv.encode(_EID, self._eid), OK)
        if tag == _CERTIFICATE and self._data is not None:
            return ResponseApdu(self._data.certificate, OK)
        if tag == _ISSUER and self._data is not None and self._data.sin:
            return ResponseApdu(tlv.encode(tag, self._data.sin), OK)
        raise RefusalError(0x6A88, f"ECASD: data {command.p1:02X}{command.p2:02X}")
