"""Which files of a card hold secrets or say who the subscriber is; the policy of redaction.

Names as in :mod:`hil.wire.file_names`; what the files hold: 3GPP TS 31.102 (4), TS 31.103 (4). A
file without a name may hold anything, a vendor's Ki and OPc among it, so it counts as secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.wire.file_names import file_name

if TYPE_CHECKING:
    from hil.wire.current_files import Place


def _names(text: str) -> frozenset[str]:
    return frozenset(f"EF.{name}" for name in text.split())


KEYS: Final = _names(
    "Keys KeysPS Kc KcGPRS EPSNSC 5GS3GPPNSC 5GN3GPPNSC 5GSN3GPPNSC 5GAUTHKEYS KAUSF-DERIVATION "
    "GBABP MSK MUK DCK HIDDENKEY EAPKEYS"
)
"""Session keys, security contexts with their keys, depersonalisation keys."""

SUBSCRIBER: Final = _names(
    "IMSI MSISDN SUPINAI SUPI-NAI IMPI IMPU DOMAIN EAKA GBANL NAFKCA "
    "LOCI PSLOCI EPSLOCI 5GS3GPPLOCI 5GSN3GPPLOCI NETPAR BCCH "
    "SMS SMSR ICI OCI ICT OCT MBDN CFIS "
    "FDN SDN BDN EXT1 EXT2 EXT3 EXT4 EXT5 EXT6 EXT7 EXT8 FDNURI BDNURI SDNURI ICE-DN ICE-FF "
    "PBR IAP ADN ANR PURI EMAIL SNE GRP AAS GAS UID PUID PSC CC PBC CCP1"
)
"""Identity, whereabouts, messages, calls and address books of the subscriber."""

IMSI: Final = "EF.IMSI"


def is_secret(place: Place) -> bool:
    """Whether contents of a file must not be written down; an unknown place is secret."""
    name = "" if place.file is None else file_name(place.folder, place.file)
    return not name or name in KEYS or name in SUBSCRIBER


def is_imsi(place: Place) -> bool:
    """Whether the file is EF.IMSI, of which the last four digits may be shown."""
    return place.file is not None and file_name(place.folder, place.file) == IMSI
