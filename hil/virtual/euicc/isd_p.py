"""An ISD-P as the terminal selects it: SCP03, and SCP03t in STORE DATA blocks (SGP.02, ES8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.errors import CodecError
from hil.virtual.euicc import gp_keys, store_data
from hil.virtual.euicc.card_data import RECOGNITION, RECOGNITION_DATA
from hil.virtual.euicc.refusal import RefusalError
from hil.virtual.euicc.security_domain import DONE, INS_GET_DATA, SecurityDomain
from hil.wire import dgi, tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.isdr_commands import DGI_ADDRESSING
from hil.wire.status_words import OK

if TYPE_CHECKING:
    from hil.virtual.euicc.channel import Channel
    from hil.virtual.euicc.download import ProfileDownloads
    from hil.virtual.euicc.secure_session import SecureChannels
    from hil.virtual.euicc.store_data import Chain


class IsdPDomain(SecurityDomain):
    """Takes SCP03t data objects cut into STORE DATA blocks; their security is inside them."""

    instructions = frozenset({INS_GET_DATA, store_data.INS, gp_keys.INS_PUT_KEY})

    def __init__(
        self,
        aid: bytes,
        channels: SecureChannels,
        downloads: ProfileDownloads,
        keys: gp_keys.KeyCommands,
    ) -> None:
        super().__init__(aid, channels)
        self._downloads = downloads
        self._keys = keys

    def deselected(self, channel: Channel) -> None:
        """Drop what belongs to a selection on this channel, a half download too."""
        super().deselected(channel)
        self._downloads.forget(self.aid)

    def execute(self, command: CommandApdu, *, secured: bool, chain: Chain) -> ResponseApdu:
        """Do one plain command."""
        if command.ins == INS_GET_DATA:
            return ResponseApdu(self._data(command.p1 << 8 | command.p2), OK)
        if command.ins == gp_keys.INS_PUT_KEY:
            self._keys.check(command)
            if not secured:
                raise RefusalError(0x6982, "PUT KEY needs a secure channel")
            return self._keys.put(command, chain.dek)
        if command.ins != store_data.INS:
            raise RefusalError(0x6D00, f"ISD-P: INS {command.ins:02X}")
        form = store_data.form_of(command)
        whole = chain.feed(command)
        if whole is None:
            return DONE
        if form is store_data.Form.DGI:
            return self._group(whole, secured=secured)
        if form is not store_data.Form.BER_TLV:
            raise RefusalError(0x6A88, "ISD-P: data of no known structure")
        return ResponseApdu(self._downloads.process(self.aid, whole), OK)

    def _data(self, tag: int) -> bytes:
        """Return what every security domain tells of itself (GlobalPlatform, 11.3.3.1)."""
        if tag == gp_keys.KEY_INFORMATION:
            return self._keys.information()
        if tag == gp_keys.SEQUENCE_COUNTER:
            return self._keys.sequence_counter()
        if tag == RECOGNITION:
            return tlv.encode(tag, RECOGNITION_DATA)
        raise RefusalError(0x6A88, f"ISD-P: data {tag:04X}")

    def _group(self, whole: bytes, *, secured: bool) -> ResponseApdu:
        """Do UpdateConnectivityParameters (SGP.02, 4.1.3.4): kept as they came."""
        if not secured:
            raise RefusalError(0x6985, "STORE DATA of groupings needs a secure channel")
        try:
            (group,) = dgi.decode_all(whole)
            if group.tag != DGI_ADDRESSING:
                raise RefusalError(0x6A88, f"ISD-P: DGI {group.tag:04X}")
            if not tlv.decode_all(group.value, limit=16):
                raise RefusalError(0x6A80, "UpdateConnectivityParameters brings no parameters")
        except (CodecError, ValueError) as err:
            raise RefusalError(0x6A80, str(err)) from err
        with self._keys.nvm.transaction() as change:
            change.put(f"profile/{self.aid.hex()}/connectivity", group.value)
        return DONE
