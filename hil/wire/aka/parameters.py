"""From the akaParameter of a profile package to an algorithm and the rules for its SQN.

The bits of two option bytes are not published with certainty; what is assumed of them stands here
alone: algorithmOptions b2 b1 as the length of RES, sqnOptions b1 and b2 as checks of age and jump.
"""

from __future__ import annotations

from typing import Final

from hil.errors import CodecError
from hil.wire.aka.algorithm import AkaAlgorithm
from hil.wire.aka.milenage import Milenage
from hil.wire.aka.sequence_numbers import SequenceNumbers, SequenceRules
from hil.wire.aka.tuak import Tuak
from hil.wire.aka.xor_test import XorTestAlgorithm
from hil.wire.profile_package.authentication import AkaParameter, Algorithm, AlgorithmParameter

RES_LENGTHS: Final = (4, 8, 16, 32)
"""Bytes of RES by algorithmOptions b2 b1; TS.48 has 02 with RES of 128 bits."""

CHECK_AGE: Final = 0x01
CHECK_JUMP: Final = 0x02
"""sqnOptions; the default 02 protects against wrap around."""

_MILENAGE_RES: Final = 8


def algorithm_of(parameter: AlgorithmParameter) -> AkaAlgorithm:
    """Return the algorithm with its key.

    :class:`CodecError` for an algorithm this code does not know, and for a key or constants that do
    not fit the algorithm.
    """
    asked = RES_LENGTHS[parameter.options[0] & 0x03]
    if parameter.algorithm == Algorithm.MILENAGE:
        return Milenage(
            parameter.key,
            parameter.opc,
            rotations=tuple(parameter.rotation),
            constants=tuple(parameter.xoring[at : at + 16] for at in range(0, 80, 16)),
            # f2 of Milenage has no more than 64 bits, whatever is asked for.
            res_length=min(asked, _MILENAGE_RES),
        )
    if parameter.algorithm == Algorithm.TUAK:
        return Tuak(
            parameter.key, parameter.opc, iterations=parameter.keccak, res_length=min(asked, 16)
        )
    if parameter.algorithm == Algorithm.USIM_TEST:
        return XorTestAlgorithm(parameter.key, res_length=min(asked, 16))
    raise CodecError(f"akaParameter: algorithmID {parameter.algorithm} is not known")


def sequence_rules(parameter: AkaParameter) -> SequenceRules:
    """Return how sequence numbers are checked; without limits for the test algorithm."""
    configuration = parameter.configuration
    if (
        isinstance(configuration, AlgorithmParameter)
        and configuration.algorithm == Algorithm.USIM_TEST
    ):
        return SequenceRules()
    options = parameter.sqn_options[0]
    return SequenceRules(
        delta=int.from_bytes(parameter.sqn_delta, "big") if options & CHECK_JUMP else None,
        age_limit=int.from_bytes(parameter.sqn_age_limit, "big") if options & CHECK_AGE else None,
    )


def first_sequence_numbers(parameter: AkaParameter) -> SequenceNumbers:
    """Return sqnInit; :class:`CodecError` for a start value that leaves no room for IND."""
    try:
        return SequenceNumbers(tuple(int.from_bytes(one, "big") for one in parameter.sqn_init))
    except ValueError as err:
        raise CodecError(f"akaParameter: sqnInit: {err}") from err
