"""Among many keys of alerts that ended, those of one that lives are looked up, never searched (S11)."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from tocsin.core.alias import Alias
from tocsin.core.model import Alert, AlertId
from tocsin.core.values import replace
from tocsin.store import aliases, intake
from tocsin.store.aliases import Wanted
from tocsin.store.database import Connection, Database
from tocsin.store.undecided import Undecided

from .planned import entries_read
from .rows import NOON, an_alert, at_the_door

LIVE, ASKED = 600, 5
_ENDED = """
INSERT INTO alias (alert_id, dedup_key, scope, integration, title, live, made_at, over_at)
SELECT $1, 'old-' || n, 'i', 'i', 'title ' || n % 50, false, now(), now() FROM generate_series(1, 5000) AS n
"""


@pytest.fixture
async def stored(database: Database) -> list[Alert]:
    """5,000 keys that are over are known to the statistics, 600 alerts of two keys came since; ASKED of them."""
    first = an_alert("the first")
    await database.transact(lambda c: intake.admitted(c, NOON, doors=[at_the_door(first)]))

    async def ended(connection: Connection) -> None:
        await connection.execute(_ENDED, first.id)
        await connection.execute("ANALYZE alias")

    await database.read(ended)
    alerts = [replace(an_alert(f"k{number}"), title=f"title of {number}") for number in range(LIVE)]
    keys = [(a, Alias(key=key, made_at=NOON)) for a in alerts for key in (a.dedup_key, f"{a.dedup_key} too")]
    doors = [at_the_door(alert) for alert in alerts]
    await database.transact(lambda c: intake.admitted(c, NOON, doors=doors, aliases=keys))
    return alerts[:ASKED]


async def test_an_alert_is_found_by_a_key_that_joined_it(database: Database, stored: list[Alert]) -> None:
    keys = [(a.scope, f"{a.dedup_key} too") for a in stored]

    assert await entries_read(database, "alias", lambda c: aliases.by_key(c, keys)) < LIVE / 4
    assert await database.read(lambda c: aliases.by_key(c, keys)) == {
        key: alert.id for key, alert in zip(keys, stored, strict=True)
    }


async def test_alerts_are_found_by_their_title(database: Database, stored: list[Alert]) -> None:
    since = NOON - timedelta(minutes=30)
    wanted = [Wanted(a.integration, a.title, since) for a in stored]

    assert await entries_read(database, "alias", lambda c: aliases.by_title(c, wanted)) < LIVE / 4
    assert await database.read(lambda c: aliases.by_title(c, wanted)) == [a.id for a in stored]
    late = [replace(one, since=NOON) for one in wanted]
    assert await database.read(lambda c: aliases.by_title(c, late)) == [], "what began then is too old"


async def test_the_keys_of_an_alert_are_found_by_the_alert(database: Database, stored: list[Alert]) -> None:
    assert await entries_read(database, "alias", lambda c: aliases.keys_of(c, stored, ["x"], 9)) < LIVE / 4
    found = await database.read(lambda c: aliases.keys_of(c, stored, ["x"], 9))
    assert {alert: set(keys) for alert, keys in found.items()} == {
        a.id: {a.dedup_key, f"{a.dedup_key} too"} for a in stored
    }


async def test_of_many_keys_some_that_fire_are_enough(database: Database) -> None:
    """Its own and those asked for come always, of the rest so many as were asked for."""
    many = an_alert("own")
    over = Alias(key="own", made_at=NOON, over_at=NOON)
    keys = [(many, over), *((many, Alias(key=f"f{n}", made_at=NOON)) for n in range(50))]
    await database.transact(lambda c: intake.admitted(c, NOON, doors=[at_the_door(many)], aliases=keys))
    found = (await database.read(lambda c: aliases.keys_of(c, [many], ["f7"], 4)))[many.id]
    assert {"own", "f7"} <= set(found)
    assert 4 <= len([alias for alias in found.values() if alias.over_at is None]) <= 5


async def test_what_came_before_is_found_by_key_and_by_title(database: Database, stored: list[Alert]) -> None:
    works = [
        Undecided(replace(a, id=AlertId(UUID(int=n)), dedup_key=f"{a.dedup_key} too"))
        for n, a in enumerate(stored)
    ]
    windows = {a.integration: timedelta(minutes=30) for a in stored}

    assert await entries_read(database, "alias", lambda c: aliases.history(c, works, windows)) < LIVE / 4
