"""The notebook: what was done, what went over the links, what was measured.

Nothing here knows a driver: others hand events in through :class:`hil.observer.Observer`, and
reports are views of what stands in the notebook.
"""

from __future__ import annotations

from hil.evidence.notebook import Notebook, check, counted, current_notebook, measured, step

__all__ = ["Notebook", "check", "counted", "current_notebook", "measured", "step"]
