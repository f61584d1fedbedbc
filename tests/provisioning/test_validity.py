"""A peer is told for how long a call still holds, and asked for nothing once it holds no more."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.http.client import PeerClient
from hil.provisioning.trust import PeerKeySet
from hil.provisioning.validity import valid_until

HEADER = "Validity-Period"


class Listener:
    """Takes every request, and keeps its headers."""

    def __init__(self) -> None:
        heard = self.heard = list[dict[str, str]]()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                heard.append(dict(self.headers))
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(204)
                self.end_headers()

            do_POST = do_GET  # noqa: N815 - its name there

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


@pytest.fixture
def client(listener: Listener) -> Iterator[PeerClient]:
    keys = PeerKeySet(1, bytes(16), bytes(16), bytes(16))
    url = f"http://127.0.0.1:{listener.server.server_port}"
    with PeerClient(url, "sm-sr-1", "sm-dp-1", keys) as made:
        made._session = "entered before"
        yield made


def test_what_is_left_of_the_period_goes_with_what_changes_something(
    client: PeerClient, listener: Listener
) -> None:
    with valid_until(time.time() + 100):
        client.tell("POST", "/es3/EnableProfile")
        client.tell("GET", "/es3/jobs/1")
    client.tell("POST", "/es3/EnableProfile")
    changing, looking, without = listener.heard
    assert 90 < float(changing[HEADER]) <= 100
    assert HEADER not in looking
    assert HEADER not in without


def test_nothing_is_asked_for_after_the_period(client: PeerClient, listener: Listener) -> None:
    with valid_until(time.time() - 0.001):
        with pytest.raises(Refusal, match="validity period has ended") as refused:
            client.tell("POST", "/es3/EnableProfile")
        with valid_until(None):
            client.tell("POST", "/es3/DeleteISDP")
    assert refused.value.code is RefusalCode.EXPIRED
    assert len(listener.heard) == 1
