"""What remote file management may do with files (ETSI TS 102 226, 8.2.1.3.2.4 and .5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hil.virtual.euicc.access import FileAccess
from hil.virtual.euicc.current_file import (
    CREATE_DF,
    CREATE_EF,
    DELETE_CHILD,
    DELETE_SELF,
    RESIZE,
)
from hil.virtual.euicc.files import Df, Ef, FileTree
from hil.virtual.euicc.refusal import RefusalError
from hil.wire.toolkit_parameters import AccessDomain

if TYPE_CHECKING:
    from hil.virtual.euicc.access import PinStates
    from hil.virtual.euicc.application_store import Application


class RemoteAccess:
    """Access rules of one application: those of the files, with its access domains for PINs.

    Full access does all but what a file forbids for ever. Files of an ADF are under the domains for
    that ADF, all others under those of the UICC; an ADF the application does not name is closed.
    Making, deleting and resizing files has administrative access domains of its own.
    """

    def __init__(self, tree: FileTree, application: Application, pins: PinStates) -> None:
        self._adf = application.adf

        def rules(domain: bytes) -> _Rules:
            known = AccessDomain.decode(domain) if domain else AccessDomain()
            return _Rules(tree, known, pins)

        self._uicc = _Domains(rules(application.access), rules(application.admin_access))
        self._own = _Domains(rules(application.adf_access), rules(application.adf_admin_access))

    def check(self, file: Df | Ef, operation: int) -> None:
        """Refuse with 6982 what the application may not do; bits as in AM_DO."""
        df = file if isinstance(file, Df) else file.parent
        name = b"" if df is None else df.application.name
        if name and name != self._adf:
            raise RefusalError(0x6982, f"file {file.fid:04X} belongs to another application")
        domains = self._own if name else self._uicc
        if _administers(file, operation):
            domains.admin.check(file, operation)
        else:
            domains.use.check(file, operation)


def _administers(file: Df | Ef, operation: int) -> bool:
    """Whether an operation is CREATE, DELETE or RESIZE FILE; AM_DO has other bits for DFs."""
    if operation in (DELETE_SELF, RESIZE):
        return True
    return isinstance(file, Df) and operation in (DELETE_CHILD, CREATE_EF, CREATE_DF)


@dataclass(frozen=True, slots=True)
class _Domains:
    """The access domain for using files, and the one for administering them."""

    use: _Rules
    admin: _Rules


class _Rules:
    """One access domain over the rules of the files."""

    def __init__(self, tree: FileTree, domain: AccessDomain, pins: PinStates) -> None:
        self._domain = domain
        self._pins = pins
        self._access = FileAccess(tree, self)

    def check(self, file: Df | Ef, operation: int) -> None:
        """Refuse what neither the domain nor a PIN presented in the script allows."""
        if not self._domain.full and not self._domain.keys:
            raise RefusalError(0x6982, f"file {file.fid:04X}: no access at all")
        self._access.check(file, operation)

    def satisfied(self, key: int, file: Df | Ef) -> bool:
        """Whether a key reference counts as verified."""
        if self._domain.full or key in self._domain.keys:
            return True
        return self._pins.satisfied(key, file)
