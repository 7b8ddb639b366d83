"""A connected database per test, already migrated."""

from collections.abc import AsyncIterator

import pytest

from tocsin.store.database import Database


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The test's own database."""
    database = await Database.connect(database_url, most=4)
    yield database
    await database.close()
