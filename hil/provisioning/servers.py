"""Any set of actors in one process, listening: each with a port of its own."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
import time
from collections.abc import Mapping
from typing import Final

import anyio.to_thread
import uvicorn
from fastapi import FastAPI

from hil.errors import BenchError, ConfigError, HilError
from hil.provisioning import serve_config as c
from hil.provisioning.assembly import Assembly, Worker, endpoints
from hil.provisioning.http.protocol import Server, ServerProtocol
from hil.provisioning.http.tls import server_context

log = logging.getLogger(__name__)

THREADS: Final = 100
MAX_HEAD: Final = 32 * 1024
"""Longest head of a request in bytes."""
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 5.0
IDLE_SECONDS: Final = 1.0
WAKE_SECONDS: Final = 0.02


class Servers:
    """The actors of one configuration, listening. Use as a context manager."""

    def __init__(self, config: c.ServeConfig) -> None:
        self._config = config
        self._over = threading.Event()
        self._sockets: dict[str, socket.socket] = {}
        self._threads: list[threading.Thread] = []
        try:
            for name, port in endpoints(config).items():
                self._sockets[name] = _listen(name, config.host, port)
            self.addresses = _addresses(config, self._sockets)
            self._assembly = Assembly(config, self.addresses)
        except BaseException:
            self._close_sockets()
            raise
        self._servers = {name: self._server(name) for name in self._sockets}

    def _server(self, name: str) -> Server:
        config = uvicorn.Config(
            self._assembly.faces[name],
            http=ServerProtocol,
            ws="none",
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_keep_alive=60,
            timeout_graceful_shutdown=2,
            server_header=False,
            proxy_headers=False,
            h11_max_incomplete_event_size=MAX_HEAD,
        )
        config.load()
        if self._config.certificates is not None:
            context = server_context(self._config.certificates, name.split("/", maxsplit=1)[0])
            config.ssl = self._assembly.watched(context)
        return Server(config)

    def __enter__(self) -> Servers:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def start(self, *, timeout_s: float = START_SECONDS) -> None:
        """Begin to answer, and bring the EIS to the SM-SRs."""
        self._begin("http", self._run_http)
        deadline = time.monotonic() + timeout_s
        while not all(server.started for server in self._servers.values()):
            if time.monotonic() > deadline or not self._threads[0].is_alive():
                raise BenchError(f"the servers did not start in {timeout_s:g} s")
            time.sleep(0.005)
        for step in self._assembly.after_start:
            step()
        for worker in self._assembly.workers:
            self._begin(worker.name, lambda worker=worker: self._work(worker))

    def close(self) -> None:
        """End everything; may be called again."""
        self._over.set()
        for server in self._servers.values():
            server.end()
        self._assembly.end()
        deadline = time.monotonic() + STOP_SECONDS
        for thread in self._threads:
            # Again and again: a worker that was about to wait may have missed it.
            while thread.is_alive() and time.monotonic() < deadline:
                for worker in self._assembly.workers:
                    if worker.wake is not None:
                        worker.wake()
                thread.join(WAKE_SECONDS)
        self._assembly.close()
        self._close_sockets()

    @property
    def faces(self) -> Mapping[str, FastAPI]:
        """The applications by name: of each actor, and of each link with a port of its own."""
        return self._assembly.faces

    def urls(self) -> dict[str, str]:
        """Return the URL of the first actor of each kind."""
        found: dict[str, str] = {}
        for actor in self._config.actors:
            found.setdefault(actor.kind, self.addresses[actor.id])
        for actor in self._config.actors:
            if isinstance(actor, c.SmSrSection) and actor.support is not None:
                found.setdefault("support-server", self.addresses[actor.id])
        return found

    def ready_line(self) -> str:
        """Return the line that says where everybody is."""
        actors = {name: url for name, url in self.addresses.items() if "/" not in name}
        links = {name: url for name, url in self.addresses.items() if "/" in name}
        return json.dumps(
            {"ready": "servers", "urls": self.urls(), "actors": actors, "links": links}
        )

    def _begin(self, name: str, target: object) -> None:
        thread = threading.Thread(target=target, name=name, daemon=True)  # type: ignore[arg-type]
        thread.start()
        self._threads.append(thread)

    def _run_http(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        # A request to one server may call another one here, and that one the first again.
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        await asyncio.gather(
            *(server.serve(sockets=[self._sockets[name]]) for name, server in self._servers.items())
        )

    def _work(self, worker: Worker) -> None:
        while not self._over.is_set():
            try:
                pause = worker.work()
            except HilError as err:
                log.warning("%s: %s", worker.name, err)
                pause = IDLE_SECONDS
            wait = min(IDLE_SECONDS, pause if pause is not None else IDLE_SECONDS)
            if worker.wait is not None:
                worker.wait(wait)
            else:
                self._over.wait(wait)

    def _close_sockets(self) -> None:
        for one in self._sockets.values():
            one.close()


def _listen(name: str, host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # asyncio leaves Nagle on for sockets made like this; head and body of an answer are two sends,
    # so without this each answer waits 40 ms for the client's delayed acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as err:
        listener.close()
        raise ConfigError(f"{name}: port {port} of {host} is taken: {err.strerror}") from err
    return listener


def _addresses(config: c.ServeConfig, sockets: dict[str, socket.socket]) -> dict[str, str]:
    scheme = "http" if config.certificates is None else "https"
    urls = {
        name: f"{scheme}://{config.host}:{one.getsockname()[1]}" for name, one in sockets.items()
    }
    for actor in config.actors:
        if isinstance(actor, c.SupportSection) and actor.host is not None:
            if actor.host not in urls:
                raise ConfigError(f"{actor.id}: its host {actor.host!r} is not in this file")
            urls[actor.id] = f"{urls[actor.host]}/{actor.id}"
    return urls
