"""What a bench file says of cables and serial lines, on its way to the supply."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil.bench.cables import limits_of, serial_line_of, waivers_of
from hil.bench.config import PowerSupplySection
from hil.bench.lab import load_lab
from hil.equipment.power_supply import CableLimits, SerialLine
from hil.errors import ConfigError

HEAD = """
schema: 1
power_supply:
  visa: ASRL/dev/ttyUSB7::INSTR
"""
JIG = "    jig: {{channel: 1, max_voltage: 2 V, max_current: 20 mA, {0}}}\n"


def load(tmp_path: Path, jig: str, *, more: str = "") -> PowerSupplySection:
    path = tmp_path / "one.yaml"
    path.write_text(HEAD + more + "  channels:\n" + JIG.format(jig))
    section = load_lab(str(path)).file.power_supply
    assert section is not None
    return section


def test_levels_waivers_and_delay(tmp_path: Path) -> None:
    section = load(tmp_path, "ovp: 2.2 V, without_ocp: fuse on the fixture")
    assert section.model == "auto"
    assert limits_of(section) == {
        1: CableLimits(2.0, 0.02, 2.2, None, without_ocp="fuse on the fixture")
    }
    assert waivers_of(section) == "jig WITHOUT OCP: fuse on the fixture"
    section = load(tmp_path, "ovp: 2.2 V, ocp: 30 mA, ocp_delay: 100 ms")
    assert limits_of(section)[1].ocp_delay_s == 0.1
    assert waivers_of(section) == ""


@pytest.mark.parametrize(
    ("jig", "says"),
    [
        ("ovp: 2.2 V", "exactly one of 'ocp' or 'without_ocp' is needed"),
        ("ocp: 30 mA", "exactly one of 'ovp' or 'without_ovp' is needed"),
        ("ovp: 2.2 V, ocp: 30 mA, without_ovp: for no reason", "exactly one of 'ovp'"),
        ("ovp: 2.2 V, without_ocp: ''", "without_ocp"),
        ("ovp: 1.9 V, ocp: 30 mA", "below max_voltage"),
        ("ovp: 2.2 V, ocp: 30 mA, ocp_delay: 61 s", "ocp_delay"),
    ],
)
def test_what_is_neither_level_nor_waiver(tmp_path: Path, jig: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load(tmp_path, jig)


def test_the_serial_line(tmp_path: Path) -> None:
    levels = "ovp: 2.2 V, ocp: 30 mA"
    assert serial_line_of(load(tmp_path, levels)) is None, "as the model ships"
    more = "  serial_line: {baudrate: 115200, flow_control: rts-cts}\n"
    stated = serial_line_of(load(tmp_path, levels, more=more))
    assert stated == SerialLine(115_200, flow_control="rts-cts")
    with pytest.raises(ConfigError, match="parity"):
        load(tmp_path, levels, more="  serial_line: {parity: both}\n")
