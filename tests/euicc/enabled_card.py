"""Cards on which a profile is enabled, made of packages that tests change as they like."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hil.virtual.euicc import VirtualCard, open_card
from hil.wire.identifiers import FIRST_ISD_P_TAR, isd_p_aid
from hil.wire.profile_package import elements
from hil.wire.profile_package.elements import Body
from hil.wire.profile_package.package import join, split
from tests.euicc.terminal import factory

AID = isd_p_aid(FIRST_ISD_P_TAR)
USIM = bytes.fromhex("A0000000871002FF49FF0589")
ISIM = bytes.fromhex("A0000000871004FF49FF0589")
CSIM = bytes.fromhex("A0000003431002F310FFFF89020000FF")
TS48 = "TS48_v7.0_SAIP2.3_NoBERTLV.der"
TS48_BER_TLV = "TS48_v7.0_SAIP2.3_BERTLV_SUCI_NoRAMRFM.der"
ADM1 = "3535353535353535"


def card_with(folder: Path, package: bytes, **changes: object) -> VirtualCard:
    """A card on which the maker has put a profile, which is enabled."""
    return open_card(folder, factory(bootstrap_profile=package.hex(), **changes))


def opened_again(card: VirtualCard, folder: Path) -> VirtualCard:
    """The same memory in a card that was opened anew, as after power loss."""
    card.close()
    return open_card(folder, factory())


def changed(package: bytes, change: Callable[[Body], list[Body] | None]) -> bytes:
    """A package with some elements replaced; ``None`` leaves an element byte for byte."""
    out = []
    for element in split(package):
        bodies = change(elements.decode(element))
        out += [element] if bodies is None else [elements.encode(one) for one in bodies]
    return join(out)
