"""Blanks secrets in APDUs before anybody writes them down, at equal length, with FF.

Stateful: a GET RESPONSE inherits the rule of the command before it, and what a READ or UPDATE
touches depends on the file that is selected on its logical channel. Status words stay.
Sources: ETSI TS 102 221 (PINs, AUTHENTICATE), 3GPP TS 31.102 (files with session keys),
GlobalPlatform Card Specification 11.8 (PUT KEY) and 11.11 (STORE DATA).
"""

from __future__ import annotations

from typing import Final

_PIN: Final = frozenset((0x20, 0x24, 0x26, 0x28, 0x2C))
_AUTHENTICATE: Final = frozenset((0x88, 0x89))
_PUT_KEY: Final = 0xD8
_STORE_DATA: Final = 0xE2
_SELECT: Final = 0xA4
_GET_RESPONSE: Final = 0xC0
_READ: Final = frozenset((0xB0, 0xB2, 0xA2, 0xCB))
_UPDATE: Final = frozenset((0xD6, 0xDC, 0xDB))
_MANAGE_CHANNEL: Final = 0x70
_MOVES: Final = frozenset((_SELECT, _MANAGE_CHANNEL))
_LOOKED_AT: Final = frozenset(
    _PIN | _AUTHENTICATE | _READ | _UPDATE | {_PUT_KEY, _STORE_DATA, _GET_RESPONSE}
)
KEY_FILES: Final = frozenset((0x6F08, 0x6F09, 0x6F20, 0x6F52, 0x4F20, 0x4F52))
"""EF.Keys, EF.KeysPS, EF.Kc and EF.KcGPRS, the latter two by their ids of 2G and 3G."""

_KEY_SHORT_IDS: Final = frozenset((0x08, 0x09))  # EF.Keys, EF.KeysPS
_GSM_ACCESS: Final = 0x5F3B
_GSM_ACCESS_SHORT_IDS: Final = frozenset((0x01, 0x02))  # EF.Kc, EF.KcGPRS
_DGI_STRUCTURE: Final = 0x08  # b5 b4 of P1 of STORE DATA: 01
_DGI_STRUCTURE_MASK: Final = 0x18
_KEY_DGI_FIRST_BYTES: Final = range(0x80, 0x90)  # keys and key material by the EMV numbering


class Redactor:
    """The state of one card: the selected file of each channel, and what an answer may show."""

    def __init__(self) -> None:
        self._files: dict[int, tuple[int, int]] = {}
        self._hide_answer = False
        self._key_dgi_open = False

    def reset(self) -> None:
        """Forget the state, as the card does at a reset."""
        self._files.clear()
        self._hide_answer = self._key_dgi_open = False

    def command(self, raw: bytes) -> tuple[bytes, int]:
        """Return a command APDU fit to be written down, and how many bytes are blanked."""
        ins = raw[1] if len(raw) > 1 else 0
        if ins not in _LOOKED_AT:
            self._hide_answer = self._key_dgi_open = False
            return raw, 0
        if ins == _GET_RESPONSE:
            return raw, 0
        self._hide_answer = ins in _AUTHENTICATE or (ins in _READ and self._touches_keys(raw))
        if ins != _STORE_DATA:
            self._key_dgi_open = False
        if (
            ins in _PIN
            or ins in _AUTHENTICATE
            or ins == _PUT_KEY
            or (ins in _UPDATE and self._touches_keys(raw))
            or (ins == _STORE_DATA and self._stores_keys(raw))
        ):
            return _blank_body(raw)
        return raw, 0

    def answer(self, command: bytes, raw: bytes) -> tuple[bytes, int]:
        """Return the answer to ``command`` fit to be written down, and the number of blanks."""
        if self._hide_answer and len(raw) > 2:
            data = len(raw) - 2
            return b"\xff" * data + raw[-2:], data
        if len(command) > 1 and command[1] in _MOVES:
            self._follow(command, raw)
        return raw, 0

    def _touches_keys(self, raw: bytes) -> bool:
        file, folder = self._files.get(_channel(raw), (0, 0))
        short_id = 0
        if raw[1] in (0xB0, 0xD6) and raw[2] & 0x80:
            short_id = raw[2] & 0x1F
        elif raw[1] in (0xB2, 0xDC, 0xA2):
            short_id = raw[3] >> 3
        if not short_id:
            return file in KEY_FILES
        return short_id in _KEY_SHORT_IDS or (
            folder == _GSM_ACCESS and short_id in _GSM_ACCESS_SHORT_IDS
        )

    def _follow(self, raw: bytes, answer: bytes) -> None:
        if len(answer) < 2 or answer[-2] not in (0x90, 0x61, 0x91, 0x62):
            return
        channel = _channel(raw)
        if raw[1] == _MANAGE_CHANNEL:
            self._files.pop(raw[3], None)
            return
        target = raw[5:7] if len(raw) >= 7 and raw[2] != 0x04 else b""
        if raw[2] in (0x08, 0x09) and len(raw) >= 5:
            target = raw[5 + raw[4] - 2 : 5 + raw[4]]
        number = int.from_bytes(target, "big")
        folder = self._files.get(channel, (0, 0))[1]
        is_folder = number >> 8 in (0x3F, 0x7F, 0x5F) or not number
        self._files[channel] = (number, number if is_folder else folder)

    def _stores_keys(self, raw: bytes) -> bool:
        """Whether a plain STORE DATA carries key material; follows data groups over blocks."""
        if raw[0] & 0x0C or raw[2] & _DGI_STRUCTURE_MASK != _DGI_STRUCTURE:
            return False  # enciphered by the secure channel, or BER-TLV: SCP03t protects itself
        if raw[2] & 0x60 == 0x60:
            return False  # the key values are enciphered
        if raw[3] == 0:
            self._key_dgi_open = False
        continued, body, position = self._key_dgi_open, raw[5 : 5 + raw[4]], 0
        found = continued
        while position + 3 <= len(body) and not found:
            length, start = body[position + 2], position + 3
            if length == 0xFF:
                length, start = int.from_bytes(body[start : start + 2], "big"), start + 2
            found = body[position] in _KEY_DGI_FIRST_BYTES
            position = start + length
        # A group that began as a key and is not known to be over goes on in the next block.
        self._key_dgi_open = found and not raw[2] & 0x80
        return found


def _channel(raw: bytes) -> int:
    return 4 + (raw[0] & 0x0F) if raw[0] & 0x40 else raw[0] & 0x03


def _blank_body(raw: bytes) -> tuple[bytes, int]:
    if len(raw) <= 5:
        return raw, 0
    start = 5 if raw[4] else 7
    size = raw[4] if raw[4] else int.from_bytes(raw[5:7], "big")
    size = min(size, len(raw) - start)
    return raw[:start] + b"\xff" * size + raw[start + size :], size
