"""What can be broken in the chain from the seal to a byte of evidence."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Break:
    """One broken link: ``where`` (a file of the run's folder, ``file:line`` in a journal), what."""

    where: str
    what: str
    means: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"
