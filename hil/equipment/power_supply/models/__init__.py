"""The models of supply that are known: one module for each family, found by being here.

A module offers ``MODELS``, a tuple of :class:`Dialect` rows. Other packages add theirs under the
entry point group ``hil.power_supply_models``: an entry is one row, or an iterable of rows.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Final

from hil.equipment.power_supply.dialect import Dialect
from hil.errors import ConfigError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINTS: Final = "hil.power_supply_models"
AUTO: Final = "auto"
"""What a bench file writes where the instrument shall say its model itself."""


def all_models() -> tuple[Dialect, ...]:
    """Return the rows of all models, ours first; :class:`ConfigError` for a bad entry point."""
    return (*_ours(), *_theirs())


def dialect_of(model: str) -> Dialect:
    """Return the dialect of a model by its name; :class:`ConfigError` names those there are."""
    wanted = model.casefold()
    for row in _ours():
        if row.model.casefold() == wanted:
            return row
    for row in _theirs():
        if row.model.casefold() == wanted:
            return row
    known = ", ".join(row.model for row in all_models())
    raise ConfigError(f"no power supply model {model!r}; write one of: {known}, or {AUTO}")


def dialect_answering(identity: str) -> Dialect | None:
    """Return the dialect of the model that gives this answer to ``*IDN?``, None for a stranger."""
    for row in all_models():
        if row.identity is not None and row.read_identity(identity) is not None:
            return row
    return None


@cache
def _ours() -> tuple[Dialect, ...]:
    rows: list[Dialect] = []
    for module in pkgutil.iter_modules(__path__):
        rows += importlib.import_module(f"{__name__}.{module.name}").MODELS
    return tuple(rows)


def _theirs() -> tuple[Dialect, ...]:
    from importlib import metadata  # noqa: PLC0415 - slow to import, and seldom needed

    rows: list[Dialect] = []
    taken = {row.model.casefold() for row in _ours()}
    for entry in metadata.entry_points(group=ENTRY_POINTS):
        for row in _rows_of(entry):
            if row.model.casefold() in taken:
                raise ConfigError(
                    f"entry point {entry.name} ({entry.value}): there is a power supply model "
                    f"{row.model} already; give it a name of its own"
                )
            taken.add(row.model.casefold())
            rows.append(row)
    return tuple(rows)


def _rows_of(entry: EntryPoint) -> tuple[Dialect, ...]:
    where = f"entry point {entry.name} ({entry.value})"
    try:
        found = entry.load()
    except (ImportError, AttributeError) as err:
        raise ConfigError(f"{where}: {err}; mend or remove the package that names it") from err
    rows = tuple(found) if isinstance(found, Iterable) else (found,)
    for row in rows:
        if not isinstance(row, Dialect):
            raise ConfigError(f"{where} gives {row!r}, not a Dialect of hil; mend the package")
    return rows
