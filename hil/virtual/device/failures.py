"""The errors of the device as ``+CME ERROR`` codes: TS 27.007 subclause 9.2, our own from 600."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from hil.errors import HilError

_PROPER: Final = {"sim": "SIM", "esim": "eSIM", "pin": "PIN", "puk": "PUK"}


class Cme(IntEnum):
    """Error codes; the name in small letters is the verbose text (AT+CMEE=2)."""

    OPERATION_NOT_ALLOWED = 3
    OPERATION_NOT_SUPPORTED = 4
    SIM_NOT_INSERTED = 10
    SIM_PIN_REQUIRED = 11
    SIM_PUK_REQUIRED = 12
    SIM_FAILURE = 13
    SIM_BUSY = 14
    INCORRECT_PASSWORD = 16
    MEMORY_FULL = 20
    INVALID_INDEX = 21
    NOT_FOUND = 22
    TEXT_STRING_TOO_LONG = 24
    INVALID_CHARACTERS_IN_TEXT_STRING = 25
    INCORRECT_PARAMETERS = 50
    UNKNOWN = 100
    SENDER_NOT_AUTHENTICATED = 600
    PROOF_WRONG = 601
    LOCKED_OUT = 602
    NO_HELLO = 603
    JIG_NOT_ACCEPTED = 604
    COMMAND_NOT_AUTHORIZED = 605
    MODE_REFUSES_IMAGES = 606
    HELD_BY_A_STRONGER_INPUT_EVENT = 607
    SKIP_NOT_ALLOWED_HERE = 608
    IMAGE_REFUSED = 609
    IMAGE_TOO_LARGE = 610
    NOTHING_TO_INSTALL = 611
    INSTALLATION_FAILED = 612
    NO_KEY_SET = 613
    IMAGE_FORMAT_WRONG = 614
    IMAGE_SIGNATURE_WRONG = 615
    IMAGE_FOR_ANOTHER_DEVICE = 616
    IMAGE_FOR_ANOTHER_ESIM = 617
    IMAGE_COUNTER_REPLAYED = 618
    NOT_A_TEST_PROFILE = 619
    IMAGE_DECRYPTION_FAILED = 620
    DIGEST_WRONG = 621
    AUTHENTICATION_LOST = 622
    TRANSFER_ABORTED = 623
    STORE_FAILED = 624

    @property
    def text(self) -> str:
        """The verbose text."""
        words = self.name.lower().split("_")
        return " ".join(_PROPER.get(word, word) for word in words)


class Refusal(HilError):  # noqa: N818 - not an error: the device works and says no
    """The device says no; ``reason`` is for people and goes to ``AT+HILERR?``."""

    def __init__(self, code: Cme, reason: str = "") -> None:
        super().__init__(reason or code.text)
        self.code = code
        self.reason = reason or code.text
