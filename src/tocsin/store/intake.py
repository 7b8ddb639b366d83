"""SQL of the door: raw requests, events and the identity of alerts, many at once in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tocsin.core.model import Alert, Event
from tocsin.store.database import Connection, notify
from tocsin.store.rows import alert_of, event_out, links_out, listed

UNDECIDED = "tocsin_undecided"
"""Channel: there are alerts to decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRequest:
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


@dataclass(frozen=True, slots=True)
class Repeat:
    """Events of one key that say exactly what the alert already holds: only counted."""

    scope: str
    dedup_key: str
    fingerprint: bytes
    times: int


@dataclass(frozen=True, slots=True)
class Counted:
    """What a counted repeat belongs to."""

    alert_id: UUID
    correlation_id: str
    status: str


@dataclass(frozen=True, slots=True)
class EventRow:
    received_at: datetime
    alert_id: UUID | None
    raw_id: UUID
    integration: str
    dedup_key: str
    reading: str
    reason: str
    event: Event


@dataclass(frozen=True, slots=True)
class Door:
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
    rows = await connection.fetch(
        """
        UPDATE alert a SET count = a.count + r.times, last_event_at = greatest(a.last_event_at, $5)
        FROM unnest($1::text[], $2::text[], $3::bytea[], $4::int[]) AS r (scope, dedup_key, fingerprint, times)
        WHERE a.scope = r.scope AND a.dedup_key = r.dedup_key AND a.status IN ('queued', 'open', 'acknowledged')
          AND a.status <> 'resolved' AND a.fingerprint = r.fingerprint
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
    connection: Connection, keys: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], Alert]:
    """The live alerts with these (scope, key), locked in the order of their ids."""
    pairs = sorted(set(keys))
    rows = await connection.fetch(
        """
        SELECT a.* FROM unnest($1::text[], $2::text[]) AS k (scope, dedup_key)
        JOIN alert a ON a.scope = k.scope AND a.dedup_key = k.dedup_key AND a.status <> 'resolved'
        ORDER BY a.id FOR UPDATE OF a
        """,
        [scope for scope, _ in pairs],
        [key for _, key in pairs],
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


async def save_raw(connection: Connection, raws: Sequence[RawRequest]) -> None:
    """Keep the requests as they came."""
    await connection.execute(
        """
        INSERT INTO raw_request (id, received_at, integration, source, method, path, query, headers, body, remote_address, reading, fault)
        SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
          $8::jsonb[], $9::bytea[], $10::text[], $11::text[], $12::text[])
        """,
        [r.id for r in raws],
        [r.received_at for r in raws],
        [r.integration for r in raws],
        [r.source for r in raws],
        [r.method for r in raws],
        [r.path for r in raws],
        [r.query for r in raws],
        [r.headers for r in raws],
        [r.body for r in raws],
        [r.remote_address for r in raws],
        [r.reading for r in raws],
        [r.fault for r in raws],
    )


async def save_alerts(connection: Connection, doors: Sequence[Door], now: datetime) -> None:
    """Write alerts as admission left them and mark them undecided. A lost race on a live key raises
    UniqueViolation, and the caller's transaction runs again."""
    born = [door for door in doors if door.born]
    known = [door for door in doors if not door.born]
    # an alert that ended makes room for a new one with its key, so it is written first
    if known:
        await connection.execute(_UPDATE, *_columns(known), now)
    if born:
        await connection.execute(_INSERT, *_columns(born), [now] * len(born))
    await notify(connection, UNDECIDED)


def _columns(doors: Sequence[Door]) -> list[list[Any]]:
    a = [door.alert for door in doors]
    return [
        [x.id for x in a],
        [x.integration for x in a],
        [x.scope for x in a],
        [x.source for x in a],
        [x.dedup_key for x in a],
        [x.status.value for x in a],
        [x.title for x in a],
        [x.description for x in a],
        [x.sender_severity.value if x.sender_severity else None for x in a],
        [x.quiet for x in a],
        [listed(x.services) for x in a],
        [x.team for x in a],
        [x.labels for x in a],
        [listed(x.tags) for x in a],
        [x.details for x in a],
        [listed(links_out(x.links)) for x in a],
        [x.correlation_id for x in a],
        [x.count for x in a],
        [door.fingerprint for door in doors],
        [x.first_event_at for x in a],
        [x.last_event_at for x in a],
        [x.newest_sent_at for x in a],
        [x.muted_by for x in a],
        [x.resolved_at for x in a],
        [x.resolved_by.value if x.resolved_by else None for x in a],
    ]


_UNNEST = """
  unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::bool[], $11::text[], $12::text[], $13::jsonb[], $14::text[], $15::jsonb[], $16::text[], $17::text[],
    $18::int[], $19::bytea[], $20::timestamptz[], $21::timestamptz[], $22::timestamptz[], $23::text[],
    $24::timestamptz[], $25::text[]{more})
  AS r (id, integration, scope, source, dedup_key, status, title, description, sender_severity, quiet, services, team,
    labels, tags, details, links, correlation_id, count, fingerprint, first_event_at, last_event_at, newest_sent_at,
    muted_by, resolved_at, resolved_by{names})
"""
_TEXTS = "ARRAY(SELECT jsonb_array_elements_text(r.{}::jsonb))"

_INSERT = f"""
INSERT INTO alert (id, integration, scope, source, dedup_key, status, title, description, sender_severity, quiet, services,
  team, labels, tags, details, links, correlation_id, count, fingerprint, first_event_at, last_event_at, newest_sent_at,
  muted_by, resolved_at, resolved_by, undecided_since)
SELECT r.id, r.integration, r.scope, r.source, r.dedup_key, r.status, r.title, r.description, r.sender_severity, r.quiet,
  {_TEXTS.format("services")}, r.team, r.labels, {_TEXTS.format("tags")}, r.details, r.links::jsonb, r.correlation_id, r.count,
  r.fingerprint, r.first_event_at, r.last_event_at, r.newest_sent_at, r.muted_by, r.resolved_at, r.resolved_by, r.undecided_since
FROM {_UNNEST.format(more=", $26::timestamptz[]", names=", undecided_since")}
"""  # noqa: S608 - built from constants only

_UPDATE = f"""
UPDATE alert a SET source = r.source, status = r.status, title = r.title, description = r.description,
  sender_severity = r.sender_severity, quiet = r.quiet, services = {_TEXTS.format("services")}, team = r.team,
  labels = r.labels, tags = {_TEXTS.format("tags")}, details = r.details, links = r.links::jsonb, count = r.count,
  fingerprint = r.fingerprint, last_event_at = r.last_event_at, newest_sent_at = r.newest_sent_at,
  muted_by = r.muted_by, resolved_at = r.resolved_at, resolved_by = r.resolved_by,
  undecided_since = coalesce(a.undecided_since, $26)
FROM {_UNNEST.format(more="", names="")}
WHERE a.id = r.id
"""  # noqa: S608 - built from constants only


async def save_events(connection: Connection, rows: Sequence[EventRow]) -> None:
    """Keep what was said; order of ids is order of admission."""
    await connection.execute(
        """
        INSERT INTO event (received_at, alert_id, raw_id, integration, action, dedup_key, reading, reason, body)
        SELECT * FROM unnest($1::timestamptz[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[],
          $8::text[], $9::jsonb[])
        """,
        [r.received_at for r in rows],
        [r.alert_id for r in rows],
        [r.raw_id for r in rows],
        [r.integration for r in rows],
        [r.event.action.value for r in rows],
        [r.dedup_key for r in rows],
        [r.reading for r in rows],
        [r.reason for r in rows],
        [event_out(r.event) for r in rows],
    )
