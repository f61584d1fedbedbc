"""AUTHENTICATE: what a network sends and what USIM and ISIM answer (TS 31.102, 7.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hil.virtual.euicc import VirtualCard
from hil.wire.aka import (
    AkaAlgorithm,
    AuthenticationVector,
    Milenage,
    Tuak,
    XorTestAlgorithm,
    next_sqn,
    read_auts,
)
from hil.wire.profile_package.authentication import (
    AkaParameter,
    AlgorithmParameter,
    MappingParameter,
)
from hil.wire.profile_package.elements import Body
from hil.wire.profile_package.files import FileElement, FillContent
from hil.wire.profile_package.package import PeHeader
from tests.euicc.enabled_card import (
    CSIM,
    ISIM,
    TS48,
    USIM,
    card_with,
    changed,
    opened_again,
)
from tests.euicc.terminal import Terminal, profile

H = bytes.fromhex
RAND = "23553CBE9637A89D218AE64DAE47BF35"
OWN_VECTOR = f"00880081 22 10{RAND} 10BD9232AE9A08800023543EBD92132E9A"
XOR = XorTestAlgorithm(bytes(range(16)))
K, OPC = H("465B5CE8B199B49FAA5F0A2EE238A6BC"), H("CD63CB71954A9F4E48A5994E37A02BAF")
MILENAGE = AlgorithmParameter(1, K, OPC, options=b"\x01")


def with_aka(package: bytes, *parameters: AkaParameter | AlgorithmParameter) -> bytes:
    """The package with other parameters for its NAAs, in order; the last for the rest."""
    left = list(parameters)

    def change(body: Body) -> list[Body] | None:
        if not isinstance(body, AkaParameter):
            return None
        new = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(new, AlgorithmParameter):
            return [replace(body, configuration=new)]
        return [replace(new, header=body.header)]

    return changed(package, change)


Make = Callable[..., Terminal]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    cards: list[VirtualCard] = []

    def made(*parameters: AkaParameter | AlgorithmParameter, package: bytes = b"") -> Terminal:
        package = package or profile()
        if parameters:
            package = with_aka(package, *parameters)
        cards.append(card_with(tmp_path / "card", package))
        return Terminal(cards[-1])

    yield made
    for card in cards:
        card.close()


def challenge(vector: AuthenticationVector) -> str:
    return f"0088008122 10{vector.rand.hex()} 10{vector.autn.hex()}"


def authenticate(terminal: Terminal, command: str) -> tuple[bytes, int]:
    answer = terminal.raw(command)
    if answer[:2] != "61":
        return b"", int(answer, 16)
    whole = H(terminal.raw("00C00000" + answer[2:]))
    return whole[:-2], int.from_bytes(whole[-2:], "big")


def parts(body: bytes) -> list[bytes]:
    found, rest = [], body
    while rest:
        found.append(rest[1 : 1 + rest[0]])
        rest = rest[1 + rest[0] :]
    return found


def test_the_worked_vector_on_ts48(make: Make, ts48_packages: dict[str, bytes]) -> None:
    terminal = make(package=ts48_packages[TS48])
    terminal.select(USIM)
    answer, sw = authenticate(terminal, OWN_VECTOR)
    assert sw == 0x9000
    assert answer[0] == 0xDB
    res, ck, ik, *kc = parts(answer[1:])
    assert res == H("23543EBD9232AE9A2983EC46A24AB13A")
    assert ck == H("543EBD9232AE9A2983EC46A24AB13A23")
    assert ik == H("3EBD9232AE9A2983EC46A24AB13A2354")
    # Service 27 (GSM access) of this profile is available.
    assert kc == [H("0529CB4867BFAADD")]


def test_milenage_in_a_package(make: Make) -> None:
    sqn = 0xFF9BB4D0B607
    start = tuple(((sqn >> 5) - 1).to_bytes(6, "big") for _ in range(32))
    terminal = make(AkaParameter(header(), MILENAGE, sqn_init=start))
    terminal.select(USIM)
    answer, sw = authenticate(terminal, f"0088008122 10{RAND} 1055F328B43577B9B94A9FFAC354DFAFB3")
    assert sw == 0x9000
    assert answer[0] == 0xDB
    assert parts(answer[1:])[:3] == [
        H("A54211D5E3BA50BF"),
        H("B40BA9A3C58B2A05BBF0D987B21BF8CB"),
        H("F769BCD751044604127672711C6D3441"),
    ]


def header() -> PeHeader:
    return PeHeader(1)


ALGORITHMS: dict[str, tuple[AlgorithmParameter, AkaAlgorithm]] = {
    "milenage": (MILENAGE, Milenage(K, OPC)),
    "milenage, own constants": (
        replace(MILENAGE, rotation=H("0102030405"), xoring=bytes(range(80))),
        Milenage(
            K,
            OPC,
            rotations=(1, 2, 3, 4, 5),
            constants=tuple(bytes(range(at, at + 16)) for at in range(0, 80, 16)),
        ),
    ),
    "tuak 128": (
        AlgorithmParameter(2, K, bytes(range(32)), options=b"\x01"),
        Tuak(K, bytes(range(32))),
    ),
    "tuak 256, three Keccaks": (
        AlgorithmParameter(2, K + OPC, bytes(range(32)), options=b"\x02", keccak=3),
        Tuak(K + OPC, bytes(range(32)), iterations=3, res_length=16),
    ),
    "xor": (AlgorithmParameter(3, K, bytes(16), options=b"\x02"), XorTestAlgorithm(K)),
}


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("aid", [USIM, ISIM], ids=["usim", "isim"])
def test_card_and_network_agree(make: Make, name: str, aid: bytes) -> None:
    parameter, algorithm = ALGORITHMS[name]
    terminal = make(parameter)
    terminal.select(aid)
    sqn = 0
    for number in range(3):
        sqn = next_sqn(sqn)
        vector = AuthenticationVector.make(algorithm, bytes([number]) * 16, sqn)
        answer, sw = authenticate(terminal, challenge(vector))
        assert sw == 0x9000
        res, ck, ik, *rest = parts(answer[1:])
        assert answer[0] == 0xDB
        assert vector.proves(res)
        assert (ck, ik) == (vector.ck, vector.ik)
        assert rest == ([vector.kc] if aid == USIM else [])
    # The same again is not fresh: the card tells where it is, and the network goes on from there.
    answer, sw = authenticate(terminal, challenge(vector))
    assert (answer[:2], sw) == (b"\xdc\x0e", 0x9000)
    assert read_auts(algorithm, vector.rand, answer[2:]) == sqn
    vector = AuthenticationVector.make(algorithm, bytes(16), next_sqn(sqn))
    assert authenticate(terminal, challenge(vector))[0][:1] == b"\xdb"


def test_the_worked_auts(make: Make) -> None:
    terminal = make()
    terminal.select(USIM)
    assert authenticate(terminal, challenge(AuthenticationVector.make(XOR, H(RAND), 0x40)))[1]
    assert authenticate(terminal, challenge(AuthenticationVector.make(XOR, H(RAND), 0x40))) == (
        H("DC0EBD9232AE9A6923543EBD9272AE9A"),
        0x9000,
    )


def test_amf_resynch_of_the_test_algorithm(make: Make) -> None:
    terminal = make()
    terminal.select(USIM)
    vector = AuthenticationVector.make(XOR, H(RAND), 0x21, b"\xff\xff")
    answer, _ = authenticate(terminal, challenge(vector))
    assert answer[:2] == b"\xdc\x0e"
    assert read_auts(XOR, H(RAND), answer[2:]) < 32
    # The sequence number was not accepted.
    assert authenticate(terminal, OWN_VECTOR)[0][:1] == b"\xdb"


def test_amf_resynch_means_nothing_to_milenage(make: Make) -> None:
    terminal = make(MILENAGE)
    terminal.select(USIM)
    vector = AuthenticationVector.make(Milenage(K, OPC), H(RAND), 0x21, b"\xff\xff")
    assert authenticate(terminal, challenge(vector))[0][:1] == b"\xdb"


def test_a_wrong_mac(make: Make) -> None:
    terminal = make()
    terminal.select(USIM)
    for at in (0, 6, 8, 15):
        autn = bytearray(H("BD9232AE9A08800023543EBD92132E9A"))
        autn[at] ^= 1
        assert terminal.raw(f"0088008122 10{RAND} 10{autn.hex()}") == "9862"
    # Nothing was accepted on the way.
    assert authenticate(terminal, OWN_VECTOR)[0][:1] == b"\xdb"


def test_the_sequence_number_outlives_power_loss(make: Make, tmp_path: Path) -> None:
    terminal = make()
    terminal.select(USIM)
    assert authenticate(terminal, OWN_VECTOR)[0][:1] == b"\xdb"
    assert isinstance(terminal.card, VirtualCard)
    card = opened_again(terminal.card, tmp_path / "card")
    again = Terminal(card)
    again.select(USIM)
    assert authenticate(again, OWN_VECTOR)[0][:1] == b"\xdc"
    card.close()


def test_the_sequence_number_is_stored_before_the_answer(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = make()
    terminal.select(USIM)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("hil.virtual.euicc.nvm.os.pwrite", full)
        assert terminal.raw(OWN_VECTOR) == "6581"
    assert authenticate(terminal, OWN_VECTOR)[0][:1] == b"\xdb"


def test_jumps_and_ages(make: Make) -> None:
    limits = AkaParameter(
        header(),
        MILENAGE,
        sqn_options=b"\x03",
        sqn_delta=H("000000000064"),
        sqn_age_limit=H("00000000000A"),
    )
    terminal = make(limits)
    terminal.select(USIM)
    algorithm = Milenage(K, OPC)

    def tag(seq: int, ind: int) -> int:
        vector = AuthenticationVector.make(algorithm, H(RAND), seq << 5 | ind)
        return authenticate(terminal, challenge(vector))[0][0]

    assert tag(101, 0) == 0xDC
    assert tag(100, 0) == 0xDB
    assert tag(89, 1) == 0xDC
    assert tag(90, 1) == 0xDB
    assert tag(90, 1) == 0xDC
    assert tag(95, 2) == 0xDB


def test_start_values_of_the_package(make: Make) -> None:
    start = tuple(number.to_bytes(6, "big") for number in range(1000, 1032))
    terminal = make(AkaParameter(header(), MILENAGE, sqn_init=start))
    terminal.select(USIM)
    algorithm = Milenage(K, OPC)
    vector = AuthenticationVector.make(algorithm, H(RAND), 1005 << 5 | 5)
    answer, _ = authenticate(terminal, challenge(vector))
    assert read_auts(algorithm, H(RAND), answer[2:]) == 1031 << 5 | 31
    vector = AuthenticationVector.make(algorithm, H(RAND), 1006 << 5 | 5)
    assert authenticate(terminal, challenge(vector))[0][:1] == b"\xdb"


def test_a_mapped_naa_uses_key_and_numbers_of_the_other(make: Make) -> None:
    mapping = MappingParameter(b"\x00", USIM)
    terminal = make(AkaParameter(header(), MILENAGE), AkaParameter(header(), mapping))
    algorithm = Milenage(K, OPC)
    vector = AuthenticationVector.make(algorithm, H(RAND), 0x21)
    terminal.select(ISIM)
    assert authenticate(terminal, challenge(vector))[0][:1] == b"\xdb"
    terminal.select(USIM)
    assert authenticate(terminal, challenge(vector))[0][:1] == b"\xdc"


def test_two_naas_count_apart(make: Make) -> None:
    terminal = make()
    for aid in (USIM, ISIM):
        terminal.select(aid)
        assert authenticate(terminal, OWN_VECTOR)[0][:1] == b"\xdb"


def test_a_limited_number_of_authentications(make: Make, tmp_path: Path) -> None:
    terminal = make(replace(MILENAGE, counter_max=H("000003")))
    terminal.select(USIM)
    algorithm = Milenage(K, OPC)
    vectors = [AuthenticationVector.make(algorithm, H(RAND), seq << 5) for seq in range(1, 5)]
    assert authenticate(terminal, challenge(vectors[0]))[0][:1] == b"\xdb"
    assert terminal.raw(f"0088008122 10{RAND} 10{'00' * 16}") == "9862"
    assert isinstance(terminal.card, VirtualCard)
    again = Terminal(opened_again(terminal.card, tmp_path / "card"))
    again.select(USIM)
    assert authenticate(again, challenge(vectors[1]))[0][:1] == b"\xdb"
    assert again.raw(challenge(vectors[2])) == "6983"
    assert isinstance(again.card, VirtualCard)
    again.card.close()


def test_gsm_context(make: Make) -> None:
    terminal = make(MILENAGE)
    terminal.select(USIM)
    assert authenticate(terminal, f"0088008011 10{RAND}") == (
        H("0446F8416A 08EAE4BE823AF9A08B"),
        0x9000,
    )


def set_service(package: bytes, number: int, *, available: bool) -> bytes:
    """The package with one service of EF.UST switched."""

    def change(body: Body) -> list[Body] | None:
        if not isinstance(body, FileElement) or body.name != "usim":
            return None
        files = []
        for one in body.files:
            items = one.file.items
            ids = [getattr(item, "file_id", None) for item in items]
            if b"\x6f\x38" in ids or one.position == 8:
                new = []
                for item in items:
                    if isinstance(item, FillContent):
                        table = bytearray(item.content)
                        bit = 1 << (number - 1) % 8
                        place = (number - 1) // 8
                        table[place] = table[place] | bit if available else table[place] & ~bit
                        item = FillContent(bytes(table))  # noqa: PLW2901
                    new.append(item)
                one = replace(one, file=replace(one.file, items=tuple(new)))  # noqa: PLW2901
            files.append(one)
        return [replace(body, files=tuple(files))]

    return changed(package, change)


def test_services_decide_about_2g(make: Make) -> None:
    package = set_service(profile(), 27, available=False)
    package = set_service(package, 38, available=False)
    terminal = make(package=package)
    terminal.select(USIM)
    answer, _ = authenticate(terminal, OWN_VECTOR)
    assert len(parts(answer[1:])) == 3
    assert terminal.raw(f"0088008011 10{RAND}") == "9864"


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        (f"8088008122 10{RAND} 10{'00' * 16}", "6E00"),
        (f"0088018122 10{RAND} 10{'00' * 16}", "6A86"),
        (f"0088000022 10{RAND} 10{'00' * 16}", "6A86"),
        (f"0088008322 10{RAND} 10{'00' * 16}", "6A86"),
        (f"0088008222 10{RAND} 10{'00' * 16}", "9864"),
        (f"0088008422 10{RAND} 10{'00' * 16}", "9864"),
        (f"0088008522 10{RAND} 10{'00' * 16}", "9864"),
        (f"0088008622 10{RAND} 10{'00' * 16}", "9864"),
        ("00880081", "6700"),
        (f"0088008111 10{RAND}", "6700"),
        (f"0088008123 10{RAND} 10{'00' * 17}", "6700"),
        (f"0088008122 0F{RAND} 10{'00' * 16}", "6700"),
        (f"0088008122 10{RAND} 0F{'00' * 16}", "6700"),
        (f"0088008010 {RAND}", "6700"),
        (f"0088008012 10{RAND}00", "6700"),
        (f"0089008122 10{RAND} 10{'00' * 16}", "6D00"),
        (f"0184000010{'00' * 16}", "6881"),
        ("80760000", "6D00"),
    ],
)
def test_refusals(make: Make, command: str, sw: str) -> None:
    terminal = make()
    terminal.select(USIM)
    assert terminal.raw(command) == sw


def test_only_in_an_naa(make: Make, ts48_packages: dict[str, bytes]) -> None:
    terminal = make(package=ts48_packages[TS48])
    terminal.select(0x3F00)
    assert terminal.raw(OWN_VECTOR) == "6985"
    terminal.select(0x7F10)
    assert terminal.raw(OWN_VECTOR) == "6985"
    terminal.select(CSIM)
    assert terminal.raw(OWN_VECTOR) == "6D00"
    terminal.select(ISIM)
    assert terminal.raw(f"0088008011 10{RAND}") == "6A86"
    # In a DF of the USIM the USIM is still the application.
    terminal.select(USIM)
    terminal.select(0x5F3B)
    assert authenticate(terminal, OWN_VECTOR)[0][:1] == b"\xdb"


def test_class_a0_and_cave_are_not_offered(make: Make, ts48_packages: dict[str, bytes]) -> None:
    terminal = make(package=ts48_packages[TS48])
    terminal.select(CSIM)
    assert terminal.raw("A0A40000027F20") == "6E00"
    assert terminal.raw("A088000010" + "00" * 16) == "6E00"
    for ins in ("82", "86", "8A", "8E"):
        assert terminal.raw(f"00{ins}000006" + "00" * 6) == "6D00"


def test_the_pin_comes_first(make: Make) -> None:
    terminal = make()
    terminal.select(USIM)
    pin = "30303030FFFFFFFF"
    assert terminal.raw(f"0028000108{pin}") == "9000"
    assert isinstance(terminal.card, VirtualCard)
    terminal.card.reset()
    terminal.select(USIM)
    assert terminal.raw(OWN_VECTOR) == "6982"
    assert terminal.raw(f"0020000108{pin}") == "9000"
    assert authenticate(terminal, OWN_VECTOR)[0][:1] == b"\xdb"


def test_keys_stay_out_of_the_log(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    terminal = make(MILENAGE)
    terminal.select(USIM)
    with caplog.at_level("DEBUG"):
        vector = AuthenticationVector.make(Milenage(K, OPC), H(RAND), 0x21)
        authenticate(terminal, challenge(vector))
        authenticate(terminal, challenge(vector))
    for secret in (K, OPC, vector.ck, vector.xres):
        assert secret.hex() not in caplog.text.lower()
