"""The alerts of an incident that was merged: they are the other's from then on."""

from __future__ import annotations

from uuid import UUID

from tocsin.store.database import Connection


async def move_alerts(connection: Connection, source: UUID, target: UUID) -> int:
    """All alerts of `source`, those that are over too, so that what comes back is found at `target`; how many still
    live."""
    rows = await connection.fetch(
        "UPDATE alert SET incident_id = $2 WHERE incident_id = $1 RETURNING status", source, target
    )
    return sum(row["status"] != "resolved" for row in rows)
