"""Default notification, its confirmation, roll-back and fall-back (SGP.02, 3.15, 3.16, 4.1.1)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.virtual.euicc import VirtualCard, open_card
from hil.wire import cat, cat_events, isdr_commands, sms
from hil.wire.apdu import CommandApdu
from hil.wire.cat_events import Service
from hil.wire.cat_values import Result
from hil.wire.identifiers import isd_p_aid
from hil.wire.notification import Notification, NotificationType
from hil.wire.terminal_profile import Facility, encode_profile
from hil.wire.tlv import Tlv
from tests.euicc.terminal import EID, OTA_KEYS, Terminal, factory, profile

NUMBER = "882990000001"
BOOTSTRAP, A, B = isd_p_aid(0x10), isd_p_aid(0x20), isd_p_aid(0x21)
ENABLED, DISABLED = 0x3F, 0x1F
GREETING = cat.terminal_profile(b"\xff" * 20)
STATUS = CommandApdu(0x80, 0xF2, 0x00, 0x0C)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def made(folder: Path, clock: Clock | None = None, **changes: object) -> VirtualCard:
    rules = {"number": NUMBER, "attempts": 2}
    bootstrap = profile(iccid="8900100000000000033", profile_class="provisioning").hex()
    settings: dict[str, object] = {"notifications": rules, "bootstrap_profile": bootstrap}
    return open_card(folder, factory(**(settings | changes)), clock=clock or Clock())


class Field:
    """A terminal in the field: restarts the card, serves what it asks for, keeps what it sends."""

    def __init__(self, card: VirtualCard, clock: Clock | None = None) -> None:
        self.card = card
        self.clock = clock or Clock()
        self.terminal = Terminal(card)
        self.sent: list[Notification] = []

    def serve(self, sw: int) -> bool:
        """Serve proactive commands; return whether a reset was asked for."""
        for _ in range(20):
            if sw >> 8 != 0x91:
                return False
            command = self.terminal.fetch(sw)
            if command.kind == cat.CommandType.SEND_SHORT_MESSAGE:
                submit = sms.SmsSubmit.decode(command.tpdu)
                assert submit.destination == sms.Address(NUMBER, sms.INTERNATIONAL)
                part = sms.read_part(submit.user_data)
                self.sent.append(Notification.open(part.payload, OTA_KEYS))
                sw = self.terminal.done(command)
                continue
            sw = self.terminal.done(command)
            if command.kind == cat.CommandType.REFRESH:
                return True
        raise AssertionError("the card has no end of wishes")

    def start(self) -> None:
        self.card.reset()
        self.serve(self.terminal.send(GREETING).sw)

    def poll(self, after_s: float = 121) -> bool:
        """Poll by STATUS after a while."""
        self.clock.now += after_s
        return self.serve(self.terminal.send(STATUS).sw)

    def kinds(self) -> list[int]:
        return [one.kind for one in self.sent]

    def confirm(self, sequence: int) -> tuple[int, tuple[bytes, ...]]:
        answer = self.terminal.isd_r(isdr_commands.confirm_notification(sequence))
        return answer.sw, isdr_commands.deleted_profiles(answer.data)


@pytest.fixture
def field(tmp_path: Path) -> Iterator[Field]:
    clock = Clock()
    card = made(tmp_path / "nvm", clock)
    yield Field(card, clock)
    card.close()


def quiet(field: Field) -> None:
    """Get the first notification out of the way."""
    field.start()
    assert field.confirm(field.sent[-1].sequence) == (0x9000, ())
    field.sent.clear()


def test_first_attach_is_told_until_confirmed(field: Field) -> None:
    field.start()
    (first,) = field.sent
    assert first == Notification(EID, NotificationType.FIRST_ATTACH, 1, BOOTSTRAP)
    field.start()
    assert field.sent == [first, first]
    assert field.confirm(2)[0] == 0x6A80
    assert field.confirm(1) == (0x9000, ())
    field.start()
    assert len(field.sent) == 2
    assert field.confirm(1)[0] == 0x6985


def test_a_change_is_told_after_the_reset(field: Field) -> None:
    quiet(field)
    field.terminal.install(A, profile())
    field.terminal.isd_r(isdr_commands.enable_profile(A))
    assert field.sent == []
    field.start()
    assert field.sent == [Notification(EID, NotificationType.CHANGED, 2, A)]
    assert field.confirm(2) == (0x9000, ())
    assert field.terminal.states() == {BOOTSTRAP: DISABLED, A: ENABLED}


def test_policy_deletes_after_the_confirmation_and_says_so(field: Field) -> None:
    quiet(field)
    field.terminal.install(A, profile(pol=b"\x04"))
    field.terminal.install(B, profile(iccid="8900100000000000025"))
    field.terminal.isd_r(isdr_commands.enable_profile(A))
    field.start()
    field.confirm(field.sent[-1].sequence)
    field.terminal.isd_r(isdr_commands.enable_profile(B))
    field.start()
    assert field.terminal.states()[A] == DISABLED
    assert field.confirm(field.sent[-1].sequence) == (0x9000, (A,))
    assert field.terminal.states() == {BOOTSTRAP: DISABLED, B: ENABLED}


def test_a_terminal_that_cannot_send_is_asked_again(field: Field) -> None:
    field.card.reset()
    sw = field.terminal.send(GREETING).sw
    command = field.terminal.fetch(sw)
    assert field.terminal.send(cat.terminal_response(command, Result.NETWORK_BUSY)).sw == 0x9000
    field.poll(19)
    assert field.kinds() == []
    field.poll(2)
    assert field.kinds() == [NotificationType.FIRST_ATTACH]
    field.poll(119)
    assert len(field.sent) == 1


def test_without_confirmation_it_is_repeated_then_rolled_back_then_fallen_back(
    field: Field,
) -> None:
    field.start()
    field.poll()
    terminal = field.terminal
    assert field.kinds() == [1, 1]
    assert field.confirm(1)[0] == 0x9000
    field.sent.clear()
    for aid, iccid in ((A, "8900100000000000017"), (B, "8900100000000000025")):
        terminal.install(aid, profile(iccid=iccid, pol=b"\x01" if aid == B else None))
    for aid in (A, B):
        terminal.isd_r(isdr_commands.enable_profile(aid))
        field.start()
        if aid == A:
            assert field.confirm(field.sent[-1].sequence)[0] == 0x9000
            field.sent.clear()
    assert field.poll() is False
    assert field.kinds() == [NotificationType.CHANGED] * 2
    # Nobody confirms: back to the profile before, though POL1 forbids to disable this one.
    assert field.poll() is True
    assert terminal.states() == {BOOTSTRAP: DISABLED, A: ENABLED, B: DISABLED}
    field.sent.clear()
    field.start()
    field.poll()
    assert {(one.kind, one.aid) for one in field.sent} == {(NotificationType.ROLLED_BACK, A)}
    assert field.poll() is True
    assert terminal.states() == {BOOTSTRAP: ENABLED, A: DISABLED, B: DISABLED}
    field.sent.clear()
    field.start()
    field.poll()
    assert {(one.kind, one.aid) for one in field.sent} == {
        (NotificationType.FALLEN_BACK, BOOTSTRAP)
    }
    assert field.poll() is False
    assert field.poll() is False
    assert terminal.states()[BOOTSTRAP] == ENABLED
    assert field.confirm(field.sent[-1].sequence) == (0x9000, ())


def test_it_survives_the_loss_of_power(tmp_path: Path) -> None:
    card = made(tmp_path)
    field = Field(card)
    quiet(field)
    field.terminal.install(A, profile())
    field.terminal.isd_r(isdr_commands.enable_profile(A))
    card.close()
    card = made(tmp_path)
    field = Field(card)
    field.start()
    assert field.sent == [Notification(EID, NotificationType.CHANGED, 2, A)]
    card.close()


def test_the_sm_srs_number_is_changed_over_the_air(tmp_path: Path) -> None:
    card = made(tmp_path, notifications=None)
    field = Field(card)
    field.start()
    assert field.sent == []
    command = isdr_commands.update_addressing(sms.Address(NUMBER, sms.INTERNATIONAL))
    assert field.terminal.isd_r(command).sw == 0x9000
    field.terminal.install(A, profile())
    field.terminal.isd_r(isdr_commands.enable_profile(A))
    field.start()
    assert field.kinds() == [NotificationType.CHANGED]
    broken = CommandApdu(0x80, 0xE2, 0x88, 0, bytes.fromhex("3A0702A300"), 256)
    assert field.terminal.isd_r(broken).sw == 0x6A80
    card.close()


@pytest.mark.parametrize(
    "value",
    ["A5058403800102", "A309810791947110325476A500", "A40082", "8107917491103254"],
)
def test_addressing_by_others_than_sms_is_refused_and_loses_no_number(
    tmp_path: Path, value: str
) -> None:
    """Its coding is not in print: 6A80, and the SM-SR is still reached by SMS."""
    card = made(tmp_path)
    field = Field(card)
    body = bytes.fromhex(value)
    refused = CommandApdu(0x80, 0xE2, 0x88, 0, b"\x3a\x07" + bytes((len(body),)) + body)
    assert field.terminal.isd_r(refused).sw == 0x6A80
    field.start()
    assert field.kinds() == [NotificationType.FIRST_ATTACH]
    card.close()


def test_no_parameters_take_the_number_away(tmp_path: Path) -> None:
    card = made(tmp_path)
    field = Field(card)
    nobody = CommandApdu(0x80, 0xE2, 0x88, 0, bytes.fromhex("3A0700"))
    assert field.terminal.isd_r(nobody).sw == 0x9000
    field.start()
    assert field.sent == []
    card.close()


def test_an_address_with_its_length_before_it() -> None:
    """As an open SM-SR writes it: A3 { 81 { 05 85 digits } }."""
    written = bytes.fromhex("A309810705856058123456")
    assert isdr_commands.read_addressing(written) == sms.Address("0685214365", 0x85)


def test_switched_off_it_says_nothing_and_policy_deletes_at_the_next_start(tmp_path: Path) -> None:
    card = made(tmp_path, notifications={"number": NUMBER, "enabled": False})
    field = Field(card)
    field.start()
    field.terminal.install(A, profile(pol=b"\x04"))
    field.terminal.isd_r(isdr_commands.enable_profile(A))
    field.start()
    field.terminal.isd_r(isdr_commands.disable_profile(A))
    assert field.terminal.states() == {BOOTSTRAP: ENABLED, A: DISABLED}
    field.start()
    assert field.terminal.states() == {BOOTSTRAP: ENABLED}
    assert field.sent == []
    card.close()


@pytest.mark.parametrize("pol", [b"\x06", b"\x05"])
def test_the_stricter_rule_wins(field: Field, pol: bytes) -> None:
    quiet(field)
    field.terminal.install(A, profile(pol=pol))
    field.terminal.isd_r(isdr_commands.enable_profile(A))
    field.start()
    field.confirm(field.sent[-1].sequence)
    disabled = field.terminal.isd_r(isdr_commands.disable_profile(A)).sw
    field.start()
    if pol == b"\x05":
        assert disabled == 0x69E1
    else:
        assert field.confirm(field.sent[-1].sequence) == (0x9000, ())
    assert A in field.terminal.states()


def lost(field: Field, service: int = Service.NONE) -> bool:
    return field.serve(field.terminal.send(cat_events.location_status(service)).sw)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Field]:
    """A card that falls back at the second report of no service; A is enabled on it."""
    card = made(tmp_path / "nvm", notifications=None, fallback_after_s=0)
    field = Field(card)
    field.terminal.install(A, profile(pol=b"\x05"))
    field.terminal.isd_r(isdr_commands.enable_profile(A))
    field.start()
    yield field
    card.close()


def test_no_service_for_long_enough_brings_the_fall_back_profile(watched: Field) -> None:
    assert lost(watched) is False
    assert watched.terminal.states()[A] == ENABLED
    assert lost(watched) is True
    # POL1 forbids to disable A, and wants it deleted afterwards: neither counts here.
    assert watched.terminal.states() == {BOOTSTRAP: ENABLED, A: DISABLED}
    watched.start()
    assert watched.terminal.states() == {BOOTSTRAP: ENABLED, A: DISABLED}
    lost(watched)
    assert lost(watched) is False


@pytest.mark.parametrize("service", [Service.NORMAL, Service.LIMITED])
def test_service_in_between_begins_anew(watched: Field, service: int) -> None:
    assert lost(watched) is False
    assert lost(watched, service) is False
    assert lost(watched) is False
    assert watched.terminal.states()[A] == ENABLED


def test_the_card_asks_for_the_event(tmp_path: Path) -> None:
    card = made(tmp_path, notifications=None, fallback_after_s=60)
    terminal = Terminal(card)
    command = terminal.fetch(terminal.send(GREETING).sw)
    assert command.encode().hex() == "d00c810301050082028182990103"
    assert terminal.done(command) == 0x9000
    assert terminal.raw("80C2000003D60199") == "6A80"
    field = Field(card)
    assert lost(field) is lost(field) is False
    card.close()


def test_fall_back_is_told(tmp_path: Path) -> None:
    card = made(tmp_path, fallback_after_s=0)
    field = Field(card)
    quiet(field)
    field.terminal.install(A, profile())
    field.terminal.isd_r(isdr_commands.enable_profile(A))
    field.start()
    assert field.confirm(2)[0] == 0x9000
    field.sent.clear()
    lost(field)
    lost(field)
    field.start()
    field.poll()
    assert field.sent[0] == Notification(EID, NotificationType.FALLEN_BACK, 3, BOOTSTRAP)
    card.close()


IMEI = bytes.fromhex("3A54321012345678")
WITH_IMEI = {"number": NUMBER, "attempts": 2, "imei": True}


def asked_for_imei(card: VirtualCard, *answer: Tlv, result: int = Result.DONE) -> Field:
    """A terminal that is asked for its IMEI at the first start, and answers so."""
    field = Field(card)
    card.reset()
    command = field.terminal.fetch(field.terminal.send(GREETING).sw)
    assert command.encode().hex().upper() == "D009810301260182028182"
    response = cat.TerminalResponse(command.details, result, objects=answer)
    field.serve(field.terminal.send(response.encode()).sw)
    return field


@pytest.mark.parametrize("tag", [0x14, 0x94])
def test_the_imei_goes_with_the_notification(tmp_path: Path, tag: int) -> None:
    card = made(tmp_path, notifications=WITH_IMEI)
    field = asked_for_imei(card, Tlv(tag, IMEI))
    assert [one.imei for one in field.sent] == [IMEI]
    assert "1408" + IMEI.hex() in field.sent[0].encode().hex()
    card.close()


@pytest.mark.parametrize(
    ("answer", "result"),
    [((), 0x30), ((), 0x00), ((Tlv(0x94, b""),), 0x00), ((Tlv(0x94, IMEI + b"\x00"),), 0x00)],
    ids=["cannot", "no object", "empty", "too long"],
)
def test_without_an_imei_the_notification_goes_all_the_same(
    tmp_path: Path, answer: tuple[Tlv, ...], result: int
) -> None:
    card = made(tmp_path, notifications=WITH_IMEI)
    field = asked_for_imei(card, *answer, result=result)
    assert [one.imei for one in field.sent] == [None]
    card.close()


def test_a_terminal_that_can_not_tell_is_not_asked(tmp_path: Path) -> None:
    card = made(tmp_path, notifications=WITH_IMEI)
    terminal = Terminal(card)
    able = [one for one in Facility if one is not Facility.LOCAL_INFORMATION]
    card.reset()
    answer = terminal.send(cat.terminal_profile(encode_profile(able)))
    assert terminal.fetch(answer.sw).kind != cat.CommandType.PROVIDE_LOCAL_INFORMATION
    card.close()
