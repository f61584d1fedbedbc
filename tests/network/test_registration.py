"""Registration at the network's end: challenges, answers, resynchronisation, rejections."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hil.errors import ConfigError
from hil.virtual.network.authentication_centre import load_centre
from hil.wire.aka import Milenage, Tuak, XorTestAlgorithm, make_auts, open_autn
from hil.wire.aka.algorithm import AkaAlgorithm
from tests.network.running import RadioLine, RunningNetwork

# 3GPP TS 35.208, test set 1.
K = bytes.fromhex("465B5CE8B199B49FAA5F0A2EE238A6BC")
OPC = bytes.fromhex("CD63CB71954A9F4E48A5994E37A02BAF")
LONG = bytes(range(32))
IMSIS = {"milenage": "001010000000001", "tuak": "001010000000002", "xor": "001010000000003"}
ALGORITHMS: dict[str, AkaAlgorithm] = {
    "milenage": Milenage(K, OPC),
    "tuak": Tuak(K, LONG),
    "xor": XorTestAlgorithm(K),
}


def subscriber_file(folder: Path, *changes: dict[str, object]) -> Path:
    """Write a file of one subscriber for each algorithm, or of the given rows."""
    constants: dict[str, dict[str, str]] = {
        "milenage": {"opc": OPC.hex()},
        "tuak": {"topc": LONG.hex()},
        "xor": {},
    }
    rows: list[dict[str, Any]] = [
        {"imsi": IMSIS[name], "algorithm": name, "k": K.hex()} | constant
        for name, constant in constants.items()
    ]
    path = folder / "subscribers.json"
    path.write_text(json.dumps({"plmn": "00101", "subscribers": list(changes) or rows}))
    return path


@pytest.fixture
def line(tmp_path: Path) -> Iterator[RadioLine]:
    """One attached device of a network that authenticates."""
    with RunningNetwork(centre=load_centre(subscriber_file(tmp_path))) as network:
        line = RadioLine(network.radio)
        line.say({"attach": {"msisdn": "15550100001", "imei": "356938035643809"}})
        assert line.hear() == {"network": {"plmn": "00101"}}
        yield line
        line.close()


def ask(line: RadioLine, row: dict[str, Any]) -> dict[str, Any]:
    line.say(row)
    answer = line.hear()
    assert answer is not None
    return answer


def challenge(answer: dict[str, Any]) -> tuple[bytes, bytes]:
    given = answer["challenge"]
    return bytes.fromhex(given["rand"]), bytes.fromhex(given["autn"])


@pytest.mark.parametrize("name", IMSIS)
def test_the_key_registers(line: RadioLine, name: str) -> None:
    algorithm = ALGORITHMS[name]
    numbers = []
    for _ in range(2):
        rand, autn = challenge(ask(line, {"register": {"imsi": IMSIS[name]}}))
        sqn, amf = open_autn(algorithm, rand, autn)
        assert amf == bytes.fromhex("8000")
        numbers.append(sqn >> 5)
        answer = ask(line, {"res": algorithm.f2345(rand).res.hex()})
        assert answer == {"registered": {"imsi": IMSIS[name], "plmn": "00101"}}
    assert numbers == [1, 2], "each challenge has a sequence number of its own"


def test_a_wrong_res_is_rejected_and_a_challenge_is_good_once(line: RadioLine) -> None:
    rand, _ = challenge(ask(line, {"register": {"imsi": IMSIS["milenage"]}}))
    assert ask(line, {"res": secrets.token_hex(8)}) == {"rejected": {"cause": 3}}
    right = ALGORITHMS["milenage"].f2345(rand).res
    assert "without a challenge" in ask(line, {"res": right.hex()})["error"]
    assert line.hear() is None


def test_an_unknown_imsi_and_a_mac_failure_are_rejected(line: RadioLine) -> None:
    assert ask(line, {"register": {"imsi": "001019999999999"}}) == {"rejected": {"cause": 2}}
    assert "challenge" in ask(line, {"register": {"imsi": IMSIS["milenage"]}})
    assert ask(line, {"mac_failure": True}) == {"rejected": {"cause": 3}}


def test_a_card_out_of_step_is_followed_once(line: RadioLine) -> None:
    algorithm = ALGORITHMS["milenage"]
    rand, _ = challenge(ask(line, {"register": {"imsi": IMSIS["milenage"]}}))
    auts = make_auts(algorithm, rand, 0x500 << 5 | 7)
    rand, autn = challenge(ask(line, {"auts": auts.hex()}))
    assert open_autn(algorithm, rand, autn)[0] == 0x501 << 5 | 8
    auts = make_auts(algorithm, rand, 0x600 << 5)
    assert ask(line, {"auts": auts.hex()}) == {"rejected": {"cause": 3}}


def test_a_forged_auts_moves_nothing(line: RadioLine) -> None:
    algorithm = ALGORITHMS["milenage"]
    rand, _ = challenge(ask(line, {"register": {"imsi": IMSIS["milenage"]}}))
    forged = make_auts(Milenage(bytes(16), OPC), rand, 0x500 << 5)
    assert ask(line, {"auts": forged.hex()}) == {"rejected": {"cause": 3}}
    rand, autn = challenge(ask(line, {"register": {"imsi": IMSIS["milenage"]}}))
    assert open_autn(algorithm, rand, autn)[0] >> 5 == 2


@pytest.mark.parametrize(
    "row",
    [
        {"register": {}},
        {"register": {"imsi": 7}},
        {"register": "001"},
        {"res": "zz"},
        {"auts": 7},
        {"mac_failure": False},
    ],
)
def test_a_line_that_cannot_be_read_ends_the_connection(
    line: RadioLine, row: dict[str, Any]
) -> None:
    assert "error" in ask(line, row)
    assert line.hear() is None


def test_a_network_without_subscribers_says_nothing_of_registration() -> None:
    with RunningNetwork() as network:
        line = RadioLine(network.radio)
        line.say({"attach": {"msisdn": "15550100001"}})
        assert "registers where the network offers it" in ask(line, {"register": {}})["error"]
        line.close()


GOOD: dict[str, object] = {"imsi": IMSIS["milenage"], "k": K.hex(), "opc": OPC.hex()}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (GOOD | {"imsi": "12"}, "6 to 15 digits"),
        (GOOD | {"k": "00"}, "16 bytes each"),
        (GOOD | {"k": "zz"}, "'k' is hex digits"),
        (GOOD | {"opc": 7}, "'opc' is hex digits"),
        (GOOD | {"amf": "80"}, "'amf' has 4 hex digits"),
        (GOOD | {"sqn": -1}, "48 bits"),
        (GOOD | {"algorithm": "comp128"}, "one of milenage, tuak, xor"),
        (GOOD | {"colour": "red"}, "nothing else"),
    ],
)
def test_a_wrong_subscriber_file_is_refused_without_its_keys(
    tmp_path: Path, row: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        load_centre(subscriber_file(tmp_path, row))
    assert K.hex() not in str(refused.value)


def test_an_imsi_twice_or_a_wrong_plmn_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="twice"):
        load_centre(subscriber_file(tmp_path, GOOD, GOOD))
    path = tmp_path / "wrong.json"
    for text, said in (
        ('{"plmn": "1", "subscribers": []}', "5 or 6 digits"),
        ('{"plmn": "00101", "subscribers": {}}', "is a list"),
        ("[]", "nothing else"),
        ("{", "subscriber file"),
    ):
        path.write_text(text)
        with pytest.raises(ConfigError, match=said):
            load_centre(path)
