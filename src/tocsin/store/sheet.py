"""What a decision changes, gathered while deciding and saved in one go.

Every verb of the engine fills a sheet; `save` is the one place that writes state, outgoing work, timers
and timeline together, so that they commit together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from tocsin.core.alarm import Alarm, slow
from tocsin.core.digest import Collected
from tocsin.core.model import Alert, Incident, Line
from tocsin.core.plan import Plan
from tocsin.core.ports import EffectKind
from tocsin.store import alarms, digests, silent, timers
from tocsin.store.breakers import HEDGES_A_MINUTE, hedged
from tocsin.store.database import Connection
from tocsin.store.rows import links_out, plan_out
from tocsin.store.writing import Rows, Write, rehearse, write

EFFECTS, CHANGED, TIMERS = "tocsin_effects", "tocsin_changed", "tocsin_timers"
"""Channels. The second carries the ids of the incidents that changed, with a space between them."""

_NAMED_TOGETHER = 200
"""Ids in one notification, which takes 8,000 bytes at most."""

LOOKS_EVERY = timedelta(seconds=1)
"""The loops look at their rows this often by themselves; only what is due sooner needs a bell."""


class LineRow(msgspec.Struct, frozen=True):
    at: datetime
    incident_id: UUID | None
    alert_id: UUID | None
    line: Line
    actor: str
    correlation_id: str
    config_version: int


class RemoteName(msgspec.Struct, frozen=True):
    """The natural key of a remote."""

    incident_id: UUID
    connector: str
    service: str
    recipient: str
    life: int


class NewRemote(msgspec.Struct, frozen=True):
    name: RemoteName
    key: str
    step: int
    asked_at: datetime


class NewEffect(msgspec.Struct, frozen=True):
    """`key` is the effect's own name: a second save of it changes nothing. An UPDATE is left out when one
    or the page itself waits already (the text is read when it is sent), and waits a minute after the last."""

    key: str
    remote: RemoteName
    kind: EffectKind
    body: Mapping[str, Any]
    due: datetime
    made_at: datetime
    urgent: int


class Decided(msgspec.Struct, frozen=True):
    """An alert after its decision: the newest event it covers, the record for `im explain`, the version of
    the configuration, when its repeats were last told in the timeline, and when it is decided again although
    nothing is heard."""

    alert: Alert
    last_event: int
    record: Mapping[str, Any] | None
    config_version: int
    told_repeat_at: datetime | None
    look_again_at: datetime | None = None


@dataclass(slots=True)
class Sheet:
    """Filled by one transaction, saved once. `born` = incidents opened by it: no timer of theirs runs yet."""

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
    reopened: list[tuple[int, int, datetime, int]] = field(default_factory=list)
    effects: list[NewEffect] = field(default_factory=list)
    timers: dict[tuple[str, UUID], datetime | None] = field(default_factory=dict)
    silent: dict[UUID, datetime] = field(default_factory=dict)
    collected: dict[UUID, tuple[Collected, int]] = field(default_factory=dict)
    alarms: list[Alarm] = field(default_factory=list)
    alarms_over: list[str] = field(default_factory=list)
    hedged: list[str] = field(default_factory=list)

    def due_soon(self, now: datetime) -> bool:
        """True when a timer is due before everybody looks by himself anyway."""
        return any(due is not None and due <= now + LOOKS_EVERY for due in self.timers.values())

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
        about, of = incident.id if incident else None, alert.id if alert else None
        self.lines.append(LineRow(at, about, of, line, actor, correlation, version))


async def save(connection: Connection, sheet: Sheet, now: datetime) -> None:
    """Write everything in the sheet and wake whoever has work by it."""
    if sheet.ungrouped:
        await connection.execute(
            "UPDATE incident SET group_key = '' WHERE id = ANY($1)", list(sheet.ungrouped)
        )
    for connector in await hedged(connection, sheet.hedged, now):
        sheet.alarms.append(slow(connector, HEDGES_A_MINUTE))
    # first what the rest refers to
    incidents = (_INCIDENTS, _incidents(sheet, now))
    await write(connection, [incidents, (_PARTS, _parts(sheet)), (_REMOTES, _remotes(sheet))])
    for remote, step, asked_at, life in sheet.reopened:
        # reopened in place: the same incident there, asked anew
        await connection.execute(_REOPENED, remote, step, asked_at, life)
    await write(
        connection,
        [
            (_DECIDED, _decided(sheet)),
            (_EFFECTS, _effects(sheet)),
            (_LINES, _lines(sheet)),
            (timers.ENDED, timers.rows(sheet.timers, running=False, born=sheet.born)),
            (timers.SET, timers.rows(sheet.timers, running=True)),
            (silent.HELD, silent.rows(sheet.silent)),
            (_TOUCHED, [{"id": name, "now": now} for name in sheet.touched - sheet.incidents.keys()]),
        ],
        _bells(sheet, now),
    )
    for alert_id, status, resolved_by, resolved_at, only in sheet.alert_status:
        await connection.execute(_ALERT_STATUS, alert_id, status, resolved_by, resolved_at, only)
    if sheet.collected:
        await digests.collect(connection, sheet.collected, now)
    if sheet.alarms_over:
        await alarms.clear(connection, sheet.alarms_over, now)
    if sheet.alarms:
        await alarms.sound(connection, sheet.alarms, now)


async def rehearse_page(connection: Connection) -> None:
    """The statements by which a decision that pages and the outcome of its page are saved, without one."""
    await rehearse(connection, _INCIDENTS, _PARTS, _REMOTES)
    await rehearse(connection, _DECIDED, _EFFECTS, _LINES, bells=True)
    await rehearse(connection, _DECIDED, _EFFECTS, _LINES, timers.SET, bells=True)
    await rehearse(connection, _LINES, _TOUCHED, bells=True)
    await rehearse(connection, _LINES, timers.SET, _TOUCHED, bells=True)
    await rehearse(connection, _LINES, timers.ENDED, _TOUCHED, bells=True)


def _bells(sheet: Sheet, now: datetime) -> list[tuple[str, str]]:
    changed = [str(incident) for incident in sheet.touched | sheet.incidents.keys()]
    bells = [
        (CHANGED, " ".join(changed[n : n + _NAMED_TOGETHER])) for n in range(0, len(changed), _NAMED_TOGETHER)
    ]
    if sheet.effects:
        bells.append((EFFECTS, ""))
    if sheet.due_soon(now):
        bells.append((TIMERS, ""))
    return bells


_INCIDENTS = Write(
    "id uuid, number bigint, title text, description text, severity text, status text, team text, correlation_id text,"
    " life int, declared bool, origin text, policy text, rule text, group_key text, assignee text, opened_at timestamptz,"
    " acknowledged_at timestamptz, acknowledged_by text, resolved_at timestamptz, resolved_by text, closed_at timestamptz,"
    " recurrence_of bigint, config_version bigint, details jsonb, links jsonb, paging jsonb, last_join_at timestamptz,"
    " updated_at timestamptz, fields jsonb, by_hand text[], snoozed_until timestamptz, merged_into bigint",
    """
    INSERT INTO incident (id, number, title, description, severity, status, team, correlation_id, life, declared, origin,
      policy, rule, group_key, assignee, opened_at, acknowledged_at, acknowledged_by, resolved_at, resolved_by, closed_at,
      recurrence_of, config_version, details, links, paging, last_join_at, updated_at, fields, by_hand,
      snoozed_until, merged_into)
    SELECT r.* FROM {rows}
    ON CONFLICT (id) DO UPDATE SET title = excluded.title, description = excluded.description,
      severity = excluded.severity, status = excluded.status, life = excluded.life, policy = excluded.policy,
      rule = excluded.rule, assignee = excluded.assignee, acknowledged_at = excluded.acknowledged_at,
      acknowledged_by = excluded.acknowledged_by, resolved_at = excluded.resolved_at, resolved_by = excluded.resolved_by,
      closed_at = excluded.closed_at, config_version = excluded.config_version, details = excluded.details,
      links = excluded.links, fields = excluded.fields, by_hand = excluded.by_hand,
      paging = excluded.paging, last_join_at = coalesce(excluded.last_join_at, incident.last_join_at),
      updated_at = excluded.updated_at, snoozed_until = excluded.snoozed_until,
      declared = excluded.declared, merged_into = excluded.merged_into,
      over_in = CASE WHEN incident.status IN ('resolved', 'closed') THEN incident.life ELSE incident.over_in END
    """,
)


def _incidents(sheet: Sheet, now: datetime) -> Rows:
    return [
        {
            "id": x.id, "number": x.number, "title": x.title, "description": x.description, "severity": x.severity,
            "status": x.status, "team": x.team, "correlation_id": x.correlation_id, "life": x.life,
            "declared": x.declared, "origin": x.origin, "policy": x.policy, "rule": x.rule, "group_key": x.group_key,
            "assignee": x.assignee, "opened_at": x.opened_at, "acknowledged_at": x.acknowledged_at,
            "acknowledged_by": x.acknowledged_by, "resolved_at": x.resolved_at, "resolved_by": x.resolved_by,
            "closed_at": x.closed_at, "recurrence_of": x.recurrence_of, "config_version": x.config_version,
            "details": x.details, "links": links_out(x.links), "paging": plan_out(plan),
            "last_join_at": sheet.joined.get(x.id), "updated_at": now, "fields": x.fields,
            "by_hand": sorted(x.by_hand), "snoozed_until": x.snoozed_until,
            "merged_into": x.merged_into,
        }
        for x, plan in sheet.incidents.values()
    ]  # fmt: skip


_PARTS = Write(
    "incident_id uuid, position smallint, service text, status text, changed_at timestamptz, changed_by text",
    """
    INSERT INTO part (incident_id, position, service, status, changed_at, changed_by) SELECT r.* FROM {rows}
    ON CONFLICT (incident_id, service) DO UPDATE SET status = excluded.status, changed_at = excluded.changed_at,
      changed_by = excluded.changed_by
    """,
)


def _parts(sheet: Sheet) -> Rows:
    return [
        {
            "incident_id": incident.id, "position": position, "service": part.service, "status": part.status,
            "changed_at": part.changed_at, "changed_by": part.changed_by,
        }
        for incident, _ in sheet.incidents.values()
        for position, part in enumerate(incident.parts)
    ]  # fmt: skip


_REMOTES = Write(
    "incident_id uuid, connector text, service text, recipient text, life int, key text, step smallint, asked_at timestamptz,"
    " asked_in int",
    """
    INSERT INTO remote (incident_id, connector, service, recipient, life, key, step, asked_at, asked_in)
    SELECT r.* FROM {rows}
    ON CONFLICT (incident_id, connector, service, recipient, life) DO NOTHING
    """,
)


def _remotes(sheet: Sheet) -> Rows:
    return [
        {**_named(r.name), "key": r.key, "step": r.step, "asked_at": r.asked_at, "asked_in": r.name.life}
        for r in sheet.remotes
    ]


def _named(name: RemoteName) -> dict[str, object]:
    return {
        "incident_id": name.incident_id, "connector": name.connector, "service": name.service,
        "recipient": name.recipient, "life": name.life,
    }  # fmt: skip


_REOPENED = """
UPDATE remote SET step = $2, asked_at = $3, asked_in = $4, accepted_at = NULL, created_at = NULL, notified_at = NULL, acknowledged_at = NULL,
  resolved_at = NULL, failed_at = NULL, superseded_at = NULL, exhausted_at = NULL, rung_read_at = NULL, held_until = NULL, fault = '',
  status = 'unknown', there_at = NULL WHERE id = $1
"""

_DECIDED = Write(
    "id uuid, status text, severity text, services text[], team text, incident_id uuid, muted_by text, decision jsonb,"
    " config_version bigint, decided_event bigint, told_repeat_at timestamptz, look_again_at timestamptz,"
    " resolved_at timestamptz, resolved_by text",
    """
    UPDATE alert a SET status = r.status, severity = r.severity, services = r.services, team = r.team,
      incident_id = r.incident_id, muted_by = r.muted_by, decision = coalesce(r.decision, a.decision),
      config_version = r.config_version, decided_event = r.decided_event, told_repeat_at = r.told_repeat_at,
      undecided_since = NULL, look_again_at = r.look_again_at,
      resolved_at = coalesce(r.resolved_at, a.resolved_at), resolved_by = coalesce(r.resolved_by, a.resolved_by)
    FROM {rows} WHERE a.id = r.id
    """,
)


def _decided(sheet: Sheet) -> Rows:
    return [
        {
            "id": row.alert.id, "status": row.alert.status, "severity": row.alert.severity,
            "services": row.alert.services, "team": row.alert.team, "incident_id": row.alert.incident_id,
            "muted_by": row.alert.muted_by, "decision": row.record, "config_version": row.config_version,
            "decided_event": row.last_event, "told_repeat_at": row.told_repeat_at, "look_again_at": row.look_again_at,
            "resolved_at": row.alert.resolved_at, "resolved_by": row.alert.resolved_by,
        }
        for row in sheet.decided.values()
    ]  # fmt: skip


_ALERT_STATUS = """
UPDATE alert SET status = $2, resolved_by = coalesce($3, resolved_by), resolved_at = coalesce($4, resolved_at),
  look_again_at = CASE WHEN $2 <> 'resolved' THEN look_again_at END
WHERE id = $1 AND status <> 'resolved' AND ($5::text IS NULL OR status = $5)
"""

_EFFECTS = Write(
    "n int, key text, incident_id uuid, connector text, service text, recipient text, life int, kind text, body jsonb,"
    " due timestamptz, made_at timestamptz, urgent smallint",
    """
    INSERT INTO effect (key, incident_id, remote, connector, kind, body, due, made_at, urgent)
    SELECT r.key, m.incident_id, m.id, m.connector, r.kind, r.body,
      CASE WHEN r.kind = 'update' THEN greatest(r.due, (SELECT max(u.made_at) + interval '60 s' FROM effect u
        WHERE u.incident_id = m.incident_id AND u.remote = m.id AND u.kind = 'update')) ELSE r.due END,
      r.made_at, r.urgent
    FROM {rows}
    JOIN remote m ON m.incident_id = r.incident_id AND m.connector = r.connector AND m.service = r.service
      AND m.recipient = r.recipient AND m.life = r.life
    WHERE r.kind <> 'update' OR NOT EXISTS (
      SELECT 1 FROM effect w WHERE w.remote = m.id AND w.kind IN ('update', 'create') AND w.state = 'waiting')
    ORDER BY r.n
    ON CONFLICT (key) DO NOTHING
    """,
)


def _effects(sheet: Sheet) -> Rows:
    return [
        {
            "n": n, "key": e.key, **_named(e.remote), "kind": e.kind, "body": e.body, "due": e.due,
            "made_at": e.made_at, "urgent": e.urgent,
        }
        for n, e in enumerate(sheet.effects)
    ]  # fmt: skip


_LINES = Write(
    "at timestamptz, incident_id uuid, alert_id uuid, kind text, reason text, text text, actor text, correlation_id text,"
    " took_ms real, config_version bigint, data jsonb",
    """
    INSERT INTO timeline (at, incident_id, alert_id, kind, reason, text, actor, correlation_id, took_ms, config_version, data)
    SELECT r.* FROM {rows}
    """,
)


def _lines(sheet: Sheet) -> Rows:
    return [
        {
            "at": row.at, "incident_id": row.incident_id, "alert_id": row.alert_id, "kind": row.line.kind,
            "reason": row.line.reason, "text": row.line.text, "actor": row.actor,
            "correlation_id": row.correlation_id, "took_ms": row.line.took_ms, "config_version": row.config_version,
            "data": row.line.data,
        }
        for row in sheet.lines
    ]  # fmt: skip


_TOUCHED = Write(
    "id uuid, now timestamptz", "UPDATE incident i SET updated_at = r.now FROM {rows} WHERE i.id = r.id"
)
