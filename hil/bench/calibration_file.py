"""What a bench file says about the calibration of an instrument, in place or in another file."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from hil.bench.quantity import Amps, Volts
from hil.documents.section import Section, exactly_one, wrong
from hil.documents.values import Date
from hil.metrology import Calibration


class CalibrationSection(Section):
    """When an instrument was last compared with a standard, and until when that holds."""

    certificate: str | None = Field(
        default=None, description="number of the calibration certificate"
    )
    due: Date | None = Field(default=None, description="last day on which the calibration holds")
    volts: Volts = Field(default=0.0, description="expanded uncertainty (k = 2) it states")
    amps: Amps = Field(default=0.0, description="expanded uncertainty (k = 2) it states")
    file: str | None = Field(default=None, description="a file with these keys, in their place")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        exactly_one(self, "certificate", "file")
        if self.file is None and self.due is None:
            raise wrong("a calibration needs the day until which it holds ('due')")
        if self.file is not None and (self.due is not None or self.volts or self.amps):
            raise wrong("'file' stands alone: its content takes the place of the other keys")
        return self


class CalibrationFile(Section):
    """A certificate's figures, in a file that goes with the instrument from bench to bench."""

    schema_version: Literal[1] = Field(alias="schema")
    certificate: str = Field(description="number of the calibration certificate")
    laboratory: str = Field(default="", description="who calibrated")
    due: Date = Field(description="last day on which the calibration holds")
    volts: Volts = Field(default=0.0, description="expanded uncertainty (k = 2) it states")
    amps: Amps = Field(default=0.0, description="expanded uncertainty (k = 2) it states")


def calibration_of(
    section: CalibrationSection | None, file: CalibrationFile | None, *, virtual: bool
) -> Calibration:
    """Return the calibration that a bench file states; one without a date where it states none."""
    stated = file if file is not None else section
    if stated is None:
        return Calibration(virtual=virtual)
    return Calibration(stated.certificate or "", stated.due, stated.volts, stated.amps, virtual)
