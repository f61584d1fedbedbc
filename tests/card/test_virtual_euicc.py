"""The SGP.02 view against the virtual eUICC: over PC/SC, and in this process, the same state."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.bench.guardian import close_lifeline
from hil.bench.pcscd import PrivatePcscd
from hil.equipment.card import Card, StatusWordError
from hil.equipment.card.euicc import (
    IsdRSession,
    ProfileState,
    read_card_state,
    read_eid,
    read_iccid,
    read_imsi,
)
from hil.equipment.card.inprocess import InProcessTransport
from hil.equipment.card.pcsc import PcscTransport
from hil.virtual.euicc import open_card
from hil.wire.identifiers import isd_p_aid
from hil.wire.isdr_commands import create_isdp
from hil.wire.profile_package.generate import generate
from hil.wire.profile_package.profile_data import ProfileData
from hil.wire.scp03 import KeySet

EID = "89049032123451234512345678901235"
ICCID, IMSI = "8900100000000000017", "001010000000017"
IMAGE_KEYS = KeySet(0x30, b"\x01" * 16, b"\x02" * 16, b"\x03" * 16)
AUDIT_KEYS = KeySet(0x31, b"\x11" * 16, b"\x12" * 16, b"\x13" * 16)
BOOTSTRAP = isd_p_aid(0x10)


def row(keys: KeySet) -> dict[str, object]:
    keys_hex = {"enc": keys.enc.hex(), "mac": keys.mac.hex(), "dek": keys.dek.hex()}
    return {"kvn": keys.kvn, "counter": 0, **keys_hex}


@pytest.fixture(scope="module")
def factory() -> dict[str, object]:
    data = ProfileData(iccid=ICCID, imsi=IMSI, k=bytes(range(16)))
    package = generate(data, profile_class="provisioning", size=6_000)
    ota = {"kvn": 1, "kic": "41" * 16, "kid": "42" * 16, "dek": "43" * 16, "counter": 0}
    return {
        "eid": EID,
        "isd_r": {"scp80": [ota], "scp03": [row(IMAGE_KEYS), row(AUDIT_KEYS)]},
        "isd_p_base": row(IMAGE_KEYS),
        "memory": 500_000,
        "protocol": "T=0",
        "bootstrap_profile": package.hex(),
    }


@pytest.fixture
def over_pcsc(
    pcscd: PrivatePcscd, reader: int, factory: dict[str, object], tmp_path: Path
) -> Iterator[Card]:
    file = tmp_path / "factory.json"
    file.write_text(json.dumps(factory))
    address = f"127.0.0.1:{pcscd.vpcd_ports[reader]}"
    arguments = ["--vpcd", address, "--nvm", str(tmp_path / "nvm"), "--factory", str(file)]
    process = subprocess.Popen(
        [sys.executable, "-m", "hil.virtual.euicc", *arguments, "--lifeline"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["ready"] == "euicc"
    transport = PcscTransport(pcscd.reader_patterns[reader], interrupt=lambda: pcscd.cut(reader))
    with Card(transport, timeout_s=10.0) as card:
        yield card
    close_lifeline(process, timeout_s=5.0)


@pytest.fixture
def in_process(factory: dict[str, object], tmp_path: Path) -> Iterator[Card]:
    virtual = open_card(tmp_path / "nvm-in-process", factory)
    with Card(InProcessTransport(virtual)) as card:
        yield card
    virtual.close()


def test_who_it_is_over_pcsc(over_pcsc: Card) -> None:
    assert over_pcsc.transport.protocol == "T=0"
    assert read_eid(over_pcsc) == EID
    assert read_iccid(over_pcsc) == ICCID
    assert read_imsi(over_pcsc) == IMSI


def test_both_ways_show_the_same_state(over_pcsc: Card, in_process: Card) -> None:
    here = read_card_state(in_process, IsdRSession(in_process, AUDIT_KEYS))
    there = read_card_state(over_pcsc, IsdRSession(over_pcsc, AUDIT_KEYS))
    assert here.differences(there) == []
    assert here.digest == there.digest
    paths = {file.path for file in here.files}
    assert {"3F00/2FE2", "3F00/2F00"} <= paths
    assert any(path.endswith("/6F07") for path in paths)


def test_looking_costs_no_counter_of_the_images(over_pcsc: Card) -> None:
    IsdRSession(over_pcsc, AUDIT_KEYS).profiles()
    IsdRSession(over_pcsc, AUDIT_KEYS).profiles()
    with IsdRSession(over_pcsc, IMAGE_KEYS) as isd_r:
        assert isd_r.counter == 1


def test_isd_ps_come_and_go(over_pcsc: Card) -> None:
    isd_r = IsdRSession(over_pcsc, AUDIT_KEYS)
    (bootstrap,) = isd_r.profiles()
    assert bootstrap.aid == BOOTSTRAP
    assert bootstrap.state is ProfileState.ENABLED
    assert bootstrap.fallback
    before = read_card_state(over_pcsc, isd_r)
    assert isd_r.send(create_isdp(isd_p_aid(0x11), 20_000)).sw == 0x9000
    assert [one.aid for one in isd_r.profiles()] == [BOOTSTRAP, isd_p_aid(0x11)]
    changed = read_card_state(over_pcsc, isd_r)
    assert any("1100" in line for line in before.differences(changed))
    isd_r.delete(isd_p_aid(0x11))
    assert read_card_state(over_pcsc, isd_r).digest == before.digest


def test_what_the_card_refuses_keeps_its_status_word(over_pcsc: Card) -> None:
    isd_r = IsdRSession(over_pcsc, AUDIT_KEYS)
    with pytest.raises(StatusWordError) as caught:
        isd_r.delete(BOOTSTRAP)
    assert caught.value.sw >> 8 == 0x69
    with pytest.raises(StatusWordError):
        isd_r.enable(isd_p_aid(0x77))
    assert read_eid(over_pcsc) == EID
