"""The card's end of SCP03t: GSMA SGP.02, ES8."""

from __future__ import annotations

from typing import Final

from hil.errors import CodecError
from hil.wire import tlv
from hil.wire.scp03_channel import Channel, SecureChannelError
from hil.wire.scp03_handshake import CardHandshake, InitializeUpdate
from hil.wire.scp03_keys import SIZES, KeySet, SessionKeys
from hil.wire.scp03t_host import seal
from hil.wire.scp03t_tlv import (
    EXTERNAL_AUTHENTICATE,
    INITIALIZE_UPDATE,
    LONGEST,
    REPLACE_SESSION_KEYS,
    SECURED_DATA,
    TlvRules,
    head,
    read,
)

_DEFAULT_RULES: Final = TlvRules()


def parse_tlv_initialize_update(raw: bytes) -> InitializeUpdate:
    """Read data object 84: key version number, key id, host challenge."""
    value = read(raw, INITIALIZE_UPDATE)
    if len(value) - 2 not in SIZES:
        raise SecureChannelError(f"data object 84 has 10 or 18 bytes of value, not {len(value)}")
    return InitializeUpdate(value[0], value[1], value[2:])


class TlvCardSession:
    """Reads the commands of one session and makes the answers.

    The card chooses key set, challenge and counter, as in :class:`hil.wire.scp03.CardSession`.
    Any :class:`~hil.errors.CodecError` raised here ends the session; the card answers with
    ``error_answer(tag, code_of(error))``.
    """

    def __init__(
        self,
        keys: KeySet,
        request: InitializeUpdate,
        *,
        challenge: bytes,
        counter: int | None,
        option: int | None = None,
        diversification: bytes = bytes(10),
        rules: TlvRules = _DEFAULT_RULES,
        limit: int = LONGEST,
    ) -> None:
        self._handshake = CardHandshake(
            keys,
            request,
            card_challenge=challenge,
            counter=counter,
            option=option,
            diversification=diversification,
        )
        self._rules = rules
        self._limit = limit
        self._channel: Channel | None = None
        self._over = False
        self._key_bytes = len(keys.enc)

    @property
    def level(self) -> int:
        """The security level agreed, 0 before 85 and after a failure."""
        return self._channel.level if self._channel and not self._over else 0

    def answer(self) -> bytes:
        """Return the answer to 84."""
        return tlv.encode(INITIALIZE_UPDATE, self._handshake.answer.encode())

    def authenticate(self, raw: bytes) -> bytes:
        """Check data object 85 and return its answer."""
        if self._over or self._channel is not None:
            raise SecureChannelError("data object 85 comes once, after 84")
        self._over = True
        value = read(raw, EXTERNAL_AUTHENTICATE)
        end = 1 + len(self._handshake.answer.card_cryptogram)
        if len(value) != 2 * end - 1:
            raise SecureChannelError(
                f"data object 85 has {2 * end - 1} bytes of value, not {len(value)}"
            )
        secure = self._handshake.channel(value[0], value[1:end])
        secure.verify(head(EXTERNAL_AUTHENTICATE, len(value)), value[:end], value[end:])
        self._channel, self._over = secure, False
        if self._rules.mac_on_authenticate:
            return seal(secure, EXTERNAL_AUTHENTICATE, b"")
        return tlv.encode(EXTERNAL_AUTHENTICATE, b"")

    def unwrap(self, raw: bytes) -> bytes:
        """Return the plain piece in data object 86."""
        secure = self._live()
        plain = self._open(secure, raw, SECURED_DATA)
        self._over = False
        return plain

    def replace_session_keys(self, raw: bytes) -> None:
        """Take data object 87: chaining value and three keys as long as the present ones."""
        secure = self._live()
        plain = self._open(secure, raw, REPLACE_SESSION_KEYS)
        size = self._key_bytes
        if len(plain) != 16 + 3 * size:
            raise CodecError(
                f"data object 87 has {len(plain)} bytes; three keys of {size} bytes need "
                f"{16 + 3 * size}"
            )
        enc, mac, rmac = (plain[16 + n * size : 16 + (n + 1) * size] for n in range(3))
        self._channel = Channel(SessionKeys(enc, mac, rmac), secure.level, secure.mac_bytes)
        self._channel.chain = plain[:16]
        self._over = False

    def wrap(self, plain: bytes = b"", *, tag: int = SECURED_DATA) -> bytes:
        """Return the answer to the last command; ``86 00`` when there is nothing to say."""
        if self._channel is None or self._over:
            raise SecureChannelError("no secure session is open")
        if not plain and not self._rules.mac_on_empty:
            return tlv.encode(tag, b"")
        return seal(self._channel, tag, plain)

    def _live(self) -> Channel:
        if self._channel is None or self._over:
            raise SecureChannelError("no secure session is open")
        self._over = True
        return self._channel

    def _open(self, secure: Channel, raw: bytes, tag: int) -> bytes:
        value = read(raw, tag, limit=self._limit)
        size = secure.mac_bytes
        if len(value) < size:
            raise SecureChannelError(f"data object {tag:02X} has no room for its C-MAC")
        data, mac = value[:-size], value[-size:]
        secure.verify(head(tag, len(value)), data, mac)
        return secure.decipher(data)
