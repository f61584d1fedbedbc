"""Authentication data of the NAAs of a profile, and the state that authentication moves.

The data are the akaParameter elements as the package brought them; no command reads them. The state
is the sequence numbers accepted and the number of authentications, one for each key.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import cbor2

from hil.errors import CodecError
from hil.virtual.euicc.refusal import RefusalError
from hil.wire.aka import (
    AkaAlgorithm,
    SequenceNumbers,
    SequenceRules,
    algorithm_of,
    first_sequence_numbers,
    sequence_rules,
)
from hil.wire.profile_package.authentication import AkaParameter, AlgorithmParameter

if TYPE_CHECKING:
    from hil.virtual.euicc.files import Df, FileTree
    from hil.virtual.euicc.nvm import Nvm

_ELEMENT: Final = "akaParameter"
_MOST_STEPS: Final = 8
"""Longest row of NAAs that each take the parameters of the next."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """One key with its algorithm. ``place``: path of the NAA it belongs to.

    ``most``: how often it may be used, None without limit.
    """

    place: str
    algorithm: AkaAlgorithm = field(repr=False)
    parameter: AkaParameter = field(repr=False)
    rules: SequenceRules
    most: int | None


@dataclass(frozen=True, slots=True)
class AkaState:
    """Sequence numbers accepted with a key, and how often it was used."""

    numbers: SequenceNumbers
    uses: int


class AkaStore:
    """Reads keys and moves the state behind them."""

    def __init__(self, nvm: Nvm, tree: FileTree) -> None:
        self._nvm = nvm
        self._tree = tree
        self._prefix = f"profile/{tree.owner.hex()}/"
        self._known: dict[str, Credentials] = {}

    def credentials(self, application: Df) -> Credentials:
        """Return the key of an NAA, or the one it is mapped to; 6985 if it has none."""
        known = self._known.get(application.path)
        if known is None:
            known = self._known[application.path] = self._read(application)
        return known

    def state(self, one: Credentials) -> AkaState:
        """Return the state of a key; at first that of its package."""
        raw = self._nvm.get(self._state_key(one))
        if raw is None:
            return AkaState(first_sequence_numbers(one.parameter), 0)
        accepted, uses = cbor2.loads(raw)
        return AkaState(SequenceNumbers(tuple(accepted)), uses)

    def store(self, one: Credentials, state: AkaState) -> None:
        """Write the state of a key."""
        with self._nvm.transaction() as change:
            row = [list(state.numbers.accepted), state.uses]
            change.put(self._state_key(one), cbor2.dumps(row))

    def spend(self, one: Credentials) -> AkaState:
        """Count one use of a key in the card's memory; 6983 when it has none left."""
        state = self.state(one)
        if one.most is None:
            return state
        if state.uses >= one.most:
            raise RefusalError(0x6983, "the key was used as often as it may be")
        state = replace(state, uses=state.uses + 1)
        self.store(one, state)
        return state

    def _read(self, application: Df) -> Credentials:
        at = application
        for _ in range(_MOST_STEPS):
            parameter = self._parameter(at)
            configuration = parameter.configuration
            if isinstance(configuration, AlgorithmParameter):
                return _credentials(at.path, parameter, configuration)
            source = configuration.source
            mapped = next((one for one in self._tree.applications if one.name == source), None)
            if mapped is None:
                raise RefusalError(0x6985, f"{at.path} is mapped to an NAA that is not there")
            at = mapped
        raise RefusalError(0x6985, f"{application.path} is mapped in a circle")

    def _parameter(self, application: Df) -> AkaParameter:
        end = f"/{_ELEMENT}/{application.path}"
        keys = [key for key in self._nvm.keys(self._prefix) if key.endswith(end)]
        raw = self._nvm.get(keys[-1]) if keys else None
        if raw is None:
            raise RefusalError(0x6985, f"NAA {application.path} has no key")
        return AkaParameter.decode(raw)

    def _state_key(self, one: Credentials) -> str:
        return f"{self._prefix}aka-state/{one.place}"


def _credentials(
    place: str, parameter: AkaParameter, configuration: AlgorithmParameter
) -> Credentials:
    most = configuration.counter_max
    try:
        algorithm = algorithm_of(configuration)
        first_sequence_numbers(parameter)
    except CodecError as err:
        raise RefusalError(0x6985, str(err)) from err
    return Credentials(
        place,
        algorithm,
        parameter,
        sequence_rules(parameter),
        None if most is None else int.from_bytes(most, "big"),
    )
