from __future__ import annotations

from dataclasses import fields, replace

import pytest

from hil.errors import CodecError, UsageError
from hil.wire import identifiers, tlv
from hil.wire.profile_package.applications import Rfm, SecurityDomain
from hil.wire.profile_package.authentication import AkaParameter, Algorithm, AlgorithmParameter
from hil.wire.profile_package.checks import check
from hil.wire.profile_package.elements import decode_package, encode_package
from hil.wire.profile_package.files import FileElement, render
from hil.wire.profile_package.generate import OtaKeys, ProfileData, generate, personalise
from hil.wire.profile_package.header import ProfileHeader, Service
from hil.wire.profile_package.package import join, split
from hil.wire.profile_package.profile_data import ProfileClass, dialling_number, plmn

K = bytes.fromhex("465B5CE8B199B49FAA5F0A2EE238A6BC")
OPC = bytes.fromhex("CD63CB71954A9F4E48A5994E37A02BAF")
TEST = ProfileData("8900100000000000017", "001010000000017", K, OPC)
OPERATIONAL = ProfileData(
    "8949012345678901231",
    "262019876543210",
    K,
    OPC,
    msisdn="491701234567",
    smsc="491710760000",
    partners=("23415", "310410"),
)

STRUCTURE = [
    "header",
    "mf",
    "pukCodes",
    "pinCodes",
    "telecom",
    "pinCodes",
    "genericFileManagement",
    "usim",
    "opt-usim",
    "pinCodes",
    "akaParameter",
    "gsm-access",
    "df-5gs",
    "isim",
    "opt-isim",
    "pinCodes",
    "akaParameter",
    "securityDomain",
    "rfm",
    "rfm",
    "rfm",
    "end",
]


def _class_data(profile_class: ProfileClass) -> ProfileData:
    return TEST if profile_class == "test" else OPERATIONAL


@pytest.fixture(params=["test", "operational", "provisioning"])
def profile_class(request: pytest.FixtureRequest) -> ProfileClass:
    value: ProfileClass = request.param
    return value


def _elements(der: bytes) -> dict[str, FileElement]:
    return {body.name: body for body in decode_package(der) if isinstance(body, FileElement)}


def _content(der: bytes, element: str, name: str, size: int) -> bytes:
    file = _elements(der)[element].file(name)
    assert file is not None
    return render(file.items, size)


def test_package_is_whole_and_of_the_usual_size(profile_class: ProfileClass) -> None:
    der = generate(_class_data(profile_class), profile_class=profile_class)
    assert [element.name for element in split(der)] == STRUCTURE
    assert len(der) == 12_000
    assert check(der) == ()


def test_package_comes_back_byte_for_byte(profile_class: ProfileClass) -> None:
    der = generate(_class_data(profile_class), profile_class=profile_class)
    assert join(split(der)) == der
    assert encode_package(decode_package(der)) == der


def test_truncation_at_every_byte_gives_a_codec_error_or_whole_elements() -> None:
    der = generate(TEST, profile_class="test", size=0)
    borders = {element.offset for element in split(der)} - {0}
    for length in range(len(der)):
        if length in borders:
            assert join(split(der[:length])) == der[:length]
        else:
            with pytest.raises(CodecError):
                split(der[:length])


@pytest.mark.parametrize("size", [0, 6_100, 10_000, 12_261, 60_000])
def test_size_is_what_was_asked_for(size: int) -> None:
    der = generate(OPERATIONAL, profile_class="operational", size=size)
    smallest = len(generate(OPERATIONAL, profile_class="operational", size=0))
    assert abs(len(der) - size) <= 8 or (size < smallest + 200 and len(der) == smallest)
    assert check(der) == ()


def test_files_agree_with_the_data(profile_class: ProfileClass) -> None:
    data = _class_data(profile_class)
    der = generate(data, profile_class=profile_class)
    header = decode_package(der)[0]
    assert isinstance(header, ProfileHeader)
    assert header.iccid_digits == data.iccid
    assert identifiers.decode_iccid(_content(der, "mf", "ef-iccid", 10)) == data.iccid
    assert identifiers.decode_imsi(_content(der, "usim", "ef-imsi", 9)) == data.imsi
    home = _content(der, "opt-usim", "ef-hplmnwact", 20)
    assert home[:3] == data.of_operator.plmn
    assert data.imsi.encode() in _content(der, "isim", "ef-impi", 64)
    assert data.of_operator.ims_domain.encode() in _content(der, "isim", "ef-domain", 48)
    assert _content(der, "usim", "ef-acc", 2) == (1 << int(data.imsi[-1])).to_bytes(2, "big")


def test_keys_and_algorithm_follow_the_class(profile_class: ProfileClass) -> None:
    data = _class_data(profile_class)
    bodies = decode_package(generate(data, profile_class=profile_class))
    header = bodies[0]
    assert isinstance(header, ProfileHeader)
    akas = [body for body in bodies if isinstance(body, AkaParameter)]
    assert len(akas) == 2
    for aka in akas:
        assert isinstance(aka.configuration, AlgorithmParameter)
        assert (aka.configuration.key, aka.configuration.opc) == (K, OPC)
        assert aka.configuration.algorithm == (3 if profile_class == "test" else 1)
    wanted = Service.USIM_TEST_ALGORITHM if profile_class == "test" else Service.MILENAGE
    assert wanted in header.services


def test_m2m_header_is_optional() -> None:
    data = replace(TEST, pol=b"\x03", apn="iot.example")
    m2m = decode_package(generate(data, profile_class="test"))[0]
    plain = decode_package(generate(data, profile_class="test", m2m=False))[0]
    assert isinstance(m2m, ProfileHeader)
    assert isinstance(plain, ProfileHeader)
    assert m2m.connectivity == bytes.fromhex("A211350103470C03") + b"iot\x07example"
    assert plain.connectivity is None
    assert m2m.pol == plain.pol == b"\x03"
    own = decode_package(generate(replace(data, connectivity=b"\x01"), profile_class="test"))[0]
    assert isinstance(own, ProfileHeader)
    assert own.connectivity == b"\x01"


def test_operator_keys_are_in_the_security_domain() -> None:
    keys = (OtaKeys(1, K, OPC, K), OtaKeys(2, OPC, K, OPC))
    bodies = decode_package(generate(replace(TEST, ota_keys=keys), profile_class="test"))
    [domain] = [body for body in bodies if isinstance(body, SecurityDomain)]
    found = [(key.kvn, key.key_id, key.components[0].value) for key in domain.keys or ()]
    assert found == [(1, 1, K), (1, 2, OPC), (1, 3, K), (2, 1, OPC), (2, 2, K), (2, 3, OPC)]
    tars = [body.tars for body in bodies if isinstance(body, Rfm)]
    assert tars == [(b"\xb0\x01\x20",), (b"\xb0\x01\x40",), (b"\xb0\x01\x41",)]


def test_same_data_same_bytes_other_data_other_bytes() -> None:
    other = replace(TEST, iccid="8900100000000000025")
    assert generate(TEST, profile_class="test") == generate(TEST, profile_class="test")
    assert generate(TEST, profile_class="test") != generate(other, profile_class="test")


def test_test_class_needs_the_test_network() -> None:
    with pytest.raises(UsageError, match="00101"):
        generate(OPERATIONAL, profile_class="test")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("iccid", "1"),
        ("iccid", "\u0663" * 19),
        ("imsi", "12"),
        ("imsi", "00101x"),
        ("k", b""),
        ("opc", b"1"),
        ("mnc_length", 1),
        ("pin1", "123456789"),
        ("puk2", "a"),
        ("smsc", "+49"),
        ("apn", "a" * 64),
        ("apn", "a.b." * 25 + "c"),
        ("operator", ""),
    ],
)
def test_impossible_data_is_refused(field: str, value: object) -> None:
    with pytest.raises(UsageError):
        replace(TEST, **{field: value})  # type: ignore[arg-type]


def test_secrets_are_not_in_repr() -> None:
    text = repr(TEST)
    for secret in (K, OPC, TEST.pin1.encode(), TEST.puk1.encode()):
        assert repr(secret) not in text
        assert secret.hex() not in text


def test_numbers_are_coded_as_in_3gpp() -> None:
    assert plmn("00101").hex() == "00f110"
    assert plmn("310410").hex() == "130014"
    assert dialling_number("491701234567").hex() == "07919471103254" + "76" + "ff" * 4
    assert dialling_number("491").hex() == "039194f1" + "ff" * 8
    assert dialling_number("") == b"\xff" * 12


class TestPersonalise:
    iccid, imsi = "8949012345678901231", "262019876543210"

    def test_changes_what_it_says_and_nothing_else(self) -> None:
        template = generate(TEST, profile_class="test")
        der = personalise(template, self.iccid, self.imsi, OPC, K)
        changed = {
            after.name
            for before, after in zip(split(template), split(der), strict=True)
            if before.body != after.body
        }
        assert changed == {"header", "mf", "usim", "akaParameter"}
        assert identifiers.decode_iccid(_content(der, "mf", "ef-iccid", 10)) == self.iccid
        assert identifiers.decode_imsi(_content(der, "usim", "ef-imsi", 9)) == self.imsi
        assert len(der) == len(template)
        for body in decode_package(der):
            if isinstance(body, AkaParameter):
                assert isinstance(body.configuration, AlgorithmParameter)
                assert (body.configuration.key, body.configuration.opc) == (OPC, K)

    def test_giving_back_the_template_s_data_gives_back_the_template(self) -> None:
        template = generate(TEST, profile_class="test")
        other = personalise(template, self.iccid, self.imsi, OPC, K)
        assert personalise(other, TEST.iccid, TEST.imsi, K, OPC) == template

    def test_m2m_header_lengthens_the_header_only(self) -> None:
        template = generate(TEST, profile_class="test", m2m=False)
        der = personalise(
            template, TEST.iccid, TEST.imsi, K, OPC, connectivity=b"\xa2\x00", pol=b"\x01"
        )
        assert len(der) == len(template) + 4 + 3
        assert join(split(der)[1:]) == join(split(template)[1:])

    def test_template_without_a_place_is_refused(self) -> None:
        template = generate(TEST, profile_class="test")
        for name in ("header", "mf", "usim"):
            cut = join(element for element in split(template) if element.name != name)
            with pytest.raises(CodecError, match="lacks"):
                personalise(cut, self.iccid, self.imsi, K, OPC)
        with pytest.raises(CodecError):
            personalise(template, self.iccid, self.imsi, b"", OPC)
        with pytest.raises(CodecError):
            personalise(b"", self.iccid, self.imsi, K, OPC)

    def test_ts48_becomes_a_profile_of_one_subscriber(
        self, ts48_packages: dict[str, bytes]
    ) -> None:
        for template in ts48_packages.values():
            der = personalise(template, self.iccid, self.imsi, K, OPC)
            pairs = list(zip(split(template), split(der), strict=True))
            changed = {after.name for before, after in pairs if before.body != after.body}
            assert changed == {"header", "mf", "usim", "akaParameter"}
            assert len(der) == len(template)
            assert check(der) == check(template)
            assert identifiers.decode_imsi(_content(der, "usim", "ef-imsi", 9)) == self.imsi


def test_service_and_emergency_records_are_readable() -> None:
    der = generate(OPERATIONAL, profile_class="operational")
    adn = _content(der, "telecom", "ef-adn", 28 * 50)
    assert adn[:7] == b"Service"
    assert adn[14:26] == dialling_number("491710760000")
    assert adn[28:38] == b"Own number"
    name = _content(der, "opt-usim", "ef-pnn", 400)
    assert tlv.decode_one(name)[0].value == b"\x90" + "hil".encode("utf-16-be")
    assert _content(der, "usim", "ef-ecc", 28)[:3].hex() == "11f2ff"


def test_longest_names_still_fit_their_files() -> None:
    data = replace(OPERATIONAL, apn="a.b." * 24 + "c", operator="Ö" * 60, smsc="4" * 20)
    assert check(generate(data, profile_class="provisioning")) == ()


SHOWN_IN = {
    "iccid": {"header", "mf", "genericFileManagement"},
    "imsi": {"usim", "opt-usim", "df-5gs", "isim", "opt-isim"},
    "k": {"akaParameter"},
    "opc": {"akaParameter"},
    "algorithm": {"header", "akaParameter"},
    "mnc_length": {"usim", "opt-usim", "df-5gs", "isim", "opt-isim"},
    "msisdn": {"telecom", "opt-usim"},
    "smsc": {"telecom", "usim", "opt-usim"},
    "apn": {"header", "opt-usim"},
    "operator": {"header", "telecom", "usim", "opt-usim"},
    "profile_type": {"header"},
    "pol": {"header"},
    "connectivity": {"header"},
    "partners": {"opt-usim"},
    "suci_calc_info": {"df-5gs"},
    "ota_keys": {"securityDomain"},
    "pin1": {"pinCodes"},
    "pin2": {"pinCodes"},
    "puk1": {"pukCodes"},
    "puk2": {"pukCodes"},
    "adm1": {"pinCodes"},
}


def test_profiles_share_no_more_than_they_have_alike() -> None:
    others: dict[str, object] = {
        "iccid": "8949012345678901249",
        "imsi": "310319876543210",
        "algorithm": Algorithm.TUAK,
        "mnc_length": 3,
        "operator": "sea",
        "pol": b"\x01",
        "connectivity": b"\x47\x01x",
        "partners": ("23416", "310411"),
        "suci_calc_info": bytes.fromhex("A0020000A101"),
        "ota_keys": (OtaKeys(kvn=2),),
        "apn": "internot",
        "profile_type": "another",
    }
    digits = ("msisdn", "smsc", "pin1", "pin2", "puk1", "puk2", "adm1")
    others |= {name: getattr(OPERATIONAL, name)[:-1] + "8" for name in digits}
    others |= {name: bytes(range(16)) for name in ("k", "opc")}
    assert others.keys() == {field.name for field in fields(ProfileData)} == SHOWN_IN.keys()
    before = generate(OPERATIONAL, profile_class="operational")
    for name, value in others.items():
        other = generate(replace(OPERATIONAL, **{name: value}), profile_class="operational")  # type: ignore[arg-type]
        assert generate(OPERATIONAL, profile_class="operational") == before
        changed = {
            old.name
            for old, new in zip(split(before), split(other), strict=True)
            if old.body != new.body
        }
        # The operator's own file takes up what other elements lost or won.
        assert changed - {"genericFileManagement"} == SHOWN_IN[name] - {"genericFileManagement"}
