"""eUICCs of which only the key set exists, on the air in a test's hands.

They do what a card does with SCP80 commands to its ISD-R: count, run each once, answer. Where a
message goes lost, late or twice is the test's to say, for it hears and says each one itself. What
they leave out is the device and the card: those are proven elsewhere.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.evidence import step
from hil.not_applicable import not_applicable
from hil.provisioning.http.sm_sr_client import SmSrClient
from hil.wire import sms, tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.command_script import R_APDU, CommandScript, ResponseScript
from hil.wire.identifiers import isd_p_aid, luhn_digit
from hil.wire.isdr_commands import DGI_CONFIRMATION, deleted_answer
from hil.wire.notification import Notification, NotificationType
from hil.wire.scp80 import (
    CommandPacket,
    OtaKeySet,
    ResponsePacket,
    ResponseStatus,
    unwrap_command,
    wrap_response,
)

if TYPE_CHECKING:
    from hil.bench.desk import Desk
    from hil.bench.phone import Phone
    from hil.bench.weather import Weather
    from hil.provisioning.sm_sr.jobs import JobReport

HEARD_S: Final = 10.0
ENDED_S: Final = 20.0
LONGEST_ANSWER_S: Final = 1.0
"""An SM-SR that waits longer than this makes a test of its repetitions too long."""
PIECE: Final = 0x86
"""Command TLV of SCP03t with a piece of a profile (SGP.02, 4.1.3.3)."""

_CREATED, _DISABLED, _ENABLED = 0x07, 0x1F, 0x3F
_NAMES: Final = {_CREATED: "created", _DISABLED: "disabled", _ENABLED: "enabled"}
_ENABLE, _DISABLE = 0x3A03, 0x3A04
_STORE_DATA, _DELETE, _GET_STATUS = 0xE2, 0xE4, 0xF2
_LOOK_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class Hasty:
    """An SM-SR of the bench that sends again soon: after ``answer_s``, twice that, and so on."""

    id: str
    answer_s: float
    attempts: int

    @property
    def gives_up_s(self) -> float:
        """How long it waits for answers in all."""
        return self.answer_s * float(2**self.attempts - 1)


def hasty_sm_sr(desk: Desk) -> Hasty:
    """Return the SM-SR of the bench that is there for tests of its repetitions."""
    rows = ((name, desk.servers.section.actors[name]) for name in desk.servers.of_kind("sm-sr"))
    found = (Hasty(name, row.answer_time or 0.0, row.attempts or 0) for name, row in rows)
    hasty = next(
        (one for one in found if 0 < one.answer_s <= LONGEST_ANSWER_S and one.attempts), None
    )
    if hasty is None:
        not_applicable(
            f"no SM-SR of the bench sends again within {LONGEST_ANSWER_S:g} s, a stated number of "
            "times (servers.actors.ID.answer_time and attempts)"
        )
    return hasty


@dataclass(frozen=True, slots=True)
class Heard:
    """A whole command packet: as it came, opened, and whom the answer is for."""

    packet: bytes = field(repr=False)
    opened: CommandPacket = field(repr=False)
    sender: str


@dataclass(slots=True)
class PaperEuicc:
    """One eUICC. ``states``: life cycle of its ISD-Ps by AID; ``ran``: what it was told to do.

    ``deleted``: what its POL1 deletes, told in answer to HandleNotificationConfirmation.
    """

    eid: str
    phone: Phone = field(repr=False)
    keys: OtaKeySet = field(repr=False)
    states: dict[bytes, int]
    iccids: dict[bytes, str]
    deleted: tuple[bytes, ...] = ()
    counter: int = 0
    ran: list[str] = field(default_factory=list)
    _parts: sms.Reassembler = field(default_factory=sms.Reassembler, repr=False)
    _reference: int = 0

    @property
    def first(self) -> str:
        """ICCID of the profile that is enabled at the beginning."""
        return self.iccids[isd_p_aid(0x10)]

    @property
    def second(self) -> str:
        """ICCID of the profile that is disabled at the beginning."""
        return self.iccids[isd_p_aid(0x11)]

    def shown(self) -> dict[str, str]:
        """Return the state of each profile, as an EIS has it."""
        return {self.iccids[aid]: _NAMES[state] for aid, state in self.states.items()}

    def hear(self, *, timeout_s: float = HEARD_S) -> Heard:
        """Return the next command that comes; fail when none does."""
        found = self.listen(timeout_s=timeout_s)
        assert found is not None, f"nothing was sent to {self.eid} for {timeout_s:g} s"
        return found

    def listen(self, *, timeout_s: float) -> Heard | None:
        """Return the next command, None when none comes in time."""
        deadline = time.monotonic() + timeout_s
        while True:
            message = self.phone.hear(timeout_s=max(0.0, deadline - time.monotonic()))
            if message is None:
                return None
            sender = message.originator.digits
            whole = self._parts.add(sender, message.user_data, now_s=time.monotonic())
            if whole is None:
                continue
            try:
                opened = unwrap_command(whole.payload, self.keys)
            except CodecError:
                # As a card does: what is not authentic, or for another one, is dropped silently.
                continue
            return Heard(whole.payload, opened, sender)

    def answer(self, heard: Heard) -> list[bytes]:
        """Do what a command says, unless its counter is used up; return the messages to say."""
        opened = heard.opened
        status, data = ResponseStatus.COUNTER_LOW, b""
        if opened.counter > self.counter:
            self.counter = opened.counter
            script = CommandScript.decode(opened.data)
            answers = tuple(self._answered(one) for one in script.items)
            data = ResponseScript(answers, len(answers)).encode()
            status = ResponseStatus.OK
        parameters = opened.header.parameters
        response = ResponsePacket(parameters.tar, opened.counter, status, data)
        packet = wrap_response(response, parameters, self.keys)
        self._reference = (self._reference + 1) % 0x100
        return sms.split(packet, kind="response", reference=self._reference)

    def say(self, heard: Heard, messages: list[bytes]) -> None:
        """Send messages to whoever sent a command."""
        for message in messages:
            self.phone.say(heard.sender, message)

    def obey(self, heard: Heard) -> None:
        """Do what a command says, and answer."""
        self.say(heard, self.answer(heard))

    def notify(
        self, number: str, sequence: int, aid: bytes, *, keys: OtaKeySet | None = None
    ) -> None:
        """Tell the SM-SR at a number that another profile is enabled; ``keys``: in a forged way."""
        notification = Notification(self.eid, NotificationType.CHANGED, sequence, aid)
        for message in sms.split(notification.packet(keys or self.keys)):
            self.phone.say(number, message)

    def serve(self, sm_sr: SmSrClient, job: str) -> JobReport:
        """Obey until a job has ended; return its report, and fail when it does not end."""
        deadline = time.monotonic() + ENDED_S
        while (report := sm_sr.job(job)).state == "running":
            assert time.monotonic() < deadline, f"the job has not ended in {ENDED_S:g} s"
            heard = self.listen(timeout_s=_LOOK_S)
            if heard is not None:
                self.obey(heard)
        return report

    def _answered(self, item: tlv.Tlv) -> tlv.Tlv:
        """Return the answer to one object of a script: a command, or a piece of a profile."""
        if item.tag == PIECE:
            self.ran.append("piece")
            return tlv.Tlv(PIECE, b"")
        return tlv.Tlv(R_APDU, self._run(CommandApdu.decode(item.value)).encode())

    def _run(self, command: CommandApdu) -> ResponseApdu:
        if command.ins == _GET_STATUS:
            self.ran.append("get status")
            return ResponseApdu(self._rows(), 0x9000)
        if command.ins == _DELETE:
            self.ran.append("delete")
            return ResponseApdu(b"", 0x9000 if self._gone(command.data) else 0x6A88)
        group = int.from_bytes(command.data[:2], "big")
        if group == DGI_CONFIRMATION:
            self.ran.append(f"confirm {int.from_bytes(command.data[-2:], 'big')}")
            return ResponseApdu(deleted_answer(self.deleted), 0x9000)
        assert command.ins == _STORE_DATA, f"no function of ES5 here: {command.ins:02X}"
        assert group in (_ENABLE, _DISABLE), f"no function of ES5 here: {group:04X}"
        aid = bytes(command.data[-16:])
        wanted = _ENABLED if group == _ENABLE else _DISABLED
        self.ran.append("enable" if group == _ENABLE else "disable")
        if self.states.get(aid) in (None, wanted, _CREATED):
            return ResponseApdu(b"", 0x6985)
        if wanted == _ENABLED:
            changed = {one: _DISABLED for one, state in self.states.items() if state == _ENABLED}
            self.states.update(changed)
        self.states[aid] = wanted
        return ResponseApdu(b"", 0x9000)

    def _gone(self, data: bytes) -> bool:
        return self.states.pop(bytes(data[-16:]), None) is not None

    def _rows(self) -> bytes:
        rows = []
        for aid, state in self.states.items():
            fields = tlv.encode(0x4F, aid) + tlv.encode(0x9F70, bytes((state,)))
            rows.append(tlv.encode(0xE3, fields + tlv.encode(0x53, b"\x00")))
        return b"".join(rows)


def paper_euicc(desk: Desk, weather: Weather, sm_sr: str, *, profiles: int = 2) -> PaperEuicc:
    """Have an eUICC made, registered at an SM-SR and put on the air; its first profile is enabled.

    ``profiles``: how many it has by the word of a support server; a test may add more on the card.
    """
    with step("Precondition: an eUICC on the air, its first profile is enabled"):
        kic, kid, dek = (secrets.token_bytes(16) for _ in range(3))
        keys = OtaKeySet(1, kic, kid, dek)
        number = f"1555017{secrets.randbelow(10_000):04d}"
        eid = desk.make_euicc(msisdn=number, scp80=keys)
        desk.eum().deliver_eis(eid, sm_sr)
        made = PaperEuicc(eid, weather.phone(number), keys, {}, {})
        for place in range(profiles):
            aid = isd_p_aid(0x10 + place)
            made.iccids[aid] = new_iccid()
            made.states[aid] = _DISABLED if place else _ENABLED
            tell(desk, sm_sr, made, aid, "installed")
            if place == 0:
                tell(desk, sm_sr, made, aid, "enabled")
    return made


def tell(desk: Desk, sm_sr: str, euicc: PaperEuicc, aid: bytes, event: str) -> None:
    """Have a support server tell an SM-SR of a profile that was installed by image."""
    section = desk.servers.section
    fields = {
        "notification_id": secrets.token_hex(16),
        "eid": euicc.eid,
        "iccid": euicc.iccids[aid],
        "isdp_aid": aid.hex(),
        "mno": section.of_kind("mno")[0],
        "sm_dp": section.of_kind("sm-dp")[0],
        "event": event,
        "at": time.time(),
    }
    desk.caller(section.of_kind("support-server")[0], sm_sr).function("notifications", fields)


def new_iccid() -> str:
    """Return an ICCID of no number plan on the bench."""
    body = f"89882991{secrets.randbelow(10**10):010d}"
    return body + luhn_digit(body)


def in_eis(desk: Desk, sm_sr: str, euicc: PaperEuicc) -> dict[str, str]:
    """Return the state of each profile in an SM-SR's EIS."""
    return {row.iccid: row.state for row in desk.sm_sr(sm_sr).euicc(euicc.eid).profiles}
