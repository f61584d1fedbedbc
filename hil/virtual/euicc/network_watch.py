"""The fall-back mechanism: no network for long enough, and the fall-back profile takes over.

SGP.02, 3.16. What a card sees of the network is the terminal's event "location status".
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from hil.errors import CodecError
from hil.virtual.euicc.refusal import RefusalError
from hil.wire import cat_events
from hil.wire.cat_events import Event, Service

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.virtual.euicc.profile_states import ProfileStates
    from hil.virtual.euicc.toolkit import Toolkit
    from hil.wire.apdu import CommandApdu

log = logging.getLogger(__name__)


class NetworkWatch:
    """Counts the time without service, from the first report of it to a later one.

    ``after_s``: ``None`` switches the mechanism off. Limited service is no loss of the network
    here: the profile's operator is in reach of a roaming agreement.
    """

    def __init__(
        self,
        states: ProfileStates,
        toolkit: Toolkit,
        after_s: float | None,
        clock: Callable[[], float],
    ) -> None:
        self._states = states
        self._toolkit = toolkit
        self._after_s = after_s
        self._clock = clock
        self._lost_at: float | None = None

    def begin(self) -> None:
        """Ask the terminal for its location status."""
        if self._after_s is not None:
            self._toolkit.listen(Event.LOCATION_STATUS)

    def event(self, command: CommandApdu) -> None:
        """Take an EVENT DOWNLOAD; 6A80 if it cannot be read."""
        try:
            service = cat_events.read_location_status(command)
        except CodecError as err:
            raise RefusalError(0x6A80, str(err)) from err
        if service is None or self._after_s is None:
            return
        if service != Service.NONE:
            self._lost_at = None
        elif self._lost_at is None:
            self._lost_at = self._clock()
        elif self._clock() - self._lost_at >= self._after_s:
            self._lost_at = None
            if self._states.fall_back():
                log.warning("network lost: the fall-back profile takes over")
                self._toolkit.ask_for_reset()
