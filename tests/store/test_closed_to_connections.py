"""A database that takes no connections for a while is away, like one that is not there."""

import socket
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from tocsin.store.database import Database, DatabaseAway


@pytest.fixture
def beside(database_url: str) -> tuple[str, str]:
    """(name of the database, address of another one of the same server)"""
    parts = urlsplit(database_url)
    return parts.path.lstrip("/"), urlunsplit(parts._replace(path="/postgres"))


async def test_a_database_closed_for_maintenance_is_away(database_url: str, beside: tuple[str, str]) -> None:
    """`ALLOW_CONNECTIONS false`, as while it is restored: the journal takes over (S47), it is no bug of ours."""
    name, other = beside
    database = await Database.connect(database_url, most=1)
    connection = await asyncpg.connect(other)
    await connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
    )
    try:
        for _ in range(2):
            with pytest.raises(DatabaseAway):
                await database.read(lambda c: c.fetchval("SELECT 1"))
    finally:
        await connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await connection.close()
    assert await database.read(lambda c: c.fetchval("SELECT 1")) == 1
    await database.close()


async def test_a_connection_broken_at_the_end_keeps_nobody_from_stopping(database_url: str) -> None:
    """The way to the database is cut in the moment of the good-bye: a hub that stops went no further, and left its
    own PostgreSQL running."""
    database = await Database.connect(database_url, most=1)

    async def cut(connection: Any) -> None:
        connection._transport.get_extra_info("socket").shutdown(socket.SHUT_WR)

    await database.read(cut)
    await database.close()

    with pytest.raises(DatabaseAway):
        await database.read(lambda c: c.fetchval("SELECT 1"))
