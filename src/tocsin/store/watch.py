"""What the watch asks of the database: three short statements by index, whatever the size of the tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from tocsin.core.alarm import INTEGRATION, Alarm
from tocsin.core.breaker import BreakerState
from tocsin.core.severity import Severity
from tocsin.core.watch import NOTICE, SILENT_AFTER, Ending, Queue, Silent
from tocsin.store.database import Connection
from tocsin.store.migrate import GROWING, week_of

_HEADS = 200
"""Heads of a connector's queues looked at: those that would be sent first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnWork:
    """Since when the oldest of each kind waits; None = nothing does."""

    undecided_since: datetime | None
    timer_due: datetime | None
    hook_since: datetime | None
    weeks_missing: tuple[str, ...]


async def queues(connection: Connection, connectors: Sequence[str], now: datetime) -> tuple[Queue, ...]:
    """Each connector's outgoing work; only heads count, since what stands behind one waits for it."""
    rows = await connection.fetch(
        f"""
        SELECT c.name, coalesce(s.breaker, 'closed') AS breaker, s.opened_at, s.hold_until, s.last_success_at,
          s.last_failure_at, coalesce(s.last_error, '') AS last_error, q.due_since, q.tried_since
        FROM unnest($1::text[]) AS c (name) LEFT JOIN connector_state s ON s.connector = c.name
        LEFT JOIN LATERAL (
          SELECT min(h.ready) FILTER (WHERE h.ready <= $2) AS due_since, min(h.made_at) FILTER (WHERE h.attempts > 0) AS tried_since
          FROM (
            SELECT CASE WHEN e.state = 'leased' THEN e.lease_until ELSE e.due END AS ready, e.made_at, e.attempts FROM effect e
            WHERE e.connector = c.name AND e.state IN ('waiting', 'leased') AND NOT EXISTS (
              SELECT 1 FROM effect p WHERE p.remote = e.remote AND p.id < e.id AND p.state IN ('waiting', 'leased'))
            ORDER BY e.urgent DESC, e.id LIMIT {_HEADS}) h) q ON true
        """,  # noqa: S608 - a number of ours
        list(connectors), now,
    )  # fmt: skip
    return tuple(
        Queue(
            connector=row["name"], due_since=row["due_since"], tried_since=row["tried_since"],
            breaker=BreakerState(row["breaker"]), opened_at=row["opened_at"], hold_until=row["hold_until"],
            last_success_at=row["last_success_at"], last_failure_at=row["last_failure_at"], last_error=row["last_error"],
        )
        for row in rows
    )  # fmt: skip


async def own_work(connection: Connection, today: date) -> OwnWork:
    """What waits inside, and the growing tables that have no partition for next week."""
    following = week_of(today) + timedelta(weeks=1)
    row = await connection.fetchrow(
        "SELECT (SELECT min(undecided_since) FROM alert WHERE undecided_since IS NOT NULL) AS undecided,"
        " (SELECT min(due) FROM timer) AS timer,"
        " (SELECT min(received_at) FROM hook WHERE state = 'pending') AS hook,"
        " ARRAY(SELECT t FROM unnest($1::text[]) t WHERE to_regclass(t || $2) IS NULL) AS missing",
        list(GROWING),
        f"_{following:%Y%m%d}",
    )
    assert row is not None
    return OwnWork(
        undecided_since=row["undecided"], timer_due=row["timer"], hook_since=row["hook"],
        weeks_missing=tuple(row["missing"]),
    )  # fmt: skip


async def tokens_ending(connection: Connection, now: datetime) -> tuple[Ending, ...]:
    """Tokens that end within the notice."""
    rows = await connection.fetch(
        "SELECT id, name, made_at, expires_at FROM api_token WHERE revoked_at IS NULL AND expires_at > $1 AND expires_at <= $2",
        now,
        now + NOTICE,
    )
    return tuple(
        Ending(id=str(r["id"]), name=r["name"], made_at=r["made_at"], expires_at=r["expires_at"])
        for r in rows
    )


async def silent_nodes(connection: Connection, node: UUID | None, now: datetime) -> tuple[Silent, ...]:
    """Nodes that fell silent, but for those whose name another one bears that is up: they were started again."""
    rows = await connection.fetch(
        "SELECT n.id, n.name, n.host, n.seen_at FROM node n WHERE n.seen_at < $1 AND n.id IS DISTINCT FROM $2"
        " AND NOT EXISTS (SELECT 1 FROM node m WHERE m.name = n.name AND (m.seen_at >= $1 OR m.id = $2))"
        " ORDER BY n.seen_at",
        now - SILENT_AFTER,
        node,
    )
    return tuple(Silent(id=str(r["id"]), name=r["name"] or r["host"], seen_at=r["seen_at"]) for r in rows)


async def not_got_through(connection: Connection, raised_before: datetime, now: datetime) -> list[Alarm]:
    """Alarms that go on since then and are nowhere seen created: not told, not decided, or asked in vain.

    One that the configuration keeps quiet, or that somebody acknowledged, is none of them. Marked as told by
    the watch itself, so this must commit before it sends; a mark of which nothing came is taken over after a minute.
    """
    rows = await connection.fetch(
        """
        UPDATE alarm m SET direct_at = $3 WHERE m.cleared_at IS NULL AND m.raised_at <= $1 AND m.direct_to = ''
          AND (m.direct_at IS NULL OR m.direct_at <= $3::timestamptz - interval '1 min') AND (
          m.told <> 'raised' OR EXISTS (
            SELECT 1 FROM alert a LEFT JOIN incident i ON i.id = a.incident_id
            WHERE a.scope = $2 AND a.dedup_key = m.key AND a.status <> 'resolved' AND (
              a.status = 'queued' AND a.undecided_since <= $1
              OR i.status = 'open' AND EXISTS (SELECT 1 FROM remote r WHERE r.incident_id = i.id AND r.asked_at <= $1)
                AND NOT EXISTS (SELECT 1 FROM remote r WHERE r.incident_id = i.id AND r.created_at IS NOT NULL))))
        RETURNING m.*
        """,
        raised_before, INTEGRATION, now,
    )  # fmt: skip
    return [
        Alarm(
            key=r["key"],
            title=r["title"],
            text=r["text"],
            severity=Severity(r["severity"]),
            connector=r["connector"],
        )
        for r in rows
    ]


async def sent_directly(connection: Connection, key: str, to: str) -> None:
    """By whom it was told; "" = by nobody: it is tried again at the next look."""
    await connection.execute(
        "UPDATE alarm SET direct_to = $2, direct_at = CASE WHEN $2 = '' THEN NULL ELSE direct_at END WHERE key = $1",
        key,
        to,
    )
