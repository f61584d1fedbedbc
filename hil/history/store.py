"""The store of runs: one SQLite file, beside the runs, that several processes may use at once.

It is a convenience, never the evidence: all that stands in it was read from journals, and can be
read from them again (``hil history --import``).
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from typing import TYPE_CHECKING, Any, Final, Self

from hil.history.errors import HistoryError
from hil.history.rows import measurement_rows, plain, run_row, test_rows
from hil.history.schema import STEPS, check, upgrade

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from hil.evidence.run_record import RunRecord

FILE: Final = "history.sqlite"
"""Name of the store in the folder of runs."""
TIMEOUT_S: Final = 10.0
"""How long a process waits for another one that is writing."""
_BETWEEN_S: Final = 0.02
_MOST_PARAMETERS: Final = 500


class History:
    """An open store; a context manager. ``writable`` makes the file where there is none.

    Every method raises HistoryError for a file that is locked for longer than ``timeout_s``,
    damaged, read-only, or no store.
    """

    def __init__(self, file: Path, *, writable: bool = False, timeout_s: float = TIMEOUT_S) -> None:
        self.file = file
        self._timeout_s = timeout_s
        with self._clear():
            self._connection = self._opened(writable)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Idempotent."""
        self._connection.close()

    def add(self, run: RunRecord) -> bool:
        """Keep a run; return whether it was new. One that is kept already is replaced.

        Raises HistoryError also where another run, begun at another time, has the same id.
        """
        with self._clear(), self._transaction():
            known = self._connection.execute(
                "SELECT number, began_ns, folder FROM runs WHERE run = ?", (plain(run.run),)
            ).fetchone()
            if known is not None:
                number, began_ns, folder = known
                if began_ns != run.began_ns and folder != plain(run.folder):
                    raise HistoryError(
                        f"{self.file}: holds another run of the id {run.run}, from {folder}; "
                        f"nothing was changed: hil history --forget {run.run}, if that one may go"
                    )
                self._connection.execute("DELETE FROM runs WHERE number = ?", (number,))
            try:
                self._insert(run)
            except OverflowError as err:
                raise HistoryError(
                    f"{self.file}: {run.run} cannot be kept: a number in its journal is too large "
                    f"for any clock or count"
                ) from err
            return known is None

    def forget(self, run: str) -> bool:
        """Take a run out; return whether it was there. Its folder stays."""
        with self._clear(), self._transaction():
            gone = self._connection.execute(
                "DELETE FROM runs WHERE run = ?", (plain(run),)
            ).rowcount
            return gone > 0

    def rows(
        self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[tuple[Any, ...]]:
        """Return what a query finds."""
        with self._clear():
            return self._connection.execute(sql, parameters).fetchall()

    def _insert(self, run: RunRecord) -> None:
        into = self._connection
        row = run_row(run)
        marks = ", ".join("?" * len(row))
        number = into.execute(f"INSERT INTO runs VALUES (NULL, {marks})", row).lastrowid  # noqa: S608
        names = self._numbers([test.id for test in run.tests.values()])
        into.executemany(
            "INSERT INTO tests VALUES (?, ?, ?, ?, ?, ?)",
            ((names[test], number, *rest) for test, *rest in test_rows(run)),
        )
        into.executemany(
            "INSERT INTO measurements VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            ((number, names[test], *rest) for test, *rest in measurement_rows(run)),
        )

    def _numbers(self, tests: list[str]) -> dict[str, int]:
        """Return the number of each name; one that is new gets one."""
        names = [plain(test) for test in tests]
        self._connection.executemany(
            "INSERT OR IGNORE INTO names (name) VALUES (?)", ((name,) for name in names)
        )
        found: dict[str, int] = {}
        for start in range(0, len(names), _MOST_PARAMETERS):
            part = names[start : start + _MOST_PARAMETERS]
            marks = ", ".join("?" * len(part))
            found |= self._connection.execute(
                f"SELECT name, number FROM names WHERE name IN ({marks})",  # noqa: S608 - marks only
                part,
            )
        return found

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _opened(self, writable: bool) -> sqlite3.Connection:
        if not writable:
            return self._opened_for_reading()
        self.file.parent.mkdir(parents=True, exist_ok=True)
        until = time.monotonic() + self._timeout_s
        while True:
            connection = self._connect("rwc")
            try:
                # Two processes that make the file at the same moment: one of them is told at once
                # that it is locked, whatever the timeout says, and tries again.
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute("PRAGMA foreign_keys = ON")
                upgrade(connection, str(self.file))
            except sqlite3.OperationalError as err:
                connection.close()
                if not _is_lock(err) or time.monotonic() > until:
                    raise
                time.sleep(_BETWEEN_S)
            except BaseException:
                connection.close()
                raise
            else:
                return connection

    def _opened_for_reading(self) -> sqlite3.Connection:
        if not self.file.is_file():
            raise HistoryError(
                f"{self.file}: there is no store of runs yet: a run is remembered at its end; "
                f"hil history --import FOLDER… brings older ones in"
            )
        connection = self._connect("ro")
        try:
            version = self._checked(connection)
        except sqlite3.OperationalError:
            if self.file.with_name(f"{self.file.name}-wal").exists():
                raise
            # A place where nothing can be written, not even the index that SQLite shares between
            # processes; nothing waits to be merged in, so the file alone is the whole store.
            connection = self._connect("ro&immutable=1")
            version = self._checked(connection)
        if version < len(STEPS):
            connection.close()
            with History(self.file, writable=True, timeout_s=self._timeout_s):
                pass
            return self._connect("ro")
        return connection

    def _checked(self, connection: sqlite3.Connection) -> int:
        """Return the version of the store; the connection is closed if it cannot be used."""
        try:
            return check(connection, str(self.file))
        except BaseException:
            connection.close()
            raise

    def _connect(self, mode: str) -> sqlite3.Connection:
        return sqlite3.connect(
            f"{self.file.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=self._timeout_s,
            isolation_level=None,
        )

    @contextlib.contextmanager
    def _clear(self) -> Iterator[None]:
        """Turn what SQLite says into what happened, where, and what to do."""
        try:
            yield
        except sqlite3.OperationalError as err:
            if _is_lock(err):
                raise HistoryError(
                    f"{self.file}: another process has been writing for {self._timeout_s:g} s; try "
                    f"again, and see who has the file open"
                ) from err
            raise HistoryError(
                f"{self.file}: cannot be used ({err}); see that the folder and the file may be "
                f"written to, and that the disk is not full"
            ) from err
        except sqlite3.Error as err:
            raise HistoryError(
                f"{self.file}: damaged, or no store of runs ({err}); nothing was changed: move it "
                f"away, and hil history --import FOLDER… makes a new one from the journals"
            ) from err
        except OSError as err:
            raise HistoryError(f"{self.file}: cannot be used: {err.strerror or err}") from err


def remember(run: RunRecord, file: Path, *, timeout_s: float = TIMEOUT_S) -> str:
    """Keep a run that has ended; return "", or in one line why it could not be kept.

    Never raises an Exception: a run's verdict does not hang on its history.
    """
    try:
        with History(file, writable=True, timeout_s=timeout_s) as history:
            history.add(run)
    except HistoryError as err:
        return f"this run is not in the history: {err}"
    except Exception as err:  # noqa: BLE001 - see above
        return (
            f"this run is not in the history: {file}: {type(err).__name__}: {err}; "
            f"hil history --import {run.folder} tries again"
        )
    return ""


def _is_lock(err: sqlite3.OperationalError) -> bool:
    return err.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
