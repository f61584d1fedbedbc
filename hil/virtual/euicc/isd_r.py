"""The ISD-R: ES5 functions on ISD-Ps, by SCP03 or SCP80 (SGP.02, 4.1.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.virtual.euicc import gp_keys, gp_status, store_data
from hil.virtual.euicc.card_data import CardData
from hil.virtual.euicc.refusal import RefusalError
from hil.virtual.euicc.security_domain import INS_GET_DATA, SecurityDomain
from hil.wire import isdr_commands, tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.identifiers import ISD_P_LOAD_FILE_AID, ISD_P_MODULE_AID, ISD_R_AID
from hil.wire.status_words import OK

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.virtual.euicc.isd_r_groups import DataGroups
    from hil.virtual.euicc.profile_states import ProfileStates
    from hil.virtual.euicc.registry import IsdP, Registry
    from hil.virtual.euicc.secure_session import SecureChannels
    from hil.virtual.euicc.store_data import Chain

    Check = Callable[[CommandApdu], None]
    Function = Callable[[CommandApdu, Chain], ResponseApdu]

INS_DELETE: Final = 0xE4
INS_INSTALL: Final = 0xE6
INS_SET_STATUS: Final = 0xF0
INS_GET_STATUS: Final = gp_status.INS
_MAKE_SELECTABLE, _PERSONALIZATION = (0x0C, 0x00), (0x20, 0x00)
_SET_STATUS_SCOPES: Final = frozenset({0x80, 0x40, 0x60})
AID: Final = 0x4F
_MORE: Final = 0x6310
_MOST_RANGES: Final = 40
"""Objects of DELETE: more ranges do not fit its data."""
_ROOM: Final = 239
"""Bytes of plain answer that fit 256 with padding and R-MAC."""
_PERSONALIZED: Final = 0x0F

NO_CONFIRMATION: Final = ResponseApdu(b"\x00", OK)
"""Answer of INSTALL and DELETE: no confirmation follows (GlobalPlatform, 11.5.3, 11.2.3)."""


class IsdR(SecurityDomain):
    """Dispatches the commands of the SM-SR; the rules are those of :class:`ProfileStates`."""

    instructions = frozenset(
        {
            INS_GET_DATA,
            store_data.INS,
            INS_INSTALL,
            INS_DELETE,
            INS_GET_STATUS,
            INS_SET_STATUS,
            gp_keys.INS_PUT_KEY,
        }
    )

    def __init__(
        self,
        channels: SecureChannels,
        *,
        registry: Registry,
        states: ProfileStates,
        keys: gp_keys.KeyCommands,
        groups: DataGroups,
        data: CardData,
    ) -> None:
        super().__init__(ISD_R_AID, channels)
        self._registry = registry
        self._states = states
        self._keys = keys
        self._groups = groups
        self._data = data
        self._pages = gp_status.StatusPages()
        self._unlisted: list[bytes] = []

    def execute(self, command: CommandApdu, *, secured: bool, chain: Chain) -> ResponseApdu:
        """Do one plain command."""
        if command.ins == INS_GET_DATA:
            return self._data.answer(command)
        if command.ins == store_data.INS:
            return self._groups.store(command, secured=secured, chain=chain)
        functions: dict[int, tuple[Check, Function]] = {
            INS_INSTALL: (_check_install, self._install),
            INS_DELETE: (_check_delete, self._delete),
            INS_GET_STATUS: (gp_status.StatusPages.check, self._status),
            INS_SET_STATUS: (_check_set_status, self._set_status),
            gp_keys.INS_PUT_KEY: (gp_keys.KeyCommands.check, self._put_key),
        }
        if command.ins not in functions:
            raise RefusalError(0x6D00, f"ISD-R: INS {command.ins:02X}")
        check, function = functions[command.ins]
        check(command)
        if not command.data:
            raise RefusalError(0x6700)
        if not secured:
            raise RefusalError(0x6982, "the ISD-R needs a secure channel")
        try:
            return function(command, chain)
        except CodecError as err:
            raise RefusalError(0x6A80, str(err)) from err

    def _install(self, command: CommandApdu, chain: Chain) -> ResponseApdu:
        first, module, aid, privileges, parameters, _token = _length_values(command.data, 6)
        chain.end()
        if (command.p1, command.p2) == _PERSONALIZATION:
            if first or module or privileges or parameters:
                raise RefusalError(0x6A80, "INSTALL [for personalization] names an AID only")
            self._registry.require(aid)
            chain.target = aid
            return NO_CONFIRMATION
        if first != ISD_P_LOAD_FILE_AID or module != ISD_P_MODULE_AID:
            raise RefusalError(0x6A88, "load file or module of CreateISDP")
        if len(privileges) not in (1, 3) or not privileges[0] & 0x80:
            raise RefusalError(0x6A80, "an ISD-P is a security domain")
        objects = tlv.decode_all(parameters)
        tlv.require(objects, 0xC9, where="install parameters")
        system = tlv.decode_all(tlv.find(objects, 0xEF) or b"")
        self._states.create(aid, int.from_bytes(tlv.find(system, 0x83) or b"", "big"))
        return NO_CONFIRMATION

    def _delete(self, command: CommandApdu, chain: Chain) -> ResponseApdu:
        del chain
        objects = tlv.decode_all(command.data, limit=_MOST_RANGES)
        tags = [one.tag for one in objects]
        if tags == [AID]:
            self._states.delete(objects[0].value)
        elif tags == [AID, isdr_commands.CONTROL_REFERENCE, isdr_commands.TOKEN]:
            token = objects[2].value
            body = command.data[: -len(tlv.encode(isdr_commands.TOKEN, token))]
            self._states.master_delete(objects[0].value, body, token)
        elif isdr_commands.KEY_RANGE in tags:
            self._finalise(objects)
        else:
            self._keys.delete(command.data)
        return NO_CONFIRMATION

    def _finalise(self, objects: tuple[tlv.Tlv, ...]) -> None:
        """FinaliseISDRhandover: all keys go but those named; some SCP80 key set must stay."""
        kept: set[tuple[int, int]] = set()
        there = self._keys.all()
        for one in objects:
            value = one.value
            if (
                one.tag != isdr_commands.KEY_RANGE
                or len(value) != 3
                or not 0 < value[1] <= value[2]
            ):
                raise RefusalError(0x6A80, "F2 holds key version, first and last key identifier")
            kvn, first, last = value
            kept |= there & {(kvn, key) for key in range(first, last + 1)}
        if not kept:
            raise RefusalError(0x6A88, "the ISD-R has none of the keys that are to stay")
        self._keys.remove(there - kept)

    def _put_key(self, command: CommandApdu, chain: Chain) -> ResponseApdu:
        return self._keys.put(command, chain.dek)

    def _set_status(self, command: CommandApdu, chain: Chain) -> ResponseApdu:
        """Refuse: an ISD-P changes by ES5 functions, the ISD-R not at all (SGP.02, 2.2.1.3)."""
        del chain
        if command.p1 != 0x80 and command.data != self.aid:
            self._registry.require(command.data)
        raise RefusalError(0x6985, "life cycles are not changed by SET STATUS")

    def _status(self, command: CommandApdu, chain: Chain) -> ResponseApdu:
        """GetStatus: ``E3`` objects of one or all ISD-Ps (SGP.02, table 28); others by GP.

        What does not fit one secured answer waits for GetStatus with P2 = 03: 6310.
        """
        del chain
        if command.p1 != gp_status.APPLICATIONS or not command.p2 & 0x02:
            return self._pages.answer(command, self._entries)
        aid = tlv.require(tlv.decode_all(command.data), AID, where="GetStatus")
        if command.p2 == 0x02:
            chosen = [one for one in self._registry.all() if one.aid.startswith(aid)]
            self._unlisted = [_status_object(one) for one in chosen]
        if not self._unlisted:
            raise RefusalError(0x6A88, "no ISD-P fits GetStatus")
        answer = b""
        while self._unlisted and len(answer) + len(self._unlisted[0]) <= _ROOM:
            answer += self._unlisted.pop(0)
        return ResponseApdu(answer, _MORE if self._unlisted else OK)

    def _entries(self, scope: int) -> list[gp_status.Entry]:
        if scope == gp_status.ISSUER_DOMAIN:
            return [gp_status.Entry(self.aid, _PERSONALIZED, isdr_commands.PRIVILEGES)]
        if scope == gp_status.APPLICATIONS:
            return [
                gp_status.Entry(one.aid, one.state, isdr_commands.PRIVILEGES)
                for one in self._registry.all()
            ]
        modules = (ISD_P_MODULE_AID,) if scope == gp_status.LOAD_FILES_AND_MODULES else ()
        return [gp_status.Entry(ISD_P_LOAD_FILE_AID, 0x01, modules=modules)]


def _check_install(command: CommandApdu) -> None:
    if (command.p1, command.p2) not in (_MAKE_SELECTABLE, _PERSONALIZATION):
        raise RefusalError(0x6A86, f"INSTALL with P1 P2 {command.p1:02X}{command.p2:02X}")


def _check_delete(command: CommandApdu) -> None:
    if command.p1 or command.p2 not in (0x00, 0x40):
        raise RefusalError(0x6A86, f"DELETE with P1 P2 {command.p1:02X}{command.p2:02X}")


def _check_set_status(command: CommandApdu) -> None:
    if command.p1 not in _SET_STATUS_SCOPES:
        raise RefusalError(0x6A86, f"SET STATUS with P1 {command.p1:02X}")


def _status_object(one: IsdP) -> bytes:
    granted = one.granted or one.used
    attributes = one.fallback | one.emergency << 1
    body = tlv.encode(AID, one.aid) + tlv.encode(0x9F70, bytes((one.state,)))
    body += tlv.encode(0x53, bytes((attributes,)))
    body += tlv.encode(0x8F, granted.to_bytes(4, "big"))
    return tlv.encode(0xE3, body + tlv.encode(0x91, max(0, granted - one.used).to_bytes(4, "big")))


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
