"""What must be looked at when: rows, never memory, since a restart must not forget a page."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from tocsin.store.database import Connection

PAGE = "page"
"""The page of an incident: `core/paging.py` is asked what is due."""


async def claim_due(connection: Connection, now: datetime, most: int) -> list[tuple[str, UUID]]:
    """(kind, incident) of timers that are due, deleted: the look that follows sets the next one."""
    rows = await connection.fetch(
        "DELETE FROM timer t USING (SELECT kind, incident_id FROM timer WHERE due <= $1 ORDER BY due LIMIT $2"
        " FOR UPDATE SKIP LOCKED) d WHERE t.kind = d.kind AND t.incident_id = d.incident_id RETURNING t.kind, t.incident_id",
        now,
        most,
    )
    return [(row["kind"], row["incident_id"]) for row in rows]


async def next_due(connection: Connection) -> datetime | None:
    """When the next timer is due; None when there is none."""
    due: datetime | None = await connection.fetchval("SELECT min(due) FROM timer")
    return due
