"""What only a thorough round runs: tests that take long and repeat what a shorter one shows."""

from __future__ import annotations

import os
from typing import Final

import pytest

VARIABLE: Final = "HIL_THOROUGH"
IS_THOROUGH: Final = bool(os.environ.get(VARIABLE))
thorough = pytest.mark.skipif(not IS_THOROUGH, reason=f"only with {VARIABLE}=1 in the environment")
