"""What the records say of one connector: attempts, queue, readings, and how they went over time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tocsin.store.database import Connection

DAY, MINUTE = timedelta(hours=24), timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """Of one connector. `attempts` and `errors` of a day, `calls` of the last minute; `live` incidents there, read last
    at `read_at`; `queued` effects wait, the oldest due since `oldest`."""

    attempts: int
    errors: int
    calls: int
    live: int
    read_at: datetime | None
    queued: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """Attempts within one minute or hour that begins `at`, and webhooks that came in it."""

    at: datetime
    attempts: int
    errors: int
    calls: int
    average_ms: float
    slowest_ms: float
    webhooks: int


async def of(connection: Connection, connector: str, now: datetime) -> Vitals:
    """How it fares now."""
    row = await connection.fetchrow(
        "SELECT"
        " (SELECT count(*) FROM delivery WHERE connector = $1 AND at > $2) AS attempts,"
        " (SELECT count(*) FROM delivery WHERE connector = $1 AND at > $2 AND outcome NOT IN ('accepted', 'skipped', 'pending')) AS errors,"
        " (SELECT coalesce(sum(calls), 0) FROM delivery WHERE connector = $1 AND at > $3) AS calls,"
        " (SELECT count(*) FROM remote r JOIN incident i ON i.id = r.incident_id WHERE r.connector = $1 AND r.created_at IS NOT NULL"
        "   AND r.resolved_at IS NULL AND i.status IN ('open', 'mitigated')) AS live,"
        " (SELECT max(r.read_at) FROM remote r JOIN incident i ON i.id = r.incident_id WHERE r.connector = $1"
        "   AND i.status IN ('open', 'mitigated')) AS read_at,"
        " (SELECT count(*) FROM effect WHERE connector = $1 AND state IN ('waiting', 'leased')) AS queued,"
        " (SELECT min(due) FROM effect WHERE connector = $1 AND state IN ('waiting', 'leased')) AS oldest",
        connector, now - DAY, now - MINUTE,
    )  # fmt: skip
    assert row is not None
    return Vitals(**dict(row))


async def beats(connection: Connection, connector: str, start: datetime, *, hours: bool) -> list[Beat]:
    """From `start` on by minute, or by hour, the oldest first; where nothing happened there is none."""
    rows = await connection.fetch(
        "SELECT at, sum(attempts)::int AS attempts, sum(errors)::int AS errors, sum(calls)::int AS calls,"
        " coalesce(sum(took) / nullif(sum(attempts), 0), 0) AS average_ms, coalesce(max(slowest), 0) AS slowest_ms,"
        " sum(webhooks)::int AS webhooks FROM ("
        " SELECT date_trunc($3, at, 'UTC') AS at, count(*) AS attempts,"
        "   count(*) FILTER (WHERE outcome NOT IN ('accepted', 'skipped', 'pending')) AS errors, sum(calls) AS calls,"
        "   sum(took_ms)::float8 AS took, max(took_ms)::float8 AS slowest, 0 AS webhooks"
        "   FROM delivery WHERE connector = $1 AND at >= $2 GROUP BY 1"
        " UNION ALL"
        " SELECT date_trunc($3, received_at, 'UTC'), 0, 0, 0, 0, 0, count(*) FROM hook"
        "   WHERE connector = $1 AND received_at >= $2 AND state <> 'quarantined' GROUP BY 1"
        ") both_ways GROUP BY 1 ORDER BY 1",
        connector, start, "hour" if hours else "minute",
    )  # fmt: skip
    return [Beat(**dict(row)) for row in rows]
