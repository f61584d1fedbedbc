"""The number of short messages is the smallest there is: checked against every other way to cut."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.errors import ConfigError
from hil.provisioning.sm_sr.packing import (
    MessageSize,
    fewest_messages,
    pack,
    packet_bytes,
    script_bytes,
)
from hil.wire.scp80 import SGP02_SPI, OtaKeySet, SecurityParameters, wrap_command
from hil.wire.sms import split

KEYS = OtaKeySet(1, bytes(16), bytes(16))


@given(st.integers(0, 3000), st.integers(64, 140))
@settings(max_examples=60)
def test_sizes_are_those_of_the_codecs(script: int, octets: int) -> None:
    packet = wrap_command(bytes(script), 1, SecurityParameters(SGP02_SPI, bytes(3)), KEYS)
    assert len(packet) == packet_bytes(script)
    assert len(split(packet, limit=octets)) == MessageSize(octets).messages(len(packet))


def test_the_figures_of_a_profile_of_the_gsma() -> None:
    """12 385 bytes in blocks of at most 1024: 6 packets of 98 messages (TLVs uncut)."""
    sizes = [12, 19] + [1024] * 12 + [253]
    assert [len(cut) for cut in pack(sizes, MessageSize())]
    assert fewest_messages(sizes[2:], MessageSize()) in (97, 98)


@given(st.lists(st.integers(10, 1024), min_size=1, max_size=9), st.integers(9, 20))
@settings(max_examples=60)
def test_no_other_cut_needs_fewer(sizes: list[int], parts: int) -> None:
    size = MessageSize(parts=parts)

    def cost(cuts: list[range]) -> int | None:
        total = 0
        for cut in cuts:
            count = size.messages(packet_bytes(script_bytes(sum(sizes[i] for i in cut))))
            if count > parts:
                return None
            total += count
        return total

    every = []
    for count in range(len(sizes)):
        for borders in combinations(range(1, len(sizes)), count):
            edges = [0, *borders, len(sizes)]
            every.append(cost([range(a, b) for a, b in pairwise(edges)]))
    assert fewest_messages(sizes, size) == min(one for one in every if one is not None)


@given(st.lists(st.integers(1, 500), max_size=30))
def test_nothing_is_left_out_and_the_order_stays(sizes: list[int]) -> None:
    assert [i for cut in pack(sizes, MessageSize()) for i in cut] == list(range(len(sizes)))


def test_what_cannot_fit_is_said() -> None:
    with pytest.raises(ConfigError, match="allow more messages a packet"):
        pack([1024], MessageSize(parts=3))
    with pytest.raises(ConfigError, match="64 to 140"):
        MessageSize(octets=141)
