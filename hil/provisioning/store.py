"""Where an actor keeps its state: one database an actor, by URL, SQLite by default.

Every transition is committed before it is answered, with ``synchronous=FULL``, so a process that is
killed loses nothing that it has confirmed. Transactions are short and never span a call to a peer
(clients of peers refuse to be called within one).

Transactions on one database take turns, on PostgreSQL as on SQLite: what is looked up stays true
until what follows from it is written, for rows that are not there yet as well.
"""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import RLock
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, insert, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError
from sqlalchemy.pool import NullPool, StaticPool

from hil.errors import ConfigError
from hil.provisioning import schema
from hil.provisioning.tables import OWNERS

_OWNERS_VERSION: Final = 1
_POOL: Final = 20
_POOL_MORE: Final = 100
_CONNECT_SECONDS: Final = 10
_TURN: Final = 7_034_261_502
"""The advisory lock by which transactions on one PostgreSQL database take turns."""
_BUSY_MILLISECONDS: Final = 10_000


class _Thread(threading.local):
    """What this thread has open: transactions of any store, and units by store."""

    def __init__(self) -> None:
        self.transactions = 0
        self.units: dict[int, _Unit] = {}


class _Unit:
    """A transaction that others join, and what is to be done once it is committed."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.afterwards: list[Callable[[], None]] = []


_THREAD: Final = _Thread()


def in_transaction() -> bool:
    """Whether this thread has a transaction open, of any store."""
    return _THREAD.transactions > 0


class Store:
    """A database with the tables of :mod:`hil.provisioning.tables`.

    ``url`` is an SQLAlchemy URL; ``sqlite://`` alone lives in memory and ends with the process.
    """

    def __init__(self, url: str = "sqlite://") -> None:
        self._engine = _open_engine(url)
        # A database in memory is one connection; threads take turns on it.
        in_memory = isinstance(self._engine.pool, StaticPool)
        self._turn: AbstractContextManager[object] = RLock() if in_memory else nullcontext()
        self._keys = threading.Condition()
        self._taken: set[str] = set()
        self._locks = None
        if self._engine.dialect.name == "postgresql":
            self._locks = create_engine(self._engine.url, poolclass=NullPool)
        self.shown_url = _shown(url)
        try:
            with self.transaction() as connection:
                schema.bring_up_to_date(connection, self.shown_url)
        except DatabaseError as err:
            self.close()
            # Without what the driver says: it may hold the password.
            raise ConfigError(
                f"store {self.shown_url} cannot be used: {type(err.orig).__name__}"
            ) from None
        except BaseException:
            self.close()
            raise

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Begin a transaction; it is committed at the end, rolled back on an exception.

        Within a :meth:`unit` of this thread it is a part of that one, and is rolled back alone.
        """
        unit = _THREAD.units.get(id(self))
        if unit is not None:
            with unit.connection.begin_nested():
                yield unit.connection
            return
        with self._turn, self._engine.begin() as connection:
            if self._locks is not None:
                connection.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})
            _THREAD.transactions += 1
            try:
                yield connection
            finally:
                _THREAD.transactions -= 1

    @contextmanager
    def unit(self) -> Iterator[Connection]:
        """Begin a transaction that all others of this thread join until it ends."""
        if id(self) in _THREAD.units:
            raise RuntimeError("a unit of work within another one: nobody would know what is kept")
        with self.transaction() as connection:
            unit = _THREAD.units[id(self)] = _Unit(connection)
            try:
                yield connection
            finally:
                del _THREAD.units[id(self)]
        for act in unit.afterwards:
            act()

    def when_committed(self, act: Callable[[], None]) -> None:
        """Do ``act`` when what this thread has written is committed: now, or after its unit."""
        unit = _THREAD.units.get(id(self))
        if unit is None:
            act()
        else:
            unit.afterwards.append(act)

    @contextmanager
    def alone(self, key: str, *, timeout_s: float) -> Iterator[bool]:
        """Keep others with the same ``key`` out until the end; false when they stay too long.

        Whoever held the key loses it with its process, so a key that can be had is nobody's. On
        PostgreSQL it also keeps out other processes.
        """
        with self._alone_here(key, timeout_s) as mine:
            if not mine or self._locks is None:
                yield mine
                return
            with self._locks.connect() as connection:
                yield _locked(connection, key, timeout_s)

    @contextmanager
    def _alone_here(self, key: str, timeout_s: float) -> Iterator[bool]:
        with self._keys:
            mine = self._keys.wait_for(lambda: key not in self._taken, timeout_s)
            if mine:
                self._taken.add(key)
        try:
            yield mine
        finally:
            if mine:
                with self._keys:
                    self._taken.discard(key)
                    self._keys.notify_all()

    def claim(self, kind: str, owner: str) -> None:
        """Say whose store this is; ConfigError when it belongs to another actor of that kind."""
        with self.transaction() as connection:
            row = connection.execute(select(OWNERS).where(OWNERS.c.kind == kind)).first()
            if row is None:
                connection.execute(
                    insert(OWNERS).values(kind=kind, owner=owner, schema_version=_OWNERS_VERSION)
                )
            elif row.owner != owner:
                raise ConfigError(
                    f"store {self.shown_url} belongs to the {kind} {row.owner!r}, "
                    f"not to {owner!r}: give each actor its own"
                )

    def close(self) -> None:
        """Close all connections; may be called again."""
        self._engine.dispose()
        if self._locks is not None:
            self._locks.dispose()


def _locked(connection: Connection, key: str, timeout_s: float) -> bool:
    milliseconds = max(1, int(timeout_s * 1000))
    connection.execute(text(f"SET lock_timeout = {milliseconds}"))
    lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")
    try:
        connection.execute(lock, {"key": key})
    except OperationalError:
        return False
    return True


def _shown(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "(not a database URL)"


def _open_engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError as err:
        raise ConfigError(
            "store URL cannot be read: use for instance sqlite:////path/file.db"
        ) from err
    options: dict[str, Any] = {}
    sqlite = parsed.get_backend_name() == "sqlite"
    if sqlite and parsed.database in (None, "", ":memory:"):
        options = {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
    if parsed.get_backend_name() == "postgresql":
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        options = {
            "pool_size": _POOL,
            "max_overflow": _POOL_MORE,
            "pool_pre_ping": True,
            "connect_args": {"connect_timeout": _CONNECT_SECONDS},
        }
    try:
        engine = create_engine(parsed, **options)
    except (ArgumentError, ImportError) as err:
        raise ConfigError(
            f"store {_shown(url)}: no driver for {parsed.drivername}; install the one it names "
            "(for PostgreSQL: pip install 'hil-esim[postgresql]')"
        ) from err
    if sqlite:
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_immediate)
    return engine


def _configure_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver must not begin transactions by itself, or a read followed by a write could
    # deadlock.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
    _use_write_ahead_log(cursor)
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _use_write_ahead_log(cursor: sqlite3.Cursor) -> None:
    """Switch a new file over, in turn with whoever opens it too.

    SQLite answers at once, without its busy timeout, when two connections want to switch: each
    holds what the other needs. One of them has to come again.
    """
    last = time.monotonic() + _BUSY_MILLISECONDS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as err:
            busy = err.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > last:
                raise
            time.sleep(random.uniform(0.001, 0.02))  # noqa: S311 - apart, not secret
        else:
            return


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
