"""What a decision changes, gathered while deciding and saved in one go.

Every verb of the engine fills a sheet; `save` is the one place that writes state, outgoing work, timers
and timeline together, so that they commit together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from tocsin.core.model import Alert, Incident, Line
from tocsin.core.paging import Plan
from tocsin.core.ports import EffectKind
from tocsin.store.database import Connection, notify
from tocsin.store.rows import links_out, listed, plan_out

EFFECTS, CHANGED, TIMERS = "tocsin_effects", "tocsin_changed", "tocsin_timers"


@dataclass(frozen=True, slots=True)
class LineRow:
    at: datetime
    incident_id: UUID | None
    alert_id: UUID | None
    line: Line
    actor: str
    correlation_id: str
    config_version: int


@dataclass(frozen=True, slots=True)
class RemoteName:
    """The natural key of a remote."""

    incident_id: UUID
    connector: str
    service: str
    recipient: str
    life: int


@dataclass(frozen=True, slots=True)
class NewRemote:
    name: RemoteName
    key: str
    step: int
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class NewEffect:
    """`key` is the effect's own name: a second save of it changes nothing. An UPDATE is left out when one
    or the page itself waits already (the text is read when it is sent), and waits a minute after the last."""

    key: str
    remote: RemoteName
    kind: EffectKind
    body: Mapping[str, Any]
    due: datetime
    made_at: datetime
    urgent: int


@dataclass(frozen=True, slots=True)
class Decided:
    """An alert after its decision: the newest event it covers, the record for `im explain`, the version of
    the configuration, and when its repeats were last told in the timeline."""

    alert: Alert
    last_event: int
    record: Mapping[str, Any] | None
    config_version: int
    told_repeat_at: datetime | None


@dataclass(slots=True)
class Sheet:
    """Filled by one transaction, saved once."""

    decided: dict[UUID, Decided] = field(default_factory=dict)
    alert_status: list[tuple[UUID, str, str | None, datetime | None, str | None]] = field(
        default_factory=list
    )
    incidents: dict[UUID, tuple[Incident, Plan]] = field(default_factory=dict)
    touched: set[UUID] = field(default_factory=set)
    joined: dict[UUID, datetime] = field(default_factory=dict)
    born: set[UUID] = field(default_factory=set)
    ungrouped: set[UUID] = field(default_factory=set)
    lines: list[LineRow] = field(default_factory=list)
    remotes: list[NewRemote] = field(default_factory=list)
    reopened: list[tuple[int, int, datetime]] = field(default_factory=list)
    effects: list[NewEffect] = field(default_factory=list)
    timers: dict[tuple[str, UUID], datetime | None] = field(default_factory=dict)

    def tell(
        self,
        at: datetime,
        incident: Incident | None,
        line: Line,
        *,
        actor: str = "",
        alert: Alert | None = None,
    ) -> None:
        """Add a line to the timeline of the incident, the alert, or both."""
        if incident is not None:
            self.touched.add(incident.id)
        correlation = incident.correlation_id if incident else alert.correlation_id if alert else ""
        version = incident.config_version if incident else 0
        row = LineRow(
            at,
            incident.id if incident else None,
            alert.id if alert else None,
            line,
            actor,
            correlation,
            version,
        )
        self.lines.append(row)


async def save(connection: Connection, sheet: Sheet, now: datetime) -> None:
    """Write everything in the sheet and wake whoever has work by it."""
    if sheet.ungrouped:
        await connection.execute(
            "UPDATE incident SET group_key = '' WHERE id = ANY($1)", list(sheet.ungrouped)
        )
    if sheet.incidents:
        await _save_incidents(connection, sheet, now)
    if sheet.decided:
        await _save_decided(connection, sheet)
    for alert_id, status, resolved_by, resolved_at, only in sheet.alert_status:
        await connection.execute(
            "UPDATE alert SET status = $2, resolved_by = coalesce($3, resolved_by), resolved_at = coalesce($4, resolved_at)"
            " WHERE id = $1 AND status <> 'resolved' AND ($5::text IS NULL OR status = $5)",
            alert_id, status, resolved_by, resolved_at, only,
        )  # fmt: skip
    if sheet.remotes:
        await _save_remotes(connection, sheet.remotes)
    for remote, step, asked_at in sheet.reopened:
        # reopened in place: the same incident there, asked anew
        await connection.execute(
            "UPDATE remote SET step = $2, asked_at = $3, accepted_at = NULL, created_at = NULL, notified_at = NULL,"
            " acknowledged_at = NULL, resolved_at = NULL, failed_at = NULL, superseded_at = NULL, fault = '',"
            " status = 'unknown' WHERE id = $1",
            remote,
            step,
            asked_at,
        )
    if sheet.effects:
        await _save_effects(connection, sheet.effects)
        await notify(connection, EFFECTS)
    if sheet.lines:
        await _save_lines(connection, sheet.lines)
    if sheet.timers:
        await _save_timers(connection, sheet.timers)
        await notify(connection, TIMERS)
    if told := sheet.touched - sheet.incidents.keys():
        await connection.execute("UPDATE incident SET updated_at = $2 WHERE id = ANY($1)", list(told), now)
    if changed := [str(incident) for incident in sheet.touched | sheet.incidents.keys()]:
        await connection.execute(
            "SELECT pg_notify($1, name) FROM unnest($2::text[]) AS name", CHANGED, changed
        )


async def _save_incidents(connection: Connection, sheet: Sheet, now: datetime) -> None:
    kept = list(sheet.incidents.values())
    i = [incident for incident, _ in kept]
    await connection.execute(
        """
        INSERT INTO incident (id, number, title, description, severity, status, team, correlation_id, life, declared, origin,
          policy, rule, group_key, assignee, opened_at, acknowledged_at, acknowledged_by, resolved_at, resolved_by, closed_at,
          recurrence_of, config_version, details, links, paging, last_join_at, updated_at)
        SELECT id, number, title, description, severity, status, team, correlation_id, life, declared, origin, policy, rule,
          group_key, assignee, opened_at, acknowledged_at, acknowledged_by, resolved_at, resolved_by, closed_at, recurrence_of,
          config_version, details, links::jsonb, paging, last_join_at, $28 FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
          $8::text[], $9::int[], $10::bool[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],
          $16::timestamptz[], $17::timestamptz[], $18::text[], $19::timestamptz[], $20::text[], $21::timestamptz[],
          $22::bigint[], $23::bigint[], $24::jsonb[], $25::text[], $26::jsonb[], $27::timestamptz[])
          AS r (id, number, title, description, severity, status, team, correlation_id, life, declared, origin, policy, rule,
          group_key, assignee, opened_at, acknowledged_at, acknowledged_by, resolved_at, resolved_by, closed_at, recurrence_of,
          config_version, details, links, paging, last_join_at)
        ON CONFLICT (id) DO UPDATE SET title = excluded.title, description = excluded.description,
          severity = excluded.severity, status = excluded.status, life = excluded.life, policy = excluded.policy,
          rule = excluded.rule, assignee = excluded.assignee, acknowledged_at = excluded.acknowledged_at,
          acknowledged_by = excluded.acknowledged_by, resolved_at = excluded.resolved_at, resolved_by = excluded.resolved_by,
          closed_at = excluded.closed_at, config_version = excluded.config_version, details = excluded.details,
          paging = excluded.paging, last_join_at = coalesce(excluded.last_join_at, incident.last_join_at),
          updated_at = excluded.updated_at
        """,
        [x.id for x in i], [x.number for x in i], [x.title for x in i], [x.description for x in i],
        [x.severity.value for x in i], [x.status.value for x in i], [x.team for x in i], [x.correlation_id for x in i],
        [x.life for x in i], [x.declared for x in i], [x.origin for x in i], [x.policy for x in i], [x.rule for x in i],
        [x.group_key for x in i], [x.assignee for x in i], [x.opened_at for x in i], [x.acknowledged_at for x in i],
        [x.acknowledged_by for x in i], [x.resolved_at for x in i],
        [x.resolved_by.value if x.resolved_by else None for x in i], [x.closed_at for x in i],
        [x.recurrence_of for x in i], [x.config_version for x in i], [x.details for x in i],
        [listed(links_out(x.links)) for x in i], [plan_out(plan) for _, plan in kept], [sheet.joined.get(x.id) for x in i], now,
    )  # fmt: skip
    flat = [(x.id, n, part) for x in i for n, part in enumerate(x.parts)]
    await connection.execute(
        """
        INSERT INTO part (incident_id, position, service, status, changed_at, changed_by)
        SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[], $5::timestamptz[], $6::text[])
        ON CONFLICT (incident_id, service) DO UPDATE SET status = excluded.status, changed_at = excluded.changed_at,
          changed_by = excluded.changed_by
        """,
        [f[0] for f in flat], [f[1] for f in flat], [f[2].service for f in flat], [f[2].status.value for f in flat],
        [f[2].changed_at for f in flat], [f[2].changed_by for f in flat],
    )  # fmt: skip


async def _save_decided(connection: Connection, sheet: Sheet) -> None:
    rows = list(sheet.decided.values())
    a = [row.alert for row in rows]
    await connection.execute(
        """
        UPDATE alert a SET status = r.status, severity = r.severity, services = ARRAY(SELECT jsonb_array_elements_text(r.services::jsonb)),
          team = r.team, incident_id = r.incident_id, muted_by = r.muted_by, decision = coalesce(r.decision, a.decision),
          config_version = r.config_version, decided_event = r.decided_event, told_repeat_at = r.told_repeat_at,
          undecided_since = NULL
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::jsonb[],
          $9::bigint[], $10::bigint[], $11::timestamptz[])
          AS r (id, status, severity, services, team, incident_id, muted_by, decision, config_version, decided_event,
            told_repeat_at)
        WHERE a.id = r.id
        """,
        [x.id for x in a], [x.status.value for x in a], [x.severity.value if x.severity else None for x in a],
        [listed(x.services) for x in a], [x.team for x in a], [x.incident_id for x in a], [x.muted_by for x in a],
        [row.record for row in rows], [row.config_version for row in rows], [row.last_event for row in rows],
        [row.told_repeat_at for row in rows],
    )  # fmt: skip


async def _save_remotes(connection: Connection, remotes: list[NewRemote]) -> None:
    await connection.execute(
        """
        INSERT INTO remote (incident_id, connector, service, recipient, life, key, step, asked_at)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[], $7::smallint[],
          $8::timestamptz[])
        ON CONFLICT (incident_id, connector, service, recipient, life) DO NOTHING
        """,
        [r.name.incident_id for r in remotes], [r.name.connector for r in remotes], [r.name.service for r in remotes],
        [r.name.recipient for r in remotes], [r.name.life for r in remotes], [r.key for r in remotes],
        [r.step for r in remotes], [r.asked_at for r in remotes],
    )  # fmt: skip


async def _save_effects(connection: Connection, effects: list[NewEffect]) -> None:
    await connection.execute(
        """
        INSERT INTO effect (key, incident_id, remote, connector, kind, body, due, made_at, urgent)
        SELECT e.key, m.incident_id, m.id, m.connector, e.kind, e.body,
          CASE WHEN e.kind = 'update' THEN greatest(e.due, (SELECT max(u.made_at) + interval '60 s' FROM effect u
            WHERE u.incident_id = m.incident_id AND u.remote = m.id AND u.kind = 'update')) ELSE e.due END,
          e.made_at, e.urgent
        FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::int[], $7::text[], $8::jsonb[],
          $9::timestamptz[], $10::timestamptz[], $11::smallint[])
          WITH ORDINALITY AS e (key, incident_id, connector, service, recipient, life, kind, body, due, made_at, urgent, n)
        JOIN remote m ON m.incident_id = e.incident_id AND m.connector = e.connector AND m.service = e.service
          AND m.recipient = e.recipient AND m.life = e.life
        WHERE e.kind <> 'update' OR NOT EXISTS (
          SELECT 1 FROM effect w WHERE w.remote = m.id AND w.kind IN ('update', 'create') AND w.state = 'waiting')
        ORDER BY e.n
        ON CONFLICT (key) DO NOTHING
        """,
        [e.key for e in effects], [e.remote.incident_id for e in effects], [e.remote.connector for e in effects],
        [e.remote.service for e in effects], [e.remote.recipient for e in effects], [e.remote.life for e in effects],
        [e.kind.value for e in effects], [e.body for e in effects], [e.due for e in effects],
        [e.made_at for e in effects], [e.urgent for e in effects],
    )  # fmt: skip


async def _save_lines(connection: Connection, lines: list[LineRow]) -> None:
    await connection.execute(
        """
        INSERT INTO timeline (at, incident_id, alert_id, kind, reason, text, actor, correlation_id, took_ms, config_version, data)
        SELECT at, incident_id, alert_id, kind, reason, text, actor, correlation_id, took_ms, config_version, data
        FROM unnest($1::timestamptz[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
          $9::real[], $10::bigint[], $11::jsonb[]) WITH ORDINALITY
          AS r (at, incident_id, alert_id, kind, reason, text, actor, correlation_id, took_ms, config_version, data, n)
        ORDER BY n
        """,
        [r.at for r in lines], [r.incident_id for r in lines], [r.alert_id for r in lines], [r.line.kind for r in lines],
        [r.line.reason for r in lines], [r.line.text for r in lines], [r.actor for r in lines],
        [r.correlation_id for r in lines], [r.line.took_ms for r in lines], [r.config_version for r in lines],
        [r.line.data for r in lines],
    )  # fmt: skip


async def _save_timers(connection: Connection, timers: Mapping[tuple[str, UUID], datetime | None]) -> None:
    ended = [name for name, due in timers.items() if due is None]
    running = [(name, due) for name, due in timers.items() if due is not None]
    if ended:
        await connection.execute(
            "DELETE FROM timer t USING unnest($1::text[], $2::uuid[]) AS r (kind, incident_id)"
            " WHERE t.kind = r.kind AND t.incident_id = r.incident_id",
            [kind for kind, _ in ended],
            [incident for _, incident in ended],
        )
    if running:
        await connection.execute(
            "INSERT INTO timer (kind, incident_id, due) SELECT * FROM unnest($1::text[], $2::uuid[], $3::timestamptz[])"
            " ON CONFLICT (kind, incident_id) DO UPDATE SET due = excluded.due",
            [name[0] for name, _ in running],
            [name[1] for name, _ in running],
            [due for _, due in running],
        )
