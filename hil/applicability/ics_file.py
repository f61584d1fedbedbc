"""The implementation conformance statement (ICS) of a product: what its supplier says it supports.

One YAML file a product and release. Items are those that conditions ask for, by their ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from hil.applicability.expression import Support
from hil.applicability.parser import is_item
from hil.documents.document import Problem, read_document
from hil.documents.loader import check
from hil.documents.section import Section, wrong

_NO_ANSWERS: Final = {"yes", "no", "y", "n", "on", "off", "true", "false", "maybe", "?", "tbd"}
"""Texts that mean true, false or nothing yet: as texts they would all count as supported."""


def _support(value: object) -> Support:
    if isinstance(value, str) and value.strip().casefold() in _NO_ANSWERS:
        raise wrong(f"'{value}' is no answer; write true or false, without quotes")
    if isinstance(value, bool | int) or (isinstance(value, str) and value):
        return value
    raise wrong("support is true, false, a whole number, or text")


class IcsItem(Section):
    """One line of the statement."""

    text: str = Field(min_length=1, description="what is supported, in words")
    reference: str = Field(default="", description="where the specification defines it")
    support: Annotated[
        Support,
        BeforeValidator(_support),
        WithJsonSchema({"type": ["boolean", "integer", "string"]}),
    ] = Field(description="true, false, or the value where the item asks for one")


class IcsFile(Section):
    """What a supplier states of one release of a product."""

    schema_version: Literal[1] = Field(alias="schema", description="version of this file format")
    kind: Literal["ics"] = Field(description="what this file is")
    supplier: str = Field(min_length=1, description="who makes the statement")
    product: str = Field(min_length=1, description="of which product")
    release: str = Field(min_length=1, description="of which release of it")
    items: dict[str, IcsItem] = Field(min_length=1, description="id of an item → what is stated")

    @model_validator(mode="after")
    def _ids(self) -> Self:
        bad = next((name for name in self.items if not is_item(name)), None)
        if bad is not None:
            raise wrong(
                f"items: '{bad}' cannot be the id of an item: it is a name such as O_BER_TLV, or "
                "table/item such as A.4/7, and no word of the conditions"
            )
        return self


@dataclass(frozen=True, slots=True)
class Ics:
    """A statement as it was read; ``sha256`` is the digest of the very bytes, in hex."""

    path: Path
    sha256: str
    file: IcsFile

    @property
    def stated(self) -> Mapping[str, Support]:
        """What is stated of each item, by its id."""
        return {name: item.support for name, item in self.file.items.items()}

    @property
    def line(self) -> str:
        """One line for a banner: supplier, product, release, digest."""
        one = self.file
        return f"{one.supplier}, {one.product}, release {one.release}  sha256 {self.sha256}"


def read_ics(path: Path) -> tuple[Ics | None, list[Problem]]:
    """Return the statement in a file, or None, and every problem found in it."""
    document = read_document(path)
    file, problems = check(document, IcsFile)
    return (None if file is None else Ics(path, document.sha256, file)), problems
