"""What a card shows to anybody who may look, as one value that can be compared.

Two ways of provisioning are equal when they leave the same card state. Nothing in it changes by
looking: no counters, no session, no free memory of folders.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from hil.equipment.card.card import Card
from hil.equipment.card.commands import MF, select_application, select_file
from hil.equipment.card.errors import StatusWordError
from hil.equipment.card.files import FileFacts, FileKind, applications, parse_fcp, read_selected
from hil.equipment.card.identity import read_eid
from hil.equipment.card.isd_r import IsdRSession, ProfileStatus
from hil.equipment.card.known_files import MASTER_FILE, FileTable, table_for
from hil.wire.current_files import Place
from hil.wire.file_names import root_of
from hil.wire.secret_files import is_secret
from hil.wire.status_words import describe, is_success

_UNKNOWN_APPLICATION: Final[FileTable] = {(): ()}


@dataclass(frozen=True, slots=True)
class FileState:
    """One file: where it is, its FCP template, and its content or the refusal to read it."""

    path: str
    facts: bytes
    content: tuple[bytes, ...] = field(repr=False)
    refusal: int | None = None

    def line(self) -> str:
        """Return one line of the dump; contents that are nobody's business are a digest."""
        if self.refusal is not None:
            shown = f"({describe(self.refusal)})"
        elif self.content and is_secret(self._place()):
            shown = f"(SHA-256 {hashlib.sha256(b''.join(self.content)).hexdigest()})"
        else:
            shown = " ".join(piece.hex().upper() for piece in self.content) or "(folder)"
        return f"{self.path} [{self.facts.hex().upper()}] {shown}"

    def _place(self) -> Place:
        root, *folders, file = self.path.split("/")
        name = "MF" if root == f"{MF:04X}" else root_of(bytes.fromhex(root))
        return Place((name, *folders) if name else None, int(file, 16))


@dataclass(frozen=True, slots=True)
class CardState:
    """EID, all ISD-Ps, and every file that was found, in the order of their paths."""

    eid: str
    profiles: tuple[ProfileStatus, ...]
    files: tuple[FileState, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of the dump, 64 hexadecimal digits."""
        return hashlib.sha256(self.dump().encode()).hexdigest()

    def dump(self) -> str:
        """Return the state as text, a line for each thing, to be read and compared."""
        return "\n".join(self._lines().values()) + "\n"

    def differences(self, other: CardState) -> list[str]:
        """Return what differs, a line each: ``- `` only here, ``+ `` only in the other."""
        ours, theirs = self._lines(), other._lines()
        found = []
        for key in sorted(ours.keys() | theirs.keys()):
            if ours.get(key) != theirs.get(key):
                found += [
                    f"{mark} {side[key]}"
                    for mark, side in (("-", ours), ("+", theirs))
                    if key in side
                ]
        return found

    def _lines(self) -> dict[str, str]:
        lines = {"EID": f"EID {self.eid}"}
        for one in self.profiles:
            key = f"ISD-P {one.aid.hex().upper()}"
            lines[key] = (
                f"{key} {one.state.name}{' fall-back' * one.fallback} "
                f"granted {one.granted} remaining {one.remaining}"
            )
        return lines | {file.path: file.line() for file in self.files}


def read_card_state(card: Card, isd_r: IsdRSession | None = None) -> CardState:
    """Read the whole state; without ``isd_r`` (no keys) the list of ISD-Ps stays empty."""
    with card.transaction():
        eid = read_eid(card)
        profiles = isd_r.profiles() if isd_r is not None else ()
        files = sorted(_walk(card), key=lambda file: file.path)
    return CardState(eid, profiles, tuple(files))


def state_digest(card: Card, isd_r: IsdRSession | None = None) -> str:
    """Return the SHA-256 of :func:`read_card_state`, 64 hexadecimal digits."""
    return read_card_state(card, isd_r).digest


def _walk(card: Card) -> Iterator[FileState]:
    yield from _walk_table(card, None, MASTER_FILE)
    try:
        listed = applications(card)
    except StatusWordError:  # no profile enabled: no EF.DIR
        return
    for application in listed:
        table = table_for(application.aid) or _UNKNOWN_APPLICATION
        yield from _walk_table(card, application.aid, table)


def _walk_table(card: Card, aid: bytes | None, table: FileTable) -> Iterator[FileState]:
    root = f"{MF:04X}" if aid is None else aid.hex().upper()
    for folder, file_ids in table.items():
        facts = _enter(card, aid, folder)
        if facts is None:
            continue
        path = "/".join((root, *(f"{one:04X}" for one in folder)))
        yield FileState(path, facts.without_proprietary(), ())
        for file_id in file_ids:
            yield from _look(card, path, file_id)


def _enter(card: Card, aid: bytes | None, folder: tuple[int, ...]) -> FileFacts | None:
    """Select a folder step by step; ``None`` if there is none."""
    steps = [select_file(MF) if aid is None else select_application(aid)]
    steps += [select_file(one) for one in folder]
    facts = None
    for step in steps:
        answer = card.send(step)
        if not is_success(answer.sw) or not answer.data.startswith(b"\x62"):
            return None
        facts = parse_fcp(answer.data)
    # A card looks for an id in the parent as well: it must be the folder that was asked for.
    wanted = folder[-1] if folder else None
    return facts if facts is not None and wanted in (None, facts.file_id) else None


def _look(card: Card, path: str, file_id: int) -> Iterator[FileState]:
    answer = card.send(select_file(file_id))
    if not answer.data.startswith(b"\x62"):
        return
    facts = parse_fcp(answer.data)
    if facts.file_id != file_id or facts.kind is FileKind.FOLDER:
        return
    where = f"{path}/{file_id:04X}"
    if facts.kind is FileKind.BER_TLV:
        yield FileState(where, facts.raw, ())
        return
    try:
        yield FileState(where, facts.raw, read_selected(card, facts))
    except StatusWordError as err:
        yield FileState(where, facts.raw, (), err.sw)
