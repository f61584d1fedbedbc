"""ACTIVATE FILE and DEACTIVATE FILE (ETSI TS 102 221, 11.1.14 and 11.1.15)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.virtual.euicc.current_file import ACTIVATE, DEACTIVATE, AccessRules, current_ef
from hil.virtual.euicc.file_store import save_head
from hil.virtual.euicc.files import ACTIVATED, DEACTIVATED, Ef, FileTree
from hil.virtual.euicc.refusal import RefusalError
from hil.virtual.euicc.selection import find_by_path, find_file
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.status_words import OK

if TYPE_CHECKING:
    from hil.virtual.euicc.channel import Channel
    from hil.virtual.euicc.nvm import Nvm

_BY_ID, _FROM_MF, _FROM_DF = 0x00, 0x08, 0x09
_DONE: Final = ResponseApdu(b"", OK)


class FileStateCommands:
    """Switch EFs on and off. One that is switched already stays so and is answered 9000."""

    def __init__(self, nvm: Nvm, tree: FileTree, access: AccessRules) -> None:
        self._nvm = nvm
        self._tree = tree
        self._access = access
        self.handlers = {0x04: self._deactivate, 0x44: self._activate}

    def _deactivate(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        return self._switch(command, channel, DEACTIVATE, DEACTIVATED)

    def _activate(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        return self._switch(command, channel, ACTIVATE, ACTIVATED)

    def _switch(
        self, command: CommandApdu, channel: Channel, operation: int, state: int
    ) -> ResponseApdu:
        if command.p2 or command.p1 not in (_BY_ID, _FROM_MF, _FROM_DF):
            raise RefusalError(0x6A86)
        file = self._file(command, channel)
        self._access.check(file, operation)
        if file.life_cycle != state:
            before, file.life_cycle = file.life_cycle, state
            try:
                with self._nvm.transaction() as change:
                    save_head(change, self._tree.owner, file)
            except BaseException:
                file.life_cycle = before
                raise
        if channel.ef is not file:
            channel.df, channel.ef = file.parent or self._tree.mf, file
            channel.record, channel.transfer = 0, None
        return _DONE

    def _file(self, command: CommandApdu, channel: Channel) -> Ef:
        if not command.data:
            if command.p1 != _BY_ID:
                raise RefusalError(0x6700, "no path")
            return current_ef(channel)
        if command.p1 == _BY_ID:
            found = find_file(command.data, channel, self._tree)
        else:
            start = self._tree.mf if command.p1 == _FROM_MF else channel.df
            found = find_by_path(command.data, start, channel)
        if found is None:
            raise RefusalError(0x6A82, f"file {command.data.hex()}")
        if not isinstance(found, Ef):
            raise RefusalError(0x6981, f"{found.fid:04X} is not an EF")
        return found
