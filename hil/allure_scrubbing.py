"""Takes the secrets of the bench out of Allure's results as they are written.

Allure takes the texts of failures from the exceptions where they pass through its steps, fixtures
and tests, and not from pytest's reports; the names of steps and the values of parameters it writes
itself, too. Loaded with --alluredir only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import allure_commons

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pytest

_NESTED: Final = ("steps", "befores", "afters")


def scrub_allure(config: pytest.Config, scrub: Callable[[str], str]) -> None:
    """Have all that Allure words in this session go through ``scrub``."""
    manager: Any = allure_commons.plugin_manager  # not annotated
    hooks = _Hooks(scrub)
    manager.register(hooks)
    config.add_cleanup(lambda: manager.unregister(hooks))


def _of(node: object, kind: str) -> Iterable[Any]:
    return getattr(node, kind, None) or ()


class _Hooks:
    def __init__(self, scrub: Callable[[str], str]) -> None:
        self._scrub = scrub

    @allure_commons.hookimpl(tryfirst=True)
    def report_result(self, result: object) -> None:
        self._words_of(result)

    @allure_commons.hookimpl(tryfirst=True)
    def report_container(self, container: object) -> None:
        self._words_of(container)

    def _words_of(self, node: object) -> None:
        details = getattr(node, "statusDetails", None)
        if details is not None:
            details.message = self._scrub(details.message or "")
            details.trace = self._scrub(details.trace or "")
        for parameter in _of(node, "parameters"):
            parameter.value = self._scrub(parameter.value or "")
        for attachment in _of(node, "attachments"):
            attachment.name = self._scrub(attachment.name or "")
        for kind in _NESTED:
            for one in _of(node, kind):
                one.name = self._scrub(one.name or "")
                self._words_of(one)
