"""How long the same profile takes by image and over the air; measured and published, not judged."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from hil.bench.judge import noted
from hil.evidence import step
from hil.metrology import by_clock
from hil.provisioning.orders import ProfileRequest
from testcases.installing import assert_installed, ended, hand_over, install_at_boot

if TYPE_CHECKING:
    from hil.bench.desk import Desk
    from hil.bench.device_owner import DeviceOwner
    from hil.bench.esim import Esim
    from hil.bench.image_maker import ImageMaker


@pytest.mark.requires("device", "card.m2m", "network", "servers.sm-sr")
@pytest.mark.requirement("R-72")
@pytest.mark.severity("minor")
def test_the_same_kind_of_profile_both_ways(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker, desk: Desk
) -> None:
    """Both ways install; the times and the number of short messages go into the report."""
    with step("By image: transfer, restart, installation"):
        profile = image_maker.profile()
        raw = image_maker.sealed(profile)
        began = time.monotonic()
        hand_over(owner, raw)
        assert_installed(install_at_boot(owner.device), profile.iccid)
        by_image_s = time.monotonic() - began
    esim.restore()
    with step("Over the air: short messages from the SM-SR"):
        request = ProfileRequest(mno="mno-2", targets=(esim.eid(),))
        (ordered,) = desk.sm_dp().place(request).profiles
        sm_sr = desk.sm_sr("sm-sr-1")
        began = time.monotonic()
        job = ended(sm_sr, sm_sr.download(ordered.iccid, enable=True))
        by_air_s = time.monotonic() - began
        assert (job.state, job.reason) == ("done", "")
        assert esim.iccid_after_reset(ordered.iccid) == ordered.iccid
    noted(by_clock("by image", by_image_s, "s"), bytes=len(raw))
    noted(by_clock("over the air", by_air_s, "s"), short_messages=job.messages)
    noted(by_clock("over the air against image", by_air_s / by_image_s, "times as long"))
