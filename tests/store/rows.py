"""Rows for the store's tests: an incident with its remotes and effects, an alert at the door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from tocsin.core.model import (
    Alert,
    AlertId,
    AlertStatus,
    CorrelationId,
    Incident,
    IncidentId,
    IncidentStatus,
    Part,
)
from tocsin.core.plan import Plan
from tocsin.core.ports import EffectKind
from tocsin.core.severity import Severity
from tocsin.store import sheet
from tocsin.store.database import Connection, Database
from tocsin.store.intake import Door
from tocsin.store.sheet import NewEffect, NewRemote, RemoteName, Sheet

NOON = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)
LEASE = timedelta(seconds=40)
_numbers = count(1)


def seconds(amount: float) -> timedelta:
    return timedelta(seconds=amount)


def an_incident(**changes: Any) -> Incident:
    number = next(_numbers)
    values: dict[str, Any] = {
        "id": IncidentId(UUID(int=1000 + number)), "number": number, "title": "Login is down", "severity": Severity.HIGH,
        "status": IncidentStatus.OPEN, "correlation_id": CorrelationId(f"c-{number}"), "opened_at": NOON,
        "parts": (Part(service="web", status=IncidentStatus.OPEN, changed_at=NOON),),
    }  # fmt: skip
    return Incident(**{**values, **changes})


def an_alert(key: str = "k", **changes: Any) -> Alert:
    values: dict[str, Any] = {
        "id": AlertId(UUID(int=next(_numbers))), "integration": "prometheus", "scope": "prometheus", "source": "webhook",
        "dedup_key": key, "status": AlertStatus.QUEUED, "title": "Disk full", "correlation_id": CorrelationId("c-1"),
        "first_event_at": NOON, "last_event_at": NOON,
    }  # fmt: skip
    return Alert(**{**values, **changes})


def at_the_door(alert: Alert, fingerprint: bytes = b"same", *, born: bool = True) -> Door:
    return Door(alert, fingerprint, born)


def effect_on(
    incident: Incident, key: str, kind: EffectKind = EffectKind.CREATE, *, connector: str = "pd", urgent: int = 0,
    due: datetime = NOON, made_at: datetime = NOON,
) -> NewEffect:  # fmt: skip
    name = RemoteName(incident.id, connector, "web", "", 1)
    return NewEffect(key, name, kind, {"mark": key}, due, made_at, urgent)


async def save_effects(
    database: Database, incident: Incident, *effects: NewEffect, now: datetime = NOON
) -> None:
    """Save the incident with a remote for each connector named, and these effects, in order."""
    filled = Sheet()
    filled.incidents[incident.id] = (incident, Plan())
    names = dict.fromkeys(effect.remote for effect in effects)
    filled.remotes = [NewRemote(name, f"key {name.connector}", 0, now) for name in names]
    filled.effects = list(effects)
    await database.transact(lambda c: sheet.save(c, filled, now))


async def value(database: Database, sql: str, *arguments: Any) -> Any:
    """One value of one row."""
    ask: Callable[[Connection], Awaitable[Any]] = lambda c: c.fetchval(sql, *arguments)
    return await database.read(ask)


async def column(database: Database, sql: str, *arguments: Any) -> list[Any]:
    """The first column of every row."""

    async def ask(connection: Connection) -> list[Any]:
        return [row[0] for row in await connection.fetch(sql, *arguments)]

    return await database.read(ask)
