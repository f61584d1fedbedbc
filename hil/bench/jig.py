"""The jig and the rail: what a channel of the supply means for the device."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hil.bench.jig_file import JigFile
from hil.bench.performance import TOLERANCE_S
from hil.equipment.power_supply.stimulus import Span, TooFineError, Track
from hil.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import NoReturn

    from hil.bench.config import ChannelSection, RailSection
    from hil.bench.performance import Performance, Stage
    from hil.bench.recorder import Recorder
    from hil.equipment.power_supply import Channel, Reading, Regulation
    from hil.equipment.power_supply.stimulus import Stimulus, Then
    from hil.wire.device_auth import JigReading

SETTLE_S = 3.0


class Jig:
    """The channel that feeds the device's jig pin, and what the device must see there.

    Every set point goes through the limits of the cable in the driver; this class adds none.
    What it does, and what the device says to it, stands in the recorder it was given to.
    """

    def __init__(
        self,
        channel: Channel,
        section: ChannelSection,
        spec: JigFile | None,
        *,
        stage: Stage | None = None,
        recorder: Recorder | None = None,
        lack: Callable[[str], NoReturn] | None = None,
        name: str = "jig",
    ) -> None:
        self.name = name
        self.channel = channel
        self.section = section
        self._spec = spec
        self._stage = stage
        self._recorder = recorder
        self._lack = lack

    def recorded(self, recorder: Recorder, lack: Callable[[str], NoReturn] | None = None) -> Jig:
        """Return this jig with a recorder; ``lack`` is told what the supply is not fit for."""
        return Jig(
            self.channel,
            self.section,
            self._spec,
            stage=self._stage,
            recorder=recorder,
            lack=lack,
            name=self.name,
        )

    @property
    def recorder(self) -> Recorder:
        """What records this jig; the ``jig`` fixture gives it one."""
        if self._recorder is None:
            raise UsageError("this jig is not recorded: take it from the fixture 'jig'")
        return self._recorder

    @property
    def spec(self) -> JigFile:
        """What the device must see: nominal value, window, times. Needs the bench's ``jig``."""
        if self._spec is None:
            raise AttributeError("the bench has no jig file; mark the test @requires('jig')")
        return self._spec

    @property
    def nominal_volts(self) -> float:
        """Volts that the supply is set to for the genuine jig."""
        return self.spec.nominal_voltage or self.spec.compliance_voltage or 0.0

    @property
    def nominal_amps(self) -> float:
        """Amperes that the supply is limited to for the genuine jig."""
        return self.spec.nominal_current or self.spec.compliance_current

    def attach(
        self,
        volts: float | None = None,
        amps: float | None = None,
        *,
        regulation: Regulation | None = None,
    ) -> Reading:
        """Put volts, limited to amps, on the pin, nominal if not given; return when settled.

        ``regulation`` says what must settle: the voltage, or the current of a jig known by it.
        """
        volts = self.nominal_volts if volts is None else volts
        amps = self.nominal_amps if amps is None else amps
        self.channel.protect()
        begun_ns = time.monotonic_ns()
        self.channel.apply(volts, amps)
        reading = self.channel.on(
            settle_timeout_s=SETTLE_S, regulation=regulation or self._regulation
        )
        self._note(begun_ns, volts, amps, on=True, reading=reading)
        return reading

    def remove(self) -> None:
        """Take the jig away: output off, proven by a query."""
        begun_ns = time.monotonic_ns()
        self.channel.off()
        self._note(begun_ns, 0.0, 0.0, on=False)

    def read(self) -> Reading:
        """Measure what the supply gives now."""
        reading = self.channel.measure()
        if self._recorder is not None:
            self._recorder.reading(self.name, reading)
        return reading

    def sense(self) -> JigReading:
        """Ask the device what it senses on its jig pin."""
        return self.recorder.sense()

    def track(
        self,
        stimulus: Stimulus,
        *,
        volts: float | None = None,
        amps: float | None = None,
        at_s: float = 0.0,
        regulation: Regulation | None = None,
    ) -> Track:
        """Return ``stimulus`` as what this channel plays, for :meth:`play` with others.

        ``amps`` is the current limit under a stimulus of volts, ``volts`` what one of amps may
        reach; both are those of the genuine jig if not given. A low limit makes slow edges.
        """
        return Track(
            self.channel.number,
            stimulus,
            amps=self.nominal_amps if amps is None else amps,
            volts=self.nominal_volts if volts is None else volts,
            at_s=at_s,
            regulation=regulation or self._regulation,
        )

    def play(
        self,
        stimulus: Stimulus | Track,
        *others: Track,
        volts: float | None = None,
        amps: float | None = None,
        then: Then = "off",
        tolerance_s: float = TOLERANCE_S,
    ) -> Performance:
        """Play a stimulus on the pin, and :meth:`Rail.track` of others beside it; watch the device.

        >>> from hil.equipment.power_supply.stimulus import Pulse
        >>> def too_short(jig: Jig) -> bool:
        ...     pulse = Pulse(jig.nominal_volts, 0.05, base=0.9 * jig.nominal_volts)
        ...     return not jig.play(pulse).was_accepted

        Afterwards all of them are off, or stay at the last set points with ``then="hold"``. Raises
        :class:`SafetyError` beyond the limits of a cable, before anything is sent, and
        :class:`LateEdgeError` for an edge later than ``tolerance_s``. What the supply is too coarse
        for is lacking on this bench, as the fixture has it: not applicable.
        """
        if self._stage is None:
            raise UsageError("this jig has no stage: take it from the fixture 'jig'")
        first = (
            stimulus
            if isinstance(stimulus, Track)
            else self.track(stimulus, volts=volts, amps=amps)
        )
        try:
            return self._stage.perform(
                (first, *others), self.recorder, then=then, tolerance_s=tolerance_s
            )
        except TooFineError as err:
            if self._lack is not None:
                self._lack(str(err))
            raise

    @property
    def _regulation(self) -> Regulation:
        by_current = self._spec is not None and self._spec.nominal_current is not None
        return "current" if by_current else "voltage"

    def _note(
        self, begun_ns: int, volts: float, amps: float, *, on: bool, reading: Reading | None = None
    ) -> None:
        if self._recorder is None:
            return
        span = Span(begun_ns, time.monotonic_ns() if reading is None else reading.at_ns)
        self._recorder.set_point(self.name, span, volts, amps, on=on)
        if reading is not None:
            self._recorder.reading(self.name, reading)

    @contextmanager
    def attached(self, volts: float | None = None, amps: float | None = None) -> Iterator[Jig]:
        """Hold the jig at the pin for the context; it is off afterwards, whatever happened."""
        self.attach(volts, amps)
        try:
            yield self
        finally:
            self.remove()


class Rail:
    """The channel that powers the device."""

    def __init__(self, channel: Channel, section: RailSection) -> None:
        self.channel = channel
        self.section = section
        self._on = False

    @property
    def is_on(self) -> bool:
        """Whether this process switched the rail on, and nothing has switched it off since."""
        return self._on and self.channel.is_on

    def on(self) -> None:
        """Power the device at its nominal voltage; returns when settled."""
        self.channel.protect()
        self.channel.apply(self.section.nominal, self.section.current_limit)
        self.channel.on(settle_timeout_s=SETTLE_S)
        self._on = True

    def off(self) -> None:
        """Cut the device's power, proven by a query and by the voltage that has fallen."""
        self._on = False
        self.channel.off()

    def was_switched_off(self) -> None:
        """Take note that all outputs were switched off."""
        self._on = False

    def cycle(self) -> None:
        """Cut the power until the rail has fallen, and restore it."""
        self.off()
        self.on()

    def track(self, stimulus: Stimulus, *, amps: float | None = None, at_s: float = 0.0) -> Track:
        """Return ``stimulus`` as what the rail plays beside the jig, see :meth:`Jig.play`.

        It begins ``at_s`` seconds after the start; until then the rail is off. With ``then="hold"``
        the device is powered afterwards if the stimulus ends so.
        """
        return Track(
            self.channel.number,
            stimulus,
            amps=self.section.current_limit if amps is None else amps,
            volts=self.section.nominal,
            at_s=at_s,
        )

    def read(self) -> Reading:
        """Measure what the device draws now."""
        return self.channel.measure()
