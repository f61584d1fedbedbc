"""A person at a terminal: a real pty, whose other end is the test."""

from __future__ import annotations

import os
import pty
import select
import termios
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from hil.operator.console import Console, lacking_terminal
from hil.operator.prompt import NoAnswer, Prompt

SURE = Prompt("LED green?", ("yes", "no"))


@dataclass
class Person:
    """Types on the master's end, and reads what the terminal shows."""

    master: int
    slave: int
    seen: str = ""
    threads: list[threading.Thread] = field(default_factory=list)

    @property
    def path(self) -> str:
        return os.ttyname(self.slave)

    def wait_for(self, text: str) -> None:
        until = time.monotonic() + 20
        while text not in self.seen:
            assert time.monotonic() < until, self.seen
            if select.select([self.master], [], [], 0.2)[0]:
                self.seen += os.read(self.master, 4096).decode("utf-8", "replace")

    def says(self, *words: str) -> None:
        """Type each word when asked the next time."""

        def type_them() -> None:
            for word in words:
                self.wait_for("> ")
                self.seen = ""
                os.write(self.master, word.encode())

        thread = threading.Thread(target=type_them)
        thread.start()
        self.threads.append(thread)


@pytest.fixture
def person() -> Iterator[Person]:
    master, slave = pty.openpty()
    person = Person(master, slave)
    yield person
    for thread in person.threads:
        thread.join(30)
    os.close(slave)
    os.close(master)


def test_the_answer_is_what_was_typed(person: Person) -> None:
    person.says("yes\n")
    assert Console("j.doe", person.path).ask(SURE, 20) == "yes"


def test_a_word_that_is_none_is_asked_again(person: Person) -> None:
    person.says("\n", "y\n", "\x1b[A\n", "no\n")
    assert Console("j.doe", person.path).ask(SURE, 20) == "no"


def test_what_was_typed_before_the_question_does_not_answer_it(person: Person) -> None:
    os.write(person.master, b"yes\n")
    person.says("no\n")
    assert Console("j.doe", person.path).ask(SURE, 20) == "no"


def test_nobody_types(person: Person) -> None:
    begun = time.monotonic()
    with pytest.raises(NoAnswer, match=r"no answer within 0\.3 s: LED green"):
        Console("j.doe", person.path).ask(SURE, 0.3)
    assert 0.3 <= time.monotonic() - begun < 10
    person.wait_for("type yes, no or abort (within 0.3 s)")
    person.wait_for("no answer in time")


def test_half_a_word_is_no_answer(person: Person) -> None:
    person.says("ye")
    with pytest.raises(NoAnswer, match="no answer within"):
        Console("j.doe", person.path).ask(SURE, 1.0)


def test_a_terminal_that_is_stopped_does_not_hold_the_run(person: Person) -> None:
    termios.tcflow(person.slave, termios.TCOOFF)  # what Ctrl-S does
    release = threading.Timer(10, termios.tcflow, (person.slave, termios.TCOON))
    release.start()
    begun = time.monotonic()
    with pytest.raises(
        NoAnswer, match=r"no answer within 0\.3 s: LED green\? \(the terminal takes"
    ):
        Console("j.doe", person.path).ask(SURE, 0.3)
    release.cancel()
    assert 0.3 <= time.monotonic() - begun < 8


def test_a_terminal_that_goes_on_shows_the_whole_question(person: Person) -> None:
    termios.tcflow(person.slave, termios.TCOOFF)
    release = threading.Timer(0.3, termios.tcflow, (person.slave, termios.TCOON))
    release.start()
    person.threads.append(release)
    person.says("yes\n")
    question = "Is the LED green? " * 2_000
    assert Console("j.doe", person.path).ask(Prompt(question, ("yes", "no")), 20) == "yes"


def test_end_of_file_is_no_answer(person: Person) -> None:
    person.says("\x04")
    with pytest.raises(NoAnswer, match="broke during: LED green"):
        Console("j.doe", person.path).ask(SURE, 20)


def test_bytes_that_are_no_text_do_not_break_it(person: Person) -> None:
    def type_it() -> None:
        person.wait_for("> ")
        os.write(person.master, b"\xff\xfe\n")
        person.seen = ""
        person.wait_for("> ")
        os.write(person.master, b"yes\n")

    thread = threading.Thread(target=type_it)
    thread.start()
    person.threads.append(thread)
    assert Console("j.doe", person.path).ask(SURE, 20) == "yes"


def test_a_question_cannot_drive_the_terminal(person: Person) -> None:
    person.says("yes\n")
    Console("j.doe", person.path).ask(Prompt("\x1b[2Jsure?", ("yes", "no")), 20)
    person.threads.pop().join(20)
    while select.select([person.master], [], [], 0.2)[0]:
        person.seen += os.read(person.master, 4096).decode()
    assert "\x1b" not in person.seen


def test_a_terminal_that_is_not_there() -> None:
    assert lacking_terminal("/nowhere/tty") == "there is no terminal"
    with pytest.raises(NoAnswer, match=r"operator needed: LED green\? \(there is no terminal\)"):
        Console("j.doe", "/nowhere/tty").ask(SURE, 20)
