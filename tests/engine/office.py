"""One hub without its loops: each verb is called by the test, time stands still until it is moved."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from tocsin import sources
from tocsin.core.model import Action, Event
from tocsin.engine import configure, deliver
from tocsin.engine.admission import Doorway
from tocsin.engine.decider import decide_some
from tocsin.engine.deliver import Claimed
from tocsin.engine.envelope import Admitted
from tocsin.engine.hub import Hub
from tocsin.engine.ids import new_id
from tocsin.engine.keep import Keeper
from tocsin.engine.seal import Seal
from tocsin.engine.wire import Wire
from tocsin.store.database import Connection, Database
from tocsin.store.intake import RawRequest

from .bell import KINDS, BellServer

NOON = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)
ENVIRONMENT = {
    "BELL_KEY": "bell-key-nobody-may-see",
    "BELL_TOKEN": "bell-webhook-token-0001",
    "AM_KEY": "alertmanager-key-0001",
}
CONFIG = """
services: {web: {}, database: {}}
routing: [{name: all, page: everybody}]
escalation_policies: {everybody: [{all: [east]}]}
integrations: {prometheus: {source: webhook, key: "${AM_KEY}", urgency: high}}
connectors:
  east: {type: bell, base_url: "${BELL_URL}", api_key: "${BELL_KEY}", webhook_token: "${BELL_TOKEN}"}
"""


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **span: float) -> None:
        self.at += timedelta(**span)


@dataclass
class Office:
    """Hub, door and wire; `bell` is the provider's server."""

    hub: Hub
    door: Doorway
    wire: Wire
    bell: BellServer
    clock: Clock
    running: list[asyncio.Task[None]] = field(default_factory=list)
    keeper: Keeper | None = None

    async def configure(self, text: str = CONFIG, *, force: bool = False) -> None:
        environment = {**ENVIRONMENT, "BELL_URL": self.bell.url}
        await configure.apply(
            self.hub,
            text,
            environment=environment,
            file_name="hub.yaml",
            author="test",
            origin="test",
            force=force,
        )

    async def say(self, *events: Event) -> list[Admitted]:
        """One request with these events."""
        return await self.door.admit(self.raw(), "prometheus", events)

    def raw(self) -> RawRequest:
        return RawRequest(
            id=new_id(self.clock.at), received_at=self.clock.at, integration="prometheus", source="webhook", method="POST",
            path="/integrations/x", query="", headers={}, body=b"{}", remote_address="", reading="read",
        )  # fmt: skip

    async def decide(self) -> int:
        """Until nothing is undecided; how many were decided."""
        total = 0
        for _ in range(20):
            if not (count := await decide_some(self.hub)):
                return total
            total += count
        raise AssertionError("the decider never comes to an end")

    async def deliver(self, connector: str = "east", *, free: int = 24) -> Claimed:
        """One round: claim and carry out; what was claimed."""
        claimed = await deliver.claim(self.hub, connector, free)
        await asyncio.gather(*(deliver.carry_out(self.hub, self.wire, job) for job in claimed.jobs))
        return claimed

    async def page(self, *events: Event) -> None:
        """Say, decide, deliver."""
        await self.say(*(events or (create(),)))
        await self.decide()
        await self.deliver()

    async def rows(self, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
        async def ask(connection: Connection) -> list[tuple[Any, ...]]:
            return [tuple(row.values()) for row in await connection.fetch(sql, *arguments)]

        return await self.hub.database.read(ask)

    async def value(self, sql: str, *arguments: Any) -> Any:
        return await self.hub.database.read(lambda c: c.fetchval(sql, *arguments))

    async def kinds(self) -> list[str]:
        return [kind for (kind,) in await self.rows("SELECT kind FROM timeline ORDER BY id")]


def create(key: str = "k", **more: Any) -> Event:
    return Event(action=Action.CREATE, dedup_key=key, title=f"{key} is down", services=("web",), **more)


def resolve(key: str = "k") -> Event:
    return Event(action=Action.RESOLVE, dedup_key=key)


async def open_office(
    database_url: str,
    bell: BellServer,
    clock: Clock,
    *,
    key: str = "a secret key of the tests",
    folder: Path | None = None,
    most: int = 6,
) -> Office:
    """A node of its own on that database, with `most` connections; with a `folder`, one that keeps a journal there."""
    database = await Database.connect(database_url, most=most)
    hub = Hub(
        database=database, now=clock, installation=UUID(int=7), seal=Seal(key), sources=sources.discover(), providers=KINDS,
        folder=folder,
    )  # fmt: skip
    await configure.refresh(hub)
    keeper = Keeper(hub, folder / "journal") if folder else None
    if keeper:
        await keeper.open()
    door = Doorway(hub, keeper)
    return Office(hub, door, Wire(), bell, clock, [asyncio.create_task(door.run())], keeper)


async def close_office(office: Office) -> None:
    for task in office.running:
        task.cancel()
    await asyncio.gather(*office.running, return_exceptions=True)
    await office.wire.close()
    await office.hub.database.close()
