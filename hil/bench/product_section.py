"""The item under test and the laboratory, as a report names them (ISO/IEC 17025, 7.8.2.1).

All of it may be missing: a report then says "not stated", and never guesses.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hil.documents.section import Section
from hil.documents.values import Date

Text = Annotated[str, Field(min_length=1, max_length=500)]


class CustomerSection(Section):
    """Who asked for the test."""

    name: Text | None = Field(default=None, description="name of the customer")
    contact: Text | None = Field(default=None, description="how to reach the customer")


class ProductSection(Section):
    """The item under test, and what its supplier states that it supports."""

    ics: Text | None = Field(
        default=None, description="its implementation conformance statement, a file in ics/"
    )
    manufacturer: Text | None = Field(default=None, description="who made it")
    model: Text | None = Field(default=None, description="what its maker calls it")
    serial: Text | None = Field(default=None, description="serial number of this very sample")
    hardware: Text | None = Field(default=None, description="hardware revision")
    firmware: Text | None = Field(default=None, description="firmware version")
    received: Date | None = Field(default=None, description="day on which the sample came")
    condition: Text | None = Field(default=None, description="in which state it came")
    customer: CustomerSection | None = Field(default=None, description="who asked for the test")


class LaboratorySection(Section):
    """Who tests, and where."""

    name: Text | None = Field(default=None, description="name of the laboratory")
    address: Text | None = Field(default=None, description="its address")
    location: Text | None = Field(
        default=None, description="where the bench stands, if not at the address"
    )
    contact: Text | None = Field(default=None, description="how to reach it")
    accreditation: Text | None = Field(
        default=None, description="its accreditation: body and number"
    )
