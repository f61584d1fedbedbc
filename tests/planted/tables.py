"""All defects that can be planted."""

from __future__ import annotations

from typing import Final

from tests.planted import card, device, servers

DEFECTS: Final = (*card.DEFECTS, *device.DEFECTS, *servers.DEFECTS)
