"""The host's end of SCP03 in APDUs: GlobalPlatform Amendment D."""

from __future__ import annotations

from typing import Final

from hil.errors import CodecError
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.scp03_apdu import (
    DEFAULT_RULES,
    INS_EXTERNAL_AUTHENTICATE,
    INS_INITIALIZE_UPDATE,
    mac_head,
    open_answer,
    seal_answer,
)
from hil.wire.scp03_channel import Channel, ResponseRules
from hil.wire.scp03_handshake import DEFAULT_LEVEL, HostHandshake, InitializeUpdateAnswer
from hil.wire.scp03_keys import KeySet, SessionKeys
from hil.wire.status_words import is_success

_LONGEST_LC: Final = 255


class HostSession:
    """The host's end of one session.

    ``host_challenge`` is fresh for each session: 8 bytes, or 16 for a card in S16 mode.
    """

    def __init__(
        self,
        keys: KeySet,
        host_challenge: bytes,
        *,
        key_id: int = 0,
        rules: ResponseRules = DEFAULT_RULES,
    ) -> None:
        self._handshake = HostHandshake(keys, host_challenge, key_id=key_id)
        self._rules = rules
        self._channel: Channel | None = None

    @property
    def answer(self) -> InitializeUpdateAnswer:
        """What the card answered to INITIALIZE UPDATE."""
        return self._handshake.answer

    @property
    def session_keys(self) -> SessionKeys:
        """S-ENC, S-MAC, S-RMAC, known after :meth:`open`."""
        return self._handshake.session_keys

    def initialize_update(self, *, channel: int = 0) -> CommandApdu:
        """Return INITIALIZE UPDATE, for a logical channel."""
        request = self._handshake.request
        command = CommandApdu(
            0x80, INS_INITIALIZE_UPDATE, request.kvn, request.key_id, request.host_challenge, 256
        )
        return command.on_channel(channel) if channel else command

    def open(self, response: ResponseApdu, *, aid: bytes | None = None) -> None:
        """Take the card's answer and check its cryptogram.

        With ``aid`` the challenge is also checked against its counter. :class:`CryptogramError`
        when the card has other keys, :class:`CodecError` when the answer is no answer.
        """
        if not is_success(response.sw):
            raise CodecError(f"INITIALIZE UPDATE was answered {response.sw:04X}")
        self._handshake.accept(response.data, aid=aid)

    def external_authenticate(self, level: int = DEFAULT_LEVEL, *, channel: int = 0) -> CommandApdu:
        """Return EXTERNAL AUTHENTICATE; the card answers 9000 alone at every level."""
        secure, cryptogram = self._handshake.channel(level)
        head = bytes(
            (0x84, INS_EXTERNAL_AUTHENTICATE, level, 0, len(cryptogram) + secure.mac_bytes)
        )
        data = cryptogram + secure.sign(head, cryptogram)
        self._channel = secure
        command = CommandApdu(0x84, INS_EXTERNAL_AUTHENTICATE, level, 0, data)
        return command.on_channel(channel) if channel else command

    def wrap(self, command: CommandApdu) -> CommandApdu:
        """Return the command under C-MAC and, as the level says, C-DECRYPTION.

        Commands must be sent in the order in which they were wrapped. At most 239 bytes of data
        when enciphered, 247 otherwise; in S16 mode 223 and 239.
        """
        secure = self._opened()
        room = secure.room(_LONGEST_LC)
        if len(command.data) > room:
            raise CodecError(
                f"{len(command.data)} bytes of data do not fit one secured command; at most {room}"
            )
        data = secure.encipher(command.data)
        cla = command.cla
        mac = secure.sign(mac_head(command, len(data) + secure.mac_bytes), data)
        sent_cla = (cla & 0xF3) | 0x04 if not cla & 0x40 else cla | 0x20
        return CommandApdu(sent_cla, command.ins, command.p1, command.p2, data + mac, command.le)

    def unwrap(self, response: ResponseApdu) -> ResponseApdu:
        """Return the plain answer to the last command; :class:`ResponseMacError` if wrong."""
        return open_answer(self._opened(), response, self._rules)

    def expected(self, plain: ResponseApdu) -> ResponseApdu:
        """Return what the card must send when its plain answer to the last command is ``plain``."""
        return seal_answer(self._opened(), plain, self._rules)

    def _opened(self) -> Channel:
        if self._channel is None:
            raise CodecError("the session is not open: EXTERNAL AUTHENTICATE has not been made")
        return self._channel
