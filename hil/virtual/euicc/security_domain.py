"""What all security domains of the card do alike: selection, SCP03, order of checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from hil.virtual.euicc.refusal import RefusalError
from hil.virtual.euicc.store_data import Chain
from hil.wire import tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.scp03_channel import LEVELS
from hil.wire.scp03_keys import SIZES
from hil.wire.status_words import OK

if TYPE_CHECKING:
    from hil.virtual.euicc.channel import Channel
    from hil.virtual.euicc.secure_session import SecureChannels

INS_INITIALIZE_UPDATE: Final = 0x50
INS_EXTERNAL_AUTHENTICATE: Final = 0x82
INS_GET_DATA: Final = 0xCA
SECURED: Final = 0x04
"""b3 of CLA on channels 0 to 3: secure messaging after GlobalPlatform."""

_MESSAGING: Final = 0x0C
_GLOBAL_PLATFORM: Final = 0x80
"""b8 of CLA: the commands of GlobalPlatform, those of ISO/IEC 7816 stand without it."""
_IN_BOTH_CLASSES: Final = frozenset({INS_GET_DATA})
_MAX_DATA: Final = 0xFF
DONE: Final = ResponseApdu(b"", OK)


class SecurityDomain:
    """One security domain. Subclasses say in :meth:`execute` what it can do.

    The order of checks is that of ETSI TS 102 221, 10.2: class, instruction, P1 P2, Lc, state,
    security, so that a terminal that asks for the impossible learns why.
    """

    instructions: ClassVar[frozenset[int]] = frozenset()
    """INS of the commands that :meth:`execute` knows."""

    def __init__(self, aid: bytes, channels: SecureChannels) -> None:
        self.aid = aid
        self._channels = channels

    def selection(self) -> bytes:
        """Return the FCI template (GlobalPlatform Card Specification 11.9.3.1)."""
        proprietary = tlv.encode(0xA5, tlv.encode(0x9F65, bytes((_MAX_DATA,))))
        return tlv.encode(0x6F, tlv.encode(0x84, self.aid) + proprietary)

    def deselected(self, channel: Channel) -> None:
        """Drop what belongs to a selection on this channel."""
        channel.session = None
        channel.chain.end()

    def process(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        """Answer one command from the terminal; :class:`RefusalError` for a refusal."""
        self._check_header(command, channel)
        if command.ins == INS_INITIALIZE_UPDATE:
            return self._initialize(command, channel)
        if command.ins == INS_EXTERNAL_AUTHENTICATE:
            return self._authenticate(command, channel)
        session = channel.session
        if command.cla & SECURED:
            if session is None or not session.open:
                raise RefusalError(0x6982, "no secure channel is open")
            try:
                plain = session.unwrap(command)
            except RefusalError:
                channel.session = None
                raise
            channel.chain.dek = session.dek
            answer = self.execute(plain, secured=True, chain=channel.chain)
            return session.wrap(answer)
        if session is not None:
            # Either the handshake was broken off, or a plain command came into a secure session.
            channel.session = None
            if session.open:
                raise RefusalError(0x6982, "a plain command came in a secure session")
        channel.chain.dek = None
        return self.execute(command, secured=False, chain=channel.chain)

    def execute(self, command: CommandApdu, *, secured: bool, chain: Chain) -> ResponseApdu:
        """Do one plain command.

        ``secured``: it came through a secure channel of this domain. ``chain`` belongs to the
        conversation it is part of.
        """
        del secured, chain
        raise RefusalError(0x6D00, f"INS {command.ins:02X}")

    def _check_header(self, command: CommandApdu, channel: Channel) -> None:
        """Refuse what the domain does not know; none of it touches a session."""
        messaging = command.cla & _MESSAGING
        if messaging not in (0, SECURED):
            raise RefusalError(0x6882, "secure messaging of ISO/IEC 7816-4")
        known = command.ins in self.instructions or command.ins in (
            INS_INITIALIZE_UPDATE,
            INS_EXTERNAL_AUTHENTICATE,
        )
        if not known:
            session = channel.session
            if messaging and session is not None and session.open:
                # Unwrapped first: the other end has counted this command.
                return
            raise RefusalError(0x6D00, f"INS {command.ins:02X}")
        good = bool(command.cla & _GLOBAL_PLATFORM) or command.ins in _IN_BOTH_CLASSES
        # GlobalPlatform Amendment D, 7.1: 80 to 83 for INITIALIZE UPDATE, and 84 to 87, with the
        # mark of secure messaging, for EXTERNAL AUTHENTICATE, which carries a C-MAC.
        if command.ins == INS_INITIALIZE_UPDATE:
            good = good and not messaging
        elif command.ins == INS_EXTERNAL_AUTHENTICATE:
            good = good and messaging == SECURED
        if not good:
            raise RefusalError(0x6E00, f"CLA {command.cla:02X} of INS {command.ins:02X}")

    def _initialize(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        channel.session = None
        channel.chain.end()
        channel.session = self._channels.initialize(self.aid, command)
        return channel.session.answer()

    def _authenticate(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        session = channel.session
        if command.p2 or command.p1 not in LEVELS:
            raise RefusalError(0x6A86, f"security level {command.p1:02X}")
        sizes = tuple(2 * one for one in SIZES) if session is None else (session.proof_bytes,)
        if len(command.data) not in sizes:
            raise RefusalError(0x6700)
        if session is None or session.open:
            channel.session = None
            raise RefusalError(0x6985, "EXTERNAL AUTHENTICATE without INITIALIZE UPDATE")
        try:
            return session.authenticate(command)
        except RefusalError:
            channel.session = None
            raise
