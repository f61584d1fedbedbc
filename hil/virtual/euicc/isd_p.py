"""An ISD-P as the terminal selects it: SCP03, and SCP03t in STORE DATA blocks (SGP.02, ES8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.virtual.euicc import store_data
from hil.virtual.euicc.refusal import RefusalError
from hil.virtual.euicc.security_domain import DONE, SecurityDomain
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.status_words import OK

if TYPE_CHECKING:
    from hil.virtual.euicc.channel import Channel
    from hil.virtual.euicc.download import ProfileDownloads
    from hil.virtual.euicc.secure_session import SecureChannels
    from hil.virtual.euicc.store_data import Chain


class IsdPDomain(SecurityDomain):
    """Takes SCP03t data objects cut into STORE DATA blocks; their security is inside them."""

    instructions = frozenset({store_data.INS})

    def __init__(self, aid: bytes, channels: SecureChannels, downloads: ProfileDownloads) -> None:
        super().__init__(aid, channels)
        self._downloads = downloads

    def deselected(self, channel: Channel) -> None:
        """Drop what belongs to a selection on this channel, a half download too."""
        super().deselected(channel)
        self._downloads.forget(self.aid)

    def execute(self, command: CommandApdu, *, secured: bool, chain: Chain) -> ResponseApdu:
        """Do one plain command."""
        del secured
        if command.ins != store_data.INS:
            raise RefusalError(0x6D00, f"ISD-P: INS {command.ins:02X}")
        form = store_data.form_of(command)
        whole = chain.feed(command)
        if whole is None:
            return DONE
        if form is not store_data.Form.BER_TLV:
            raise RefusalError(0x6A88, "ISD-P: no such data grouping")
        return ResponseApdu(self._downloads.process(self.aid, whole), OK)
