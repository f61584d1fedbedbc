"""The card while it is powered: everything here is volatile and made anew at each reset."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from hil.virtual.euicc import ota_keys, procedure, selection, terminal_capability
from hil.virtual.euicc.access import FileAccess
from hil.virtual.euicc.admin_agent import AdminAgent
from hil.virtual.euicc.card_data import CardData
from hil.virtual.euicc.channel import Channel
from hil.virtual.euicc.destinations import Destinations
from hil.virtual.euicc.download import ProfileDownloads
from hil.virtual.euicc.ecasd import Ecasd
from hil.virtual.euicc.file_commands import FileCommands
from hil.virtual.euicc.file_memory import FileMemory
from hil.virtual.euicc.gp_keys import KeyCommands
from hil.virtual.euicc.isd_p import IsdPDomain
from hil.virtual.euicc.isd_r import IsdR
from hil.virtual.euicc.isd_r_groups import DataGroups
from hil.virtual.euicc.key_establishments import KeyEstablishments
from hil.virtual.euicc.network_watch import NetworkWatch
from hil.virtual.euicc.notifier import Notifier
from hil.virtual.euicc.over_the_air import OverTheAir
from hil.virtual.euicc.pins import PinPresentations
from hil.virtual.euicc.profile_domains import ProfileDomains
from hil.virtual.euicc.refusal import RefusalError
from hil.virtual.euicc.remote_files import RemoteFiles
from hil.virtual.euicc.remote_scripts import RemoteScripts
from hil.virtual.euicc.secure_session import SecureChannels
from hil.virtual.euicc.secured_packets import SecuredPackets
from hil.virtual.euicc.selection import Selector
from hil.virtual.euicc.toolkit import Toolkit
from hil.wire.apdu import LAST_CHANNEL, CommandApdu, ResponseApdu
from hil.wire.cat_events import EVENT_DOWNLOAD
from hil.wire.identifiers import ISD_R_AID
from hil.wire.status_words import OK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil.virtual.euicc.files import Df, FileTree
    from hil.virtual.euicc.persistent import Persistent
    from hil.virtual.euicc.security_domain import SecurityDomain

log = logging.getLogger(__name__)

CHANNELS: Final = 4
_MANAGE_CHANNEL: Final = 0x70
_GET_RESPONSE: Final = 0xC0
_DONE: Final = ResponseApdu(b"", OK)


class Runtime:
    """Dispatches commands: by channel, then by instruction or by the application selected."""

    def __init__(
        self,
        persistent: Persistent,
        tree: FileTree,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._persistent = persistent
        self._tree = tree
        self._protocol = persistent.factory.protocol
        registry = persistent.registry
        self._registry = registry
        self._toolkit = Toolkit()
        self._secure = SecureChannels(
            persistent.keys, persistent.factory.counter_moves, limit=persistent.limit
        )
        self._downloads = ProfileDownloads(persistent.nvm, registry, self._secure)
        self._isd_r = self._make_isd_r(persistent)
        self._ecasd = Ecasd(persistent.factory.eid, persistent.factory.ecasd, self._secure)
        self._isd_ps: dict[bytes, IsdPDomain] = {}
        self._profile = ProfileDomains(persistent, tree.owner)
        scripts = RemoteScripts(
            persistent.nvm, self._domain, self._downloads, lambda: Channel(0, tree.mf)
        )
        self._pins = PinPresentations(persistent.nvm, tree)
        memory = FileMemory(persistent.nvm, registry, tree)
        files = RemoteFiles(persistent.nvm, tree, memory, self._pins)
        self._agent = AdminAgent(
            self._toolkit,
            persistent.admin,
            persistent.keys,
            scripts.run_remote,
            eid=persistent.factory.eid,
        )
        destinations = Destinations(registry, persistent.keys, self._profile.store, scripts, files)
        packets = SecuredPackets(
            persistent.keys, destinations.find, ask_session=self._agent.request
        )
        self._ota = OverTheAir(packets, self._toolkit, events=self._agent.envelope)
        self._selector = Selector(
            tree,
            self._domains,
            memory.available,
            self._pins,
            self._end_application,
            issuer=self._issuer_domain,
        )
        access = FileAccess(tree, self._pins)
        self._files = FileCommands(
            persistent.nvm, tree, access, self._pins, self._protocol, memory=memory
        )
        self._channels: list[Channel | None] = [Channel(0, tree.mf), *[None] * (CHANNELS - 1)]
        self._notifier = Notifier(
            persistent.factory.eid,
            changes=persistent.changes,
            states=persistent.states,
            registry=registry,
            keys=persistent.keys,
            toolkit=self._toolkit,
            clock=clock,
        )
        self._watch = NetworkWatch(
            persistent.states, self._toolkit, persistent.factory.fallback_after_s, clock
        )
        self._toolkit_commands = {
            0x10: self._terminal_profile,
            0x12: self._toolkit.fetch,
            0x14: self._toolkit.response,
            0xC2: self._envelope,
        }

    def _make_isd_r(self, persistent: Persistent) -> IsdR:
        factory, registry = persistent.factory, persistent.registry
        # Its SM-SR reaches it by SCP80, and nobody else could mend what it takes away.
        keys = KeyCommands(persistent.nvm, persistent.keys, ISD_R_AID, lasting=ota_keys.VERSIONS)
        groups = DataGroups(
            persistent.states,
            registry,
            changes=persistent.changes,
            establishments=KeyEstablishments(
                factory.ecasd, persistent.nvm, persistent.keys, registry
            ),
            groups=factory.local_groups,
            profile_changed=self._toolkit.ask_for_reset,
        )
        return IsdR(
            self._secure,
            registry=registry,
            states=persistent.states,
            keys=keys,
            groups=groups,
            data=CardData(registry, keys, factory.ecasd),
        )

    def _terminal_profile(self, command: CommandApdu) -> ResponseApdu:
        answer = self._toolkit.profile(command)
        self._watch.begin()
        self._notifier.begin()
        return answer

    def _envelope(self, command: CommandApdu) -> ResponseApdu:
        answer = self._ota.envelope(command)
        if command.data[0] == EVENT_DOWNLOAD:
            self._watch.event(command)
        return answer

    def process(self, command: CommandApdu) -> ResponseApdu:
        """Return what the card sends for one command."""
        self._notifier.tick()
        try:
            answer = self._process(command)
        except RefusalError as err:
            log.debug("INS %02X refused: %s", command.ins, err)
            answer = ResponseApdu(b"", err.sw)
        if answer.sw == OK:
            size = self._toolkit.pending()
            if size:
                return ResponseApdu(answer.data, 0x9100 | size & 0xFF)
        return answer

    def _process(self, command: CommandApdu) -> ResponseApdu:
        self._drop_waiting(command)
        channel = self._channel(command)
        if command.ins == _GET_RESPONSE:
            return procedure.get_response(command, channel)
        answer = self._dispatch(command, channel)
        return procedure.deliver(self._protocol, command, answer, channel)

    def _drop_waiting(self, command: CommandApdu) -> None:
        """Drop what waits, unless it is fetched at once and on its channel (12.1.1.1)."""
        fetched = command.channel if command.ins == _GET_RESPONSE else None
        for one in self._channels:
            if one is not None and one.number != fetched:
                one.waiting = None

    def _channel(self, command: CommandApdu) -> Channel:
        cla = command.cla
        if cla & 0x10 or (cla & 0xF0) not in _CLASSES:
            raise RefusalError(0x6E00, f"CLA {cla:02X}")
        number = command.channel
        channel = self._channels[number] if number < CHANNELS else None
        if channel is None:
            raise RefusalError(0x6881, f"channel {number} is not open")
        return channel

    def _dispatch(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        ins = command.ins
        if ins == selection.INS:
            self._refuse_secured(command)
            return self._selector.process(command, channel)
        if ins == _MANAGE_CHANNEL:
            self._refuse_secured(command)
            return self._manage_channel(command, channel)
        toolkit = self._toolkit_commands.get(ins)
        if toolkit is not None:
            if command.cla != 0x80:
                raise RefusalError(0x6E00, f"CLA {command.cla:02X} of INS {ins:02X}")
            return toolkit(command)
        if ins == terminal_capability.INS:
            self._refuse_secured(command)
            return terminal_capability.take(command)
        if channel.domain is not None:
            return channel.domain.process(command, channel)
        self._refuse_secured(command)
        return self._files.process(command, channel)

    def _end_application(self, application: Df) -> None:
        """End an application session: its own PINs are to be verified anew, if nobody else has it.

        Called when the channel that ends it has left it already.
        """
        others = (one for one in self._channels if one is not None and one.domain is None)
        if not any(one.application is application for one in others):
            self._pins.forget_local(application.path)

    def _refuse_secured(self, command: CommandApdu) -> None:
        if command.cla & _MESSAGING:
            raise RefusalError(0x6882)

    def _manage_channel(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        if command.cla & 0x80:
            raise RefusalError(0x6E00)
        if command.p1 == 0x00:
            if command.p2:
                raise RefusalError(0x6A86, "the card assigns the channel number")
            if command.data:
                raise RefusalError(0x6700)
            procedure.check_le(command, 1)
            number = next((n for n, one in enumerate(self._channels) if one is None), None)
            if number is None:
                raise RefusalError(0x6A81, "no logical channel is free")
            df = self._tree.mf if channel.number == 0 else channel.df
            active = df.application if df.application.name else None
            self._channels[number] = Channel(number, df, application=active)
            return ResponseApdu(bytes((number,)), OK)
        if command.p1 != 0x80 or not 0 < command.p2 <= LAST_CHANNEL:
            raise RefusalError(0x6A86)
        if command.data:
            raise RefusalError(0x6700)
        closing = self._channels[command.p2] if command.p2 < CHANNELS else None
        if closing is None:
            raise RefusalError(0x6881, f"channel {command.p2} is not open")
        if closing.domain is not None:
            closing.domain.deselected(closing)
        self._channels[command.p2] = None
        if closing.application is not None:
            self._end_application(closing.application)
        return _DONE

    def _domain(self, aid: bytes) -> SecurityDomain | None:
        return next((one for one in self._domains() if one.aid == aid), None)

    def _issuer_domain(self) -> SecurityDomain | None:
        """Return the operator's domain, or the ISD-R while no profile shows its own."""
        return self._profile.issuer() if self._tree.owner else self._isd_r

    def _domains(self) -> Sequence[SecurityDomain]:
        """Return the security domains that can be selected, those with fixed names first."""
        aids = [one.aid for one in self._registry.all()]
        for gone in set(self._isd_ps) - set(aids):
            del self._isd_ps[gone]
        for aid in aids:
            if aid not in self._isd_ps:
                keys = KeyCommands(self._persistent.nvm, self._persistent.keys, aid)
                self._isd_ps[aid] = IsdPDomain(aid, self._secure, self._downloads, keys)
        isd_ps = [self._isd_ps[aid] for aid in aids]
        return [self._isd_r, self._ecasd, *isd_ps, *self._profile.all()]


# b4 b3; the classes that have it elsewhere belong to channels that this card never opens.
_MESSAGING: Final = 0x0C
_CLASSES: Final = frozenset({0x00, 0x40, 0x60, 0x80, 0xC0, 0xE0})
