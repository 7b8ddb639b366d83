"""The door's statements: exact counts of repeats, one live alert per key, one decider per alert."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from tocsin.core.model import AlertStatus
from tocsin.core.values import replace
from tocsin.store import intake, undecided
from tocsin.store.database import Connection, Database
from tocsin.store.intake import Repeat

from .rows import NOON, an_alert, at_the_door, seconds, value

HOUR = timedelta(hours=1)


async def keep(database: Database, *alerts: object) -> None:
    doors = [at_the_door(alert) for alert in alerts]
    await database.transact(lambda c: intake.admitted(c, NOON, doors=doors))


@pytest.mark.parametrize(
    ("status", "said", "counted"),
    [
        pytest.param(AlertStatus.QUEUED, b"same", 5, id="not yet decided"),
        pytest.param(AlertStatus.OPEN, b"same", 5, id="open"),
        pytest.param(AlertStatus.ACKNOWLEDGED, b"same", 5, id="acknowledged"),
        pytest.param(AlertStatus.DROPPED, b"same", 0, id="muted: each repeat is decided again"),
        pytest.param(AlertStatus.RESOLVED, b"same", 0, id="over: a repeat is a new alert"),
        pytest.param(AlertStatus.OPEN, b"other", 0, id="it says something else"),
    ],
)
async def test_identical_repeats_are_counted(
    database: Database, status: AlertStatus, said: bytes, counted: int
) -> None:
    """Only for a live alert that holds exactly what is said again."""
    await keep(database, an_alert("k", status=status, count=2))
    repeats = [Repeat("prometheus", "k", said, 5), Repeat("elsewhere", "k", b"same", 7)]
    found = await database.transact(lambda c: intake.count_repeats(c, repeats, NOON + HOUR))

    assert list(found) == ([("prometheus", "k", b"same")] if counted else [])
    assert await value(database, "SELECT count FROM alert") == 2 + counted
    assert await value(database, "SELECT last_event_at FROM alert") == (NOON + HOUR if counted else NOON)


async def test_counts_from_many_at_once_add_up(database: Database) -> None:
    """Twenty transactions at the same moment: not one repeat is lost."""
    await keep(database, an_alert("a"), an_alert("b"))
    repeats = [Repeat("prometheus", key, b"same", 3) for key in ("a", "b")]
    await asyncio.gather(
        *(database.transact(lambda c: intake.count_repeats(c, repeats, NOON)) for _ in range(20))
    )

    assert await value(database, "SELECT array_agg(count) FROM alert") == [60, 60]


async def test_a_key_has_one_live_alert(database: Database) -> None:
    """A second one for the same key is refused by the database itself; in another scope it is another key."""
    await keep(database, an_alert("k"), an_alert("k", scope="*"))
    with pytest.raises(asyncpg.UniqueViolationError):
        await keep(database, an_alert("k"))

    assert await value(database, "SELECT count(*) FROM alert") == 2


async def test_the_end_of_one_makes_room_for_the_next(database: Database) -> None:
    """A resolve and a new alert of the same key in one transaction: both are kept."""
    old = an_alert("k")
    await keep(database, old)
    ended = at_the_door(replace(old, status=AlertStatus.RESOLVED, resolved_at=NOON), born=False)
    await database.transact(lambda c: intake.admitted(c, NOON, doors=[at_the_door(an_alert("k")), ended]))

    found = await database.read(lambda c: c.fetch("SELECT status FROM alert ORDER BY first_event_at, id"))
    assert sorted(row["status"] for row in found) == ["queued", "resolved"]


async def test_two_deciders_never_take_the_same_alert(database: Database) -> None:
    """Oldest first; what one holds the other passes over; an alert keeps its place in the row."""
    for number in range(4):
        at = NOON + seconds(number)
        door = at_the_door(an_alert(f"k{number}"))
        await database.transact(lambda c, d=door, t=at: intake.admitted(c, t, doors=[d]))
    taken: list[list[str]] = []

    async def keys(connection: Connection, most: int) -> None:
        taken.append([w.alert.dedup_key for w in await undecided.claim(connection, most, NOON)])

    async def outer(connection: Connection) -> None:
        await keys(connection, 2)
        await database.transact(lambda c: keys(c, 10))

    await database.transact(outer)

    assert taken == [["k0", "k1"], ["k2", "k3"]]
