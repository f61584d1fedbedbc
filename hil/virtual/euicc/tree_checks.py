"""What a file needs from the files and PINs around it: checked when a package is whole.

TCA interoperable format, 8.1 (pin-code-missing), 8.3; ETSI TS 102 221, 9.2.7 and 11.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.virtual.euicc.access import rule_record
from hil.virtual.euicc.files import Df, Ef, Structure
from hil.virtual.euicc.install_error import InstallError, Status
from hil.wire import tlv

if TYPE_CHECKING:
    from hil.virtual.euicc.pin_store import PinSet

_PACKAGE_PINS: Final = frozenset({*range(1, 9), *range(10, 15), *range(129, 137), *range(138, 143)})
"""Key references that a pinCodes element can define; the universal PIN is none of them."""

_LOCAL: Final = 0x80
_CONTEXT_CLASS: Final = 0x80


def check_file(file: Df | Ef, pins: PinSet) -> None:
    """Refuse a file that refers to what the package does not make, or holds broken objects."""
    _check_rule(file)
    if isinstance(file, Df):
        _check_pins(file, pins)
    elif file.structure is Structure.BER_TLV and not file.link:
        _check_objects(file)


def _check_rule(file: Df | Ef) -> None:
    """Refuse a reference to a record of EF.ARR that is not there."""
    if file.security and rule_record(file) is None:
        raise InstallError(
            Status.BAD_VALUES,
            f"file {file.path or '3F00'} refers to EF.ARR {file.security[:-1].hex().upper()}, "
            f"record {file.security[-1]}, which is not there",
            additional=file.security[-1],
        )


def _check_pins(df: Df, pins: PinSet) -> None:
    """Refuse a PIN status template with a PIN that no pinCodes element defines for this DF.

    A global PIN stands in the context of the MF, a local one in that of the DF or of one above it.
    """
    for key in df.pins:
        if key not in _PACKAGE_PINS:
            continue
        if not pins.defined(df if key & _LOCAL else _root(df), key):
            raise InstallError(
                Status.PIN_CODE_MISSING,
                f"DF {df.path or '3F00'} names PIN {key:02X}, which nothing defines",
                additional=key,
            )


def _root(df: Df) -> Df:
    while df.parent is not None:
        df = df.parent
    return df


def _check_objects(file: Ef) -> None:
    """Refuse a BER-TLV file whose content is not a row of data objects, each with its own tag."""
    name = f"BER-TLV file {file.fid:04X}"
    try:
        found = tlv.decode_all(bytes(file.content))
    except CodecError as err:
        raise CodecError(f"{name}: {err}") from err
    tags = [one.tag for one in found]
    if len(set(tags)) != len(tags):
        raise CodecError(f"{name} has an object twice")
    for tag in tags:
        if tag >> 8 * ((tag.bit_length() - 1) // 8) & 0xC0 != _CONTEXT_CLASS:
            raise CodecError(f"{name}: {tag:X} is no tag of a data object")
