"""Which incidents that somebody has are to be looked at for being silent, and what was heard of each? (S24)"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from tocsin.store.database import Connection
from tocsin.store.writing import Rows, Write

_ONE_AT_A_TIME = 0x70C52
"""Key of the advisory lock under which holders are asked: two nodes would else each write half of one digest."""

HELD = Write(
    "incident_id uuid, look_at timestamptz",
    """
    INSERT INTO silent (incident_id, look_at) SELECT r.* FROM {rows}
    ON CONFLICT (incident_id) DO UPDATE SET look_at = excluded.look_at, asks_at = NULL
    """,
)
"""Somebody has it, or acted on it: the time begins anew."""


def rows(held: Mapping[UUID, datetime]) -> Rows:
    """For `HELD`: incident -> when to look at it."""
    return [{"incident_id": name, "look_at": look_at} for name, look_at in sorted(held.items())]


async def due(connection: Connection, now: datetime, most: int) -> list[UUID]:
    """Incidents to be looked at now, which nobody else looks at until the transaction is over."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _ONE_AT_A_TIME)
    found = await connection.fetch(
        "SELECT incident_id FROM silent WHERE look_at <= $1 ORDER BY look_at LIMIT $2", now, most
    )
    return [row["incident_id"] for row in found]


async def next_due(connection: Connection) -> datetime | None:
    """When the next one is to be looked at; None when nobody has anything."""
    found: datetime | None = await connection.fetchval("SELECT min(look_at) FROM silent")
    return found


async def asked_next(connection: Connection) -> dict[UUID, datetime]:
    """The silent incidents, and when the holder of each is asked."""
    found = await connection.fetch(
        "SELECT incident_id, asks_at FROM silent WHERE asks_at IS NOT NULL ORDER BY asks_at, incident_id LIMIT 1000"
    )
    return {row["incident_id"]: row["asks_at"] for row in found}


async def heard(connection: Connection, incidents: Iterable[UUID]) -> dict[UUID, datetime]:
    """When each was last heard of: the last event of any of its alerts. One without alerts is missing."""
    found = await connection.fetch(
        "SELECT incident_id, max(greatest(last_event_at, resolved_at)) AS at FROM alert WHERE incident_id = ANY($1)"
        " GROUP BY incident_id",
        list(incidents),
    )
    return {row["incident_id"]: row["at"] for row in found}


async def look_then(connection: Connection, looks: Mapping[UUID, tuple[datetime, datetime | None]]) -> None:
    """Look at these again then: (when, when the holder is asked)."""
    await connection.executemany(
        "UPDATE silent SET look_at = $2, asks_at = $3 WHERE incident_id = $1",
        [(name, look_at, asks_at) for name, (look_at, asks_at) in sorted(looks.items())],
    )


async def forget(connection: Connection, incidents: Sequence[UUID]) -> None:
    """Nobody has these any more."""
    await connection.execute("DELETE FROM silent WHERE incident_id = ANY($1)", list(incidents))
