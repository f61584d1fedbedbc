"""A person at the terminal, asked on ``/dev/tty``: pytest keeps the standard streams to itself."""

from __future__ import annotations

import codecs
import contextlib
import os
import select
import termios
import time
from typing import Final

from hil.operator.prompt import NoAnswer, Prompt
from hil.terminal.text import clean, short

TTY: Final = "/dev/tty"
_POLL_S: Final = 1.0
_MOST: Final = 1000
"""Characters of an answer; what is longer is none."""


def lacking_terminal(path: str = TTY) -> str:
    """Return why nobody can be asked on a terminal of this process; "" if somebody can."""
    try:
        tty = _opened(path)
    except OSError:
        return "there is no terminal"
    try:
        return "" if _is_in_front(tty) else "the run is in the background of its terminal"
    finally:
        os.close(tty)


def _opened(path: str) -> int:
    # Nothing waits in it: a terminal that was stopped with Ctrl-S takes no text, for ever.
    return os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)


def _is_in_front(tty: int) -> bool:
    """Whether this process may read: one in the background would be stopped, and hang."""
    try:
        return os.tcgetpgrp(tty) == os.getpgrp()
    except OSError:  # not our controlling terminal: nothing can be stopped by it
        return os.isatty(tty)


class Console:
    """Asks on a terminal. ``operator`` is who sits there."""

    def __init__(self, operator: str, path: str = TTY) -> None:
        self.operator = operator
        self._path = path

    def ask(self, prompt: Prompt, timeout_s: float) -> str:
        """Return what was typed; asks again for what does not answer, until the time is over."""
        lacking = lacking_terminal(self._path)
        if lacking:
            raise NoAnswer(f"operator needed: {prompt.question} ({lacking})")
        try:
            tty = _opened(self._path)
        except OSError as err:
            raise NoAnswer(f"operator needed: {prompt.question} ({err})") from err
        try:
            return self._ask(tty, prompt, timeout_s)
        except OSError as err:
            raise NoAnswer(f"the terminal broke during: {prompt.question} ({err})") from err
        finally:
            os.close(tty)

    def _ask(self, tty: int, prompt: Prompt, timeout_s: float) -> str:
        until = time.monotonic() + timeout_s
        picture = f"picture: {clean(str(prompt.picture))}\n" if prompt.picture is not None else ""
        said = (
            f"\n{'-' * 20} operator {'-' * 20}\n{clean(prompt.question)}\n{picture}"
            f"type {clean(prompt.wanted)} (within {short(timeout_s)})\n> "
        )
        # What was typed before the question came does not answer it.
        termios.tcflush(tty, termios.TCIFLUSH)
        while _say(tty, said, until):
            answer = _read_line(tty, until)
            if answer is None:
                _say(tty, "\nno answer in time\n", until)
                raise NoAnswer(f"no answer within {short(timeout_s)}: {prompt.question}")
            if prompt.accepts(answer):
                return answer
            said = f"{clean(answer)!r} does not answer it: type {clean(prompt.wanted)}\n> "
        raise NoAnswer(
            f"no answer within {short(timeout_s)}: {prompt.question} (the terminal takes no text: "
            f"it was stopped, as with Ctrl-S; Ctrl-Q lets it go on)"
        )


def _say(tty: int, text: str, until: float) -> bool:
    """Write what the terminal takes; return whether that was all before the time was over."""
    data = text.encode("utf-8", "replace")
    while True:
        with contextlib.suppress(BlockingIOError):
            data = data[os.write(tty, data) :]
        left = until - time.monotonic()
        if not data or left <= 0:
            return not data
        select.select([], [tty], [], min(left, _POLL_S))


def _read_line(tty: int, until: float) -> str | None:
    """Return one line without its ends; None if the time is over first.

    Raises OSError when the terminal has gone, or its end of file was typed.
    """
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    line = ""
    while (left := until - time.monotonic()) > 0:
        ready, _, _ = select.select([tty], [], [], min(left, _POLL_S))
        if not ready:
            continue
        try:
            data = os.read(tty, 256)
        except BlockingIOError:  # somebody else has read it, or thrown it away
            continue
        if not data:
            raise OSError("end of file")
        line += decode(data)
        before, end, _ = line.partition("\n")
        if end:
            return before.strip()
        if len(line) > _MOST:
            line = line[-_MOST:]
    return None
