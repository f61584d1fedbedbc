"""Data objects in words: tags by name, applications by name; leniently, any bytes give words."""

from __future__ import annotations

from typing import Final

from hil.errors import CodecError
from hil.wire import dgi, tlv
from hil.wire.data_names import grouping_name, tag_name
from hil.wire.file_names import application_name
from hil.wire.identifiers import decode_eid

_AID: Final = 0x4F
_EID: Final = 0x5A
_MOST: Final = 8
"""Objects named in one line."""


def is_blank(data: bytes) -> bool:
    """Whether nothing but blanks is left of some data."""
    return bool(data) and not data.strip(b"\xff")


def application(aid: bytes) -> str:
    """Return the name of an application, or its AID."""
    return application_name(aid) or f"AID {aid.hex().upper()}"


def size(count: int) -> str:
    """Return ``1 byte``, ``2 bytes``."""
    return "1 byte" if count == 1 else f"{count} bytes"


def objects(data: bytes) -> str:
    """Name the data objects in ``data``, and the applications in them; "" if it is no row of them.

    >>> objects(bytes.fromhex("4F07A0000000871002"))
    'AID of ADF.USIM'
    """
    try:
        found = tlv.decode_all(data)
    except CodecError:
        return ""
    told = [_object(one) for one in found[:_MOST]]
    more = [f"and {len(found) - _MOST} more"] if len(found) > _MOST else []
    return ", ".join(told + more)


def groupings(data: bytes) -> str:
    """Name the data groupings in ``data``, and what they are about."""
    try:
        found = dgi.decode_all(data)
    except CodecError:
        return f"DGI {grouping_name(int.from_bytes(data[:2], 'big'))}, cut off" if data else ""
    return ", ".join(_grouping(one) for one in found[:_MOST])


def _grouping(one: dgi.Dgi) -> str:
    inner = objects(one.value)
    named = f"DGI {grouping_name(one.tag)}"
    return f"{named} ({inner})" if inner else f"{named} ({size(len(one.value))})"


def _object(one: tlv.Tlv) -> str:
    if one.tag == _AID:
        return f"AID of {application(one.value)}"
    if one.tag == _EID and len(one.value) == 16:
        return f"EID {_eid(one.value)}"
    return f"{tag_name(one.tag)} ({size(len(one.value))})"


def _eid(raw: bytes) -> str:
    try:
        return decode_eid(raw)
    except CodecError:
        return raw.hex().upper()
