"""A whole hub in the test's hand: real PostgreSQL, real HTTP, the sandbox's providers, and a held clock.

`rig.clock.advance(minutes=5)` is how time passes; `await rig.until(...)` waits for what follows from an
event, by asking, not by sleeping a guess.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import asyncpg

from tocsin.config import Settings
from tocsin.daemon import Daemon
from tocsin.sandbox.clock import Clock as SandboxClock
from tocsin.sandbox.server import Sandbox, SandboxSettings
from tocsin.sandbox.world import World

MONDAY_NOON = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)
KEYS = {
    "AM_KEY": "alertmanager-key-0001",
    "PD_IN_KEY": "abcdef0123456789abcdef0123456789",
    "OG_IN_KEY": "1f0c1a52-6f3d-4c7e-9d55-0a4e2c9b7d11",
    "WH_KEY": "webhook-key-000000001",
    "PAGERDUTY_API_KEY": "pd-secret-key-of-the-tests",
    "OPSGENIE_API_KEY": "og-secret-key-of-the-tests",
}
SECRET_KEY = "a secret key for the tests"
ADMIN_TOKEN = "tsn_admin-token-of-the-tests"


Begin = Callable[..., Awaitable["Rig"]]
"""The stories' fixture: `await begin()` gives a running rig."""


class Clock:
    """The hub's clock: stands still until it is moved."""

    def __init__(self, at: datetime = MONDAY_NOON) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


class Rig:
    """One hub and one sandbox."""

    def __init__(
        self,
        database_url: str,
        folder: Path,
        config: str,
        *,
        at: datetime,
        port: int = 0,
        public: bool = False,
    ) -> None:
        self._public = public
        self.clock = Clock(at)
        self._database_url, self._folder, self._config, self._port = database_url, folder, config, port
        self.sandbox = Sandbox(SandboxSettings(port=0, tls=False, data=folder / "sandbox"))
        # the providers' clock starts where ours does and moves only when it is moved
        self.sandbox.world = World(SandboxClock(lambda: at), "tocsin")
        self.daemon: Daemon
        self.beside: list[Daemon] = []
        self.http: aiohttp.ClientSession

    async def start(self, environment: Callable[[dict[str, str]], None], *, webhooks: bool = True) -> None:
        """Up: sandbox, hub with the configuration, webhooks registered at both providers."""
        self.http = aiohttp.ClientSession(headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})
        await self.sandbox.start()
        urls = {"PAGERDUTY_URL": self.sandbox.pagerduty_url, "OPSGENIE_URL": self.sandbox.opsgenie_url}
        environment({**KEYS, **urls, "JSM_URL": self.sandbox.jsm_url, "SMTP_URL": self.sandbox.smtp_url})
        await self.control("POST", "/settings", {v: {"processing_delay_ms": 0} for v in ("opsgenie", "jsm")})
        await self.start_hub()
        if webhooks:
            await self.register_webhooks()

    async def start_hub(
        self,
        *,
        config: str | None = None,
        file: Path | None = None,
        secret_key: str = SECRET_KEY,
        node: str = "",
    ) -> None:
        """Start (or start again) the hub alone, on the same data; `node` = another one's, with a folder of its own.

        `config` = another text in its file from now on, "" = no file; `file` = another place to find it.
        """
        self._config = self._config if config is None else config
        given = file or self._folder / "hub.yaml"
        if file is None:
            given.write_text(self._config)
        self.daemon = await self._started(given, f"data{node}", self._database_url, self._port, secret_key)
        self._port = int(self.daemon.url.rsplit(":", 1)[1])

    async def start_beside(self, dsn: str, *, port: int = 0) -> Daemon:
        """Another hub on the same database, with a data folder of its own; started again it finds that folder."""
        daemon = await self._started(self._folder / "hub.yaml", "beside", dsn, port, SECRET_KEY)
        self.beside.append(daemon)
        return daemon

    async def stop_beside(self) -> None:
        while self.beside:
            await self.beside.pop().stop()

    async def _started(self, config: Path, folder: str, dsn: str, port: int, secret_key: str) -> Daemon:
        settings = Settings(
            TOCSIN_DATA=self._folder / folder, TOCSIN_PORT=port, TOCSIN_CONFIG=config if self._config else None,
            TOCSIN_ADMIN_TOKEN=ADMIN_TOKEN, DATABASE_URL=dsn, TOCSIN_SECRET_KEY=secret_key,
            TOCSIN_PUBLIC_URL="https://hub.example.com" if self._public else "", TOCSIN_HOST="127.0.0.1",
        )  # fmt: skip
        daemon = Daemon(settings, now=self.clock)
        await daemon.start()
        return daemon

    async def register_webhooks(self) -> None:
        base = self.daemon.url
        pagerduty = {
            "vendor": "pagerduty",
            "url": f"{base}/connectors/prod-pagerduty/webhook",
            "secret": "pd-webhook-secret",
        }
        opsgenie = {
            "vendor": "opsgenie",
            "url": f"{base}/connectors/prod-opsgenie/webhook?token=og-webhook-token",
        }
        for body in (pagerduty, opsgenie, {**opsgenie, "vendor": "jsm"}):
            await self.control("POST", "/webhooks", body)

    async def stop(self) -> None:
        await self.stop_beside()
        await self.daemon.stop()
        await self.sandbox.stop()
        await self.http.close()

    async def kill(self) -> None:
        """The hub is gone in the middle of things: what it was sending may arrive, but it records nothing more and
        says no good-bye. Its duty has run out when this returns; its leases have not."""
        name = urlsplit(self._database_url).path.lstrip("/")
        beside = await asyncpg.connect(urlunsplit(urlsplit(self._database_url)._replace(path="/postgres")))
        try:
            await beside.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            await beside.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
            )
            await self.daemon.stop()
        finally:
            await beside.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
            await beside.close()
        connection = await asyncpg.connect(self._database_url)
        try:
            await connection.execute("UPDATE duty SET until = now() - interval '1 s'")
        finally:
            await connection.close()

    # ---- time ----------------------------------------------------------------------------------

    async def advance(self, **span: float) -> None:
        """Let time pass, here and at the providers, and wake whoever waits for it."""
        step = timedelta(**span)
        self.clock.at += step
        await self.control("POST", "/clock", {"advance": step.total_seconds()})
        self.ring()

    async def advance_without_hub(self, **span: float) -> None:
        """Time passes while no hub runs."""
        step = timedelta(**span)
        self.clock.at += step
        await self.control("POST", "/clock", {"advance": step.total_seconds()})

    def ring(self) -> None:
        """Everybody looks now."""
        for hub in (self.daemon.hub, *(daemon.hub for daemon in self.beside)):
            for bell in (
                "undecided",
                "effects",
                "timers",
                "hooks",
                "reconcile",
                "rungs",
                "digests",
                "alarms",
                "sla",
                "subscriptions",
                *(f"courier {c}" for c in hub.policy.connectors),
            ):
                hub.wake.ring(bell)

    async def until(self, ask: Callable[[], Awaitable[Any]], what: str, *, seconds: float = 30) -> Any:
        """What `ask` gives once it is truthy; fails with `what` after `seconds` of real time."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while True:
            if found := await ask():
                return found
            if loop.time() > end:
                raise AssertionError(f"never happened: {what}\n{await self.story()}")
            self.ring()
            await asyncio.sleep(0.02)

    async def decided(self) -> None:
        """Until every alert that came in is decided; what is to be sent may still wait."""

        async def nothing_left() -> bool:
            return not await self.daemon.hub.database.read(_undecided)

        await self.until(nothing_left, "everything is decided")

    async def quiet(self) -> None:
        """Until nothing is undecided, pending or due."""

        async def nothing_left() -> bool:
            return not await self.daemon.hub.database.read(_work_left(self.clock.at))

        await self.until(nothing_left, "the hub comes to rest")

    # ---- the hub -------------------------------------------------------------------------------

    async def call(
        self, method: str, path: str, body: Any = None, *, want: int | None = None, at: str = "", **more: Any
    ) -> Any:
        """One request of the API; the JSON answer. `at` = another hub's address."""
        async with self.http.request(method, (at or self.daemon.url) + path, json=body, **more) as answer:
            text = await answer.text()
            assert want is None or answer.status == want, f"{method} {path}: {answer.status} {text}"
            return json.loads(text) if text else None

    async def alert(self, **fields: Any) -> Any:
        """Send an alert and wait for its decision."""
        return await self.call("POST", "/api/v1/alerts?wait=decision", fields, want=200)

    async def incident(self, name: str = "INC-1") -> Any:
        return await self.call("GET", f"/api/v1/incidents/{name}", want=200)

    async def timeline(self, name: str = "INC-1") -> list[Any]:
        return list(
            (await self.call("GET", f"/api/v1/incidents/{name}/timeline?limit=500", want=200))["items"]
        )

    async def kinds(self, name: str = "INC-1") -> list[str]:
        return [line["kind"] for line in await self.timeline(name)]

    async def story(self) -> str:
        """Every timeline as an incident log, for a failing test's message."""
        listed = await self.call("GET", "/api/v1/incidents?status=open,mitigated,resolved,closed")
        lines = []
        for incident in listed.get("items", []):
            lines.append(f"{incident['name']} {incident['status']} {incident['title']}")
            lines += [
                f"  {line['at']} {line['kind']}: {line['text']}"
                for line in await self.timeline(incident["name"])
            ]
        return "\n".join(lines)

    # ---- the providers -------------------------------------------------------------------------

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """The sandbox's control API."""
        async with self.http.request(method, self.sandbox.control_url + path, json=body) as answer:
            text = await answer.text()
            assert answer.status < 400, f"sandbox {method} {path}: {answer.status} {text}"
            return json.loads(text) if text else None

    async def fault(self, vendor: str, kind: str, **more: Any) -> str:
        return str((await self.control("POST", "/faults", {"vendor": vendor, "kind": kind, **more}))["id"])

    async def heal(self) -> None:
        await self.control("DELETE", "/faults")

    async def pagerduty(self) -> list[Any]:
        return _list(await self.control("GET", "/pagerduty/incidents"))

    async def taken_at_pagerduty(self, user: str) -> str:
        """They acknowledge the only page there, where it never runs out (it is of the service PWEB001); known here
        when this returns, with the page's id there."""
        (page,) = await self.pagerduty()
        await self.control("POST", "/pagerduty/services/PWEB001", {"acknowledgement_timeout": None})
        await self.control("POST", f"/pagerduty/incidents/{page['id']}/acknowledge", {"user": user})

        async def held() -> bool:
            return bool((await self.incident())["status"] == "mitigated")

        await self.until(held, f"{user} has it")
        return str(page["id"])

    async def opsgenie(self) -> list[Any]:
        return _list(await self.control("GET", "/opsgenie/alerts"))

    async def jsm(self) -> list[Any]:
        return _list(await self.control("GET", "/jsm/alerts"))

    async def mails(self) -> list[Any]:
        return _list(await self.control("GET", "/mails"))

    async def calls(self, vendor: str) -> list[Any]:
        return _list(await self.control("GET", f"/calls?vendor={vendor}"))


def _list(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(next((v for v in value.values() if isinstance(v, list)), []))
    return list(value)


async def _undecided(connection: Any) -> Any:
    return await connection.fetchval("SELECT count(*) FROM alert WHERE undecided_since IS NOT NULL")


def _work_left(now: datetime) -> Callable[[Any], Awaitable[Any]]:
    async def ask(connection: Any) -> Any:
        return await connection.fetchval(
            "SELECT (SELECT count(*) FROM alert WHERE undecided_since IS NOT NULL OR look_again_at <= $1)"
            " + (SELECT count(*) FROM hook WHERE state = 'pending') + (SELECT count(*) FROM timer WHERE due <= $1)"
            " + (SELECT count(*) FROM silent WHERE look_at <= $1)"
            " + (SELECT count(*) FROM digest_entry WHERE digest IS NULL AND due <= $1)"
            " + (SELECT count(*) FROM message WHERE state = 'leased' OR state = 'waiting' AND due <= $1)"
            " + (SELECT count(*) FROM effect e LEFT JOIN connector_state s USING (connector)"
            "    WHERE e.state = 'leased'"
            "      OR e.state = 'waiting' AND e.due <= $1"
            "      AND coalesce(s.probe_at, $1) <= $1 AND coalesce(s.hold_until, $1) <= $1"
            "      AND NOT EXISTS (SELECT 1 FROM effect p WHERE p.remote = e.remote AND p.id < e.id"
            "        AND p.state IN ('waiting', 'leased')))",
            now,
        )

    return ask
