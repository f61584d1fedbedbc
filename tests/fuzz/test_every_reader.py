"""No reader of bytes from outside is forgotten: the seeds of some target reach each of them."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
import threading
from types import CodeType, FrameType, ModuleType
from typing import TYPE_CHECKING, Any

import pytest

import hil.provisioning
import hil.wire
from tests.fuzz import targets_package, targets_sessions, targets_values, targets_wire

if TYPE_CHECKING:
    from collections.abc import Iterator

READER = re.compile(r"(decode|parse|read|unwrap)(_\w+)?|feed|receive")


def _functions(module: ModuleType) -> Iterator[tuple[str, CodeType]]:
    """Yield the public readers that a module defines, by their full name."""
    for name, value in vars(module).items():
        if getattr(value, "__module__", None) != module.__name__ or name.startswith("_"):
            continue
        members: dict[str, Any] = {"": value} if inspect.isfunction(value) else {}
        if inspect.isclass(value) and not getattr(value, "_is_protocol", False):
            members = {f".{key}": one for key, one in vars(value).items()}
        for key, one in members.items():
            function = inspect.unwrap(getattr(one, "__func__", one))
            last = key[1:] or name
            if inspect.isfunction(function) and READER.fullmatch(last):
                yield f"{module.__name__}.{name}{key}", function.__code__


def _readers(package: ModuleType) -> dict[str, CodeType]:
    found: dict[str, CodeType] = {}
    for row in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not row.name.endswith("__main__") and ".migrations" not in row.name:
            found |= dict(_functions(importlib.import_module(row.name)))
    return found


@pytest.fixture(scope="module")
def reached() -> set[CodeType]:
    """Everything that the seeds of the targets of the wire call."""
    codes: set[CodeType] = set()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            codes.add(frame.f_code)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        for module in (targets_wire, targets_values, targets_sessions, targets_package):
            for target in module.TARGETS.values():
                for seed in target.seeds():
                    target.run(seed)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return codes


def test_every_reader_of_the_wire_is_fed(reached: set[CodeType]) -> None:
    readers = _readers(hil.wire)
    assert len(readers) > 60
    missing = {name for name, code in readers.items() if code not in reached}
    assert not missing, sorted(missing)
