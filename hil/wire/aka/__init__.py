"""Authentication and key agreement, both ends (3GPP TS 33.102, 6.3).

An algorithm is an :class:`AkaAlgorithm`: :class:`Milenage`, :class:`Tuak` or the
:class:`XorTestAlgorithm`; :func:`algorithm_of` makes the one a profile package describes. The
network's end makes an :class:`AuthenticationVector` and reads AUTS; the card's end opens an AUTN,
checks its sequence number with :class:`SequenceNumbers` and answers. Nothing here draws random
numbers, keeps state or does I/O.
"""

from __future__ import annotations

from hil.wire.aka.algorithm import AkaAlgorithm, AkaError, AkaKeys
from hil.wire.aka.gsm import gsm_kc, gsm_sres
from hil.wire.aka.milenage import Milenage
from hil.wire.aka.parameters import algorithm_of, first_sequence_numbers, sequence_rules
from hil.wire.aka.sequence_numbers import Freshness, SequenceNumbers, SequenceRules, next_sqn
from hil.wire.aka.tokens import make_autn, make_auts, open_autn, read_auts
from hil.wire.aka.tuak import Tuak
from hil.wire.aka.vectors import AuthenticationVector
from hil.wire.aka.xor_test import XorTestAlgorithm

__all__ = [
    "AkaAlgorithm",
    "AkaError",
    "AkaKeys",
    "AuthenticationVector",
    "Freshness",
    "Milenage",
    "SequenceNumbers",
    "SequenceRules",
    "Tuak",
    "XorTestAlgorithm",
    "algorithm_of",
    "first_sequence_numbers",
    "gsm_kc",
    "gsm_sres",
    "make_autn",
    "make_auts",
    "next_sqn",
    "open_autn",
    "read_auts",
    "sequence_rules",
]
