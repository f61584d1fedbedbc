"""The jig file: what a device must see at its jig pin, and for how long."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from hil.bench.quantity import Amps, Fraction, Ohms, Seconds, Volts
from hil.documents.section import Section, exactly_one, wrong


class JigFile(Section):
    """What a device must see at its jig pin before it takes it for the factory's jig.

    Window and hysteresis are fractions of the nominal value. There are no public figures for
    such pins: these are placeholders to be replaced by the product's own.
    """

    schema_version: Literal[1] = Field(alias="schema")
    description: str = ""
    nominal_voltage: Volts | None = None
    nominal_current: Amps | None = None
    window: Fraction = Field(
        default=0.05, gt=0, lt=0.08, description="accepted deviation, each way"
    )
    hysteresis: Fraction = Field(
        default=0.01, ge=0, lt=0.08, description="added before it is revoked"
    )
    debounce: Seconds = Field(default=0.030, description="stable for so long before a value counts")
    dwell: Seconds = Field(default=0.2, description="continuously inside the window for so long")
    revoke: Seconds = Field(default=0.1, description="at most so long after the loss")
    attempts: int = Field(default=5, ge=1, le=100, description="misses before the lockout")
    lockout: Seconds = Field(default=10.0, description="length of the lockout")
    compliance_voltage: Volts | None = Field(
        default=None, description="for a current: volts allowed"
    )
    compliance_current: Amps = Field(
        default=0.02, gt=0, description="for a voltage: amperes allowed"
    )

    test_load: Ohms | None = Field(
        default=None,
        gt=0,
        description="the device loads its pin so at the end of the dwell: the volts must hold",
    )
    test_load_tolerance: Fraction = Field(
        default=0.01, lt=0.5, description="how well that is known"
    )
    test_load_time: Seconds = Field(
        default=0.06, ge=0.01, le=10, description="so long: what charge holds up sags meanwhile"
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kind = exactly_one(self, "nominal_voltage", "nominal_current")
        if kind == "nominal_current" and self.compliance_voltage is None:
            raise wrong("'nominal_current' needs 'compliance_voltage'")
        if getattr(self, kind) <= 0:
            raise wrong(f"{kind} must be above zero")
        if self.test_load is not None:
            if self.nominal_voltage is None:
                raise wrong("'test_load' is for a jig that is known by its voltage")
            if self.nominal_voltage / self.test_load > self.compliance_current:
                raise wrong("'test_load' draws more than 'compliance_current' at nominal_voltage")
        return self
