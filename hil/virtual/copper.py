"""The wires between the virtual supply and the virtual device: volts one way, load the other.

A side channel beside SCPI, so that supply off means card mute and serial line silent. TCP on the
loopback, one JSON object a line:

* supply, at connect: ``{"channels":[1,2,3]}``, then for each channel, and again at every change,
  ``{"channel":1,"segments":[{"t0_ns":…,"law":"hold|ramp|exp","v0":…,"target":…,"rate_v_s":…,
  "tau_s":…}],"amps_limit":…}`` on CLOCK_MONOTONIC (both ends are on one machine);
* device, whenever its load changes: ``{"load":{"1":{"ohms":1e6},"2":{"ohms":12.0,"emf":0.0},
  "3":null}}`` (null: open; ``emf`` optional). Loads of several devices hang in parallel.

A lost connection is a cut cable: 0 V everywhere on the device's end, no load on the supply's.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from hil.errors import CodecError, LinkError, LinkTimeoutError
from hil.virtual.electrical import Law, Load, Segment, next_crossing, parallel, volts_at

_LOG = logging.getLogger(__name__)
_MAX_LINE = 65_536
_HISTORY = 64

Changed = Callable[[int], None]
"""Called with the number of a channel whose law has just changed (or was cut)."""


@dataclass(frozen=True, slots=True)
class ChannelLaw:
    """What one channel carries from now on: its chain, and the current limit in amps."""

    channel: int
    segments: tuple[Segment, ...]
    amps_limit: float = 0.0

    def encode(self) -> bytes:
        """Return the line of JSON that pushes this law."""
        segments = [
            {
                "t0_ns": segment.t0_ns,
                "law": segment.law.value,
                "v0": segment.v0,
                "target": segment.target,
                "rate_v_s": segment.rate_v_s,
                "tau_s": segment.tau_s,
            }
            for segment in self.segments
        ]
        return _line({"channel": self.channel, "segments": segments, "amps_limit": self.amps_limit})

    @classmethod
    def decode(cls, message: Mapping[str, object]) -> ChannelLaw:
        """Take a law out of a pushed message; :class:`CodecError` if it is none."""
        segments = message.get("segments")
        if not isinstance(segments, list) or not segments:
            raise CodecError(f"copper: a law needs its segments, got {message!r}")
        return cls(
            int(_number(message.get("channel"), "channel")),
            tuple(_segment(entry) for entry in segments),
            _number(message.get("amps_limit", 0.0), "amps_limit"),
        )


def _segment(entry: object) -> Segment:
    if not isinstance(entry, dict):
        raise CodecError(f"copper: a segment must be an object, got {entry!r}")
    try:
        law = Law(str(entry.get("law")))
    except ValueError as err:
        raise CodecError(f"copper: unknown law {entry.get('law')!r}") from err
    tau_s = _number(entry.get("tau_s", 0.0), "tau_s")
    if law is Law.EXP and tau_s <= 0:
        raise CodecError(f"copper: tau_s of an exp must be above 0, got {tau_s}")
    return Segment(
        int(_number(entry.get("t0_ns"), "t0_ns")),
        law,
        _number(entry.get("v0"), "v0"),
        _number(entry.get("target", 0.0), "target"),
        _number(entry.get("rate_v_s", 0.0), "rate_v_s"),
        tau_s,
    )


def _number(value: object, name: str) -> float | int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise CodecError(f"copper: {name} must be a finite number, got {value!r}")
    return value


def _line(message: object) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def _decode_line(line: bytes) -> Mapping[str, object]:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as err:
        raise CodecError(f"copper: not a line of JSON: {line[:80]!r}") from err
    if not isinstance(message, dict):
        raise CodecError(f"copper: a message must be an object, got {line[:80]!r}")
    return message


def decode_loads(message: Mapping[str, object]) -> dict[int, Load]:
    """Take the loads out of a device's message: channel number to :class:`Load`."""
    loads = message.get("load")
    if not isinstance(loads, dict):
        raise CodecError(f"copper: expected a load, got {message!r}")
    found: dict[int, Load] = {}
    for key, entry in loads.items():
        if not (isinstance(key, str) and key.isascii() and key.isdecimal() and len(key) <= 3):
            raise CodecError(f"copper: channel must be a number, got {key!r}")
        ohms = entry.get("ohms") if isinstance(entry, dict) else entry
        if ohms is None:
            found[int(key)] = Load()
            continue
        if not isinstance(entry, dict) or _number(ohms, "ohms") <= 0:
            raise CodecError(f"copper: ohms of channel {key} must be above 0, got {entry!r}")
        found[int(key)] = Load(
            float(_number(ohms, "ohms")), float(_number(entry.get("emf", 0.0), "emf"))
        )
    return found


class Copper:
    """The device's end of the wires. Make it with :meth:`connect`, inside a running loop."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.channels: tuple[int, ...] = ()
        self.on_change: Changed | None = None
        self.on_law: Callable[[ChannelLaw], None] | None = None
        self._laws: dict[int, ChannelLaw] = {}
        self._loads: dict[int, Load] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._pump: asyncio.Task[None] | None = None
        self._complete = asyncio.Event()

    @classmethod
    async def connect(
        cls, address: str, *, on_change: Changed | None = None, timeout_s: float = 5.0
    ) -> Copper:
        """Connect to ``HOST:PORT`` and wait until the law of every channel is known.

        Raises :class:`LinkError` if nobody listens there or the other end is no copper.
        """
        copper = cls(address)
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal():
            raise LinkError(f"copper {address!r}: give the address as HOST:PORT")
        try:
            async with asyncio.timeout(timeout_s):
                reader, copper._writer = await asyncio.open_connection(
                    host, int(port), limit=_MAX_LINE
                )
                copper._pump = asyncio.create_task(copper._read(reader))
                await copper._complete.wait()
        except TimeoutError as err:
            await copper.close()
            raise LinkTimeoutError(f"copper {address}: silent for {timeout_s} s") from err
        except OSError as err:
            raise LinkError(f"copper {address}: {err.strerror or err}") from err
        if copper.lost:
            await copper.close()
            raise LinkError(f"copper {address}: the other end hung up or is not a virtual supply")
        copper.on_change = on_change
        return copper

    @property
    def laws(self) -> tuple[ChannelLaw, ...]:
        """What every channel carries, with its near past."""
        return tuple(self._laws.values())

    @property
    def lost(self) -> bool:
        """Whether the wires are cut: every channel reads 0 V from then on."""
        return self._pump is None or self._pump.done()

    def volts(self, channel: int, at_ns: int | None = None) -> float:
        """Return the volts of ``channel`` at ``at_ns`` (default: now); 0 when the wires are cut."""
        law = self._laws.get(channel)
        if law is None or self.lost:
            return 0.0
        return volts_at(law.segments, time.monotonic_ns() if at_ns is None else at_ns)

    def amps(self, channel: int, at_ns: int | None = None) -> float:
        """Return the amps that flow into this device's own load on ``channel``."""
        if self.lost:
            return 0.0
        return self._loads.get(channel, Load()).amps(self.volts(channel, at_ns))

    def next_crossing(self, channel: int, volts: float, after_ns: int) -> int | None:
        """Return when ``channel`` passes ``volts`` next by the law known now, or None."""
        law = self._laws.get(channel)
        return None if law is None or self.lost else next_crossing(law.segments, volts, after_ns)

    def set_load(self, channel: int, ohms: float | None, *, emf: float = 0.0) -> None:
        """Hang ``ohms`` (None: nothing) on ``channel``; the supply answers with a new law."""
        load = Load(ohms, emf)
        if self._loads.get(channel, Load()) == load:
            return
        self._loads[channel] = load
        if self._writer is not None and not self.lost:
            entry = None if ohms is None else {"ohms": ohms, "emf": emf}
            self._writer.write(_line({"load": {str(channel): entry}}))

    async def close(self) -> None:
        """Cut the wires; may be called again."""
        self.on_change = None
        if self._pump is not None:
            self._pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pump
        if self._writer is not None:
            await _close_writer(self._writer)
            self._writer = None

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                self._take(_decode_line(line))
        except (OSError, ValueError, CodecError) as err:
            _LOG.warning("copper %s is cut: %s", self.address, err)
        finally:
            # Cut first, then tell: whoever is told reads 0 V.
            self._laws.clear()
            self._complete.set()
            for channel in self.channels:
                self._tell(channel)

    def _take(self, message: Mapping[str, object]) -> None:
        if "channels" in message:
            channels = message["channels"]
            if not isinstance(channels, list):
                raise CodecError(f"copper: channels must be a list, got {channels!r}")
            self.channels = tuple(int(_number(channel, "channel")) for channel in channels)
            return
        law = ChannelLaw.decode(message)
        if self.on_law is not None:
            self.on_law(law)
        self._laws[law.channel] = _with_history(self._laws.get(law.channel), law)
        if set(self.channels) <= set(self._laws):
            self._complete.set()
        self._tell(law.channel)

    def _tell(self, channel: int) -> None:
        if self.on_change is not None:
            self.on_change(channel)


def _with_history(before: ChannelLaw | None, law: ChannelLaw) -> ChannelLaw:
    """Keep what was true before the new law begins, for whoever asks about the near past."""
    if before is None:
        return law
    begins = law.segments[0].t0_ns
    past = [segment for segment in before.segments if segment.t0_ns < begins]
    return ChannelLaw(law.channel, (*past[-_HISTORY:], *law.segments), law.amps_limit)


async def _close_writer(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):  # a peer that has gone needs no good-bye
        await writer.wait_closed()


LoadChanged = Callable[[int, Load], None]


class CopperServer:
    """The supply's end: pushes laws to every connected device and adds up their loads.

    ``on_load`` is called with a channel and the load all devices amount to, whenever it changes.
    """

    def __init__(self, channels: Iterable[int], on_load: LoadChanged | None = None) -> None:
        self._channels = tuple(channels)
        self._on_load = on_load
        self._laws = {
            channel: ChannelLaw(channel, (Segment(time.monotonic_ns(), Law.HOLD, 0.0),))
            for channel in self._channels
        }
        self._clients: dict[asyncio.StreamWriter, dict[int, Load]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.address = ""

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen, and return the address as ``HOST:PORT``."""
        self._server = await asyncio.start_server(self._serve, host, port, limit=_MAX_LINE)
        name = self._server.sockets[0].getsockname()
        self.address = f"{name[0]}:{name[1]}"
        return self.address

    def push(self, law: ChannelLaw) -> None:
        """Tell every device what its channel carries from now on."""
        self._laws[law.channel] = law
        for writer in self._clients:
            writer.write(law.encode())

    async def close(self) -> None:
        """Hang up on every device and stop listening."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a stream callback always runs in a task
        self._tasks.add(task)
        self._clients[writer] = {}
        try:
            writer.write(_line({"channels": list(self._channels)}))
            for law in self._laws.values():
                writer.write(law.encode())
            while line := await reader.readline():
                self._take(writer, decode_loads(_decode_line(line)))
        except (OSError, ValueError, CodecError) as err:
            _LOG.warning("copper: hanging up on a device: %s", err)
        except asyncio.CancelledError:
            _LOG.debug("copper: hanging up, the supply ends")
        finally:
            gone = self._clients.pop(writer)
            self._sum_up(gone)
            self._tasks.discard(task)
            writer.close()

    def _take(self, writer: asyncio.StreamWriter, loads: Mapping[int, Load]) -> None:
        unknown = set(loads) - set(self._channels)
        if unknown:
            raise CodecError(f"copper: no channel {sorted(unknown)} on this supply")
        self._clients[writer].update(loads)
        self._sum_up(loads)

    def _sum_up(self, channels: Iterable[int]) -> None:
        if self._on_load is None:
            return
        for channel in channels:
            loads = (loads.get(channel, Load()) for loads in self._clients.values())
            self._on_load(channel, parallel(*loads))
