"""A support server of this process as one line station sees it."""

from __future__ import annotations

from collections.abc import Sequence

from hil.provisioning.support_server.device_sessions import SessionOffer, SessionResult
from hil.provisioning.support_server.jig import JigSample
from hil.provisioning.support_server.server import InstallationReport, SealedImage, SupportServer
from hil.wire.device_auth import CommandAuthorization, DeviceHello, Manner, Mode


class LocalStation:
    """What the HTTP client does, without HTTP."""

    def __init__(self, server: SupportServer, station: str) -> None:
        self._server = server
        self._station = station

    def open_session(self) -> SessionOffer:
        return self._server.open_session(self._station)

    def present(
        self,
        session: str,
        hello: DeviceHello,
        *,
        jig: Sequence[JigSample] = (),
        esim_answer: bytes = b"",
    ) -> SessionResult:
        return self._server.present(session, self._station, hello, jig=jig, esim_answer=esim_answer)

    def fetch_image(self, session: str, iccid: str | None = None) -> SealedImage:
        return self._server.fetch_image(session, self._station, iccid)

    def mode_command(self, session: str, device_nonce: bytes, mode: Mode) -> CommandAuthorization:
        return self._server.mode_command(session, self._station, device_nonce, mode)

    def manner_command(
        self, session: str, device_nonce: bytes, manner: Manner
    ) -> CommandAuthorization:
        return self._server.manner_command(session, self._station, device_nonce, manner)

    def report_installation(self, session: str, report: InstallationReport) -> str | None:
        again = self._server.report_installation(session, self._station, report)
        return again.image_id if again else None
