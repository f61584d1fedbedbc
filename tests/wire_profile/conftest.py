from __future__ import annotations

import os
from pathlib import Path

import pytest

from hil.wire.identifiers import isd_p_aid
from hil.wire.packets import Packet, PacketSet

EID = "89049032123451234512345678901235"
ICCID = "8900123456789012341"


@pytest.fixture(scope="session")
def ts48_packages() -> dict[str, bytes]:
    """GSMA TS.48 packages by file name, from the folder in HIL_TS48_DIR."""
    folder = os.environ.get("HIL_TS48_DIR")
    if not folder:
        pytest.skip("HIL_TS48_DIR names no folder with GSMA TS.48 packages")
    packages = {path.name: path.read_bytes() for path in sorted(Path(folder).glob("*.der"))}
    if not packages:
        pytest.skip(f"no .der file in {folder} (HIL_TS48_DIR)")
    return packages


@pytest.fixture
def packet_set() -> PacketSet:
    return PacketSet(
        order_id="order-1",
        eid=EID,
        iccid=ICCID,
        isdp_aid=isd_p_aid(0x10),
        mno="mno-a",
        sm_dp="sm-dp-a",
        profile_type="prepaid",
        profile_class="operational",
        memory=60_000,
        counter=1,
        packets=(
            Packet(bytes.fromhex("840A30010102030405060708"), bytes.fromhex("8400")),
            Packet(bytes.fromhex("851133") + bytes(16), bytes.fromhex("8500")),
            Packet(bytes.fromhex("8602AABB"), bytes.fromhex("8600")),
            Packet(bytes.fromhex("8602CCDD"), None),
        ),
    )
