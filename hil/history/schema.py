"""The tables of the store, and how a store of an older version becomes one of today.

The version stands in the file itself (``PRAGMA user_version``), as does the mark by which a store
of runs is told from any other SQLite file (``PRAGMA application_id``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.history.errors import HistoryError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

APPLICATION_ID: Final = 0x68696C68
""""hilh" in ASCII."""

_FIRST: Final = (
    """
    CREATE TABLE runs (
        number INTEGER PRIMARY KEY,
        run TEXT NOT NULL UNIQUE,
        folder TEXT NOT NULL,
        bench TEXT NOT NULL,
        virtual INTEGER NOT NULL,
        version TEXT NOT NULL,
        item TEXT NOT NULL,
        operator TEXT NOT NULL,
        host TEXT NOT NULL,
        began_ns INTEGER NOT NULL,
        ended_ns INTEGER NOT NULL,
        whole INTEGER NOT NULL
    )
    """,
    "CREATE INDEX runs_by_time ON runs (began_ns)",
    "CREATE TABLE names (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    """
    CREATE TABLE tests (
        test INTEGER NOT NULL REFERENCES names (number),
        run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
        verdict TEXT NOT NULL,
        seconds REAL NOT NULL,
        attempts INTEGER NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (test, run)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX tests_by_run ON tests (run, verdict)",
    """
    CREATE TABLE measurements (
        run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
        test INTEGER NOT NULL REFERENCES names (number),
        place INTEGER NOT NULL,
        name TEXT NOT NULL,
        value REAL,
        unit TEXT NOT NULL,
        expanded REAL,
        low REAL,
        high REAL,
        instrument TEXT NOT NULL,
        verdict TEXT NOT NULL
    )
    """,
    "CREATE INDEX measurements_by_name ON measurements (name, run)",
    "CREATE INDEX measurements_by_run ON measurements (run)",
)
STEPS: Final[tuple[Sequence[str], ...]] = (_FIRST,)
"""Step n takes a store of version n to version n + 1. Steps are added, never changed."""


def check(connection: sqlite3.Connection, file: str, steps: Sequence[Sequence[str]] = STEPS) -> int:
    """Return the version of an open store, 0 for an empty file.

    Raises HistoryError for a file of another program, or of a later version than is known.
    """
    mark, version, tables = _state(connection)
    if mark != APPLICATION_ID and (tables or version or mark):
        raise HistoryError(f"{file}: this is a database, but no store of runs; name another file")
    if version > len(steps):
        raise HistoryError(
            f"{file}: written by a later hil (store version {version}, this one knows up to "
            f"{len(steps)}); update hil. Nothing was changed"
        )
    return int(version)


def _state(connection: sqlite3.Connection) -> tuple[int, int, int]:
    """Return mark, version and number of tables as they are at one moment.

    Read one after the other, another process may make its tables in between.
    """
    alone = not connection.in_transaction
    if alone:
        connection.execute("BEGIN")
    try:
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (mark,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    finally:
        if alone and connection.in_transaction:
            connection.execute("COMMIT")
    return int(mark), int(version), int(tables)


def upgrade(
    connection: sqlite3.Connection, file: str, steps: Sequence[Sequence[str]] = STEPS
) -> None:
    """Bring a store to the version of today, in one transaction; a new file gets its tables.

    Raises HistoryError as :func:`check` does.
    """
    if check(connection, file, steps) == len(steps):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in steps[check(connection, file, steps) :]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
