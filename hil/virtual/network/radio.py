"""The radio face: devices attach here and exchange short messages, as lines of JSON over TCP.

| from the device | from the network |
|---|---|
| ``{"attach": {"msisdn": …, "imei": …}}`` | |
| ``{"delivered": id, "report": hex, "ok": true}`` | ``{"deliver": SMS-DELIVER hex, "id": n}`` |
| ``{"submit": SMS-SUBMIT hex, "id": n}`` | ``{"submitted": n, "ok": true}`` |

A network with an authentication centre says so when a device attaches, and lets it register:

| from the device | from the network |
|---|---|
| | ``{"network": {"plmn": "00101"}}`` |
| ``{"register": {"imsi": …}}`` | ``{"challenge": {"rand": hex, "autn": hex}}`` |
| ``{"res": hex}``, ``{"auts": hex}`` or ``{"mac_failure": true}`` | ``{"registered": …}`` |
| | ``{"rejected": {"cause": n}}`` |

A line that is none of these is answered with ``{"error": …}`` and ends the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable
from typing import Any, Final

from hil.errors import CodecError
from hil.virtual.network.authentication_centre import AuthenticationCentre
from hil.virtual.network.link_model import Air
from hil.virtual.network.registration import Registration
from hil.virtual.network.subscribers import Report, Subscribers
from hil.wire.sms import SmsSubmit

log = logging.getLogger(__name__)

MAX_LINE: Final = 4096

Submit = Callable[[str, SmsSubmit], bool]
"""Called with the sender's number and its message; False when nobody can take it."""


class RadioFace:
    """The server's end of the radio protocol."""

    def __init__(
        self,
        subscribers: Subscribers,
        air: Air,
        submit: Submit,
        centre: AuthenticationCentre | None = None,
    ) -> None:
        self._subscribers = subscribers
        self._air = air
        self._submit = submit
        self.centre = centre
        self._tasks: set[asyncio.Task[object]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one device until it leaves."""
        connection = _Connection(self, writer)
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
        try:
            while line := await reader.readline():
                await connection.take(line)
        except (ValueError, RecursionError, CodecError) as err:
            # ValueError: a line longer than the reader's limit, or no JSON; or JSON nested deeply.
            log.warning("radio: %s", err)
            with contextlib.suppress(ConnectionError):
                await connection.say({"error": str(err)})
        except asyncio.CancelledError:
            # Only close() cancels. Handed on, asyncio would log it as a fault of this handler.
            log.debug("radio: connection ended with the air")
        except ConnectionError:
            log.info("radio: connection lost")
        finally:
            if task is not None:
                self._tasks.discard(task)
            connection.leave()
            writer.close()

    async def close(self) -> None:
        """End all connections, and messages that are still in the air."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def send_up(self, msisdn: str, message: SmsSubmit) -> bool:
        """Carry a message from a device through the air; False without coverage."""
        if not self._subscribers.covered:
            self._air.up.out_of_coverage += 1
            return False
        for delay in self._air.fate(self._air.up):
            if delay > 0:
                task: asyncio.Task[object] = asyncio.ensure_future(
                    self._later(delay, msisdn, message)
                )
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            elif not self._submit(msisdn, message):
                return False
        return True

    async def _later(self, delay: float, msisdn: str, message: SmsSubmit) -> None:
        await asyncio.sleep(delay)
        if not self._submit(msisdn, message):
            log.warning("message of %s could not be routed", msisdn)

    @property
    def subscribers(self) -> Subscribers:
        """The subscribers that attach here."""
        return self._subscribers


class _Connection:
    """One device's connection."""

    def __init__(self, face: RadioFace, writer: asyncio.StreamWriter) -> None:
        self._face = face
        self._writer = writer
        self._msisdn: str | None = None
        self._registration = None if face.centre is None else Registration(face.centre)

    async def say(self, row: dict[str, object]) -> None:
        self._writer.write(json.dumps(row).encode() + b"\n")
        await self._writer.drain()

    def leave(self) -> None:
        if self._msisdn is not None:
            self._face.subscribers.detach(self._msisdn, self.say)
            self._msisdn = None

    async def take(self, line: bytes) -> None:
        row: Any = json.loads(line)
        if not isinstance(row, dict):
            raise CodecError("a line of the radio protocol is a JSON object")
        if "attach" in row:
            self._attach(row["attach"])
            if self._face.centre is not None:
                await self.say({"network": {"plmn": self._face.centre.plmn}})
        elif self._msisdn is None:
            raise CodecError("a device must attach first")
        elif "delivered" in row:
            number = _number(row["delivered"])
            report = Report(row.get("ok", True) is True, _octets(row.get("report", "")))
            self._face.subscribers.delivered(self._msisdn, number, report)
        elif "submit" in row:
            number = _number(row.get("id"))
            message = SmsSubmit.decode(_octets(row["submit"]))
            ok = self._face.send_up(self._msisdn, message)
            await self.say({"submitted": number, "ok": ok})
        elif self._registration is not None and (answer := _register(self._registration, row)):
            await self.say(answer)
        else:
            raise CodecError(
                "a device says attach, delivered or submit, or registers where the network offers "
                f"it, not {sorted(row)[:3]}"
            )

    def _attach(self, given: object) -> None:
        msisdn = given.get("msisdn") if isinstance(given, dict) else None
        if not isinstance(msisdn, str) or not (msisdn.isascii() and msisdn.isdigit()):
            raise CodecError("attach needs an msisdn of digits")
        self.leave()
        self._msisdn = msisdn
        self._face.subscribers.attach(msisdn, self.say)


def _register(registration: Registration, row: dict[str, Any]) -> dict[str, object] | None:
    """Return the answer to a line of a registration; None for any other line."""
    if "register" in row:
        return registration.request(row["register"])
    if "res" in row:
        return registration.response(_octets(row["res"]))
    if "auts" in row:
        return registration.out_of_step(_octets(row["auts"]))
    if row.get("mac_failure") is True:
        return registration.network_refused()
    return None


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise CodecError("a message's id is a number")
    return value


def _octets(value: object) -> bytes:
    if not isinstance(value, str):
        raise CodecError("a message is written as hex digits")
    try:
        return bytes.fromhex(value)
    except ValueError as err:
        raise CodecError("a message is written as hex digits") from err
