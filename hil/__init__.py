"""hil: hardware-in-the-loop framework and test suite for embedded-SIM provisioning."""

from __future__ import annotations

__version__ = "0.1.0"
