"""What people and programs read: lists by page, one thing in full. Nothing here changes anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tocsin.core.model import Alert, Event, Incident
from tocsin.core.plan import Plan
from tocsin.store import incidents
from tocsin.store.database import Connection, Row
from tocsin.store.outbox import Remote, remote_of
from tocsin.store.rows import alert_of, event_in


@dataclass(frozen=True, slots=True)
class RemoteView:
    """A remote of the newest life, with how much outgoing work waits for it."""

    remote: Remote
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentView:
    """An incident with what a list shows of it. `alerts` counts its alerts, `repeats` their repeats."""

    incident: Incident
    plan: Plan
    updated_at: datetime
    alerts: int
    repeats: int
    remotes: tuple[RemoteView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView:
    """An alert, the name of its incident (None without one) and its last decision."""

    alert: Alert
    incident: str | None
    decision: Mapping[str, Any] | None
    config_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """A line of a timeline as stored."""

    id: int
    at: datetime
    incident_id: UUID | None
    kind: str
    reason: str
    text: str
    actor: str
    correlation_id: str
    took_ms: float | None
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """One attempt as stored."""

    id: int
    at: datetime
    connector: str
    service: str
    kind: str
    attempt: int
    step: str
    outcome: str
    reason: str
    status: int | None
    took_ms: float
    bundle: UUID | None
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentFilter:
    """Which incidents; an empty field asks for nothing. `text` is looked for in title and description."""

    statuses: Sequence[str] = ()
    severities: Sequence[str] = ()
    service: str = ""
    team: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFilter:
    """Which alerts; an empty field asks for nothing."""

    statuses: Sequence[str] = ()
    integration: str = ""
    incident: UUID | None = None
    text: str = ""


class _Where:
    """Conditions with numbered parameters."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.values: list[Any] = []

    def add(self, condition: str, *values: Any) -> None:
        """`condition` has one {} for each value."""
        numbers = []
        for value in values:
            self.values.append(value)
            numbers.append(f"${len(self.values)}")
        self.parts.append(condition.format(*numbers))

    @property
    def sql(self) -> str:
        return f"WHERE {' AND '.join(self.parts)}" if self.parts else ""


def _like(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


# ---- incidents ---------------------------------------------------------------------------------------


async def incident_page(
    connection: Connection, wanted: IncidentFilter, *, before: int | None, most: int
) -> list[IncidentView]:
    """Up to `most` incidents, the newest first; `before` = only numbers under it."""
    where = _Where()
    if wanted.statuses:
        where.add("i.status = ANY({})", list(wanted.statuses))
        if set(wanted.statuses) <= {"open", "mitigated"}:
            where.add("i.status IN ('open', 'mitigated')")  # the words of the index of those
    if wanted.severities:
        where.add("i.severity = ANY({})", list(wanted.severities))
    if wanted.service:
        where.add(
            "EXISTS (SELECT 1 FROM part p WHERE p.incident_id = i.id AND p.service = {})", wanted.service
        )
    if wanted.team:
        where.add("i.team = {}", wanted.team)
    if wanted.text:
        where.add("(i.title ILIKE {} OR i.description ILIKE {})", *[_like(wanted.text)] * 2)
    if before is not None:
        where.add("i.number < {}", before)
    rows = await connection.fetch(
        f"SELECT i.id FROM incident i {where.sql} ORDER BY i.number DESC LIMIT {int(most)}",  # noqa: S608 - built from constants
        *where.values,
    )
    ids = [row["id"] for row in rows]
    found = await incident_views(connection, ids)
    return [found[i] for i in ids if i in found]


async def incident_views(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, IncidentView]:
    """These incidents in full; unknown ids are missing."""
    if not ids:
        return {}
    kept = await incidents.load(connection, ids)
    wanted = list(kept)
    counted = {
        row["incident_id"]: row
        for row in await connection.fetch(
            "SELECT incident_id, count(*) AS alerts, coalesce(sum(count), 0) AS repeats FROM alert"
            " WHERE incident_id = ANY($1) GROUP BY incident_id",
            wanted,
        )
    }
    updated = {
        row["id"]: row["updated_at"]
        for row in await connection.fetch("SELECT id, updated_at FROM incident WHERE id = ANY($1)", wanted)
    }
    remotes = await _remotes(connection, wanted)
    views = {}
    for incident_id, known in kept.items():
        count = counted.get(incident_id)
        views[incident_id] = IncidentView(
            incident=known.incident, plan=known.plan, updated_at=updated[incident_id],
            alerts=count["alerts"] if count else 0, repeats=int(count["repeats"]) if count else 0,
            remotes=tuple(remotes[incident_id]),
        )  # fmt: skip
    return views


async def _remotes(connection: Connection, ids: list[UUID]) -> dict[UUID, list[RemoteView]]:
    rows = await connection.fetch(
        """
        SELECT m.*, (SELECT count(*) FROM effect e WHERE e.remote = m.id AND e.state IN ('waiting', 'leased')) AS waiting
        FROM (SELECT DISTINCT ON (incident_id, connector, service, recipient) * FROM remote WHERE incident_id = ANY($1)
          ORDER BY incident_id, connector, service, recipient, life DESC) m
        ORDER BY m.incident_id, m.id
        """,
        ids,
    )
    found: dict[UUID, list[RemoteView]] = defaultdict(list)
    for row in rows:
        found[row["incident_id"]].append(RemoteView(remote_of(row), row["waiting"]))
    return found


async def incident_names(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, str]:
    """Incident id -> "INC-7"."""
    rows = await connection.fetch("SELECT id, number FROM incident WHERE id = ANY($1)", list(ids))
    return {row["id"]: f"INC-{row['number']}" for row in rows}


# ---- timeline and deliveries -------------------------------------------------------------------------


async def timeline(
    connection: Connection, incident: UUID, *, after: tuple[datetime, int] | None, most: int
) -> list[LineView]:
    """Lines of an incident, the oldest first; `after` = (at, id) of the last one seen."""
    rows = await connection.fetch(
        "SELECT * FROM timeline WHERE incident_id = $1 AND ($2::timestamptz IS NULL OR (at, id) > ($2, $3::bigint))"
        " ORDER BY at, id LIMIT $4",
        incident, *(after or (None, 0)), most,
    )  # fmt: skip
    return [_line(row) for row in rows]


async def new_lines(connection: Connection, marks: Mapping[UUID, int], since: datetime) -> list[LineView]:
    """Lines of these incidents with an id over the incident's mark, in order of id. `since` bounds the search."""
    rows = await connection.fetch(
        "SELECT t.* FROM unnest($1::uuid[], $2::bigint[]) AS m (incident, mark)"
        " JOIN timeline t ON t.incident_id = m.incident AND t.at >= $3 AND t.id > m.mark ORDER BY t.id LIMIT 2000",
        list(marks), list(marks.values()), since,
    )  # fmt: skip
    return [_line(row) for row in rows]


async def newest_line(connection: Connection) -> int:
    """The highest id given to a line so far, committed or not; 0 before the first."""
    value: int = await connection.fetchval(
        "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('timeline', 'id')::regclass), 0)"
    )
    return value


def _line(row: Row) -> LineView:
    return LineView(
        id=row["id"], at=row["at"], incident_id=row["incident_id"], kind=row["kind"], reason=row["reason"],
        text=row["text"], actor=row["actor"], correlation_id=row["correlation_id"], took_ms=row["took_ms"],
        data=row["data"],
    )  # fmt: skip


async def deliveries(
    connection: Connection, incident: UUID, *, after: tuple[datetime, int] | None, most: int
) -> list[DeliveryView]:
    """Attempts for an incident, the oldest first."""
    rows = await connection.fetch(
        "SELECT * FROM delivery WHERE incident_id = $1 AND ($2::timestamptz IS NULL OR (at, id) > ($2, $3::bigint))"
        " ORDER BY at, id LIMIT $4",
        incident, *(after or (None, 0)), most,
    )  # fmt: skip
    return [
        DeliveryView(
            id=row["id"], at=row["at"], connector=row["connector"], service=row["service"], kind=row["kind"],
            attempt=row["attempt"], step=row["step"], outcome=row["outcome"], reason=row["reason"],
            status=row["status"], took_ms=row["took_ms"], bundle=row["bundle"], calls=row["calls"],
        )
        for row in rows
    ]  # fmt: skip


# ---- alerts ------------------------------------------------------------------------------------------


async def alert_page(
    connection: Connection, wanted: AlertFilter, *, before: tuple[datetime, UUID] | None, most: int
) -> list[AlertView]:
    """Up to `most` alerts, the newest first; `before` = (first event at, id) of the last one seen."""
    where = _Where()
    if wanted.statuses:
        where.add("a.status = ANY({})", list(wanted.statuses))
    if wanted.integration:
        where.add("a.integration = {}", wanted.integration)
    if wanted.incident is not None:
        where.add("a.incident_id = {}", wanted.incident)
    if wanted.text:
        where.add("(a.title ILIKE {} OR a.description ILIKE {})", *[_like(wanted.text)] * 2)
    if before is not None:
        where.add("(a.first_event_at, a.id) < ({}, {})", *before)
    rows = await connection.fetch(
        "SELECT a.*, i.number AS incident_number FROM alert a LEFT JOIN incident i ON i.id = a.incident_id"  # noqa: S608 - built from constants
        f" {where.sql} ORDER BY a.first_event_at DESC, a.id DESC LIMIT {int(most)}",
        *where.values,
    )
    return [_alert(row) for row in rows]


async def alert(connection: Connection, wanted: UUID) -> AlertView | None:
    """One alert; None when there is no such one."""
    row = await connection.fetchrow(
        "SELECT a.*, i.number AS incident_number FROM alert a LEFT JOIN incident i ON i.id = a.incident_id WHERE a.id = $1",
        wanted,
    )
    return _alert(row) if row else None


async def leading_alert(connection: Connection, incident: UUID) -> AlertView | None:
    """The alert that opened an incident; None for one without alerts."""
    row = await connection.fetchrow(
        "SELECT a.*, i.number AS incident_number FROM alert a JOIN incident i ON i.id = a.incident_id"
        " WHERE a.incident_id = $1 ORDER BY a.correlation_id <> i.correlation_id, a.first_event_at, a.id LIMIT 1",
        incident,
    )
    return _alert(row) if row else None


async def last_told(connection: Connection, wanted: UUID) -> Event | None:
    """The newest create event of an alert as its sender told it; None once retention has taken it."""
    row = await connection.fetchrow(
        "SELECT body FROM event WHERE alert_id = $1 AND action = 'create' ORDER BY id DESC LIMIT 1", wanted
    )
    return event_in(row["body"]) if row else None


def _alert(row: Row) -> AlertView:
    number = row["incident_number"]
    return AlertView(
        alert=alert_of(row), incident=f"INC-{number}" if number is not None else None, decision=row["decision"],
        config_version=row["config_version"],
    )  # fmt: skip
