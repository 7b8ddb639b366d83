"""What does not work in the hub itself: rows, so that every node knows and a restart forgets nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tocsin.core.alarm import INTEGRATION, Alarm
from tocsin.core.severity import Severity
from tocsin.core.values import replace
from tocsin.store.database import Connection, Row, notify

ALARMS = "tocsin_alarms"
"""Channel: an alarm was raised or cleared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sounded:
    """An alarm as kept; `cleared_at` None = it goes on. `times` counts how often it was seen; `direct_to` = who
    was told without the outbox, "" = that was not needed."""

    alarm: Alarm
    times: int
    raised_at: datetime
    seen_at: datetime
    cleared_at: datetime | None
    direct_to: str = ""
    incident: int | None = None


async def sound(connection: Connection, alarms: Sequence[Alarm], now: datetime) -> None:
    """Raise these; one that goes on already is only seen again, with its latest words."""
    rung = False
    for alarm in sorted(alarms, key=lambda a: a.key):
        rung |= await connection.fetchval(
            "INSERT INTO alarm AS a (key, title, text, severity, connector, raised_at, seen_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $6)"
            " ON CONFLICT (key) DO UPDATE SET title = $2, text = $3, severity = $4, connector = $5, seen_at = $6,"
            " times = CASE WHEN a.cleared_at IS NULL THEN a.times + 1 ELSE 1 END,"
            " raised_at = CASE WHEN a.cleared_at IS NULL THEN a.raised_at ELSE $6 END,"
            " direct_at = CASE WHEN a.cleared_at IS NULL THEN a.direct_at END,"
            " direct_to = CASE WHEN a.cleared_at IS NULL THEN a.direct_to ELSE '' END, cleared_at = NULL"
            " RETURNING a.told <> 'raised'",
            alarm.key, alarm.title, alarm.text, alarm.severity.value, alarm.connector, now,
        )  # fmt: skip
    if rung:
        await notify(connection, ALARMS)


async def clear(connection: Connection, keys: Sequence[str], now: datetime) -> None:
    """What these speak of works again; those that do not go on are passed over."""
    rows = await connection.fetch(
        "UPDATE alarm SET cleared_at = $2 WHERE key = ANY($1) AND cleared_at IS NULL RETURNING key",
        list(keys),
        now,
    )
    if rows:
        await notify(connection, ALARMS)


async def claim_untold(connection: Connection, most: int) -> list[Sounded]:
    """Alarms whose alert does not know yet how they stand, the longest first; marked as told, so what tells them
    must commit with it."""
    rows = await connection.fetch(
        "UPDATE alarm a SET told = CASE WHEN a.cleared_at IS NULL THEN 'raised' ELSE 'cleared' END FROM ("
        " SELECT key FROM alarm WHERE (cleared_at IS NULL AND told <> 'raised') OR (cleared_at IS NOT NULL AND told = 'raised')"
        " ORDER BY raised_at LIMIT $1 FOR UPDATE SKIP LOCKED) u WHERE a.key = u.key RETURNING a.*",
        most,
    )
    return sorted((_sounded(row) for row in rows), key=lambda sounded: sounded.raised_at)


async def page(
    connection: Connection, *, over: bool | None, before: tuple[datetime, str] | None, most: int
) -> list[Sounded]:
    """Alarms, the last raised first, each with the number of its newest incident; `over` None = whether or not
    they go on."""
    at, key = before or (None, None)
    rows = await connection.fetch(
        """
        SELECT m.*, (SELECT i.number FROM alert a JOIN incident i ON i.id = a.incident_id
          WHERE a.scope = $5 AND a.dedup_key = m.key ORDER BY a.first_event_at DESC LIMIT 1) AS incident
        FROM alarm m WHERE ($1::bool IS NULL OR (m.cleared_at IS NOT NULL) = $1)
          AND ($2::timestamptz IS NULL OR (m.raised_at, m.key) < ($2, $3::text))
        ORDER BY m.raised_at DESC, m.key DESC LIMIT $4
        """,
        over, at, key, most, INTEGRATION,
    )  # fmt: skip
    return [replace(_sounded(row), incident=row["incident"]) for row in rows]


async def going_on(connection: Connection) -> list[Sounded]:
    """Alarms that are not cleared, the longest first."""
    rows = await connection.fetch("SELECT * FROM alarm WHERE cleared_at IS NULL ORDER BY raised_at, key")
    return [_sounded(row) for row in rows]


def _sounded(row: Row) -> Sounded:
    alarm = Alarm(
        key=row["key"], title=row["title"], text=row["text"], severity=Severity(row["severity"]), connector=row["connector"]
    )  # fmt: skip
    return Sounded(
        alarm=alarm, times=row["times"], raised_at=row["raised_at"], seen_at=row["seen_at"], cleared_at=row["cleared_at"],
        direct_to=row["direct_to"],
    )  # fmt: skip
