"""Packets of one profile, made by the SM-DP with the card absent (patent operation 520).

One SCP03t session (SGP.02 ES8): 84, 85, then the package in as many 86 as it takes; borders fall
anywhere. With the pseudo-random card challenge all of it, and every answer to expect, follows from
key set, sequence counter, ISD-P AID and host challenge.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hil.errors import CodecError
from hil.wire import tlv
from hil.wire.aes import BlockCipher, check_key, unpad
from hil.wire.packets import Packet
from hil.wire.profile_package.package import MAX_PACKAGE
from hil.wire.profile_package.response import EuiccResponse, response_to
from hil.wire.scp03_channel import size_of
from hil.wire.scp03_handshake import DEFAULT_LEVEL
from hil.wire.scp03_keys import KeySet
from hil.wire.scp03t import (
    EXTERNAL_AUTHENTICATE,
    INITIALIZE_UPDATE,
    LONGEST,
    SECURED_DATA,
    PreparedTlv,
    PreparedTlvSession,
    TlvRules,
    room,
)

_OPENING: Final = (INITIALIZE_UPDATE, EXTERNAL_AUTHENTICATE)
_BLOCK: Final = 16


def prepare_packets(
    package: bytes,
    keys: KeySet,
    isdp_aid: bytes,
    counter: int,
    host_challenge: bytes,
    *,
    block: int = LONGEST,
    expected_response: EuiccResponse | None = None,
    level: int = DEFAULT_LEVEL,
    diversification: bytes = bytes(10),
    rules: TlvRules | None = None,
) -> tuple[tuple[Packet, ...], bytes]:
    """Return the packets that load ``package`` into ``isdp_aid``, and the session key S-ENC.

    * ``keys``, ``counter``: key set of the ISD-P and what its sequence counter will be.
    * ``host_challenge``: random; 8 bytes, 16 for a key set in S16 mode.
    * ``block``: most bytes of one whole TLV.
    * ``expected_response``: what the eUICC will say in the answer to the last 86; by default
      :func:`~hil.wire.profile_package.response.response_to`.
    * ``rules``: where the answers carry an R-MAC; by default as real eUICCs do.

    S-ENC is for the SM-DP alone, but for a test profile it may be disclosed.
    """
    if not package:
        raise CodecError("profile package is empty: there is nothing to download")
    session = PreparedTlvSession(
        keys,
        host_challenge,
        counter=counter,
        aid=isdp_aid,
        level=level,
        diversification=diversification,
        rules=rules or TlvRules(),
        limit=block,
    )
    exchanges: list[PreparedTlv] = list(session.opening)
    expected = response_to(package) if expected_response is None else expected_response
    size = room(block, mac_bytes=size_of(keys.option))
    for start in range(0, len(package), size):
        last = start + size >= len(package)
        answer = expected.encode() if last else b""
        exchanges.append(session.exchange(package[start : start + size], answer))
    packets = tuple(Packet(one.command, one.expected) for one in exchanges)
    return packets, session.session_keys.enc


def decipher_packets(packets: Sequence[Packet], s_enc: bytes) -> bytes:
    """Return the package that these packets carry, with the disclosed session key S-ENC.

    The MACs are not checked (their key is not disclosed): a wrong key or a changed packet gives
    a CodecError here or bytes that are no package. Raises CodecError if the packets are not one
    whole session of 84, 85 and 86.
    """
    cipher = BlockCipher(check_key(s_enc, what="disclosed session key"))
    package = bytearray()
    mac_bytes = _mac_bytes(packets)
    for place, packet in enumerate(packets):
        command, rest = tlv.decode_one(packet.command)
        due = _OPENING[place] if place < len(_OPENING) else SECURED_DATA
        if command.tag != due or rest:
            raise CodecError(f"packet {place + 1} is not one data object {due:02X}")
        if due != SECURED_DATA:
            continue
        data = command.value[:-mac_bytes]
        if not data or len(data) % _BLOCK:
            raise CodecError(f"packet {place + 1} holds no enciphered blocks")
        number = place - len(_OPENING) + 1
        try:
            package += unpad(cipher.decrypt(data, cipher.block(number.to_bytes(_BLOCK, "big"))))
        except CodecError as err:
            raise CodecError(f"packet {place + 1} is enciphered with another key") from err
        if len(package) > MAX_PACKAGE:
            raise CodecError(f"packets carry more than {MAX_PACKAGE} bytes")
    if not package:
        raise CodecError("packets carry no profile package")
    return bytes(package)


def last_response(packets: Sequence[Packet], s_enc: bytes, answer: bytes) -> EuiccResponse:
    """Return the EUICCResponse in the card's ``answer`` TLV to the last packet, deciphered."""
    cipher = BlockCipher(check_key(s_enc, what="disclosed session key"))
    tlv_answer, rest = tlv.decode_one(answer)
    data = tlv_answer.value[: -_mac_bytes(packets)]
    if tlv_answer.tag != SECURED_DATA or rest or not data or len(data) % _BLOCK:
        raise CodecError("answer to the last packet holds no enciphered response")
    number = len(packets) - len(_OPENING)
    block = (0x80 << 120 | number).to_bytes(_BLOCK, "big")
    return EuiccResponse.decode(unpad(cipher.decrypt(data, cipher.block(block))))


def _mac_bytes(packets: Sequence[Packet]) -> int:
    """Return the length of a MAC, which data object 85 shows: level, cryptogram, C-MAC."""
    if len(packets) < len(_OPENING):
        raise CodecError(f"{len(packets)} packets are no session of 84, 85 and 86")
    return len(tlv.decode_one(packets[1].command)[0].value) // 2 or 1
