"""Takes a new revocation list while the servers run: for every connection that is made after it."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path
from typing import Final

from hil.provisioning.http.tls import REVOKED

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 2.0

_Stamp = tuple[int, int, int]


class RevocationWatch:
    """Looks at ``crl.pem`` in a folder of certificates; of two lists the newer one counts.

    Connections that stand are not cut: they end when they have been idle for a minute.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / REVOKED
        self._contexts: list[ssl.SSLContext] = []
        self._seen = self._stamp()

    def add(self, context: ssl.SSLContext) -> ssl.SSLContext:
        """Keep a context up to date; return it."""
        self._contexts.append(context)
        return context

    def work(self) -> float:
        """Read the list anew where it has changed; return in how many seconds to look again.

        One that cannot be read changes nothing: what was revoked stays so.
        """
        stamp = self._stamp()
        if stamp is not None and stamp != self._seen:
            self._seen = stamp
            try:
                for context in self._contexts:
                    context.load_verify_locations(self._file)
                    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
            except (OSError, ssl.SSLError) as err:
                log.error("%s cannot be used, the list before it stays: %s", self._file, err)  # noqa: TRY400 - a file, not a fault
            else:
                log.info("%s was read anew", self._file)
        return LOOK_SECONDS

    def _stamp(self) -> _Stamp | None:
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
