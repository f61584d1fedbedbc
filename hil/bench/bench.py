"""The bench in a test's hands: equipment that opens when it is first used and closes safely."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Self, TypeVar

from hil.bench import banner
from hil.bench.capabilities import capabilities
from hil.bench.hold import Hold
from hil.bench.jig import Jig, Rail
from hil.bench.launcher import START_S, Launcher, ServerAddresses
from hil.bench.performance import Stage
from hil.bench.safe_state import SAFE_STATE
from hil.bench.servers import Servers
from hil.bench.supply_guard import SupplyGuard
from hil.errors import BenchError, HilError, UsageError
from hil.observer import NullObserver, Observer

if TYPE_CHECKING:
    from hil.bench.desk import Desk
    from hil.bench.lab import Lab
    from hil.bench.meter import Meter
    from hil.bench.weather import Weather
    from hil.equipment.card import Card
    from hil.equipment.card.administration import Administration
    from hil.equipment.card.over_the_air import OverTheAirSession
    from hil.equipment.card.recognition import CardInfo
    from hil.equipment.device.device import Device
    from hil.equipment.multimeter import Multimeter
    from hil.equipment.power_supply import OffReport, PowerSupply

_log = logging.getLogger(__name__)
_Section = TypeVar("_Section")
REFERENCE_DIALECT: Final = "hil-reference"
_OPENED: Final = (
    "power_supply", "multimeter", "jig", "neighbour", "rail", "card", "over_the_air",
    "administration", "recognised", "device", "servers", "desk", "smsc", "weather",
)  # fmt: skip


class Bench:
    """One bench, by its loaded file. Nothing is opened before it is used.

    ``folder`` belongs to this process alone and gets logs and state. Use it as a context manager,
    or call :meth:`close`; from the first opening on, the outputs also go off at SIGTERM, SIGHUP and
    at the interpreter's exit, and by a watchdog process when this one can do nothing. ``deadline``
    tells it by when (:func:`time.monotonic`) a sign of this process's life must come, 0 for never;
    ``alarm`` is the file on which it speaks, standard error by default.
    """

    def __init__(
        self,
        lab: Lab,
        folder: Path,
        *,
        observer: Observer | None = None,
        timeout_s: float = START_S,
        deadline: Callable[[], float] = lambda: 0.0,
        alarm: int | None = None,
    ) -> None:
        self.lab = lab
        self.folder = folder
        self.deadline = deadline
        self.alarm = alarm
        self.capabilities = capabilities(lab)
        self.observer: Observer = observer or NullObserver()
        self.launcher = Launcher(lab, folder, timeout_s=timeout_s)
        self._closers: list[tuple[str, Callable[[], object]]] = []
        self._hold: Hold | None = None
        self._supply: PowerSupply | None = None
        self._guard: SupplyGuard | None = None
        self._forget: Callable[[], None] | None = None

    def __enter__(self) -> Self:
        """Return the bench."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the bench."""
        self.close()

    @property
    def name(self) -> str:
        """The bench's name: the stem of its file."""
        return self.lab.name

    @cached_property
    def power_supply(self) -> PowerSupply:
        """The power supply: identified, outputs proven off, within the limits of its cables."""
        self._begin()
        from hil.bench.cables import accuracy_of, limits_of, serial_line_of  # noqa: PLC0415
        from hil.equipment.power_supply import PowerSupply  # noqa: PLC0415

        section = self._section("power_supply", self.lab.file.power_supply)
        resource = self.launcher.power_supply()
        guard = SupplyGuard(self)
        try:
            supply = PowerSupply.open(
                resource,
                model=section.model,
                limits=limits_of(section),
                observer=self.observer,
                expected_serial=section.serial,
                timeout_s=section.timeout,
                serial_line=serial_line_of(section),
                accuracy=accuracy_of(section),
            )
        except BaseException:
            guard.let_go()
            raise
        # From the last to the first: off, then closed, then what the watchdog has to say.
        self._closers.append(("watchdog", guard.check_end))
        self._closers.append(("close power supply", supply.close))
        self._closers.append(("power supply off", self.outputs_off))
        self._supply = supply
        self._guard = guard
        guard.watch(supply)
        return supply

    def outputs_off(self) -> OffReport | None:
        """Switch all outputs of the supply off, proven; None if it was never opened.

        Over a connection of its own if the first is gone. Raises BenchError if it is not proven, or
        if the supply is no longer this run's.
        """
        if self._supply is None or self._guard is None:
            return None
        report = self._guard.switch_off(self._supply)
        rail = self.__dict__.get("rail")
        if isinstance(rail, Rail):
            rail.was_switched_off()
        return report

    @cached_property
    def jig(self) -> Jig:
        """The jig: the supply's channel on the device's jig pin. Off until attached."""
        section = self._section("power_supply", self.lab.file.power_supply).channels.jig
        channel = self._section("power_supply.channels.jig", section)
        return Jig(
            self.power_supply.channel(channel.channel), channel, self.lab.jig, stage=self._stage
        )

    @property
    def _stage(self) -> Stage:
        section = self._section("power_supply", self.lab.file.power_supply)
        names = {one.channel: name for name, one in section.channels.by_name.items()}
        return Stage(self.power_supply, names, command_time_s=section.command_time)

    @cached_property
    def neighbour(self) -> Jig:
        """The supply's channel on the pin beside the jig pin. Off until attached."""
        section = self._section("power_supply", self.lab.file.power_supply).channels.neighbour
        channel = self._section("power_supply.channels.neighbour", section)
        return Jig(
            self.power_supply.channel(channel.channel),
            channel,
            self.lab.jig,
            stage=self._stage,
            name="neighbour",
        )

    @cached_property
    def rail(self) -> Rail:
        """The supply rail of the device. Off until switched on."""
        section = self._section("power_supply", self.lab.file.power_supply).channels.rail
        channel = self._section("power_supply.channels.rail", section)
        return Rail(self.power_supply.channel(channel.channel), channel)

    def supply_meter(self, which: Literal["jig", "rail"]) -> Meter:
        """Return the supply itself as what measures one of its channels, and sets it."""
        from hil.bench.meter import Meter  # noqa: PLC0415
        from hil.metrology import Instrument  # noqa: PLC0415

        end = self.jig if which == "jig" else self.rail
        who = self.power_supply.identity
        instrument = Instrument(who.model, who.serial, who.firmware, self.lab.calibration)
        return Meter(end.channel, end.section, instrument)

    def meter(self, which: Literal["jig", "rail"]) -> Meter:
        """Return what measures a channel of the supply, with its uncertainty and calibration."""
        meter = self.supply_meter(which)
        section = self.lab.file.multimeter
        if which == "rail" or section is None:
            return meter
        from hil.bench.pin_meter import PinMeter  # noqa: PLC0415

        return PinMeter(meter, self.multimeter, section, self.lab.multimeter_calibration)

    @cached_property
    def multimeter(self) -> Multimeter:
        """The multimeter at the jig pin, identified."""
        self._begin()
        from hil.equipment.multimeter import Multimeter  # noqa: PLC0415

        section = self._section("multimeter", self.lab.file.multimeter)
        opened = Multimeter.open(
            section.visa,
            identity=section.identity,
            query=section.query,
            observer=self.observer,
            timeout_s=section.timeout,
        )
        self._closers.append(("close multimeter", opened.close))
        return opened

    @cached_property
    def card(self) -> Card:
        """The eUICC, not connected yet."""
        self._begin()
        from hil.bench.card_opening import open_card  # noqa: PLC0415

        section = self._section("card", self.lab.file.card)
        address = self.launcher.card()
        device = self.device if address.at else None
        card = open_card(address, section, device=device, observer=self.observer)
        self._closers.append(("disconnect card", card.disconnect))
        return card

    @cached_property
    def over_the_air(self) -> OverTheAirSession:
        """The card's ISD-R by SCP80, with the last key set of the file: the lab's own."""
        from hil.equipment.card.over_the_air import OverTheAirSession  # noqa: PLC0415
        from hil.wire.scp80 import OtaKeySet  # noqa: PLC0415

        keys = self._section("key_sets.euicc", self.lab.euicc_keys).isd_r_scp80[-1]
        chosen = OtaKeySet(keys.kvn, keys.kic, keys.kid, keys.dek)
        return OverTheAirSession(self.card, chosen, counter=keys.counter)

    @cached_property
    def administration(self) -> Administration:
        """The card's ISD-R by SCP81, with the pre-shared key of the file."""
        from hil.equipment.card.administration import Administration, AdminKey  # noqa: PLC0415
        from hil.wire.admin_session import PskIdentity  # noqa: PLC0415
        from hil.wire.identifiers import ISD_R_AID  # noqa: PLC0415

        keys = self._section("key_sets.euicc", self.lab.euicc_keys)
        shared = self._section("card.scp81", keys.isd_r_scp81)
        identity = PskIdentity(keys.eid, ISD_R_AID, shared.kvn, shared.kid)
        return Administration(self.over_the_air, AdminKey(identity, shared.psk))

    @cached_property
    def recognised(self) -> CardInfo:
        """What the card is and shows without keys; asked once."""
        from hil.equipment.card.recognition import recognise  # noqa: PLC0415

        return recognise(self.card)

    @cached_property
    def device(self) -> Device:
        """The device under test, powered by the rail where there is one, and ready."""
        self._begin()
        from hil.equipment.device.device import Device  # noqa: PLC0415

        section = self._section("device", self.lab.file.device)
        port = self.launcher.device()
        supply = self.lab.file.power_supply
        if supply is not None and supply.channels.rail is not None and not self.rail.is_on:
            self.rail.on()
        device = Device.open(
            port,
            dialect=self.lab.dialect or REFERENCE_DIALECT,
            baudrate=section.serial.baudrate if section.serial else 115_200,
            observer=self.observer,
            timeout_s=section.boot_timeout,
        )
        self._closers.append(("close device", device.close))
        return device

    @cached_property
    def wireless(self) -> Device:
        """The device under test over its second link, once it is ready on the first."""
        from hil.equipment.device.device import Device  # noqa: PLC0415

        section = self._section("device", self.lab.file.device)
        first = self.device
        device = Device.open(
            self.launcher.wireless(),
            dialect=self.lab.dialect or REFERENCE_DIALECT,
            observer=self.observer,
            timeout_s=section.boot_timeout,
            name="device (wireless)",
        )
        # Both links set up the same line: the first one speaks last, so that it is answered again.
        first.wait_ready(timeout_s=section.boot_timeout)
        self._closers.append(("close wireless link", device.close))
        return device

    @cached_property
    def servers(self) -> Servers:
        """The provisioning servers, running."""
        self._begin()
        self._section("servers", self.lab.file.servers)
        return self._servers(self.launcher.servers())

    def restart_servers(self) -> None:
        """Kill the servers, and start them again over what they have stored.

        They come back at their addresses, but know nobody's session: clients from before are of no
        use, nor are those that the desk has handed out.
        """
        self._section("servers", self.lab.file.servers)
        servers = self._servers(self.launcher.restart_servers())
        self.__dict__["servers"] = servers
        if self.opened("desk"):
            self.desk.renew(servers)

    def _servers(self, addresses: ServerAddresses) -> Servers:
        section = self._section("servers", self.lab.file.servers)
        return Servers(
            urls=addresses.kinds,
            actors=addresses.actors,
            links=addresses.links,
            certificates=addresses.certificates,
            section=section,
            keys=self._section("key_sets.servers", self.lab.server_keys),
            observer=self.observer,
        )

    @cached_property
    def desk(self) -> Desk:
        """The operator's desk: a client of each server, with a session that lasts."""
        from hil.bench.desk import Desk  # noqa: PLC0415

        desk = Desk(self.servers)
        self._closers.append(("close the clients of the servers", desk.close))
        return desk

    @cached_property
    def smsc(self) -> str:
        """Address (host:port) of the SMS centre, SMPP 3.4."""
        self._begin()
        self._section("network", self.lab.file.network)
        return self.launcher.network()[0]

    @cached_property
    def weather(self) -> Weather:
        """What becomes of short messages on the network of the bench; fair until told otherwise."""
        self._begin()
        from hil.bench.weather import Weather  # noqa: PLC0415

        self._section("network", self.lab.file.network)
        weather = Weather(*self.launcher.weather())
        self._closers.append(("clear the weather", weather.clear))
        return weather

    def banner(self, *, open_all: bool = False) -> list[str]:
        """Return the lines that tell which bench this is.

        Equipment that is open tells its own identity; the rest stands as the file has it. With
        ``open_all`` everything is opened first. Raises BenchError if something is not there.
        """
        if open_all:
            self._begin()
            self.launcher.start_all()
        from hil.bench.inventory import inventory  # noqa: PLC0415
        from hil.bench.papers import papers  # noqa: PLC0415

        items = banner.table(inventory(self, open_all=open_all))
        return [banner.head(self.lab), *items, *papers(self.lab)]

    def beat(self) -> None:
        """Tell the watchdog the present deadline at once."""
        if self._guard is not None:
            self._guard.beat()

    def check_held(self) -> None:
        """Raise BusyError if the bench is another run's by now, because this one was paused."""
        if self._hold is not None:
            self._hold.check()

    def opened(self, name: str) -> bool:
        """Whether a property of this bench (``card``, ``device``, …) has been opened."""
        return name in self.__dict__

    def close(self) -> None:
        """Switch outputs off, close everything, end the virtual parts. Idempotent.

        Every step has its turn; raises BenchError that names the steps that failed.
        """
        failed: list[str] = []
        again: list[tuple[str, Callable[[], object]]] = []
        while self._closers:
            name, close = self._closers.pop()
            try:
                close()
            except (HilError, OSError) as err:
                _log.exception("%s", name)
                failed.append(f"{name}: {err}")
                again.insert(0, (name, close))
        self._closers = again
        for name in _OPENED:
            self.__dict__.pop(name, None)
        if not failed:
            self._supply = self._guard = None
        try:
            self.launcher.close()
        except BenchError as err:
            failed.append(str(err))
        if self._hold is not None:
            self._hold.release()
            self._hold = None
        if self._forget is not None and not failed:
            self._forget()
            self._forget = None
        if failed:
            raise BenchError(f"bench '{self.name}' did not close cleanly: {'; '.join(failed)}")

    def _begin(self) -> None:
        if self._hold is None:
            self._hold = Hold.take(self.lab)
        if self._forget is None:
            self._forget = SAFE_STATE.register(f"bench '{self.name}'", self.close)

    def _section(self, name: str, section: _Section | None) -> _Section:
        if section is None:
            raise UsageError(
                f"bench '{self.name}' has no {name}; mark the test with what it needs: "
                f'@pytest.mark.requires("{name.replace(".channels", "")}")'
            )
        return section
