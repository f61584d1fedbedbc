"""The card's end of SCP03 in APDUs: GlobalPlatform Amendment D."""

from __future__ import annotations

from hil.errors import CodecError
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.scp03_apdu import (
    DEFAULT_RULES,
    INS_EXTERNAL_AUTHENTICATE,
    INS_INITIALIZE_UPDATE,
    mac_head,
    seal_answer,
)
from hil.wire.scp03_channel import Channel, ResponseRules, SecureChannelError
from hil.wire.scp03_handshake import CardHandshake, InitializeUpdate
from hil.wire.scp03_keys import KeySet
from hil.wire.status_words import OK


class CardSession:
    """The card's end of one session.

    The card finds the key set named by :func:`parse_initialize_update`, chooses the challenge
    (:func:`card_challenge` of its counter, or a random one when ``option`` lacks 10) and decides
    when its counter moves. ``option`` is that of the key set unless given. A
    :class:`SecureChannelError` ends the session; its ``sw`` is the usual answer.
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
        rules: ResponseRules = DEFAULT_RULES,
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
        self._channel: Channel | None = None
        self._over = False

    @property
    def level(self) -> int:
        """The security level agreed, 0 before EXTERNAL AUTHENTICATE and after a failure."""
        return self._channel.level if self._channel and not self._over else 0

    def answer(self) -> ResponseApdu:
        """Return the answer to INITIALIZE UPDATE."""
        return ResponseApdu(self._handshake.answer.encode(), OK)

    def authenticate(self, command: CommandApdu) -> ResponseApdu:
        """Check EXTERNAL AUTHENTICATE and return 9000.

        :class:`CryptogramError` (6300) or :class:`CommandMacError` (6982) end the session.
        """
        if self._over or self._channel is not None:
            raise SecureChannelError("EXTERNAL AUTHENTICATE comes once, after INITIALIZE UPDATE")
        self._over = True
        size = len(self._handshake.answer.card_cryptogram)
        if len(command.data) != 2 * size or command.p2 or command.ins != INS_EXTERNAL_AUTHENTICATE:
            raise SecureChannelError(
                f"EXTERNAL AUTHENTICATE has {2 * size} bytes of data and P2 = 00"
            )
        cryptogram, mac = command.data[:size], command.data[size:]
        secure = self._handshake.channel(command.p1, cryptogram)
        secure.verify(mac_head(command, len(command.data)), cryptogram, mac)
        self._channel, self._over = secure, False
        return ResponseApdu(b"", OK)

    def unwrap(self, command: CommandApdu) -> CommandApdu:
        """Return the plain command; :class:`SecureChannelError` ends the session."""
        if self._channel is None or self._over:
            raise SecureChannelError("no secure session is open")
        self._over = True
        cla = command.cla
        mark, mask = (0x20, 0x20) if cla & 0x40 else (0x04, 0x0C)
        size = self._channel.mac_bytes
        data, mac = command.data[:-size], command.data[-size:]
        if cla & mask != mark or len(mac) < size:
            raise SecureChannelError("a command without secure messaging came in a secure session")
        self._channel.verify(mac_head(command, len(command.data)), data, mac)
        plain = self._channel.decipher(data)
        self._over = False
        return CommandApdu(cla & ~mark, command.ins, command.p1, command.p2, plain, command.le)

    def wrap(self, response: ResponseApdu) -> ResponseApdu:
        """Return the answer to the command unwrapped last, protected as the level says."""
        if self._channel is None or self._over:
            return response
        return seal_answer(self._channel, response, self._rules)


def parse_initialize_update(command: CommandApdu) -> InitializeUpdate:
    """Read INITIALIZE UPDATE; :class:`CodecError` when it is not one."""
    if command.ins != INS_INITIALIZE_UPDATE:
        raise CodecError(f"INS {command.ins:02X} is not INITIALIZE UPDATE")
    return InitializeUpdate(command.p1, command.p2, command.data)
