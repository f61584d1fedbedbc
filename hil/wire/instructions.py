"""Names of instructions, to read in a trace.

ETSI TS 102 221 (10.1.2), TS 102 222 (6), GlobalPlatform card specification (11).
"""

from __future__ import annotations

from typing import Final

_NAMES: Final[dict[int, str]] = {
    0x04: "DEACTIVATE FILE",
    0x10: "TERMINAL PROFILE",
    0x12: "FETCH",
    0x14: "TERMINAL RESPONSE",
    0x20: "VERIFY PIN",
    0x2A: "PERFORM SECURITY OPERATION",
    0x24: "CHANGE PIN",
    0x26: "DISABLE PIN",
    0x28: "ENABLE PIN",
    0x2C: "UNBLOCK PIN",
    0x32: "INCREASE",
    0x44: "ACTIVATE FILE",
    0x50: "INITIALIZE UPDATE",
    0x70: "MANAGE CHANNEL",
    0x76: "SUSPEND UICC",
    0x78: "GET IDENTITY",
    0x82: "EXTERNAL AUTHENTICATE",
    0x84: "GET CHALLENGE",
    0x88: "AUTHENTICATE",
    0x89: "AUTHENTICATE",
    0xA2: "SEARCH RECORD",
    0xA4: "SELECT",
    0xAA: "TERMINAL CAPABILITY",
    0xB0: "READ BINARY",
    0xB2: "READ RECORD",
    0xC0: "GET RESPONSE",
    0xC2: "ENVELOPE",
    0xCA: "GET DATA",
    0xCB: "RETRIEVE DATA",
    0xD6: "UPDATE BINARY",
    0xD8: "PUT KEY",
    0xDB: "SET DATA",
    0xD4: "RESIZE FILE",
    0xDC: "UPDATE RECORD",
    0xE0: "CREATE FILE",
    0xE2: "STORE DATA",
    0xE4: "DELETE",
    0xE6: "INSTALL",
    0xE8: "LOAD",
    0xF0: "SET STATUS",
    0xF2: "STATUS",
}


_ISO_ONLY: Final[dict[int, str]] = {
    0xE4: "DELETE FILE",
    0xE6: "TERMINATE DF",
    0xE8: "TERMINATE EF",
    0xFE: "TERMINATE CARD USAGE",
}
"""What these bytes mean in an interindustry class (ETSI TS 102 222), where that is another."""


def is_proprietary(cla: int) -> bool:
    """Whether a class byte belongs to an application, not to ISO/IEC 7816-4 (b8 set)."""
    return bool(cla & 0x80)


def instruction_name(ins: int, cla: int = 0x80) -> str:
    """Return the name of an instruction byte, or an empty text for an unknown one.

    Few bytes have two meanings, by class ``cla``.
    """
    if not is_proprietary(cla) and ins in _ISO_ONLY:
        return _ISO_ONLY[ins]
    return _NAMES.get(ins, "")
