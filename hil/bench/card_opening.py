"""From the address of a card to a card: one transport, chosen by where the card is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.equipment.card import Card
from hil.errors import ConfigError

if TYPE_CHECKING:
    from hil.bench.config import CardSection
    from hil.bench.launcher import CardAddress
    from hil.equipment.card import CardTransport
    from hil.equipment.device.device import Device
    from hil.observer import Observer


def open_card(
    address: CardAddress, section: CardSection, *, device: Device | None, observer: Observer
) -> Card:
    """Return the card, not connected yet. ``device`` is needed where the card is inside it."""
    return Card(_transport(address, device), observer, timeout_s=section.timeout)


def _transport(address: CardAddress, device: Device | None) -> CardTransport:
    # Each transport brings a library of its own; only the one that is used is imported.
    if address.reader is not None:
        from hil.equipment.card.pcsc import PcscTransport  # noqa: PLC0415

        return PcscTransport(address.reader, interrupt=address.interrupt)
    if address.contacts is not None:
        from hil.equipment.card.inprocess import InProcessTransport  # noqa: PLC0415

        return InProcessTransport(address.contacts, address.hold)
    if device is None:
        raise ConfigError("'card.at' needs a 'device' that holds the card")
    from hil.equipment.card.at import AtTransport  # noqa: PLC0415

    return AtTransport(device)
