"""What remote file management may do with files (ETSI TS 102 226, 8.2.1.3.2.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.virtual.euicc.access import FileAccess
from hil.virtual.euicc.files import Df, Ef, FileTree
from hil.virtual.euicc.refusal import RefusalError
from hil.wire.toolkit_parameters import AccessDomain

if TYPE_CHECKING:
    from hil.virtual.euicc.access import PinStates
    from hil.virtual.euicc.application_store import Application


class RemoteAccess:
    """Access rules of one application: those of the files, with its access domains for PINs.

    Full access does all but what a file forbids for ever. Files of an ADF are under the domain for
    that ADF, all others under that of the UICC; an ADF the application does not name is closed.
    """

    def __init__(self, tree: FileTree, application: Application, pins: PinStates) -> None:
        self._adf = application.adf
        self._uicc = _Rules(tree, AccessDomain.decode(application.access), pins)
        self._own = self._uicc
        if application.adf:
            self._own = _Rules(tree, AccessDomain.decode(application.adf_access), pins)

    def check(self, file: Df | Ef, operation: int) -> None:
        """Refuse with 6982 what the application may not do; bits as in AM_DO."""
        df = file if isinstance(file, Df) else file.parent
        name = b"" if df is None else df.application.name
        if name and name != self._adf:
            raise RefusalError(0x6982, f"file {file.fid:04X} belongs to another application")
        (self._own if name else self._uicc).check(file, operation)


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
