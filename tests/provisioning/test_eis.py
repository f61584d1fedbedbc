"""The EIS: signed by a maker that is known, or nothing is stored."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.provisioning.eis import Eis, SignedEis, is_signed_by, sign
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.trust import Principal, Role
from hil.wire.profile_package.generate import ProfileData, generate
from tests.provisioning.world import MSISDN, World, factory_of

EUM = Principal("eum-1", Role.EUM)


def test_a_signed_eis_makes_the_euicc_known_once(world: World) -> None:
    eid = world.eids[0]
    with pytest.raises(Refusal, match="its maker must send the EIS first"):
        world.sm_sr.book.require(eid)
    assert world.sm_sr.register_eis(EUM, world.maker.eis(eid)) == eid
    assert world.sm_sr.book.eids() == (eid,)
    assert world.sm_sr.book.msisdn(eid) == MSISDN
    with pytest.raises(Refusal, match=r"manages .* already"):
        world.sm_sr.register_eis(EUM, world.maker.eis(eid))


@pytest.mark.parametrize("spoil", ["payload", "signature", "short", "foreign key", "foreign maker"])
def test_a_wrong_signature_stores_nothing(world: World, spoil: str) -> None:
    signed = world.maker.eis(world.eids[0])
    eis = Eis.decode(signed.payload)
    if spoil == "payload":
        changed = json.loads(signed.payload) | {"memory": 1}
        payload = json.dumps(changed, sort_keys=True, separators=(",", ":")).encode()
        signed = SignedEis(payload, signed.signature)
    elif spoil == "signature":
        last = bytes((signed.signature[-1] ^ 1,))
        signed = SignedEis(signed.payload, signed.signature[:-1] + last)
    elif spoil == "short":
        signed = SignedEis(signed.payload, signed.signature[:-1])
    elif spoil == "foreign key":
        signed = sign(eis, ec.generate_private_key(ec.SECP256R1()))
    else:
        changed = json.loads(signed.payload) | {"eum": "eum-9"}
        payload = json.dumps(changed, sort_keys=True, separators=(",", ":")).encode()
        signed = SignedEis(payload, signed.signature)
    with pytest.raises(Refusal) as caught:
        world.sm_sr.register_eis(EUM, signed)
    assert caught.value.code is RefusalCode.BAD_SIGNATURE
    assert world.sm_sr.book.eids() == ()


def test_who_is_no_maker_registers_nothing(world: World) -> None:
    with pytest.raises(Refusal, match="this needs eum"):
        world.sm_sr.register_eis(Principal("x", Role.SM_DP), world.maker.eis(world.eids[0]))


def test_the_eis_holds_versions_of_keys_and_no_key(world: World) -> None:
    eid = world.eids[0]
    payload = world.maker.eis(eid).payload.decode()
    factory = world.factories[eid]
    values = [factory["isd_p_base"][name] for name in ("enc", "mac", "dek")]
    for channel in ("scp80", "scp03"):
        for row in factory["isd_r"][channel]:
            values += [value for value in row.values() if isinstance(value, str)]
    assert len(values) == 12
    assert not any(value in payload for value in values)
    assert Eis.decode(payload.encode()).scp03_kvns == (0x30, 0x31)


def test_the_profile_from_the_factory_stands_in_the_eis(world: World) -> None:
    data = ProfileData(
        iccid="8900100000000000017", imsi="001010000000001", k=bytes(16), opc=bytes(16)
    )
    package = generate(data, profile_class="provisioning")
    eid = world.eids[0]
    world.maker.produce(factory_of(eid, bootstrap_profile=package.hex()), msisdn=MSISDN)
    world.register_euicc()
    (row,) = world.sm_sr.book.profiles(eid)
    assert (row.iccid, row.state, row.fallback) == ("8900100000000000017", "enabled", True)


@pytest.mark.parametrize(
    "change",
    [
        {"eid": "89049032123451234512345678901234"},
        {"isd_r": {"scp80": [], "scp03": []}},
        {"isd_p_base": {"kvn": 48, "enc": "00", "mac": "00", "dek": "00"}},
    ],
    ids=["check digits", "no keys", "short keys"],
)
def test_broken_factory_data_are_refused_without_their_keys(
    world: World, change: dict[str, object]
) -> None:
    factory = factory_of(world.eids[0]) | change
    with pytest.raises(Refusal) as caught:
        world.maker.produce(factory)
    shown = str(caught.value) + repr(caught.value.__cause__)
    assert not any(row["kic"] in shown for row in factory["isd_r"]["scp80"])


@given(st.binary(max_size=300))
def test_what_is_no_eis_is_a_codec_error(raw: bytes) -> None:
    with pytest.raises(CodecError):
        Eis.decode(raw)


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=9))
def test_json_of_any_other_shape_is_a_codec_error(value: object) -> None:
    with pytest.raises(CodecError):
        Eis.decode(json.dumps({"eid": value, "profiles": value}).encode())


@given(st.binary(max_size=70))
def test_rubbish_is_nobodys_signature(raw: bytes) -> None:
    key = ec.derive_private_key(7, ec.SECP256R1()).public_key()
    assert not is_signed_by(SignedEis(b"{}", raw), key)
