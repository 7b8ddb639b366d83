"""How much of a table's indexes does a piece of work read? A count, since a time depends on its neighbours."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tocsin.store.database import Connection, Database

_READ = """
SELECT coalesce(sum(pg_stat_get_tuples_returned(indexrelid)), 0)::bigint FROM pg_index WHERE indrelid = $1::text::regclass
"""


async def entries_read(
    database: Database, table: str, work: Callable[[Connection], Awaitable[object]]
) -> int:
    """How many index entries of this table it reads."""

    async def counted(connection: Connection) -> int:
        await connection.execute("SELECT pg_stat_force_next_flush()")
        before = await connection.fetchval(_READ, table)
        await work(connection)
        await connection.execute("SELECT pg_stat_force_next_flush()")
        await connection.execute("SELECT pg_stat_clear_snapshot()")
        return int(await connection.fetchval(_READ, table) - before)

    return await database.read(counted)
