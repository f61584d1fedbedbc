"""Allure as a view of the notebook. Imported only when a run writes Allure results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import allure

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

_TYPES: Final = {
    "text": allure.attachment_type.TEXT,
    "json": allure.attachment_type.JSON,
    "csv": allure.attachment_type.CSV,
    "svg": allure.attachment_type.SVG,
}


class AllureView:
    """Steps and attachments of the running test in the Allure results."""

    def step(self, title: str) -> AbstractContextManager[Any]:
        """Show a step for as long as the context lasts."""
        context: AbstractContextManager[Any] = allure.step(title)
        return context

    def attach(self, name: str, body: str | bytes, *, kind: str = "text") -> None:
        """Attach ``text``, ``json``, ``csv``, ``svg`` or ``csv.gz`` to the present step or test."""
        if kind == "csv.gz":
            allure.attach(body, name=name, attachment_type="application/gzip", extension=kind)
        else:
            allure.attach(body, name=name, attachment_type=_TYPES[kind])
