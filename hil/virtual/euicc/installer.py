"""Interprets a profile package: its elements build a profile, element after element.

TCA eUICC Profile Package, Interoperable Format. Every element answers with a PEStatus; the first
that can not be installed ends the installation, and nothing of the package stays.
"""

from __future__ import annotations

import copy
import logging
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.virtual.euicc import install_checks
from hil.virtual.euicc.domain_contents import CONNECTIVITY
from hil.virtual.euicc.file_store import save_tree
from hil.virtual.euicc.files import MF_ID, Df, Ef, FileTree
from hil.virtual.euicc.generic_files import manage_files
from hil.virtual.euicc.install_checks import CAPABILITIES, Capabilities
from hil.virtual.euicc.install_domains import ProfileApplications
from hil.virtual.euicc.install_error import InstallError, Status, as_install_error
from hil.virtual.euicc.pin_store import PinSet
from hil.virtual.euicc.refusal import RefusalError
from hil.virtual.euicc.registry import IsdP, LifeCycle, Policy, Registry
from hil.virtual.euicc.template_files import TemplateBuilder
from hil.virtual.euicc.tree_checks import check_file
from hil.wire.profile_package import elements
from hil.wire.profile_package.applications import (
    Application,
    End,
    NonStandard,
    Rfm,
    SecurityDomain,
)
from hil.wire.profile_package.authentication import AkaParameter, CdmaParameter, MappingParameter
from hil.wire.profile_package.files import FileElement, GenericFileManagement
from hil.wire.profile_package.header import ProfileHeader
from hil.wire.profile_package.package import END, HEADER, Element, split
from hil.wire.profile_package.pins import PinCodes, PukCodes
from hil.wire.profile_package.response import OK, EuiccResponse, PeStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.virtual.euicc.nvm import Transaction

log = logging.getLogger(__name__)

_PIN_COST: Final = 16
"""Bytes of non-volatile memory that a PIN or PUK is charged with."""

_POLICY: Final = 0x07
_MAY_BE_PASSED_OVER: Final = frozenset(
    {
        Status.PE_NOT_SUPPORTED,
        Status.RUNTIME_NOT_SUPPORTED,
        Status.LIB_NOT_SUPPORTED,
        Status.TEMPLATE_NOT_SUPPORTED,
        Status.FEATURE_NOT_SUPPORTED,
    }
)
"""What the card can not do; an element that is not mandated may be left out for it."""


@dataclass(slots=True)
class InstalledProfile:
    """A profile ready to be stored. ``iccid``: 10 bytes, digits in order.

    ``kept``: contents that other parts of the card read, by name: network access parameters,
    connectivity parameters.
    """

    tree: FileTree
    iccid: bytes
    policy: Policy
    pins: PinSet
    applications: ProfileApplications
    response: EuiccResponse
    kept: dict[str, bytes] = field(repr=False)

    def size(self) -> int:
        """Bytes of non-volatile memory that the ISD-P is charged with."""
        kept = sum(map(len, self.kept.values()))
        return self.tree.size() + self.applications.size() + kept + _PIN_COST * self.pins.count()


def install(
    package: bytes, owner: bytes, capabilities: Capabilities = CAPABILITIES
) -> InstalledProfile:
    """Build what a package describes; nothing is written.

    :class:`InstallError` carries the PEStatus of the first element that can not be installed.
    """
    try:
        parts = split(package)
    except CodecError as err:
        raise InstallError(Status.INVALID_REQUEST_FORMAT, str(err)) from err
    header = _check_frame(parts)
    install_checks.check_header(header, capabilities)
    builder = _Builder(owner)
    statuses = []
    for number, element in enumerate(parts[1:-1], start=1):
        with _blaming(element.identification, element):
            statuses.append(builder.take(number, element))
    statuses.append(PeStatus(OK, parts[-1].identification))
    tree = builder.finish()
    if header.connectivity is not None:
        builder.made.kept[CONNECTIVITY] = header.connectivity
    return InstalledProfile(
        tree,
        header.iccid,
        Policy(header.pol[-1] & _POLICY) if header.pol else Policy(0),
        builder.made.pins,
        builder.made.applications,
        EuiccResponse(tuple(statuses)),
        builder.made.kept,
    )


@contextmanager
def _blaming(identification: int | None, element: Element | None = None) -> Iterator[None]:
    """Turn every refusal into a PEStatus of the element with this identification.

    With the element itself the PEStatus also says where in it the offending part stands.
    """
    try:
        yield
    except InstallError as err:
        if err.status.identification is None:
            err.status = _placed(err, identification, element)
        raise
    except (CodecError, RefusalError) as err:
        failure = as_install_error(err)
        failure.status = _placed(failure, identification, element)
        raise failure from err


def _placed(failure: InstallError, identification: int | None, element: Element | None) -> PeStatus:
    """Return the status of an element with the offset of the part at fault, if that is known."""
    offset = None
    if element is not None and failure.part:
        offset = elements.part_offset(element, failure.part)
    elif element is not None and failure.status.status == Status.BAD_VALUES:
        offset = elements.error_offset(element)
    return replace(failure.status, identification=identification, offset=offset)


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
    profile.applications.save(change)
    for name, body in profile.kept.items():
        change.put(f"profile/{owner.hex()}/{name}", body)
    registry.put(
        change,
        replace(
            record,
            state=state,
            policy=profile.policy,
            used=profile.size(),
            iccid=profile.iccid,
        ),
    )


def _pin_states(df: Df, pins: PinSet) -> int:
    """Return the PS byte or bytes of a DF: the first key reference in the highest bit."""
    width = 8 * max(1, (len(df.pins) + 7) // 8)
    bits = (1 << (width - 1 - place) for place, key in enumerate(df.pins) if pins.enabled(df, key))
    return sum(bits)


@dataclass(slots=True)
class _Made:
    """What the elements made so far; an element that is passed over leaves it as it was."""

    applications: ProfileApplications
    mf: Df | None = None
    templates: TemplateBuilder = field(default_factory=TemplateBuilder)
    pins: PinSet = field(default_factory=PinSet)
    kept: dict[str, bytes] = field(default_factory=dict, repr=False)
    aka: dict[str, tuple[int | None, AkaParameter]] = field(default_factory=dict, repr=False)


class _Builder:
    """State of one installation: the tree so far, and the present context."""

    def __init__(self, owner: bytes) -> None:
        self._owner = owner
        self.made = _Made(ProfileApplications(owner))
        self._numbers: set[int] = set()
        self._makers: dict[str, int | None] = {}

    def take(self, number: int, element: Element) -> PeStatus:
        """Install one element; return its PEStatus: ok, or why it was passed over."""
        identification = element.identification
        if identification is not None:
            if identification in self._numbers:
                raise InstallError(Status.INVALID_PARAMETER, f"two elements {identification}")
            self._numbers.add(identification)
        optional = identification is not None and not element.mandated
        before = copy.deepcopy(self.made) if optional else None
        try:
            self._install(number, element)
        except InstallError as err:
            if before is None or err.status.status not in _MAY_BE_PASSED_OVER:
                raise
            self.made = before
            log.info("element %s passed over: %s", identification, err)
            return _placed(err, identification, element)
        self._note_maker(identification)
        return PeStatus(OK, identification)

    def _install(self, number: int, element: Element) -> None:
        body = elements.decode(element)
        match body:
            case ProfileHeader() | End():
                raise InstallError(Status.INVALID_REQUEST_FORMAT, "a second header or end")
            case FileElement():
                install_checks.check_files(body)
                self.made.mf = self.made.templates.build(body, self.made.mf)
            case GenericFileManagement():
                if self.made.mf is None:
                    self.made.mf = Df(MF_ID)
                manage_files(body, self.made.mf)
            case PinCodes():
                self._pin_codes(body)
            case PukCodes():
                install_checks.check_puks(body.puks, self.made.pins.puks)
                self.made.pins.puks += body.puks
            case AkaParameter() | CdmaParameter():
                self._authentication(number, element, body)
            case SecurityDomain():
                self.made.applications.add_domain(number, body)
            case Rfm():
                self.made.applications.add_rfm(number, body, self._adf_names())
            case Application():
                if body.load_block is not None:
                    raise InstallError(Status.RUNTIME_NOT_SUPPORTED, "no runtime for load blocks")
                self.made.applications.add_instances(number, body)
            case NonStandard() | elements.UnknownElement():
                raise InstallError(Status.PE_NOT_SUPPORTED, element.name)

    def finish(self) -> FileTree:
        """Return the finished tree, links tied to their targets; check what needs the whole."""
        if self.made.mf is None:
            raise InstallError(Status.BAD_VALUES, "the package makes no MF")
        for one in self.made.mf.walk():
            with _blaming(self._makers.get(one.path)):
                if isinstance(one, Ef) and one.link:
                    self._check_link(one)
                check_file(one, self.made.pins)
        tree = FileTree(self.made.mf, owner=self._owner)
        tree.tie_links()
        self._check_names(tree)
        self._check_mappings(tree)
        return tree

    def _note_maker(self, identification: int | None) -> None:
        """Remember which element made the files that are new: later checks name it."""
        if self.made.mf is not None:
            for file in self.made.mf.walk():
                self._makers.setdefault(file.path, identification)

    def _adf_names(self) -> frozenset[bytes]:
        children = () if self.made.mf is None else self.made.mf.children.values()
        return frozenset(one.name for one in children if isinstance(one, Df) and one.name)

    def _pin_codes(self, body: PinCodes) -> None:
        context = self.made.templates.context
        if context is None:
            raise InstallError(Status.BAD_VALUES, "PINs before any DF")
        if self.made.pins.known(context.path):
            raise InstallError(Status.BAD_VALUES, "PINs of this DF are there already")
        if body.path is not None:
            other = body.path.hex().upper()
            if not self.made.pins.known(other):
                raise InstallError(Status.BAD_VALUES, f"no PINs at path {other}")
            self.made.pins.share(context.path, other)
            return
        install_checks.check_pins(body.pins, in_mf=context.parent is None)
        known = {puk.reference for puk in self.made.pins.puks}
        for place, pin in enumerate(body.pins):
            if pin.puk is not None and pin.puk not in known:
                with install_checks.pin_part(place):
                    raise InstallError(
                        Status.PIN_CODE_MISSING,
                        f"PUK of PIN {pin.reference:02X}",
                        additional=pin.puk & 0xFF,
                    )
        self.made.pins.put(context.path, body.pins)

    def _authentication(
        self, number: int, element: Element, body: AkaParameter | CdmaParameter
    ) -> None:
        context = self.made.templates.context
        application = None if context is None else context.application
        if application is None or not application.name:
            raise InstallError(Status.BAD_VALUES, f"{element.name} before any NAA")
        if isinstance(body, AkaParameter):
            install_checks.check_aka(body)
            if application.path in self.made.aka:
                raise InstallError(Status.BAD_VALUES, "an NAA has one akaParameter")
            self.made.aka[application.path] = (element.identification, body)
        self.made.kept[f"{number:03d}/{element.name}/{application.path}"] = element.body

    def _check_link(self, file: Ef) -> None:
        mf = self.made.mf or Df(MF_ID)
        target = FileTree(mf).at(file.link)
        if not isinstance(target, Ef) or target.link:
            raise InstallError(
                Status.BAD_VALUES,
                f"file {file.path} links to {file.link.hex()}, no file of its own",
            )

    def _check_names(self, tree: FileTree) -> None:
        taken = set(self.made.applications.applications)
        for adf in tree.applications:
            if adf.name in taken:
                with _blaming(self._makers.get(adf.path)):
                    raise InstallError(Status.BAD_VALUES, f"AID {adf.name.hex()} is in use")
            taken.add(adf.name)

    def _check_mappings(self, tree: FileTree) -> None:
        own = {
            adf.name
            for adf in tree.applications
            if adf.path in self.made.aka
            and not isinstance(self.made.aka[adf.path][1].configuration, MappingParameter)
        }
        for identification, body in self.made.aka.values():
            used = body.configuration
            if isinstance(used, MappingParameter) and used.source not in own:
                raise InstallError(
                    Status.BAD_VALUES,
                    f"no keys in NAA {used.source.hex()}",
                    identification=identification,
                )


def _check_frame(parts: tuple[Element, ...]) -> ProfileHeader:
    if parts[0].tag != HEADER or parts[-1].tag != END or len(parts) < 2:
        raise InstallError(Status.INVALID_REQUEST_FORMAT, "header first, end last")
    with _blaming(None):
        header = ProfileHeader.decode(parts[0].body)
    with _blaming(parts[-1].identification):
        elements.decode(parts[-1])
        if parts[-1].identification in [one.identification for one in parts[1:-1]]:
            raise InstallError(Status.INVALID_PARAMETER, "the number of the end is in use")
    return header
