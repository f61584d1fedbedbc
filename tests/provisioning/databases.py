"""A PostgreSQL server of a test's own, on a Unix socket in a folder, where the programs are."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PLACES = ("/usr/lib/postgresql", "/usr/local/pgsql", "/opt/homebrew/opt")


def programs() -> Path | None:
    """Return the folder with initdb and postgres, None where there is none."""
    for found in (shutil.which("postgres"),):
        if found is not None and (Path(found).resolve().parent / "initdb").exists():
            return Path(found).resolve().parent
    made = [path.parent for place in PLACES for path in Path(place).glob("*/bin/initdb")]
    return max(made, default=None)


@contextmanager
def postgresql() -> Iterator[str]:
    """Run a server and give an SQLAlchemy URL with ``{}`` for the name of a database."""
    where = programs()
    assert where is not None
    # initdb refuses root; a short path, because that of a Unix socket has 107 characters at most.
    owner = pwd.getpwnam("nobody") if os.getuid() == 0 else None
    options: dict[str, object] = {}
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    if owner is not None:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        options = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    try:
        data = folder / "data"
        subprocess.run(
            [where / "initdb", "-D", data, "-U", "hil", "-A", "trust", "-N", "-E", "UTF8"],
            check=True,
            capture_output=True,
            timeout=120,
            cwd=folder,
            **options,  # type: ignore[call-overload]
        )
        settings = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={folder}"]
        settings += ["-c", "shared_buffers=16MB", "-c", "max_connections=60"]
        log = (folder / "log").open("wb")
        with (
            log,
            subprocess.Popen(
                [where / "postgres", "-D", data, *settings],
                stdout=log,
                stderr=log,
                cwd=folder,
                **options,  # type: ignore[call-overload]
            ) as server,
        ):
            try:
                deadline = time.monotonic() + 60
                ask = [str(where / "pg_isready"), "-q", "-h", str(folder), "-U", "hil"]
                while subprocess.run(ask, check=False, timeout=30).returncode:
                    assert server.poll() is None, (folder / "log").read_text()
                    assert time.monotonic() < deadline, (folder / "log").read_text()
                    time.sleep(0.05)
                yield f"postgresql+psycopg://hil@/{{}}?host={folder}"
            finally:
                server.send_signal(3)  # SIGQUIT: at once, nothing here is worth keeping
                server.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
