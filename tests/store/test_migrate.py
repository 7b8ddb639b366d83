"""A database is brought forward once, and its growing tables are cut into weeks."""

import asyncio
import re
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from tocsin.store.database import Database
from tocsin.store.migrate import (
    GROWING,
    PRE,
    NewerDatabase,
    installation_id,
    keep_partitions_ahead,
    migrate,
    migrations,
    unknown_migrations,
)
from tocsin.store.retention import drop_before

from .rows import column, value

MONDAY = date(2026, 11, 16)
MINE, OTHER = UUID(int=1), UUID(int=2)


@pytest.fixture
async def empty(database_url: str) -> str:
    """The address of a database with nothing in it."""
    connection = await asyncpg.connect(database_url)
    await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await connection.close()
    return database_url


async def test_every_migration_runs_once_in_order(empty: str) -> None:
    """From nothing: all of them in order; a second time: none, and the installation keeps its name."""
    database = await Database.connect(empty, most=2)
    known = [name for name, _ in migrations()]

    assert known == sorted(known)
    assert await migrate(database, today=MONDAY, new_installation=MINE) == known
    assert await migrate(database, today=MONDAY, new_installation=OTHER) == []
    assert await installation_id(database) == MINE
    assert await column(database, "SELECT name FROM schema_migration ORDER BY ran_at, name") == known
    await database.close()


async def test_two_nodes_at_once(empty: str) -> None:
    """One of them does it, the other waits and finds it done."""
    nodes = [await Database.connect(empty, most=1) for _ in range(2)]
    ran = await asyncio.gather(
        *(migrate(node, today=MONDAY, new_installation=UUID(int=n)) for n, node in enumerate(nodes))
    )

    assert sorted(map(len, ran)) == [0, len(migrations())]
    assert await value(nodes[0], "SELECT count(*) FROM installation") == 1
    for node in nodes:
        await node.close()


async def test_a_newer_database_is_refused(database: Database) -> None:
    """A migration this version does not know: refused by its name, and nothing is touched."""
    await database.read(lambda c: c.execute("INSERT INTO schema_migration (name) VALUES ('9999_post_later')"))
    before = await column(database, "SELECT relname FROM pg_class ORDER BY 1")
    with pytest.raises(NewerDatabase, match="9999_post_later"):
        await migrate(database, today=MONDAY + timedelta(weeks=30), new_installation=OTHER)

    assert await column(database, "SELECT relname FROM pg_class ORDER BY 1") == before


async def test_what_a_later_version_only_added_is_no_hindrance(database: Database) -> None:
    """A node of the old version starts again in the middle of an upgrade; what it does not know is told."""
    await database.read(lambda c: c.execute("INSERT INTO schema_migration (name) VALUES ('9999_pre_later')"))

    assert await migrate(database, today=MONDAY, new_installation=OTHER) == []
    assert await unknown_migrations(database) == ["9999_pre_later"]


ADDS = re.compile(
    r"CREATE TABLE \w+ \("
    r"|CREATE (UNIQUE )?INDEX \w+ ON (?P<indexed>\w+) "
    r"|INSERT INTO (?P<filled>\w+) "
    r"|ALTER TABLE \w+ ADD COLUMN \w+ "
    r"|DROP INDEX (IF EXISTS )?(?P<dropped>\w+)$"
)
PLAIN = {name for _, sql in migrations() for name in re.findall(r"CREATE INDEX (\w+)", sql)}
"""Indexes that only save time: without one the version before is slower, and right."""


def faults_of(sql: str) -> list[str]:
    """Statements that the version before may not be able to live with."""
    bare = re.sub(r"--[^\n]*", "", sql)
    new = set(re.findall(r"CREATE TABLE (\w+)", bare))
    found = []
    for statement in (" ".join(part.split()) for part in bare.split(";")):
        adds = ADDS.match(statement)
        if not statement or (adds and _harmless(statement, adds, new)):
            continue
        found.append(statement)
    return found


def _harmless(statement: str, adds: re.Match[str], new: set[str]) -> bool:
    if statement.startswith("ALTER"):
        columns = re.split(r",? ?ADD COLUMN ", statement)[1:]
        return ", " not in re.sub(r",? ADD COLUMN ", "", statement) and all(
            "NOT NULL" not in column or "DEFAULT" in column for column in columns
        )
    if statement.startswith("CREATE UNIQUE"):
        return adds["indexed"] in new
    if statement.startswith("DROP"):
        return adds["dropped"] in PLAIN
    return not adds["filled"] or adds["filled"] in new


@pytest.mark.parametrize("name", [name for name, _ in migrations() if not name.startswith("0001")])
def test_a_migration_before_the_deploy_only_adds(name: str) -> None:
    """New tables, columns that may be left out, indexes: the version before goes on beside it. Everything else
    belongs into a `_post_` of the version after."""
    assert PRE in name or "_post_" in name
    assert PRE not in name or faults_of(dict(migrations())[name]) == []


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE alert",
        "ALTER TABLE alert DROP COLUMN title",
        "ALTER TABLE alert ALTER COLUMN title TYPE varchar(10)",
        "ALTER TABLE alert RENAME COLUMN title TO name",
        "ALTER TABLE alert ADD COLUMN must uuid NOT NULL",
        "ALTER TABLE alert ADD COLUMN may uuid, DROP COLUMN title",
        "ALTER TABLE alert ADD CHECK (count < 10)",
        "CREATE UNIQUE INDEX alert_title ON alert (title)",
        "DROP INDEX alert_one_live",
        "UPDATE alert SET status = 'resolved'",
        "INSERT INTO alert (id) SELECT id FROM incident",
    ],
)
def test_what_would_trip_the_version_before_is_found(statement: str) -> None:
    assert faults_of(f"CREATE TABLE new (id uuid); {statement}; CREATE UNIQUE INDEX new_id ON new (id)") == [
        statement
    ]


async def test_every_growing_table_is_partitioned_by_week(database: Database) -> None:
    """Each has this week, four ahead and a rest; no other table of size is without partitions by mistake."""
    for table in GROWING:
        found = await column(
            database,
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = $1::text::regclass ORDER BY 1",
            table,
        )
        weeks = [f"{table}_{MONDAY + timedelta(weeks=n):%Y%m%d}" for n in range(5)]
        assert found == [*weeks, f"{table}_rest"]
    assert set(await column(database, "SELECT relname FROM pg_class WHERE relkind = 'p'")) == set(GROWING)


async def audit(database: Database, at: datetime) -> str:
    """Write one row; the partition it landed in."""
    return str(
        await value(
            database,
            "INSERT INTO audit (at, actor, origin, action, subject) VALUES ($1, 'ada', 'test', 'x', 'y')"
            " RETURNING tableoid::regclass::text",
            at,
        )
    )


@pytest.mark.parametrize(
    ("at", "partition"),
    [
        pytest.param(datetime(2026, 11, 16, tzinfo=UTC), "audit_20261116", id="the first instant of Monday"),
        pytest.param(
            datetime(2026, 11, 22, 23, 59, 59, 999999, UTC), "audit_20261116", id="the last of Sunday"
        ),
        pytest.param(datetime(2026, 11, 23, tzinfo=UTC), "audit_20261123", id="next Monday"),
        pytest.param(datetime(2031, 1, 1, tzinfo=UTC), "audit_rest", id="a clock far ahead"),
        pytest.param(datetime(1970, 1, 1, tzinfo=UTC), "audit_rest", id="a clock that starts in 1970"),
    ],
)
async def test_a_row_lands_in_its_week(database: Database, at: datetime, partition: str) -> None:
    """By its own instant; one far outside is still stored."""
    assert await audit(database, at) == partition


async def test_rows_from_a_clock_that_was_ahead_move_to_their_week(database: Database) -> None:
    """They lie in the default partition when their week's own is made: it is made all the same, with them."""
    ahead = datetime(2027, 1, 6, 12, tzinfo=UTC)
    await audit(database, ahead)
    await audit(database, datetime(2031, 1, 1, tzinfo=UTC))
    await keep_partitions_ahead(database, date(2026, 12, 14))

    assert await column(database, "SELECT tableoid::regclass::text FROM audit ORDER BY at") == [
        "audit_20270104",
        "audit_rest",
    ]
    assert await audit(database, ahead + timedelta(hours=1)) == "audit_20270104"
    assert len(set(await column(database, "SELECT id FROM audit"))) == 3, "ids go on where they were"
    assert await drop_before(database, "audit", date(2027, 1, 11)) == [
        f"audit_{day}" for day in ("20261116", "20261123", "20261130", "20261207", "20261214", "20261221", "20261228", "20270104")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("day", "dropped"),
    [
        pytest.param(date(2026, 11, 22), [], id="Sunday: the week is not over"),
        pytest.param(date(2026, 11, 23), ["event_20261116"], id="Monday: the whole week before"),
        pytest.param(date(2026, 11, 29), ["event_20261116"], id="mid-week: whole weeks only"),
        pytest.param(date(2026, 11, 30), ["event_20261116", "event_20261123"], id="two weeks"),
        pytest.param(date(2020, 1, 1), [], id="long ago: nothing is so old"),
    ],
)
async def test_retention_drops_whole_weeks(database: Database, day: date, dropped: list[str]) -> None:
    """What ends on or before the day goes, all else stays."""
    before = await value(database, "SELECT count(*) FROM pg_inherits")

    assert await drop_before(database, "event", day) == dropped
    gone = 2 * len(dropped)  # the table's partition leaves its index's too
    assert await value(database, "SELECT count(*) FROM pg_inherits") <= before - gone + len(dropped)
    assert await column(database, "SELECT relname FROM pg_class WHERE relname = ANY($1)", dropped) == []


async def test_only_growing_tables_are_dropped_from(database: Database) -> None:
    """No name from elsewhere reaches DROP."""
    with pytest.raises(ValueError, match="incident"):
        await drop_before(database, "incident", date(2030, 1, 1))


async def test_partitions_made_twice_are_made_once(database: Database) -> None:
    """Housekeeping at the same moment on two nodes, in a later week."""
    later = MONDAY + timedelta(weeks=3)
    await asyncio.gather(keep_partitions_ahead(database, later), keep_partitions_ahead(database, later))

    weeks = await value(database, "SELECT count(*) FROM pg_class WHERE relname ~ '^hook_[0-9]{8}$'")
    assert weeks == 8
