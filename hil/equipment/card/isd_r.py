"""The ISD-R of an eUICC over SCP03: GetStatus, enable, disable, delete (SGP.02 v4.x, ES5).

Meant for the lab's own key set (KVN 31 on the virtual eUICC), whose counter no prepared image
depends on, so that looking never makes an image stale.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from hil.equipment.card.card import Card
from hil.equipment.card.errors import ProcedureError, StatusWordError
from hil.errors import CodecError
from hil.wire import isdr_commands, tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.identifiers import ISD_R_AID
from hil.wire.scp03 import HostSession, KeySet
from hil.wire.scp03_channel import size_of, strongest_level
from hil.wire.sms_address import Address
from hil.wire.status_words import is_success

_MORE: Final = 0x6310
_NONE: Final = 0x6A88
"""What GetStatus of all ISD-Ps answers while there is none (GlobalPlatform, 11.4.3.2)."""
_NEXT: Final = 0x03
_MOST_PARTS: Final = 64


class ProfileState(Enum):
    """Life cycle of an ISD-P, by its byte (SGP.02, 2.2.1.3)."""

    INSTALLED = 0x03
    SELECTABLE = 0x07
    PERSONALIZED = 0x0F
    DISABLED = 0x1F
    ENABLED = 0x3F


@dataclass(frozen=True, slots=True)
class ProfileStatus:
    """One ISD-P as GetStatus shows it; memory in bytes, ``None`` if the card does not say."""

    aid: bytes
    state: ProfileState
    fallback: bool
    granted: int | None
    remaining: int | None


@dataclass(frozen=True, slots=True)
class CardMemory:
    """Number of applications, and bytes free in non-volatile and volatile memory."""

    applications: int
    free: int
    volatile: int


class IsdRSession:
    """The ISD-R of ``card``, opened with ``keys`` at the strongest level the card can keep.

    As a context manager it holds the card and one secure channel for several calls; otherwise each
    call opens its own. ``challenge`` gives a host challenge of 8 bytes, 16 if the parameter *i* of
    ``keys`` asks for S16 mode. Errors:
    :class:`StatusWordError` when the card refuses, :class:`hil.wire.scp03.CryptogramError` when it
    has other keys, the errors of :mod:`hil.equipment.card.errors` for the way to it.
    """

    def __init__(
        self, card: Card, keys: KeySet, *, challenge: Callable[[], bytes] | None = None
    ) -> None:
        self.card = card
        self._keys = keys
        self._challenge = challenge or (lambda: os.urandom(size_of(keys.option)))
        self._host: HostSession | None = None
        self._held = contextlib.ExitStack()
        self._kept = False

    def __enter__(self) -> IsdRSession:
        self._held.enter_context(self.card.transaction())
        try:
            self._host = self._open()
        except BaseException:
            self._held.close()
            raise
        self._kept = True
        return self

    def __exit__(self, *_: object) -> None:
        self._host, self._kept = None, False
        self._held.close()

    @property
    def counter(self) -> int | None:
        """The sequence counter of the open session; ``None`` if closed or if the card has none."""
        return None if self._host is None else self._host.answer.counter

    def profiles(self) -> tuple[ProfileStatus, ...]:
        """Return all ISD-Ps, sorted by AID (GetStatus)."""
        data, command = b"", isdr_commands.get_status()
        with self._session():
            for _ in range(_MOST_PARTS):
                answer = self._send(command, also=_NONE)
                data += answer.data
                if answer.sw != _MORE:
                    break
                command = CommandApdu(0x80, 0xF2, 0x40, _NEXT, command.data, 256)
            else:
                raise ProcedureError(f"{self.card.name}: GetStatus has no end")
        return tuple(sorted(_profiles(data), key=lambda one: one.aid))

    def enable(self, aid: bytes, *, reset: bool = True) -> None:
        """Enable a profile. It is current after a reset, which a terminal does on REFRESH."""
        self._change(isdr_commands.enable_profile(aid), reset=reset)

    def disable(self, aid: bytes, *, reset: bool = True) -> None:
        """Disable a profile; the one with the fall-back attribute takes its place."""
        self._change(isdr_commands.disable_profile(aid), reset=reset)

    def delete(self, aid: bytes) -> None:
        """Delete a disabled profile with its ISD-P."""
        self._change(isdr_commands.delete_profile(aid), reset=False)

    def set_fallback(self, aid: bytes) -> None:
        """Move the fall-back attribute to a profile."""
        self._change(isdr_commands.set_fallback(aid), reset=False)

    def master_delete(self, aid: bytes, token_key: bytes) -> None:
        """Delete a disabled profile whatever its POL1 says; ``token_key`` is that of its ISD-P."""
        self._change(isdr_commands.master_delete(aid, token_key), reset=False)

    def finalise_handover(self, *kept: isdr_commands.KeyRange) -> None:
        """Delete all keys but those named, as the SM-SR does that has taken over."""
        self._change(isdr_commands.finalise_handover(*kept), reset=False)

    def update_addressing(self, number: Address) -> None:
        """Tell the card the SM-SR's number for its notifications."""
        self._change(isdr_commands.update_addressing(number), reset=False)

    def confirm_notification(self, sequence: int) -> tuple[bytes, ...]:
        """Confirm a notification; return the AIDs that POL1 had deleted."""
        answer = self._send(isdr_commands.confirm_notification(sequence))
        return isdr_commands.deleted_profiles(answer.data)

    def certificate(self) -> bytes:
        """Return CERT.ECASD.ECKA (7F21), not checked (eUICCCapabilityAudit)."""
        return self._send(isdr_commands.get_ecasd_certificate()).data

    def memory(self) -> CardMemory:
        """Return what the card has left (eUICCCapabilityAudit)."""
        whole, _ = tlv.decode_one(self._send(isdr_commands.get_memory()).data)
        objects = whole.children()
        applications, free, volatile = (
            int.from_bytes(tlv.require(objects, tag, where="GET DATA FF21"), "big")
            for tag in (0x81, 0x82, 0x83)
        )
        return CardMemory(applications, free, volatile)

    def send(self, command: CommandApdu) -> ResponseApdu:
        """Send any command to the ISD-R under SCP03; return the plain answer, whatever its SW."""
        with self._session() as host:
            return host.unwrap(self.card.send(host.wrap(command)))

    @contextlib.contextmanager
    def _session(self) -> Iterator[HostSession]:
        if self._host is not None:
            yield self._host
            return
        with self.card.transaction():
            self._host = self._open()
            try:
                yield self._host
            finally:
                if not self._kept:
                    self._host = None

    def _open(self) -> HostSession:
        self.card.select(ISD_R_AID)
        host = HostSession(self._keys, self._challenge())
        host.open(self.card.expect(host.initialize_update()), aid=ISD_R_AID)
        self.card.expect(host.external_authenticate(strongest_level(host.answer.option)))
        return host

    def _change(self, command: CommandApdu, *, reset: bool) -> None:
        with self.card.transaction():
            self._send(command)
            if reset:
                self._host = None
                self.card.reset()

    def _send(self, command: CommandApdu, *, also: int = _MORE) -> ResponseApdu:
        answer = self.send(command)
        if not is_success(answer.sw) and answer.sw not in (_MORE, also):
            shown = command.header.hex().upper() + " to the ISD-R"
            raise StatusWordError(answer.sw, shown, self.card.name)
        return answer


def _profiles(data: bytes) -> list[ProfileStatus]:
    return [_profile(one.children()) for one in tlv.decode_all(data) if one.tag == 0xE3]


def _profile(objects: tuple[tlv.Tlv, ...]) -> ProfileStatus:
    state = tlv.require(objects, 0x9F70, where="answer to GetStatus")
    try:
        life = ProfileState(int.from_bytes(state[:1], "big"))
    except ValueError as err:
        raise CodecError(f"GetStatus shows the unknown life cycle {state.hex().upper()}") from err
    attributes = tlv.find(objects, 0x53) or b"\x00"
    return ProfileStatus(
        aid=tlv.require(objects, 0x4F, where="answer to GetStatus"),
        state=life,
        fallback=bool(attributes[-1] & 0x01),
        granted=_number(tlv.find(objects, 0x8F)),
        remaining=_number(tlv.find(objects, 0x91)),
    )


def _number(value: bytes | None) -> int | None:
    return None if value is None else int.from_bytes(value, "big")
