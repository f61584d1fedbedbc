"""Commands on the files of one file system, by family (ETSI TS 102 221, 10.1.2 and 11).

============================  ==============================================
:mod:`.binary_commands`       READ BINARY, UPDATE BINARY
:mod:`.record_commands`       READ RECORD, UPDATE RECORD, INCREASE
:mod:`.search_record`         SEARCH RECORD
:mod:`.data_objects`          RETRIEVE DATA, SET DATA
:mod:`.file_states`           ACTIVATE FILE, DEACTIVATE FILE
:mod:`.file_management`       CREATE FILE, DELETE FILE, RESIZE FILE
:mod:`.pin_commands`          VERIFY, CHANGE, DISABLE, ENABLE, UNBLOCK PIN
:mod:`.authenticate`          AUTHENTICATE
:mod:`.identity`              GET IDENTITY
:mod:`.status_command`        STATUS
:mod:`.challenge`             GET CHALLENGE
============================  ==============================================
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from hil.virtual.euicc.aka_store import AkaStore
from hil.virtual.euicc.authenticate import Authenticate
from hil.virtual.euicc.binary_commands import BinaryCommands
from hil.virtual.euicc.challenge import INS as GET_CHALLENGE
from hil.virtual.euicc.challenge import challenge
from hil.virtual.euicc.data_objects import DataObjectCommands
from hil.virtual.euicc.file_management import FileManagementCommands
from hil.virtual.euicc.file_states import FileStateCommands
from hil.virtual.euicc.file_writer import FileWriter
from hil.virtual.euicc.identity import Identity
from hil.virtual.euicc.pin_commands import PinCommands
from hil.virtual.euicc.record_commands import RecordCommands
from hil.virtual.euicc.refusal import RefusalError
from hil.virtual.euicc.search_record import SearchCommand
from hil.virtual.euicc.status_command import status

if TYPE_CHECKING:
    from hil.virtual.euicc.atr import Protocol as Transmission
    from hil.virtual.euicc.channel import Channel
    from hil.virtual.euicc.current_file import AccessRules
    from hil.virtual.euicc.file_memory import FileMemory
    from hil.virtual.euicc.files import FileTree
    from hil.virtual.euicc.nvm import Nvm
    from hil.virtual.euicc.pins import PinPresentations
    from hil.wire.apdu import CommandApdu, ResponseApdu

_STATUS: Final = 0xF2
_UICC_CLASS: Final = 0x80
_IN_UICC_CLASS: Final = frozenset({_STATUS, 0x32, 0x78, 0xCB, 0xDB, 0xD4})
"""INS of the commands with CLA 8X; the others have 0X."""

Handler = Callable[["CommandApdu", "Channel"], "ResponseApdu"]


class FileCommands:
    """All commands on one file system; ``access`` decides who may do what.

    Remote file management has access rules of its own and so an object of its own, over the same
    tree.
    """

    def __init__(
        self,
        nvm: Nvm,
        tree: FileTree,
        access: AccessRules,
        pins: PinPresentations,
        transmission: Transmission,
        *,
        memory: FileMemory,
    ) -> None:
        self._tree = tree
        self._pins = pins
        self._memory = memory
        writer = FileWriter(nvm, tree)
        self._handlers: dict[int, Handler] = {
            **BinaryCommands(writer, access, transmission).handlers,
            **RecordCommands(writer, access).handlers,
            **SearchCommand(access).handlers,
            **DataObjectCommands(access, memory).handlers,
            **FileStateCommands(nvm, tree, access).handlers,
            **FileManagementCommands(tree, access, memory).handlers,
            **PinCommands(pins).handlers,
            **Authenticate(AkaStore(nvm, tree), pins).handlers,
            **Identity(pins).handlers,
            _STATUS: self._status,
            GET_CHALLENGE: challenge,
        }

    def process(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        """Answer one command; one that is refused leaves what is selected as it was."""
        handler = self._handlers.get(command.ins)
        if handler is None:
            raise RefusalError(0x6D00, f"INS {command.ins:02X}")
        if bool(command.cla & _UICC_CLASS) != (command.ins in _IN_UICC_CLASS):
            raise RefusalError(0x6E00, f"CLA {command.cla:02X} of INS {command.ins:02X}")
        if channel.deletions != self._tree.deletions:
            self._leave_deleted(channel)
        before = channel.df, channel.ef, channel.record
        try:
            answer = handler(command, channel)
        except RefusalError:
            channel.df, channel.ef, channel.record = before
            raise
        if channel.deletions != self._tree.deletions:
            self._leave_deleted(channel)
        return answer

    def _status(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        return status(command, channel, free=self._memory.available(), pins=self._pins)

    def _leave_deleted(self, channel: Channel) -> None:
        """Go up to what is still there of what a channel has selected."""
        channel.deletions = self._tree.deletions
        if channel.ef is not None and not self._tree.holds(channel.ef):
            channel.ef, channel.record, channel.transfer = None, 0, None
        if channel.application is not None and not self._tree.holds(channel.application):
            channel.application = None
        while not self._tree.holds(channel.df) and channel.df.parent is not None:
            channel.df = channel.df.parent
