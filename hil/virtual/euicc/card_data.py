"""GET DATA of the ISD-R: what the card says of itself (GlobalPlatform 11.3, SGP.02, 4.1.1.11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.virtual.euicc.gp_keys import KEY_INFORMATION, SEQUENCE_COUNTER
from hil.virtual.euicc.refusal import RefusalError
from hil.wire import tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.status_words import OK

if TYPE_CHECKING:
    from hil.virtual.euicc.factory_options import EcasdData
    from hil.virtual.euicc.gp_keys import KeyCommands
    from hil.virtual.euicc.registry import Registry

_FORWARDED_CASD_DATA: Final = 0xBF30
_CERTIFICATE: Final = 0x7F21
_ISSUER: Final = 0x42
RECOGNITION: Final = 0x66
_MEMORY: Final = 0xFF21

# GlobalPlatform Card Specification, H.2: each object holds one identifier under 1.2.840.114283.
_GLOBAL_PLATFORM: Final = bytes.fromhex("2A864886FC6B")
RECOGNITION_DATA: Final = tlv.encode(
    0x73,
    tlv.encode(0x06, _GLOBAL_PLATFORM + b"\x01")
    + tlv.encode(0x60, tlv.encode(0x06, _GLOBAL_PLATFORM + bytes.fromhex("02020300")))
    + tlv.encode(0x63, tlv.encode(0x06, _GLOBAL_PLATFORM + b"\x03"))
    + tlv.encode(0x64, tlv.encode(0x06, _GLOBAL_PLATFORM + bytes.fromhex("040370"))),
)


class CardData:
    """Answers GET DATA: 66, E0, C1, FF21, 42 and, through the ECASD, BF30 { 5C 7F21 }."""

    def __init__(self, registry: Registry, keys: KeyCommands, ecasd: EcasdData | None) -> None:
        self._registry = registry
        self._keys = keys
        self._ecasd = ecasd

    def answer(self, command: CommandApdu) -> ResponseApdu:
        """Answer one GET DATA; 6A88 for what is not there."""
        tag = command.p1 << 8 | command.p2
        if tag == _FORWARDED_CASD_DATA:
            return ResponseApdu(self._forwarded(command.data), OK)
        if tag == RECOGNITION:
            return ResponseApdu(tlv.encode(tag, RECOGNITION_DATA), OK)
        if tag == KEY_INFORMATION:
            return ResponseApdu(self._keys.information(), OK)
        if tag == SEQUENCE_COUNTER:
            return ResponseApdu(self._keys.sequence_counter(), OK)
        if tag == _MEMORY:
            return ResponseApdu(self._memory(), OK)
        if tag == _ISSUER and self._ecasd is not None and self._ecasd.sin:
            return ResponseApdu(tlv.encode(tag, self._ecasd.sin), OK)
        raise RefusalError(0x6A88, f"ISD-R: data {tag:04X}")

    def _forwarded(self, data: bytes) -> bytes:
        try:
            wanted = tlv.require(tlv.decode_all(data, limit=4), 0x5C, where="GET DATA BF30")
        except CodecError as err:
            raise RefusalError(0x6A80, str(err)) from err
        if wanted != _CERTIFICATE.to_bytes(2, "big") or self._ecasd is None:
            raise RefusalError(0x6A88, f"ECASD: data {wanted.hex()}")
        return self._ecasd.certificate

    def _memory(self) -> bytes:
        # No limit of volatile memory is modelled; the figure is that of a small card.
        body = tlv.encode(0x81, len(self._registry.all()).to_bytes(2, "big"))
        body += tlv.encode(0x82, self._registry.free().to_bytes(4, "big"))
        return tlv.encode(_MEMORY, body + tlv.encode(0x83, (4096).to_bytes(4, "big")))
