"""The virtual device under test: firmware on a pty, powered by a rail, with a jig pin and an eSIM.

Run it with ``python -m hil.virtual.device``; docs/device-link.md says what it answers.
"""

from __future__ import annotations
