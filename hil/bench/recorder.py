"""Records what happens at the jig pin during one test: set points, readings, the device's words."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from hil.errors import HilError, LinkTimeoutError, ProtocolError
from hil.evidence.waveform import Mark, Waveform, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hil.bench.jig_file import JigFile
    from hil.equipment.power_supply import Reading
    from hil.equipment.power_supply.stimulus import Span, Stamp
    from hil.wire.device_auth import JigReading

WATCH_S: Final = 0.010
"""Rest between two questions to the device while it is watched."""
SILENT: Final = "silent"
_END_S: Final = 10.0


class Recorder:
    """Collects the marks of one test. ``ask`` asks the device what it senses on its pin.

    Safe to use from several threads.
    """

    def __init__(self, ask: Callable[[], JigReading], *, window: Window | None = None) -> None:
        self._ask = ask
        self._window = window
        self._marks: list[Mark] = []

    def sense(self) -> JigReading:
        """Ask the device what it senses, and record its answer; its silence is recorded, too."""
        begun_ns = time.monotonic_ns()
        try:
            reading = self._ask()
        except LinkTimeoutError as err:
            self._add(
                Mark("device", "device", begun_ns, time.monotonic_ns(), state=SILENT, note=str(err))
            )
            raise
        self._add(
            Mark(
                "device",
                "device",
                begun_ns,
                time.monotonic_ns(),
                reading.volts,
                reading.amps,
                reading.state,
                reading.accepted,
            )
        )
        return reading

    def reading(self, source: str, reading: Reading) -> None:
        """Record a reading of the supply."""
        self._add(
            Mark(
                "read",
                source,
                reading.at_ns - reading.span_ns,
                reading.at_ns,
                reading.volts,
                reading.amps,
            )
        )

    def stamp(self, source: str, stamp: Stamp) -> None:
        """Record an edge."""
        self.set_point(
            source, stamp.span, stamp.volts, stamp.amps, on=stamp.on, due_ns=stamp.due_ns
        )

    def set_point(
        self,
        source: str,
        span: Span,
        volts: float,
        amps: float,
        *,
        on: bool,
        due_ns: int | None = None,
    ) -> None:
        """Record a set point that was made within ``span``, and when it was due."""
        self._add(
            Mark(
                "set",
                source,
                span.earliest_ns,
                span.latest_ns,
                volts,
                amps,
                "on" if on else "off",
                due_ns=due_ns,
            )
        )

    @contextmanager
    def watching(self, *, period_s: float = WATCH_S) -> Iterator[None]:
        """Ask the device again and again, in another thread, for as long as the context lasts.

        A device that is silent (it may have no power) is asked again. What else goes wrong with it
        is raised at the end.
        """
        stop = threading.Event()
        failed: list[BaseException] = []

        def ask_on() -> None:
            while not stop.is_set():
                try:
                    self.sense()
                except (LinkTimeoutError, ProtocolError):
                    pass  # recorded as silence; half an answer comes from a device that restarts
                except HilError as err:
                    failed.append(err)
                    return
                stop.wait(period_s)

        thread = threading.Thread(target=ask_on, name="jig recorder", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(_END_S)
        if failed:
            raise failed[0]

    def waveform(self, *, since_ns: int | None = None, start_ns: int | None = None) -> Waveform:
        """Return what has been recorded (from ``since_ns`` on); ``start_ns`` becomes its 0 s."""
        marks = tuple(self._marks)
        if since_ns is not None:
            marks = tuple(mark for mark in marks if mark.latest_ns >= since_ns)
        first = min((mark.earliest_ns for mark in marks), default=time.monotonic_ns())
        zero = first if start_ns is None else start_ns
        return Waveform.of(marks, start_ns=zero, window=self._window)

    def _add(self, mark: Mark) -> None:
        self._marks.append(mark)


def window_of(spec: JigFile) -> Window:
    """Return what a jig file wants of the pin, in volts or amps."""
    unit = "V" if spec.nominal_voltage is not None else "A"
    nominal = spec.nominal_voltage if spec.nominal_voltage is not None else spec.nominal_current
    assert nominal is not None  # noqa: S101 - a jig file has one of the two
    outer = spec.window + spec.hysteresis
    return Window(
        low=nominal * (1 - spec.window),
        high=nominal * (1 + spec.window),
        release_low=nominal * (1 - outer),
        release_high=nominal * (1 + outer),
        debounce_s=spec.debounce,
        dwell_s=spec.dwell,
        revoke_s=spec.revoke,
        unit="V" if unit == "V" else "A",
    )
