"""`im serve`: bring the parts up in order, keep them up, take them down in order.

data folder -> PostgreSQL -> tables -> configuration -> loops -> HTTP      (and back on SIGTERM, within 10 s)
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import os
import secrets
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from tocsin.api.app import build_app
from tocsin.api.intake import App, Intake, Receive, Scope, Send
from tocsin.api.proxies import Trusting, networks
from tocsin.api.stream import Stream
from tocsin.config import Settings
from tocsin.engine import configure, logs, silences, snapshot
from tocsin.engine.admission import Doorway
from tocsin.engine.blind import BlindPager
from tocsin.engine.clock import HubClock
from tocsin.engine.hub import Active, Hub, log
from tocsin.engine.ids import new_id, new_token
from tocsin.engine.keep import Keeper
from tocsin.engine.seal import Seal, new_key
from tocsin.engine.snapshot import Snapshot
from tocsin.engine.wire import Wire
from tocsin.postgres import EmbeddedPostgres
from tocsin.providers import discover as discover_providers
from tocsin.sources import discover as discover_sources
from tocsin.store import nodes, rehearsal, tokens
from tocsin.store.database import Database, DatabaseAway
from tocsin.store.migrate import installation_id, migrate, unknown_migrations
from tocsin.store.tokens import Token
from tocsin.worker import Worker

_WARM_SECONDS = 1.5
HEADERS_SECONDS = 15
"""Whose headers are not there by then is cut off: a line that is kept open costs the sender alone."""


class Daemon:
    """One node. `start` returns when it is ready; `stop` when everything is put away."""

    def __init__(
        self, settings: Settings, *, demo: bool = False, now: Callable[[], datetime] | None = None
    ) -> None:
        self.settings = settings
        self.demo = demo
        self.hub: Hub
        self.url = ""
        # a test holds the time itself; else it is the database's, followed from here
        self._clock = None if now else HubClock(_utc_now)
        self._now: Callable[[], datetime] = now or self._clock or _utc_now
        self._postgres: EmbeddedPostgres | None = None
        self._database: Database | None = None
        self._streams: Stream | None = None
        self._worker: Worker | None = None
        self._server: Server | None = None
        self._wire = Wire()
        self._keeper: Keeper | None = None
        self._blind: BlindPager | None = None
        self._tasks: list[asyncio.Task[Any]] = []
        self._node = new_id(self._now())
        self._proxies = networks(settings.trusted_proxies)

    async def start(self) -> None:
        """Up in order. Raises the refusal of whatever cannot start, with everything before it stopped."""
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        data = self.settings.data
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        dsn = self.settings.database_url
        if not dsn:
            self._postgres = EmbeddedPostgres(data)
            dsn = await self._postgres.start()
        seen = await self._meet(dsn, data)
        self._keeper = keeper = Keeper(self.hub, data / "journal", self._clock)
        await keeper.open()
        self._blind = blind = BlindPager(self.hub, keeper, self._wire, data / "blind")
        await blind.open()
        door = Doorway(self.hub, keeper)
        self._worker = Worker(self.hub, role=self.settings.role, intake=lambda: door.open)
        self._tasks.append(asyncio.create_task(door.run(), name="door"))
        if seen is None:
            await self._arrive()
        else:
            configure.use(self.hub, seen)
            keeper.arrive = self._arrive
            keeper.lost(DatabaseAway("not there at the start"))
        self._tasks.append(asyncio.create_task(keeper.watch(), name="keeper"))
        self._tasks.append(asyncio.create_task(blind.watch(), name="blind pager"))
        await self._listen(door)
        _write_private(data / "url", self.url)

    async def _meet(self, dsn: str, data: Path) -> Snapshot | None:
        """Connect and make the hub. A database that is not there is no reason to be deaf: with the snapshot of
        an earlier run, which is returned then, the hub begins without it (S47)."""
        seen = None
        try:
            self._database = await Database.connect(dsn, most=16)
            await self._tables()
            installation = await installation_id(self._database)
        except DatabaseAway as fault:
            seen = await snapshot.found(data)
            if seen is None:
                raise
            log.error("started_without_database", message=str(fault)[:200], snapshot=seen.version)
            installation = seen.installation
            if self._database is None:
                self._database = await Database.connect(dsn, most=16, at_once=False)
        self.hub = self._hub(self._database, installation, data)
        logs.here(self.hub.logs)
        return seen

    async def _tables(self) -> None:
        assert self._database is not None
        ran = await migrate(self._database, today=self._now().date(), new_installation=new_id(self._now()))
        if ran:
            log.info("migrated", migrations=ran)
        if later := await unknown_migrations(self._database):
            log.warning(
                "later_version_here", migrations=later, next="upgrade this node too: docs/howto/upgrade.md"
            )

    async def _arrive(self) -> None:
        """The database is there: tables, token, configuration, then the loops."""
        hub, data = self.hub, self.settings.data
        assert self._worker is not None
        assert self._keeper is not None
        await self._tables()
        hub.installation = await installation_id(hub.database)
        if self._postgres is not None:
            await hub.database.transact(lambda c: nodes.i_am_alone(c, self._node))
        await self._first_token(data)
        await self._configure()
        await self._keeper.meet()
        await self._warm()
        hub.awake_since = hub.now()
        await self._worker.start(loops=self.settings.role in ("all", "worker"))

    async def _warm(self) -> None:
        """The first page must not wait for what each connection does once. It is no reason not to start."""
        try:
            async with asyncio.timeout(_WARM_SECONDS):
                await self.hub.database.warm(rehearsal.CONNECTIONS, rehearsal.rehearse)
        except TimeoutError:
            log.warning("not_warm", seconds=_WARM_SECONDS, message="the first pages may take a little longer")

    def _hub(self, database: Database, installation: UUID, data: Path) -> Hub:
        key = self.settings.secret_key or _kept(data / "secret-key", new_key)
        public = self.settings.public_url.rstrip("/")
        return Hub(
            database=database, now=self._now, installation=installation, seal=Seal(key),
            sources=discover_sources(), providers=discover_providers(), active=Active(), public_url=public, demo=self.demo, node=self._node,
            awake_since=self._now(), folder=data, own_database=self._postgres is not None, name=self._name(),
            own_secrets=self._own_secrets(key), debugged=logs.debugged(os.environ, discover_providers()),
        )  # fmt: skip

    def _own_secrets(self, key: str) -> tuple[str, ...]:
        password = urlsplit(self.settings.database_url).password or ""
        admin = self.settings.admin_token or _kept(self.settings.data / "admin-token", new_token)
        return (key, password, admin)

    def _name(self) -> str:
        """What people know this node by, the same after a restart."""
        host, port = socket.gethostname(), self.settings.port
        return f"{host}:{port}" if port else host

    async def _configure(self) -> None:
        await configure.refresh(self.hub)
        await silences.refresh(self.hub)
        file = self.settings.config
        if file is not None:
            await configure.apply_at_start(self.hub, file, os.environ)
        elif not self.hub.policy.connectors:
            log.warning(
                "no_connectors",
                message="Nothing can be paged yet: `im apply -f hub.yaml` gives the hub connectors",
            )

    async def _first_token(self, data: Path) -> None:
        """The administrator's token: given, or made once and kept where the local command finds it."""
        text = self.settings.admin_token or _kept(data / "admin-token", new_token)
        if len(text) < 16:
            raise ValueError("TOCSIN_ADMIN_TOKEN needs at least 16 characters; leave it out and one is made")
        token = Token(
            id=new_id(self._now()), name="first administrator", scopes=("admin",), made_at=self._now(), expires_at=None,
            last_used_at=None, revoked_at=None,
        )  # fmt: skip
        digest = hashlib.sha256(text.encode()).digest()
        await self.hub.database.transact(lambda c: tokens.add(c, token, digest))

    async def _listen(self, door: Doorway) -> None:
        worker = self._worker
        rest = build_app(
            self.hub, worker_alive=lambda: worker is not None and worker.alive, intake_alive=lambda: door.open
        )
        self._streams = rest.state.stream
        app: App = Intake(self.hub, door, rest, count=rest.state.metrics.events)
        if self.settings.role == "worker":
            app = _health_only(rest)
        if self._proxies:
            app = Trusting(app, self._proxies)
        app = logs.around(app, self.hub.logs)
        port = self.settings.port or _free_port(self.settings.host)
        _check_free(self.settings.host, port)
        self._server = Server(
            app, address=self.settings.host, port=port, interface=Interfaces.ASGI, backlog=1024, log_enabled=False,
            websockets=False, http1_settings=HTTP1Settings(header_read_timeout=HEADERS_SECONDS * 1000),
        )  # fmt: skip
        self._tasks.append(asyncio.create_task(self._server.serve(), name="http"))
        shown = "127.0.0.1" if self.settings.host in ("0.0.0.0", "::") else self.settings.host
        self.url = f"http://{shown}:{port}"
        if not self.hub.public_url and self.demo:
            self.hub.public_url = self.url
        await _answers(self.settings.host, port)

    async def stop(self) -> None:
        """Down in order; safe to call at any point of the start."""
        if self._streams is not None:
            self._streams.stop()
        if self._server is not None:
            self._server.stop()  # type: ignore[no-untyped-call]
            # it ends by itself; cancelled before, its threads would call into a loop that is gone
            await asyncio.wait([task for task in self._tasks if task.get_name() == "http"], timeout=3)
        if self._worker is not None:
            await self._worker.stop()
        if self._database is not None and hasattr(self, "hub"):
            await logs.ship_all(self.hub.logs, self._database)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2)
        if self._blind is not None and self._keeper is not None:
            await self._blind.close()
            await self._keeper.close()
        await self._wire.close()
        if self._database is not None:
            with suppress(Exception):  # the database may be what is gone
                await self._database.transact(lambda c: nodes.good_bye(c, self._node))
            await self._database.close()
        with suppress(OSError):
            (self.settings.data / "url").unlink()
        if self._postgres is not None:
            await self._postgres.stop()


async def run(settings: Settings, *, ready: Callable[[Daemon], None] | None = None) -> None:
    """Serve until SIGTERM or SIGINT."""
    logs.set_up(settings.log_format)
    daemon = Daemon(settings)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await daemon.start()
    _spare_the_collector()
    if not settings.public_url:
        log.warning("no_public_url", message="TOCSIN_PUBLIC_URL is not set: providers cannot call back here")
    log.info("ready", url=daemon.url, role=settings.role, data=str(settings.data))
    if ready is not None:
        ready(daemon)
    await stopped.wait()
    log.info("stopping")
    await daemon.stop()
    log.info("stopped")


def _spare_the_collector() -> None:
    """What the start made lives as long as the process, and little of what a request makes is cyclic: looking
    through all of it after each 700 new objects was an eighth of the hub's time under distinct alerts."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _health_only(rest: App) -> App:
    """What a node of role worker answers: how it is, and nothing else."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in ("/healthz", "/readyz", "/metrics"):
            body = b'{"title": "This node is a worker: it takes no requests; ask a node of role api or all", "status": 404}'
            headers = [(b"content-type", b"application/problem+json")]
            await send({"type": "http.response.start", "status": 404, "headers": headers})
            await send({"type": "http.response.body", "body": body})
        else:
            await rest(scope, receive, send)

    return app


def _utc_now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - here the clock enters the house; everyone else is handed it


def _kept(path: Path, make: Callable[[], str]) -> str:
    """The text in a file only its owner can read; made the first time."""
    with suppress(FileNotFoundError):
        return path.read_text("utf-8").strip()
    text = make()
    _write_private(path, text)
    return text


def _write_private(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _free_port(host: str) -> int:
    with socket.socket(_family(host)) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _check_free(host: str, port: int) -> None:
    with socket.socket(_family(host)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as fault:
            raise PortTaken(
                f"Cannot listen on {host}:{port}: {fault.strerror}. Choose another with --port."
            ) from fault


async def _answers(host: str, port: int) -> None:
    """Until the port takes connections, at most 5 s."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    for _ in range(250):
        try:
            _, writer = await asyncio.open_connection(shown, port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return
    raise PortTaken(f"{host}:{port} does not take connections")


class PortTaken(Exception):
    """The address cannot be listened on; the message says what to do."""


__all__ = ["Daemon", "PortTaken", "run"]
