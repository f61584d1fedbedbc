"""genericFileManagement: any file in any place (TCA interoperable format, 8.3.5)."""

from __future__ import annotations

from collections import Counter

from hil.virtual.euicc.file_builder import apply_fills, build_df, build_ef, is_directory
from hil.virtual.euicc.files import Df, Ef, Structure
from hil.virtual.euicc.install_error import InstallError, Status, part
from hil.wire.profile_package.fcp import Fcp
from hil.wire.profile_package.files import (
    FileStep,
    FillContent,
    FillOffset,
    GenericFileManagement,
    SelectPath,
)


def manage_files(element: GenericFileManagement, mf: Df) -> None:
    """Do all commands of an element in the tree below ``mf``."""
    for place, command in enumerate(element.commands):
        with part(0xA1), part(0x30, place):
            _command(command, mf)


def _command(steps: tuple[FileStep, ...], mf: Df) -> None:
    current = mf
    file: Ef | None = None
    position = 0
    seen: Counter[int] = Counter()
    for step in steps:
        tag = _tag(step)
        with part(tag, seen[tag]):
            if isinstance(step, SelectPath):
                current = _directory(mf, step.path)
                file = None
            elif isinstance(step, Fcp):
                file, position = None, 0
                if is_directory(step):
                    current.add(build_df(None, (step,), current))
                else:
                    file = build_ef(None, (step,), current)
                    current.add(file)
            elif isinstance(step, (FillOffset, FillContent)):
                if file is None:
                    raise InstallError(Status.BAD_VALUES, "a fill without a file")
                room = file.reserved if file.structure is Structure.BER_TLV else None
                position = apply_fills(file.content, (step,), position=position, room=room)
            else:
                raise InstallError(Status.FEATURE_NOT_SUPPORTED, f"file management {step.tag:02X}")
        seen[tag] += 1


def _tag(step: FileStep) -> int:
    """Return the tag that a step has in the element."""
    match step:
        case SelectPath():
            return 0x80
        case Fcp():
            return 0x62
        case FillOffset():
            return 0x02
        case FillContent():
            return 0x81
        case _:
            return step.tag


def _directory(mf: Df, path: bytes) -> Df:
    at = mf
    for place in range(0, len(path), 2):
        child = at.children.get(int.from_bytes(path[place : place + 2], "big"))
        if not isinstance(child, Df):
            raise InstallError(Status.BAD_VALUES, f"no DF at path {path.hex()}")
        at = child
    return at
