"""All defects that can be planted."""

from __future__ import annotations

from typing import Final

from tests.planted import card, device, servers, uicc

DEFECTS: Final = (*card.DEFECTS, *uicc.DEFECTS, *device.DEFECTS, *servers.DEFECTS)
