"""The ISD-R's further functions as a terminal calls them, against the virtual eUICC in process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.equipment.card import Card, StatusWordError
from hil.equipment.card.euicc import IsdRSession
from hil.equipment.card.inprocess import InProcessTransport
from hil.equipment.card.key_establishment import establish
from hil.provisioning.certificates import ecasd_key
from hil.virtual.euicc import open_card
from hil.wire.gp_certificate import Role
from hil.wire.identifiers import isd_p_aid
from hil.wire.isdr_commands import KeyRange, create_isdp
from hil.wire.key_establishment import Reference
from hil.wire.put_key import put_key
from hil.wire.scp03 import HostSession
from hil.wire.sms import Address
from tests.euicc.pki import CI, EUM, SERVER, certificate, ecasd
from tests.euicc.terminal import AUDIT_KEYS, EID, factory, profile

AID, BOOTSTRAP = isd_p_aid(0x20), isd_p_aid(0x10)
EUM_CERTIFICATE = CI.issue(EUM.id, EUM.key.public).encode()


@pytest.fixture
def isd_r(tmp_path: Path) -> Iterator[IsdRSession]:
    bootstrap = profile(iccid="8900100000000000033", profile_class="provisioning").hex()
    made = factory(isd_p_base=None, ecasd=ecasd(), bootstrap_profile=bootstrap)
    euicc = open_card(tmp_path / "nvm", made)
    with Card(InProcessTransport(euicc)) as card:
        yield IsdRSession(card, AUDIT_KEYS)
    euicc.close()


def test_audit_and_key_establishment(isd_r: IsdRSession) -> None:
    key = ecasd_key(isd_r.certificate(), EUM_CERTIFICATE, CI.key.public, eid=EID)
    with isd_r as session:
        assert session.send(create_isdp(AID, 1000)).sw == 0x9000
        made = establish(
            session,
            Reference(0x30, parameters=0x0B),
            certificate=certificate(),
            signer=SERVER,
            ecasd=key,
            isd_p=AID,
        )
    keys = made.key_set(0x30)
    isd_r.card.select(AID)
    host = HostSession(keys, bytes(8))
    host.open(isd_r.card.expect(host.initialize_update()), aid=AID)
    isd_r.card.expect(host.external_authenticate())
    token = host.unwrap(isd_r.card.send(host.wrap(put_key(0x70, [bytes(16)], keys.dek))))
    assert token.sw == 0x9000
    # Without a profile there is nothing a token deletes.
    with pytest.raises(StatusWordError) as caught:
        isd_r.master_delete(AID, bytes(16))
    assert caught.value.sw == 0x6985


def test_a_new_sm_sr_gets_its_key_set(isd_r: IsdRSession) -> None:
    key = ecasd_key(isd_r.certificate(), EUM_CERTIFICATE, CI.key.public)
    with isd_r as session:
        with pytest.raises(StatusWordError):
            establish(session, Reference(0x02), certificate=certificate(), signer=SERVER, ecasd=key)
        made = establish(
            session,
            Reference(0x02),
            certificate=certificate(Role.SM_SR),
            signer=SERVER,
            ecasd=key,
        )
        assert len(made.keys) == 3
    isd_r.finalise_handover(KeyRange(2), KeyRange(0x30), KeyRange(0x31))
    with pytest.raises(StatusWordError):
        isd_r.finalise_handover(KeyRange(1))


def test_memory_counts_down(isd_r: IsdRSession) -> None:
    before = isd_r.memory()
    assert isd_r.send(create_isdp(AID, 1000)).sw == 0x9000
    after = isd_r.memory()
    assert after.applications == before.applications + 1
    assert before.free - after.free == 1000


def test_fall_back_attribute_address_and_confirmation(isd_r: IsdRSession) -> None:
    isd_r.set_fallback(BOOTSTRAP)
    with pytest.raises(StatusWordError):
        isd_r.set_fallback(AID)
    with pytest.raises(StatusWordError) as caught:
        isd_r.confirm_notification(1)
    assert caught.value.sw == 0x6985
    isd_r.update_addressing(Address("12345"))
