"""A security domain of the enabled profile: the operator's (MNO-SD) and those below it.

GlobalPlatform Card Specification, 11; what reaches it over the air is remote application
management (ETSI TS 102 226, 8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.virtual.euicc import gp_status, store_data
from hil.virtual.euicc.application_store import LOCKED, Application, Kind
from hil.virtual.euicc.gp_keys import (
    INS_PUT_KEY,
    KEY_INFORMATION,
    SEQUENCE_COUNTER,
    KeyCommands,
)
from hil.virtual.euicc.gp_status import Entry, StatusPages
from hil.virtual.euicc.install_domains import SD_MODULE, SD_PACKAGE
from hil.virtual.euicc.refusal import RefusalError
from hil.virtual.euicc.security_domain import DONE, INS_GET_DATA, SecurityDomain
from hil.wire import dgi, tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.status_words import OK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.virtual.euicc.channel import Channel
    from hil.virtual.euicc.domain_contents import DomainContents
    from hil.virtual.euicc.scp02_session import DomainChannels
    from hil.virtual.euicc.store_data import Chain

INS_DELETE, INS_INSTALL, INS_LOAD, INS_SET_STATUS = 0xE4, 0xE6, 0xE8, 0xF0
_FOR_LOAD, _FOR_INSTALL, _SELECTABLE, _EXTRADITION, _PERSONALISATION, _REGISTRY = (
    0x02,
    0x04,
    0x08,
    0x10,
    0x20,
    0x40,
)
_INSTALLS: Final = frozenset(
    {_FOR_LOAD, _FOR_INSTALL, _SELECTABLE, _FOR_INSTALL | _SELECTABLE, _EXTRADITION}
    | {_PERSONALISATION, _REGISTRY}
)
_LOADS: Final = frozenset({0x00, 0x80})
_DELETES: Final = frozenset({0x00, 0x80})
_SET_STATUS_SCOPES: Final = frozenset({0x80, 0x40, 0x60})
_AID: Final = 0x4F
_LOADED: Final = 0x01
_RECOGNITION: Final = 0x66
_NO_CONFIRMATION: Final = ResponseApdu(b"\x00", OK)


class ProfileDomain(SecurityDomain):
    """One security domain of a profile; ``contents`` reads and changes what it manages."""

    instructions = frozenset(
        {
            INS_GET_DATA,
            INS_PUT_KEY,
            INS_DELETE,
            INS_INSTALL,
            INS_LOAD,
            INS_SET_STATUS,
            gp_status.INS,
            store_data.INS,
        }
    )

    def __init__(self, aid: bytes, channels: DomainChannels, contents: DomainContents) -> None:
        super().__init__(aid, channels)
        self._domain_channels = channels
        self._contents = contents
        self._keys: KeyCommands = contents.keys(aid)
        self._pages = StatusPages()
        self._personalised: bytes | None = None

    def selection(self) -> bytes:
        """Return the FCI with the management data of the card recognition data (table 11-77)."""
        recognition = self._contents.data(self.aid, _RECOGNITION)
        management = b""
        if recognition is not None:
            inner = tlv.decode_all(tlv.decode_one(recognition)[0].value)
            management = b"".join(one.encode() for one in inner if one.tag == 0x73)
        proprietary = tlv.encode(0xA5, management + tlv.encode(0x9F65, b"\xff"))
        return tlv.encode(0x6F, tlv.encode(0x84, self.aid) + proprietary)

    def deselected(self, channel: Channel) -> None:
        """Drop what belongs to a selection on this channel."""
        super().deselected(channel)
        self._personalised = None

    def execute(self, command: CommandApdu, *, secured: bool, chain: Chain) -> ResponseApdu:
        """Do one plain command."""
        if command.ins == INS_GET_DATA:
            return ResponseApdu(self._data(command.p1 << 8 | command.p2), OK)
        if command.ins not in self.instructions:
            raise RefusalError(0x6D00, f"INS {command.ins:02X}")
        self._check_parameters(command)
        if not command.data:
            raise RefusalError(0x6700)
        if not secured:
            raise RefusalError(0x6982, "the security domain needs a secure channel")
        try:
            return self._execute(command, chain)
        except CodecError as err:
            raise RefusalError(0x6A80, str(err)) from err

    def _execute(self, command: CommandApdu, chain: Chain) -> ResponseApdu:
        match command.ins:
            case 0xD8:
                return self._keys.put(command, chain.dek)
            case 0xE4:
                return self._delete(command)
            case 0xE6:
                return self._install(command)
            case 0xF0:
                return self._set_status(command)
            case 0xF2:
                return self._pages.answer(command, self._entries)
            case 0xE2:
                return self._store(command, chain)
            case _:
                raise RefusalError(0x6985, "no load was announced: the card has no runtime")

    def _check_parameters(self, command: CommandApdu) -> None:
        p1, p2 = command.p1, command.p2
        good = True
        if command.ins == INS_PUT_KEY:
            KeyCommands.check(command)
        elif command.ins == gp_status.INS:
            StatusPages.check(command)
        elif command.ins == store_data.INS:
            store_data.form_of(command)
        elif command.ins == INS_DELETE:
            good = p1 == 0 and p2 in _DELETES
        elif command.ins == INS_INSTALL:
            good = p1 in _INSTALLS and p2 == 0
        elif command.ins == INS_LOAD:
            good = p1 in _LOADS
        elif command.ins == INS_SET_STATUS:
            good = p1 in _SET_STATUS_SCOPES
        if not good:
            raise RefusalError(0x6A86, f"P1 P2 {p1:02X}{p2:02X}")

    def _initialize(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        channel.session = None
        channel.session = self._domain_channels.begin(self.aid, command)
        return channel.session.answer()

    def _data(self, tag: int) -> bytes:
        if tag == KEY_INFORMATION:
            return self._keys.information()
        if tag == SEQUENCE_COUNTER:
            return self._keys.sequence_counter()
        found = self._contents.data(self.aid, tag)
        if found is None:
            raise RefusalError(0x6A88, f"no data {tag:04X}")
        return found

    def _entries(self, scope: int) -> Iterator[Entry]:
        if scope in (gp_status.LOAD_FILES, gp_status.LOAD_FILES_AND_MODULES):
            modules = (SD_MODULE,) if scope == gp_status.LOAD_FILES_AND_MODULES else ()
            yield Entry(SD_PACKAGE, _LOADED, modules=modules)
            return
        for one in self._contents.store.all():
            own = one.aid == self.aid
            if own if scope == gp_status.ISSUER_DOMAIN else self._below(one):
                load_file = one.load_file or None
                yield Entry(one.aid, one.state, one.privileges, load_file, domain=one.domain)

    def _below(self, one: Application) -> bool:
        """Whether an application belongs to this domain, through other domains or directly."""
        seen: set[bytes] = set()
        while one.domain != one.aid and one.aid not in seen:
            if one.domain == self.aid:
                return True
            seen.add(one.aid)
            parent = self._contents.store.find(one.domain)
            if parent is None:
                return False
            one = parent
        return False

    def _require(self, aid: bytes) -> Application:
        """Return an application below this domain; 6A88 for any other."""
        found = self._contents.store.find(aid)
        if found is None or not self._below(found):
            raise RefusalError(0x6A88, f"no application {aid.hex()}")
        return found

    def _delete(self, command: CommandApdu) -> ResponseApdu:
        objects = tlv.decode_all(command.data)
        aid = tlv.find(objects, _AID)
        if aid is None:
            self._keys.delete(command.data)
            return _NO_CONFIRMATION
        if aid == self.aid:
            raise RefusalError(0x6985, "a domain does not delete itself")
        found = self._require(aid)
        if any(one.domain == aid and one.aid != aid for one in self._contents.store.all()):
            raise RefusalError(0x6985, f"applications belong to {aid.hex()}")
        self._contents.delete(found)
        return _NO_CONFIRMATION

    def _install(self, command: CommandApdu) -> ResponseApdu:
        if command.p1 == _PERSONALISATION:
            aid = read_lengths(command.data, 6)[2]
            target = self.aid if aid == self.aid else self._require(aid).aid
            found = self._contents.store.find(target)
            if found is None or found.kind is not Kind.DOMAIN:
                raise RefusalError(0x6985, f"{aid.hex()} takes no data")
            self._personalised = target
            return _NO_CONFIRMATION
        if not command.p1 & _FOR_INSTALL:
            # Nothing can be loaded, all is selectable from the start, and nobody moves.
            raise RefusalError(0x6985, f"INSTALL with P1 {command.p1:02X}")
        load_file, module, aid, privileges, parameters, _token = read_lengths(command.data, 6)
        if (load_file, module) != (SD_PACKAGE, SD_MODULE):
            raise RefusalError(0x6A88, "no such load file or module")
        self._contents.create(self.aid, aid, privileges, parameters)
        return _NO_CONFIRMATION

    def _set_status(self, command: CommandApdu) -> ResponseApdu:
        if command.p1 == 0x80 or command.data == self.aid:
            if command.data != self.aid:
                raise RefusalError(0x6A88, "not this domain")
            allowed = {0x07: {0x0F}, 0x0F: {0x0F}}
            found = self._contents.store.find(self.aid)
            if found is None or command.p2 not in allowed.get(found.state, set()):
                raise RefusalError(0x6985, f"no way to life cycle {command.p2:02X}")
            self._contents.store.set_state(self.aid, command.p2)
            return DONE
        found = self._require(command.data)
        locking = found.state | LOCKED
        unlocking = found.state & ~LOCKED
        forward = {0x07: 0x0F}.get(found.state) if found.kind is Kind.DOMAIN else None
        if command.p2 == locking or (found.state & LOCKED and command.p2 == unlocking):
            new = command.p2
        elif command.p2 & LOCKED:
            new = locking
        elif command.p2 == forward:
            new = forward
        else:
            raise RefusalError(0x6985, f"no way to life cycle {command.p2:02X}")
        self._contents.store.set_state(found.aid, new)
        return DONE

    def _store(self, command: CommandApdu, chain: Chain) -> ResponseApdu:
        form = store_data.form_of(command)
        whole = chain.feed(command)
        if whole is None:
            return DONE
        target, self._personalised = self._personalised or self.aid, None
        if form is store_data.Form.BER_TLV:
            self._contents.put_data(
                target, [(one.tag, one.encode()) for one in tlv.decode_all(whole)]
            )
        else:
            self._contents.put_groupings(target, dgi.decode_all(whole))
        return DONE


def read_lengths(data: bytes, count: int) -> list[bytes]:
    """Return the values of INSTALL, each behind its length; :class:`CodecError` if cut off."""
    values, at = [], 0
    while at < len(data):
        end = at + 1 + data[at]
        if end > len(data):
            raise CodecError("INSTALL data is cut off")
        values.append(data[at + 1 : end])
        at = end
    if len(values) != count:
        raise CodecError(f"INSTALL data has {len(values)} fields, not {count}")
    return values
