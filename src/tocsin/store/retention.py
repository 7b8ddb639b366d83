"""What only grows is forgotten after a while: by dropping partitions, and by deleting rows where there are none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta

from tocsin.store import audit
from tocsin.store.database import Connection, Database
from tocsin.store.migrate import GROWING, week_of

_PATIENCE = "2s"
"""A drop waits for whoever reads the table, and everybody else waits behind it: intake must not for long."""
_BATCH = 2000


Farewell = Callable[[Connection, str, datetime | None], Awaitable[None]]
"""Asked before rows go, in the same transaction: the table, and before which time (None = all of it)."""


async def drop_before(
    database: Database, table: str, day: date, farewell: Farewell | None = None
) -> list[str]:
    """Drop the partitions of `table` that end on or before `day`, and what lies so far back in its default
    partition; the names of those dropped.

    Each is a transaction of its own that gives up after two seconds, so some may be left for the next time:
    then it raises what PostgreSQL said.
    """
    if table not in GROWING:
        raise ValueError(f"{table} is not a table that only grows")
    dropped = []
    for name, end in await database.read(lambda c: _partitions(c, table)):
        if end <= day:
            await database.transact(lambda c, name=name, end=end: _drop(c, table, name, end, farewell))  # type: ignore[misc]
            dropped.append(name)
    await database.transact(lambda c: _empty_rest(c, table, day, farewell))
    return dropped


async def _partitions(connection: Connection, table: str) -> list[tuple[str, date]]:
    """(name, the day after its last) of each week's partition, the oldest first."""
    rows = await connection.fetch(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::regclass",
        table,
    )
    found = []
    for row in rows:
        suffix = row["relname"].removeprefix(f"{table}_")
        if suffix.isdigit():
            start = datetime.strptime(suffix, "%Y%m%d").replace(tzinfo=UTC).date()
            found.append((row["relname"], start + timedelta(weeks=1)))
    return sorted(found)


async def _drop(connection: Connection, table: str, name: str, end: date, farewell: Farewell | None) -> None:
    await connection.execute(f"SET LOCAL lock_timeout = '{_PATIENCE}'")
    if farewell is not None:
        await farewell(connection, name, None)
    await connection.execute(
        f"DROP TABLE IF EXISTS {name}"
    )  # by (table, week): nothing here comes from outside
    await connection.execute(
        "INSERT INTO forgotten (name, before) VALUES ($1, $2)"
        " ON CONFLICT (name) DO UPDATE SET before = greatest(forgotten.before, excluded.before)",
        table, datetime(end.year, end.month, end.day, tzinfo=UTC),
    )  # fmt: skip


async def _empty_rest(connection: Connection, table: str, day: date, farewell: Farewell | None) -> None:
    """What a clock far off put into the default partition goes as well."""
    monday = week_of(day)
    before = datetime(monday.year, monday.month, monday.day, tzinfo=UTC)
    if farewell is not None:
        await farewell(connection, f"{table}_rest", before)
    await connection.execute(f"DELETE FROM {table}_rest WHERE {GROWING[table]} < $1", before)  # noqa: S608 - names of ours


async def lines_lost(connection: Connection, incident: object) -> datetime | None:
    """Until when lines of this incident's timeline have been forgotten; None when all are there."""
    before: datetime | None = await connection.fetchval(
        "SELECT f.before FROM forgotten f, incident i WHERE f.name = 'timeline' AND i.id = $1 AND i.opened_at < f.before",
        incident,
    )
    return before


async def still_needed(connection: Connection, table: str) -> datetime | None:
    """Since when rows of `table` are still work to do: those are never dropped, however old. None = none."""
    since: datetime | None = None
    if table in ("raw_request", "event"):
        since = await connection.fetchval(
            "SELECT min(undecided_since) FROM alert WHERE undecided_since IS NOT NULL"
        )
    elif table == "audit":
        since = await audit.unlinked_since(connection)
    elif table == "hook":
        since = await connection.fetchval("SELECT min(received_at) FROM hook WHERE state = 'pending'")
    return since


async def trim_effects(connection: Connection, before: datetime) -> int:
    """Delete some effects settled before, of incidents that are over; how many. Those of a live incident
    stay, for their names keep the same thing from being done twice."""
    done = await connection.execute(
        "DELETE FROM effect WHERE id IN (SELECT e.id FROM effect e JOIN incident i ON i.id = e.incident_id"
        " WHERE e.settled_at < $1 AND e.state NOT IN ('waiting', 'leased') AND i.status IN ('resolved', 'closed')"
        " AND coalesce(i.closed_at, i.resolved_at) < $1 ORDER BY e.id LIMIT $2)",
        before, _BATCH,
    )  # fmt: skip
    return _count(done)


async def trim_small(connection: Connection, now: datetime, webhooks_before: datetime) -> None:
    """Sessions that are over, and marks of changes that no provider will deliver again."""
    await connection.execute("DELETE FROM session WHERE expires_at < $1", now - timedelta(days=1))
    await connection.execute("DELETE FROM change_seen WHERE seen_at < $1", webhooks_before)
    await connection.execute("DELETE FROM node WHERE seen_at < $1", now - timedelta(days=1))


def _count(done: str) -> int:
    return int(done.rsplit(" ", 1)[1])
