"""AT command lines, read into commands; among them lines that once had no end."""

from __future__ import annotations

import pytest

from hil.virtual.device.at_parser import parse_line


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("+X=1", ("1",)),
        ("+X=", ("",)),
        ("+X=1,", ("1", "")),
        ("+X=,", ("", "")),
        ("+X=1,,", ("1", "", "")),
        ('+X="a,b",2', ("a,b", "2")),
        ('+X="a", ', ("a", "")),
    ],
)
def test_arguments_end_where_the_line_does(line: str, arguments: tuple[str, ...]) -> None:
    (command,) = parse_line(line)
    assert command.arguments == arguments
