"""Starts the virtual parts of a bench and hands out addresses, real or virtual alike.

This is the only place that knows real from virtual. Each part starts when it is first asked for,
with what it needs before it: power supply, pcscd, eUICC, network, device, servers. The end takes
the opposite order.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from hil.bench import part_files, server_files
from hil.bench.part import Part
from hil.errors import BenchError, ConfigError, ProtocolError

if TYPE_CHECKING:
    from hil.bench.lab import Lab

_log = logging.getLogger(__name__)

OPEN_CARD: Final = "hil.virtual.euicc:open_card"
CARD_CONTACTS: Final = "hil.virtual.euicc.contacts:Contacts"
PCSC_SOCKET_ENV: Final = "PCSCLITE_CSOCK_NAME"
START_S: Final = 60.0
"""Longest wait for a part: ten times what one takes, for a machine with ten times as much to do.
One that ended is noticed at once."""
STOP_S: Final = 3.0
DEFAULT_VIRTUAL_SUPPLY: Final = "DP832"


@dataclass(frozen=True, slots=True)
class CardAddress:
    """Where the card is: a PC/SC reader (regular expression), an object, or the device's port."""

    reader: str | None = None
    contacts: Any = None
    at: bool = False
    interrupt: Callable[[], None] | None = None
    """Ends a command that the card never answers; only where the bench owns the card's socket."""
    hold: threading.Lock | None = None
    """Who holds it has the object ``contacts`` alone."""


@dataclass(frozen=True, slots=True)
class ServerAddresses:
    """Base URLs: of the first actor of each kind, of each actor by id, of dedicated links.

    ``certificates`` is the folder with those of all parties, None where no TLS is spoken.
    """

    kinds: dict[str, str]
    actors: dict[str, str]
    links: dict[str, str]
    certificates: Path | None = None


class Launcher:
    """Addresses of one bench. ``folder`` gets the logs; it must be this process's own.

    What the parts are told and what they keep, keys included, lies in a private folder that ends
    with them: the folder of a run is evidence, and is handed on.
    """

    def __init__(self, lab: Lab, folder: Path, *, timeout_s: float = START_S) -> None:
        self._lab = lab
        self._folder = folder
        self._private: tempfile.TemporaryDirectory[str] | None = None
        self._timeout_s = timeout_s
        self._parts: dict[str, Part] = {}
        self._endings: list[tuple[str, Callable[[], object]]] = []
        self._environment: dict[str, str] = {}
        self._certificates: Path | None = None
        self._card: CardAddress | None = None
        self._card_socket = ""
        self._vpcd = ""
        self._outer: dict[str, str | None] = {}

    def start_all(self) -> None:
        """Start every part of the bench; those that do not need each other start side by side."""
        bench = self._lab.file
        if bench.power_supply and bench.power_supply.virtual:
            self._begin_power_supply()
        if bench.network:
            self._begin_network()
        if bench.servers:
            self._begin_servers()
        if bench.card:
            self.card()
        if bench.device:
            self.device()
        for part in self._parts.values():
            part.wait_ready(timeout_s=self._timeout_s)

    def check_alive(self) -> None:
        """Raise PartError if a part has ended by itself."""
        for part in self._parts.values():
            part.check_alive()

    # Power supply -------------------------------------------------------------------------------

    def power_supply(self) -> str:
        """Return the VISA resource of the power supply."""
        section = self._lab.file.power_supply
        if section is None:
            raise ConfigError(f"bench '{self._lab.name}' has no power_supply")
        if section.visa is not None:
            return section.visa
        return self._ready("power-supply", self._begin_power_supply).address("resource")

    def power_supply_lifelines(self) -> tuple[int, ...]:
        """Return what whoever must still reach the supply after our end has to hold open.

        A virtual supply then stays on without us, as a real one does.
        """
        part = self._parts.get("power-supply")
        return () if part is None else (part.lifeline,)

    def power_supply_patience(self, stated_s: float) -> float:
        """Return how long a supply that is away is worth waiting for: a virtual one stays away."""
        return min(stated_s, STOP_S) if "power-supply" in self._parts else stated_s

    def _begin_power_supply(self) -> Part:
        section = self._lab.file.power_supply
        assert section is not None and section.virtual is not None  # noqa: S101, PT018
        virtual = section.virtual
        stated = DEFAULT_VIRTUAL_SUPPLY if section.model.casefold() == "auto" else section.model
        cables = (
            f"--cable={one.channel}={one.ohms_to_pin}"
            for one in section.channels.by_name.values()
            if one.ohms_to_pin
        )
        return self._begin(
            "power-supply",
            "power_supply",
            *("--model", virtual.model or stated, "--seed", str(virtual.seed)),
            *(() if virtual.serial is None else ("--serial", virtual.serial)),
            *(() if virtual.way is None else ("--way", virtual.way)),
            *("--port", "0", "--hislip-port", "0", "--copper-port", "0"),
            *cables,
        )

    # Card ---------------------------------------------------------------------------------------

    def card(self) -> CardAddress:
        """Return where the card is; a virtual eUICC is in its reader when this returns."""
        if self._card is None:
            self._card = self._find_card()
        return self._card

    def _find_card(self) -> CardAddress:
        section = self._lab.file.card
        if section is None:
            raise ConfigError(f"bench '{self._lab.name}' has no card")
        if section.pcsc is not None:
            return CardAddress(reader=section.pcsc.reader)
        if section.at is not None:
            return CardAddress(at=True)
        assert section.virtual is not None  # noqa: S101 - the model says exactly one
        if section.virtual.behind == "pcsc":
            return self._start_reader()
        return CardAddress(contacts=self._open_card(), hold=threading.Lock())

    def _factory(self) -> Path:
        return part_files.write_private(
            self._state() / "euicc-factory.json", part_files.euicc_factory(self._lab)
        )

    def _start_reader(self) -> CardAddress:
        from hil.bench.pcscd import PrivatePcscd  # noqa: PLC0415 - only with PC/SC

        daemon = PrivatePcscd.start(readers=1, timeout_s=self._timeout_s)
        self._endings.append(("pcscd", daemon.stop))
        for name, value in daemon.environment.items():
            # The PC/SC library of this process reads it at its first context, once.
            self._outer[name] = os.environ.get(name)
            os.environ[name] = value
            self._environment[name] = value
        self._begin(
            "euicc",
            "euicc",
            *("--vpcd", f"127.0.0.1:{daemon.vpcd_port}"),
            *("--nvm", str(self._made("euicc")), "--factory", str(self._factory())),
        ).wait_ready(timeout_s=self._timeout_s)
        return CardAddress(reader=daemon.reader_patterns[0], interrupt=daemon.cut)

    def _open_card(self) -> object:
        nvm = self._made("euicc")
        card = _named(OPEN_CARD)(nvm, part_files.euicc_factory(self._lab))
        self._endings.append(("in-process card", card.close))
        return card

    def _card_for_device(self) -> str:
        """Return what the virtual device is told as its ``--esim``."""
        if self._lab.file.card is None:
            return "none"
        address = self.card()
        if address.reader is not None:
            return f"pcsc:{address.reader}"
        if address.contacts is None:
            raise ConfigError(
                f"bench '{self._lab.name}': a virtual device needs a virtual card or a reader; "
                "'card.at' is for real devices"
            )
        if not self._card_socket:
            contacts = _named(CARD_CONTACTS)(address.contacts, address.hold)
            self._endings.append(("card contacts", contacts.close))
            host, port = contacts.serve("127.0.0.1", 0)
            self._card_socket = f"socket:{host}:{port}"
        return self._card_socket

    # Network, device, servers -------------------------------------------------------------------

    def network(self) -> tuple[str, str]:
        """Return the addresses of the SMS centre (SMPP) and of the air."""
        part = self._ready("network", self._begin_network)
        return part.address("smpp"), part.address("radio")

    def weather(self) -> tuple[str, str]:
        """Return the addresses of the network's weather face and of the air."""
        part = self._ready("network", self._begin_network)
        return part.address("weather"), part.address("radio")

    def _begin_network(self) -> Part:
        section = self._lab.file.network
        if section is None:
            raise ConfigError(f"bench '{self._lab.name}' has no network")
        allowed = part_files.write_private(
            self._state() / "smpp-accounts.json", server_files.accounts(self._lab)
        )
        return self._begin(
            "network",
            "network",
            *("--accounts", str(allowed)),
            *self._subscribers(),
            *("--smpp-port", "0", "--radio-port", "0", "--weather-port", "0"),
            *("--seed", str(section.virtual.seed)),
            *("--latency-ms", f"{section.virtual.latency * 1000:g}"),
        )

    def _subscribers(self) -> tuple[str, ...]:
        """Tell the virtual network who subscribes to it, where the bench file does."""
        keys = self._lab.network_keys
        if keys is None:
            return ()
        file = part_files.write_private(self._state() / "subscribers.json", keys.register())
        return ("--subscribers", str(file))

    def device(self) -> str:
        """Return the serial port of the device."""
        section = self._lab.file.device
        if section is None:
            raise ConfigError(f"bench '{self._lab.name}' has no device")
        if section.serial is not None:
            return section.serial.port
        return self._ready("device", self._begin_device).address("port")

    def wireless(self) -> str:
        """Return the URL of the second link to the device."""
        section = self._lab.file.device
        if section is not None and section.wireless is not None:
            return section.wireless.url
        if section is None or section.virtual is None or not section.virtual.wireless:
            raise ConfigError(f"bench '{self._lab.name}' has no wireless link to its device")
        return self._ready("device", self._begin_device).address("wireless")

    def _begin_device(self) -> Part:
        supply = self._lab.file.power_supply
        device = self._lab.file.device
        virtual = device.virtual if device is not None else None
        copper, jig, rail, neighbour = "none", 1, 2, 0
        if supply is not None and supply.virtual is not None:
            copper = self._ready("power-supply", self._begin_power_supply).address("copper")
            channels = supply.channels
            jig = channels.jig.channel if channels.jig else 0
            rail = channels.rail.channel if channels.rail else 0
            neighbour = channels.neighbour.channel if channels.neighbour else 0
        radio = self.network()[1] if self._lab.file.network else "none"
        config = part_files.write_private(
            self._state() / "device.json", part_files.device_config(self._lab)
        )
        return self._begin(
            "device",
            "device",
            *("--state", str(self._made("device")), "--config", str(config)),
            *("--esim", self._card_for_device(), "--copper", copper, "--radio", radio),
            *("--jig-channel", str(jig), "--rail-channel", str(rail)),
            *("--neighbour-channel", str(neighbour)),
            *(("--wireless-port", "0") if virtual is not None and virtual.wireless else ()),
        )

    def servers(self) -> ServerAddresses:
        """Return where the servers are."""
        part = self._ready("servers", self._begin_servers)
        ready = part.wait_ready(timeout_s=self._timeout_s)
        found = []
        for key in ("urls", "actors", "links"):
            given = ready.get(key)
            if not isinstance(given, dict):
                raise ProtocolError(f"the servers announced no '{key}': {ready}")
            found.append({str(name): str(url) for name, url in given.items()})
        kinds, actors, links = found
        return ServerAddresses(kinds, actors, links, self._certificates)

    def restart_servers(self) -> ServerAddresses:
        """Kill the servers, and start them again over what they have stored.

        Each comes back at its address, dedicated links at another one.
        """
        ports = {name: urlsplit(url).port or 0 for name, url in self.servers().actors.items()}
        self._parts.pop("servers").kill()
        self._begin_servers(ports)
        return self.servers()

    def _begin_servers(self, ports: Mapping[str, int] = MappingProxyType({})) -> Part:
        smpp = self.network()[0] if self._lab.file.network else None
        if self._certificates is None:
            self._certificates = server_files.certificates(
                self._lab, self._made("servers-certificates")
            )
        config = part_files.write_private(
            self._state() / "servers.json",
            server_files.servers_config(
                self._lab,
                self._made("servers"),
                smpp=smpp,
                certificates=self._certificates,
                ports=ports,
            ),
        )
        return self._begin("servers", "hil.provisioning.serve", "--config", str(config))

    # Common -------------------------------------------------------------------------------------

    def _begin(self, name: str, module: str, *arguments: str) -> Part:
        if name not in self._parts:
            full = module if "." in module else f"hil.virtual.{module}"
            part = Part(
                name,
                [sys.executable, "-m", full, *arguments, "--lifeline"],
                log=self._folder / f"{name}.log",
                environment=self._environment,
            )
            self._parts[name] = part
            self._endings.append((name, lambda: part.stop(timeout_s=STOP_S)))
        return self._parts[name]

    def _ready(self, name: str, begin: Callable[[], Part]) -> Part:
        part = self._parts.get(name) or begin()
        part.wait_ready(timeout_s=self._timeout_s)
        return part

    def _state(self) -> Path:
        """Return the private folder (mode 0700) of what the parts are told and keep."""
        if self._private is None:
            self._private = tempfile.TemporaryDirectory(
                prefix="hil-bench-", ignore_cleanup_errors=True
            )
        return Path(self._private.name)

    def _made(self, name: str) -> Path:
        path = self._state() / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def close(self) -> None:
        """End all parts, last started first. Idempotent; raises BenchError for what did not end."""
        failed: list[str] = []
        while self._endings:
            name, end = self._endings.pop()
            try:
                end()
            except (OSError, BenchError) as err:
                _log.exception("ending %s", name)
                failed.append(f"{name}: {err}")
        self._parts.clear()
        if self._private is not None:
            self._private.cleanup()
            self._private = None
        self._card = None
        self._certificates = None
        self._card_socket = ""
        for variable, value in self._outer.items():
            with contextlib.suppress(KeyError):
                if value is None:
                    del os.environ[variable]
                else:
                    os.environ[variable] = value
        self._outer.clear()
        if failed:
            raise BenchError(f"bench '{self._lab.name}' did not end cleanly: {'; '.join(failed)}")


def _named(reference: str) -> Any:  # noqa: ANN401 - a factory by its import string
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)
