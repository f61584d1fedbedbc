"""Finds the SCP80 key set that a packet names among the keys of a security domain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.virtual.euicc.key_store import DEK, ENC, MAC, KeyType, StoredKey
from hil.wire import scp80
from hil.wire.scp80 import CommandHeader, KeyKind, OtaKeySet, ResponsePacket

if TYPE_CHECKING:
    from hil.virtual.euicc.key_store import KeyStore

VERSIONS: Final = range(0x01, 0x10)
_KINDS: Final = {
    KeyType.AES: KeyKind.AES,
    KeyType.DES: KeyKind.DES,
    KeyType.TDES_CBC: KeyKind.DES,
}


def key_set(store: KeyStore, domain: bytes, header: CommandHeader) -> OtaKeySet:
    """Return the key set for a packet; version 0 takes the first one that can do what is asked.

    :class:`CodecError` if there is none, or if its keys are for other algorithms.
    """
    named = header.key_set
    versions = [named] if named else [one for one in store.versions(domain) if one in VERSIONS]
    refusal = CodecError(f"no SCP80 key set {named:X}")
    for kvn in versions:
        try:
            found = _read(store, domain, kvn)
            check_algorithms(header, found)
        except CodecError as err:
            refusal = err
        else:
            return found
    raise refusal


def check_algorithms(header: CommandHeader, keys: OtaKeySet) -> None:
    """Refuse a packet whose command or proof of receipt these keys can not secure."""
    parameters = header.parameters
    scp80.wrap_command(b"", 0, parameters, keys)
    scp80.wrap_response(ResponsePacket(parameters.tar, 0, 0, b""), parameters, keys)


def _read(store: KeyStore, domain: bytes, kvn: int) -> OtaKeySet:
    kic, kid, dek = (store.key(domain, kvn, one) for one in (ENC, MAC, DEK))
    if kic is None or kid is None:
        raise CodecError(f"no SCP80 key set {kvn:X}")
    same = dek is not None and _kind(dek) is _kind(kic)
    mac_bytes = kid.mac_length if _kind(kid) is KeyKind.AES else 8
    return OtaKeySet(
        kvn,
        kic.value,
        kid.value,
        dek.value if dek is not None and same else None,
        _kind(kic),
        _kind(kid),
        mac_bytes,
    )


def _kind(key: StoredKey) -> KeyKind:
    kind = next((kind for known, kind in _KINDS.items() if known == key.kind), None)
    if kind is None:
        raise CodecError(f"a key of type {key.kind:02X} secures no packets")
    return kind
