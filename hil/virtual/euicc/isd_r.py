"""The ISD-R: ES5 functions on ISD-Ps, by SCP03 or SCP80 (SGP.02, 4.1.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.virtual.euicc import store_data
from hil.virtual.euicc.refusal import RefusalError
from hil.virtual.euicc.security_domain import DONE, INS_GET_DATA, SecurityDomain
from hil.wire import dgi, tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.identifiers import ISD_P_LOAD_FILE_AID, ISD_P_MODULE_AID, ISD_R_AID
from hil.wire.status_words import OK

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.virtual.euicc.key_store import KeyStore
    from hil.virtual.euicc.profile_states import ProfileStates
    from hil.virtual.euicc.registry import IsdP, Registry
    from hil.virtual.euicc.secure_session import SecureChannels
    from hil.virtual.euicc.store_data import Chain

INS_DELETE: Final = 0xE4
INS_INSTALL: Final = 0xE6
INS_GET_STATUS: Final = 0xF2
INSTALL_AND_MAKE_SELECTABLE: Final = 0x0C
_INSTALL_PARAMETERS: Final = frozenset({(INSTALL_AND_MAKE_SELECTABLE, 0x00)})
_DELETE_PARAMETERS: Final = frozenset({(0x00, 0x00), (0x00, 0x40)})
_APPLICATIONS: Final = 0x40
"""P1 of GET STATUS; the others of GlobalPlatform: 80 issuer security domain, 20, 10 load files."""
_STATUS_PARAMETERS: Final = frozenset(
    (p1, p2) for p1 in (0x80, _APPLICATIONS, 0x20, 0x10) for p2 in (0x02, 0x03)
)
DGI_ENABLE: Final = 0x3A03
DGI_DISABLE: Final = 0x3A04
DGI_FALLBACK: Final = 0x3A05
AID: Final = 0x4F
_MORE: Final = 0x6310
_ROOM: Final = 239
"""Bytes of plain answer that fit 256 with padding and R-MAC."""

NO_CONFIRMATION: Final = ResponseApdu(b"\x00", OK)
"""Answer of INSTALL and DELETE: no confirmation follows (GlobalPlatform, 11.5.3, 11.2.3)."""


class IsdR(SecurityDomain):
    """Dispatches the commands of the SM-SR; the rules are those of :class:`ProfileStates`.

    ``profile_changed`` is called after an enable or disable: the card then asks for a reset.
    """

    instructions = frozenset(
        {INS_GET_DATA, store_data.INS, INS_INSTALL, INS_DELETE, INS_GET_STATUS}
    )

    def __init__(
        self,
        channels: SecureChannels,
        keys: KeyStore,
        registry: Registry,
        states: ProfileStates,
        profile_changed: Callable[[], None],
    ) -> None:
        super().__init__(ISD_R_AID, channels)
        self._keys = keys
        self._registry = registry
        self._states = states
        self._profile_changed = profile_changed
        self._unlisted: list[bytes] = []

    def execute(self, command: CommandApdu, *, secured: bool, chain: Chain) -> ResponseApdu:
        """Do one plain command."""
        if command.ins == INS_GET_DATA:
            return ResponseApdu(self._data(command.p1 << 8 | command.p2), OK)
        if command.ins == store_data.INS:
            store_data.form_of(command)
            if not secured:
                raise RefusalError(0x6985, "STORE DATA to the ISD-R needs a secure channel")
            return self._store(command, chain)
        functions = {
            INS_INSTALL: (_INSTALL_PARAMETERS, self._install),
            INS_DELETE: (_DELETE_PARAMETERS, self._delete),
            INS_GET_STATUS: (_STATUS_PARAMETERS, self._status),
        }
        if command.ins not in functions:
            raise RefusalError(0x6D00, f"ISD-R: INS {command.ins:02X}")
        parameters, function = functions[command.ins]
        if (command.p1, command.p2) not in parameters:
            raise RefusalError(0x6A86, f"P1 P2 {command.p1:02X}{command.p2:02X}")
        if not command.data:
            raise RefusalError(0x6700)
        if not secured:
            raise RefusalError(0x6982, "the ISD-R needs a secure channel")
        try:
            return function(command)
        except CodecError as err:
            raise RefusalError(0x6A80, str(err)) from err

    def _install(self, command: CommandApdu) -> ResponseApdu:
        load_file, module, aid, privileges, parameters, _token = _length_values(command.data, 6)
        if load_file != ISD_P_LOAD_FILE_AID or module != ISD_P_MODULE_AID:
            raise RefusalError(0x6A88, "load file or module of CreateISDP")
        if len(privileges) not in (1, 3) or not privileges[0] & 0x80:
            raise RefusalError(0x6A80, "an ISD-P is a security domain")
        objects = tlv.decode_all(parameters)
        tlv.require(objects, 0xC9, where="install parameters")
        system = tlv.decode_all(tlv.find(objects, 0xEF) or b"")
        self._states.create(aid, int.from_bytes(tlv.find(system, 0x83) or b"", "big"))
        return NO_CONFIRMATION

    def _delete(self, command: CommandApdu) -> ResponseApdu:
        self._states.delete(_aid(command.data))
        return NO_CONFIRMATION

    def _store(self, command: CommandApdu, chain: Chain) -> ResponseApdu:
        form = store_data.form_of(command)
        whole = chain.feed(command)
        if whole is None:
            return DONE
        if form is not store_data.Form.DGI:
            raise RefusalError(0x6985, "an SGP.02 ISD-R knows no ES10 functions")
        try:
            (group,) = dgi.decode_all(whole)
            aid = _aid(group.value)
        except (CodecError, ValueError) as err:
            raise RefusalError(0x6A80, str(err)) from err
        if group.tag == DGI_ENABLE:
            self._states.enable(aid)
            self._profile_changed()
        elif group.tag == DGI_DISABLE:
            self._states.disable(aid)
            self._profile_changed()
        elif group.tag == DGI_FALLBACK:
            self._states.set_fallback(aid)
        else:
            raise RefusalError(0x6A88, f"DGI {group.tag:04X}")
        return DONE

    def _status(self, command: CommandApdu) -> ResponseApdu:
        """GetStatus: ``E3`` objects of one or all ISD-Ps (SGP.02, table 28).

        What does not fit one secured answer waits for GetStatus with P2 = 03: 6310.
        """
        aid = tlv.require(tlv.decode_all(command.data), AID, where="GetStatus")
        if command.p1 != _APPLICATIONS:
            raise RefusalError(0x6A88, "the ISD-R lists ISD-Ps only")
        if command.p2 == 0x02:
            chosen = [one for one in self._registry.all() if one.aid.startswith(aid)]
            self._unlisted = [_status_object(one) for one in chosen]
        if not self._unlisted:
            raise RefusalError(0x6A88, "no ISD-P fits GetStatus")
        answer = b""
        while self._unlisted and len(answer) + len(self._unlisted[0]) <= _ROOM:
            answer += self._unlisted.pop(0)
        return ResponseApdu(answer, _MORE if self._unlisted else OK)

    def _data(self, tag: int) -> bytes:
        if tag == 0x00E0:
            return tlv.encode(0xE0, b"".join(self._key_information()))
        if tag == 0xFF21:
            # No limit of volatile memory is modelled; the figure is that of a small card.
            body = tlv.encode(0x81, len(self._registry.all()).to_bytes(2, "big"))
            body += tlv.encode(0x82, self._registry.free().to_bytes(4, "big"))
            return tlv.encode(0xFF21, body + tlv.encode(0x83, (4096).to_bytes(4, "big")))
        raise RefusalError(0x6A88, f"ISD-R: data {tag:04X}")

    def _key_information(self) -> list[bytes]:
        """Key information template: id, version, type and length, never a value."""
        rows = []
        for kvn in self._keys.versions(self.aid):
            for identifier in self._keys.identifiers(self.aid, kvn):
                key = self._keys.key(self.aid, kvn, identifier)
                if key is not None:
                    row = bytes((identifier, kvn, key.kind, len(key.value)))
                    rows.append(tlv.encode(0xC0, row))
        return rows


def _status_object(one: IsdP) -> bytes:
    granted = one.granted or one.used
    body = tlv.encode(AID, one.aid) + tlv.encode(0x9F70, bytes((one.state,)))
    body += tlv.encode(0x53, bytes((one.fallback,)))
    body += tlv.encode(0x8F, granted.to_bytes(4, "big"))
    return tlv.encode(0xE3, body + tlv.encode(0x91, max(0, granted - one.used).to_bytes(4, "big")))


def _aid(data: bytes) -> bytes:
    return tlv.require(tlv.decode_all(data), AID, where="the command")


def _length_values(data: bytes, count: int) -> list[bytes]:
    values = []
    at = 0
    for _ in range(count):
        if at >= len(data):
            raise CodecError("INSTALL data is cut off")
        end = at + 1 + data[at]
        if end > len(data):
            raise CodecError("INSTALL data is cut off")
        values.append(data[at + 1 : end])
        at = end
    if at != len(data):
        raise CodecError("INSTALL data goes on behind its token")
    return values
