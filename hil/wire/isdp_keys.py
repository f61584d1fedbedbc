"""Pre-shared key sets for ISD-Ps: one base key set an eUICC, one derived set an ISD-P.

An image is made with the card absent, so the SM-DP cannot run the key establishment of SGP.02
(its random values come from the card). Instead the eUICC maker gives every eUICC one *ISD-P base
key set*; when CreateISDP makes an ISD-P, that ISD-P owns the key set derived here from its AID,
with the SCP03 sequence counter at its start: the first session uses 000001. The SM-DP gets the
base key set from the eUICC maker by EID. The scheme is our own; see docs/image-file.md.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFCMAC, CounterLocation, Mode

from hil.errors import CodecError
from hil.wire.scp03_keys import KeySet

ISD_P_KVN: Final = 0x30
"""Key version number of the derived set: SCP03 of an ISD-P (30 to 3F)."""

FIRST_COUNTER: Final = 1
"""SCP03 sequence counter of the first session with a new ISD-P."""

_LABELS: Final = {
    "enc": b"hil ISD-P key ENC",
    "mac": b"hil ISD-P key MAC",
    "dek": b"hil ISD-P key DEK",
}


def derive(base: KeySet, isdp_aid: bytes) -> KeySet:
    """Return the key set (KVN 30) of the ISD-P ``isdp_aid`` on the eUICC that owns ``base``.

    Each key comes from the base key of the same use by NIST SP 800-108 in counter mode with
    AES-CMAC: counter and length of four bytes, label as above, 00, context = AID, of the same
    length as the base key (16, 24 or 32 bytes). The parameter *i* is that of the base.
    """
    if not 5 <= len(isdp_aid) <= 16:
        raise CodecError(f"an AID has 5 to 16 bytes, not {len(isdp_aid)}")
    return KeySet(
        ISD_P_KVN,
        enc=_derive(base.enc, "enc", isdp_aid),
        mac=_derive(base.mac, "mac", isdp_aid),
        dek=_derive(base.dek, "dek", isdp_aid),
        option=base.option,
    )


def _derive(key: bytes, use: str, context: bytes) -> bytes:
    kdf = KBKDFCMAC(
        algorithm=algorithms.AES,
        mode=Mode.CounterMode,
        length=len(key),
        rlen=4,
        llen=4,
        location=CounterLocation.BeforeFixed,
        label=_LABELS[use],
        context=context,
        fixed=None,
    )
    return kdf.derive(key)
