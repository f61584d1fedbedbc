"""A device that answers by a script, behind a pty: for tests of the driver alone."""

from __future__ import annotations

import os
import pty
import select
import threading
import tty
from contextlib import suppress


class Conversation:
    """Answers each command line with the next bytes of its list for that command."""

    def __init__(self, answers: dict[str, list[str]]) -> None:
        self._answers = answers
        self._far, self._near = pty.openpty()
        tty.setraw(self._near)
        self.port = os.ttyname(self._near)
        self.heard: list[str] = []
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def say(self, text: str) -> None:
        os.write(self._far, text.encode())

    def hang_up(self) -> None:
        """Take the port away, as a pulled USB cable does."""
        self._stop()
        for end in (self._far, self._near):
            with suppress(OSError):
                os.close(end)

    def close(self) -> None:
        self.hang_up()
        for end in (self._stop_read, self._stop_write):
            with suppress(OSError):
                os.close(end)

    def _stop(self) -> None:
        with suppress(OSError):
            os.write(self._stop_write, b"x")
        self._thread.join(5)

    def _serve(self) -> None:
        pending = b""
        while True:
            ready, _, _ = select.select([self._far, self._stop_read], [], [])
            if self._stop_read in ready:
                return
            pending += os.read(self._far, 4096)
            while b"\r" in pending:
                line, _, pending = pending.partition(b"\r")
                self._answer(line.decode("ascii", "replace").strip("\x00\n"))

    def _answer(self, command: str) -> None:
        self.heard.append(command)
        answers = self._answers.get(command)
        if answers:
            self.say(answers.pop(0) if len(answers) > 1 else answers[0])
