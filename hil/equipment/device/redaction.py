"""What observers see of AT commands that carry secrets: the same lines, secrets blanked in place.

APDUs that go through the device (AT+CSIM, AT+CGLA) are blanked as those of a reader are, by
:class:`hil.wire.redaction.Redactor`; of an IMSI the last four digits stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from hil.equipment.device.errors import DeviceUsageError
from hil.wire.apdu import CommandApdu
from hil.wire.blanking import last_four
from hil.wire.redaction import Redactor

_HEX: Final = re.compile(r"[0-9A-Fa-f]{4,}")
_DIGITS: Final = re.compile(r"\d{6,}")
_OK: Final = b"\x90\x00"


@dataclass(frozen=True, slots=True)
class Hide:
    """What to show: ``received`` of each line that comes, ``sent`` in place of values that go."""

    received: Callable[[str], str]
    sent: Mapping[str, str] = field(default_factory=dict)


class ApduLines:
    """Follows the APDUs that go through one device, a card's state for each session."""

    def __init__(self) -> None:
        self._sessions: dict[int, Redactor] = {}

    def opened(self, session: int, aid: bytes) -> None:
        """Take note that a session with the application ``aid`` was opened."""
        redactor = self._sessions[session] = Redactor()
        select = CommandApdu(0x00, 0xA4, 0x04, 0x00, aid).encode()
        redactor.command(select)
        redactor.answer(select, _OK)

    def hide(self, apdu: bytes, session: int = 0) -> Hide:
        """Return what to show of a command APDU and its answer; session 0 is AT+CSIM."""
        redactor = self._sessions.setdefault(session, Redactor())
        shown = redactor.command(apdu).raw.hex().upper()

        def received(line: str) -> str:
            found = list(_HEX.finditer(line))
            if not found:
                return line
            last = found[-1]
            if len(last[0]) % 2:  # garbled on the line: nobody knows what it is
                told = "?" * len(last[0])
            else:
                told = redactor.answer(apdu, bytes.fromhex(last[0])).raw.hex().upper()
            return line[: last.start()] + told + line[last.end() :]

        return Hide(received, {"apdu": shown})


def hide_imsi() -> Hide:
    """Show the last four digits of what looks like an IMSI."""
    return Hide(lambda line: _DIGITS.sub(lambda found: last_four(found[0]), line))


def check_apdu(apdu: bytes) -> None:
    """Refuse what is no command APDU before it goes on the line.

    Raises:
        DeviceUsageError: shorter than 4 bytes, or longer than TS 27.007 links carry here.

    """
    if not 4 <= len(apdu) <= 0x8000:
        raise DeviceUsageError(f"a command APDU has 4 to 32768 bytes, this one {len(apdu)}")
