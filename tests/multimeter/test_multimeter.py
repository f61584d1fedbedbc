"""A multimeter takes over the volts at the pin: over a real socket, and never with a bad value."""

from __future__ import annotations

import datetime
import math
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from hil.bench.config import ChannelSection, MultimeterSection
from hil.bench.meter import Meter
from hil.bench.pin_meter import PinMeter
from hil.equipment.multimeter import Multimeter, WrongMultimeterError
from hil.equipment.power_supply import Channel
from hil.equipment.power_supply.models import dialect_of
from hil.errors import LinkError, LinkTimeoutError, ProtocolError, UsageError
from hil.lease import Lease, OwnedError
from hil.metrology import Calibration, Instrument

IDN = "Keysight Technologies,34461A,MY53200001,A.02.14-02.40-02.14-00.49-02-01"
PATTERN = r"^Keysight Technologies,34461A,"


class Scripted:
    """Answers what a bench multimeter answers, by its manual: one line for one query."""

    def __init__(self) -> None:
        self.identity = IDN
        self.replies = ["+1.80312345E+00"]
        self.asked: list[str] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.resource = f"TCPIP0::127.0.0.1::{self._server.getsockname()[1]}::SOCKET"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(line,), daemon=True).start()

    def _answer(self, line: socket.socket) -> None:
        with line, line.makefile("rwb", buffering=0) as stream:
            for raw in stream:
                query = raw.decode().strip()
                self.asked.append(query)
                if query == "*IDN?":
                    stream.write(self.identity.encode() + b"\n")
                elif query == "MEAS:VOLT:DC?":
                    reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
                    if reply == "hang up":
                        return
                    if reply != "silence":
                        stream.write(reply.encode("latin-1") + b"\n")


@pytest.fixture
def instrument(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    monkeypatch.setenv("HIL_LOCK_DIR", str(tmp_path))
    scripted = Scripted()
    yield scripted
    scripted.close()


@pytest.fixture
def multimeter(instrument: Scripted) -> Iterator[Multimeter]:
    with Multimeter.open(instrument.resource, identity=PATTERN, timeout_s=0.5) as opened:
        yield opened


def test_it_reads_volts_with_their_time(multimeter: Multimeter, instrument: Scripted) -> None:
    reading = multimeter.volts()
    assert reading.volts == pytest.approx(1.80312345)
    assert reading.raw == "+1.80312345E+00"
    assert reading.span_ns > 0
    assert multimeter.identity == IDN
    assert instrument.asked == ["*IDN?", "MEAS:VOLT:DC?"]


@pytest.mark.parametrize(
    ("reply", "kind", "why"),
    [
        ("+9.90000000E+37", ProtocolError, "overload"),
        ("9.91E37", ProtocolError, "overload"),
        ("+1.803E", ProtocolError, "no reading"),
        ("", ProtocolError, "no reading"),
        ("1.8 V", ProtocolError, "no reading"),
        ("nan", ProtocolError, "no reading"),
        ("\xff\xfe", ProtocolError, "garbled"),
        ("silence", LinkTimeoutError, "MEAS:VOLT:DC"),
        ("hang up", LinkError, "MEAS:VOLT:DC"),
    ],
)
def test_what_is_no_reading_is_no_value(
    multimeter: Multimeter, instrument: Scripted, reply: str, kind: type[Exception], why: str
) -> None:
    instrument.replies = [reply, "+1.25000000E+00"]
    with pytest.raises(kind, match=why):
        multimeter.volts()
    assert multimeter.volts().volts == pytest.approx(1.25)


def test_another_instrument_is_refused(instrument: Scripted) -> None:
    instrument.identity = "Rigol Technologies,DM3058,DM3O1,01.01"
    with pytest.raises(WrongMultimeterError, match="DM3058"):
        Multimeter.open(instrument.resource, identity=PATTERN)
    instrument.identity = IDN
    Multimeter.open(instrument.resource, identity=PATTERN).close()


def test_an_instrument_that_was_changed_is_noticed(
    multimeter: Multimeter, instrument: Scripted
) -> None:
    instrument.replies = ["hang up", "+1.25000000E+00"]
    with pytest.raises(LinkError):
        multimeter.volts()
    instrument.identity = IDN.replace("MY53200001", "MY53200002")
    with pytest.raises(WrongMultimeterError, match="MY53200002"):
        multimeter.volts()


@pytest.mark.usefixtures("multimeter")
def test_it_has_one_owner(instrument: Scripted) -> None:
    with pytest.raises(OwnedError):
        Multimeter.open(instrument.resource, identity=PATTERN)


def pin_meter(multimeter: Multimeter) -> PinMeter:
    channel = ChannelSection.model_validate(
        {
            "channel": 1,
            "max_voltage": "5 V",
            "max_current": "1 A",
            "ovp": "6 V",
            "ocp": "2 A",
            "lead_resistance": "5 ohm",
        }
    )
    section = MultimeterSection.model_validate(
        {
            "visa": multimeter.resource,
            "identity": PATTERN,
            "accuracy": {"relative": "0.0035 %", "offset": "50 uV"},
        }
    )
    calibration = Calibration("CAL-7", datetime.date(2027, 6, 30), volts=30e-6)
    output = cast("Channel", SimpleNamespace(accuracy=dialect_of("DP832").accuracy))
    supply = Meter(output, channel, Instrument("DP832"))
    return PinMeter(supply, multimeter, section, calibration)


def test_the_pin_is_read_with_the_multimeters_uncertainty(
    multimeter: Multimeter, instrument: Scripted
) -> None:
    instrument.replies = [f"+1.8031{digit}E+00" for digit in (1, 2, 3, 2)]
    read = pin_meter(multimeter).volts("pin")
    assert read.value == pytest.approx(1.80312)
    accuracy = (35e-6 * 1.80312 + 50e-6) / math.sqrt(3)
    settling, scatter = 0.5e-5 / math.sqrt(3), 0.816e-5 / 2
    parts = (accuracy, 1e-5 / math.sqrt(12), 15e-6, settling, scatter)
    assert read.expanded == pytest.approx(2 * math.hypot(*parts), rel=0.01)
    assert read.expanded < 0.0002
    assert str(read.instrument) == "Keysight Technologies 34461A MY53200001"
    assert read.instrument.calibration.certificate == "CAL-7"
    assert len(read.raw) == 4
    with pytest.raises(UsageError, match="one reading or more"):
        pin_meter(multimeter).volts("pin", readings=0)


def test_a_run_that_was_paused_asks_nothing_once_another_has_it(
    multimeter: Multimeter, instrument: Scripted
) -> None:
    lease = multimeter._lease
    assert lease is not None
    Lease.fence(lease.name, lease.path, lease.token, note="somebody took over").release()
    asked = len(instrument.asked)
    with pytest.raises(OwnedError, match="somebody took over"):
        multimeter.volts()
    assert len(instrument.asked) == asked
