"""The PC on the production line: relays between the device on its cable and the support server.

It holds no key of either. It lets them authenticate each other, fetches the image only after
success, sends it, and reports what the device says of the installation (patent operations 550 to
570).
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from hil.errors import BenchError, ProductRefusal, ProtocolError
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.support_server.device_sessions import SessionOffer, SessionResult, Subject
from hil.provisioning.support_server.esim_proof import EsimChallenge, esim_challenge
from hil.provisioning.support_server.jig import JigSample
from hil.provisioning.support_server.server import InstallationReport, SealedImage
from hil.wire.device_auth import CommandAuthorization, DeviceHello, Manner, Mode
from hil.wire.isdr_commands import PROVISIONING_KVN

log = logging.getLogger(__name__)

SETTLED: Final = ("installed", "failed", "refused", "stale")
_FOUND_COUNTER: Final = re.compile(r"counter is ([0-9A-Fa-f]{6})")
_POLL_S: Final = 0.05
_MORE_DATA: Final = 0x61
_INTERRUPTED: Final = (b"\x69\x85", b"\x6d\x00", b"\x6e\x00", b"\x6f\x00")
"""Nothing waits for GET RESPONSE, or no ISD-R is selected any more."""

_INTERRUPTED_AT_MOST: Final = 5

_Answer = TypeVar("_Answer")


class LastInstall(Protocol):
    """How a device's last installation ended."""

    @property
    def result(self) -> str:
        """``none``, ``running``, ``installed``, ``refused``, ``failed`` or ``stale``."""

    @property
    def reason(self) -> str:
        """Why, where it did not succeed."""

    @property
    def image_id(self) -> str:
        """Which image it was."""


class LineStatus(Protocol):
    """What the station reads from a device's status."""

    @property
    def last_install(self) -> LastInstall:
        """How the last installation ended."""


class LineDevice(Protocol):
    """A device on the cable; :class:`hil.equipment.device.device.Device` is one."""

    def hello(self, server_nonce: bytes) -> DeviceHello:
        """Hand a server's nonce to the device; return its nonce and proofs."""

    def authenticate(self, server_proof: bytes = b"") -> str:
        """Hand the server's proof to the device; raise when it refuses."""

    def challenge(self) -> bytes:
        """Ask for a fresh nonce for one authorized command."""

    def set_mode(self, mode: str, authorization: CommandAuthorization = ...) -> None:
        """Hand over an authorized change of mode."""

    def set_manner(self, manner: str, authorization: CommandAuthorization = ...) -> None:
        """Hand over an authorized replacement of the manner."""

    def send_image(self, raw: bytes) -> object:
        """Send an image file; return a report of the transfer."""

    def status(self) -> LineStatus:
        """Ask how the device is."""

    def csim(self, apdu: bytes) -> bytes:
        """Send a command APDU to the eSIM."""


class LineServer(Protocol):
    """The support server as this station sees it; the HTTP client is one."""

    def open_session(self) -> SessionOffer:
        """Begin an attempt."""

    def present(
        self,
        session: str,
        hello: DeviceHello,
        *,
        jig: Sequence[JigSample] = (),
        esim_answer: bytes = b"",
    ) -> SessionResult:
        """Hand in what device and jig have shown."""

    def fetch_image(self, session: str, iccid: str | None = None) -> SealedImage:
        """Fetch the next image of the authenticated device, or that of one profile."""

    def mode_command(self, session: str, device_nonce: bytes, mode: Mode) -> CommandAuthorization:
        """Have a change of mode authorized."""

    def manner_command(
        self, session: str, device_nonce: bytes, manner: Manner
    ) -> CommandAuthorization:
        """Have the replacement of the manner authorized."""

    def report_installation(self, session: str, report: InstallationReport) -> str | None:
        """Report what became of an image."""


@dataclass(frozen=True, slots=True)
class LineReport:
    """What happened to one device on the line.

    ``server_said``: how the server let the device in (passed, skipped), by ``manner`` on
    ``subject``; ``device_said``: how the device let the server in. ``transfer`` is the device
    driver's own report.
    """

    device_id: str
    eid: str
    manner: Manner
    subject: Subject
    server_said: str
    device_said: str
    image_id: str
    iccid: str
    image_bytes: int
    transfer: Any


class LineStation:
    """One station with one device on its cable.

    ``jig`` reads the jig's supply once; it is needed where the server wants the jig.
    ``error_message`` is where an operator reads why a device was refused (operation 660);
    ``image_kvn`` is the ISD-R's key set whose sequence counter images expect.
    """

    def __init__(
        self,
        server: LineServer,
        device: LineDevice,
        *,
        jig: Callable[[], JigSample] | None = None,
        error_message: Callable[[str], None] = log.error,
        image_kvn: int = PROVISIONING_KVN,
    ) -> None:
        self._server = server
        self._device = device
        self._jig = jig
        self._error_message = error_message
        self._image_kvn = image_kvn
        self._session: str | None = None

    def authenticate(self) -> tuple[SessionResult, str]:
        """Let server and device authenticate each other; return the server's and the device's word.

        A refusal of either is shown as an error message with its reason, and raised.
        """
        try:
            result = self._present()
            said = self._device.authenticate(result.server_proof)
        except (ProductRefusal, BenchError) as err:
            self._error_message(f"device is not authenticated: {err}")
            raise
        self._session = result.session
        return result, said

    def _present(self) -> SessionResult:
        """Let the server authenticate the device."""
        offer = self._server.open_session()
        samples = self._watch_jig(offer)
        esim_answer = self._ask_esim(offer)
        hello = self._device.hello(offer.server_nonce)
        return self._server.present(offer.session, hello, jig=samples, esim_answer=esim_answer)

    def _in_session(self, work: Callable[[str], _Answer]) -> _Answer:
        """Do ``work`` in the session of this device; present the device again if that is over."""
        if self._session is not None:
            try:
                return work(self._session)
            except Refusal as refusal:
                if refusal.code not in (RefusalCode.NOT_AUTHENTICATED, RefusalCode.UNKNOWN):
                    raise
        self._session = self._present().session
        return work(self._session)

    def provision(self, iccid: str | None = None) -> LineReport:
        """Authenticate, fetch the image, send it. The device installs it at its next boot.

        ``iccid`` chooses one of several waiting profiles; without it they go in their order.
        Nothing is fetched before the authentication has succeeded on both sides.
        """
        result, said = self.authenticate()
        image = self._fetched(result.session, iccid)
        try:
            transfer = self._device.send_image(image.raw)
        except ProductRefusal as refusal:
            if self._report_refusal(result.session, image, refusal) is None:
                raise
            image = self._fetched(result.session, iccid or image.iccid)
            transfer = self._device.send_image(image.raw)
        return LineReport(
            device_id=result.device_id,
            eid=result.eid,
            manner=result.manner,
            subject=result.subject,
            server_said=result.state,
            device_said=said,
            image_id=image.image_id,
            iccid=image.iccid,
            image_bytes=len(image.raw),
            transfer=transfer,
        )

    def _fetched(self, session: str, iccid: str | None) -> SealedImage:
        image = self._server.fetch_image(session, iccid)
        if hashlib.sha256(image.raw).digest() != image.sha256:
            raise ProtocolError(
                f"image {image.image_id} was damaged on its way from the server: nothing was sent"
            )
        return image

    def _report_refusal(
        self, session: str, image: SealedImage, refusal: ProductRefusal
    ) -> str | None:
        """Tell the server that the device took no image; return the id of the one made instead.

        The ISD-R's counter goes along: an image for another counter was stale before it was sent.
        """
        self._error_message(f"device refused image {image.image_id}: {refusal}")
        report = InstallationReport(image.image_id, "refused", str(refusal), self._isd_r_counter())
        return self._server.report_installation(session, report)

    def _isd_r_counter(self) -> int | None:
        """Ask the eSIM which sequence counter its ISD-R uses next; None where it does not say.

        On most cards INITIALIZE UPDATE alone moves nothing; the server is told where it does.
        """
        commands = esim_challenge(secrets.token_bytes(8), kvn=self._image_kvn)
        try:
            answer = self._answered(commands)
        except (ProductRefusal, BenchError) as err:
            log.warning("the eSIM does not tell its counter: %s", err)
            return None
        good = len(answer) > 5 and answer[-2:] == b"\x90\x00"
        return int.from_bytes(answer[-5:-2], "big") if good else None

    def command_mode(self, mode: Mode) -> None:
        """Have the server command the device into a mode (claims 6 and 13)."""
        nonce = self._device.challenge()
        order = self._in_session(lambda session: self._server.mode_command(session, nonce, mode))
        self._device.set_mode(mode, order)

    def command_manner(self, manner: Manner) -> None:
        """Have the server replace the device's manner of authentication."""
        nonce = self._device.challenge()
        order = self._in_session(
            lambda session: self._server.manner_command(session, nonce, manner)
        )
        self._device.set_manner(manner, order)

    def report(self, *, timeout_s: float = 30.0) -> str | None:
        """Tell the server how the device's last installation ended.

        Waits while it still runs. Returns the id of the image that the server made instead of a
        stale one, or None.
        """
        deadline = time.monotonic() + timeout_s
        last = self._device.status().last_install
        while last.result not in SETTLED:
            if time.monotonic() > deadline:
                raise BenchError(
                    f"device has nothing to report after {timeout_s:g} s: its last installation is "
                    f"{last.result!r}; was it restarted?"
                )
            time.sleep(_POLL_S)
            last = self._device.status().last_install
        found = _FOUND_COUNTER.search(last.reason)
        counter = int(found.group(1), 16) if found else None
        report = InstallationReport(last.image_id, last.result, last.reason, counter)
        return self._in_session(lambda session: self._server.report_installation(session, report))

    def _watch_jig(self, offer: SessionOffer) -> tuple[JigSample, ...]:
        """Read the jig at least as often and as long as the server wants it watched."""
        if offer.jig_dwell_s is None:
            return ()
        if self._jig is None:
            raise BenchError(
                f"the server authenticates by {offer.manner.value}, but this station reads no jig"
            )
        pause = min(0.02, (offer.jig_gap_s or 0.1) / 4)
        samples = [self._jig()]
        held_ns = int(offer.jig_dwell_s * 1e9)
        while samples[-1].at_ns - samples[0].at_ns < held_ns:
            time.sleep(pause)
            samples.append(self._jig())
        return tuple(samples)

    def _ask_esim(self, offer: SessionOffer) -> bytes:
        if offer.esim_challenge is None or not offer.manner.needs_key_set:
            return b""
        return self._answered(esim_challenge(offer.esim_challenge, kvn=offer.esim_kvn))

    def _answered(self, commands: EsimChallenge) -> bytes:
        """Have the ISD-R answer INITIALIZE UPDATE; again where the modem came in between.

        A modem sends commands of its own as it likes, and each of them may drop what waits for GET
        RESPONSE, or what is selected.
        """
        answer = b""
        for _ in range(_INTERRUPTED_AT_MOST):
            self._exchange(commands.select)
            answer = self._exchange(commands.initialize_update)
            if answer[-2:] not in _INTERRUPTED:
                break
        return answer

    def _exchange(self, command: bytes) -> bytes:
        """Send a command through the device; fetch the answer that a T=0 card keeps back (61xx)."""
        answer = self._device.csim(command)
        data = b""
        while len(answer) >= 2 and answer[-2] == _MORE_DATA:
            data += answer[:-2]
            answer = self._device.csim(bytes((0x00, 0xC0, 0x00, 0x00, answer[-1])))
        return data + answer
