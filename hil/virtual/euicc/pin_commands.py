"""VERIFY, CHANGE, DISABLE, ENABLE and UNBLOCK PIN (ETSI TS 102 221, 11.1.9 to 11.1.13)."""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from hil.virtual.euicc.pin_store import CHANGEABLE, ENABLED, MAY_BE_DISABLED, UNIVERSAL, Pin
from hil.virtual.euicc.refusal import RefusalError
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.status_words import OK

if TYPE_CHECKING:
    from hil.virtual.euicc.channel import Channel
    from hil.virtual.euicc.pins import PinPresentations

_SIZE: Final = 8
_NUMBER: Final = 0x1F
_RESERVED: Final = 0x60
_STANDS_IN: Final = 0x80
_DONE: Final = ResponseApdu(b"", OK)


class PinCommands:
    """What the holder of a card may do with its PINs.

    A try is spent in the card's memory before the comparison, so that cutting the power wins
    nothing. Status words: 6A88 for an unknown reference, 6983 blocked, 6984 disabled, 6985 for what
    the attributes of the PIN do not allow, 63Cx for a wrong value.
    """

    def __init__(self, pins: PinPresentations) -> None:
        self._pins = pins
        self.handlers = {
            0x20: self._verify,
            0x24: self._change,
            0x26: self._disable,
            0x28: self._enable,
            0x2C: self._unblock,
        }

    def _verify(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        path, pin = self._named(command, channel, 0, _SIZE)
        if not pin.tries:
            raise RefusalError(0x6983)
        if not command.data:
            # The counter is asked for, whatever the state of the PIN (11.1.9.1.2).
            return ResponseApdu(b"", 0x63C0 | pin.tries)
        if not pin.enabled:
            raise RefusalError(0x6984)
        self._compare(path, pin, command.data)
        self._accept(path, pin)
        return _DONE

    def _change(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        path, pin = self._named(command, channel, 2 * _SIZE)
        if not pin.tries:
            raise RefusalError(0x6983)
        if not pin.enabled:
            raise RefusalError(0x6984)
        if not pin.attributes & CHANGEABLE:
            raise RefusalError(0x6985, f"PIN {pin.reference:02X} may not be changed")
        self._compare(path, pin, command.data[:_SIZE])
        self._accept(path, replace(pin, value=command.data[_SIZE:]))
        return _DONE

    def _disable(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        stands_in = bool(command.p1 & _STANDS_IN)
        if stands_in:
            if command.p1 & ~_STANDS_IN != UNIVERSAL or command.p2 == UNIVERSAL:
                raise RefusalError(0x6A86, "only the universal PIN stands in for another one")
            command = replace(command, p1=0)
        path, pin = self._named(command, channel, _SIZE)
        if stands_in and self._pins.find(channel.df, UNIVERSAL) is None:
            raise RefusalError(0x6A88, "no universal PIN")
        if not pin.tries:
            raise RefusalError(0x6983)
        if not pin.enabled:
            raise RefusalError(0x6984, f"PIN {pin.reference:02X} is disabled")
        if not pin.attributes & MAY_BE_DISABLED:
            raise RefusalError(0x6985, f"PIN {pin.reference:02X} may not be disabled")
        self._compare(path, pin, command.data)
        disabled = replace(pin, attributes=pin.attributes & ~ENABLED, replaced=stands_in)
        self._accept(path, disabled)
        return _DONE

    def _enable(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        path, pin = self._named(command, channel, _SIZE)
        if not pin.tries:
            raise RefusalError(0x6983)
        if pin.enabled:
            raise RefusalError(0x6985, f"PIN {pin.reference:02X} is enabled")
        self._compare(path, pin, command.data)
        self._accept(path, replace(pin, attributes=pin.attributes | ENABLED, replaced=False))
        return _DONE

    def _unblock(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        path, pin = self._named(command, channel, 0, 2 * _SIZE)
        puk = self._pins.puk(pin)
        if puk is None:
            raise RefusalError(0x6A88, f"PIN {pin.reference:02X} has no PUK")
        if not puk.tries:
            raise RefusalError(0x6983)
        if not command.data:
            return ResponseApdu(b"", 0x63C0 | puk.tries)
        self._pins.store_puk(replace(puk, tries=puk.tries - 1))
        if not hmac.compare_digest(puk.value, command.data[:_SIZE]):
            raise RefusalError(0x63C0 | puk.tries - 1, f"PUK of PIN {pin.reference:02X}")
        enabled = replace(
            pin,
            value=command.data[_SIZE:],
            attributes=pin.attributes | ENABLED,
            tries=pin.most_tries,
            replaced=False,
        )
        self._pins.store(path, enabled, replace(puk, tries=puk.most_tries))
        self._pins.prove(path, pin.reference)
        return _DONE

    def _named(self, command: CommandApdu, channel: Channel, *sizes: int) -> tuple[str, Pin]:
        """Return the PIN that P2 names, after P1, P2 and Lc are found right."""
        if command.p1 or command.p2 & _RESERVED or not command.p2 & _NUMBER:
            raise RefusalError(0x6A86)
        found = self._pins.find(channel.df, command.p2)
        if found is None:
            raise RefusalError(0x6A88, f"no PIN {command.p2:02X} here")
        if len(command.data) not in sizes:
            raise RefusalError(0x6700)
        return found

    def _compare(self, path: str, pin: Pin, value: bytes) -> None:
        left = pin.tries - 1
        self._pins.store(path, replace(pin, tries=left))
        if not hmac.compare_digest(pin.value, value):
            self._pins.forget(path, pin.reference)
            raise RefusalError(0x63C0 | left, f"PIN {pin.reference:02X}")

    def _accept(self, path: str, pin: Pin) -> None:
        """Store a PIN after a right value came: all tries are back, and it counts as verified."""
        self._pins.store(path, replace(pin, tries=pin.most_tries))
        self._pins.prove(path, pin.reference)
