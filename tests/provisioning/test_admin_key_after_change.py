"""After a change of the SM-SR: administration sessions with the new one, none with the old key."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import select

from hil.provisioning.door import PeerDoor
from hil.provisioning.errors import Refusal
from hil.provisioning.eum import AdminKey
from hil.provisioning.links import LocalEum
from hil.provisioning.orders import ProfileRequest, Route
from hil.provisioning.sm_sr import scripts
from hil.provisioning.sm_sr.admin_key_renewal import AdminKeyRenewal
from hil.provisioning.sm_sr.admin_keys import admin_key_of, put_admin_key
from hil.provisioning.sm_sr.administration import Administration, AdministrationSettings
from hil.provisioning.sm_sr.carrier import Receive
from hil.provisioning.sm_sr.eis_rows import EisProfileRow, put_profile
from hil.provisioning.sm_sr.handover_rows import HandedEis
from hil.provisioning.sm_sr.jobs import JobReport
from hil.provisioning.sm_sr.ota_queue import Patience
from hil.provisioning.sm_sr.ota_rows import OtaCommand
from hil.provisioning.sm_sr.server import SmSr
from hil.provisioning.tables import ADMIN_KEY_RENEWALS, ADMIN_KEYS, OTA_COMMANDS
from hil.wire import isdr_commands
from hil.wire.admin_session import PskIdentity
from hil.wire.gp_certificate import Role
from hil.wire.identifiers import ISD_R_AID, isd_p_aid
from hil.wire.tls.alerts import Alert, TlsError
from tests.provisioning.admin_air import AdminAir
from tests.provisioning.certified import TestCi
from tests.provisioning.pumping import Pumping
from tests.provisioning.test_administration import PSK, SCP81, ForeignCard, first_post
from tests.provisioning.test_sm_sr_change import EID, MNO, NEW, OLD, LocalEs7
from tests.provisioning.world import MSISDN, OPERATOR, World

PATIENCE = Patience(answer_s=2.0, overtake_s=0.2)
IDENTITY = PskIdentity(EID, ISD_R_AID, 0x40)


PROFILE = EisProfileRow(
    EID, isd_p_aid(0x20), "8900101000000000000", "mno-1", "sm-dp-1", "disabled", False, 0
)
"""Only in the EIS: it lets its MNO change the SM-SR."""


class SharedAir:
    """One card that several SM-SRs reach; each of them hears all answers."""

    def __init__(self, air: AdminAir) -> None:
        self.air = air
        self._receivers: list[Receive] = []
        air.listen(self._hand_out)

    def _hand_out(self, source: str, user_data: bytes) -> None:
        for receive in self._receivers:
            receive(source, user_data)

    def listen(self, receive: Receive) -> None:
        self._receivers.append(receive)

    def send(self, msisdn: str, messages: Sequence[bytes]) -> None:
        self.air.send(msisdn, messages)

    def close(self) -> None:
        """Nothing to close."""


class Change:
    """Two SM-SRs with administration servers and a card with SCP81, in real time."""

    def __init__(self, world: World, air: AdminAir, carrier: SharedAir, ci: TestCi) -> None:
        self.world = world
        self.air = air
        store = world.store("sm-sr-2")
        self.store = store
        self.administration = Administration(AdministrationSettings(), store)
        self.new = SmSr(
            PeerDoor("sm-sr-2", []),
            store,
            LocalEum(world.maker, NEW),
            {"eum-1": world.eum_key.public_key()},
            carrier=carrier,
            patience=PATIENCE,
            administration=self.administration,
            others={"sm-sr-1": LocalEs7(lambda: self.old, NEW)},
            credentials=ci.credentials(Role.SM_SR, "sm-sr-2"),
            number="99887766",
        )
        self.old.leaving._links["sm-sr-2"] = LocalEs7(lambda: self.new, OLD)
        self._over = ExitStack()
        for one in (self.old, self.new):
            self._over.enter_context(Pumping(one.jobs.queue))

    @property
    def old(self) -> SmSr:
        return self.world.sm_sr

    def hand_over(self) -> None:
        self.new.coming.prepare(MNO, EID, "sm-sr-1")
        self.old.leaving.change(MNO, EID, "sm-sr-2")
        self.work_until(lambda: self.old.leaving.report(OPERATOR, EID).state in ("done", "failed"))
        report = self.old.leaving.report(OPERATOR, EID)
        assert report.state == "done", report.reason

    def work_until(self, reached: Callable[[], object]) -> None:
        deadline = time.monotonic() + 60
        while not reached():
            assert time.monotonic() < deadline
            for one in (self.old, self.new):
                one.work()
            time.sleep(0.01)

    def renewals(self) -> list[str]:
        with self.store.transaction() as connection:
            return list(connection.execute(select(ADMIN_KEY_RENEWALS.c.state)).scalars())

    def own_key(self) -> bytes | None:
        with self.store.transaction() as connection:
            key = admin_key_of(connection, EID)
        return None if key is None else key.psk

    def install(self) -> str:
        request = ProfileRequest(amount=1, profile_type="test", targets=(EID,))
        iccid = self.world.sm_dp.place(request, "operator").profiles[0].iccid
        report = self.old.jobs.wait(self.old.download(OPERATOR, iccid), timeout_s=60)
        assert report.state == "done", report.reason
        return iccid

    def in_session(self) -> JobReport:
        """Audit the card in a session with the new SM-SR."""
        queue = self.new.jobs.queue
        job = ""

        def commands(made: str) -> list[OtaCommand]:
            nonlocal job
            job = made
            queue.choose(made, EID, "https")
            return audit(made)

        self.new.jobs.start("audit", EID, "", b"", caller="operator", commands=commands)
        return self.new.jobs.wait(job, timeout_s=60)

    def close(self) -> None:
        self._over.close()
        self.administration.close()
        self.air.power_off()


def audit(job: str) -> list[OtaCommand]:
    return [scripts.isd_r_command(job, EID, "audit", isdr_commands.get_status())]


@pytest.fixture
def change(make_world: Callable[..., World], tmp_path: Path) -> Iterator[Change]:
    ci = TestCi()
    factory = ci.factory(EID)
    factory["isd_r"]["scp81"] = dict(SCP81)
    air = AdminAir(tmp_path / "card", factory, MSISDN)
    carrier = SharedAir(air)
    world = make_world(
        route=Route.SM_SR,
        carrier=carrier,
        patience=PATIENCE,
        administration=AdministrationSettings(),
    )
    world.factories[EID] = factory
    world.maker.produce(factory, msisdn=MSISDN)
    world.register_euicc()
    made = Change(world, air, carrier, ci)
    with world.store("sm-sr").transaction() as connection:
        put_profile(connection, PROFILE)
    yield made
    made.close()


def test_the_new_sm_sr_opens_sessions_and_the_old_key_opens_none(change: Change) -> None:
    iccid = change.install()
    change.hand_over()
    change.work_until(change.own_key)
    assert change.own_key() != PSK
    assert change.renewals() == []
    report = change.in_session()
    assert (report.state, 0x40 in change.air.terminal.performed) == ("done", True), report
    assert {row.iccid: row.state for row in change.new.book.profiles(EID)} == {iccid: "disabled"}
    # The key of the old SM-SR is refused at the new one, and the old one has none to show.
    card = ForeignCard(change.administration.port)
    with pytest.raises(TlsError) as caught:
        card.post(first_post().encode())
    assert caught.value.alert == Alert.BAD_RECORD_MAC
    card.close()
    with change.world.store("sm-sr").transaction() as connection:
        assert connection.execute(select(ADMIN_KEYS)).first() is None


def test_the_card_no_longer_comes_to_the_old_sm_sr(change: Change) -> None:
    with change.world.store("sm-sr").transaction() as connection:
        kept = connection.execute(select(ADMIN_KEYS)).one()
    change.hand_over()
    with change.store.transaction() as connection:
        names = connection.execute(select(OTA_COMMANDS.c.name, OTA_COMMANDS.c.state)).all()
    assert ("finalise", "done") in {tuple(row) for row in names}
    change.work_until(change.own_key)
    # An old SM-SR that kept its key, and a card that is sent there once more by the new one.
    with change.world.store("sm-sr").transaction() as connection:
        connection.execute(ADMIN_KEYS.insert().values(**kept._mapping))
    running = change.world.running_administration
    assert running is not None
    way = change.new.jobs.queue._admin
    assert way is not None
    way.request = running.way.request
    change.new.jobs.queue._patience = Patience(answer_s=0.5, back_off=1.0, attempts=3)
    report = change.in_session()
    assert report.state == "failed"
    assert 0x40 in change.air.terminal.performed, "the card came, and was not let in"


def test_a_lost_answer_to_the_new_key_is_asked_for_again(change: Change) -> None:
    lost: list[int] = []
    real = change.new.jobs.queue.answers.take_packet

    def lose_one(source: str, packet: bytes) -> None:
        with change.store.transaction() as connection:
            jobs = connection.execute(select(ADMIN_KEY_RENEWALS.c.job)).scalars().all()
        if any(jobs) and len(lost) < 2:
            lost.append(len(packet))
            return
        real(source, packet)

    change.new.jobs.queue.answers.take_packet = lose_one  # type: ignore[method-assign]
    change.hand_over()
    change.work_until(change.own_key)
    assert len(lost) == 2
    assert change.in_session().state == "done"


def test_a_card_that_takes_no_such_key_goes_on_by_short_messages(
    change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = AdminKeyRenewal.prepare
    monkeypatch.setattr(
        AdminKeyRenewal, "prepare", lambda self, *where, dek: real(self, *where, dek=bytes(16))
    )
    change.hand_over()
    change.work_until(lambda: change.renewals() == ["refused"])
    with change.store.transaction() as connection:
        row = connection.execute(select(ADMIN_KEY_RENEWALS)).one()
    assert (bytes(row.psk), bytes(row.dek)) == (b"", b"")
    with pytest.raises(Refusal, match="no SCP81"):
        change.new.jobs.queue.choose("j", EID, "https")
    report = change.new.jobs.wait(change.new.audit(OPERATOR, EID), timeout_s=60)
    assert report.state == "done", report.reason
    # The key of the old SM-SR is gone all the same: nobody gets the card into a session by it.
    with change.store.transaction() as connection:
        put_admin_key(connection, EID, AdminKey(0x40, 1, PSK))
    change.new.jobs.queue._patience = Patience(answer_s=0.5, back_off=1.0, attempts=3)
    assert change.in_session().state == "failed"
    assert 0x40 not in change.air.terminal.performed


@pytest.mark.parametrize(
    ("kvns", "scp81"), [((0x30,), ()), ((1,), ((0x30, 1),)), ((1,), ((0x40, 0),)), ((300,), ())]
)
def test_only_keys_of_the_old_sm_sr_are_deleted_on_its_word(
    change: Change, kvns: tuple[int, ...], scp81: tuple[tuple[int, int], ...]
) -> None:
    change.new.coming.prepare(MNO, EID, "sm-sr-1")
    signed = change.world.maker.eis(EID)
    handed = HandedEis(EID, signed, MSISDN, kvns, (), scp81)
    with pytest.raises(Refusal, match="key sets handed over"):
        change.new.coming.handover_euicc(OLD, HandedEis.decode(handed.encode()))
