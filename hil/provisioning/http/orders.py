"""Orders between their JSON and what the actors hand each other."""

from __future__ import annotations

from hil.provisioning.http import messages as m
from hil.provisioning.orders import ProfileRequest, Source


def request_of(message: m.OrderMessage) -> ProfileRequest:
    """Return the order in a message."""
    return ProfileRequest(**message.values() | {"source": Source(message.source)})


def order_message(request: ProfileRequest) -> m.OrderMessage:
    """Return an order as JSON."""
    return m.OrderMessage.of(request)
