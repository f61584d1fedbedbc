"""What can go wrong between the bench and a card, each with its name."""

from __future__ import annotations

from hil.errors import LinkError, LinkTimeoutError, ProductRefusal, ProtocolError
from hil.wire.status_words import describe


class NoPcscServiceError(LinkError):
    """The PC/SC service or its library is not there, or it ended."""


class PcscPermissionError(LinkError):
    """The PC/SC service lets this user in no further."""


class NoReaderError(LinkError):
    """No reader has a name that fits the pattern of the lab-config."""


class AmbiguousReaderError(LinkError):
    """More than one reader has a name that fits the pattern of the lab-config."""


class ReaderBusyError(LinkError):
    """Another program holds the reader or the card for itself."""


class NoCardError(LinkError):
    """The reader holds no card."""


class CardRemovedError(LinkError):
    """The card left the reader, or lost its power; connect again before the next command."""


class CardResetError(LinkError):
    """Another program reset the card; what was selected and opened is lost.

    The next transaction reconnects by itself.
    """


class CardTimeoutError(LinkTimeoutError):
    """The card did not answer within the deadline."""


class TruncatedAnswerError(ProtocolError, CardRemovedError):
    """The reader reported success with fewer than two bytes: the card died in the command."""


class ProcedureError(ProtocolError):
    """The card answers status words that never come to an end, or that fit no protocol."""


class NoSessionError(ProductRefusal, ProtocolError):
    """The card opened no channel, or brought its administration session to no end."""


class StatusWordError(ProductRefusal, ProtocolError):
    """The card refused a command that had to succeed; ``sw`` is its status word."""

    def __init__(self, sw: int, command: str, card: str, *, wanted: int = 0x9000) -> None:
        super().__init__(
            f"{card} answered {command} with {describe(sw)}, not {describe(wanted)}: "
            "look at the APDUs before it in the trace"
        )
        self.sw = sw
