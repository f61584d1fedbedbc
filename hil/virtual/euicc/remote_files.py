"""Remote file management: commands on files by short message, in a context of their own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import cbor2

from hil.virtual.euicc import selection
from hil.virtual.euicc.atr import Protocol
from hil.virtual.euicc.channel import Channel
from hil.virtual.euicc.file_commands import FileCommands
from hil.virtual.euicc.files import Df
from hil.virtual.euicc.procedure import WHOLE
from hil.virtual.euicc.refusal import RefusalError
from hil.virtual.euicc.remote_access import RemoteAccess
from hil.virtual.euicc.remote_scripts import run_either
from hil.virtual.euicc.script_chains import (
    ScriptChains,
    chain_name,
    chaining_of,
    no_previous_script,
)
from hil.virtual.euicc.selection import Selector
from hil.wire.compact_script import FILE_ANSWERS

if TYPE_CHECKING:
    from hil.virtual.euicc.application_store import Application
    from hil.virtual.euicc.file_memory import FileMemory
    from hil.virtual.euicc.files import FileTree
    from hil.virtual.euicc.nvm import Nvm
    from hil.virtual.euicc.pins import PinPresentations
    from hil.wire.apdu import CommandApdu, ResponseApdu

_NOT_REMOTE: Final = frozenset({0x70, 0x78, 0x84, 0x88, 0x89, 0xA5})
"""MANAGE CHANNEL, GET IDENTITY, GET CHALLENGE, AUTHENTICATE and the like are no file management."""


class RemoteFiles:
    """Runs scripts of remote file management.

    Each begins anew, at the MF or its ADF, unless script chaining lets it go on where the one
    before it was.
    """

    def __init__(
        self, nvm: Nvm, tree: FileTree, memory: FileMemory, pins: PinPresentations
    ) -> None:
        self._nvm = nvm
        self._tree = tree
        self._memory = memory
        self._pins = pins
        self._chains = ScriptChains[_Context](nvm)

    def run(self, application: Application, raw: bytes) -> bytes:
        """Run a script in either format; return the response in the same."""
        name = chain_name(self._tree.owner, application.aid)
        chaining = chaining_of(raw)
        start = _Start(self._tree, application, self._pins)
        context = self._chains.begin(name, chaining, start)
        if context is None:
            return no_previous_script()
        answer = self._run(application, raw, context)
        self._chains.end(name, chaining, context)
        return answer

    def _run(self, application: Application, raw: bytes, context: _Context) -> bytes:
        pins, channel = context.pins, context.channel
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
            issuer=lambda: None,
        )

        def execute(command: CommandApdu) -> ResponseApdu:
            if command.channel or command.ins in _NOT_REMOTE:
                wrong_class = command.channel != 0
                raise RefusalError(0x6881 if wrong_class else 0x6D00, f"INS {command.ins:02X}")
            if command.ins == selection.INS:
                # Nobody can repeat a command of a script with another Le.
                return selector.process(replace(command, le=WHOLE), channel)
            return commands.process(command, channel)

        return run_either(raw, execute, FILE_ANSWERS)


@dataclass(slots=True)
class _Context:
    """What is selected, and the PINs presented; these do not outlive a reset."""

    channel: Channel
    pins: PinPresentations

    def write(self) -> bytes:
        """Return the paths of the current DF and EF, and the current record."""
        ef = None if self.channel.ef is None else self.channel.ef.path
        return cbor2.dumps([self.channel.df.path, ef, self.channel.record])


class _Start:
    """Makes the context in which a script of one application begins."""

    def __init__(self, tree: FileTree, application: Application, pins: PinPresentations) -> None:
        self._tree = tree
        self._application = application
        self._pins = pins

    def __call__(self) -> _Context:
        """Return a context at the MF or the application's ADF."""
        adf = self._adf
        return _Context(Channel(0, adf or self._tree.mf, application=adf), self._pins.apart())

    def read(self, raw: bytes) -> _Context:
        """Return a context that was written; 6A82 if its files are gone."""
        path, ef_path, record = cbor2.loads(raw)
        df = self._tree.at(bytes.fromhex(path))
        ef = None if ef_path is None else self._tree.at(bytes.fromhex(ef_path))
        if not isinstance(df, Df) or isinstance(ef, Df) or (ef is None) is not (ef_path is None):
            raise RefusalError(0x6A82, f"file {ef_path or path} of a script chain")
        active = df.application if df.application.name else self._adf
        return _Context(Channel(0, df, ef, record, application=active), self._pins.apart())

    @property
    def _adf(self) -> Df | None:
        """The ADF of the application, if it has one."""
        name = self._application.adf
        return next((one for one in self._tree.applications if name and one.name == name), None)
