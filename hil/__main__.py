"""``python -m hil``: the same as ``hil``."""

from __future__ import annotations

import sys

try:
    from hil.cli import main

    code = main()
except KeyboardInterrupt:
    # Before there was anybody to say so.
    code = 130
sys.exit(code)
