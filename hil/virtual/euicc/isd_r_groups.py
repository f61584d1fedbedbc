"""STORE DATA of the ISD-R: functions by their data grouping (SGP.02, 4.1.1 and 4.1.3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.virtual.euicc import store_data
from hil.virtual.euicc.key_establishments import is_certificate
from hil.virtual.euicc.refusal import RefusalError
from hil.virtual.euicc.security_domain import DONE
from hil.wire import dgi, isdr_commands, tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.identifiers import ISD_R_AID
from hil.wire.key_establishment_messages import DGI_KEYS
from hil.wire.status_words import OK

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.virtual.euicc.change_book import ChangeBook
    from hil.virtual.euicc.factory_options import LocalGroups
    from hil.virtual.euicc.key_establishments import KeyEstablishments
    from hil.virtual.euicc.profile_states import ProfileStates
    from hil.virtual.euicc.registry import Registry
    from hil.virtual.euicc.store_data import Chain

_AID: Final = 0x4F
_SEQUENCE: Final = 0x4E


class DataGroups:
    """Carries out what a grouping asks for.

    ``profile_changed`` is called after an enable or disable: the card then asks for a reset.
    """

    def __init__(
        self,
        states: ProfileStates,
        registry: Registry,
        *,
        changes: ChangeBook,
        establishments: KeyEstablishments,
        groups: LocalGroups,
        profile_changed: Callable[[], None],
    ) -> None:
        self._states = states
        self._registry = registry
        self._changes = changes
        self._establishments = establishments
        self._profile_changed = profile_changed
        self._by_aid: dict[int, Callable[[bytes], None]] = {
            isdr_commands.DGI_ENABLE: self._enable,
            isdr_commands.DGI_DISABLE: self._disable,
            isdr_commands.DGI_FALLBACK: states.set_fallback,
            groups.set_emergency: states.set_emergency,
        }
        self._addressing = groups.addressing
        self._local: dict[int, Callable[[bytes], None]] = {
            groups.enable_test: self._enable_test,
            groups.disable_test: lambda _: states.disable_locally(emergency=False),
            groups.enable_emergency: lambda _: states.enable_locally(registry.emergency()),
            groups.disable_emergency: lambda _: states.disable_locally(emergency=True),
        }

    def store(self, command: CommandApdu, *, secured: bool, chain: Chain) -> ResponseApdu:
        """Take one block; do what the last one completes.

        The certificate of a key establishment is answered at once, in the midst of its sequence.
        """
        form = store_data.form_of(command)
        if not secured:
            return self._store_locally(command, form, chain)
        data = chain.take(command)
        domain = chain.target or ISD_R_AID
        try:
            if form is store_data.Form.DGI and is_certificate(data):
                chain.consume()
                chain.challenge, answer = self._establishments.certificate(domain, data)
                if store_data.is_last(command):
                    chain.end()
                return ResponseApdu(answer, OK)
            if not store_data.is_last(command):
                return DONE
            if form is not store_data.Form.DGI:
                raise RefusalError(0x6985, "an SGP.02 ISD-R knows no ES10 functions")
            return self._whole(data, domain, chain)
        except RefusalError:
            chain.end()
            raise

    def _whole(self, data: bytes, domain: bytes, chain: Chain) -> ResponseApdu:
        challenge = chain.challenge
        chain.end()
        if data[:2] == DGI_KEYS.to_bytes(2, "big"):
            return ResponseApdu(self._establishments.keys(challenge, domain, data), OK)
        group = _only(data)
        if domain != ISD_R_AID:
            raise RefusalError(0x6A88, f"DGI {group.tag:04X} for an ISD-P by way of the ISD-R")
        try:
            if group.tag == self._addressing:
                self._changes.set_addressing(group.value)
                return DONE
            if group.tag == isdr_commands.DGI_CONFIRMATION:
                return self._confirm(group.value)
            function = self._by_aid.get(group.tag)
            if function is None:
                raise RefusalError(0x6A88, f"DGI {group.tag:04X}")
            objects = tlv.decode_all(group.value, limit=8)
            function(tlv.require(objects, _AID, where="the command"))
        except CodecError as err:
            raise RefusalError(0x6A80, str(err)) from err
        return DONE

    def _confirm(self, value: bytes) -> ResponseApdu:
        raw = tlv.require(tlv.decode_all(value, limit=8), _SEQUENCE, where="confirmation")
        if len(raw) != 2:
            raise RefusalError(0x6A80, "a sequence number has two bytes")
        gone = self._states.confirm(int.from_bytes(raw, "big"))
        return ResponseApdu(isdr_commands.deleted_answer(gone), OK)

    def _store_locally(
        self, command: CommandApdu, form: store_data.Form, chain: Chain
    ) -> ResponseApdu:
        """Do a local function (ESx); all else needs a secure channel."""
        data = chain.feed(command)
        wanted = None if form is not store_data.Form.DGI or data is None else _first_tag(data)
        if data is None or wanted not in self._local:
            chain.end()
            raise RefusalError(0x6985, "STORE DATA to the ISD-R needs a secure channel")
        self._local[wanted](_only(data).value)
        self._profile_changed()
        return DONE

    def _enable_test(self, value: bytes) -> None:
        try:
            aid = tlv.find(tlv.decode_all(value, limit=8), _AID)
        except CodecError as err:
            raise RefusalError(0x6A80, str(err)) from err
        self._states.enable_locally(self._states.test_profile(aid))

    def _enable(self, aid: bytes) -> None:
        self._states.enable(aid)
        self._profile_changed()

    def _disable(self, aid: bytes) -> None:
        self._states.disable(aid)
        self._profile_changed()


def _only(data: bytes) -> dgi.Dgi:
    try:
        (group,) = dgi.decode_all(data)
    except (CodecError, ValueError) as err:
        raise RefusalError(0x6A80, str(err)) from err
    return group


def _first_tag(data: bytes) -> int | None:
    return int.from_bytes(data[:2], "big") if len(data) >= 2 else None
