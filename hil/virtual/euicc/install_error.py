"""Why a profile package is refused: a PEStatus of its EUICCResponse."""

from __future__ import annotations

from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING

from hil.errors import CodecError, HilError
from hil.virtual.euicc.refusal import RefusalError
from hil.wire.profile_package.response import PeStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.wire.profile_package.elements import Part


class Status(IntEnum):
    """Status of a PEStatus (TCA interoperable format, section 8.11)."""

    PE_NOT_SUPPORTED = 1
    MEMORY_FAILURE = 2
    BAD_VALUES = 3
    NOT_ENOUGH_MEMORY = 4
    INVALID_REQUEST_FORMAT = 5
    INVALID_PARAMETER = 6
    RUNTIME_NOT_SUPPORTED = 7
    LIB_NOT_SUPPORTED = 8
    TEMPLATE_NOT_SUPPORTED = 9
    FEATURE_NOT_SUPPORTED = 10
    PIN_CODE_MISSING = 11
    UNSUPPORTED_VERSION = 31


class InstallError(HilError):
    """The installation is aborted; nothing of the package stays on the card.

    ``additional``: the number that the status is about, 0 to 255, where there is one: a service of
    the header, the last arc of a template, a version, a key reference. ``part``: the way to the
    offending member of the element, empty for the whole of it.
    """

    def __init__(
        self,
        status: Status,
        why: str,
        *,
        identification: int | None = None,
        additional: int | None = None,
    ) -> None:
        super().__init__(f"{status.name}: {why}")
        self.status = PeStatus(int(status), identification, additional)
        self.part: Part = ()


def as_install_error(err: CodecError | RefusalError) -> InstallError:
    """Return why an element is refused: it breaks the format, or another part refused it."""
    wrong = Status.BAD_VALUES if isinstance(err, CodecError) else Status.INVALID_PARAMETER
    return InstallError(wrong, str(err))


@contextmanager
def part(tag: int, number: int = 0) -> Iterator[None]:
    """Blame what is refused inside on the ``number``-th member with this tag, from 0."""
    try:
        yield
    except InstallError as err:
        err.part = ((tag, number), *err.part)
        raise
    except (CodecError, RefusalError) as err:
        failure = as_install_error(err)
        failure.part = ((tag, number),)
        raise failure from err
