"""Which processes are up, and whose unfinished work is taken over (TR-2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.store.database import Connection

SILENT_AFTER = timedelta(seconds=7)
"""A node that said nothing for this long is taken for dead."""

DUTY_SECONDS = 8.0
"""So long the duty is a node's without its saying so again; it says so every two seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One process as it last spoke."""

    id: UUID
    name: str
    role: str
    version: str
    started_at: datetime
    seen_at: datetime
    on_duty: bool


async def here_i_am(
    connection: Connection,
    node: UUID,
    role: str,
    host: str,
    now: datetime,
    *,
    name: str = "",
    version: str = "",
) -> int:
    """Say that this node is up, and end the leases of those that fell silent; how many were ended.

    Their calls may have been sent, so whoever claims the work next looks before writing.
    """
    await connection.execute(
        "INSERT INTO node (id, role, host, name, version, started_at, seen_at) VALUES ($1, $2, $3, $5, $6, $4, $4)"
        " ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at",
        node, role, host, now, name, version,
    )  # fmt: skip
    await connection.execute("DELETE FROM node WHERE seen_at < $1", now - timedelta(days=1))
    taken = 0
    for leased in ("effect", "message"):
        done = await connection.execute(
            f"UPDATE {leased} SET lease_until = $2 - interval '1 s' WHERE state = 'leased' AND lease_until >= $2"  # noqa: S608 - names of ours
            " AND leased_by IS NOT NULL AND leased_by <> $1"
            " AND NOT EXISTS (SELECT 1 FROM node n WHERE n.id = leased_by AND n.seen_at > $3)",
            node, now, now - SILENT_AFTER,
        )  # fmt: skip
        taken += int(done.rsplit(" ", 1)[1])
    return taken


async def i_am_alone(connection: Connection, node: UUID) -> None:
    """Nobody else can be up (the embedded database serves one hub): older nodes are dead for certain."""
    await connection.execute("DELETE FROM node WHERE id <> $1", node)


async def good_bye(connection: Connection, node: UUID) -> None:
    """This node stops; what it still had leased may be taken over at once."""
    await connection.execute("DELETE FROM node WHERE id = $1", node)
    await connection.execute("DELETE FROM duty WHERE node = $1", node)


async def take_duty(connection: Connection, node: UUID) -> bool:
    """Take, or keep, the duty for DUTY_SECONDS by the database's clock; False = another node has it."""
    kept = await connection.fetchval(
        "INSERT INTO duty AS d (node, until) VALUES ($1, clock_timestamp() + $2) ON CONFLICT (one) DO UPDATE"
        " SET node = excluded.node, until = excluded.until WHERE d.node = excluded.node OR d.until < clock_timestamp()"
        " RETURNING true",
        node,
        timedelta(seconds=DUTY_SECONDS),
    )
    return bool(kept)


async def every(connection: Connection) -> list[Node]:
    """Every node that spoke within a day, the first started first."""
    rows = await connection.fetch(
        "SELECT n.*, EXISTS (SELECT 1 FROM duty d WHERE d.node = n.id AND d.until >= clock_timestamp()) AS on_duty"
        " FROM node n ORDER BY started_at, id"
    )
    return [
        Node(
            id=r["id"], name=r["name"] or r["host"], role=r["role"], version=r["version"], started_at=r["started_at"],
            seen_at=r["seen_at"], on_duty=r["on_duty"],
        )
        for r in rows
    ]  # fmt: skip
