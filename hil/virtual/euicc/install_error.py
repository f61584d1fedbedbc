"""Why a profile package is refused: a PEStatus of its EUICCResponse."""

from __future__ import annotations

from enum import IntEnum

from hil.errors import HilError
from hil.wire.profile_package.response import PeStatus


class Status(IntEnum):
    """Status of a PEStatus (TCA interoperable format, section 8.11)."""

    PE_NOT_SUPPORTED = 1
    MEMORY_FAILURE = 2
    BAD_VALUES = 3
    NOT_ENOUGH_MEMORY = 4
    INVALID_REQUEST_FORMAT = 5
    INVALID_PARAMETER = 6
    RUNTIME_NOT_SUPPORTED = 7
    LIB_NOT_SUPPORTED = 8
    TEMPLATE_NOT_SUPPORTED = 9
    FEATURE_NOT_SUPPORTED = 10
    PIN_CODE_MISSING = 11
    UNSUPPORTED_VERSION = 31


class InstallError(HilError):
    """The installation is aborted; nothing of the package stays on the card."""

    def __init__(self, status: Status, why: str, *, identification: int | None = None) -> None:
        super().__init__(f"{status.name}: {why}")
        self.status = PeStatus(int(status), identification)
