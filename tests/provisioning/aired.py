"""A world whose SM-SR reaches one card over the air, with time that a test lets go on."""

from __future__ import annotations

from hil.provisioning.orders import ProfileRequest
from hil.provisioning.sm_sr.jobs import JobReport
from hil.virtual.euicc import VirtualCard
from tests.provisioning.air import CardAir
from tests.provisioning.world import OPERATOR, World, eid_of

EID = eid_of(1)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Air:
    """A world whose SM-SR reaches one card; its time goes on only when a test says so."""

    def __init__(self, world: World, air: CardAir) -> None:
        self.world = world
        self.air = air
        self.clock = Clock()
        self.tick_clock(world)
        world.register_euicc()

    def tick_clock(self, world: World) -> None:
        world.sm_sr.jobs.queue._clock = self.clock
        world.sm_sr.jobs._clock = self.clock

    @property
    def card(self) -> VirtualCard:
        return self.air.card

    def order(self) -> str:
        request = ProfileRequest(amount=1, profile_type="test", targets=(EID,))
        return self.world.sm_dp.place(request, "operator").profiles[0].iccid

    def run(self, job: str, *, pumps: int = 60) -> JobReport:
        """Let time go on until the job has ended."""
        sm_sr = self.world.sm_sr
        for _ in range(pumps):
            if sm_sr.job(job).state != "running":
                break
            pause = sm_sr.jobs.queue.pump()
            self.clock.now += 0.0 if pause == 0.0 else pause or 0.0
        return sm_sr.job(job)

    def installed(self, *, enable: bool = False) -> str:
        iccid = self.order()
        report = self.run(self.world.sm_sr.download(OPERATOR, iccid, enable=enable))
        assert report.state == "done", report.reason
        return iccid

    def states(self) -> dict[str, str]:
        return {row.iccid: row.state for row in self.world.sm_sr.book.profiles(EID)}
