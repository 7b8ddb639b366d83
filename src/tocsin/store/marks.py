"""A number that only rises, so that a database can be told from an older copy of itself (S48)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tocsin.store.database import Connection, Database


@dataclass(frozen=True, slots=True)
class Mark:
    """How often any node has looked in, and the database's clock then."""

    number: int
    at: datetime


async def beat(database: Database) -> Mark:
    """Raise the mark by one: a write so small that it tells whether the database takes any."""

    async def work(connection: Connection) -> Mark:
        row = await connection.fetchrow(
            "UPDATE mark SET number = number + 1, at = clock_timestamp() RETURNING number, at"
        )
        assert row is not None
        return Mark(row["number"], row["at"])

    return await database.read(work)
