"""Differences to providers as rows: open one, see it again, end it, list them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tocsin.core.divergence import Difference, DifferenceKind
from tocsin.core.model import IncidentStatus
from tocsin.core.ports import RemoteStatus
from tocsin.store.database import Connection, Row
from tocsin.store.outbox import Remote


@dataclass(frozen=True, slots=True, kw_only=True)
class DivergenceView:
    """One as stored; `incident` is its number. `times` counts how often it was seen."""

    id: int
    connector: str
    incident: int
    service: str
    kind: str
    what: str
    ours: str
    theirs: str
    since: datetime
    seen_at: datetime
    times: int
    decision: str
    reason: str
    ended_at: datetime | None
    ended_why: str


@dataclass(frozen=True, slots=True)
class Standing:
    """One that is open, with how the two sides stand now."""

    id: int
    connector: str
    incident_id: UUID
    kind: DifferenceKind
    what: str
    ours: IncidentStatus
    theirs: RemoteStatus


async def see(connection: Connection, remote: Remote, found: Difference, now: datetime) -> bool:
    """Open it, or note that it was seen again; True when it is new."""
    fresh: bool = await connection.fetchval(
        "INSERT INTO divergence (connector, incident_id, remote, service, kind, what, ours, theirs, since, seen_at,"
        " decision, reason) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11)"
        " ON CONFLICT (remote, kind, what) WHERE ended_at IS NULL DO UPDATE SET seen_at = excluded.seen_at,"
        " times = divergence.times + 1, ours = excluded.ours, theirs = excluded.theirs, decision = excluded.decision,"
        " reason = excluded.reason RETURNING xmax = 0",
        remote.connector, remote.incident_id, remote.id, remote.service, found.kind.value, found.what[:200], found.ours,
        found.theirs[:200], now, found.decision, found.reason[:1000],
    )  # fmt: skip
    return fresh


async def standing(connection: Connection) -> list[Standing]:
    """Every open one and how both sides stand, locked; those another node looks at now are passed over."""
    rows = await connection.fetch(
        "SELECT d.id, d.connector, d.incident_id, d.kind, d.what, m.status AS theirs, coalesce(p.status, i.status) AS part,"
        " i.status AS whole FROM divergence d JOIN remote m ON m.id = d.remote JOIN incident i ON i.id = d.incident_id"
        " LEFT JOIN part p ON p.incident_id = d.incident_id AND p.service = d.service"
        " WHERE d.ended_at IS NULL ORDER BY d.id FOR UPDATE OF d SKIP LOCKED"
    )
    return [
        Standing(
            row["id"], row["connector"], row["incident_id"], DifferenceKind(row["kind"]), row["what"],
            IncidentStatus(row["whole"] if row["whole"] == "closed" else row["part"]), RemoteStatus(row["theirs"]),
        )
        for row in rows
    ]  # fmt: skip


async def end(connection: Connection, over: Mapping[int, str], now: datetime) -> None:
    """Id -> why it is over."""
    await connection.execute(
        "UPDATE divergence d SET ended_at = $3, ended_why = r.why FROM unnest($1::bigint[], $2::text[]) AS r (id, why)"
        " WHERE d.id = r.id",
        list(over), list(over.values()), now,
    )  # fmt: skip


async def page(
    connection: Connection, *, connector: str, incident: UUID | None, ended: bool | None,
    before: tuple[datetime, int] | None, most: int,
) -> list[DivergenceView]:  # fmt: skip
    """The newest first; `connector` "" and `incident` None = all; `ended` None = open and ended ones."""
    rows = await connection.fetch(
        "SELECT d.*, i.number FROM divergence d JOIN incident i ON i.id = d.incident_id"
        " WHERE ($1 = '' OR d.connector = $1) AND ($2::uuid IS NULL OR d.incident_id = $2)"
        " AND ($3::boolean IS NULL OR (d.ended_at IS NOT NULL) = $3)"
        " AND ($4::timestamptz IS NULL OR (d.since, d.id) < ($4, $5::bigint)) ORDER BY d.since DESC, d.id DESC LIMIT $6",
        connector, incident, ended, *(before or (None, 0)), most,
    )  # fmt: skip
    return [_view(row) for row in rows]


async def counts(connection: Connection) -> dict[str, int]:
    """Connector -> how many are open; one without any is missing."""
    rows = await connection.fetch(
        "SELECT connector, count(*) AS n FROM divergence WHERE ended_at IS NULL GROUP BY connector"
    )
    return {row["connector"]: row["n"] for row in rows}


def _view(row: Row) -> DivergenceView:
    return DivergenceView(
        id=row["id"], connector=row["connector"], incident=row["number"], service=row["service"], kind=row["kind"],
        what=row["what"], ours=row["ours"], theirs=row["theirs"], since=row["since"], seen_at=row["seen_at"],
        times=row["times"], decision=row["decision"], reason=row["reason"], ended_at=row["ended_at"],
        ended_why=row["ended_why"],
    )  # fmt: skip
