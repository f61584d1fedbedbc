"""SELECT: files by id and path, applications by whole or partial AID (ETSI TS 102 221, 11.1.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.virtual.euicc import fcp, files
from hil.virtual.euicc.files import Df, Ef, FileTree
from hil.virtual.euicc.refusal import RefusalError
from hil.virtual.euicc.security_domain import SecurityDomain
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.status_words import OK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil.virtual.euicc.channel import Channel

INS: Final = 0xA4
_NO_DATA: Final = 0x0C
_TERMINATE: Final = 0x40
_LONGEST_AID: Final = 16


class Selector:
    """Does SELECT for all channels.

    ``domains`` tells the security domains that can be selected now; ``free`` the memory left.
    """

    def __init__(
        self,
        tree: FileTree,
        domains: Callable[[], Sequence[SecurityDomain]],
        free: Callable[[], int],
    ) -> None:
        self._tree = tree
        self._domains = domains
        self._free = free

    def process(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        """Answer one SELECT; a refused one changes nothing."""
        if command.cla & 0x80:
            raise RefusalError(0x6E00)
        if command.p1 == 0x04:
            return self._by_name(command, channel)
        if command.p2 not in (0x00, 0x04, _NO_DATA):
            raise RefusalError(0x6A86)
        return self._file(self._find(command, channel), command, channel)

    def _find(self, command: CommandApdu, channel: Channel) -> Df | Ef:
        data = command.data
        if command.p1 == 0x00 and not data:
            if command.p2 != _NO_DATA:
                raise RefusalError(0x6700, "the MF without its id comes without data only")
            return self._tree.mf
        found: Df | Ef | None
        if command.p1 in (0x00, 0x01):
            if len(data) != 2:
                raise RefusalError(0x6700, "a file id has 2 bytes")
            fid = int.from_bytes(data, "big")
            if command.p1 == 0x00:
                found = files.find(channel.df, fid, self._tree.mf)
            else:
                child = channel.df.children.get(fid)
                found = child if isinstance(child, Df) and not child.name else None
        elif command.p1 == 0x03:
            if data:
                raise RefusalError(0x6700)
            found = channel.df.parent
        elif command.p1 in (0x08, 0x09):
            start = self._tree.mf if command.p1 == 0x08 else channel.df
            found = self._by_path(data, start, channel)
        else:
            raise RefusalError(0x6A86)
        if found is None:
            raise RefusalError(0x6A82, f"file {data.hex()}")
        return found

    def _by_path(self, path: bytes, start: Df, channel: Channel) -> Df | Ef | None:
        if not path or len(path) % 2:
            raise RefusalError(0x6700, "a path is made of 2-byte file ids")
        found: Df | Ef | None = start
        for at in range(0, len(path), 2):
            fid = int.from_bytes(path[at : at + 2], "big")
            if not isinstance(found, Df):
                return None
            if at == 0 and fid == files.CURRENT_ADF_ID:
                found = files.find(channel.df, fid, self._tree.mf)
                continue
            child = found.children.get(fid)
            found = None if isinstance(child, Df) and child.name else child
        return found

    def _file(self, found: Df | Ef, command: CommandApdu, channel: Channel) -> ResponseApdu:
        _leave(channel)
        if isinstance(found, Df):
            channel.df, channel.ef = found, None
        else:
            channel.df, channel.ef = found.parent or self._tree.mf, found
        channel.record = 0
        if command.p2 & _NO_DATA == _NO_DATA:
            return ResponseApdu(b"", OK)
        return ResponseApdu(fcp.template(found, free=self._free()), OK)

    def _by_name(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        if command.p2 & ~(_NO_DATA | _TERMINATE | 0x03) or len(command.data) > _LONGEST_AID:
            raise RefusalError(0x6A86 if len(command.data) <= _LONGEST_AID else 0x6700)
        applications: list[Df | SecurityDomain] = [*self._tree.applications, *self._domains()]
        fitting = [one for one in applications if _name(one).startswith(command.data)]
        chosen = _occurrence(fitting, command.p2 & 0x03, channel)
        if command.p2 & _TERMINATE:
            _leave(channel)
            channel.df, channel.ef, channel.record = self._tree.mf, None, 0
            return ResponseApdu(b"", OK)
        if isinstance(chosen, Df):
            return self._file(chosen, command, channel)
        _leave(channel)
        channel.domain = chosen
        channel.df, channel.ef, channel.record = self._tree.mf, None, 0
        no_data = command.p2 & _NO_DATA == _NO_DATA
        return ResponseApdu(b"" if no_data else chosen.selection(), OK)


def _occurrence(
    fitting: list[Df | SecurityDomain], which: int, channel: Channel
) -> Df | SecurityDomain:
    """Return the first, last, next or previous of the applications that fit."""
    if not fitting:
        raise RefusalError(0x6A82, "no such application")
    if which in (0, 1):
        return fitting[-which]
    current = channel.domain or channel.df.application
    if current not in fitting:
        return fitting[0 if which == 2 else -1]
    place = fitting.index(current) + (1 if which == 2 else -1)
    if not 0 <= place < len(fitting):
        raise RefusalError(0x6A82, "no further application")
    return fitting[place]


def _name(application: Df | SecurityDomain) -> bytes:
    return application.name if isinstance(application, Df) else application.aid


def _leave(channel: Channel) -> None:
    if channel.domain is not None:
        channel.domain.deselected(channel)
        channel.domain = None
