"""Which processes are up, and whose unfinished work is taken over (TR-2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from tocsin.store.database import Connection

SILENT_AFTER = timedelta(seconds=7)
"""A node that said nothing for this long is taken for dead."""


async def here_i_am(connection: Connection, node: UUID, role: str, host: str, now: datetime) -> int:
    """Say that this node is up, and end the leases of those that fell silent; how many were ended.

    Their calls may have been sent, so whoever claims the work next looks before writing.
    """
    await connection.execute(
        "INSERT INTO node (id, role, host, started_at, seen_at) VALUES ($1, $2, $3, $4, $4)"
        " ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at",
        node, role, host, now,
    )  # fmt: skip
    await connection.execute("DELETE FROM node WHERE seen_at < $1", now - timedelta(days=1))
    done = await connection.execute(
        "UPDATE effect SET lease_until = $2 - interval '1 s' WHERE state = 'leased' AND lease_until >= $2"
        " AND leased_by IS NOT NULL AND leased_by <> $1"
        " AND NOT EXISTS (SELECT 1 FROM node n WHERE n.id = leased_by AND n.seen_at > $3)",
        node, now, now - SILENT_AFTER,
    )  # fmt: skip
    return int(done.rsplit(" ", 1)[1])


async def i_am_alone(connection: Connection, node: UUID) -> None:
    """Nobody else can be up (the embedded database serves one hub): older nodes are dead for certain."""
    await connection.execute("DELETE FROM node WHERE id <> $1", node)


async def good_bye(connection: Connection, node: UUID) -> None:
    """This node stops; what it still had leased may be taken over at once."""
    await connection.execute("DELETE FROM node WHERE id = $1", node)
