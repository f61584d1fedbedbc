"""The store: what is committed stays, what failed leaves nothing, and each actor has its own."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import select

from hil.errors import ConfigError
from hil.provisioning import sequences
from hil.provisioning.store import Store
from hil.provisioning.tables import SEQUENCES


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> object:
    made = Store(f"sqlite:///{tmp_path}/a.db" if request.param == "file" else "sqlite://")
    yield made
    made.close()


def test_numbers_are_given_out_once_whoever_asks(store: Store) -> None:
    taken: list[int] = []
    lock = threading.Lock()

    def work() -> None:
        for _ in range(10):
            with store.transaction() as connection:
                found = list(sequences.take(connection, "n", 3, first=1))
            with lock:
                taken.extend(found)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(1, 121))


def test_what_failed_leaves_nothing(store: Store) -> None:
    def fail() -> None:
        with store.transaction() as connection:
            sequences.take(connection, "n", 3)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with store.transaction() as connection:
        assert connection.execute(select(SEQUENCES)).all() == []


def test_a_store_belongs_to_one_actor_of_a_kind(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    store = Store(url)
    store.claim("sm-dp", "sm-dp-1")
    store.claim("sm-dp", "sm-dp-1")
    store.claim("sm-sr", "sm-sr-1")
    store.close()
    again = Store(url)
    with pytest.raises(ConfigError, match="belongs to the sm-dp 'sm-dp-1', not to 'sm-dp-2'"):
        again.claim("sm-dp", "sm-dp-2")
    again.close()


@pytest.mark.parametrize("url", ["", "nonsense", "sqlite:////nowhere/at/all/a.db", "foo://x/y"])
def test_a_store_that_cannot_be_is_a_mistake_of_the_file(url: str) -> None:
    with pytest.raises(ConfigError, match="store"):
        Store(url)


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"this is not a database at all, but long enough to look at")
    with pytest.raises(ConfigError, match="cannot be used"):
        Store(f"sqlite:///{tmp_path}/a.db")


def test_a_password_in_the_url_is_not_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        Store("postgresql+nodriver://user:geheim@127.0.0.1/x")
    assert "geheim" not in str(caught.value)
