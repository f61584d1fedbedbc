"""Numbers of the card application toolkit by name: ETSI TS 102 223, sections 8 and 9."""

from __future__ import annotations

from enum import IntEnum


class Device(IntEnum):
    """Ends of a toolkit message."""

    UICC = 0x81
    TERMINAL = 0x82
    NETWORK = 0x83


class CommandType(IntEnum):
    """Proactive commands in use here."""

    REFRESH = 0x01
    MORE_TIME = 0x02
    POLL_INTERVAL = 0x03
    SET_UP_EVENT_LIST = 0x05
    SEND_SHORT_MESSAGE = 0x13
    PROVIDE_LOCAL_INFORMATION = 0x26
    TIMER_MANAGEMENT = 0x27
    OPEN_CHANNEL = 0x40
    CLOSE_CHANNEL = 0x41
    RECEIVE_DATA = 0x42
    SEND_DATA = 0x43
    GET_CHANNEL_STATUS = 0x44


class Refresh(IntEnum):
    """Qualifier of REFRESH; an SGP.02 profile change ends with the UICC reset."""

    INIT_AND_FULL_FILE_CHANGE = 0x00
    FILE_CHANGE = 0x01
    INIT_AND_FILE_CHANGE = 0x02
    INIT = 0x03
    UICC_RESET = 0x04
    APPLICATION_RESET = 0x05
    SESSION_RESET = 0x06
    STEERING_OF_ROAMING = 0x07
    EUICC_PROFILE_STATE_CHANGE = 0x09


class Result(IntEnum):
    """General results of TERMINAL RESPONSE in use here."""

    DONE = 0x00
    DONE_PARTIALLY = 0x01
    DONE_MODIFIED = 0x07
    TERMINAL_BUSY = 0x20
    NETWORK_BUSY = 0x21
    CONTRADICTS_TIMER = 0x24
    BEYOND_CAPABILITIES = 0x30
    TYPE_NOT_UNDERSTOOD = 0x31
    DATA_NOT_UNDERSTOOD = 0x32
    VALUES_MISSING = 0x36
    BIP_ERROR = 0x3A
