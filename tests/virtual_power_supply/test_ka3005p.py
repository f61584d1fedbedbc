"""The Korad, message for message (sigrok wiki, libsigrok) and on its line."""

from __future__ import annotations

import os
import select
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.virtual.electrical import Load
from hil.virtual.power_supply.ka3005p import Korad, ka3005p
from tests.power_supply.part import Part, start_part
from tests.virtual_power_supply.conftest import TestClock

ANSWERS = [
    ("*IDN?", b"KORADKA3005PV2.0"),
    ("VSET1?", b"00.00"),
    ("ISET1?", b"0.000"),
    ("VOUT1?", b"00.00"),
    ("IOUT1?", b"0.000"),
    ("STATUS?", b"\x11"),
    ("VSET1:12.34|VSET1?", b"12.34"),
    ("VSET1:5|VSET1?", b"05.00"),
    ("VSET1:.5|VSET1?", b"00.50"),
    ("VSET1:5.|VSET1?", b"05.00"),
    ("VSET1:1.239|VSET1?", b"01.24"),
    ("VSET1:31.01|VSET1?", b"00.00"),
    ("VSET2:5|VSET1?", b"00.00"),
    ("VSET1: 5|VSET1?", b"00.00"),
    ("ISET1:0.125|ISET1?", b"0.125"),
    ("ISET1:5.2|ISET1?", b"0.000"),
    ("VSET1:5|ISET1:1|OUT1|STATUS?", b"\x51"),
    ("OUT1|OUT0|STATUS?", b"\x11"),
    ("OUT2|STATUS?", b"\x11"),
    ("OCP1|STATUS?", b"\x31"),
    ("OVP1|STATUS?", b"\x91"),
    ("OVP1|OVP0|STATUS?", b"\x11"),
    ("BEEP0|STATUS?", b"\x01"),
    ("VSET1:3|ISET1:1|SAV2|VSET1:9|RCL2|VSET1?", b"03.00"),
    ("VSET1:3|RCL4|VSET1?", b"03.00"),
    ("NONSENSE", b""),
    ("VSET1:5VSET1?", b""),
    ("vset1?", b""),
    ("VOUT1", b""),
    ("\xff", b""),
    ("", b""),
    ("LOCK1|TRACK0|VSET1?", b"00.00"),
]


@pytest.mark.parametrize(("messages", "reply"), ANSWERS, ids=[a[0] for a in ANSWERS])
def test_answers(korad: Korad, messages: str, reply: bytes) -> None:
    *before, last = messages.split("|")
    for message in before:
        assert korad.answer(message.encode("latin-1")) == b""
    assert korad.answer(last.encode("latin-1")) == reply


def test_older_firmware(clock: TestClock) -> None:
    old = ka3005p("", seed=1, clock=clock, older_firmware=True)
    old.answer(b"ISET1:0.5")
    assert old.answer(b"ISET1?") == b"0.500K", "a stray sixth byte"
    assert old.answer(b"VSET1?") == b"00.00"
    old.answer(b"OVP1")
    assert old.answer(b"STATUS?") == b"\x31", "bit 5 stands for both protections"


def test_constant_current_and_ocp(korad: Korad, clock: TestClock) -> None:
    korad.output.connect(clock.now_ns, Load(5.0))
    for message in (b"VSET1:10", b"ISET1:0.5", b"OUT1"):
        korad.answer(message)
    clock.forward(1)
    assert korad.answer(b"STATUS?") == b"\x50", "bit 0 is clear in constant current"
    assert float(korad.answer(b"VOUT1?")) == pytest.approx(2.5, abs=0.06)
    assert float(korad.answer(b"IOUT1?")) == pytest.approx(0.5, abs=0.012)
    korad.answer(b"OCP1")
    clock.forward(0.019)
    assert korad.answer(b"STATUS?") == b"\x70"
    clock.forward(0.002)
    assert korad.answer(b"STATUS?") == b"\x31", "tripped: off"
    clock.forward(1)
    korad.output.connect(clock.now_ns, Load(100.0))
    korad.answer(b"OUT1")
    clock.forward(1)
    assert korad.answer(b"STATUS?") == b"\x71", "on again, as OUT1 forgets the trip"


def test_ovp_trips_on_a_feed_above_the_set_voltage(korad: Korad, clock: TestClock) -> None:
    for message in (b"VSET1:5", b"ISET1:1", b"OVP1", b"OUT1"):
        korad.answer(message)
    clock.forward(1)
    assert korad.answer(b"STATUS?") == b"\xd1"
    korad.output.connect(clock.now_ns, Load(0.1, emf=8.0))
    clock.forward(0.1)
    assert korad.answer(b"STATUS?") == b"\x91"


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_noise_never_breaks_it(noise: bytes) -> None:
    korad = ka3005p("", seed=1)
    korad.answer(noise)
    assert korad.answer(b"*IDN?") == b"KORADKA3005PV2.0"


def ask(part: Part, message: bytes, count: int, timeout_s: float = 5.0) -> bytes:
    """Write to the line, and read ``count`` bytes or until the deadline."""
    line = os.open(
        part.resource.removeprefix("ASRL").removesuffix("::INSTR"), os.O_RDWR | os.O_NOCTTY
    )
    try:
        os.write(line, message)
        reply, deadline = b"", time.monotonic() + timeout_s
        while len(reply) < count and time.monotonic() < deadline:
            if select.select([line], [], [], 0.05)[0]:
                reply += os.read(line, 100)
        return reply
    finally:
        os.close(line)


def test_on_a_serial_line_with_its_time() -> None:
    with start_part("--model", "KA3005P", "--baud", "9600") as part:
        assert part.resource.startswith("ASRL/dev/pts/")
        begun = time.monotonic()
        assert ask(part, b"*IDN?", 16) == b"KORADKA3005PV2.0"
        # 5 bytes there, 20 ms to be done, 16 bytes back.
        assert time.monotonic() - begun >= 0.020 + 21 * 10 / 9600
        assert ask(part, b"*IDN?\r\n", 16) == b"KORADKA3005PV2.0", "a terminator is overlooked"
        assert ask(part, b"ISET1:0.250VSET1?ISET1?", 10) == b"00.000.250", "told apart"
        assert ask(part, b"VSET1?NONSENSE", 1, timeout_s=0.3) == b""
        part.control({"manner": "glued", "value": "off"})
        assert ask(part, b"VSET1?ISET1?", 1, timeout_s=0.3) == b"", "two at once are none"


def test_older_firmware_and_seeds_by_the_command_line() -> None:
    with start_part("--model", "KA3005P", "--older-firmware", "--latency-ms", "0") as part:
        assert ask(part, b"ISET1?", 6) == b"0.000K"
        part.control({"fault": "silent", "times": 1})
        assert ask(part, b"ISET1?", 1, timeout_s=0.2) == b""
        part.control({"reboot": True, "down_s": 0.2})
        assert ask(part, b"ISET1?", 1, timeout_s=0.1) == b""
        deadline = time.monotonic() + 5
        while ask(part, b"ISET1?", 6, timeout_s=0.2) != b"0.000K":
            assert time.monotonic() < deadline
        answer = part.raw_control(b'{"error":-222}')
        assert not answer["ok"], "no error queue"
