"""A hub behind its API: real PostgreSQL, a held clock, the ASGI application itself and no sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx2 import ASGITransport, AsyncClient, Response

from tocsin import providers, sources
from tocsin.api import auth
from tocsin.api.app import ApiSettings, build_app
from tocsin.api.intake import Intake
from tocsin.engine import configure
from tocsin.engine.admission import Doorway
from tocsin.engine.decider import decide_some
from tocsin.engine.hub import Hub
from tocsin.engine.ids import new_id, new_token
from tocsin.engine.seal import Seal
from tocsin.store import tokens
from tocsin.store.database import Database
from tocsin.store.migrate import installation_id

MONDAY_NOON = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)
EXAMPLE = (Path(__file__).parents[2] / "examples/example.yaml").read_text()
VARIABLES = {
    "PAGERDUTY_URL": "http://127.0.0.1:1", "PAGERDUTY_API_KEY": "pd-secret-of-the-tests",
    "OPSGENIE_URL": "http://127.0.0.1:1", "OPSGENIE_API_KEY": "og-secret-of-the-tests",
    "AM_KEY": "alertmanager-key-0001", "PD_IN_KEY": "abcdef0123456789abcdef0123456789",
    "OG_IN_KEY": "1f0c1a52-6f3d-4c7e-9d55-0a4e2c9b7d11", "WH_KEY": "webhook-key-000000001",
}  # fmt: skip
SERVER = "http://hub.example"


@dataclass
class Office:
    """The hub, its application and callers with each scope."""

    hub: Hub
    app: Any
    rest: Any
    at: datetime = MONDAY_NOON
    worker_alive: bool = True
    intake_alive: bool = True
    tokens: dict[str, str] = field(default_factory=dict)

    def client(self, *, peer: str = "203.0.113.9", base: str = SERVER, **headers: str) -> AsyncClient:
        """A caller from `peer` with these headers."""
        transport = ASGITransport(self.app, client=(peer, 40_000), raise_app_exceptions=False)
        return AsyncClient(transport=transport, base_url=base, headers=headers)

    async def token(self, *scopes: str, expires_at: datetime | None = None) -> str:
        """A new token's text, straight into the store; "role:viewer" in place of scopes gives it a role."""
        text = new_token()
        name, role = "-".join(scopes) or "none", ""
        if name.startswith("role:"):
            role, scopes = name.removeprefix("role:"), ()
        kept = tokens.Token(
            id=new_id(self.at), name=name, scopes=scopes, role=role, made_at=self.at, expires_at=expires_at,
            last_used_at=None, revoked_at=None,
        )  # fmt: skip
        await self.hub.database.transact(lambda c: tokens.add(c, kept, auth.digest_of(text)))
        return text

    async def ask(
        self, method: str, path: str, body: Any = None, *, scope: str = "admin", **more: Any
    ) -> Response:
        """One request with a token of that scope."""
        if scope not in self.tokens:
            self.tokens[scope] = await self.token(scope)
        async with self.client(authorization=f"Bearer {self.tokens[scope]}") as client:
            return await client.request(method, path, json=body, **more)

    async def get(self, path: str) -> Any:
        """The JSON of an answer that must be good."""
        answer = await self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def alert(self, **fields: Any) -> Any:
        """Send an alert and have it decided; the answer's JSON."""
        answer = await self.ask("POST", "/api/v1/alerts", fields)
        assert answer.status_code == 202, answer.text
        while await decide_some(self.hub):
            pass
        return answer.json()

    async def incident(self, **fields: Any) -> Any:
        """Declare one."""
        answer = await self.ask(
            "POST", "/api/v1/incidents", {"title": "It burns", "severity": "high"} | fields
        )
        assert answer.status_code == 201, answer.text
        return answer.json()

    def pass_time(self, **span: float) -> None:
        self.at += timedelta(**span)


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    """A hub with the example configuration, Monday noon UTC."""
    database = await Database.connect(database_url, most=6)
    made: list[Office] = []
    hub = Hub(
        database=database, now=lambda: made[0].at if made else MONDAY_NOON, installation=await installation_id(database),
        seal=Seal("a secret key for the tests"), sources=sources.discover(), providers=providers.discover(),
    )  # fmt: skip
    await configure.apply(
        hub, EXAMPLE, environment=VARIABLES, file_name="example.yaml", author="the tests", origin="test"
    )
    door = Doorway(hub)
    rest = build_app(
        hub, worker_alive=lambda: made[0].worker_alive, intake_alive=lambda: made[0].intake_alive,
        settings=ApiSettings(ping_seconds=0.2),
    )  # fmt: skip
    made.append(Office(hub, Intake(hub, door, rest, count=rest.state.metrics.events), rest))
    opening = asyncio.create_task(door.run())
    yield made[0]
    rest.state.stream.stop()
    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)
    await database.close()


@pytest.fixture
def example() -> tuple[str, dict[str, str]]:
    """The example configuration and what its ${VARIABLES} stand for."""
    return EXAMPLE, dict(VARIABLES)
