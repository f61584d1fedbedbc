"""All defects that can be planted."""

from __future__ import annotations

from typing import Final

from tests.planted import (
    card,
    card_management,
    card_profile,
    card_rules,
    device,
    device_rules,
    network_rules,
    scp81,
    server_rules,
    servers,
    uicc,
)

DEFECTS: Final = (
    *card.DEFECTS,
    *card_management.DEFECTS,
    *uicc.DEFECTS,
    *card_profile.DEFECTS,
    *card_rules.DEFECTS,
    *scp81.DEFECTS,
    *device.DEFECTS,
    *device_rules.DEFECTS,
    *servers.DEFECTS,
    *server_rules.DEFECTS,
    *network_rules.DEFECTS,
)
