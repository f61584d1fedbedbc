"""All defects that can be planted."""

from __future__ import annotations

from typing import Final

from tests.planted import card, device, device_rules, server_rules, servers, uicc

DEFECTS: Final = (
    *card.DEFECTS,
    *uicc.DEFECTS,
    *device.DEFECTS,
    *device_rules.DEFECTS,
    *servers.DEFECTS,
    *server_rules.DEFECTS,
)
