"""Among many stored alerts, what is looked up is looked up, however few PostgreSQL believes to be live."""

from __future__ import annotations

from collections.abc import Awaitable

import pytest

from tocsin.core.model import Alert
from tocsin.store import intake, undecided
from tocsin.store.database import Connection, Database
from tocsin.store.intake import Repeat

from .planned import entries_read
from .rows import NOON, an_alert, at_the_door

LIVE, ASKED = 600, 5
_RESOLVED = """
INSERT INTO alert (id, integration, scope, source, dedup_key, status, title, correlation_id, fingerprint, first_event_at, last_event_at)
SELECT gen_random_uuid(), 'i', 'i', 's', 'old-' || n, 'resolved', 't', 'c', '', now(), now() FROM generate_series(1, 5000) AS n
"""


@pytest.fixture
async def stored(database: Database) -> list[Alert]:
    """5,000 resolved alerts are known to the statistics, 600 live ones came since; ASKED of them."""

    async def resolved(connection: Connection) -> None:
        await connection.execute(_RESOLVED)
        await connection.execute("ANALYZE alert")

    await database.read(resolved)
    alerts = [an_alert(f"k{number}") for number in range(LIVE)]
    doors = [at_the_door(alert) for alert in alerts]
    await database.transact(lambda c: intake.admitted(c, NOON, doors=doors))
    return alerts[:ASKED]


async def test_repeats_are_counted_by_key(database: Database, stored: list[Alert]) -> None:
    door = at_the_door(stored[0])
    repeats = [Repeat(a.scope, a.dedup_key, door.fingerprint, 1) for a in stored]

    assert await entries_read(database, "alert", lambda c: intake.count_repeats(c, repeats, NOON)) < LIVE / 4
    assert len(await database.read(lambda c: intake.count_repeats(c, repeats, NOON))) == ASKED


async def test_live_alerts_are_found_by_key(database: Database, stored: list[Alert]) -> None:
    keys = [(a.scope, a.dedup_key) for a in stored]

    assert await entries_read(database, "alert", lambda c: intake.live_alerts(c, keys)) < LIVE / 4
    assert len(await database.transact(lambda c: intake.live_alerts(c, keys))) == ASKED


async def test_what_came_before_is_found_by_key(database: Database, stored: list[Alert]) -> None:
    def claim(connection: Connection) -> Awaitable[object]:
        return undecided.claim(connection, ASKED, NOON)

    assert await entries_read(database, "alert", claim) < LIVE / 4
