"""SELECT: files by id and path, applications by whole or partial AID (ETSI TS 102 221, 11.1.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.virtual.euicc import fcp, files, procedure
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
_ANSWERS: Final = frozenset({0x00, 0x04, _NO_DATA})
_TERMINATE: Final = 0x40
_OCCURRENCE: Final = 0x03
_LONGEST_AID: Final = 16
_DEACTIVATED: Final = 0x6283


class Selector:
    """Does SELECT for all channels.

    ``domains`` tells the security domains that can be selected now, ``issuer`` which of them is
    meant by no AID; ``free`` the memory left; ``pins`` their states; ``end_session`` is called for
    an application that is terminated.
    """

    def __init__(
        self,
        tree: FileTree,
        domains: Callable[[], Sequence[SecurityDomain]],
        free: Callable[[], int],
        pins: fcp.PinStates,
        end_session: Callable[[Df], None],
        *,
        issuer: Callable[[], SecurityDomain | None],
    ) -> None:
        self._pins = pins
        self._issuer = issuer
        self._end_session = end_session
        self._tree = tree
        self._domains = domains
        self._free = free

    def process(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        """Answer one SELECT; a refused one changes nothing."""
        if command.cla & 0x80:
            raise RefusalError(0x6E00)
        if command.p1 == 0x04:
            return self._by_name(command, channel)
        if command.p2 not in _ANSWERS:
            raise RefusalError(0x6A86)
        return self._file(self._find(command, channel), command, channel)

    def _find(self, command: CommandApdu, channel: Channel) -> Df | Ef:
        data = command.data
        if command.p1 == 0x00 and not data:
            if command.p2 != _NO_DATA:
                raise RefusalError(0x6700, "the MF without its id comes without data only")
            return self._tree.mf
        found: Df | Ef | None
        if command.p1 == 0x00:
            found = find_file(data, channel, self._tree)
        elif command.p1 == 0x01:
            child = channel.df.children.get(_file_id(data))
            found = child if isinstance(child, Df) and not child.name else None
        elif command.p1 == 0x03:
            if data:
                raise RefusalError(0x6700)
            found = channel.df.parent
            if found is not None and command.p2 != _NO_DATA:
                # Before anything is selected: repeated after 6Cxx, it would go up twice.
                procedure.check_le(command, len(self._template(found)))
        elif command.p1 in (0x08, 0x09):
            start = self._tree.mf if command.p1 == 0x08 else channel.df
            found = find_by_path(data, start, channel)
        else:
            raise RefusalError(0x6A86)
        if found is None:
            raise RefusalError(0x6A82, f"file {data.hex()}")
        return found

    def _file(self, found: Df | Ef, command: CommandApdu, channel: Channel) -> ResponseApdu:
        _leave(channel)
        if isinstance(found, Df):
            channel.df, channel.ef = found, None
        else:
            channel.df, channel.ef = self._holder(found, channel.df), found
        channel.record, channel.transfer = 0, None
        sw = _DEACTIVATED if found.life_cycle == files.DEACTIVATED else OK
        if command.p2 & _NO_DATA == _NO_DATA:
            return ResponseApdu(b"", sw)
        return ResponseApdu(self._template(found), sw)

    def _template(self, file: Df | Ef) -> bytes:
        return fcp.template(file, free=self._free(), pins=self._pins)

    def _holder(self, file: Ef, current: Df) -> Df:
        """Return the DF that is current with an EF: a link to a DF keeps its own place."""
        if current.link and current.children.get(file.fid) is file:
            return current
        return file.parent or self._tree.mf

    def _by_name(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        if command.p2 & ~(_TERMINATE | _OCCURRENCE) not in _ANSWERS:
            raise RefusalError(0x6A86)
        if len(command.data) > _LONGEST_AID:
            raise RefusalError(0x6700)
        chosen = _occurrence(self._fitting(command.data), command.p2 & _OCCURRENCE, channel)
        if command.p2 & _TERMINATE:
            _leave(channel)
            channel.df, channel.ef, channel.record = self._tree.mf, None, 0
            channel.application, channel.transfer = None, None
            if isinstance(chosen, Df):
                self._end_session(chosen)
            return ResponseApdu(b"", OK)
        if isinstance(chosen, Df):
            channel.application = chosen
            return self._file(chosen, command, channel)
        _leave(channel)
        channel.domain = chosen
        channel.df, channel.ef, channel.record = self._tree.mf, None, 0
        channel.application, channel.transfer = None, None
        no_data = command.p2 & _NO_DATA == _NO_DATA
        return ResponseApdu(b"" if no_data else chosen.selection(), OK)

    def _fitting(self, aid: bytes) -> list[Df | SecurityDomain]:
        """Return the applications whose AID begins so; without an AID, the issuer's domain.

        GlobalPlatform Card Specification, 11.9.2.3: so card managers find it.
        """
        if not aid:
            issuer = self._issuer()
            return [] if issuer is None else [issuer]
        applications: list[Df | SecurityDomain] = [*self._tree.applications, *self._domains()]
        return [one for one in applications if _name(one).startswith(aid)]


def find_file(data: bytes, channel: Channel, tree: FileTree) -> Df | Ef | None:
    """Return the file that an id means on a channel; 6700 for an id that has not 2 bytes."""
    return files.find(channel.df, _file_id(data), tree.mf, channel.application)


def find_by_path(path: bytes, start: Df, channel: Channel) -> Df | Ef | None:
    """Return the file at a path of ids from ``start``; 6700 for a path that is none."""
    if not path or len(path) % 2:
        raise RefusalError(0x6700, "a path is made of 2-byte file ids")
    found: Df | Ef | None = start
    for at in range(0, len(path), 2):
        fid = int.from_bytes(path[at : at + 2], "big")
        if not isinstance(found, Df):
            return None
        if at == 0 and fid == files.CURRENT_ADF_ID:
            found = channel.application
            continue
        child = found.children.get(fid)
        found = None if isinstance(child, Df) and child.name else child
    return found


def _file_id(data: bytes) -> int:
    if len(data) != 2:
        raise RefusalError(0x6700, "a file id has 2 bytes")
    return int.from_bytes(data, "big")


def _occurrence(
    fitting: list[Df | SecurityDomain], which: int, channel: Channel
) -> Df | SecurityDomain:
    """Return the first, last, next or previous of the applications that fit."""
    if not fitting:
        raise RefusalError(0x6A82, "no such application")
    if which in (0, 1):
        return fitting[-which]
    current = channel.domain or channel.application
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
