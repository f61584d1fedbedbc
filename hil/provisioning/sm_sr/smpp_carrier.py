"""A carrier that speaks SMPP 3.4 to an SMS centre, as a transceiver (ESME)."""

from __future__ import annotations

import itertools
import logging
import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field
from typing import Final

from hil.errors import CodecError, ConfigError, LinkError, LinkTimeoutError
from hil.observer import Direction, Exchange, NullObserver, Observer
from hil.provisioning.sm_sr.carrier import Receive
from hil.wire.blanking import last_four
from hil.wire.smpp import (
    ESM_MESSAGE_TYPE,
    ESM_UDHI,
    SME_ACKNOWLEDGEMENT,
    Bind,
    Command,
    Party,
    Pdu,
    ShortMessage,
    SmppError,
    Status,
    StreamReader,
)
from hil.wire.sms import DCS_CARD_8_BIT, PID_SIM_DATA_DOWNLOAD

log = logging.getLogger(__name__)

_FIRST_RETRY_S: Final = 0.1
_LONGEST_RETRY_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class SmppAccount:
    """Where the centre is and who we are there.

    ``address``: host:port; ``number``: our own, to which cards answer; ``password``: up to 8
    characters, never shown.
    """

    address: str
    system_id: str
    password: str = field(repr=False)
    number: str
    system_type: str = ""

    def endpoint(self) -> tuple[str, int]:
        """Return host and port."""
        host, colon, port = self.address.rpartition(":")
        if not colon or not port.isdigit():
            raise ConfigError(f"SMS centre {self.address!r} is not host:port")
        return host, int(port)


class SmppCarrier:
    """Keeps one connection to the centre, made anew with growing pauses when it is lost.

    ``timeout_s`` bounds connecting, binding and each answer of the centre; ``enquire_s`` is how
    long the line may be silent before it is tested. With ``delivery_reports`` the centre is asked
    for what devices say in delivery reports (SME delivery acknowledgement: SMPP 3.4, 5.2.17). What
    it brings of that is taken whatever it calls it: a message that has a user data header is no
    text of a receipt.
    """

    def __init__(
        self,
        account: SmppAccount,
        *,
        timeout_s: float = 10.0,
        enquire_s: float = 20.0,
        delivery_reports: bool = False,
        observer: Observer | None = None,
    ) -> None:
        self._account = account
        self._endpoint = account.endpoint()
        self._timeout_s = timeout_s
        self._enquire_s = enquire_s
        self._registered = SME_ACKNOWLEDGEMENT if delivery_reports else 0
        self._observer = observer or NullObserver()
        self._receive: Receive | None = None
        self._numbers = itertools.count(1)
        self._socket: socket.socket | None = None
        self._waiting: dict[int, Future[Pdu]] = {}
        self._lock = threading.Lock()
        self._bound = threading.Event()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def listen(self, receive: Receive) -> None:
        """Say who takes incoming messages, and connect."""
        self._receive = receive
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="smpp", daemon=True)
            self._thread.start()

    @property
    def bound(self) -> bool:
        """Whether the centre has accepted us, on a connection that still stands."""
        return self._bound.is_set() and not self._over.is_set()

    def wait_bound(self, *, timeout_s: float) -> None:
        """Wait until the centre has accepted us; LinkTimeoutError when it has not."""
        if not self._bound.wait(timeout_s):
            raise LinkTimeoutError(
                f"SMS centre {self._account.address} has not accepted {self._account.system_id} in "
                f"{timeout_s:g} s: is it running, are system id and password right?"
            )

    def send(self, msisdn: str, messages: Sequence[bytes]) -> None:
        """Submit messages, all at once, and wait until the centre has taken every one."""
        self.wait_bound(timeout_s=self._timeout_s)
        answers = [self._request(Command.SUBMIT_SM, self._submit(msisdn, ud)) for ud in messages]
        deadline = time.monotonic() + self._timeout_s
        for answer in answers:
            try:
                pdu = answer.result(max(0.0, deadline - time.monotonic()))
            except FutureTimeoutError:
                raise LinkTimeoutError(
                    f"SMS centre {self._account.address} did not answer submit_sm in "
                    f"{self._timeout_s:g} s"
                ) from None
            if pdu.status != Status.OK:
                raise LinkError(
                    f"SMS centre {self._account.address} did not take a message: "
                    f"{_status_name(pdu.status)}"
                )
        self._observe("out", f"{len(messages)} submit_sm to {last_four(msisdn)}")

    def close(self) -> None:
        """Unbind and end the connection; may be called again."""
        if not self._over.is_set() and self._bound.is_set():
            try:
                self._request(Command.UNBIND, None).result(min(1.0, self._timeout_s))
            except (LinkError, FutureTimeoutError) as err:
                log.info("unbind was not answered: %s", err)
        self._over.set()
        self._drop()
        if self._thread is not None:
            self._thread.join(self._timeout_s)
        # Nobody is to wait for a centre any more: a send finds no connection.
        self._bound.set()

    def _submit(self, msisdn: str, user_data: bytes) -> ShortMessage:
        return ShortMessage(
            source=Party(self._account.number, 0, 1),
            destination=Party(msisdn),
            message=user_data,
            esm_class=ESM_UDHI,
            protocol_id=PID_SIM_DATA_DOWNLOAD,
            data_coding=DCS_CARD_8_BIT,
            registered_delivery=self._registered,
        )

    def _request(self, command: Command, body: ShortMessage | Bind | None) -> Future[Pdu]:
        answer: Future[Pdu] = Future()
        with self._lock:
            number = next(self._numbers) & 0x7FFFFFFF
            self._waiting[number] = answer
            self._write(Pdu(command, number, body))
        return answer

    def _write(self, pdu: Pdu) -> None:
        if self._socket is None:
            raise LinkError(f"no connection to the SMS centre {self._account.address}")
        try:
            self._socket.sendall(pdu.encode())
        except OSError as err:
            raise LinkError(
                f"connection to the SMS centre {self._account.address} is lost: {err.strerror}"
            ) from err

    def _run(self) -> None:
        pause = _FIRST_RETRY_S
        while not self._over.is_set():
            try:
                self._connect()
                pause = _FIRST_RETRY_S
                self._read()
            except (OSError, CodecError, LinkError) as err:
                if not self._over.is_set():
                    log.warning("SMS centre %s: %s", self._account.address, err)
            finally:
                self._drop()
            self._over.wait(pause)
            pause = min(_LONGEST_RETRY_S, pause * 2)

    def _connect(self) -> None:
        connection = socket.create_connection(self._endpoint, timeout=self._timeout_s)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        account = self._account
        body = Bind(
            account.system_id,
            account.password,
            account.system_type,
            address_npi=1,
            address_range=account.number,
        )
        stream = StreamReader()
        try:
            connection.sendall(Pdu(Command.BIND_TRANSCEIVER, next(self._numbers), body).encode())
            found: list[bytes] = []
            while not found:
                data = connection.recv(65_536)
                if not data:
                    raise LinkError("the centre closed the connection at the bind")
                found = stream.feed(data)
            answer = Pdu.decode(found[0])
            if answer.command is not Command.BIND_TRANSCEIVER_RESP or answer.status != Status.OK:
                raise LinkError(f"the centre refused the bind: {_status_name(answer.status)}")
        except BaseException:
            connection.close()
            raise
        self._stream, self._first = stream, found[1:]
        connection.settimeout(self._enquire_s)
        with self._lock:
            self._socket = connection
        self._bound.set()

    def _read(self) -> None:
        connection = self._socket
        if connection is None:
            return
        for raw in self._first:
            self._take(raw)
        tested = False
        while not self._over.is_set():
            try:
                data = connection.recv(65_536)
            except TimeoutError:
                if tested:
                    raise LinkError("the centre keeps silent") from None
                tested = True
                self._request(Command.ENQUIRE_LINK, None)
                continue
            if not data:
                raise LinkError("the centre closed the connection")
            tested = False
            for raw in self._stream.feed(data):
                self._take(raw)

    def _take(self, raw: bytes) -> None:
        try:
            pdu = Pdu.decode(raw)
        except SmppError as err:
            log.warning("SMPP: %s", err)
            with self._lock:
                self._write(Pdu(Command.GENERIC_NACK, err.sequence, None, err.status))
            return
        if pdu.is_response:
            with self._lock:
                waiting = self._waiting.pop(pdu.sequence, None)
            if waiting is not None:
                waiting.set_result(pdu)
        elif pdu.command is Command.DELIVER_SM and isinstance(pdu.body, ShortMessage):
            status = self._hand_in(pdu.body)
            with self._lock:
                self._write(pdu.answer(status=status))
        elif pdu.command in (Command.ENQUIRE_LINK, Command.UNBIND):
            with self._lock:
                self._write(pdu.answer())
            if pdu.command is Command.UNBIND:
                raise LinkError("the centre unbound us")
        else:
            with self._lock:
                self._write(
                    Pdu(Command.GENERIC_NACK, pdu.sequence, None, Status.INVALID_COMMAND_ID)
                )

    def _hand_in(self, message: ShortMessage) -> int:
        kind = message.esm_class & ESM_MESSAGE_TYPE
        text = kind != 0 and not message.esm_class & ESM_UDHI
        if text or self._receive is None:
            return Status.OK
        self._observe("in", f"deliver_sm from {last_four(message.source.address)}")
        try:
            self._receive(message.source.address.removeprefix("+"), message.message)
        except Exception:
            # What the SM-SR could not store, the centre must keep: say that it did not arrive.
            log.exception("a message could not be taken")
            return Status.SYSTEM_ERROR
        return Status.OK

    def _drop(self) -> None:
        self._bound.clear()
        with self._lock:
            connection, self._socket = self._socket, None
            waiting, self._waiting = self._waiting, {}
        if connection is not None:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                log.debug("the connection to the centre was closed already")
            connection.close()
        for answer in waiting.values():
            answer.set_exception(
                LinkError(f"connection to the SMS centre {self._account.address} was lost")
            )

    def _observe(self, direction: Direction, text: str) -> None:
        self._observer.exchange(Exchange("sms", self._account.address, direction, text))


def _status_name(status: int) -> str:
    try:
        return Status(status).name.replace("_", " ").lower()
    except ValueError:
        return f"status {status:08X}"
