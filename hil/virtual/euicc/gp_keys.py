"""PUT KEY, DELETE key and what GET DATA tells of the keys, for every security domain.

GlobalPlatform Card Specification 11.8, 11.2 and 11.3.3.1. Status words: 6A88 for keys that are not
there, 6A80 for wrong data, 9484 for a key type that is not known, 9485 for a wrong check value.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.virtual.euicc.key_store import KeyStore, StoredKey
from hil.virtual.euicc.refusal import RefusalError
from hil.wire import tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.key_blocks import CardKey, KeyBlockError, key_cipher, read_blocks
from hil.wire.scp03_channel import Option
from hil.wire.status_words import OK

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from hil.virtual.euicc.nvm import Nvm, Transaction

log = logging.getLogger(__name__)

INS_PUT_KEY: Final = 0xD8
_SEVERAL: Final = 0x80
_MORE_COMMANDS: Final = 0x80
_IDENTIFIER, _VERSION = 0xD0, 0xD2
_ALL_VERSIONS: Final = range(0x01, 0x80)
_COUNTED: Final = range(0x20, 0x40)
_FIRST_SCP03: Final = 0x30
_SCP02_SIZE, _SCP03_SIZE = 2, 3
KEY_INFORMATION: Final = 0xE0
SEQUENCE_COUNTER: Final = 0xC1


def _take_any(change: Transaction, size: int) -> None:
    del change, size


@dataclass(frozen=True, slots=True)
class KeyCommands:
    """Key management of the domain whose keys stand under ``domain`` in the key store.

    ``versions``: key version numbers the domain may have. ``charge``: told, within the transaction,
    the bytes that keys take or (negative) give back; it refuses with 6A84 if they do not fit.
    ``lasting``: versions of which one key set must stay whole, lest nobody reaches the domain.
    """

    nvm: Nvm
    keys: KeyStore
    domain: bytes
    versions: Container[int] = _ALL_VERSIONS
    charge: Callable[[Transaction, int], None] = _take_any
    lasting: Container[int] = ()

    def put(self, command: CommandApdu, dek: StoredKey | None) -> ResponseApdu:
        """Do PUT KEY; ``dek``: the key that enciphers keys in this session, ``None`` for none.

        P1 00 adds keys, another P1 names the version whose keys are replaced, all of one type and
        length with the new ones. New keys begin with counter 0.
        """
        self.check(command)
        if dek is None:
            raise RefusalError(0x6985, "the session has no key that enciphers keys")
        if not command.data:
            raise RefusalError(0x6700)
        kvn, replaced, first = command.data[0], command.p1, command.p2 & 0x7F
        try:
            cipher = key_cipher(CardKey(dek.kind, dek.value))
            found = read_blocks(command.data[1:], cipher)
        except KeyBlockError as err:
            raise RefusalError(err.fault, str(err)) from err
        if len(found) > 1 and not command.p2 & _SEVERAL:
            raise RefusalError(0x6A80, "several keys, but P2 says one")
        if kvn not in self.versions:
            raise RefusalError(0x6A80, f"key version {kvn:02X}")
        new = dict(enumerate(found, first))
        if max(new) > 0x7F:
            raise RefusalError(0x6A80, "key identifier above 7F")
        if replaced:
            self._check_replaced(replaced, kvn, new)
        else:
            self._check_added(kvn, new)
        with self.nvm.transaction() as change:
            if not replaced:
                self.charge(change, sum(KEY_COST + len(one.value) for one in found))
            for identifier, key in new.items():
                if replaced and replaced != kvn:
                    self.keys.delete_key(change, self.domain, replaced, identifier)
                value = StoredKey(key.kind, key.value)
                self.keys.put_key(change, self.domain, kvn, identifier, value)
            self.keys.put_counter(change, self.domain, kvn, 0)
            left = set(self.keys.identifiers(self.domain, replaced)) - set(new)
            if replaced not in (0, kvn) and not left:
                self.keys.delete_version(change, self.domain, replaced)
        log.info("%d keys of version %02X stored", len(new), kvn)
        checks = b"".join(one.check_value() for one in found)
        return ResponseApdu(bytes((kvn,)) + checks, OK)

    @staticmethod
    def check(command: CommandApdu) -> None:
        """Refuse P1 and P2 that PUT KEY does not have."""
        if command.p1 & _MORE_COMMANDS or not command.p2 & 0x7F:
            raise RefusalError(0x6A86, f"P1 P2 {command.p1:02X}{command.p2:02X}")

    def _check_replaced(self, replaced: int, kvn: int, new: dict[int, CardKey]) -> None:
        for identifier, key in new.items():
            old = self.keys.key(self.domain, replaced, identifier)
            if old is None:
                raise RefusalError(0x6A88, f"no key {identifier:02X} of version {replaced:02X}")
            if (old.kind, len(old.value)) != (key.kind, len(key.value)):
                raise RefusalError(0x6A80, "a key is replaced by one of its type and length")
            if kvn != replaced and self.keys.key(self.domain, kvn, identifier) is not None:
                raise RefusalError(0x6A80, f"key {identifier:02X} of version {kvn:02X} exists")
        if kvn not in self.lasting:
            self.check_lasting({replaced})

    def _check_added(self, kvn: int, new: dict[int, CardKey]) -> None:
        for identifier in new:
            if self.keys.key(self.domain, kvn, identifier) is not None:
                raise RefusalError(0x6A80, f"key {identifier:02X} of version {kvn:02X} exists")

    def delete(self, data: bytes) -> None:
        """Do DELETE of keys: ``D0`` key identifier, ``D2`` key version, one or both.

        6A80 without either, 6A88 if nothing fits.
        """
        try:
            objects = tlv.decode_all(data)
        except CodecError as err:
            raise RefusalError(0x6A80, str(err)) from err
        identifier, version = (_byte(objects, tag) for tag in (_IDENTIFIER, _VERSION))
        if identifier is None and version is None:
            raise RefusalError(0x6A80, "DELETE names neither key identifier nor version")
        chosen = {
            (kvn, one)
            for kvn, one in self.all()
            if version in (None, kvn) and identifier in (None, one)
        }
        if not chosen:
            raise RefusalError(0x6A88, "no such key")
        self.remove(chosen)

    def all(self) -> set[tuple[int, int]]:
        """Return version and identifier of every key of the domain."""
        return {
            (kvn, one)
            for kvn in self.keys.versions(self.domain)
            for one in self.keys.identifiers(self.domain, kvn)
        }

    def remove(self, chosen: set[tuple[int, int]]) -> None:
        """Delete keys, all or none: 6985 where no key set would last that the domain needs."""
        self.check_lasting({kvn for kvn, _ in chosen})
        freed = sum(self._cost(kvn, one) for kvn, one in chosen)
        with self.nvm.transaction() as change:
            self.charge(change, -freed)
            for kvn in {kvn for kvn, _ in chosen}:
                gone = {one for version, one in chosen if version == kvn}
                if gone.issuperset(self.keys.identifiers(self.domain, kvn)):
                    self.keys.delete_version(change, self.domain, kvn)
                else:
                    for one in gone:
                        self.keys.delete_key(change, self.domain, kvn, one)

    def check_lasting(self, touched: set[int]) -> None:
        """Refuse with 6985 to take keys from these versions, where no other one would last."""
        lasting = {one for one in self.keys.versions(self.domain) if one in self.lasting}
        if lasting and lasting <= touched:
            raise RefusalError(0x6985, "the last key set by which the domain is reached stays")

    def size(self) -> int:
        """Return the bytes that all keys of the domain are charged with."""
        return sum(self._cost(kvn, one) for kvn, one in self.all())

    def _cost(self, kvn: int, identifier: int) -> int:
        key = self.keys.key(self.domain, kvn, identifier)
        return 0 if key is None else KEY_COST + len(key.value)

    def information(self) -> bytes:
        """Return the key information template E0: id, version, type and length, never a value."""
        rows = b""
        for kvn in self.keys.versions(self.domain):
            for identifier in self.keys.identifiers(self.domain, kvn):
                key = self.keys.key(self.domain, kvn, identifier)
                if key is not None:
                    row = bytes((identifier, kvn, key.kind, len(key.value)))
                    rows += tlv.encode(0xC0, row)
        return tlv.encode(KEY_INFORMATION, rows)

    def sequence_counter(self) -> bytes:
        """Return ``C1``: the last sequence counter used with the key set that KVN 00 stands for.

        Two bytes of SCP02, three of SCP03. 6A88 without such a key set, or when its challenges are
        random: then it counts nothing.
        """
        kvn = next((one for one in self.keys.versions(self.domain) if one in _COUNTED), None)
        if kvn is None:
            raise RefusalError(0x6A88, "no key set with a sequence counter")
        size = _SCP02_SIZE
        if kvn >= _FIRST_SCP03:
            size = _SCP03_SIZE
            if not self.keys.option(self.domain, kvn) & Option.PSEUDO_RANDOM:
                raise RefusalError(0x6A88, f"challenges of key set {kvn:02X} are random")
        counter = self.keys.counter(self.domain, kvn)
        return tlv.encode(SEQUENCE_COUNTER, counter.to_bytes(size, "big"))


KEY_COST: Final = 16
"""Bytes a key costs besides its value: a round figure for its attributes and counter."""


def _byte(objects: tuple[tlv.Tlv, ...], tag: int) -> int | None:
    value = tlv.find(objects, tag)
    if value is not None and len(value) != 1:
        raise RefusalError(0x6A80, f"object {tag:02X} has one byte")
    return None if value is None else value[0]
