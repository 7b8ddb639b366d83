"""SQL of the door: raw requests, events and the identity of alerts, many at once in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from tocsin.core.alias import Alias
from tocsin.core.model import Alert, Event
from tocsin.store.aliases import WRITE as ALIASES
from tocsin.store.aliases import rows_of
from tocsin.store.database import Connection
from tocsin.store.rows import alert_of, event_out, links_out
from tocsin.store.writing import Write, rehearse, write

UNDECIDED = "tocsin_undecided"
"""Channel: there are alerts to decide."""


class RawRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it came, headers already stripped of what authenticates."""

    id: UUID
    received_at: datetime
    integration: str
    source: str
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    remote_address: str
    reading: str
    fault: str = ""


class Repeat(msgspec.Struct, frozen=True):
    """Events of one key that say exactly what the alert already holds: only counted."""

    scope: str
    dedup_key: str
    fingerprint: bytes
    times: int


class Counted(msgspec.Struct, frozen=True):
    """What a counted repeat belongs to."""

    alert_id: UUID
    correlation_id: str
    status: str


class EventRow(msgspec.Struct, frozen=True):
    received_at: datetime
    alert_id: UUID | None
    raw_id: UUID
    integration: str
    dedup_key: str
    reading: str
    reason: str
    event: Event


class Door(msgspec.Struct, frozen=True):
    """An alert to be written at the door, with the fingerprint of what it was last told."""

    alert: Alert
    fingerprint: bytes
    born: bool


async def count_repeats(
    connection: Connection, repeats: Sequence[Repeat], now: datetime
) -> dict[tuple[str, str, bytes], Counted]:
    """Add identical repeats to live alerts; those that found none are missing from the answer.

    Dropped alerts are left out: a muted alert is decided again on each repeat (S7).
    """
    # Among millions of resolved alerts the planner believes that none is live, and would rather read a whole
    # index of the live ones than look into it: OFFSET 0 makes it look up each key, and a status it cannot see
    # through keeps such an index from the rest.
    rows = await connection.fetch(
        """
        WITH found AS MATERIALIZED (
          SELECT live.id, r.fingerprint, r.times
          FROM unnest($1::text[], $2::text[], $3::bytea[], $4::int[]) AS r (scope, dedup_key, fingerprint, times)
          CROSS JOIN LATERAL (SELECT id FROM alert l WHERE l.scope = r.scope AND l.dedup_key = r.dedup_key
            AND l.status <> 'resolved' OFFSET 0) AS live)
        UPDATE alert a SET count = a.count + f.times, last_event_at = greatest(a.last_event_at, $5)
        FROM found f WHERE a.id = f.id AND a.fingerprint = f.fingerprint
          AND a.status || '' IN ('queued', 'open', 'acknowledged')
        RETURNING a.scope, a.dedup_key, a.fingerprint, a.id, a.correlation_id, a.status
        """,
        [r.scope for r in repeats],
        [r.dedup_key for r in repeats],
        [r.fingerprint for r in repeats],
        [r.times for r in repeats],
        now,
    )
    return {
        (row["scope"], row["dedup_key"], row["fingerprint"]): Counted(
            row["id"], row["correlation_id"], row["status"]
        )
        for row in rows
    }


async def live_alerts(
    connection: Connection, keys: Iterable[tuple[str, str]], named: Iterable[UUID] = ()
) -> dict[tuple[str, str], Alert]:
    """The live alerts with these (scope, key), and those of the alerts with these ids that live, locked in the
    order of their ids."""
    pairs = sorted(set(keys))
    rows = await connection.fetch(
        """
        SELECT * FROM alert a WHERE a.status || '' <> 'resolved' AND a.id = ANY(ARRAY(
          SELECT live.id FROM unnest($1::text[], $2::text[]) AS k (scope, dedup_key)
          CROSS JOIN LATERAL (SELECT id FROM alert l WHERE l.scope = k.scope AND l.dedup_key = k.dedup_key
            AND l.status <> 'resolved' OFFSET 0) AS live) || $3::uuid[])
        ORDER BY a.id FOR UPDATE OF a
        """,
        [scope for scope, _ in pairs],
        [key for _, key in pairs],
        list(named),
    )
    return {(row["scope"], row["dedup_key"]): alert_of(row) for row in rows}


async def stored_already(connection: Connection, requests: Sequence[tuple[UUID, datetime]]) -> set[UUID]:
    """Which of these (id, receipt time) are kept already."""
    rows = await connection.fetch(
        "SELECT id FROM raw_request WHERE id = ANY($1) AND received_at >= $2 AND received_at <= $3",
        [request for request, _ in requests],
        min(at for _, at in requests),
        max(at for _, at in requests),
    )
    return {row["id"] for row in rows}


async def admitted(
    connection: Connection,
    now: datetime,
    *,
    raws: Sequence[RawRequest] = (),
    doors: Sequence[Door] = (),
    events: Sequence[EventRow] = (),
    aliases: Sequence[tuple[Alert, Alias]] = (),
) -> None:
    """Keep requests as they came, what was said (order of ids is order of admission), and the alerts as
    admission left them, marked undecided, with what changed of their keys. A lost race on a live key raises UniqueViolation, and the caller's
    transaction runs again."""
    known = [_alert(door, now) for door in doors if not door.born]
    born = [_alert(door, now) for door in doors if door.born]
    # an alert that ended makes room for a new one with its key, so it is written first
    await write(connection, [(_KNOWN, known)])
    kept, said = [_raw(raw) for raw in raws], [_event(row) for row in events]
    bells = [(UNDECIDED, "")] if doors else []
    await write(
        connection, [(_RAW, kept), (_BORN, born), (_EVENTS, said), (ALIASES, rows_of(aliases))], bells
    )


async def rehearse_new(connection: Connection) -> None:
    """The statement by which a new alert comes in, without one."""
    await rehearse(connection, _RAW, _BORN, _EVENTS, bells=True)
    await rehearse(connection, _RAW, _BORN, _EVENTS, ALIASES, bells=True)


_RAW = Write(
    "id uuid, received_at timestamptz, integration text, source text, method text, path text, query text, headers jsonb,"
    " body text, remote_address text, reading text, fault text",
    """
    INSERT INTO raw_request (id, received_at, integration, source, method, path, query, headers, body, remote_address, reading, fault)
    SELECT id, received_at, integration, source, method, path, query, headers, decode(body, 'base64'), remote_address, reading,
      fault FROM {rows}
    """,
)


def _raw(r: RawRequest) -> dict[str, Any]:
    return {
        "id": r.id, "received_at": r.received_at, "integration": r.integration, "source": r.source,
        "method": r.method, "path": r.path, "query": r.query, "headers": r.headers, "body": r.body,
        "remote_address": r.remote_address, "reading": r.reading, "fault": r.fault,
    }  # fmt: skip


_ALERT = (
    "id uuid, integration text, scope text, source text, dedup_key text, status text, title text, description text,"
    " sender_severity text, quiet bool, services text[], team text, labels jsonb, tags text[], details jsonb, links jsonb,"
    " correlation_id text, count int, fingerprint text, first_event_at timestamptz, last_event_at timestamptz,"
    " newest_sent_at timestamptz, muted_by text, resolved_at timestamptz, resolved_by text, undecided_since timestamptz"
)
_BORN = Write(
    _ALERT,
    """
    INSERT INTO alert (id, integration, scope, source, dedup_key, status, title, description, sender_severity, quiet, services,
      team, labels, tags, details, links, correlation_id, count, fingerprint, first_event_at, last_event_at, newest_sent_at,
      muted_by, resolved_at, resolved_by, undecided_since)
    SELECT id, integration, scope, source, dedup_key, status, title, description, sender_severity, quiet, services, team, labels,
      tags, details, links, correlation_id, count, decode(fingerprint, 'base64'), first_event_at, last_event_at,
      newest_sent_at, muted_by, resolved_at, resolved_by, undecided_since
    FROM {rows}
    """,
)
_KNOWN = Write(
    _ALERT,
    """
    UPDATE alert a SET source = r.source, status = r.status, title = r.title, description = r.description,
      sender_severity = r.sender_severity, quiet = r.quiet, services = r.services, team = r.team, labels = r.labels,
      tags = r.tags, details = r.details, links = r.links, count = r.count, fingerprint = decode(r.fingerprint, 'base64'),
      last_event_at = r.last_event_at, newest_sent_at = r.newest_sent_at, muted_by = r.muted_by,
      resolved_at = r.resolved_at, resolved_by = r.resolved_by,
      undecided_since = coalesce(a.undecided_since, r.undecided_since)
    FROM {rows} WHERE a.id = r.id
    """,
)


def _alert(door: Door, now: datetime) -> dict[str, Any]:
    x = door.alert
    return {
        "id": x.id, "integration": x.integration, "scope": x.scope, "source": x.source, "dedup_key": x.dedup_key,
        "status": x.status, "title": x.title, "description": x.description, "sender_severity": x.sender_severity,
        "quiet": x.quiet, "services": x.services, "team": x.team, "labels": x.labels, "tags": x.tags,
        "details": x.details, "links": links_out(x.links), "correlation_id": x.correlation_id, "count": x.count,
        "fingerprint": door.fingerprint, "first_event_at": x.first_event_at, "last_event_at": x.last_event_at,
        "newest_sent_at": x.newest_sent_at, "muted_by": x.muted_by, "resolved_at": x.resolved_at,
        "resolved_by": x.resolved_by, "undecided_since": now,
    }  # fmt: skip


_EVENTS = Write(
    "received_at timestamptz, alert_id uuid, raw_id uuid, integration text, action text, dedup_key text, reading text,"
    " reason text, body jsonb",
    """
    INSERT INTO event (received_at, alert_id, raw_id, integration, action, dedup_key, reading, reason, body)
    SELECT r.* FROM {rows}
    """,
)


def _event(row: EventRow) -> dict[str, Any]:
    return {
        "received_at": row.received_at, "alert_id": row.alert_id, "raw_id": row.raw_id,
        "integration": row.integration, "action": row.event.action, "dedup_key": row.dedup_key,
        "reading": row.reading, "reason": row.reason, "body": event_out(row.event),
    }  # fmt: skip
