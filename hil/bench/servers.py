"""The provisioning servers of a bench, as a test sees them: where each one is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hil.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hil.bench.key_files import DeviceKeyFile, EuiccKeyFile, ServerKeyFile


@dataclass(frozen=True, slots=True)
class Servers:
    """Base URLs by actor (``sm-dp`` and so on), and the key sets a client needs."""

    urls: Mapping[str, str]
    keys: ServerKeyFile | None = field(repr=False)
    euicc_keys: EuiccKeyFile | None = field(repr=False)
    device_keys: DeviceKeyFile | None = field(repr=False)

    def url(self, actor: str) -> str:
        """Return the base URL of one actor; UsageError if the bench does not run it."""
        if actor not in self.urls:
            raise UsageError(f"the bench runs no {actor}; it runs {', '.join(sorted(self.urls))}")
        return self.urls[actor]
