"""A number that only rises tells a database from an older copy of itself, and the hold that follows (S48)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.core.hold import Hold
from tocsin.store.database import Connection, Database


@dataclass(frozen=True, slots=True)
class Mark:
    """How often any node has looked in, the database's clock now, how long nobody had, and the hold that
    goes on."""

    number: int
    at: datetime
    since_last: timedelta
    hold: Hold | None = None


async def beat(database: Database) -> Mark:
    """Raise the mark by one: a write so small that it tells whether the database takes any."""

    async def work(connection: Connection) -> Mark:
        row = await connection.fetchrow(
            "WITH seen AS (UPDATE mark m SET number = m.number + 1, at = clock_timestamp() FROM"
            " (SELECT at FROM mark FOR UPDATE) b RETURNING m.number, m.at, m.at - b.at AS since_last)"
            " SELECT seen.*, h.since, h.until, h.reason FROM seen LEFT JOIN hold h ON h.ended_at IS NULL"
        )
        assert row is not None
        hold = Hold(since=row["since"], until=row["until"], reason=row["reason"]) if row["since"] else None
        return Mark(row["number"], row["at"], row["since_last"], hold)

    return await database.read(work)


async def begin_hold(connection: Connection, hold: Hold, node: UUID | None, number: int) -> bool:
    """Hold, and never fall below `number` again; False when a hold goes on already.

    What waits may have been sent after the copy was made: it is looked for before it is sent.
    """
    await connection.execute("UPDATE mark SET number = greatest(number, $1)", number)
    done = await connection.execute(
        "INSERT INTO hold (since, until, reason, node) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        hold.since, hold.until, hold.reason, node,
    )  # fmt: skip
    await connection.execute(
        "UPDATE effect SET ambiguous = true WHERE kind IN ('create', 'reopen') AND state IN ('waiting', 'leased') AND made_at < $1",
        hold.since,
    )
    return done.endswith(" 1")


async def end_hold(connection: Connection, by: str, now: datetime) -> bool:
    """True when there was one to end."""
    done = await connection.execute(
        "UPDATE hold SET ended_at = $2, ended_by = $1 WHERE ended_at IS NULL", by, now
    )
    return done.endswith(" 1")


async def backlog(connection: Connection, now: datetime) -> bool:
    """True when something waits that should have been done."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT 1 FROM alert WHERE undecided_since IS NOT NULL AND undecided_since < $1)"
        " OR EXISTS (SELECT 1 FROM effect WHERE state IN ('waiting', 'leased') AND due < $1)"
        " OR EXISTS (SELECT 1 FROM timer WHERE due < $1)",
        now,
    )
    return found


@dataclass(frozen=True, slots=True)
class WouldPage:
    """Work from before the hold: a page that waits at a connector, or ("" = none yet) one to be looked at."""

    incident: str
    title: str
    severity: str
    connector: str
    why: str


async def would_page(connection: Connection, since: datetime, most: int = 100) -> list[WouldPage]:
    """What would go out if the hold ended now, the worst first."""
    rows = await connection.fetch(
        """
        SELECT i.number, i.title, i.severity, w.connector, w.why FROM (
          SELECT e.incident_id, e.connector, 'waits since ' || to_char(e.made_at, 'YYYY-MM-DD HH24:MI "UTC"') AS why
          FROM effect e WHERE e.kind IN ('create', 'reopen') AND e.state IN ('waiting', 'leased') AND e.made_at < $1
          UNION ALL
          SELECT t.incident_id, '', 'the next step is due' FROM timer t WHERE t.due <= $1) w
        JOIN incident i ON i.id = w.incident_id WHERE i.status = 'open'
        ORDER BY array_position(ARRAY['critical', 'high', 'medium', 'low'], i.severity), i.number, w.connector LIMIT $2
        """,
        since, most,
    )  # fmt: skip
    return [
        WouldPage(f"INC-{row['number']}", row["title"], row["severity"], row["connector"], row["why"])
        for row in rows
    ]
