"""Proofs of receipt in delivery reports: a card, the centre, and an SM-SR that takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import select

from hil.provisioning.errors import Refusal
from hil.provisioning.orders import Route
from hil.provisioning.sm_sr.ota_queue import Patience
from hil.provisioning.sm_sr.smpp_carrier import SmppAccount, SmppCarrier
from hil.provisioning.tables import OTA_COMMANDS
from hil.virtual.euicc import open_card
from hil.wire import cat
from hil.wire.smpp import ESM_UDHI, Party, ShortMessage
from hil.wire.sms import Address, SmsDeliver
from tests.provisioning.air import SENDER, CardAir, serve, start, transmit
from tests.provisioning.aired import EID, Air
from tests.provisioning.world import MSISDN, OPERATOR, World, factory_of


class ReportAir(CardAir):
    """The answer of the card to an ENVELOPE comes back too, as the centre hands it over."""

    reports = True

    def send(self, msisdn: str, messages: Sequence[bytes]) -> None:
        del msisdn
        self.sent += len(messages)
        for user_data in self.down(list(messages)):
            tpdu = SmsDeliver(Address(SENDER), user_data).encode()
            answer = transmit(self.card, cat.envelope_sms_pp(tpdu))
            up = [answer.data] if answer.data and self.reports else []
            for one in self.up(up + [one.user_data for one in serve(self.card, answer)]):
                self._hand_in(one)


@pytest.fixture
def air(make_world: Callable[..., World], tmp_path: Path) -> Iterator[Air]:
    factory = factory_of(EID)
    card = open_card(tmp_path / "card", factory)
    carrier = ReportAir(card, MSISDN)
    world = make_world(
        route=Route.SM_SR, carrier=carrier, patience=Patience(answer_s=5, overtake_s=1)
    )
    world.sm_sr.jobs.queue._reports = True
    world.maker.produce(factory, msisdn=MSISDN)
    start(card)
    yield Air(world, carrier)
    card.close()


def spis(air: Air) -> set[str]:
    """Return the SPIs of the packets that were sent."""
    with air.world.store("sm-sr").transaction() as connection:
        packets = connection.execute(select(OTA_COMMANDS.c.packet)).scalars().all()
    return {bytes(one)[3:5].hex() for one in packets if one is not None}


def test_an_audit_is_answered_in_the_delivery_report(air: Air) -> None:
    report = air.run(air.world.sm_sr.audit(OPERATOR, EID, way="report"))
    assert (report.state, report.messages) == ("done", 1), report.reason
    assert spis(air) == {"1619"}


def test_a_whole_download_goes_that_way(air: Air) -> None:
    iccid = air.order()
    report = air.run(air.world.sm_sr.download(OPERATOR, iccid, enable=True, way="report"))
    assert report.state == "done", report.reason
    assert air.states() == {iccid: "enabled"}
    assert spis(air) == {"1619"}


def test_an_answer_too_long_for_a_report_follows_by_short_message(air: Air) -> None:
    for _ in range(3):
        air.installed()
    seen: list[list[bytes]] = []
    assert isinstance(air.air, ReportAir)
    air.air.up = lambda messages: seen.append(messages) or messages  # type: ignore[func-returns-value]
    report = air.run(air.world.sm_sr.audit(OPERATOR, EID, way="report"))
    assert report.state == "done", report.reason
    assert len(seen[0]) == 3, "a report that announces it, and the answer in two messages"


def test_without_the_reports_of_the_centre_it_ends_as_unknown(air: Air) -> None:
    assert isinstance(air.air, ReportAir)
    air.air.reports = False
    report = air.run(air.world.sm_sr.audit(OPERATOR, EID, way="report"))
    assert report.state == "failed"
    assert "no answer" in report.reason


def test_it_is_not_offered_where_the_centre_brings_none(air: Air) -> None:
    air.world.sm_sr.jobs.queue._reports = False
    with pytest.raises(Refusal, match="brings no delivery reports"):
        air.world.sm_sr.audit(OPERATOR, EID, way="report")


@pytest.mark.parametrize(
    ("esm_class", "taken"),
    [(0x48, True), (0x44, True), (0x40, True), (0x00, True), (0x04, False), (0x08, False)],
)
def test_what_the_carrier_takes_for_user_data(esm_class: int, taken: bool) -> None:
    account = SmppAccount("127.0.0.1:1", "sm-sr", "secret", "12345")
    carrier = SmppCarrier(account, delivery_reports=True)
    heard: list[tuple[str, bytes]] = []
    carrier._receive = lambda source, data: heard.append((source, data))
    message = ShortMessage(Party(MSISDN), Party("12345"), b"\x02\x71\x00", esm_class=esm_class)
    assert carrier._hand_in(message) == 0
    assert heard == ([(MSISDN, b"\x02\x71\x00")] if taken else [])
    sent = carrier._submit(MSISDN, b"\x02\x70\x00")
    assert (sent.registered_delivery, sent.esm_class) == (0x04, ESM_UDHI)
    assert SmppCarrier(account)._submit(MSISDN, b"\x02\x70\x00").registered_delivery == 0
