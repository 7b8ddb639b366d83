"""What must be looked at when: rows, never memory, since a restart must not forget a page."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from tocsin.store.database import Connection
from tocsin.store.writing import Rows, Write

PAGE = "page"
"""The page of an incident: `core/paging.py` is asked what is due."""


ACK = "ack"
"""The end of an acknowledgement, or the warning of it: `core/lapse.py` says which."""


SNOOZE = "snooze"
"""The end of a snooze. One that was broken meanwhile leaves it behind: then nothing is due (`core/snooze.py`)."""


JOIN = "join"
"""The holder is to be asked about what joined, if it still fires and nobody has acted (`core/joining.py`)."""


SET = Write(
    "kind text, incident_id uuid, due timestamptz",
    """
    INSERT INTO timer (kind, incident_id, due) SELECT r.* FROM {rows}
    ON CONFLICT (kind, incident_id) DO UPDATE SET due = excluded.due
    """,
)
ENDED = Write(
    "kind text, incident_id uuid",
    "DELETE FROM timer t USING {rows} WHERE t.kind = r.kind AND t.incident_id = r.incident_id",
)


def rows(
    timers: Mapping[tuple[str, UUID], datetime | None], *, running: bool, born: Collection[UUID] = ()
) -> Rows:
    """Those with a time, for `SET`; or those without one any more, for `ENDED`: none of an incident that is only
    being `born`."""
    return [
        {"kind": kind, "incident_id": incident_id, "due": due}
        for (kind, incident_id), due in sorted(timers.items(), key=lambda timer: timer[0])
        if (due is not None) is running and incident_id not in born
    ]


async def claim_due(
    connection: Connection, now: datetime, most: int, *, opened_since: datetime | None = None
) -> list[tuple[str, UUID]]:
    """(kind, incident) of timers that are due, deleted: the look that follows sets the next one.

    Their incidents are locked first, as everybody does who writes a timer; one in other hands is passed over
    and stays due, and so is one of an incident opened before `opened_since`. The other way round two transactions would each wait for what the other holds.
    """
    rows = await connection.fetch(
        """
        WITH free AS (
          SELECT t.kind, t.incident_id FROM timer t JOIN incident i ON i.id = t.incident_id WHERE t.due <= $1
            AND ($3::timestamptz IS NULL OR i.opened_at >= $3)
          ORDER BY t.due LIMIT $2 FOR NO KEY UPDATE OF i SKIP LOCKED)
        DELETE FROM timer t USING free WHERE t.kind = free.kind AND t.incident_id = free.incident_id AND t.due <= $1
        RETURNING t.kind, t.incident_id
        """,
        now, most, opened_since,
    )  # fmt: skip
    return [(row["kind"], row["incident_id"]) for row in rows]


async def next_due(connection: Connection) -> datetime | None:
    """When the next timer is due; None when there is none."""
    due: datetime | None = await connection.fetchval("SELECT min(due) FROM timer")
    return due
