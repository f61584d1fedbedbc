"""The eSIM of the bench in a test's hands: what it shows, and the lab's own way to change it.

The lab looks with its own SCP03 key set of the ISD-R (KVN 31), whose sequence counter no image
depends on.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from hil.equipment.card.errors import StatusWordError
from hil.equipment.card.euicc import (
    IsdRSession,
    ProfileState,
    read_card_state,
    read_eid,
    read_iccid,
    read_imsi,
)
from hil.errors import ConfigError
from hil.wire.identifiers import ISD_R_AID
from hil.wire.install_script import store_data_blocks
from hil.wire.isdr_commands import AUDIT_KVN, PROVISIONING_KVN
from hil.wire.scp03 import HostSession, KeySet
from hil.wire.scp03_channel import size_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil.bench.key_files import EuiccKeyFile
    from hil.equipment.card import Card
    from hil.equipment.card.euicc import CardState, ProfileStatus
    from hil.wire.packets import Packet


RESET_S: Final = 10.0
"""How long a terminal may take to reset a card that asks for it."""

_LOOK_S: Final = 0.05
_CONDITIONS: Final = 0x6985


class Esim:
    """An SGP.02 eUICC on the bench, with the key sets that the lab holds of it."""

    def __init__(self, card: Card, keys: EuiccKeyFile) -> None:
        self.card = card
        self.functions = keys.functions
        self._keys = {
            row.kvn: KeySet(row.kvn, row.enc, row.mac, row.dek, row.i) for row in keys.isd_r_scp03
        }
        if AUDIT_KVN not in self._keys:
            raise ConfigError(
                f"the eUICC key set has no SCP03 key set {AUDIT_KVN:#04x}: the lab needs one of "
                "its own to look at the ISD-R without making images stale"
            )

    @property
    def audit_keys(self) -> KeySet:
        """The lab's own SCP03 key set of the ISD-R."""
        return self._keys[AUDIT_KVN]

    def audit(self) -> IsdRSession:
        """Return the ISD-R, to be opened with the lab's key set."""
        return IsdRSession(self.card, self.audit_keys)

    def eid(self) -> str:
        """Return the 32 digits of the EID."""
        return read_eid(self.card)

    def iccid(self) -> str:
        """Return the ICCID of the enabled profile."""
        return read_iccid(self.card)

    def iccid_after_reset(self, expected: str, *, timeout_s: float = RESET_S) -> str:
        """Return the ICCID as soon as it is ``expected``, or what is shown when time is over.

        An enabled profile is current after the reset that the terminal does on REFRESH, and the
        proof of receipt comes before it (ETSI TS 102 223, 6.4.7).
        """
        deadline = time.monotonic() + timeout_s
        while (shown := self.iccid()) != expected and time.monotonic() < deadline:
            time.sleep(_LOOK_S)
        return shown

    def imsi(self) -> str:
        """Return the IMSI of the enabled profile."""
        return read_imsi(self.card)

    def profiles(self) -> tuple[ProfileStatus, ...]:
        """Return all ISD-Ps, as GetStatus shows them."""
        return self.audit().profiles()

    def profile(self, aid: bytes) -> ProfileStatus | None:
        """Return one ISD-P; None if the card has none of that AID."""
        return next((one for one in self.profiles() if one.aid == aid), None)

    def enabled(self) -> ProfileStatus | None:
        """Return the enabled profile."""
        return next((one for one in self.profiles() if one.state is ProfileState.ENABLED), None)

    def state(self) -> CardState:
        """Return all that the card shows, to compare two ways of provisioning."""
        return read_card_state(self.card, self.audit())

    def expected_counter(self) -> int:
        """Return the sequence counter that the ISD-R's provisioning key set uses next.

        Asks with INITIALIZE UPDATE alone, which moves nothing.
        """
        keys = self._keys[PROVISIONING_KVN]
        host = HostSession(keys, bytes(size_of(keys.option)))
        with self.card.transaction():
            self.card.select(ISD_R_AID)
            host.open(self.card.expect(host.initialize_update()), aid=ISD_R_AID)
        if host.answer.counter is None:
            raise ConfigError(
                f"SCP03 key set {PROVISIONING_KVN:#04x} has i={host.answer.option:02X}: images "
                "need a pseudo-random card challenge"
            )
        return host.answer.counter

    def load(self, aid: bytes, packets: Sequence[Packet]) -> list[bytes]:
        """Give packets to an ISD-P that was created; return its answer objects, one each.

        Raises StatusWordError where the card refuses a block.
        """
        answers = []
        with self.card.transaction():
            self.card.select(aid)
            for packet in packets:
                for block in store_data_blocks(packet.command):
                    answer = self.card.expect(block)
                answers.append(answer.data)
        return answers

    def restore(self) -> None:
        """Bring the eSIM back to what it left the factory with: the fall-back profile, enabled."""
        with self.audit() as isd_r:
            found = isd_r.profiles()
            fallback = next((one for one in found if one.fallback), None)
            others = [one for one in found if not one.fallback]
            enabled = next((one for one in found if one.state is ProfileState.ENABLED), None)
        if fallback is not None and enabled is not fallback:
            if enabled is not None:
                self.audit().disable(enabled.aid)
            else:
                self.audit().enable(fallback.aid)
        elif fallback is None and enabled is not None:
            self._give_way(enabled.aid)
            kept = self.enabled()
            others = [one for one in others if kept is None or one.aid != kept.aid]
        for one in others:
            self.audit().delete(one.aid)

    def _give_way(self, aid: bytes) -> None:
        """Disable a profile, unless it is the one for falling back and the card does not say so.

        Older cards show no attributes in GetStatus.
        """
        try:
            self.audit().disable(aid)
        except StatusWordError as err:
            if err.sw != _CONDITIONS:
                raise
