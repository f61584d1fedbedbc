"""What is found, and what an instrument that cannot be asked looks like."""

from __future__ import annotations

from hil.bench.discovery import _ask


def test_a_bare_exception_of_the_visa_library_becomes_a_problem_of_that_instrument() -> None:
    class Manager:
        def open_resource(self, name: str, **_: object) -> object:
            raise Exception("could not connect: -1073807339")  # noqa: TRY002 - as pyvisa-py does

    found = _ask(Manager(), "TCPIP0::192.0.2.1::INSTR", 0.1)
    assert found.problem == "could not connect: Timeout expired before operation completed."
