"""The clocks of what was promised: which are to be set or looked at, and how they stood over a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from tocsin.core.severity import Severity
from tocsin.core.sla import Clock, Promise, Running, Track
from tocsin.store.database import Connection, Row

_ONE_AT_A_TIME = 0x70C53
"""Key of the advisory lock under which clocks are looked at: two nodes would else tell one breach twice."""
LOOKED_BACK = timedelta(days=2)
"""What was opened and over between two looks is found again so far back."""

_CHANGED = """
  SELECT i.id FROM incident i LEFT JOIN sla s ON s.incident_id = i.id
    WHERE i.status IN ('open', 'mitigated') AND (s.incident_id IS NULL OR
      (s.status, s.severity, s.acknowledged_at, s.version) IS DISTINCT FROM (i.status, i.severity, i.acknowledged_at, $1::bigint))
  UNION
  SELECT s.incident_id FROM sla s JOIN incident i ON i.id = s.incident_id
    WHERE s.status IN ('open', 'mitigated') AND i.status NOT IN ('open', 'mitigated')
  UNION
  SELECT i.id FROM incident i LEFT JOIN sla s ON s.incident_id = i.id
    WHERE i.status IN ('resolved', 'closed') AND i.resolved_at > $2 AND s.incident_id IS NULL
  UNION
  SELECT incident_id FROM sla WHERE look_at <= $3
  LIMIT $4
"""


async def wanting(connection: Connection, version: int, now: datetime, most: int) -> list[UUID]:
    """Incidents whose clocks are to be set anew, or are due; nobody else looks at any until the transaction is over."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _ONE_AT_A_TIME)
    rows = await connection.fetch(_CHANGED, version, now - LOOKED_BACK, now, most)
    return [row["id"] for row in rows]


async def load(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, Track]:
    """The clocks of these; one that has none yet is missing."""
    rows = await connection.fetch("SELECT * FROM sla WHERE incident_id = ANY($1)", list(ids))
    return {row["incident_id"]: track_of(row) for row in rows}


async def stop(connection: Connection) -> None:
    """Nothing is promised any more: no clock runs. What ended before stays, for the figures."""
    await connection.execute("DELETE FROM sla WHERE look_at IS NOT NULL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Clocks to be saved, with what of the incident they were set by."""

    incident: UUID
    track: Track
    status: str
    acknowledged_at: datetime | None
    look_at: datetime | None


_COLUMNS = ("promise", "due_at", "warn_at", "met_at", "warned_at", "breached_at")
_NAMES = [
    "incident_id", "status", "severity", "acknowledged_at", "version", "opened", "ended", "ack_from", "look_at",
    *(f"{clock.value}_{column}" for clock in Clock for column in _COLUMNS),
]  # fmt: skip
_SAVE = (
    f"INSERT INTO sla ({', '.join(_NAMES)}) VALUES ({', '.join(f'${n}' for n in range(1, len(_NAMES) + 1))})"  # noqa: S608 - built from constants
    f" ON CONFLICT (incident_id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _NAMES[1:])}"
)


async def save(connection: Connection, seen: Sequence[Seen]) -> None:
    """Keep these."""
    await connection.executemany(_SAVE, [_values(one) for one in seen])


def _values(one: Seen) -> list[object]:
    track = one.track
    values: list[object] = [
        one.incident, one.status, track.severity.value, one.acknowledged_at, track.version,
        [begins for begins, _ in track.open_since], [ends for _, ends in track.open_since], track.ack_from, one.look_at,
    ]  # fmt: skip
    for running in (track.ack, track.resolve):
        promise = msgspec.to_builtins(running.promise) if running.promise else None
        values += [
            promise,
            running.due_at,
            running.warn_at,
            running.met_at,
            running.warned_at,
            running.breached_at,
        ]
    return values


def track_of(row: Row) -> Track:
    """The clocks of one row."""
    return Track(
        severity=Severity(row["severity"]), version=row["version"],
        open_since=tuple(zip(row["opened"], row["ended"], strict=True)), ack_from=row["ack_from"],
        ack=_running(row, Clock.ACK), resolve=_running(row, Clock.RESOLVE),
    )  # fmt: skip


def _running(row: Row, clock: Clock) -> Running:
    told = row[f"{clock.value}_promise"]
    promise = msgspec.convert(told, Promise, strict=False) if told else None
    return Running(promise=promise, **{name: row[f"{clock.value}_{name}"] for name in _COLUMNS[1:]})


# ---- lists and figures -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An incident with its clocks, for people."""

    name: str
    title: str
    severity: str
    status: str
    team: str
    services: tuple[str, ...]
    assignee: str
    acknowledged_by: str
    opened_at: datetime
    track: Track


_SHOWN = (
    "SELECT s.*, i.number, i.title, i.status AS now_status, i.team, i.assignee, i.acknowledged_by, i.opened_at,"
    " ARRAY(SELECT p.service FROM part p WHERE p.incident_id = i.id AND p.service <> '' ORDER BY p.position) AS services"
    " FROM sla s JOIN incident i ON i.id = s.incident_id"
)
_NARROWED = (
    " AND ($1 = '' OR EXISTS (SELECT FROM part p WHERE p.incident_id = i.id AND p.service = $1))"
    " AND ($2 = '' OR i.team = $2) AND ($3 = '' OR i.severity = $3)"
)


async def running(connection: Connection, *, service: str, team: str, severity: str, most: int) -> list[Kept]:
    """Open incidents to which something is promised, the soonest end of a clock that still runs first."""
    rows = await connection.fetch(
        f"{_SHOWN} WHERE i.status IN ('open', 'mitigated') AND coalesce(s.ack_due_at, s.resolve_due_at) IS NOT NULL"
        f"{_NARROWED} ORDER BY least(CASE WHEN s.ack_met_at IS NULL THEN s.ack_due_at END, s.resolve_due_at), i.number LIMIT $4",
        service, team, severity, most,
    )  # fmt: skip
    return [_kept(row) for row in rows]


async def breached(
    connection: Connection, start: datetime, end: datetime, *, service: str, team: str, severity: str, most: int
) -> list[Kept]:  # fmt: skip
    """Incidents of which a clock was missed within [start, end), the last first."""
    rows = await connection.fetch(
        f"{_SHOWN} WHERE (s.ack_breached_at >= $5 AND s.ack_breached_at < $6"
        f" OR s.resolve_breached_at >= $5 AND s.resolve_breached_at < $6){_NARROWED}"
        " ORDER BY greatest(s.ack_breached_at, s.resolve_breached_at) DESC, i.number DESC LIMIT $4",
        service, team, severity, most, start, end,
    )  # fmt: skip
    return [_kept(row) for row in rows]


async def of_incident(connection: Connection, incident: UUID) -> Kept | None:
    """The clocks of one; None when nothing was promised."""
    row = await connection.fetchrow(f"{_SHOWN} WHERE s.incident_id = $1", incident)
    return _kept(row) if row else None


def _kept(row: Row) -> Kept:
    return Kept(
        name=f"INC-{row['number']}", title=row["title"], severity=row["severity"], status=row["now_status"], team=row["team"],
        services=tuple(row["services"]), assignee=row["assignee"], acknowledged_by=row["acknowledged_by"],
        opened_at=row["opened_at"], track=track_of(row),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Of the incidents opened in a time: how many clocks ended, and how many of them in time. `running` = not due yet."""

    key: str
    clock: Clock
    kept: int
    missed: int
    running: int

    @property
    def share(self) -> float | None:
        """Kept of those that ended, 0 to 1; None when none did."""
        ended = self.kept + self.missed
        return self.kept / ended if ended else None


_BY: Mapping[str, str] = {
    "all": "'all'",
    "severity": "i.severity",
    "team": "i.team",
    "service": "coalesce(p.service, '')",
}


async def compliance(connection: Connection, start: datetime, end: datetime, by: str) -> list[Figure]:
    """For incidents opened within [start, end), by "all", "severity", "team" or "service" (an incident of two services
    counts in both)."""
    join = " LEFT JOIN part p ON p.incident_id = i.id" if by == "service" else ""
    found: list[Figure] = []
    for clock in Clock:
        name = clock.value
        rows = await connection.fetch(
            f"SELECT {_BY[by]} AS key, count(*) FILTER (WHERE s.{name}_breached_at IS NULL AND s.{name}_met_at IS NOT NULL) AS kept,"  # noqa: S608 - built from constants
            f" count(*) FILTER (WHERE s.{name}_breached_at IS NOT NULL) AS missed,"
            f" count(*) FILTER (WHERE s.{name}_breached_at IS NULL AND s.{name}_met_at IS NULL) AS running"
            f" FROM sla s JOIN incident i ON i.id = s.incident_id{join}"
            f" WHERE i.opened_at >= $1 AND i.opened_at < $2 AND s.{name}_due_at IS NOT NULL GROUP BY 1 ORDER BY 1",
            start, end,
        )  # fmt: skip
        found += [
            Figure(
                key=row["key"], clock=clock, kept=row["kept"], missed=row["missed"], running=row["running"]
            )
            for row in rows
        ]
    return found
