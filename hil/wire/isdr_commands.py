"""Commands of the ISD-R (SGP.02 ES5), plain: as the host wraps them and the card unwraps them."""

from __future__ import annotations

from typing import Final

from hil.errors import CodecError
from hil.wire import dgi, tlv
from hil.wire.apdu import CommandApdu
from hil.wire.identifiers import ISD_P_LOAD_FILE_AID, ISD_P_MODULE_AID

PRIVILEGES: Final = bytes.fromhex("80C000")
"""Security domain with trusted path: the privileges SGP.02 gives to an ISD-P."""

SCP03_I70: Final = bytes.fromhex("8102 0370")
"""Install parameter of a security domain: SCP03 with i = 70."""

PROVISIONING_KVN: Final = 0x30
"""SCP03 key set of the ISD-R whose sequence counter images expect; our own choice."""

AUDIT_KVN: Final = 0x31
"""SCP03 key set of the ISD-R for looking, so that a look makes no image stale; our own choice."""

DGI_ENABLE: Final = 0x3A03
DGI_DISABLE: Final = 0x3A04
_AID: Final = 0x4F


def _lv(value: bytes) -> bytes:
    return bytes((len(value),)) + value


def select(aid: bytes) -> CommandApdu:
    """Return SELECT by AID, answer wanted (ISO/IEC 7816-4)."""
    return CommandApdu(0x00, 0xA4, 0x04, 0x00, aid, 256)


def create_isdp(
    isdp_aid: bytes,
    memory: int = 0,
    *,
    load_file: bytes = ISD_P_LOAD_FILE_AID,
    module: bytes = ISD_P_MODULE_AID,
    privileges: bytes = PRIVILEGES,
) -> CommandApdu:
    """Return CreateISDP: INSTALL [for install and make selectable] (SGP.02, 4.1.1.1).

    ``memory``: bytes of non-volatile memory to grant, up to FFFFFFFF; 0 leaves it to the card.
    """
    parameters = tlv.encode(0xC9, SCP03_I70)
    if memory:
        if not 0 < memory <= 0xFFFFFFFF:
            raise CodecError(f"{memory} bytes cannot be granted to an ISD-P: 1 to FFFFFFFF can")
        size = max(2, (memory.bit_length() + 7) // 8)
        parameters += tlv.encode(0xEF, tlv.encode(0x83, memory.to_bytes(size, "big")))
    parts = (load_file, module, isdp_aid, privileges, parameters, b"")
    return CommandApdu(0x80, 0xE6, 0x0C, 0x00, b"".join(map(_lv, parts)), 256)


def _store_aid(tag: int, isdp_aid: bytes) -> CommandApdu:
    data = dgi.encode(tag, tlv.encode(_AID, isdp_aid))
    return CommandApdu(0x80, 0xE2, 0x88, 0x00, data, 256)


def enable_profile(isdp_aid: bytes) -> CommandApdu:
    """Return EnableProfile (SGP.02, 4.1.1.2); Le is there for the R-MAC."""
    return _store_aid(DGI_ENABLE, isdp_aid)


def disable_profile(isdp_aid: bytes) -> CommandApdu:
    """Return DisableProfile (SGP.02, 4.1.1.3); Le is there for the R-MAC."""
    return _store_aid(DGI_DISABLE, isdp_aid)


def delete_profile(isdp_aid: bytes) -> CommandApdu:
    """Return DeleteProfile (SGP.02, 4.1.1.4)."""
    return CommandApdu(0x80, 0xE4, 0x00, 0x40, tlv.encode(_AID, isdp_aid), 256)


def get_status(isdp_aid: bytes = b"") -> CommandApdu:
    """Return GetStatus of one ISD-P, or of all (SGP.02, 4.1.1.5)."""
    return CommandApdu(0x80, 0xF2, 0x40, 0x02, tlv.encode(_AID, isdp_aid), 256)
