"""The device under test on its serial line: identity, authentication, modes, image transfer."""

from __future__ import annotations
