"""A server that is not the receiver it says it is: it takes whatever it gets, and notes it."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

from hil.provisioning.http import messages as m

if TYPE_CHECKING:
    from hil.provisioning.door import DoorChallenge

CHALLENGE_PATH = "/sessions"


class WrongReceiver:
    """Answers every challenge with ``answer``, and whatever follows with a receipt for packets.

    ``requests``: the paths and bodies that came, in their order.
    """

    def __init__(self, answer: DoorChallenge) -> None:
        self.requests: list[tuple[str, bytes]] = []
        said = m.ChallengeAnswer(session=answer.session, nonce=answer.nonce, proof=answer.proof)
        receipt = m.PacketReceiptMessage(iccid="8900109000000000011", packets=1, digest=bytes(32))
        answers = {CHALLENGE_PATH: said.model_dump_json().encode()}
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", 0),
            _handler(self.requests, answers, receipt.model_dump_json().encode()),
        )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        """Begin to answer."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the line."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Where it stands."""
        return f"http://127.0.0.1:{self._server.server_port}"


def _handler(
    requests: list[tuple[str, bytes]], answers: dict[str, bytes], otherwise: bytes
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            requests.append((self.path, body))
            said = answers.get(self.path, otherwise)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing: what came is in the list."""

    return Handler
