"""Algorithms against vectors of TS 35.208, TS 35.233 and TS 34.108, Keccak against hashlib."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire.aka import Milenage, Tuak, XorTestAlgorithm, gsm_kc, gsm_sres
from hil.wire.aka.keccak import keccak_f1600
from hil.wire.aka.milenage import derive_opc
from hil.wire.aka.tuak import derive_topc

H = bytes.fromhex
RAND_1 = H("23553CBE9637A89D218AE64DAE47BF35")
BLOCK = st.binary(min_size=16, max_size=16)


def test_milenage_test_set_1() -> None:
    k, op = H("465B5CE8B199B49FAA5F0A2EE238A6BC"), H("CDC202D5123E20F62B6D676AC72CB318")
    assert derive_opc(k, op) == H("CD63CB71954A9F4E48A5994E37A02BAF")
    milenage = Milenage.from_op(k, op)
    sqn, amf = H("FF9BB4D0B607"), H("B9B9")
    assert milenage.f1(RAND_1, sqn, amf) == H("4A9FFAC354DFAFB3")
    assert milenage.f1_star(RAND_1, sqn, amf) == H("01CFAF9EC4E871E9")
    assert milenage.f1_star(RAND_1, sqn, bytes(2)) == H("CF44E93596E355C6")
    keys = milenage.f2345(RAND_1)
    assert keys.res == H("A54211D5E3BA50BF")
    assert keys.ck == H("B40BA9A3C58B2A05BBF0D987B21BF8CB")
    assert keys.ik == H("F769BCD751044604127672711C6D3441")
    assert keys.ak == H("AA689C648370")
    assert milenage.f5_star(RAND_1) == H("451E8BECA43B")
    assert gsm_kc(keys) == H("EAE4BE823AF9A08B")
    assert gsm_sres(keys) == H("46F8416A")


MILENAGE_SETS = [
    # k, rand, sqn, amf, op, opc, f1, f1*, f2, f5, f3, f4, f5*: TS 35.208, test sets 3 and 4
    """fec86ba6eb707ed08905757b1bb44b8f 9f7c8d021accf4db213ccff0c7f71a6a 9d0277595ffc 725c
    dbc59adcb6f9a0ef735477b7fadf8374 1006020f0a478bf6b699f15c062e42b3 9cabc3e99baf7281
    95814ba2b3044324 8011c48c0c214ed2 33484dc2136b 5dbdbb2954e8f3cde665b046179a5098
    59a92d3b476a0443487055cf88b2307b deacdd848cc6""",
    """9e5944aea94b81165c82fbf9f32db751 ce83dbc54ac0274a157c17f80d017bd6 0b604a81eca8 9e09
    223014c5806694c007ca1eeef57f004f a64a507ae1a2a98bb88eb4210135dc87 74a58220cba84c49
    ac2cc74a96871837 f365cd683cd92e96 f0b9c08ad02e e203edb3971574f5a94b0d61b816345d
    0c4524adeac041c4dd830d20854fc46b 6085a86c6f63""",
]


@pytest.mark.parametrize("row", MILENAGE_SETS, ids=lambda row: row.split()[0][:8])
def test_milenage_test_sets(row: str) -> None:
    k, rand, sqn, amf, op, opc, f1, f1_star, f2, f5, f3, f4, f5_star = map(H, row.split())
    assert derive_opc(k, op) == opc
    milenage = Milenage(k, opc)
    keys = milenage.f2345(rand)
    assert milenage.f1(rand, sqn, amf) == f1
    assert milenage.f1_star(rand, sqn, amf) == f1_star
    assert (keys.res, keys.ck, keys.ik, keys.ak) == (f2, f3, f4, f5)
    assert milenage.f5_star(rand) == f5_star


@given(
    k=BLOCK,
    opc=BLOCK,
    rand=BLOCK,
    rotations=st.tuples(*[st.integers(0, 127)] * 5),
    constants=st.tuples(*[BLOCK] * 5),
)
def test_milenage_with_constants_of_an_operator(
    k: bytes, opc: bytes, rand: bytes, rotations: tuple[int, ...], constants: tuple[bytes, ...]
) -> None:
    """TS 35.206, 4.1 once more, on strings of bits."""

    def bits(block: bytes) -> str:
        return f"{int.from_bytes(block, 'big'):0128b}"

    def plus(*blocks: str) -> str:
        return "".join(str(sum(map(int, column)) % 2) for column in zip(*blocks, strict=True))

    def e(block: str) -> str:
        raw = int(block, 2).to_bytes(16, "big")
        return bits(Cipher(AES(k), ECB()).encryptor().update(raw))  # noqa: S305

    def rot(block: str, by: int) -> str:
        return block[by:] + block[:by]

    sqn_amf = bits((bytes(range(6)) + b"\xb9\xb9") * 2)
    temp, opc_bits = e(plus(bits(rand), bits(opc))), bits(opc)
    rotated = rot(plus(sqn_amf, opc_bits), rotations[0])
    out = [plus(e(plus(temp, rotated, bits(constants[0]))), opc_bits)]
    for n in range(1, 5):
        inner = plus(rot(plus(temp, opc_bits), rotations[n]), bits(constants[n]))
        out.append(plus(e(inner), opc_bits))
    milenage = Milenage(k, opc, rotations=rotations, constants=constants)
    keys = milenage.f2345(rand)
    assert bits(milenage.f1(rand, bytes(range(6)), b"\xb9\xb9"))[64:] == out[0][:64]
    assert bits(milenage.f1_star(rand, bytes(range(6)), b"\xb9\xb9"))[64:] == out[0][64:]
    assert bits(keys.res)[64:] == out[1][64:]
    assert bits(keys.ak)[80:] == out[1][:48]
    assert (bits(keys.ck), bits(keys.ik)) == (out[2], out[3])
    assert bits(milenage.f5_star(rand))[80:] == out[4][:48]


@given(st.binary(max_size=135))
def test_keccak_is_that_of_shake256(message: bytes) -> None:
    block = bytearray((message + b"\x1f").ljust(136, b"\x00"))
    block[135] |= 0x80
    state = keccak_f1600(bytes(block) + bytes(64))
    shake = hashlib.shake_256(message).digest(272)
    assert state[:136] == shake[:136]
    assert keccak_f1600(state)[:136] == shake[136:]


TUAK_SETS = [
    # k, rand, sqn, amf, top, iterations, topc, f1, f1*, f2, f3, f4, f5, f5*
    # TS 35.233, 6.3 to 6.8
    """abababababababababababababababab 42424242424242424242424242424242 111111111111 ffff
    5555555555555555555555555555555555555555555555555555555555555555 01
    bd04d9530e87513c5d837ac2ad954623a8e2330c115305a73eb45d1f40cccbff
    f9a54e6aeaa8618d e94b4dc6c7297df3 657acd64 d71a1e5c6caffe986a26f783e5c78be1
    be849fa2564f869aecee6f62d4337e72 719f1e9b9054 e7af6b3d0e38""",
    """fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0
    0123456789abcdef0123456789abcdef 0123456789ab abcd
    808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f 01
    305425427e18c503c8a4b294ea72c95d0c36c6c6b29d0c65de5974d5977f8524
    c0b8c2d4148ec7aa5f1d78a97e4d1d58 ef81af7290f7842c6ceafa537fa0745b e9d749dc4eea0035
    a4cb6f6529ab17f8337f27baa8234d47 2274155ccf4199d5e2abcbf621907f90 480a9345cc1e f84eb338848c""",
    """fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0
    0123456789abcdef0123456789abcdef 0123456789ab abcd
    808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f 01
    305425427e18c503c8a4b294ea72c95d0c36c6c6b29d0c65de5974d5977f8524
    d97b75a1776065271b1e212bc3b1bf173f438b21e6c64a55a96c372e085e5cc5
    427bbf07c6e3a86c54f8c5216499f3909a6fd4a164c9fe235b1550258111b821 07021c73e7635c7d
    4d59ac796834eb85d11fa148a5058c3c
    126d47500136fdc5ddfd14f19ebf16749ce4b6435323fbb5715a3a796a6082bd 1d6622c4e59a f84eb338848c""",
    """b8da837a50652d6ac7c97da14f6acc61 6887e55425a966bd86c9661a5fa72be8 0dea2ee2c5af df1e
    0952be13556c32ebc58195d9dd930493e12a9003669988ffde5fa1f0fe35cc01 01
    2bc16eb657a68e1f446f08f57c0efb1d493527a2e652ce281eb6ca0e4487760a
    749214087958dd8f58bfcdf869d8ae3f 619e865afe80e382aee13063f9dfb56d
    4041ce438e3e38e8aa96562eed83ac43 3e3bc01bea0cd914c4c2c83ce2d92757
    666a8e6f577b1aa77b7fd53cebb8a3d6 1f880d005119 45e617d77fe5""",
    """1574ca56881d05c189c82880f789c9cd4244955f4426aa2b69c29f15770e5aa5
    c570aac68cde651fb1e3088322498bef c89bb71f3a41 297d
    e59f6eb10ea406813f4991b0b9e02f181edf4c7e17b480f66d34da35ee88c95e 01
    3c6052e41532a28a47aa3cbb89f223e8f3aaa976aecd48bc3e7d6165a55eff62
    d7340dad02b4cb01 c6021e2e66accb15
    84d89b41db1867ffd4c7ba1d82163f4d526a20fbae5418fbb526940b1eeb905c
    d419676afe5ab58c1d8bee0d43523a4d2f52ef0b31a4676a0c334427a988fe65
    205533e505661b61d05cc0eac87818f4 d7b3d2d4980a ca9655264986""",
    """1574ca56881d05c189c82880f789c9cd4244955f4426aa2b69c29f15770e5aa5
    c570aac68cde651fb1e3088322498bef c89bb71f3a41 297d
    e59f6eb10ea406813f4991b0b9e02f181edf4c7e17b480f66d34da35ee88c95e 02
    b04a66f26c62fcd6c82de22a179ab65506ecf47f56245cd149966cfa9cec7a51
    90d2289ed1ca1c3dbc2247bb480d431ac71d2e4a7677f6e997cfddb0cbad88b7
    427355dbac30e825063aba61b556e87583abac638e3ab01c4c884ad9d458dc2f
    d67e6e64590d22eecba7324afa4af4460c93f01b24506d6e12047d789a94c867
    ede57edfc57cdffe1aae75066a1b7479bbc3837438e88d37a801cccc9f972b89
    48ed9299126e5057402fe01f9201cf25249f9c5c0ed2afcf084755daff1d3999 6aae8d18c448 8c5f33b61f4e""",
]


@pytest.mark.parametrize("number", range(len(TUAK_SETS)))
def test_tuak_test_sets(number: int) -> None:
    fields = [*map(H, TUAK_SETS[number].split())]
    k, rand, sqn, amf, top, iterations, topc, f1, f1_star, f2, f3, f4, f5, f5_star = fields
    assert derive_topc(k, top, iterations=iterations[0]) == topc
    tuak = Tuak(
        k,
        topc,
        iterations=iterations[0],
        mac_length=len(f1),
        res_length=len(f2),
        ck_length=len(f3),
        ik_length=len(f4),
    )
    keys = tuak.f2345(rand)
    assert tuak.f1(rand, sqn, amf) == f1
    assert tuak.f1_star(rand, sqn, amf) == f1_star
    assert (keys.res, keys.ck, keys.ik, keys.ak) == (f2, f3, f4, f5)
    assert tuak.f5_star(rand) == f5_star


XOR_SETS = [
    # rand, sqn, amf, res, ck, ik, ak, mac: own, pfk-milenage, osmo-hlr
    """23553CBE9637A89D218AE64DAE47BF35 000000000021 8000 23543EBD9232AE9A2983EC46A24AB13A
    543EBD9232AE9A2983EC46A24AB13A23 3EBD9232AE9A2983EC46A24AB13A2354 BD9232AE9A29
    23543EBD92132E9A""",
    """34343434343434343434343434343434 000000000001 8000 34353637303132333C3D3E3F38393A3B
    353637303132333C3D3E3F38393A3B34 3637303132333C3D3E3F38393A3B3435 37303132333C
    343536373030B233""",
    """B5039C57E4A75051551D1A390A71CE48 000000000000 0000 B5029E54E0A256565D141032067CC047
    029E54E0A256565D141032067CC047B5 9E54E0A256565D141032067CC047B502 54E0A256565D
    B5029E54E0A25656""",
]


@pytest.mark.parametrize("number", range(len(XOR_SETS)))
def test_the_test_algorithm(number: int) -> None:
    rand, sqn, amf, res, ck, ik, ak, mac = map(H, XOR_SETS[number].split())
    algorithm = XorTestAlgorithm(bytes(range(16)))
    keys = algorithm.f2345(rand)
    assert (keys.res, keys.ck, keys.ik, keys.ak) == (res, ck, ik, ak)
    assert algorithm.f1(rand, sqn, amf) == algorithm.f1_star(rand, sqn, amf) == mac
    assert algorithm.f5_star(rand) == ak


def test_2g_keys_of_the_test_algorithm() -> None:
    own = XorTestAlgorithm(bytes(range(16))).f2345(RAND_1)
    assert (gsm_kc(own), gsm_sres(own)) == (H("0529CB4867BFAADD"), H("3AAFCD5B"))
    hlr = XorTestAlgorithm(bytes(range(16))).f2345(H("B5039C57E4A75051551D1A390A71CE48"))
    assert (gsm_kc(hlr), gsm_sres(hlr)) == (H("98E880384887F9FE"), H("0EC81877"))


def test_sres_of_a_short_res_is_the_res() -> None:
    keys = XorTestAlgorithm(bytes(16), res_length=4).f2345(RAND_1)
    assert gsm_sres(keys) == keys.res == RAND_1[:4]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Milenage(bytes(15), bytes(16)),
        lambda: Milenage(bytes(16), bytes(32)),
        lambda: Milenage(bytes(16), bytes(16), rotations=(0, 0, 0, 0, 128)),
        lambda: Milenage(bytes(16), bytes(16), constants=(bytes(16),) * 4),
        lambda: Milenage(bytes(16), bytes(16), res_length=16),
        lambda: Tuak(bytes(16), bytes(16)),
        lambda: Tuak(bytes(24), bytes(32)),
        lambda: Tuak(bytes(16), bytes(32), iterations=0),
        lambda: Tuak(bytes(16), bytes(32), mac_length=4),
        lambda: Tuak(bytes(16), bytes(32), ck_length=8),
        lambda: XorTestAlgorithm(bytes(32)),
        lambda: XorTestAlgorithm(bytes(16), res_length=3),
        lambda: XorTestAlgorithm(bytes(16)).f2345(bytes(15)),
        lambda: Milenage(bytes(16), bytes(16)).f1(bytes(16), bytes(5), bytes(2)),
        lambda: Tuak(bytes(16), bytes(32)).f1(bytes(16), bytes(6), bytes(3)),
    ],
)
def test_values_that_do_not_fit(make: object) -> None:
    assert callable(make)
    with pytest.raises(CodecError):
        make()


def test_keys_do_not_show() -> None:
    keys = XorTestAlgorithm(bytes(range(16))).f2345(RAND_1)
    assert keys.ck.hex() not in repr(keys)
    assert "AkaKeys()" in repr(keys)
