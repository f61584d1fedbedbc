"""What is connected to this machine: VISA instruments, PC/SC readers, serial ports.

Only reads: no output is switched, no card is changed. Never call it in a fixture: asking the
network for instruments takes seconds.
"""

from __future__ import annotations

import contextlib
import logging
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hil.equipment.power_supply.visa_session import reason_of
from hil.errors import UsageError

_log = logging.getLogger(__name__)
BY_ID: Final = Path("/dev/serial/by-id")


@dataclass(frozen=True, slots=True)
class Instrument:
    """A VISA resource; ``identity`` is its answer to ``*IDN?``, ``problem`` why there is none."""

    resource: str
    identity: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """A PC/SC reader; ``atr`` is hex, "" without a card."""

    name: str
    atr: str


@dataclass(frozen=True, slots=True)
class SerialLine:
    """A serial port; ``stable`` is its by-id path, "" if it has none."""

    port: str
    stable: str
    description: str


@dataclass(frozen=True, slots=True)
class Found:
    """All that was found, and what could not be looked for, with the reason."""

    instruments: tuple[Instrument, ...]
    readers: tuple[Reader, ...]
    ports: tuple[SerialLine, ...]
    problems: tuple[str, ...]


def discover(*, visa: Sequence[str] = (), timeout_s: float = 2.0) -> Found:
    """Look for everything. ``visa`` are resources to ask besides those that are found.

    TCP sockets cannot be found, only named: give them in ``visa``.
    """
    problems: list[str] = []
    instruments = _instruments(visa, timeout_s, problems)
    readers = discover_readers(problems)
    ports = _ports(problems)
    return Found(tuple(instruments), tuple(readers), tuple(ports), tuple(problems))


def _instruments(named: Sequence[str], timeout_s: float, problems: list[str]) -> list[Instrument]:
    try:
        import pyvisa  # noqa: PLC0415 - only where it is used
    except ImportError as err:
        problems.append(f"VISA: {err}; mend it with: pip install pyvisa pyvisa-py")
        return []
    for name in named:
        try:
            pyvisa.rname.ResourceName.from_string(name)
        except pyvisa.rname.InvalidResourceName as err:
            raise UsageError(
                f"{name}: no VISA resource name, such as TCPIP0::192.0.2.10::5555::SOCKET"
            ) from err
    with warnings.catch_warnings():
        # pyvisa-py warns about optional packages that only widen the search.
        warnings.simplefilter("ignore")
        manager: Any = pyvisa.ResourceManager("@py")
        try:
            # Serial lines are listed as such: asking an unknown device for *IDN? may disturb it.
            found = [name for name in manager.list_resources() if not name.startswith("ASRL")]
            names = dict.fromkeys([*named, *found])
            return [_ask(manager, name, timeout_s) for name in names]
        except (pyvisa.Error, OSError, ValueError) as err:
            problems.append(f"VISA: {err}")
            return []
        finally:
            manager.close()


def discover_instrument(resource: str, *, timeout_s: float) -> Instrument:
    """Ask one VISA resource who it is."""
    import pyvisa  # noqa: PLC0415

    manager: Any = pyvisa.ResourceManager("@py")
    return _ask(manager, resource, timeout_s)


def _ask(manager: Any, name: str, timeout_s: float) -> Instrument:  # noqa: ANN401 - untyped library
    try:
        resource = manager.open_resource(
            name,
            open_timeout=int(timeout_s * 1000),
            timeout=int(timeout_s * 1000),
            read_termination="\n",
            write_termination="\n",
        )
        try:
            return Instrument(name, str(resource.query("*IDN?")).strip())
        finally:
            resource.close()
    except Exception as err:  # noqa: BLE001 - pyvisa-py raises bare Exception for an absent host
        text = reason_of(err)
        return Instrument(name, "", problem=text.splitlines()[0][:160])


def discover_readers(problems: list[str]) -> list[Reader]:
    """Return the readers of the PC/SC service; why there are none goes to ``problems``."""
    try:
        from smartcard import System  # noqa: PLC0415
        from smartcard.Exceptions import SmartcardException  # noqa: PLC0415
        from smartcard.pcsc.PCSCExceptions import BaseSCardException  # noqa: PLC0415
    except ImportError as err:
        problems.append(
            f"PC/SC: {err}; mend it with: sudo apt install pcscd libpcsclite-dev swig "
            "python3-dev build-essential && pip install 'hil-esim[pcsc]'"
        )
        return []
    try:
        found = System.readers()
    except (SmartcardException, BaseSCardException) as err:
        problems.append(f"PC/SC: no service ({err}); mend it with: sudo systemctl start pcscd")
        return []
    return [Reader(str(reader), _atr(reader)) for reader in found]


def _atr(reader: Any) -> str:  # noqa: ANN401 - untyped library
    from smartcard.Exceptions import SmartcardException  # noqa: PLC0415
    from smartcard.pcsc.PCSCExceptions import BaseSCardException  # noqa: PLC0415
    from smartcard.scard import SCARD_LEAVE_CARD  # noqa: PLC0415

    connection = reader.createConnection()
    try:
        connection.connect(disposition=SCARD_LEAVE_CARD)
        return bytes(connection.getATR()).hex().upper()
    except (SmartcardException, BaseSCardException) as err:
        _log.debug("reader %s: %s", reader, err)
        return ""
    finally:
        with contextlib.suppress(SmartcardException, BaseSCardException):
            connection.disconnect()


def _ports(problems: list[str]) -> list[SerialLine]:
    try:
        from serial.tools import list_ports  # noqa: PLC0415
    except ImportError as err:
        problems.append(f"serial: {err}; mend it with: pip install pyserial")
        return []
    stable = {}
    if BY_ID.is_dir():
        stable = {str(link.resolve()): str(link) for link in sorted(BY_ID.iterdir())}
    lines = [
        SerialLine(port.device, stable.get(port.device, ""), str(port.description))
        for port in sorted(list_ports.comports())
    ]
    return [line for line in lines if line.stable or not line.port.startswith("/dev/ttyS")]


def bench_file(found: Found) -> str:
    """Return a bench file to start from: what was found, in its place, and what to fill in."""
    lines = [
        "# A bench file to start from, written by 'hil discover'. Check every line:",
        "# limits, protections and the jig's file are examples, and so are the key sets.",
        "schema: 1",
        "description: written by hil discover",
    ]
    supply = next((one for one in found.instruments if _model(one.identity)), None)
    if supply is not None:
        fields = [field.strip() for field in supply.identity.split(",")]
        lines += [
            "",
            "power_supply:",
            f"  model: {_model(supply.identity)}",
            f"  visa: {_quoted(supply.resource)}",
            f"  serial: {_quoted(fields[2])}" if len(fields) > 2 else "  # serial: …",
            "  channels:",
            "    jig: {channel: 1, max_voltage: 2 V, max_current: 20 mA, ovp: 2.2 V, ocp: 30 mA}",
            "    # rail: {channel: 2, max_voltage: 4 V, max_current: 1 A, ovp: 4.4 V, ocp: 1.2 A,",
            "    #        nominal: 3.8 V, current_limit: 1 A}",
        ]
    reader = next((one for one in found.readers if one.atr), None) or next(
        iter(found.readers), None
    )
    if reader is not None:
        pattern = f"^{re.escape(reader.name)}$".replace("\\ ", " ")
        lines += ["", "card:", "  pcsc:", f"    reader: {_quoted(pattern)}"]
    line = next((one for one in found.ports if one.stable), None) or next(iter(found.ports), None)
    if line is not None:
        lines += [
            "",
            "device:",
            "  serial:",
            f"    port: {_quoted(line.stable or line.port)}",
            "    baudrate: 115200",
        ]
    if supply is None and reader is None and line is None:
        lines += ["", "# Nothing was found. See lab-config/example-lab.yaml for every section."]
    return "\n".join(lines) + "\n"


def _model(identity: str) -> str:
    from hil.equipment.power_supply.models import dialect_answering  # noqa: PLC0415

    row = dialect_answering(identity)
    return "" if row is None else row.model


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
