"""Shows a run's folder to a browser on this machine, and to nobody else."""

from __future__ import annotations

import functools
import os
import webbrowser
from collections.abc import Callable
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import quote

LOOPBACK: Final = "127.0.0.1"


class Handler(SimpleHTTPRequestHandler):
    """Gives files; only to who asks for this very server by its address."""

    extensions_map = {  # noqa: RUF012 - as the library has it
        **SimpleHTTPRequestHandler.extensions_map,
        ".jsonl": "text/plain; charset=utf-8",
        ".log": "text/plain; charset=utf-8",
        ".txt": "text/plain; charset=utf-8",
    }

    def do_GET(self) -> None:
        """Answer; a page of another site that was made to point here gets nothing."""
        port = self.connection.getsockname()[1]
        if self.headers.get("Host") not in (f"{LOOPBACK}:{port}", f"localhost:{port}"):
            self.send_error(HTTPStatus.FORBIDDEN, "ask for this server by its own address")
            return
        super().do_GET()

    def list_directory(self, _path: str | os.PathLike[str]) -> None:
        """Show no folder: the pages lead to their files."""
        self.send_error(HTTPStatus.NOT_FOUND, "no such file")

    def log_message(self, _format: str, *_arguments: object) -> None:
        """Say nothing: the terminal is the user's."""


def server(folder: Path) -> ThreadingHTTPServer:
    """Return a server of ``folder`` on a free port of this machine, not yet running."""
    return ThreadingHTTPServer((LOOPBACK, 0), functools.partial(Handler, directory=str(folder)))


def serve(
    folder: Path,
    page: Path,
    *,
    say: Callable[[str], None],
    show: Callable[[str], object] = webbrowser.open,
) -> None:
    """Serve ``folder`` and have a browser open ``page`` in it, until Ctrl-C."""
    with server(folder) as serving:
        port = serving.server_address[1]
        url = f"http://{LOOPBACK}:{port}/{quote(page.relative_to(folder).as_posix())}"
        say(f"report    {url}  (Ctrl-C ends)")
        show(url)
        try:
            serving.serve_forever()
        except KeyboardInterrupt:
            say("")
