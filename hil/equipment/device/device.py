"""The device under test on its serial line, in the words of its dialect."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from hil.equipment.device import fields
from hil.equipment.device.at_channel import AtChannel
from hil.equipment.device.dialect import Dialect, load_dialect
from hil.equipment.device.errors import (
    DeviceAnswerError,
    DeviceRefusal,
    DeviceTimeoutError,
)
from hil.equipment.device.image_sender import send_image
from hil.equipment.device.redaction import ApduLines, check_apdu, hide_imsi
from hil.equipment.device.serial_link import SerialLink
from hil.equipment.device.transfer import STALL_S
from hil.equipment.device.types import (
    DeviceIdentity,
    DeviceStatus,
    InstallReport,
    Progress,
    RegistrationReport,
    RegistrationState,
    StoredImage,
    TransferReport,
)
from hil.observer import NullObserver, Observer
from hil.wire.device_auth import CommandAuthorization, DeviceHello, JigReading, Manner, Mode

_Answer = TypeVar("_Answer")
_TRY_S: Final = 0.05
_LONGEST_TRY_S: Final = 0.5
_POLL_S: Final = 0.05
_NO_AUTHORIZATION: Final = CommandAuthorization(b"", b"")


class Device:
    """A device under test. Open it with :meth:`open`, use it as a context manager.

    Every method may raise :class:`DeviceTimeoutError` (silence until the deadline),
    :class:`DeviceLinkError` (line gone), :class:`DeviceAnswerError` (words unknown to the dialect)
    and :class:`DeviceRefusal` (the device says no, with code and name).
    """

    def __init__(self, channel: AtChannel) -> None:
        self._at = channel
        self._apdus = ApduLines()
        self.known: DeviceIdentity | None = None
        """Who it said that it is, when it was asked last."""

    @classmethod
    def open(
        cls,
        port: str,
        *,
        dialect: str | Path | Dialect = "hil-reference",
        baudrate: int = 115_200,
        observer: Observer | None = None,
        timeout_s: float = 10.0,
        name: str = "device",
        wait: bool = True,
    ) -> Self:
        """Open the serial ``port`` and wait until the device answers.

        With ``wait`` false the device may still be off; call :meth:`wait_ready` later.

        Raises:
            DialectError: the dialect file is wrong.
            DeviceLinkError: the port cannot be opened.
            DeviceTimeoutError: the device does not answer within ``timeout_s``.

        """
        words = dialect if isinstance(dialect, Dialect) else load_dialect(dialect)
        link = SerialLink(port, baudrate=baudrate)
        device = cls(AtChannel(link, words, observer=observer or NullObserver(), name=name))
        try:
            if wait:
                device.wait_ready(timeout_s=timeout_s)
        except BaseException:
            link.close()
            raise
        return device

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the port; may be called again. The device keeps its state."""
        self._at.link.close()

    @property
    def port(self) -> str:
        """The serial port it is on."""
        return self._at.link.port

    def wait_ready(self, *, timeout_s: float) -> None:
        """Wait until the device answers, then set the line as the dialect wants it."""
        deadline = time.monotonic() + timeout_s
        tried = 0
        while True:
            tried += 1
            try:
                self._at.ask("attention", timeout_s=min(_TRY_S * tried, _LONGEST_TRY_S))
                if tried > 1:
                    # Earlier questions may be answered late: none may pass for a later answer.
                    self._at.settle()
                for command in self._at.dialect.init:
                    self._at.command(command, operation="initialise", timeout_s=_LONGEST_TRY_S)
            except (DeviceTimeoutError, DeviceAnswerError, DeviceRefusal):
                if time.monotonic() > deadline:
                    raise DeviceTimeoutError(
                        f"device on {self.port}: not ready in {timeout_s:g} s; is its supply on?"
                    ) from None
            else:
                return

    def identity(self) -> DeviceIdentity:
        """Ask who the device is."""
        row = self._at.ask("identity")
        self.known = DeviceIdentity(
            device_id=fields.text(row, "device_id"),
            eid=fields.text(row, "eid"),
            life=fields.text(row, "life"),
            **{
                name: fields.text(self._at.ask(name), "text")
                for name in ("manufacturer", "model", "firmware", "imei")
                if self._at.knows(name)
            },
        )
        return self.known

    def status(self) -> DeviceStatus:
        """Ask for mode, manner, authentication, jig, images, last installation and last error."""
        mode = self._at.ask("mode")
        authentication = self._at.ask("authentication")
        return DeviceStatus(
            mode=fields.member(Mode, mode, "mode"),
            mode_cause=fields.text(mode, "cause"),
            manner=fields.member(Manner, self._at.ask("manner"), "manner"),
            server_auth=fields.text(authentication, "server_auth"),
            device_auth=fields.text(authentication, "device_auth"),
            lockout_s=fields.number(authentication, "lockout_ms") / 1000,
            jig=self.jig(),
            images=self.images(),
            last_install=self.last_install(),
            last_error=fields.text(self._at.ask("last_error"), "text"),
            boot_count=self.boot_count(),
        )

    def jig(self, *, timeout_s: float | None = None) -> JigReading:
        """Ask what the device senses on its jig pin; ``timeout_s`` None is the dialect's."""
        return fields.jig(self._at.ask("jig", timeout_s=timeout_s))

    def images(self) -> tuple[StoredImage, ...]:
        """Ask for the labels of the images in the secure area."""
        return tuple(
            StoredImage(
                fields.text(row, "image_id"),
                fields.text(row, "iccid"),
                fields.text(row, "profile_class"),
                fields.text(row, "state"),
            )
            for row in self._at.ask_many("images")
        )

    def last_install(self) -> InstallReport:
        """Ask how the last installation ended (``running`` while it goes on)."""
        row = self._at.ask("last_install")
        return InstallReport(
            fields.text(row, "result"),
            fields.text(row, "reason"),
            fields.text(row, "image_id"),
            fields.text(row, "iccid"),
            fields.number(row, "boot"),
        )

    def boot_count(self) -> int:
        """Ask how often the device has booted."""
        return fields.number(self._at.ask("boot_count"), "count")

    def hello(self, server_nonce: bytes) -> DeviceHello:
        """Hand a server's nonce (16 bytes) to the device; return its nonce and proofs."""
        row = self._at.ask("hello", server_nonce=server_nonce.hex().upper())
        return DeviceHello(
            device_id=fields.text(row, "device_id"),
            eid=fields.text(row, "eid"),
            manner=fields.member(Manner, row, "manner"),
            device_nonce=fields.octets(row, "device_nonce"),
            kvn=fields.optional_number(row, "kvn"),
            proof=fields.octets(row, "proof"),
            jig=fields.jig(row),
            jig_proof=fields.octets(row, "jig_proof"),
        )

    def authenticate(self, server_proof: bytes = b"") -> str:
        """Hand the server's proof to the device; return ``passed`` or ``skipped``.

        The proof stays empty where the device's manner is ``jig`` or ``skip``.

        Raises:
            DeviceRefusal: wrong proof, jig not accepted, locked out, no hello before.

        """
        return fields.text(self._at.ask("authenticate", proof=server_proof.hex().upper()), "result")

    def goodbye(self) -> None:
        """End the sender's authentication."""
        self._at.ask("goodbye")

    def challenge(self) -> bytes:
        """Ask for a fresh nonce (16 bytes), good for one authorized command."""
        return fields.octets(self._at.ask("challenge"), "device_nonce")

    def set_mode(self, mode: str, authorization: CommandAuthorization = _NO_AUTHORIZATION) -> None:
        """Hand the server's command to change the mode; it needs a fresh :meth:`challenge`."""
        self._at.ask(
            "set_mode",
            mode=str(mode),
            server_nonce=authorization.server_nonce.hex().upper(),
            proof=authorization.proof.hex().upper(),
        )

    def set_manner(
        self, manner: str, authorization: CommandAuthorization = _NO_AUTHORIZATION
    ) -> None:
        """Replace the device's manner of authenticating senders by ``manner``."""
        self._at.ask(
            "set_manner",
            manner=str(manner),
            server_nonce=authorization.server_nonce.hex().upper(),
            proof=authorization.proof.hex().upper(),
        )

    def user_input(self, keys: str) -> None:
        """Press keys at the device's input interface, by +CKPD (27.007 subclause 8.7)."""
        self._at.ask("user_input", keys=keys)

    def send_image(
        self,
        raw: bytes,
        *,
        progress: Progress | None = None,
        resume: bool = True,
        stall_s: float = STALL_S,
    ) -> TransferReport:
        """Send an image file; with ``resume`` go on where a broken transfer of it ended.

        Raises:
            TransferError: the device ended the transfer; code and name say why.
            DeviceTimeoutError: nothing new was acknowledged for ``stall_s``.

        """
        return send_image(self._at, raw, progress=progress, resume=resume, stall_s=stall_s)

    def install(self, *, timeout_s: float | None = None) -> InstallReport:
        """Install the stored image now; return how it ended."""
        self._at.ask("install", timeout_s=timeout_s)
        return self.last_install()

    def wait_installed(self, *, timeout_s: float) -> InstallReport:
        """Wait while an installation runs; return how it ended.

        Raises:
            DeviceTimeoutError: it still runs after ``timeout_s``.

        """
        return self._wait(
            self.last_install,
            lambda report: report.result != "running",
            timeout_s=timeout_s,
            what="the installation still runs",
        )

    def delete_image(self, image_id: str) -> None:
        """Delete one image from the secure area."""
        self._at.ask("delete_image", image_id=image_id)

    def reboot(self, *, timeout_s: float = 30.0) -> None:
        """Restart the device (AT+CFUN=1,1) and wait until it answers with a new boot counter."""
        counted = self._at.knows("boot_count")
        before = self.boot_count() if counted else -1
        self._at.ask("reboot")
        deadline = time.monotonic() + timeout_s
        self.wait_ready(timeout_s=timeout_s)
        if counted:
            left = max(deadline - time.monotonic(), 0.1)
            self._wait(
                self.boot_count, lambda n: n != before, timeout_s=left, what="it did not restart"
            )

    def imsi(self) -> str:
        """Ask for the IMSI of the enabled profile (AT+CIMI).

        Raises:
            DeviceRefusal: there is no eSIM, or its enabled profile has no USIM.

        """
        return fields.text(self._at.ask("imsi", hide=hide_imsi()), "imsi")

    def registration(self) -> RegistrationReport:
        """Ask whether the device is registered with a network, with which, and if not, why."""
        state = fields.member(RegistrationState, self._at.ask("registration"), "registration")
        network = fields.text(self._at.ask("operator"), "network")
        knows = self._at.knows("registration_cause")
        cause = fields.text(self._at.ask("registration_cause"), "text") if knows else ""
        return RegistrationReport(state, network, cause)

    def wait_registered(self, *, timeout_s: float) -> RegistrationReport:
        """Wait until the network has decided on the device; return how.

        Raises:
            DeviceTimeoutError: the device still searches, or has not begun, after ``timeout_s``.

        """
        open_ends = (RegistrationState.NONE, RegistrationState.SEARCHING)
        return self._wait(
            self.registration,
            lambda report: report.state not in open_ends,
            timeout_s=timeout_s,
            what="no network has decided on it",
        )

    def csim(self, apdu: bytes) -> bytes:
        """Send a command APDU to the eSIM by AT+CSIM; return the response with its status word."""
        check_apdu(apdu)
        text = apdu.hex().upper()
        hide = self._apdus.hide(apdu)
        row = self._at.ask("csim", hide=hide, length=len(text), apdu=text)
        return fields.octets(row, "apdu")

    def open_channel(self, aid: bytes) -> int:
        """Open a logical channel to an application (AT+CCHO); return the session number."""
        session = fields.number(self._at.ask("open_channel", aid=aid.hex().upper()), "session")
        self._apdus.opened(session, aid)
        return session

    def logical(self, session: int, apdu: bytes) -> bytes:
        """Send a command APDU on a session (AT+CGLA); return the response with its status word."""
        check_apdu(apdu)
        text = apdu.hex().upper()
        hide = self._apdus.hide(apdu, session)
        row = self._at.ask("logical", hide=hide, session=session, length=len(text), apdu=text)
        return fields.octets(row, "apdu")

    def close_channel(self, session: int) -> None:
        """Close a session (AT+CCHC)."""
        self._at.ask("close_channel", session=session)

    def _wait(
        self,
        ask: Callable[[], _Answer],
        good: Callable[[_Answer], bool],
        *,
        timeout_s: float,
        what: str,
    ) -> _Answer:
        deadline = time.monotonic() + timeout_s
        while not good(answer := ask()):
            if time.monotonic() > deadline:
                raise DeviceTimeoutError(f"device on {self.port}: {what} after {timeout_s:g} s")
            time.sleep(_POLL_S)
        return answer
