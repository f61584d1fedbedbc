"""What all sections of our files have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError


class Section(BaseModel):
    """A part of a file: closed (no unknown key), frozen, without silent conversion of types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=False)


def wrong(text: str) -> PydanticCustomError:
    """Return the error that a validator raises to say ``text`` at its place in the file."""
    return PydanticCustomError("file", "{why}", {"why": text})


def exactly_one(section: BaseModel, *names: str) -> str:
    """Return which one of the keys is given; none or several is an error at the section."""
    given = [name for name in names if getattr(section, name) is not None]
    if len(given) != 1:
        listed = " or ".join(f"'{name}'" for name in names)
        state = "none of them is" if not given else f"{' and '.join(given)} are"
        raise wrong(f"exactly one of {listed} is needed; {state} given")
    return given[0]
