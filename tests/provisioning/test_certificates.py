"""The certificates of the lab fit together, and a broken chain is refused."""

from __future__ import annotations

import pytest
import yaml

from hil.bench.key_files import EuiccKeyFile, ServerKeyFile
from hil.bench.lab import load_lab
from hil.errors import CodecError, ConfigError
from hil.provisioning.certificates import Identity, Issuer, ecasd_key, personalise_ecasd
from hil.provisioning.eis import Eis
from hil.virtual.euicc.factory import read_factory
from hil.wire.ecc import BRAINPOOL_P384R1, P256, PrivateKey, PublicKey
from hil.wire.gp_certificate import SIGNING_USAGES, Certificate, CertificateError, Role, accept
from tests.provisioning.world import World, eid_of, factory_of

CI = Issuer(b"CI", PrivateKey(P256, b"\x01" * 32))
EUM = Issuer(b"EUM", PrivateKey(P256, b"\x02" * 32))
EUM_CERTIFICATE = CI.issue(EUM.id, EUM.key.public).encode()


def shipped() -> tuple[EuiccKeyFile, ServerKeyFile]:
    lab = load_lab("virtual")
    assert lab.euicc_keys is not None
    assert lab.server_keys is not None
    return lab.euicc_keys, lab.server_keys


def test_the_shipped_ecasd_hangs_on_the_shipped_ci() -> None:
    euicc, servers = shipped()
    assert euicc.ecasd is not None
    assert servers.pki is not None
    assert euicc.ecasd.ci_key == servers.pki.ci_key
    ci_key = PublicKey.decode(servers.pki.ci_key)
    key = ecasd_key(euicc.ecasd.certificate, servers.pki.eum_certificate, ci_key, eid=euicc.eid)
    assert key == PrivateKey(P256, euicc.ecasd.ecka).public
    maker = Certificate.decode(servers.pki.eum_certificate)
    assert maker.public_key == PrivateKey(P256, servers.eum_signing).public


@pytest.mark.parametrize(("kind", "role"), [("sm-dp", Role.SM_DP), ("sm-sr", Role.SM_SR)])
def test_the_shipped_servers_have_their_roles(kind: str, role: Role) -> None:
    pki = shipped()[1].pki
    assert pki is not None
    given = pki.identity(f"{kind}-1", kind)
    assert given is not None
    certificate = Certificate.decode(given.certificate)
    assert Identity(certificate, PrivateKey(P256, given.key)).certificate.role == role
    accept(
        certificate,
        PublicKey.decode(pki.ci_key),
        issuer=pki.ci_id,
        role=role,
        usages=SIGNING_USAGES,
    )
    with pytest.raises(CodecError):
        Identity(certificate, CI.key)


def test_an_actors_own_certificate_goes_before_that_of_its_kind() -> None:
    pki = shipped()[1].pki
    assert pki is not None
    own = pki.servers["sm-sr"]
    changed = pki.model_copy(update={"servers": pki.servers | {"sm-dp-2": own}})
    assert changed.identity("sm-dp-2", "sm-dp") == own
    assert changed.identity("sm-dp-1", "sm-dp") == pki.servers["sm-dp"]
    assert changed.identity("mno-1", "mno") is None


def test_the_chain_is_checked_link_by_link() -> None:
    factory = personalise_ecasd(
        {"eid": eid_of(1)}, EUM, CI.key.public, PrivateKey(P256, b"\x03" * 32)
    )
    raw = bytes.fromhex(factory["ecasd"]["certificate"])
    good = ecasd_key(raw, EUM_CERTIFICATE, CI.key.public, eid=eid_of(1))
    assert good == PrivateKey(P256, b"\x03" * 32).public
    stranger = Issuer(b"EUM", PrivateKey(P256, b"\x09" * 32))
    with pytest.raises(CertificateError):
        ecasd_key(raw, stranger.issue(EUM.id, EUM.key.public).encode(), CI.key.public)
    with pytest.raises(CertificateError):
        ecasd_key(raw, CI.issue(EUM.id, stranger.key.public).encode(), CI.key.public)
    with pytest.raises(CertificateError):
        ecasd_key(raw, CI.issue(b"other", EUM.key.public).encode(), CI.key.public)
    with pytest.raises(CodecError, match="not that of eUICC"):
        ecasd_key(raw, EUM_CERTIFICATE, CI.key.public, eid=eid_of(2))


def test_a_card_is_made_from_what_the_maker_personalised() -> None:
    made = personalise_ecasd(
        factory_of(eid_of(1)), EUM, CI.key.public, PrivateKey(BRAINPOOL_P384R1, b"\x04" * 48)
    )
    data = read_factory(made).ecasd
    assert data is not None
    assert data.ecka.curve == BRAINPOOL_P384R1
    assert data.ci_key == CI.key.public
    ecasd = dict(made["ecasd"])
    for wrong in (
        {"ecka": "04" * 32},
        {"ecka": "05" * 48},
        {"certificate": "7f2100"},
        {"ci_key": "b000"},
        {"curve": 9},
    ):
        with pytest.raises(ConfigError, match="factory file, ecasd") as caught:
            read_factory(made | {"ecasd": ecasd | wrong})
        assert "04" * 16 not in str(caught.value)


def test_the_eis_carries_the_certificate(world: World) -> None:
    eid = eid_of(7)
    made = personalise_ecasd(factory_of(eid), EUM, CI.key.public, PrivateKey(P256, b"\x03" * 32))
    world.maker.produce(made)
    eis = Eis.decode(world.maker.eis(eid).payload)
    assert eis.ecasd_certificate == made["ecasd"]["certificate"]
    assert Eis.decode(world.maker.eis(world.eids[0]).payload).ecasd_certificate == ""


def test_key_files_name_what_is_wrong() -> None:
    euicc, _ = shipped()
    raw = {"ecka": "xx", "certificate": "zz", "ci_key": 7, "curve": 0}
    assert euicc.ecasd is not None
    with pytest.raises(ValueError, match="hex digits") as caught:
        type(euicc.ecasd).model_validate(yaml.safe_load(yaml.safe_dump(raw)))
    assert len(str(caught.value).splitlines()) > 3
