"""Follows which file is current on each logical channel, from the APDUs alone.

What was sent and answered says it: SELECT and MANAGE CHANNEL (ETSI TS 102 221, 11.1.1 and
11.1.17), commands with a short file id (8.4.2), creation and deletion (TS 102 222). Whoever sees a
trace knows no more. Where that is not enough, the place is unknown, never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from hil.wire.file_names import (
    MF,
    Folder,
    application_name,
    file_name,
    file_of_short_id,
    folder_name,
    root_of,
)

SELECT: Final = 0xA4
MANAGE_CHANNEL: Final = 0x70
GET_RESPONSE: Final = 0xC0
_BINARY: Final = frozenset((0xB0, 0xD6))
_RECORD: Final = frozenset((0xB2, 0xDC, 0xA2, 0x32))
_MAKES_UNKNOWN: Final = frozenset((0xE0, 0xE4))
"""CREATE FILE and DELETE FILE move the current file."""

_DONE: Final = frozenset((0x90, 0x91, 0x61, 0x62, 0x63, 0x9F))
_MF_ID: Final = 0x3F00
_CURRENT_ADF: Final = 0x7FFF
_BY_ID: Final = 0x00
_PARENT: Final = 0x03
_BY_NAME: Final = 0x04
_PATH_FROM_MF: Final = 0x08
_KNOWN_WAYS: Final = frozenset((_BY_ID, 0x01, 0x02, _PATH_FROM_MF, 0x09))
"""P1 of SELECT with file ids: any file, a child DF, a child EF, a path from the MF or the DF."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a channel is: a ``folder``, in the application ``aid``, and a ``file`` in it.

    ``folder`` None: unknown; ``file`` None: none is current, or nobody knows which.
    """

    folder: Folder | None = None
    file: int | None = None
    aid: bytes | None = None
    adf: str = ""
    """Root of the application that 7FFF stands for."""

    @property
    def name(self) -> str:
        """Name of the file, ``6F99 in ADF.USIM`` where it has none; of the folder without one."""
        if self.file is not None:
            known = file_name(self.folder, self.file)
            where = f" in {folder_name(self.folder)}" if self.folder else ""
            return known or f"{self.file:04X}{where}"
        if self.folder:
            return folder_name(self.folder)
        if self.aid is not None:
            return application_name(self.aid) or f"application {self.aid.hex().upper()}"
        return ""


_UNKNOWN: Final = Place()
_AT_MF: Final = Place(MF)


def channel_of(cla: int) -> int:
    """Return the logical channel in a class byte: 0 to 3, or 4 to 19."""
    return 4 + (cla & 0x0F) if cla & 0x40 else cla & 0x03


class CurrentFiles:
    """The state of one card as far as its traffic tells it; unknown until :meth:`reset`."""

    def __init__(self) -> None:
        self._places: dict[int, Place] = {}
        self._opening: int | None = None

    def reset(self) -> None:
        """Take note of a reset: channel 0 is open, at the MF."""
        self._places = {0: _AT_MF}
        self._opening = None

    def at(self, channel: int) -> Place:
        """Return where a channel is."""
        return self._places.get(channel, _UNKNOWN)

    def target(self, command: bytes) -> Place:
        """Return the file that a command on file contents works on, by short id or current."""
        place = self.at(channel_of(command[0]))
        short_id = _short_id(command)
        if not short_id:
            return place
        return replace(place, file=file_of_short_id(place.folder, short_id))

    def selected(self, command: bytes) -> Place:
        """Return where a SELECT leads if the card does it; unknown where that is unclear."""
        place = self.at(channel_of(command[0]))
        data = _data(command)
        how = command[2]
        if how == _BY_NAME:
            if command[3] & 0x60 == 0x40:
                return _UNKNOWN  # ends the application
            root = root_of(data)
            return Place((root,) if root else None, None, data, root)
        if how == _PARENT and not data:
            folder = place.folder
            return replace(place, folder=folder[:-1] or MF, file=None) if folder else _UNKNOWN
        ids = [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data) - 1, 2)]
        if how == _BY_ID and not data:
            return replace(place, folder=MF, file=None)
        if not ids or len(data) % 2 or how not in _KNOWN_WAYS:
            return _UNKNOWN
        if how == _PATH_FROM_MF:
            place = replace(place, folder=MF, file=None)
        for one in ids:
            place = _step(place, one)
        return place

    def follow(self, command: bytes, answer: bytes) -> None:
        """Take note of a command and its answer."""
        if len(command) < 4:
            return
        channel, ins = channel_of(command[0]), command[1]
        opening, self._opening = self._opening, None
        if len(answer) < 2:
            self._places.clear()  # nobody knows whether it was done
            return
        done = answer[-2] in _DONE
        if ins == GET_RESPONSE and opening is not None:
            self._opened(opening, answer)
        elif not done:
            return
        elif ins == SELECT:
            self._places[channel] = self.selected(command)
        elif ins == MANAGE_CHANNEL:
            self._manage(channel, command, answer)
        elif ins in _MAKES_UNKNOWN and not command[0] & 0x80:
            self._places[channel] = _UNKNOWN
        elif ins in _BINARY | _RECORD and _short_id(command):
            self._places[channel] = self.target(command)

    def _manage(self, channel: int, command: bytes, answer: bytes) -> None:
        if command[2] & 0x80:
            self._places.pop(command[3] or channel, None)
        elif command[3]:
            self._open(channel, command[3])
        elif len(answer) > 2:
            self._opened(channel, answer)
        else:
            self._opening = channel

    def _opened(self, opener: int, answer: bytes) -> None:
        if len(answer) == 3:
            self._open(opener, answer[0])

    def _open(self, opener: int, channel: int) -> None:
        # From channel 0 the MF is current, from another one its DF (TS 102 221, 8.7).
        self._places[channel] = _AT_MF if not opener else replace(self.at(opener), file=None)


def _short_id(command: bytes) -> int:
    if command[1] in _BINARY and command[2] & 0x80:
        return command[2] & 0x1F
    return command[3] >> 3 if command[1] in _RECORD else 0


def _data(command: bytes) -> bytes:
    if len(command) <= 5:
        return b""
    if command[4] or len(command) < 7:
        return command[5 : 5 + command[4]]
    return command[7 : 7 + int.from_bytes(command[5:7], "big")]


def _step(place: Place, file: int) -> Place:
    high, folder = file >> 8, place.folder
    is_file = False
    if file == _MF_ID:
        folder = MF
    elif file == _CURRENT_ADF:
        folder = (place.adf,) if place.adf else None
    elif high == 0x7F:
        folder = (*MF, f"{file:04X}")
    elif high == 0x5F:
        if folder is not None:
            parent = folder[:-1] if folder[-1].startswith("5F") else folder
            folder = (*parent, f"{file:04X}")
    else:
        is_file = True
        if high == 0x2F:
            folder = MF
    return replace(place, folder=folder, file=file if is_file else None)
