"""The requirements that the suite proves, after US 9,705,546 B2, and its claims.

The reference names the place in the patent: a claim, an operation of FIG. 5 or 6 ("op."), a part
of a figure. ``derived`` marks what follows from it without standing there.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Final

from hil.errors import UsageError


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement: its id ("R-12"), what it asks for, and where that stands."""

    id: str
    text: str
    reference: str


REQUIREMENTS: Final[dict[str, Requirement]] = {
    row.id: row
    for row in (
        Requirement(
            "R-01",
            "The support server sends a profile request to the profile generation server",
            "claims 1, 11; op. 510, 610",
        ),
        Requirement("R-02", "The request may go to an MNO device instead", "op. 610"),
        Requirement(
            "R-03",
            "The request carries at least one of: profile id, amount, MNO information, id "
            "of the generation server, profile type",
            "claims 7, 15; op. 510, 610",
        ),
        Requirement(
            "R-04",
            "Profile type tells kinds apart, e.g. prepaid and deferred payment",
            "FIG. 3 (310)",
        ),
        Requirement("R-05", "One request may ask for several profiles", "claims 2, 12"),
        Requirement(
            "R-06",
            "The generation server makes a profile from information of the MNO or of the "
            "eSIM manufacturer",
            "FIG. 2; op. 520",
        ),
        Requirement(
            "R-07",
            "The MNO gives ICCID, id of the managing server, subscription information",
            "FIG. 2 (200)",
        ),
        Requirement("R-08", "An MNO works with several SM-DPs and several SM-SRs", "FIG. 2 (200)"),
        Requirement(
            "R-09",
            "The generation server decides by MNO information whether the profile goes to "
            "the support server or to the SM-SR",
            "FIG. 2 (220)",
        ),
        Requirement("R-10", "It picks the right SM-SR out of several", "FIG. 2 (220)"),
        Requirement(
            "R-11", "Before it sends, it authenticates with the receiving server", "claim 1; FIG. 2"
        ),
        Requirement(
            "R-12",
            "The support server authenticates the generation server with a pre-defined key set",
            "claim 10",
        ),
        Requirement(
            "R-13",
            "Packets associated with installation (APDUs) come back for the request",
            "claims 1, 11; op. 530, 620",
        ),
        Requirement(
            "R-14", "For several profiles, the packets of all come, in bulk", "claims 2, 12; FIG. 2"
        ),
        Requirement("R-15", "They may come over a dedicated line", "claim 8; FIG. 3"),
        Requirement(
            "R-16",
            "Kinds: subscriber (MNO) profile, provisioning profile, test profile",
            "FIG. 2 (210, 230)",
        ),
        Requirement(
            "R-17",
            "The support server makes an image file from the packets",
            "claims 1, 11; op. 540, 630",
        ),
        Requirement("R-18", "Several profiles give several image files", "FIG. 3 (320)"),
        Requirement("R-19", "Packets and image files are stored", "FIG. 3 (330)"),
        Requirement(
            "R-20", "A damaged or incomplete packet set gives no image", "derived from op. 630"
        ),
        Requirement(
            "R-21",
            "Image and OTA installation of the same packets end in the same eSIM state",
            "derived from claims 16, 20",
        ),
        Requirement(
            "R-22",
            "The support server authenticates the device before it sends an image",
            "claims 1, 11; op. 550, 640",
        ),
        Requirement("R-23", "By a pre-defined key set", "claim 3; op. 550"),
        Requirement(
            "R-24",
            "By the jig: voltage or current setting of an external device used for provisioning",
            "claim 3; op. 550, 640",
        ),
        Requirement("R-25", "By a combination of both", "FIG. 2, 3; op. 550, 640"),
        Requirement("R-26", "What is authenticated may be the device or the eSIM", "op. 550"),
        Requirement(
            "R-27", "Image is sent if, and only if, authenticated", "claims 1, 11; op. 650"
        ),
        Requirement("R-28", "Not authenticated → an error message is output", "op. 660"),
        Requirement(
            "R-29",
            "The device authenticates the server that sends a profile",
            "claim 16; FIG. 4 (470)",
        ),
        Requirement(
            "R-30",
            "The device may authenticate an external device (jig) that transmits a profile",
            "Summary; FIG. 4 (470)",
        ),
        Requirement("R-31", "The device may use key set, jig values, or both", "FIG. 4 (470)"),
        Requirement("R-32", "One authentication manner may be replaced by another", "FIG. 4 (420)"),
        Requirement("R-33", "Authentication may be skipped", "FIG. 4 (420)"),
        Requirement(
            "R-34",
            "Only data of an authenticated sender enters the memory",
            "claim 16; FIG. 4 (430)",
        ),
        Requirement(
            "R-35",
            "Memory holds a development signing key, a commercial signing key and the "
            "unique device id",
            "FIG. 4 (430)",
        ),
        Requirement("R-36", "The image goes over a wired cable", "claim 9; op. 560"),
        Requirement("R-37", "USB or wireless are allowed too", "op. 560; FIG. 4 (460)"),
        Requirement(
            "R-38", "Broken transfer leaves the device usable", "derived from op. 560, 570"
        ),
        Requirement(
            "R-39",
            "Jig, server and device keep working in parallel for many devices",
            "derived from FIG. 2 bulk",
        ),
        Requirement(
            "R-40",
            "The device keeps the image in a security area of its memory",
            "FIG. 3 (350), FIG. 4 (430); op. 570",
        ),
        Requirement(
            "R-41",
            "At boot the stored image is loaded and the profile installed",
            "FIG. 3, 4; op. 570",
        ),
        Requirement("R-42", "The device may store only, install only, or both", "op. 570"),
        Requirement(
            "R-43", "Before installing, the device does ISD-R authentication on the eSIM", "op. 570"
        ),
        Requirement("R-44", "The eSIM holds the installed profile", "claim 16; FIG. 4 (480)"),
        Requirement("R-45", "Installation is one thing: done or not done", "derived from op. 570"),
        Requirement(
            "R-46",
            "An installed image is not installed again at the next boot",
            "derived from op. 570",
        ),
        Requirement(
            "R-47", "An image for another device or eSIM is refused", "derived from claim 16, R-35"
        ),
        Requirement("R-48", "Installation by image starts on an input event", "claim 16"),
        Requirement(
            "R-49", "Event: authentication information from the authentication module", "claim 17"
        ),
        Requirement("R-50", "Event: type of the received data", "claim 18"),
        Requirement("R-51", "Event: user input at the I/O interface", "claim 19; FIG. 4 (440)"),
        Requirement(
            "R-52",
            "Without an input event, the profile is installed from packets of the server",
            "claim 20",
        ),
        Requirement(
            "R-53", "First mode installs from an image, second mode from packets", "FIG. 4 (420)"
        ),
        Requirement(
            "R-54",
            "Mode changes by authentication manner, data type, user input, or command of "
            "the second interface 350",
            "FIG. 4 (420)",
        ),
        Requirement(
            "R-55",
            "In second mode the packets come from the SM-SR and may be stored first",
            "FIG. 4 (420, 430)",
        ),
        Requirement(
            "R-56", "Mode is visible and survives (or not) a restart as documented", "derived"
        ),
        Requirement("R-57", "It differs from first and second mode", "FIG. 4 (420)"),
        Requirement(
            "R-58",
            "It is entered by a command of the server through the second interface",
            "claims 6, 13; FIG. 3 (350)",
        ),
        Requirement(
            "R-59",
            "It restricts installation to test profiles with a specific attribute",
            "FIG. 4 (420)",
        ),
        Requirement(
            "R-60",
            "In it, the test profile is installed from an image of the server",
            "FIG. 4 (420)",
        ),
        Requirement("R-61", "Authentication for it may be replaced or skipped", "FIG. 4 (420)"),
        Requirement(
            "R-62",
            "The purpose is development, verification, equipment or network test",
            "FIG. 2 (230); effects",
        ),
        Requirement(
            "R-63",
            "A management module handles installation, deletion, activation, inactivation",
            "claims 4, 14; FIG. 2 (240), FIG. 3",
        ),
        Requirement(
            "R-64", "It can send the SM-DP's packets to the device over the air", "claim 5; FIG. 3"
        ),
        Requirement(
            "R-65",
            "The support server notifies the SM-SR of status: installation, enable, disable",
            "FIG. 2 (230)",
        ),
        Requirement(
            "R-66",
            "Support server alone, inside the SM-SR, or one server with it",
            "FIG. 2 (230, 240), FIG. 3",
        ),
        Requirement("R-67", "The SM-SR then offers the support server's functions", "FIG. 2 (240)"),
        Requirement(
            "R-68", "SM-SR works with several SM-DPs and several support servers", "FIG. 2 (240)"
        ),
        Requirement("R-69", "The eSIM manufacturer gives the EIS to the SM-SR", "FIG. 2 (250)"),
        Requirement(
            "R-70",
            "A user in the field may change the subscriber profile: device connects to the "
            "SM-SR and gets an image made there",
            "FIG. 2 (240)",
        ),
        Requirement(
            "R-71",
            "With the installed profile the device attaches to the operator's network",
            "FIG. 4 (460); op. 170",
        ),
        Requirement("R-72", "Image installation is faster than OTA", "Summary; effects"),
        Requirement("R-73", "Bulk work of a device maker gets more efficient", "effects"),
        Requirement(
            "R-74",
            "Steps may run in sequence, in parallel, repeated, or be left out",
            "last part of the description",
        ),
        Requirement("R-75", "All of it may be software in a storage medium", "last part"),
    )
}

CLAIMS: Final[dict[int, tuple[str, ...]]] = {
    1: ("R-01", "R-11", "R-13", "R-17", "R-22", "R-27"),
    2: ("R-05", "R-14"),
    3: ("R-23", "R-24"),
    4: ("R-63",),
    5: ("R-64",),
    6: ("R-58",),
    7: ("R-03",),
    8: ("R-15",),
    9: ("R-36",),
    10: ("R-12",),
    11: ("R-01", "R-13", "R-17", "R-22", "R-27"),
    12: ("R-05", "R-14"),
    13: ("R-58",),
    14: ("R-63",),
    15: ("R-03",),
    16: ("R-29", "R-34", "R-44", "R-48"),
    17: ("R-49",),
    18: ("R-50",),
    19: ("R-51",),
    20: ("R-52",),
}
"""Which requirements show a claim of the patent."""


def claims_of(requirement: str) -> tuple[int, ...]:
    """Return the claims that a requirement belongs to, in order."""
    return tuple(number for number, ids in CLAIMS.items() if requirement in ids)


def check_ids(ids: tuple[object, ...], where: str) -> tuple[str, ...]:
    """Return the ids if all are known; UsageError naming ``where`` and the nearest id if not."""
    for given in ids:
        if not isinstance(given, str) or given not in REQUIREMENTS:
            raise UsageError(f"{where}: there is no requirement {given!r}{_nearest(given)}")
    if not ids:
        raise UsageError(f'{where}: name a requirement: @pytest.mark.requirement("R-12")')
    return tuple(str(given) for given in ids)


def _nearest(given: object) -> str:
    text = str(given)
    digits = re.fullmatch(r"[Rr]?[-_ ]?(\d{1,3})", text)
    candidates = [f"R-{int(digits[1]):02d}"] if digits else []
    candidates = [one for one in candidates if one in REQUIREMENTS]
    candidates += difflib.get_close_matches(text.upper(), REQUIREMENTS, n=1, cutoff=0.5)
    return f" - did you mean {candidates[0]!r}?" if candidates else "; they are R-01 to R-75"
