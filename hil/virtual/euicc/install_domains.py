"""Installs securityDomain, rfm and application elements (TCA interoperable format, 8.7 and 8.8)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from hil.virtual.euicc.application_store import (
    Application,
    Kind,
    domain_id,
    save_application,
    save_data,
)
from hil.virtual.euicc.gp_keys import KEY_COST
from hil.virtual.euicc.install_error import InstallError, Status, part
from hil.virtual.euicc.key_store import KeyType, StoredKey, write_counter, write_key
from hil.wire import dgi, tlv
from hil.wire.identifiers import ECASD_AID, ISD_R_AID, is_isd_p_aid
from hil.wire.key_blocks import CardKey, KeyBlockError
from hil.wire.toolkit_parameters import AccessDomain, ToolkitParameters, check_level

if TYPE_CHECKING:
    from collections.abc import Container

    from hil.virtual.euicc.nvm import Transaction
    from hil.wire.profile_package import applications as elements
    from hil.wire.profile_package.instances import ApplicationInstance

SD_PACKAGE: Final = bytes.fromhex("A0000001515350")
SD_MODULE: Final = bytes.fromhex("A000000151535041")
"""Load file and module of security domains (GlobalPlatform Card Specification, H.1.3)."""

_SECURITY_DOMAIN: Final = 0x80
_STATES: Final = frozenset({0x07, 0x0F})
TLV_DGI: Final = 0x0070
"""DGI whose content is data objects, to be had by GET DATA."""

_TYPES: Final = (
    (range(0x01, 0x10), (KeyType.DES, KeyType.TDES_CBC, KeyType.AES)),
    (range(0x20, 0x30), (KeyType.DES, KeyType.TDES_CBC)),
    (range(0x30, 0x40), (KeyType.AES,)),
)
"""Key types by use: SCP80, SCP02, SCP03. Other versions may have any type."""

_MAC_LENGTHS: Final = (4, 8)
_COUNTER_BYTES: Final = 5
_OCTETS, _SEQUENCE = 0x04, 0x30
_RESERVED_TARS: Final = range(0x000001, 0x010000)
"""TARs of ISD-R, ECASD and ISD-Ps."""


@dataclass(slots=True)
class ProfileApplications:
    """The applications of a package, their keys and data; ``free_aids`` tells AIDs in use."""

    owner: bytes
    applications: dict[bytes, Application] = field(default_factory=dict)
    keys: dict[tuple[bytes, int, int], StoredKey] = field(default_factory=dict, repr=False)
    counters: dict[tuple[bytes, int], int] = field(default_factory=dict)
    data: dict[tuple[bytes, int], bytes] = field(default_factory=dict, repr=False)

    def size(self) -> int:
        """Bytes of non-volatile memory that all of it is charged with."""
        keys = sum(KEY_COST + len(one.value) for one in self.keys.values())
        return (
            keys
            + sum(map(len, self.data.values()))
            + sum(one.cost for one in self.applications.values())
        )

    def add_domain(self, number: int, element: elements.SecurityDomain) -> None:
        """Install a securityDomain; the first one is the operator's.

        What a card without contactless interface and CAT_TP can not heed is refused, not dropped.
        """
        for tag, name, value in (
            (0xA4, "openPersoData", element.open_perso),
            (0xA5, "catTpParameters", element.cat_tp),
        ):
            if value is not None:
                with part(tag):
                    raise InstallError(Status.FEATURE_NOT_SUPPORTED, name)
        with part(0xA1):
            aid = self._add_instance(number, element.instance)
        for place, key in enumerate(element.keys or ()):
            with part(0xA2), part(_SEQUENCE, place):
                self._add_key(aid, key)
        for place, content in enumerate(element.perso or ()):
            with part(0xA3), part(_OCTETS, place):
                self._add_data(aid, content)

    def add_instances(self, number: int, element: elements.Application) -> None:
        """Install the instances of an application element."""
        for place, instance in enumerate(element.instances or ()):
            with part(0xA2), part(_SEQUENCE, place):
                self._add_instance(number, instance)

    def add_rfm(self, number: int, element: elements.Rfm, adfs: Container[bytes]) -> None:
        """Install remote file management; ``adfs``: names of the ADFs made so far."""
        domain = self._domain(element.security_domain)
        for place, access in enumerate((element.access, element.admin_access)):
            with part(_OCTETS, place):
                AccessDomain.decode(access)
        with part(0x81):
            check_level(element.security_level)
        adf = element.adf
        if adf is not None:
            with part(_SEQUENCE):
                _check_adf(adf, adfs)
        tars = element.tars
        if tars is None:
            tars = (element.instance[12:15],) if len(element.instance) == 16 else ()
        self._add(
            Application(
                aid=element.instance,
                kind=Kind.FILES,
                place=number,
                state=0x07,
                privileges=b"\x00",
                load_file=b"",
                module=b"",
                domain=domain,
                tars=tars,
                level=element.security_level,
                access=element.access,
                adf=b"" if adf is None else adf.aid,
                adf_access=b"" if adf is None else adf.access,
                admin_access=element.admin_access,
                adf_admin_access=b"" if adf is None else adf.admin_access,
            )
        )

    def save(self, change: Transaction) -> None:
        """Write everything as part of a transaction."""
        for one in self.applications.values():
            save_application(change, self.owner, one)
        for (aid, kvn, identifier), key in self.keys.items():
            write_key(change, domain_id(self.owner, aid), kvn, identifier, key)
        for (aid, kvn), counter in self.counters.items():
            write_counter(change, domain_id(self.owner, aid), kvn, counter)
        for (aid, tag), value in self.data.items():
            save_data(change, self.owner, aid, tag, value)

    def _add_instance(self, number: int, instance: ApplicationInstance) -> bytes:
        if (instance.load_package, instance.module) != (SD_PACKAGE, SD_MODULE):
            raise InstallError(Status.RUNTIME_NOT_SUPPORTED, f"module {instance.module.hex()}")
        if instance.process_data is not None:
            with part(_SEQUENCE):
                raise InstallError(Status.FEATURE_NOT_SUPPORTED, "processData")
        if not instance.privileges[0] & _SECURITY_DOMAIN or len(instance.privileges) == 2:
            raise _bad("privileges of a security domain")
        if instance.life_cycle[0] not in _STATES:
            raise _bad(f"life cycle {instance.life_cycle.hex()} of a security domain")
        tlv.decode_all(instance.install_c9)
        remote = ToolkitParameters()
        if instance.application is not None and instance.application.toolkit is not None:
            remote = ToolkitParameters.decode(instance.application.toolkit)
        first = not any(one.kind is Kind.DOMAIN for one in self.applications.values())
        domain = instance.instance
        if instance.security_domain is not None or not first:
            domain = self._domain(instance.security_domain)
        self._add(
            Application(
                aid=instance.instance,
                kind=Kind.DOMAIN,
                place=number,
                state=instance.life_cycle[0],
                privileges=instance.privileges,
                load_file=instance.load_package,
                module=instance.module,
                domain=domain,
                tars=remote.tars,
                level=remote.level,
                parameters=instance.install_c9,
            )
        )
        return instance.instance

    def _add(self, one: Application) -> None:
        if one.aid in (*self.applications, ISD_R_AID, ECASD_AID) or is_isd_p_aid(one.aid):
            raise _bad(f"AID {one.aid.hex()} is in use")
        taken = {tar for other in self.applications.values() for tar in other.tars}
        for place, tar in enumerate(one.tars):
            if tar in taken or tar in one.tars[:place]:
                raise _bad(f"TAR {tar.hex()} is in use")
            if int.from_bytes(tar, "big") in _RESERVED_TARS:
                raise _bad(f"TAR {tar.hex()} is one of the eUICC")
        self.applications[one.aid] = one

    def _domain(self, wanted: bytes | None) -> bytes:
        """Return the AID of a security domain made before; by default the operator's."""
        for one in self.applications.values():
            if one.kind is Kind.DOMAIN and wanted in (None, one.aid):
                return one.aid
        raise _bad("no security domain" if wanted is None else f"no domain {wanted.hex()}")

    def _add_key(self, aid: bytes, key: elements.KeyObject) -> None:
        name = f"key {key.key_id:02X} of version {key.kvn:02X}"
        if not 1 <= key.kvn <= 0x7F or not 1 <= key.key_id <= 0x7F:
            raise _bad(f"{name} is not legal")
        if (aid, key.kvn, key.key_id) in self.keys:
            raise _bad(f"{name} is there twice")
        if len(key.components) != 1:
            raise InstallError(Status.FEATURE_NOT_SUPPORTED, f"{name} has several components")
        (component,) = key.components
        if len(component.key_type) != 1:
            raise InstallError(Status.FEATURE_NOT_SUPPORTED, f"type of {name}")
        kind = component.key_type[0]
        allowed = next((types for versions, types in _TYPES if key.kvn in versions), None)
        try:
            CardKey(kind, component.value).check_length()
        except KeyBlockError as err:
            unknown = kind not in list(KeyType)
            status = Status.FEATURE_NOT_SUPPORTED if unknown else Status.BAD_VALUES
            raise InstallError(status, f"{name}: {err}") from err
        if allowed is not None and kind not in allowed:
            raise _bad(f"{name} is of type {kind:02X}")
        if component.mac_length not in _MAC_LENGTHS:
            raise _bad(f"{name}: MAC of {component.mac_length} bytes")
        counter = key.counter or b""
        if len(counter) > _COUNTER_BYTES:
            raise _bad(f"{name}: counter of {len(counter)} bytes")
        self.keys[aid, key.kvn, key.key_id] = StoredKey(
            kind, component.value, component.mac_length, key.usage, key.access
        )
        highest = max(self.counters.get((aid, key.kvn), 0), int.from_bytes(counter, "big"))
        self.counters[aid, key.kvn] = highest

    def _add_data(self, aid: bytes, content: bytes) -> None:
        for grouping in dgi.decode_all(content):
            if grouping.tag != TLV_DGI:
                self.data[aid, grouping.tag] = grouping.value
                continue
            for one in tlv.decode_all(grouping.value):
                self.data[aid, one.tag] = one.encode()


def _check_adf(adf: elements.AdfAccess, adfs: Container[bytes]) -> None:
    with part(0x80):
        if adf.aid not in adfs:
            raise _bad(f"rfm: no ADF {adf.aid.hex()}")
    for tag, access in ((0x81, adf.access), (0x82, adf.admin_access)):
        with part(tag):
            AccessDomain.decode(access)


def _bad(why: str) -> InstallError:
    return InstallError(Status.BAD_VALUES, why)
