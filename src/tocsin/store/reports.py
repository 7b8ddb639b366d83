"""What is known of the incidents of a time, for a report? Read in a handful of statements, however many there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from tocsin.core.report import Incident, Side, Step
from tocsin.core.severity import Severity
from tocsin.store.database import Connection, Row

MOST = 20_000
"""Incidents of one report."""

_ALERTS = (
    "SELECT incident_id, count(*) AS alerts, coalesce(sum(count), 0) AS repeats FROM alert"
    " WHERE incident_id = ANY($1) GROUP BY incident_id"
)
_TOLD = """
  SELECT incident_id, min(at) FILTER (WHERE kind = 'acknowledged') AS acknowledged_at,
    (array_agg(actor ORDER BY at, id) FILTER (WHERE kind = 'acknowledged'))[1] AS acknowledged_by,
    (array_agg(actor ORDER BY at DESC, id DESC) FILTER (WHERE kind = 'resolved'))[1] AS resolved_by,
    count(*) FILTER (WHERE kind = 'escalated') AS escalations, count(*) FILTER (WHERE kind = 'reopened') AS reopens
  FROM timeline WHERE incident_id = ANY($1) AND at >= $2
    AND kind IN ('acknowledged', 'resolved', 'escalated', 'reopened') GROUP BY incident_id
"""
_SIDES = (
    "SELECT incident_id, connector, service, remote_id, remote_url, accepted_at, notified_at, acknowledged_at, resolved_at"
    " FROM remote WHERE incident_id = ANY($1) ORDER BY incident_id, id"
)
_PARTS = "SELECT incident_id, service FROM part WHERE incident_id = ANY($1) AND service <> '' ORDER BY incident_id, position"
_SLA = (
    "SELECT incident_id, ack_due_at, ack_met_at, ack_breached_at, resolve_due_at, resolve_met_at, resolve_breached_at"
    " FROM sla WHERE incident_id = ANY($1)"
)
_STEPS = """
  SELECT incident_id, at, text, actor, n, total FROM (
    SELECT incident_id, at, text, actor, row_number() OVER w AS n, count(*) OVER (PARTITION BY incident_id) AS total
    FROM timeline WHERE incident_id = ANY($1) AND at >= $2 AND kind <> ALL($4::text[])
    WINDOW w AS (PARTITION BY incident_id ORDER BY at, id)) t WHERE n <= $3 ORDER BY incident_id, n
"""
_DULL = (
    "alert_repeated",
    "alert_deduplicated",
    "classification",
    "grouping",
    "routing",
    "not_written",
    "recorded",
)


async def incidents_of(
    connection: Connection, start: datetime, end: datetime, *, service: str = "", team: str = ""
) -> list[Incident]:
    """Incidents opened within [start, end), in order of their opening, at most MOST + 1; without their steps."""
    rows = await connection.fetch(
        "SELECT i.* FROM incident i WHERE i.opened_at >= $1 AND i.opened_at < $2 AND ($3 = '' OR i.team = $3)"
        " AND ($4 = '' OR EXISTS (SELECT FROM part p WHERE p.incident_id = i.id AND p.service = $4))"
        " ORDER BY i.opened_at, i.number LIMIT $5",
        start, end, team, service, MOST + 1,
    )  # fmt: skip
    ids = [row["id"] for row in rows]
    alerts = {row["incident_id"]: row for row in await connection.fetch(_ALERTS, ids)}
    told = {row["incident_id"]: row for row in await connection.fetch(_TOLD, ids, start)}
    promised = {row["incident_id"]: row for row in await connection.fetch(_SLA, ids)}
    sides, parts = defaultdict[UUID, list[Side]](list), defaultdict[UUID, list[str]](list)
    for row in await connection.fetch(_SIDES, ids):
        sides[row["incident_id"]].append(_side(row))
    for row in await connection.fetch(_PARTS, ids):
        parts[row["incident_id"]].append(row["service"])
    return [
        _incident(
            row,
            alerts.get(row["id"]),
            told.get(row["id"]),
            promised.get(row["id"]),
            parts[row["id"]],
            sides[row["id"]],
        )
        for row in rows
    ]


async def steps_of(
    connection: Connection, numbers: Sequence[int], since: datetime, most: int
) -> dict[str, tuple[tuple[Step, ...], int]]:
    """Name -> the first `most` steps of its timeline, and how many more there are."""
    rows = await connection.fetch("SELECT id, number FROM incident WHERE number = ANY($1)", list(numbers))
    names = {row["id"]: f"INC-{row['number']}" for row in rows}
    found: dict[str, list[Step]] = {name: [] for name in names.values()}
    totals: dict[str, int] = {}
    for row in await connection.fetch(_STEPS, list(names), since, most, list(_DULL)):
        name = names[row["incident_id"]]
        found[name].append(Step(at=row["at"], text=row["text"], actor=row["actor"]))
        totals[name] = row["total"]
    return {name: (tuple(steps), totals.get(name, 0) - len(steps)) for name, steps in found.items()}


def _side(row: Row) -> Side:
    return Side(
        connector=row["connector"], service=row["service"], remote_id=row["remote_id"], remote_url=row["remote_url"],
        accepted_at=row["accepted_at"], notified_at=row["notified_at"], acknowledged_at=row["acknowledged_at"],
        resolved_at=row["resolved_at"],
    )  # fmt: skip


def _incident(
    row: Row, alerts: Row | None, told: Row | None, sla: Row | None, services: list[str], sides: list[Side]
) -> Incident:
    acked = (told["acknowledged_at"] if told else None) or row["acknowledged_at"]
    over, by_person = row["status"] in ("resolved", "closed"), row["resolved_by"] in ("person", "provider")
    return Incident(
        name=f"INC-{row['number']}", title=row["title"], severity=Severity(row["severity"]), status=row["status"],
        opened_at=row["opened_at"], team=row["team"], services=tuple(services), acknowledged_at=acked,
        acknowledged_by=_bare((told["acknowledged_by"] if told else "") or row["acknowledged_by"]),
        resolved_at=row["resolved_at"] if over else None,
        resolved_by=_bare(told["resolved_by"]) if told and told["resolved_by"] and over and by_person else "",
        ack_kept=_kept(sla, "ack"), resolve_kept=_kept(sla, "resolve"), alerts=alerts["alerts"] if alerts else 0,
        repeats=int(alerts["repeats"]) if alerts else 0, escalations=told["escalations"] if told else 0,
        reopens=told["reopens"] if told else 0, sides=tuple(sides),
    )  # fmt: skip


def _bare(actor: str) -> str:
    """ "Ada via prod-pagerduty" and "Ada via cli" are one person."""
    return actor.partition(" via ")[0]


def _kept(sla: Row | None, clock: str) -> bool | None:
    if sla is None or sla[f"{clock}_due_at"] is None:
        return None
    if sla[f"{clock}_breached_at"] is not None:
        return False
    return True if sla[f"{clock}_met_at"] is not None else None
