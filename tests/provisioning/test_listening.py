"""The servers' sockets: an answer of head and body must not wait for a delayed acknowledgement."""

from __future__ import annotations

import socket

import pytest

from hil.errors import ConfigError
from hil.provisioning.servers import _listen


def test_accepted_connections_have_no_nagle() -> None:
    with (
        _listen("mno-1", "127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_taken_port_is_named() -> None:
    with _listen("mno-1", "127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"mno-2: port {port} of 127.0.0.1 is taken"):
            _listen("mno-2", "127.0.0.1", port)
