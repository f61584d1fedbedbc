"""Brings a database to the tables that this program knows, whatever it held before.

A new database gets all tables at once; an older one is migrated step by step (Alembic, in one
transaction); one of a newer program is refused. ``python -m hil.provisioning.schema "add what"``
writes the next step, from what :mod:`hil.provisioning.tables` has and the steps do not.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.schema import CreateIndex, CreateTable

from hil.errors import ConfigError
from hil.provisioning.tables import METADATA

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Dialect

MIGRATIONS: Final = Path(__file__).parent / "migrations"
FIRST: Final = "0001"
"""The schema of databases that were made before there were migrations."""

_VERSION_TABLE: Final = "alembic_version"
_STATEMENTS: Final[dict[str, tuple[str, ...]]] = {}
"""By dialect: to compile them is most of the time that a new store takes."""


def head() -> str:
    """Return the revision of :mod:`hil.provisioning.tables`: the last file of the steps."""
    return max(path.name for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))[:4]


def bring_up_to_date(connection: Connection, shown_url: str) -> None:
    """Make or migrate the tables in the caller's transaction; ConfigError for a newer schema."""
    names = set(inspect(connection).get_table_names())
    if not names & set(METADATA.tables):
        for statement in _all_tables(connection.dialect):
            connection.exec_driver_sql(statement)
        _stamp(connection, head(), new=_VERSION_TABLE not in names)
        return
    if _VERSION_TABLE not in names:
        _stamp(connection, FIRST, new=True)
    found = connection.execute(text(f"SELECT version_num FROM {_VERSION_TABLE}")).scalar()  # noqa: S608 - a constant
    if found == head():
        return
    if not isinstance(found, str) or found > head():
        raise ConfigError(
            f"store {shown_url} has schema {found}, this program knows {head()} and older ones: "
            "use the program that wrote it, or a newer one"
        )
    migrate(connection)


def _all_tables(dialect: Dialect) -> tuple[str, ...]:
    """Return the statements that make all tables and indexes, in an order that can be followed."""
    if dialect.name not in _STATEMENTS:
        elements: list[CreateTable | CreateIndex] = []
        for table in METADATA.sorted_tables:
            elements.append(CreateTable(table))
            by_name = sorted(table.indexes, key=lambda index: str(index.name))
            elements += (CreateIndex(index) for index in by_name)
        _STATEMENTS[dialect.name] = tuple(str(one.compile(dialect=dialect)) for one in elements)
    return _STATEMENTS[dialect.name]


def migrate(connection: Connection, to: str = "head") -> None:
    """Take the steps up to a revision."""
    from alembic import command  # noqa: PLC0415 - 0.2 s, for old databases only

    command.upgrade(_config(connection), to)


def differences(connection: Connection) -> list[Any]:
    """Return what a database has otherwise than :mod:`hil.provisioning.tables`."""
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415
    from alembic.migration import MigrationContext  # noqa: PLC0415

    # SQLite knows one kind of whole number.
    options = {"compare_type": connection.dialect.name != "sqlite"}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), METADATA))


def _stamp(connection: Connection, revision: str, *, new: bool) -> None:
    if new:
        connection.execute(
            text(f"CREATE TABLE {_VERSION_TABLE} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        )
    connection.execute(
        text(f"INSERT INTO {_VERSION_TABLE} VALUES (:revision)"),  # noqa: S608 - a constant
        {"revision": revision},
    )


def _config(connection: Connection) -> Config:
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def main(arguments: list[str] | None = None) -> int:
    """Write the next step."""
    from alembic import command  # noqa: PLC0415

    (message,) = sys.argv[1:] if arguments is None else arguments
    with create_engine("sqlite://").begin() as connection:
        migrate(connection)
        command.revision(
            _config(connection), message, autogenerate=True, rev_id=f"{int(head()) + 1:04d}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
