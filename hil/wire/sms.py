"""Short messages as carriers of secured packets: TPDUs, addresses, cutting and joining."""

from __future__ import annotations

from hil.wire.sms_address import INTERNATIONAL, UNKNOWN, Address
from hil.wire.sms_parts import Kind, Part, Reassembler, Whole, read_part, split
from hil.wire.sms_timestamp import decode_timestamp, encode_timestamp
from hil.wire.sms_tpdu import (
    DCS_CARD_8_BIT,
    LONGEST_USER_DATA,
    PID_SIM_DATA_DOWNLOAD,
    SmsDeliver,
    SmsDeliverReport,
    SmsSubmit,
)

__all__ = [
    "DCS_CARD_8_BIT",
    "INTERNATIONAL",
    "LONGEST_USER_DATA",
    "PID_SIM_DATA_DOWNLOAD",
    "UNKNOWN",
    "Address",
    "Kind",
    "Part",
    "Reassembler",
    "SmsDeliver",
    "SmsDeliverReport",
    "SmsSubmit",
    "Whole",
    "decode_timestamp",
    "encode_timestamp",
    "read_part",
    "split",
]
