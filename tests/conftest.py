"""Fixtures common to the project's own tests."""

from __future__ import annotations
