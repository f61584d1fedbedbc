"""What can go wrong between the bench and a power supply; none of it is the product's failure."""

from __future__ import annotations

from hil.errors import BenchError, ProtocolError, SafetyError


class IdentityError(BenchError):
    """Another instrument answers than the bench file names."""


class InstrumentError(BenchError):
    """The instrument queued an error of its own: ``code`` and ``name`` as it says them."""

    def __init__(self, text: str, *, code: int, name: str) -> None:
        super().__init__(text)
        self.code = code
        self.name = name


class NoValueError(ProtocolError):
    """The instrument answered that it has no value: 9.91E37 (not a number) or 9.9E37 (infinity)."""


class SettingError(BenchError):
    """A setting was sent, but the instrument reads back another one."""


class SettleError(BenchError):
    """The output did not come to rest where it was told to, within the deadline."""


class TripError(SafetyError):
    """A protection has tripped; the output is off and stays off until the trip is cleared."""


class OffNotProvenError(SafetyError):
    """An output was told to go off, and nothing proves that it did: cut the mains by hand."""
