"""The models of supply that are known, a module with one row of data each."""

from __future__ import annotations

from hil.equipment.power_supply.dialect import Dialect
from hil.equipment.power_supply.models.rigol_dp832 import DP832
from hil.errors import ConfigError

_ROWS = (DP832,)


def dialect_of(model: str) -> Dialect:
    """Return the dialect of a model by its name; :class:`ConfigError` names those there are."""
    for row in _ROWS:
        if row.model.casefold() == model.casefold():
            return row
    known = ", ".join(row.model for row in _ROWS)
    raise ConfigError(f"no power supply model {model!r}; write one of: {known}")
