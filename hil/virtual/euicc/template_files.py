"""File elements: the files of a template, as the package changes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.virtual.euicc.file_builder import build_df, build_ef
from hil.virtual.euicc.files import Df
from hil.virtual.euicc.install_error import InstallError, Status, part
from hil.virtual.euicc.templates import TemplateFile, templates
from hil.wire.profile_package.files import File, FileElement, PlacedFile

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

_DIRECTORIES: Final = frozenset({"MF", "DF", "ADF"})
_APPLICATIONS: Final = frozenset({"usim", "isim", "csim"})
_ABSENT: Final = File()
_TEMPLATE: Final = 0x81


def _at(position: int) -> AbstractContextManager[None]:
    """Blame what is refused inside on the file at a position."""
    return part(PlacedFile(position, _ABSENT).tag)


class TemplateBuilder:
    """Builds file elements one after the other.

    ``context``: the DF or ADF of the last file element, to which PINs and keys behind it belong.
    """

    def __init__(self) -> None:
        self.context: Df | None = None
        self._places: dict[str, Df] = {}

    def build(self, element: FileElement, mf: Df | None) -> Df:
        """Put the files of an element into the tree; return its MF, perhaps new."""
        rows = templates().get(element.template)
        if rows is None:
            with part(_TEMPLATE):
                raise InstallError(
                    Status.TEMPLATE_NOT_SUPPORTED,
                    f"template {element.template}",
                    additional=int(element.template.rpartition(".")[2]) & 0xFF,
                )
        given = {one.position: one.file for one in element.files}
        strange = sorted(set(given) - set(rows))
        if strange:
            with _at(strange[0]):
                raise InstallError(
                    Status.TEMPLATE_NOT_SUPPORTED,
                    f"{element.name}: file at position {strange[0]} of template {element.template}",
                )
        if mf is not None:
            self._places["mf"] = mf
        by_position: dict[int, Df] = {}
        # A DF may stand behind the files it holds: directories first.
        for row in sorted(rows.values(), key=lambda one: one.kind not in _DIRECTORIES):
            file = given.get(row.position, _ABSENT)
            with _at(row.position):
                if row.kind in _DIRECTORIES:
                    if row.position in given:
                        by_position[row.position] = self._directory(element, row, file, by_position)
                elif row.position in given or row.by_default:
                    self._file(element, row, file, by_position)
        if by_position:
            self.context = by_position[min(by_position)]
        if "mf" not in self._places:
            raise InstallError(Status.BAD_VALUES, f"{element.name} comes before the MF")
        return self._places["mf"]

    def _directory(
        self,
        element: FileElement,
        row: TemplateFile,
        file: File,
        by_position: dict[int, Df],
    ) -> Df:
        if row.kind == "MF":
            if "mf" in self._places:
                raise InstallError(Status.BAD_VALUES, "a second MF")
            made = build_df(row, file.items, None)
            self._places["mf"] = made
            return made
        parent = self._parent(element, row, by_position)
        made = build_df(row, file.items, parent)
        parent.add(made)
        if row.kind == "ADF" and element.name in _APPLICATIONS:
            self._places[element.name] = made
        return made

    def _file(
        self,
        element: FileElement,
        row: TemplateFile,
        file: File,
        by_position: dict[int, Df],
    ) -> None:
        if not file.created:
            return
        parent = self._parent(element, row, by_position)
        parent.add(build_ef(row, file.items, parent))

    def _parent(self, element: FileElement, row: TemplateFile, by_position: dict[int, Df]) -> Df:
        if isinstance(row.parent, int):
            parent = by_position.get(row.parent)
        elif row.parent == "current":
            parent = self.context
        else:
            parent = self._places.get(row.parent)
        if parent is None:
            raise InstallError(
                Status.BAD_VALUES, f"{element.name}: the DF of position {row.position} is missing"
            )
        return parent
