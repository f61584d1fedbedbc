"""From a configuration to actors with faces: who is built from what, and meets whom."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

from fastapi import FastAPI
from sqlalchemy.engine import URL

from hil.errors import ConfigError
from hil.provisioning import assembly_parts as parts
from hil.provisioning import serve_config as c
from hil.provisioning.cores import Cores
from hil.provisioning.directory import Directory
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.eum import EuiccMaker
from hil.provisioning.eum_delivery import EisDelivery
from hil.provisioning.function_calls import Ledger
from hil.provisioning.http.clients import EumClient, MnoClient, ReceiverClient, SmDpClient
from hil.provisioning.http.es3_es4_face import add_functions
from hil.provisioning.http.es7_face import add_handover
from hil.provisioning.http.es_clients import (
    Es2MnoClient,
    Es3Client,
    Es3SmDpClient,
    Es4MnoClient,
    Es7Client,
)
from hil.provisioning.http.face import new_face
from hil.provisioning.http.faces import eum_face, mno_face, sm_dp_face
from hil.provisioning.http.receiver_face import add_receiver, link_face
from hil.provisioning.http.sm_sr_client import SmSrClient
from hil.provisioning.http.sm_sr_face import add_sm_sr
from hil.provisioning.http.support_face import add_support, policy_of
from hil.provisioning.links import EumLink, SeveralEums
from hil.provisioning.mno import Mno
from hil.provisioning.notices import NoticeTaker
from hil.provisioning.online.worker import CallWorker
from hil.provisioning.orders import Route, RoutingInformation, Subscription
from hil.provisioning.reception import MAIN_LINK, PacketReception
from hil.provisioning.sm_dp import SmDp
from hil.provisioning.sm_sr.administration import Administration
from hil.provisioning.sm_sr.ota_queue import Patience
from hil.provisioning.sm_sr.packing import MessageSize
from hil.provisioning.sm_sr.server import SmSr
from hil.provisioning.sm_sr.smpp_carrier import SmppAccount, SmppCarrier
from hil.provisioning.store import Store
from hil.provisioning.support_server.outbox import StatusSink
from hil.provisioning.support_server.server import SupportServer
from hil.provisioning.trust import Role

OUTBOX_SECONDS = 0.5

Work = Callable[[], float | None]
"""Does what is due; returns in how many seconds more is due, None for nothing known."""


@dataclass(frozen=True, slots=True)
class Worker:
    """Work of a server beside its requests; ``wait`` waits for news, at most so many seconds.

    ``wake`` ends that wait.
    """

    name: str
    work: Work
    wait: Callable[[float], None] | None = None
    wake: Callable[[], None] | None = None


@dataclass(slots=True)
class Assembly:
    """All actors of one configuration. ``urls``: where each face will be, by name."""

    config: c.ServeConfig
    urls: dict[str, str]
    faces: dict[str, FastAPI] = field(default_factory=dict)
    workers: list[Worker] = field(default_factory=list)
    after_start: list[Callable[[], None]] = field(default_factory=list)
    _directory: Directory = field(init=False)
    _stores: dict[str, Store] = field(default_factory=dict)
    _ledgers: dict[str, Ledger] = field(default_factory=dict)
    _pools: list[Cores] = field(default_factory=list)
    _administrations: list[Administration] = field(default_factory=list)
    _carriers: list[SmppCarrier] = field(default_factory=list)
    _call_workers: list[CallWorker] = field(default_factory=list)
    _sm_srs: dict[str, SmSr] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._directory = Directory(self.config, self.urls)
        if self._directory.watch is not None:
            self.workers.append(Worker("revocation list", self._directory.watch.work))
        # Hosts first: a support server may share the store and the port of an SM-SR.
        order = sorted(self.config.actors, key=lambda one: isinstance(one, c.SupportSection))
        try:
            for actor in order:
                self._build(actor)
        except BaseException:
            self.close()
            raise

    def watched(self, context: ssl.SSLContext) -> ssl.SSLContext:
        """Have the context of a server follow the revocation list; return it."""
        watch = self._directory.watch
        return context if watch is None else watch.add(context)

    def end(self) -> None:
        """End what waits for cards and for the SMS centre; may be called again."""
        for administration in self._administrations:
            administration.close()
        for worker in self._call_workers:
            worker.end()
        for carrier in self._carriers:
            carrier.close()

    def close(self) -> None:
        """Close carriers, clients and stores; may be called again."""
        self.end()
        self._directory.close()
        for pool in self._pools:
            pool.close()
        for worker in self._call_workers:
            worker.stop()
        for store in self._stores.values():
            store.close()

    def _build(self, actor: c.AnyActor) -> None:
        if isinstance(actor, c.MnoSection):
            self._mno(actor)
        elif isinstance(actor, c.EumSection):
            self._eum(actor)
        elif isinstance(actor, c.SmDpSection):
            self._sm_dp(actor)
        elif isinstance(actor, c.SmSrSection):
            self._sm_sr(actor)
        else:
            self._support(actor)

    def _store(self, actor: c.Actor) -> Store:
        if actor.id not in self._stores:
            url = actor.store
            if url is None and self.config.state is not None:
                self.config.state.mkdir(parents=True, exist_ok=True)
                path = str(self.config.state / f"{actor.id}.db")
                url = URL.create("sqlite", database=path).render_as_string()
            self._stores[actor.id] = Store(url or "sqlite://")
        return self._stores[actor.id]

    def _ledger(self, actor: c.Actor) -> Ledger:
        # One to an actor, so that its links and its main face know of each other's calls.
        return self._ledgers.setdefault(actor.id, Ledger(self._store(actor), actor.id))

    def _cores(self, count: int | None) -> Cores:
        pool = Cores(count)
        self._pools.append(pool)
        return pool

    def _eums(self, me: str) -> SeveralEums:
        links: list[EumLink] = [*self._directory.clients(me, Role.EUM, EumClient).values()]
        return SeveralEums(tuple(links))

    def _mno(self, actor: c.MnoSection) -> None:
        mno = Mno(
            actor.id,
            self._store(actor),
            routing=RoutingInformation(Route(actor.routing.route), actor.routing.receiver),
            sm_sr=actor.sm_sr,
            plan=parts.number_plan(actor.numbers),
            sm_dps=self._directory.clients(actor.id, Role.SM_DP, SmDpClient),
        )
        for row in actor.subscriptions:
            given = Subscription(row.iccid, row.imsi, row.sm_sr, row.k, row.opc, row.msisdn)
            if not mno.owns(row.iccid):
                mno.add_subscription(given)
        self.faces[actor.id] = mno_face(mno, self._directory.door(actor.id), self._ledger(actor))

    def _eum(self, actor: c.EumSection) -> None:
        maker = EuiccMaker(
            actor.id,
            self._store(actor),
            parts.private_key(actor.signing_key, f"signing key of {actor.id}"),
            plan=parts.number_plan(actor.numbers),
            sm_sr=actor.sm_sr or "",
        )
        delivery = EisDelivery(maker, self._directory.clients(actor.id, Role.SM_SR, SmSrClient))
        for row in actor.euiccs:
            eid = maker.produce(parts.factory(row), msisdn=row.msisdn)
            if row.sm_sr is not None:
                self.after_start.append(_delivery_of(delivery, eid, row.sm_sr))
        self.faces[actor.id] = eum_face(
            maker, self._directory.door(actor.id), self._ledger(actor), delivery
        )

    def _sm_dp(self, actor: c.SmDpSection) -> None:
        links = dict(actor.links)
        directory = self._directory
        support = directory.clients(actor.id, Role.SUPPORT_SERVER, ReceiverClient, links)
        sm_srs = directory.clients(actor.id, Role.SM_SR, ReceiverClient, links)
        sm_dp = SmDp(
            actor.id,
            self._store(actor),
            mnos=directory.clients(actor.id, Role.MNO, MnoClient),
            eum=self._eums(actor.id),
            receivers=support | sm_srs,
            keys=directory.keys_of(actor.id),
            templates=parts.templates(actor.templates),
            takers=directory.clients(actor.id, Role.MNO, Es2MnoClient),
            cores=self._cores(actor.cores),
            batch=actor.batch,
            es3=directory.clients(actor.id, Role.SM_SR, Es3Client),
            credentials=parts.credentials(self.config, actor.identity, actor.id),
            card_timeout_s=actor.card_timeout_s,
        )
        self.workers.append(_bulk_worker(sm_dp))
        self.faces[actor.id] = sm_dp_face(sm_dp, directory.door(actor.id), self._ledger(actor))
        self.workers.append(Worker(f"{actor.id} calls and notices", sm_dp.work))
        self._call_workers.append(sm_dp.worker)

    def _sm_sr(self, actor: c.SmSrSection) -> None:
        carrier = None
        if actor.carrier is not None:
            row = actor.carrier
            carrier = SmppCarrier(
                SmppAccount(row.address, row.system_id, row.password, row.number),
                timeout_s=row.timeout_s,
                delivery_reports=row.delivery_reports,
            )
            self._carriers.append(carrier)
        administration = None
        if actor.administration is not None:
            if carrier is None:
                raise ConfigError(
                    f"{actor.id}: administration sessions need a carrier: cards are called by SMS"
                )
            administration = parts.administration(actor.administration, self._store(actor))
            self._administrations.append(administration)
        sm_sr = SmSr(
            self._directory.door(actor.id),
            self._store(actor),
            self._eums(actor.id),
            parts.trusted_eums(self.config),
            carrier=carrier,
            size=MessageSize(actor.size.octets, actor.size.parts),
            patience=Patience(**actor.patience.model_dump()),
            auto_download=actor.auto_download,
            links=dict(actor.links),
            authorised=dict(actor.authorised),
            takers=self._notice_takers(actor.id),
            administration=administration,
            others=self._directory.clients(actor.id, Role.SM_SR, Es7Client),
            credentials=parts.credentials(self.config, actor.identity, actor.id),
            number=actor.carrier.number if actor.carrier is not None else None,
            delivery_reports=actor.carrier is not None and actor.carrier.delivery_reports,
        )
        self._sm_srs[actor.id] = sm_sr
        self.workers.append(Worker(f"{actor.id} notices and policies", sm_sr.work))
        if carrier is not None:
            queue = sm_sr.jobs.queue
            self.workers.append(
                Worker(f"{actor.id} over the air", queue.pump, queue.wait, queue.wake)
            )
        app = new_face(f"SM-SR {actor.id}", "sm-sr", sm_sr.door, self._ledger(actor))
        add_receiver(app, sm_sr.reception, MAIN_LINK)
        add_sm_sr(app, sm_sr)
        add_functions(app, sm_sr)
        add_handover(app, sm_sr)
        self.faces[actor.id] = app
        self._add_links(actor, sm_sr.reception, dict(actor.links))
        if actor.support is not None:
            support = SupportServer(
                sm_sr.door,
                self._store(actor),
                self._eums(actor.id),
                parts.signers(actor.support.signing_keys),
                policy=policy_of(actor.support.policy),
                reception=sm_sr.reception,
                sm_dps=self._directory.clients(actor.id, Role.SM_DP, SmDpClient),
                sm_srs={actor.id: sm_sr},
                attempt_limit=actor.support.attempt_limit,
                enable=actor.support.enable,
                counter_moves=actor.support.counter_moves,
                cores=self._cores(actor.support.cores),
            )
            self._finish_support(app, support, actor.support)

    def _notice_takers(self, me: str) -> dict[str, NoticeTaker]:
        found: dict[str, NoticeTaker] = {}
        found |= self._directory.clients(me, Role.MNO, Es4MnoClient)
        found |= self._directory.clients(me, Role.SM_DP, Es3SmDpClient)
        return found

    def _support(self, actor: c.SupportSection) -> None:
        directory = self._directory
        sinks: dict[str, StatusSink] = {}
        sinks |= directory.clients(actor.id, Role.SM_SR, SmSrClient)
        if actor.host is not None:
            if actor.host not in self._sm_srs:
                raise ConfigError(f"{actor.id}: its host {actor.host!r} is no SM-SR here")
            sinks[actor.host] = self._sm_srs[actor.host]
            self._stores[actor.id] = self._stores[actor.host]
        server = SupportServer(
            directory.door(actor.id),
            self._store(actor),
            self._eums(actor.id),
            parts.signers(actor.signing_keys),
            policy=policy_of(actor.policy),
            links=dict(actor.links),
            sm_dps=directory.clients(actor.id, Role.SM_DP, SmDpClient),
            sm_srs=sinks,
            managing=dict(actor.managing),
            attempt_limit=actor.attempt_limit,
            enable=actor.enable,
            counter_moves=actor.counter_moves,
            cores=self._cores(actor.cores),
        )
        app = new_face(
            f"Support server {actor.id}", "support-server", server.door, self._ledger(actor)
        )
        add_receiver(app, server.reception, MAIN_LINK)
        self._finish_support(app, server, actor)
        self._add_links(actor, server.reception, dict(actor.links))
        if actor.host is None:
            self.faces[actor.id] = app
        else:
            self.faces[actor.host].mount(f"/{actor.id}", app)

    def _finish_support(self, app: FastAPI, server: SupportServer, row: c.SupportFunctions) -> None:
        for one in row.devices:
            server.register_device(parts.device(one))
        add_support(app, server)

        def flush() -> float:
            server.outbox.flush()
            return OUTBOX_SECONDS

        self.workers.append(Worker(f"{server.id} outbox", flush))

    def _add_links(self, actor: c.Actor, reception: PacketReception, links: dict[str, str]) -> None:
        for link in links:
            if link != MAIN_LINK:
                face = link_face(reception, self._ledger(actor), link)
                self.faces[f"{actor.id}/{link}"] = face


def endpoints(config: c.ServeConfig) -> dict[str, int]:
    """Return the faces that get a port of their own, with the port wanted (0: any)."""
    found: dict[str, int] = {}
    for actor in config.actors:
        if isinstance(actor, c.SupportSection) and actor.host is not None:
            pass
        else:
            found[actor.id] = actor.port
        if isinstance(actor, c.SupportSection | c.SmSrSection):
            found |= {f"{actor.id}/{link}": 0 for link in actor.links if link != MAIN_LINK}
    return found


def _bulk_worker(sm_dp: SmDp) -> Worker:
    bulk = sm_dp.bulk
    return Worker(f"{sm_dp.id} large orders", bulk.work, bulk.wait, bulk.wake)


def _delivery_of(delivery: EisDelivery, eid: str, sm_sr: str) -> Callable[[], None]:
    def deliver() -> None:
        try:
            delivery.deliver(eid, sm_sr)
        except Refusal as refusal:
            # After a restart the SM-SR has it already.
            if refusal.code is not RefusalCode.EXISTS:
                raise

    return deliver
