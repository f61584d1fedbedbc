"""Opens VISA resources through PyVISA, and hides what its backends get wrong at opening.

PyVISA is imported here only, and only when a resource is opened.
"""

from __future__ import annotations

import os
import re
import socket
import threading
from typing import TYPE_CHECKING

from hil.equipment.power_supply.dialect import Framing, SerialLine
from hil.errors import BenchError, ConfigError, LinkError

if TYPE_CHECKING:
    from pyvisa.resources import MessageBasedResource, SerialInstrument
    from pyvisa.rname import ResourceName

_OPENING = threading.Lock()
_VISA_STATUS = re.compile(r"-10738\d{5}\b")


def open_resource(
    resource: str,
    *,
    framing: Framing,
    serial_line: SerialLine,
    timeout_s: float,
    visa_library: str,
) -> MessageBasedResource:
    """Open ``resource`` and make sure that somebody is there; a serial line as ``serial_line``.

    Raises :class:`ConfigError` for a name that is no resource, :class:`LinkError` if it cannot be
    opened within ``timeout_s`` seconds, :class:`BenchError` without PyVISA.
    """
    try:
        import pyvisa  # noqa: PLC0415 - slow to import, and not every bench has a supply
        from pyvisa.resources import MessageBasedResource, SerialInstrument  # noqa: PLC0415
    except ImportError as err:
        raise BenchError(f"{resource}: {err}; pip install pyvisa pyvisa-py") from err
    milliseconds = max(1, round(timeout_s * 1000))
    try:
        _check_address(pyvisa.rname.ResourceName.from_string(resource))
        # One manager a process and never closed before its end: closing it closes every resource.
        with _OPENING:
            manager = pyvisa.ResourceManager(visa_library)
        opened = manager.open_resource(resource, open_timeout=milliseconds)
    except pyvisa.rname.InvalidResourceName as err:
        raise ConfigError(f"{resource}: no VISA resource name; hil discover shows some") from err
    except pyvisa.errors.InvalidSession as err:
        raise LinkError(f"{resource}: the VISA manager was closed by other code") from err
    except pyvisa.VisaIOError as err:
        raise LinkError(f"{resource}: {err.description}; check the address and the cable") from err
    except Exception as err:  # pyvisa-py raises just that for some
        raise LinkError(
            f"{resource}: cannot be opened: {reason_of(err)}; is it on, and are address and cable "
            "right?"
        ) from err
    if not isinstance(opened, MessageBasedResource):
        opened.close()
        raise ConfigError(f"{resource}: takes no messages; name a host or an IPv4 address")
    opened.timeout = milliseconds
    opened.write_termination = framing.write_termination.decode("latin-1")
    opened.read_termination = framing.read_termination.decode("latin-1")
    if isinstance(opened, SerialInstrument):
        try:
            _set_up_line(opened, framing, serial_line)
        except Exception as err:  # termios.error is no OSError
            opened.close()
            raise LinkError(f"{resource}: {serial_line} cannot be set: {err}") from err
    connection = connected_socket(opened)
    if connection is not None:
        _check_connected(resource, opened, connection)
    return opened


def reason_of(err: Exception) -> str:
    """Return in one line why PyVISA failed; pyvisa-py gives bare numbers for some reasons."""
    from pyvisa.errors import VisaIOError  # noqa: PLC0415

    text = (str(err).strip() or type(err).__name__).splitlines()[0][:160]
    number = _VISA_STATUS.search(text)
    return (
        text if number is None else text.replace(number[0], VisaIOError(int(number[0])).description)
    )


def connected_socket(opened: MessageBasedResource) -> socket.socket | None:
    """Return the TCP socket under a SOCKET resource of pyvisa-py, or None for all others."""
    sessions = getattr(opened.visalib, "sessions", None)
    session = sessions.get(opened.session) if isinstance(sessions, dict) else None
    if type(session).__name__ != "TCPIPSocketSession":
        return None
    interface = getattr(session, "interface", None)
    return interface if isinstance(interface, socket.socket) else None


def _set_up_line(opened: SerialInstrument, framing: Framing, line: SerialLine) -> None:
    from pyvisa import constants  # noqa: PLC0415

    flow = {"none": "none", "rts-cts": "rts_cts", "dtr-dsr": "dtr_dsr", "xon-xoff": "xon_xoff"}
    opened.baud_rate = line.baudrate
    opened.data_bits = line.data_bits
    opened.parity = constants.Parity[line.parity]
    opened.stop_bits = constants.StopBits["one" if line.stop_bits == 1 else "two"]
    opened.flow_control = constants.ControlFlow[flow[line.flow_control]]
    if not framing.read_termination:
        opened.end_input = constants.SerialTermination.none


def _check_address(name: ResourceName) -> None:
    # Where the host has no address or the port no number, pyvisa-py loses its socket.
    host = getattr(name, "host_address", "").partition(",")[0]  # VXI-11 may have "host,port"
    port = getattr(name, "port", "0")
    if host:
        socket.getaddrinfo(host, None, socket.AF_INET)
    if not 0 <= int(port) <= 0xFFFF:
        raise OSError(f"there is no port {port}")


def _check_connected(
    resource: str, opened: MessageBasedResource, connection: socket.socket
) -> None:
    # pyvisa-py 0.8 takes a refused connection for an open one, and its attribute for
    # TCP_NODELAY raises; without it each second write in a row waits 40 ms for an ACK.
    number = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if number == 0:
        try:
            connection.getpeername()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as err:
            number = err.errno or -1
    if number:
        opened.close()
        reason = os.strerror(number) if number > 0 else "not connected"
        raise LinkError(f"{resource}: {reason}; is the supply on, and is the address right?")
