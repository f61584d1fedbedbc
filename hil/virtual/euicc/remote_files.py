"""Remote file management: commands on files by short message, in a context of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.virtual.euicc import selection
from hil.virtual.euicc.atr import Protocol
from hil.virtual.euicc.channel import Channel
from hil.virtual.euicc.file_commands import FileCommands
from hil.virtual.euicc.refusal import RefusalError
from hil.virtual.euicc.remote_access import RemoteAccess
from hil.virtual.euicc.remote_scripts import run_either
from hil.virtual.euicc.selection import Selector
from hil.wire.compact_script import FILE_ANSWERS

if TYPE_CHECKING:
    from hil.virtual.euicc.application_store import Application
    from hil.virtual.euicc.file_memory import FileMemory
    from hil.virtual.euicc.files import Df, FileTree
    from hil.virtual.euicc.nvm import Nvm
    from hil.virtual.euicc.pins import PinPresentations
    from hil.wire.apdu import CommandApdu, ResponseApdu

_NOT_REMOTE: Final = frozenset({0x70, 0x84, 0x88, 0x89, 0xA5})
"""MANAGE CHANNEL, GET CHALLENGE, AUTHENTICATE and the like are no file management."""


class RemoteFiles:
    """Runs scripts of remote file management; each begins anew, at the MF or its ADF."""

    def __init__(
        self, nvm: Nvm, tree: FileTree, memory: FileMemory, pins: PinPresentations
    ) -> None:
        self._nvm = nvm
        self._tree = tree
        self._memory = memory
        self._pins = pins

    def run(self, application: Application, raw: bytes) -> bytes:
        """Run a script in either format; return the response in the same."""
        pins = self._pins.apart()
        access = RemoteAccess(self._tree, application, pins)
        commands = FileCommands(
            self._nvm, self._tree, access, pins, Protocol.T1, memory=self._memory
        )
        selector = Selector(
            self._tree,
            lambda: (),
            self._memory.available,
            pins,
            lambda application: pins.forget_local(application.path),
        )
        channel = Channel(0, self._start(application))

        def execute(command: CommandApdu) -> ResponseApdu:
            if command.channel or command.ins in _NOT_REMOTE:
                wrong_class = command.channel != 0
                raise RefusalError(0x6881 if wrong_class else 0x6D00, f"INS {command.ins:02X}")
            if command.ins == selection.INS:
                return selector.process(command, channel)
            return commands.process(command, channel)

        return run_either(raw, execute, FILE_ANSWERS)

    def _start(self, application: Application) -> Df:
        for adf in self._tree.applications:
            if application.adf and adf.name == application.adf:
                return adf
        return self._tree.mf
