"""The virtual eUICC: an SGP.02 (M2M) card in this process, or behind a reader.

* :func:`open_card` gives a card to talk to directly.
* ``python -m hil.virtual.euicc`` puts one into a virtual reader (vpcd) or on a socket.
"""

from __future__ import annotations

from hil.virtual.euicc.card import VirtualCard, open_card

__all__ = ["VirtualCard", "open_card"]
