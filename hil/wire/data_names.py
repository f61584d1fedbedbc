"""Names of data objects, data groupings and command variants of a card's management.

Tags: GlobalPlatform card specification (11, H), ETSI TS 102 226 (8), SGP.02 (2.2, 4.1). Groupings
of SGP.02 functions: what :mod:`hil.wire.isdr_commands` uses; cards may use others where the
standard does not print the number.
"""

from __future__ import annotations

from typing import Final

TAGS: Final[dict[int, str]] = {
    0x42: "issuer identification number",
    0x45: "image number",
    0x4F: "AID",
    0x5A: "EID",
    0x5C: "tag list",
    0x66: "card data",
    0x67: "card capabilities",
    0x93: "token identifier",
    0x9E: "token",
    0xB6: "control reference",
    0xC1: "sequence counter",
    0xC9: "application parameters",
    0xCF: "key derivation data",
    0xD3: "key version",
    0xE0: "key information",
    0xE3: "registry entry",
    0xEF: "system parameters",
    0xF2: "key reference",
    0x2F00: "applications of the domain",
    0x5F20: "application provider",
    0x7F21: "certificate",
    0x9F70: "life cycle state",
    0xBF2D: "GetProfilesInfo",
    0xBF30: "certificate store",
    0xBF3E: "GetEuiccData",
    0xBF56: "GetCerts",
    0xFF21: "memory resources",
}

GROUPINGS: Final[dict[int, str]] = {
    0x0070: "identity",
    0x3A01: "certificate for a key establishment",
    0x3A02: "key establishment",
    0x3A03: "EnableProfile",
    0x3A04: "DisableProfile",
    0x3A05: "SetFallbackAttribute",
    0x3A06: "UpdatePOL1",
    0x3A07: "addressing or connectivity parameters",
    0x3A08: "confirmation of a notification",
    0x3A09: "emergency profile attribute",
}

SCP03T: Final[dict[int, str]] = {
    0x84: "INITIALIZE UPDATE of a profile download",
    0x85: "EXTERNAL AUTHENTICATE of a profile download",
    0x86: "profile segment",
    0x87: "session keys of a profile download",
    0x88: "metadata of a profile download",
}

INSTALL_WAYS: Final = (
    (0x80, "registry update"),
    (0x40, "more follow"),
    (0x20, "personalization"),
    (0x10, "extradition"),
    (0x08, "make selectable"),
    (0x04, "install"),
    (0x02, "load"),
)
"""Bits of P1 of INSTALL (GlobalPlatform, 11.5.2.1)."""

STATUS_OF: Final[dict[int, str]] = {
    0x80: "issuer security domain",
    0x40: "applications and domains",
    0x20: "load files",
    0x10: "load files and modules",
}
"""P1 of GET STATUS (GlobalPlatform, 11.4.2.1)."""


def tag_name(tag: int) -> str:
    """Return ``5A EID``, or the tag alone where it has no name here."""
    name = TAGS.get(tag, "")
    return f"{tag:02X} {name}" if name else f"{tag:02X}"


def grouping_name(tag: int) -> str:
    """Return ``3A03 EnableProfile``, or the number alone where it has no name here."""
    name = GROUPINGS.get(tag) or ("keys" if tag >> 8 in range(0x80, 0x90) else "")
    return f"{tag:04X} {name}" if name else f"{tag:04X}"
