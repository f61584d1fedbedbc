"""The same packets, by image and over the air, lead to the same card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from hil.evidence import step
from hil.provisioning.door import enter
from hil.provisioning.http.clients import ReceiverClient
from hil.wire.identifiers import tar_of
from hil.wire.profile_package.variety import varied
from testcases.installing import assert_installed, ended, hand_over, install_at_boot

if TYPE_CHECKING:
    from hil.bench.desk import Desk
    from hil.bench.device_owner import DeviceOwner
    from hil.bench.esim import Esim
    from hil.bench.image_maker import ImageMaker
    from hil.bench.profile_maker import LabProfile
    from hil.wire.profile_package.generate import ProfileClass

pytestmark = pytest.mark.requires("device", "card.m2m", "network", "servers.sm-sr")

SM_SR, SM_DP = "sm-sr-1", "sm-dp-1"
SWITCH_TIMEOUT_S = 30.0
"""The card asks for its reset only once the session is over."""


KINDS: Final = {
    9: "operational, with everything a package can hold",
    23: "operational, a USIM alone, with links and more security domains",
    24: "provisioning, TUAK, with a CSIM, a BER-TLV file and a link",
    28: "test, with an ISIM, a BER-TLV file and a link",
}
"""Seeds of generated packages, and what is in them."""


@pytest.mark.requirement("R-21", "R-52", "R-53", "R-64")
@pytest.mark.severity("blocker")
@pytest.mark.parametrize("profile_class", ["test", "operational", "provisioning"])
def test_image_and_air_end_in_the_same_card_state(
    owner: DeviceOwner,
    esim: Esim,
    image_maker: ImageMaker,
    desk: Desk,
    profile_class: ProfileClass,
) -> None:
    """One set of packets goes both ways; the card shows the same, byte for byte.

    Compared is all that the card shows: every ISD-P with its state and memory, every file of the
    enabled profile with its FCP and content, or the refusal to read it.
    """
    assert_one_state(owner, esim, image_maker, desk, profile_class=profile_class)


@pytest.mark.requirement("R-21", "R-64")
@pytest.mark.severity("critical")
@pytest.mark.parametrize("seed", KINDS)
def test_any_kind_of_profile_ends_in_the_same_card_state(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker, desk: Desk, seed: int
) -> None:
    """Generated profiles of different kinds: the two ways do not depend on what is inside."""
    with step(f"A package is generated from seed {seed}: {KINDS[seed]}"):
        kind = varied(seed, iccid=image_maker.profile().iccid)
    assert_one_state(
        owner,
        esim,
        image_maker,
        desk,
        iccid=kind.data.iccid,
        imsi=kind.data.imsi,
        profile_class=kind.profile_class,
        package=kind.package,
    )


def assert_one_state(
    owner: DeviceOwner,
    esim: Esim,
    image_maker: ImageMaker,
    desk: Desk,
    **made_of: Any,  # noqa: ANN401 - of ImageMaker.profile
) -> None:
    """Send one profile over the air, delete it, send the same packets by image; compare."""
    with step("The packets are made once, and delivered to the SM-SR"):
        profile = delivered(esim, image_maker, desk, **made_of)
    with step("They go over the air"):
        sm_sr = desk.sm_sr(SM_SR)
        job = ended(sm_sr, sm_sr.download(profile.iccid, enable=True))
        assert (job.state, job.reason) == ("done", "")
        assert esim.iccid_after_reset(profile.iccid) == profile.iccid
        by_air = esim.state()
    with step("The profile is deleted, and the same packets go by image"):
        esim.restore()
        hand_over(owner, image_maker.sealed(profile))
        assert_installed(install_at_boot(owner.device), profile.iccid)
        by_image = esim.state()
    with step("Both states are the same"):
        assert by_image.differences(by_air) == []
        assert by_image.digest == by_air.digest
        assert len(by_image.files) > 20


@pytest.mark.requires("administration")
@pytest.mark.applies("O_HTTPS")
@pytest.mark.requirement("R-21", "R-53", "R-64")
@pytest.mark.severity("critical")
def test_image_and_https_session_end_in_the_same_card_state(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker, desk: Desk
) -> None:
    """The packets go in an HTTPS administration session (SCP81), then by image.

    The card is called by one short message and fetches every packet itself over TLS; then all that
    it shows is compared with what the image leaves.
    """
    with step("The packets are made once, and delivered to the SM-SR"):
        profile = delivered(esim, image_maker, desk, profile_class="operational")
    with step("The card fetches them over HTTPS, and enables the profile"):
        sm_sr = desk.sm_sr(SM_SR)
        ordered = sm_sr.download(profile.iccid, enable=True, way="https")
        job = ended(sm_sr, ordered)
        assert (job.state, job.reason) == ("done", "")
        assert job.messages < len(profile.packets.packets), "the packets did not go by message"
        shown = esim.iccid_after_reset(profile.iccid, timeout_s=SWITCH_TIMEOUT_S)
        assert shown == profile.iccid
        by_session = esim.state()
    with step("The profile is deleted, and the same packets go by image"):
        esim.restore()
        hand_over(owner, image_maker.sealed(profile))
        assert_installed(install_at_boot(owner.device), profile.iccid)
        by_image = esim.state()
    with step("Both states are the same"):
        assert by_image.differences(by_session) == []
        assert by_image.digest == by_session.digest
        assert len(by_image.files) > 20


def delivered(
    esim: Esim,
    image_maker: ImageMaker,
    desk: Desk,
    *,
    iccid: str = "",
    **made_of: Any,  # noqa: ANN401 - of ImageMaker.profile
) -> LabProfile:
    """Make packets for an ISD-P that the SM-SR reserved, and deliver them to it."""
    keys = desk.servers.key_set(SM_SR, SM_DP)
    with desk.servers.client(ReceiverClient, SM_SR, me=SM_DP) as receiver:
        session = enter(receiver, SM_DP, keys)
        iccid = iccid or image_maker.profile().iccid
        aid = receiver.reserve_isdp(session, esim.eid(), iccid)
        tar = int.from_bytes(tar_of(aid), "big")
        profile = image_maker.profile(tar=tar, iccid=iccid, sm_dp=SM_DP, **made_of)
        receiver.deliver(session, profile.packets.encode(keys.mac))
    return profile
