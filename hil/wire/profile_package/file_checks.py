"""Static checks of the files in a package: created once, filled within their size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hil.wire.profile_package.elements import Body
from hil.wire.profile_package.fcp import Fcp
from hil.wire.profile_package.files import (
    FileElement,
    FileItem,
    FileStep,
    GenericFileManagement,
    SelectPath,
    filled_size,
)


def file_findings(bodies: Iterable[Body]) -> Iterator[tuple[int, str]]:
    """Yield identification of the element and what is wrong in it."""
    created: set[bytes] = set()
    for body in bodies:
        if isinstance(body, FileElement):
            for placed in body.files:
                fcp = placed.file.fcp
                if fcp is not None:
                    text = _overrun(fcp, placed.file.items)
                    if text:
                        yield body.header.identification, f"{body.name}: {text}"
        elif isinstance(body, GenericFileManagement):
            for command in body.commands:
                for text in _generic(command, created):
                    yield body.header.identification, text


def _overrun(fcp: Fcp, items: Iterable[FileItem | FileStep]) -> str | None:
    size, filled = fcp.size_bytes, filled_size(items)
    if size is None or filled <= size:
        return None
    name = "a file" if fcp.file_id is None else f"file {fcp.file_id.hex().upper()}"
    return f"{name} of {size} bytes is filled up to byte {filled}"


def _generic(command: tuple[FileStep, ...], created: set[bytes]) -> Iterator[str]:
    path = b""
    current: Fcp | None = None
    fills: list[FileStep] = []
    for step in (*command, SelectPath(b"")):
        if not isinstance(step, SelectPath | Fcp):
            fills.append(step)
            continue
        text = None if current is None else _overrun(current, fills)
        if text:
            yield text
        current, fills = None, []
        if isinstance(step, SelectPath):
            path = step.path
            continue
        current = step
        if step.file_id is None:
            yield "a file is created without file id"
        elif path + step.file_id in created:
            yield f"file {(path + step.file_id).hex().upper()} is created twice"
        else:
            created.add(path + step.file_id)
