"""A person at the bench: what they are asked, how they answer, and what is written down of it."""

from __future__ import annotations

from hil.operator.asking import Operator
from hil.operator.prompt import Asked, Prompt

__all__ = ["Asked", "Operator", "Prompt"]
