"""Bring a database forward to this version's tables, and keep the partitions of growing tables ahead."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from uuid import UUID

from tocsin.store.database import Connection, Database

GROWING = {
    "raw_request": "received_at",
    "event": "received_at",
    "delivery": "at",
    "timeline": "at",
    "audit": "at",
    "hook": "received_at",
    "log_line": "at",
}
"""Tables that only grow -> their partition column. One partition a week, so retention is a drop."""

_WEEKS_AHEAD = 4
PRE = "_pre_"
"""In the name of a migration that only adds: the version before lives with it."""
_LOCK = 7_205_759


class NewerDatabase(Exception):
    """The database was made by a later version of Tocsin."""


def migrations() -> list[tuple[str, str]]:
    """(name, SQL) of every migration in order; `_pre_` runs before a deploy, `_post_` after it."""
    folder = files("tocsin.store") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(name.removesuffix(".sql"), (folder / name).read_text()) for name in names]


async def migrate(database: Database, *, today: date, new_installation: UUID) -> list[str]:
    """Run what is missing, each migration in the same transaction; names of those that ran.

    Several nodes may call it at once: an advisory lock lets one through. What a later version has only added
    (`_pre_`) is no hindrance: a node of the old one may be started again in the middle of an upgrade. Raises
    NewerDatabase for anything else that is unknown.
    """
    known = migrations()

    async def work(connection: Connection) -> list[str]:
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migration"
            " (name text PRIMARY KEY, ran_at timestamptz NOT NULL DEFAULT now())"
        )
        done = {row["name"] for row in await connection.fetch("SELECT name FROM schema_migration")}
        if closed := {name for name in done - {name for name, _ in known} if PRE not in name}:
            raise NewerDatabase(
                f"The database holds the migration {max(closed)}, which this version does not know and cannot live with. "
                "Start the version that made it, or restore a backup taken before the upgrade."
            )
        ran = []
        for name, sql in known:
            if name not in done:
                await connection.execute(sql)
                await connection.execute("INSERT INTO schema_migration (name) VALUES ($1)", name)
                ran.append(name)
        await connection.execute(
            "INSERT INTO installation (id) VALUES ($1) ON CONFLICT DO NOTHING", new_installation
        )
        await _make_partitions(connection, today)
        return ran

    return await database.transact(work)


async def unknown_migrations(database: Database) -> list[str]:
    """Those that ran and that this version does not know: a later one is here too. Empty = none."""

    async def ask(connection: Connection) -> list[str]:
        rows = await connection.fetch("SELECT name FROM schema_migration ORDER BY name")
        known = {name for name, _ in migrations()}
        return [row["name"] for row in rows if row["name"] not in known]

    return await database.read(ask)


async def keep_partitions_ahead(database: Database, today: date) -> None:
    """Make the partitions of the coming weeks; cheap when they are there."""

    async def work(connection: Connection) -> None:
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await _make_partitions(connection, today)

    await database.transact(work)


def week_of(day: date) -> date:
    """The Monday of its week: the first day of its partition."""
    return day - timedelta(days=day.weekday())


async def _make_partitions(connection: Connection, today: date) -> None:
    there = {
        row["relname"] for row in await connection.fetch("SELECT relname FROM pg_class WHERE relkind = 'r'")
    }
    for table in GROWING:
        if f"{table}_rest" not in there:
            # what a clock far off asks for must still be stored
            await connection.execute(f"CREATE TABLE {table}_rest PARTITION OF {table} DEFAULT")
        for week in range(_WEEKS_AHEAD + 1):
            start = week_of(today) + timedelta(weeks=week)
            if f"{table}_{start:%Y%m%d}" not in there:
                await _make_partition(connection, table, start)


async def _make_partition(connection: Connection, table: str, start: date) -> None:
    """One week's partition. PostgreSQL refuses one whose rows lie in the default partition already (a clock
    that was ahead put them there): they move with it."""
    name, column = f"{table}_{start:%Y%m%d}", GROWING[table]
    low, high = (
        datetime(d.year, d.month, d.day, tzinfo=UTC).isoformat() for d in (start, start + timedelta(weeks=1))
    )
    bounds = f"FOR VALUES FROM ('{low}') TO ('{high}')"
    # by (table, day): nothing here comes from outside
    within = f"FROM {table}_rest WHERE {column} >= '{low}' AND {column} < '{high}'"
    if not await connection.fetchval(f"SELECT EXISTS (SELECT 1 {within})"):
        await connection.execute(f"CREATE TABLE {name} PARTITION OF {table} {bounds}")
        return
    await connection.execute(f"CREATE TABLE {name} (LIKE {table})")
    await connection.execute(
        f"WITH moved AS (DELETE {within} RETURNING *) INSERT INTO {name} SELECT * FROM moved"  # noqa: S608
    )
    await connection.execute(f"ALTER TABLE {table} ATTACH PARTITION {name} {bounds}")


async def installation_id(database: Database) -> UUID:
    """The id born with the database; part of every provider key (S37)."""

    async def ask(connection: Connection) -> UUID:
        value: UUID = await connection.fetchval("SELECT id FROM installation")
        return value

    return await database.read(ask)
