"""What the security domains of a profile manage: applications, keys, data, and ES6 of SGP.02.

Every change is one transaction, and is charged to the ISD-P of the profile.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.virtual.euicc.application_store import (
    Application,
    ApplicationStore,
    Kind,
    domain_id,
    save_application,
    save_data,
)
from hil.virtual.euicc.gp_keys import KeyCommands
from hil.virtual.euicc.install_domains import SD_MODULE, SD_PACKAGE, TLV_DGI
from hil.virtual.euicc.refusal import RefusalError
from hil.virtual.euicc.registry import Policy
from hil.wire import tlv
from hil.wire.identifiers import ECASD_AID, ISD_R_AID, is_isd_p_aid
from hil.wire.toolkit_parameters import ToolkitParameters

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hil.virtual.euicc.factory import Es6
    from hil.virtual.euicc.key_store import KeyStore
    from hil.virtual.euicc.nvm import Nvm, Transaction
    from hil.virtual.euicc.registry import Registry
    from hil.wire.dgi import Dgi

_OBJECTS: Final = frozenset({0x42, 0x45, 0x5F50, 0x66})
"""Data objects that a domain takes: IIN, CIN, management URL, card recognition data."""

_SECURITY_DOMAIN: Final = 0x80


class DomainContents:
    """Contents of one profile. ``es6``: tags of the functions of SGP.02's ES6."""

    def __init__(
        self, nvm: Nvm, registry: Registry, keys: KeyStore, store: ApplicationStore, es6: Es6
    ) -> None:
        self._nvm = nvm
        self._registry = registry
        self._keys = keys
        self.store = store
        self._es6 = es6

    def keys(self, aid: bytes) -> KeyCommands:
        """Return the key management of a domain."""
        domain = domain_id(self.store.owner, aid)
        return KeyCommands(self._nvm, self._keys, domain, charge=self._charge)

    def data(self, aid: bytes, tag: int) -> bytes | None:
        """Return a data object with its tag."""
        return self.store.data(aid, tag)

    def create(self, domain: bytes, aid: bytes, privileges: bytes, parameters: bytes) -> None:
        """Make a security domain below ``domain`` (INSTALL [for install])."""
        taken = self.store.find(aid) is not None or aid in (ISD_R_AID, ECASD_AID)
        if taken or is_isd_p_aid(aid):
            raise RefusalError(0x6985, f"AID {aid.hex()} is in use")
        if not 5 <= len(aid) <= 16 or len(privileges) not in (1, 3):
            raise RefusalError(0x6A80, "AID or privileges")
        if not privileges[0] & _SECURITY_DOMAIN:
            raise RefusalError(0x6A80, "the module makes security domains only")
        objects = tlv.decode_all(parameters)
        remote = ToolkitParameters()
        special = tlv.find(objects, 0xEA)
        toolkit = None if special is None else tlv.find(tlv.decode_all(special), 0x80)
        if toolkit is not None:
            remote = ToolkitParameters.decode(toolkit)
        used = {tar for one in self.store.all() for tar in one.tars}
        if used & set(remote.tars):
            raise RefusalError(0x6A80, "a TAR is in use")
        made = Application(
            aid=aid,
            kind=Kind.DOMAIN,
            place=1 + max(one.place for one in self.store.all()),
            state=0x07,
            privileges=privileges,
            load_file=SD_PACKAGE,
            module=SD_MODULE,
            domain=domain,
            tars=remote.tars,
            level=remote.level,
            parameters=tlv.find(objects, 0xC9) or b"",
        )
        with self._nvm.transaction() as change:
            self._charge(change, made.cost)
            save_application(change, self.store.owner, made)

    def delete(self, application: Application) -> None:
        """Remove an application with its keys and data."""
        owner = self.store.owner
        domain = domain_id(owner, application.aid)
        freed = application.cost + self.store.data_size(application.aid)
        freed += self.keys(application.aid).size()
        with self._nvm.transaction() as change:
            self._charge(change, -freed)
            self.store.delete(change, application.aid)
            self._keys.delete_all(change, domain)

    def put_data(self, aid: bytes, objects: Iterable[tuple[int, bytes]]) -> None:
        """Store data objects, each with its tag; 6A88 for one that a domain does not take."""
        chosen = list(objects)
        for tag, _ in chosen:
            if tag not in _OBJECTS:
                raise RefusalError(0x6A88, f"data object {tag:04X}")
        with self._nvm.transaction() as change:
            self._put(change, aid, chosen)

    def put_groupings(self, aid: bytes, groupings: Iterable[Dgi]) -> None:
        """Store data groupings, or do the functions of ES6 that they stand for."""
        chosen = list(groupings)
        domains = self.store.domains()
        of_operator = bool(domains) and domains[0].aid == aid
        with self._nvm.transaction() as change:
            for one in chosen:
                if one.tag == TLV_DGI:
                    objects = tlv.decode_all(one.value)
                    self._put(change, aid, [(item.tag, item.encode()) for item in objects])
                elif one.tag == self._es6.policy_dgi and of_operator:
                    self._update_policy(change, one.value)
                elif one.tag == self._es6.connectivity_dgi and of_operator:
                    self._update_connectivity(change, one.value)
                else:
                    raise RefusalError(0x6A88, f"DGI {one.tag:04X}")

    def _put(self, change: Transaction, aid: bytes, objects: list[tuple[int, bytes]]) -> None:
        for tag, value in objects:
            old = self.store.data(aid, tag) or b""
            self._charge(change, len(value) - len(old))
            save_data(change, self.store.owner, aid, tag, value)

    def _update_policy(self, change: Transaction, value: bytes) -> None:
        """UpdatePOL1: one byte, bare or in its data object."""
        if len(value) != 1:
            value = tlv.require(tlv.decode_all(value), self._es6.policy_tag, where="UpdatePOL1")
        if len(value) != 1 or value[0] > int(_EVERY_RULE):
            raise CodecError("POL1 is one byte of three rules")
        record = self._registry.pending(change, self.store.owner)
        self._registry.put(change, replace(record, policy=Policy(value[0])))

    def _update_connectivity(self, change: Transaction, value: bytes) -> None:
        """UpdateConnectivityParameters: the data objects of SGP.02, 4.1.3.4, kept as they are."""
        if not value or not tlv.decode_all(value):
            raise CodecError("UpdateConnectivityParameters brings no parameters")
        name = f"profile/{self.store.owner.hex()}/{CONNECTIVITY}"
        self._charge(change, len(value) - len(self._nvm.get(name) or b""))
        change.put(name, value)

    def _charge(self, change: Transaction, size: int) -> None:
        """Charge bytes to the ISD-P as part of a transaction; 6A84 if they do not fit."""
        record = self._registry.pending(change, self.store.owner)
        reserve = max(0, record.granted - record.used)
        if size > self._registry.free() + reserve:
            raise RefusalError(0x6A84, f"{size} bytes")
        self._registry.put(change, replace(record, used=max(0, record.used + size)))


CONNECTIVITY: Final = "connectivity"
_EVERY_RULE: Final = (
    Policy.DISABLE_NOT_ALLOWED | Policy.DELETE_NOT_ALLOWED | Policy.DELETE_ON_DISABLE
)
