"""SCP02, both ends: GlobalPlatform Card Specification 2.1.1, appendix E, options i = 15 and 55.

3DES, explicit initiation, C-MAC on the modified command, ICV enciphered from the second command on,
three static keys. With i = 55 the card challenge is pseudo-random. No R-MAC: an option that cards
of this kind seldom have.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Final

from hil.errors import CodecError
from hil.wire import des
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.status_words import OK

OPTION_RANDOM, OPTION_PSEUDO_RANDOM = 0x15, 0x55
LEVELS: Final = (0x00, 0x01, 0x03)
"""No security, C-MAC, C-MAC and ciphering."""

_ENC, _C_MAC, _DEK = 0x0182, 0x0101, 0x0181
_SECURED: Final = 0x04
_MAC: Final = 8
_SCP: Final = 0x02


class Scp02Error(CodecError):
    """The session ends; ``sw`` is the answer."""

    def __init__(self, sw: int, why: str) -> None:
        super().__init__(why)
        self.sw = sw


@dataclass(frozen=True, slots=True)
class DesKeySet:
    """Three 3DES keys of 16 bytes under a key version number, 20 to 2F by custom."""

    kvn: int
    enc: bytes = field(repr=False)
    mac: bytes = field(repr=False)
    dek: bytes = field(repr=False)

    def __post_init__(self) -> None:
        for key in (self.enc, self.mac, self.dek):
            if len(key) != 16:
                raise CodecError("SCP02 has keys of 16 bytes")


def _session_key(key: bytes, constant: int, counter: int) -> bytes:
    seed = constant.to_bytes(2, "big") + counter.to_bytes(2, "big") + bytes(12)
    return des.Cbc(key).encrypt(seed)


def pseudo_random_challenge(keys: DesKeySet, counter: int, aid: bytes) -> bytes:
    """Return the card challenge of i = 55: 6 bytes of a MAC over the AID of the domain."""
    return des.retail_mac(_session_key(keys.mac, _C_MAC, counter), aid)[:6]


class _Session:
    """Keys and MAC chain of one session; both ends count alike."""

    def __init__(
        self, keys: DesKeySet, host_challenge: bytes, card_challenge: bytes, counter: int
    ) -> None:
        self._enc = des.Cbc(_session_key(keys.enc, _ENC, counter))
        self._mac_key = _session_key(keys.mac, _C_MAC, counter)
        self.dek = _session_key(keys.dek, _DEK, counter)
        card = counter.to_bytes(2, "big") + card_challenge
        self.card_cryptogram = self._cryptogram(host_challenge + card)
        self.host_cryptogram = self._cryptogram(card + host_challenge)
        self._icv: bytes | None = None
        self.level = 0

    def _cryptogram(self, data: bytes) -> bytes:
        return self._enc.encrypt(des.pad(data))[-_MAC:]

    def mac(self, command: CommandApdu, data: bytes) -> bytes:
        """Return the C-MAC of a command with its plain data; the chain moves on."""
        icv = des.ZERO_BLOCK
        if self._icv is not None:
            icv = des.Ecb(self._mac_key[:8]).encrypt(self._icv)
        head = bytes((command.cla | _SECURED, command.ins, command.p1, command.p2))
        message = head + bytes((len(data) + _MAC,)) + data
        self._icv = des.retail_mac(self._mac_key, message, icv)
        return self._icv

    def encipher(self, data: bytes) -> bytes:
        return self._enc.encrypt(des.pad(data)) if data else b""

    def decipher(self, data: bytes) -> bytes:
        return des.unpad(self._enc.decrypt(data)) if data else b""


class HostSession:
    """The host's end."""

    def __init__(self, keys: DesKeySet, host_challenge: bytes) -> None:
        self._keys = keys
        self._challenge = host_challenge
        self._session: _Session | None = None

    def initialize_update(self) -> CommandApdu:
        """Return INITIALIZE UPDATE."""
        return CommandApdu(0x80, 0x50, self._keys.kvn, 0, self._challenge, 256)

    def open(self, answer: ResponseApdu) -> None:
        """Read its answer and check the card cryptogram."""
        data = answer.data
        if answer.sw != OK or len(data) != 28 or data[11] != _SCP:
            raise CodecError(f"no SCP02 answer to INITIALIZE UPDATE: {answer.sw:04X}")
        counter = int.from_bytes(data[12:14], "big")
        session = _Session(self._keys, self._challenge, data[14:20], counter)
        if not hmac.compare_digest(session.card_cryptogram, data[20:]):
            raise CodecError("card cryptogram is wrong: other keys")
        self._session = session

    def external_authenticate(self, level: int = 0x01) -> CommandApdu:
        """Return EXTERNAL AUTHENTICATE."""
        session = self._open()
        plain = CommandApdu(0x80, 0x82, level, 0)
        data = session.host_cryptogram
        mac = session.mac(plain, data)
        session.level = level
        return CommandApdu(0x84, 0x82, level, 0, data + mac)

    def wrap(self, command: CommandApdu) -> CommandApdu:
        """Secure a command as the level says."""
        session = self._open()
        if not session.level:
            return command
        mac = session.mac(command, command.data)
        data = session.encipher(command.data) if session.level == 0x03 else command.data
        cla = command.cla | _SECURED
        return CommandApdu(cla, command.ins, command.p1, command.p2, data + mac, command.le)

    @property
    def dek(self) -> bytes:
        """The session key that enciphers keys."""
        return self._open().dek

    def _open(self) -> _Session:
        if self._session is None:
            raise CodecError("INITIALIZE UPDATE was not answered yet")
        return self._session


class CardSession:
    """The card's end. ``counter``: 2 bytes, the value this session uses."""

    def __init__(
        self,
        keys: DesKeySet,
        host_challenge: bytes,
        *,
        card_challenge: bytes,
        counter: int,
        diversification: bytes = bytes(10),
    ) -> None:
        self._session = _Session(keys, host_challenge, card_challenge, counter)
        head = diversification + bytes((keys.kvn, _SCP)) + counter.to_bytes(2, "big")
        self._answer = head + card_challenge + self._session.card_cryptogram
        self.open = False

    @property
    def level(self) -> int:
        """The security level agreed."""
        return self._session.level

    @property
    def dek(self) -> bytes:
        """The session key that enciphers keys."""
        return self._session.dek

    def answer(self) -> ResponseApdu:
        """Return the answer to INITIALIZE UPDATE."""
        return ResponseApdu(self._answer, OK)

    def authenticate(self, command: CommandApdu) -> ResponseApdu:
        """Check EXTERNAL AUTHENTICATE; :class:`Scp02Error` ends the session."""
        cryptogram, mac = command.data[:_MAC], command.data[_MAC:]
        if not hmac.compare_digest(cryptogram, self._session.host_cryptogram):
            raise Scp02Error(0x6300, "host cryptogram is wrong")
        if not hmac.compare_digest(self._session.mac(command, cryptogram), mac):
            raise Scp02Error(0x6982, "C-MAC of EXTERNAL AUTHENTICATE is wrong")
        self._session.level, self.open = command.p1, True
        return ResponseApdu(b"", OK)

    def unwrap(self, command: CommandApdu) -> CommandApdu:
        """Return the plain command; :class:`Scp02Error` ends the session."""
        self.open = False
        data, mac = command.data[:-_MAC], command.data[-_MAC:]
        if not command.cla & _SECURED or len(mac) < _MAC:
            raise Scp02Error(0x6982, "a command without C-MAC came in a secure session")
        try:
            plain = self._session.decipher(data) if self.level == 0x03 else data
        except CodecError as err:
            raise Scp02Error(0x6982, str(err)) from err
        if not hmac.compare_digest(self._session.mac(command, plain), mac):
            raise Scp02Error(0x6982, "C-MAC is wrong")
        self.open = True
        cla = command.cla & ~_SECURED
        return CommandApdu(cla, command.ins, command.p1, command.p2, plain, command.le)
