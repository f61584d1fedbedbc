"""The errors of this package, in families, so that a reader knows whom to call.

* :class:`ConfigError` and :class:`UsageError`: your mistake. The text names file and line.
* :class:`BenchError`: the bench failed; the product was not judged.
* :class:`CodecError`: bytes from outside break their format; nothing was taken from them.
* :class:`Inconclusive`: measured, but too near to a limit for this instrument to tell.
* A plain :class:`AssertionError`: the product failed. So it did where a :class:`ProductRefusal`
  comes that the test did not expect (device, card or server understood, and said no), and with a
  :class:`ProductError` (it says itself that it broke).

Every text says what happened, where, and what to do.
"""

from __future__ import annotations


class HilError(Exception):
    """Root of all errors raised by this package."""


class ConfigError(HilError, ValueError):
    """A lab-config, key set or profile file is wrong: mend the file and run again."""


class UsageError(HilError, ValueError):
    """A call, an option or a marker is used wrongly: mend the call."""


class CodecError(HilError, ValueError):
    """Bytes from outside break their format; nothing was taken from them."""


class ProductRefusal(HilError):  # noqa: N818 - an answer, not a fault
    """What is being tested understood a request and refused it; the text gives its reason."""


class Inconclusive(HilError):  # noqa: N818 - a verdict, not a fault
    """Something was measured, but neither PASS nor FAIL can be stated; the text says why."""


class BenchError(HilError):
    """The bench failed; the product was not judged. Mend the bench and run again."""


class LinkError(BenchError, ConnectionError):
    """No connection, or a lost one, to an instrument, a card, a device or a server."""


class LinkTimeoutError(LinkError, TimeoutError):
    """The other end kept silent until the deadline."""


class ProtocolError(BenchError):
    """The other end answered, but not in its protocol."""


class ProductError(ProtocolError, AssertionError):
    """What is being tested says that it broke, as a server does with HTTP 500: its log tells why.

    An assertion, as the product is judged by it; and no answer of its protocol, so that who only
    carries calls on need not know it.
    """


class SafetyError(BenchError):
    """A limit of the cable, a protection or the safe state stands against what was asked."""
