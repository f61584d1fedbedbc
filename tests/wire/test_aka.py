"""AUTN, AUTS, vectors and sequence numbers: what card and network say to each other."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire.aka import (
    AkaAlgorithm,
    AkaError,
    AuthenticationVector,
    Freshness,
    Milenage,
    SequenceNumbers,
    SequenceRules,
    Tuak,
    XorTestAlgorithm,
    algorithm_of,
    first_sequence_numbers,
    make_auts,
    next_sqn,
    open_autn,
    read_auts,
    sequence_rules,
)
from hil.wire.profile_package.authentication import AkaParameter, AlgorithmParameter
from hil.wire.profile_package.package import PeHeader

H = bytes.fromhex
RAND = H("23553CBE9637A89D218AE64DAE47BF35")
XOR = XorTestAlgorithm(bytes(range(16)))
MILENAGE = Milenage(H("465B5CE8B199B49FAA5F0A2EE238A6BC"), H("CD63CB71954A9F4E48A5994E37A02BAF"))
ALGORITHMS: list[AkaAlgorithm] = [XOR, MILENAGE, Tuak(bytes(32), bytes(range(32)))]
SQNS = st.integers(0, (1 << 48) - 1)


@pytest.mark.parametrize(
    ("algorithm", "rand", "sqn", "amf", "autn"),
    [
        (XOR, RAND.hex(), 0x21, "8000", "BD9232AE9A08800023543EBD92132E9A"),
        (XOR, "34" * 16, 1, "8000", "37303132333D8000343536373030B233"),
        (XOR, "B5039C57E4A75051551D1A390A71CE48", 0, "0000", "54E0A256565D0000B5029E54E0A25656"),
        (MILENAGE, RAND.hex(), 0xFF9BB4D0B607, "B9B9", "55F328B43577B9B94A9FFAC354DFAFB3"),
    ],
)
def test_autn(algorithm: AkaAlgorithm, rand: str, sqn: int, amf: str, autn: str) -> None:
    vector = AuthenticationVector.make(algorithm, H(rand), sqn, H(amf))
    assert vector.autn == H(autn)
    assert open_autn(algorithm, H(rand), H(autn)) == (sqn, H(amf))


def test_auts() -> None:
    auts = make_auts(XOR, RAND, 0x40)
    assert auts == H("BD9232AE9A6923543EBD9272AE9A")
    assert make_auts(MILENAGE, RAND, 0xFF9BB4D0B607) == H("BA853F3C123CCF44E93596E355C6")


@given(sqn=SQNS, rand=st.binary(min_size=16, max_size=16), amf=st.binary(min_size=2, max_size=2))
def test_both_tokens_open_only_with_the_key(sqn: int, rand: bytes, amf: bytes) -> None:
    for algorithm in ALGORITHMS:
        vector = AuthenticationVector.make(algorithm, rand, sqn, amf)
        assert open_autn(algorithm, rand, vector.autn) == (sqn, amf)
        auts = make_auts(algorithm, rand, sqn)
        assert read_auts(algorithm, rand, auts) == sqn
        for other in ALGORITHMS:
            if other is not algorithm:
                with pytest.raises(AkaError):
                    open_autn(other, rand, vector.autn)
                with pytest.raises(AkaError):
                    read_auts(other, rand, auts)


@pytest.mark.parametrize("bit", range(0, 128, 7))
def test_a_flipped_bit_is_seen(bit: int) -> None:
    vector = AuthenticationVector.make(MILENAGE, RAND, 0x21)
    flipped = (int.from_bytes(vector.autn, "big") ^ 1 << bit).to_bytes(16, "big")
    with pytest.raises(AkaError):
        open_autn(MILENAGE, RAND, flipped)


def test_the_network_checks_res() -> None:
    vector = AuthenticationVector.make(MILENAGE, RAND, 0x21)
    assert vector.proves(H("A54211D5E3BA50BF"))
    assert not vector.proves(H("A54211D5E3BA50BE"))
    assert not vector.proves(b"")
    assert vector.xres.hex() not in repr(vector)


@pytest.mark.parametrize("size", [0, 13, 15])
def test_tokens_of_a_wrong_length(size: int) -> None:
    with pytest.raises(CodecError):
        read_auts(XOR, RAND, bytes(size))
    with pytest.raises(CodecError):
        open_autn(XOR, RAND, bytes(size))


def test_sequence_numbers_by_index() -> None:
    rules = SequenceRules()
    state = SequenceNumbers()
    assert state.judge(0x01, rules) is Freshness.USED
    assert state.judge(0x21, rules) is Freshness.FRESH
    state = state.accept(0x21)
    assert state.highest == 0x21
    assert state.judge(0x21, rules) is Freshness.USED
    # Another IND may come late: vectors for two domains are used out of order.
    assert state.judge(0x22, rules) is Freshness.FRESH
    assert state.accept(0x43).judge(0x22, rules) is Freshness.FRESH
    assert state.accept(0x43).highest == 0x43


def test_jump_and_age() -> None:
    state = SequenceNumbers().accept(1000 << 5 | 3)
    rules = SequenceRules(delta=100, age_limit=10)
    assert state.judge(1100 << 5, rules) is Freshness.FRESH
    assert state.judge(1101 << 5, rules) is Freshness.TOO_FAR
    assert state.judge(990 << 5, rules) is Freshness.FRESH
    assert state.judge(989 << 5, rules) is Freshness.TOO_OLD
    assert state.judge(990 << 5 | 3, rules) is Freshness.USED


@given(st.lists(st.integers(0, 40 << 5), max_size=30))
def test_no_sequence_number_is_accepted_twice(sqns: list[int]) -> None:
    state, accepted = SequenceNumbers(), []
    for sqn in sqns:
        if state.judge(sqn, SequenceRules(age_limit=5)) is Freshness.FRESH:
            state = state.accept(sqn)
            accepted.append(sqn)
    assert len(accepted) == len(set(accepted))
    assert state.highest >= max(accepted, default=0)


@given(SQNS.filter(lambda sqn: sqn < 1 << 47))
def test_the_next_sequence_number_is_fresh(sqn: int) -> None:
    state = SequenceNumbers().accept(sqn)
    assert state.judge(next_sqn(sqn), SequenceRules(delta=1)) is Freshness.FRESH


def parameter(**changes: object) -> AlgorithmParameter:
    plain = AlgorithmParameter(1, bytes(16), bytes(16), options=b"\x01")
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_an_algorithm_from_a_package() -> None:
    k, opc = H("465B5CE8B199B49FAA5F0A2EE238A6BC"), H("CD63CB71954A9F4E48A5994E37A02BAF")
    milenage = algorithm_of(parameter(key=k, opc=opc))
    assert milenage.f2345(RAND) == MILENAGE.f2345(RAND)
    other = algorithm_of(parameter(key=k, opc=opc, rotation=H("0001020304"), options=b"\x00"))
    assert len(other.f2345(RAND).res) == 4
    assert other.f2345(RAND).ck != MILENAGE.f2345(RAND).ck
    tuak = algorithm_of(parameter(algorithm=2, key=bytes(32), opc=bytes(range(32)), keccak=3))
    assert tuak.f2345(RAND) == Tuak(bytes(32), bytes(range(32)), iterations=3).f2345(RAND)
    xor = algorithm_of(parameter(algorithm=3, key=bytes(range(16)), options=b"\x02"))
    assert xor.f2345(RAND) == XOR.f2345(RAND)


@pytest.mark.parametrize(
    "changes",
    [
        {"algorithm": 4},
        {"key": bytes(32)},
        {"opc": bytes(32)},
        {"algorithm": 2},
        {"algorithm": 3, "key": bytes(32)},
        {"algorithm": 2, "opc": bytes(32), "keccak": 0},
        {"rotation": H("4000204080")},
    ],
)
def test_a_package_whose_keys_do_not_fit(changes: dict[str, object]) -> None:
    with pytest.raises(CodecError):
        algorithm_of(parameter(**changes))


def test_rules_from_a_package() -> None:
    aka = AkaParameter(PeHeader(1), parameter())
    assert sequence_rules(aka) == SequenceRules(delta=0x10000000)
    both = replace(aka, sqn_options=b"\x03", sqn_age_limit=H("000000000007"))
    assert sequence_rules(both) == SequenceRules(delta=0x10000000, age_limit=7)
    assert sequence_rules(replace(aka, sqn_options=b"\x00")) == SequenceRules()
    test = replace(aka, configuration=parameter(algorithm=3))
    assert sequence_rules(test) == SequenceRules()


def test_start_values_from_a_package() -> None:
    aka = AkaParameter(PeHeader(1), parameter())
    start = tuple(number.to_bytes(6, "big") for number in range(32))
    assert first_sequence_numbers(replace(aka, sqn_init=start)).accepted == tuple(range(32))
    too_high = (H("0800 0000 0000"), *start[1:])
    with pytest.raises(CodecError, match="sqnInit"):
        first_sequence_numbers(replace(aka, sqn_init=too_high))
