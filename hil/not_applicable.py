"""The one way for a test or fixture of ours to say that it does not apply after all.

Most of what decides is known before a test begins: ``@pytest.mark.applies`` and
``@pytest.mark.requires``. Where only the running card or device can tell, this is raised::

    if answer.sw == NOT_SUPPORTED:
        not_applicable("the card has no BER-TLV files", item="O_BER_TLV")

A bare ``pytest.skip`` in a test of ours is INCONCLUSIVE: free text excludes no test.
"""

from __future__ import annotations

from typing import NoReturn

import pytest


class NotApplicable(pytest.skip.Exception):  # type: ignore[name-defined,misc]
    """The test does not apply; ``item`` is the item of the conformance statement that says so."""

    # By this name pytest and its reporters show the reason alone.
    __module__ = "builtins"
    __qualname__ = "Skipped"

    def __init__(self, reason: str, item: str = "") -> None:
        """Take the reason and the item, "" where it is the bench that lacks something."""
        super().__init__(reason)
        self.item = item


def not_applicable(reason: str, *, item: str = "") -> NoReturn:
    """End the running test: NOT APPLICABLE. Does not return.

    ``item`` names what the product lacks. Where its conformance statement says that the product
    supports it, the product contradicts its supplier: the verdict is then FAIL, or INCONCLUSIVE
    where the test has not begun.
    """
    __tracebackhide__ = True
    raise NotApplicable(reason, item)
