"""Status words by name: ISO/IEC 7816-4, ETSI TS 102 221 (10.2.1), GlobalPlatform, SGP.02."""

from __future__ import annotations

from typing import Final

OK: Final = 0x9000

_EXACT: Final[dict[int, str]] = {
    0x9000: "success",
    0x9300: "toolkit is busy",
    0x6200: "warning, memory unchanged",
    0x6281: "returned data may be corrupted",
    0x6282: "end of file or record reached, or search unsuccessful",
    0x6283: "selected file is deactivated",
    0x6285: "selected file is terminated",
    0x62F1: "more data available",
    0x62F2: "more data available and proactive command pending",
    0x62F3: "response data available",
    0x6300: "authentication failed",
    0x6310: "more data available",
    0x63F1: "more data expected",
    0x63F2: "more data expected and proactive command pending",
    0x6400: "execution error, memory unchanged",
    0x6500: "execution error, memory changed",
    0x6581: "memory problem",
    0x6700: "wrong length",
    0x6800: "function in CLA not supported",
    0x6881: "logical channel not supported or not open",
    0x6882: "secure messaging not supported",
    0x6900: "command not allowed",
    0x6981: "command incompatible with file structure",
    0x6982: "security status not satisfied",
    0x6983: "authentication method or PIN blocked",
    0x6984: "referenced data invalidated",
    0x6985: "conditions of use not satisfied",
    0x6986: "command not allowed, no EF selected",
    0x6987: "secure messaging data missing",
    0x6988: "secure messaging data incorrect",
    0x6989: "command not allowed, secure channel",
    0x6999: "application cannot be selected",
    0x69E1: "POL1 of the profile prevents this action",
    0x6A80: "incorrect parameters in the command data",
    0x6A81: "function not supported",
    0x6A82: "file or application not found",
    0x6A83: "record not found",
    0x6A84: "not enough memory",
    0x6A86: "incorrect P1 P2",
    0x6A87: "Lc inconsistent with P1 P2",
    0x6A88: "referenced data or key not found",
    0x6A89: "file already exists",
    0x6A8A: "DF name already exists",
    0x6B00: "wrong P1 P2, offset outside the file",
    0x6D00: "instruction not supported",
    0x6E00: "class not supported",
    0x6F00: "technical problem, no diagnosis",
    0x9484: "algorithm not supported",
    0x9485: "invalid key check value",
    0x9850: "INCREASE cannot be performed, maximum reached",
    0x9862: "authentication error, wrong MAC",
    0x9863: "security session or association expired",
    0x9864: "minimum suspension time too long",
}

_BY_FIRST_BYTE: Final[dict[int, str]] = {
    0x61: "{n} answer bytes wait for GET RESPONSE",
    0x62: "warning, memory unchanged",
    0x63: "warning, memory changed",
    0x64: "execution error, memory unchanged",
    0x65: "execution error, memory changed",
    0x67: "wrong length",
    0x68: "function in CLA not supported",
    0x69: "command not allowed",
    0x6A: "wrong parameters",
    0x6B: "wrong P1 P2",
    0x6C: "wrong Le, {n} bytes are available",
    0x6D: "instruction not supported",
    0x6E: "class not supported",
    0x6F: "technical problem",
    0x91: "success, proactive command of {n} bytes pending",
    0x92: "success, data transfer information",
    0x9F: "{n} answer bytes wait (2G)",
}


def describe(sw: int) -> str:
    """Return hex and words, such as ``6A82 file or application not found``."""
    text = _EXACT.get(sw)
    if text is None and sw & 0xFFF0 == 0x63C0:
        text = f"verification failed, {sw & 0x0F} tries left"
    if text is None:
        text = _BY_FIRST_BYTE.get(sw >> 8, "unknown status word").format(n=(sw & 0xFF) or 256)
    return f"{sw:04X} {text}"


def is_success(sw: int) -> bool:
    """Whether the command was done: 9000, or 91xx (done, and a proactive command waits)."""
    return sw == OK or sw >> 8 == 0x91


def is_warning(sw: int) -> bool:
    """Whether the command was done with a remark (62xx, 63xx); answers then stay protected."""
    return sw >> 8 in (0x62, 0x63)
