"""Files of packets: golden bytes, whole blocks, and what Wireshark makes of them, where it is."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.report import gsmtap
from hil.report.pcapng import Packet, PcapngWriter
from tests.report.packets import payload_of, read_pcapng

SELECT_MF = bytes.fromhex("00A40004023F006121")
AT_NS = 1_700_000_000_000_000_000
GOLDEN = Packet(AT_NS, gsmtap.packet(SELECT_MF), "card0", "TC-FS-001 step 1: select MF")
PCAPNG_SHA256 = "8dca0e1c05ef2231a5c39f2ae5d7d2d0d18e1f0920850b8bafeb5d23c6c3f909"
TSHARK = shutil.which("tshark")


def pcapng(*packets: Packet) -> bytes:
    file = io.BytesIO()
    writer = PcapngWriter(file)
    for one in packets:
        writer.write(one)
    return file.getvalue()


def test_golden_packet() -> None:
    assert gsmtap.packet(SELECT_MF) == bytes.fromhex(
        "45000035000000004011 7cb67f0000017f000001 e4fd127900210000"
        "02040400000000000000000000000000 00a40004023f006121"
    )


def test_a_golden_file_to_the_byte() -> None:
    new = pcapng(GOLDEN)
    assert (len(new), hashlib.sha256(new).hexdigest()) == (208, PCAPNG_SHA256)


PACKETS = st.lists(
    st.builds(
        Packet,
        st.integers(0, 2**63),
        st.binary(max_size=300).map(gsmtap.packet),
        st.sampled_from(["card", "card on channel 2", "Fach Ä"]),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    ),
    max_size=8,
)


@given(PACKETS)
def test_what_was_written_is_read_and_times_never_go_back(packets: list[Packet]) -> None:
    packets = sorted(packets, key=lambda one: one.utc_ns)
    assert read_pcapng(pcapng(*packets)) == packets
    backwards = read_pcapng(pcapng(*reversed(packets)))
    assert all(one.utc_ns == max(p.utc_ns for p in packets) for one in backwards)


def test_each_block_is_on_disk_when_written(tmp_path: Path) -> None:
    path = tmp_path / "trace.pcapng"
    with path.open("wb") as file:
        writer = PcapngWriter(file)
        for number in range(3):
            writer.write(GOLDEN)
            assert len(read_pcapng(path.read_bytes())) == number + 1


def test_only_an_exchange_that_fits_makes_a_packet() -> None:
    assert len(gsmtap.packet(bytes(gsmtap.LONGEST))) == 65_535
    with pytest.raises(CodecError, match="do not fit"):
        gsmtap.packet(bytes(gsmtap.LONGEST + 1))
    assert payload_of(gsmtap.packet(b"\x3b\x00", gsmtap.SubType.ATR)) == (1, b"\x3b\x00")


@pytest.mark.skipif(TSHARK is None, reason="tshark is not installed")
def test_wireshark_names_the_command_and_shows_the_comment(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_bytes(pcapng(GOLDEN))
    fields = "frame.comment gsm_sim.apdu.ins gsm_sim.file_id gsm_sim.apdu.sw _ws.malformed"
    shown = subprocess.run(
        [str(TSHARK), "-n", "-r", str(path), "-T", "fields", "-E", "separator=|"]
        + [part for name in fields.split() for part in ("-e", name)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.splitlines()
    assert shown == [f"{GOLDEN.comment}|0xa4|0x3f00|0x6121|"]
