"""Takes the secrets of the bench out of Allure's results as they are written.

Allure takes the texts of failures from the exceptions where they pass through its steps, fixtures
and tests, and not from pytest's reports. Loaded with --alluredir only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import allure_commons

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

_NESTED: Final = ("steps", "befores", "afters")


def scrub_allure(config: pytest.Config, scrub: Callable[[str], str]) -> None:
    """Have all failures that Allure writes in this session go through ``scrub``."""
    manager: Any = allure_commons.plugin_manager  # not annotated
    hooks = _Hooks(scrub)
    manager.register(hooks)
    config.add_cleanup(lambda: manager.unregister(hooks))


class _Hooks:
    def __init__(self, scrub: Callable[[str], str]) -> None:
        self._scrub = scrub

    @allure_commons.hookimpl(tryfirst=True)
    def report_result(self, result: object) -> None:
        self._failures_in(result)

    @allure_commons.hookimpl(tryfirst=True)
    def report_container(self, container: object) -> None:
        self._failures_in(container)

    def _failures_in(self, node: object) -> None:
        details = getattr(node, "statusDetails", None)
        if details is not None:
            details.message = self._scrub(details.message or "")
            details.trace = self._scrub(details.trace or "")
        for name in _NESTED:
            for one in getattr(node, name, None) or ():
                self._failures_in(one)
