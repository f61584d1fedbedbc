"""Interprets a profile package: its elements build a file system, element after element.

TCA eUICC Profile Package, Interoperable Format. What the card does not act on yet (keys of
applications, authentication, remote file management) is kept with the profile, element by element.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.virtual.euicc.file_store import save_tree
from hil.virtual.euicc.files import MF_ID, Df, Ef, FileTree
from hil.virtual.euicc.generic_files import manage_files
from hil.virtual.euicc.install_error import InstallError, Status
from hil.virtual.euicc.pin_store import PinSet
from hil.virtual.euicc.refusal import RefusalError
from hil.virtual.euicc.registry import IsdP, LifeCycle, Policy, Registry
from hil.virtual.euicc.template_files import TemplateBuilder
from hil.wire.profile_package import elements
from hil.wire.profile_package.files import FileElement, GenericFileManagement
from hil.wire.profile_package.header import ProfileHeader
from hil.wire.profile_package.package import END, HEADER, Element, split
from hil.wire.profile_package.pins import PinCodes, PukCodes

if TYPE_CHECKING:
    from hil.virtual.euicc.nvm import Transaction

_VERSIONS: Final = frozenset({2, 3})
"""Major versions of the format that are understood."""


@dataclass(slots=True)
class InstalledProfile:
    """A profile ready to be stored. ``iccid``: 10 bytes, digits in order."""

    tree: FileTree
    iccid: bytes
    policy: Policy
    pins: PinSet
    kept: dict[str, bytes] = field(repr=False)


def install(package: bytes, owner: bytes) -> InstalledProfile:
    """Build what a package describes; nothing is written.

    :class:`InstallError` carries the PEStatus of the first element that can not be installed.
    """
    try:
        parts = split(package)
    except CodecError as err:
        raise InstallError(Status.INVALID_REQUEST_FORMAT, str(err)) from err
    header = _check_frame(parts)
    builder = _Builder(owner)
    for number, element in enumerate(parts[1:-1], start=1):
        try:
            builder.take(number, element)
        except CodecError as err:
            raise InstallError(
                Status.BAD_VALUES, str(err), identification=element.identification
            ) from err
        except RefusalError as err:
            raise InstallError(
                Status.INVALID_PARAMETER, str(err), identification=element.identification
            ) from err
        except InstallError as err:
            if err.status.identification is None:
                err.status = replace(err.status, identification=element.identification)
            raise
    tree = builder.tree()
    _check_iccid(tree, header)
    policy = Policy(header.pol[0] & 0x07) if header.pol else Policy(0)
    return InstalledProfile(tree, header.iccid, policy, builder.pins, builder.kept)


def save_profile(
    change: Transaction,
    registry: Registry,
    record: IsdP,
    profile: InstalledProfile,
    state: LifeCycle,
) -> None:
    """Write a whole profile and the new state of its ISD-P as part of a transaction."""
    owner = record.aid
    for df in profile.tree.mf.walk():
        if isinstance(df, Df):
            df.pin_states = _pin_states(df, profile.pins)
    save_tree(change, profile.tree)
    profile.pins.save(change, owner)
    for name, body in profile.kept.items():
        change.put(f"profile/{owner.hex()}/{name}", body)
    registry.put(
        change,
        replace(
            record,
            state=state,
            policy=profile.policy,
            used=profile.tree.size(),
            iccid=profile.iccid,
        ),
    )


def _pin_states(df: Df, pins: PinSet) -> int:
    """Return the PS byte or bytes of a DF: the first key reference in the highest bit."""
    width = 8 * max(1, (len(df.pins) + 7) // 8)
    bits = (1 << (width - 1 - place) for place, key in enumerate(df.pins) if pins.enabled(df, key))
    return sum(bits)


class _Builder:
    """State of one installation: the tree so far, and the present context."""

    def __init__(self, owner: bytes) -> None:
        self._owner = owner
        self._mf: Df | None = None
        self._templates = TemplateBuilder()
        self.pins = PinSet()
        self.kept: dict[str, bytes] = {}
        self._numbers: set[int] = set()

    def take(self, number: int, element: Element) -> None:
        """Install one element."""
        identification = element.identification
        if identification is not None:
            if identification in self._numbers:
                raise InstallError(Status.INVALID_PARAMETER, f"two elements {identification}")
            self._numbers.add(identification)
        body = elements.decode(element)
        if isinstance(body, ProfileHeader) or element.tag in (HEADER, END):
            raise InstallError(Status.INVALID_REQUEST_FORMAT, "a second header or end")
        if isinstance(body, FileElement):
            self._mf = self._templates.build(body, self._mf)
        elif isinstance(body, GenericFileManagement):
            if self._mf is None:
                self._mf = Df(MF_ID)
            manage_files(body, self._mf)
        elif isinstance(body, PinCodes):
            self._pin_codes(body)
        elif isinstance(body, PukCodes):
            self.pins.puks += body.puks
        elif isinstance(body, elements.UnknownElement):
            if element.mandated or element.identification is None:
                raise InstallError(Status.PE_NOT_SUPPORTED, element.name)
        else:
            context = self._templates.context
            place = "" if context is None else context.application.path
            self.kept[f"{number:03d}/{element.name}/{place}"] = element.body

    def tree(self) -> FileTree:
        """Return the finished tree, links tied to their targets."""
        if self._mf is None:
            raise InstallError(Status.BAD_VALUES, "the package makes no MF")
        tree = FileTree(self._mf, owner=self._owner)
        try:
            tree.tie_links()
        except RefusalError as err:
            raise InstallError(Status.BAD_VALUES, str(err)) from err
        return tree

    def _pin_codes(self, body: PinCodes) -> None:
        context = self._templates.context
        if context is None:
            raise InstallError(Status.BAD_VALUES, "PINs before any DF")
        if body.path is not None:
            self.pins.share(context.path, body.path.hex().upper())
            return
        known = {puk.reference for puk in self.pins.puks}
        for pin in body.pins:
            if pin.puk is not None and pin.puk not in known:
                raise InstallError(Status.PIN_CODE_MISSING, f"PUK of PIN {pin.reference:02X}")
        self.pins.put(context.path, body.pins)


def _check_frame(parts: tuple[Element, ...]) -> ProfileHeader:
    if parts[0].tag != HEADER or parts[-1].tag != END or len(parts) < 2:
        raise InstallError(Status.INVALID_REQUEST_FORMAT, "header first, end last")
    try:
        header = ProfileHeader.decode(parts[0].body)
        elements.decode(parts[-1])
    except CodecError as err:
        raise InstallError(Status.BAD_VALUES, str(err)) from err
    if header.major not in _VERSIONS:
        raise InstallError(
            Status.UNSUPPORTED_VERSION, f"format version {header.major}.{header.minor}"
        )
    return header


def _check_iccid(tree: FileTree, header: ProfileHeader) -> None:
    file = tree.at(b"\x2f\xe2")
    swapped = bytes(byte >> 4 | byte << 4 & 0xF0 for byte in header.iccid)
    if not isinstance(file, Ef) or bytes(file.content) != swapped:
        raise InstallError(Status.BAD_VALUES, "EF.ICCID is not the ICCID of the header")
