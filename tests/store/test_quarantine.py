"""Webhooks that prove nothing are kept for a look, and bounded: a stranger cannot fill the disk (S45)."""

from datetime import timedelta
from uuid import UUID

import pytest

from tocsin.store import hooks
from tocsin.store.database import Database
from tocsin.store.hooks import QUARANTINE_BYTES, QUARANTINE_MOST, Hook

from .rows import NOON, column, value


async def keep(
    database: Database, numbers: range, *, connector: str = "pd", size: int = 2, state: str = "quarantined"
) -> None:
    """One a second, each in its own transaction, as they come."""
    for n in numbers:
        hook = Hook(
            id=UUID(int=n), received_at=NOON + timedelta(seconds=n), connector=connector, state=state, headers={},
            query="", body=b"x" * size, remote_address="203.0.113.9",
        )  # fmt: skip
        await database.transact(lambda c, h=hook: hooks.keep(c, h))


async def dropped(database: Database, connector: str = "pd") -> int:
    return int(
        await value(
            database,
            "SELECT coalesce(max(quarantine_dropped), 0) FROM connector_state WHERE connector = $1",
            connector,
        )
    )


async def test_the_oldest_go_first_and_are_counted(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S45: another connector's and the genuine ones are not touched."""
    monkeypatch.setattr(hooks, "QUARANTINE_MOST", 5)
    await keep(database, range(1, 4), state="done")
    await keep(database, range(100, 104), connector="og")
    await keep(database, range(200, 212))

    kept = await column(
        database, "SELECT id FROM hook WHERE connector = 'pd' AND state = 'quarantined' ORDER BY id"
    )
    assert kept == [UUID(int=n) for n in range(207, 212)]
    assert await dropped(database) == 7
    assert await value(database, "SELECT count(*) FROM hook") == 3 + 4 + 5
    assert await dropped(database, "og") == 0


async def test_large_ones_are_bounded_by_their_bytes(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest stays even alone over the bound: somebody may be looking for why it does not fit."""
    monkeypatch.setattr(hooks, "QUARANTINE_BYTES", 1000)
    await keep(database, range(1, 6), size=400)
    assert await value(database, "SELECT count(*) FROM hook") == 2
    await keep(database, range(6, 7), size=4000)

    assert await column(database, "SELECT id FROM hook") == [UUID(int=6)]
    assert await dropped(database) == 5


def test_the_bounds_are_those_that_are_described() -> None:
    assert (QUARANTINE_MOST, QUARANTINE_BYTES) == (500, 8 * 1024 * 1024)
