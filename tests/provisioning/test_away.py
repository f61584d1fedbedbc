"""An SM-SR that is away for a moment has its jobs in its store: who waits for one waits on."""

from __future__ import annotations

import pytest

from hil.errors import LinkError, LinkTimeoutError
from hil.provisioning.http import es_clients
from hil.provisioning.http.es_clients import Es3Client
from hil.provisioning.sm_sr.jobs import JobReport
from hil.provisioning.trust import PeerKeySet

DONE = JobReport("1", "enable", "", "", "done", "", 1, ())


class Away(Es3Client):
    """Asked how a job stands, it cannot be reached ``times`` times; the job is done then."""

    def __init__(self, times: int, error: type[LinkError] = LinkError) -> None:
        super().__init__("https://127.0.0.1:1", "sm-sr-1", "sm-dp-1", PeerKeySet(1, *_KEYS))
        self.left = times
        self.error = error

    def report(self, _job: str, *, wait_s: float = 0.0) -> JobReport:
        assert wait_s >= 0
        self.left -= 1
        if self.left >= 0:
            raise self.error("not there")
        return DONE


_KEYS = (bytes(16), bytes(range(16)), bytes(range(16, 32)))


@pytest.fixture(autouse=True)
def short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(es_clients, "_AWAY_S", 0.01)


def test_it_is_asked_again_until_it_is_back() -> None:
    with Away(3) as client:
        assert client.wait("1", timeout_s=30) is DONE


def test_not_for_longer_than_one_wants_to_wait() -> None:
    with Away(10**9) as client, pytest.raises(LinkError, match="not there"):
        client.wait("1", timeout_s=0.05)


def test_one_that_keeps_silent_is_not_away() -> None:
    with Away(1, LinkTimeoutError) as client, pytest.raises(LinkTimeoutError):
        client.wait("1", timeout_s=30)


def test_whoever_has_closed_the_connection_does_not_wait() -> None:
    client = Away(10**9)
    client.close()
    with pytest.raises(LinkError, match="not there"):
        client.wait("1", timeout_s=30)


def test_a_closed_client_says_so() -> None:
    client = Es3Client("http://127.0.0.1:1", "sm-sr-1", "sm-dp-1", PeerKeySet(1, *_KEYS))
    client.close()
    with pytest.raises(LinkError, match="were closed"):
        client.health()
