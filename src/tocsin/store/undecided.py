"""What the decider needs: alerts with something new or due again, their events, and what came before them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tocsin.core.dedup import Reading
from tocsin.core.model import Alert
from tocsin.core.policy import MuteKind
from tocsin.core.situation import Heard
from tocsin.store.database import Connection, Row
from tocsin.store.rows import alert_of, event_in

_SKEW = timedelta(seconds=5)
"""Nodes' clocks may differ by this much before an alert admitted elsewhere waits for the difference."""


@dataclass(slots=True)
class Undecided:
    """One alert to decide: its events since the last decision, the newest event's id, the incident an
    earlier alert with its key led to, and how often its sender repeated. `paged_blind` = the incident's id
    under which it was paged while the database was away. `record` is that of its last decision."""

    alert: Alert
    heard: list[Heard] = field(default_factory=list)
    last_event: int = 0
    previous: UUID | None = None
    interval: timedelta | None = None
    told_repeat_at: datetime | None = None
    paged_blind: UUID | None = None
    record: Mapping[str, Any] = field(default_factory=dict)

    @property
    def muted_since(self) -> datetime | None:
        """When it was first kept quiet, if it is."""
        since = self.record.get("muted_since") if self.alert.muted_by else None
        return datetime.fromisoformat(since) if since else None

    @property
    def muted_under(self) -> list[UUID]:
        """The incidents of its parents that muted it last."""
        mutes = self.record.get("mutes") if self.alert.muted_by else None
        return [UUID(mute["id"]) for mute in mutes or () if mute["kind"] == MuteKind.PARENT]


async def claim(
    connection: Connection, most: int, now: datetime, *, blind: bool = False, since: datetime | None = None
) -> list[Undecided]:
    """About `most` alerts to decide, locked; those another node holds are passed over.

    First those with something new, oldest first, then those to be looked at again by now, of which nothing was
    heard; of these a tenth of `most` comes besides, whatever the backlog. `blind` = without reading their
    events: for an alert whose events nobody can decide. `since` = older ones are held.
    """
    rows = await connection.fetch(_CLAIM, most, now + _SKEW, most // 10, now, since)
    if not rows:
        return []
    if blind:
        return [await _unheard(connection, row) for row in rows]
    found = {row["id"]: _of(row, row["decided_event"]) for row in rows}
    news = [row for row in rows if row["undecided_since"] is not None]
    for event in await events_of(connection, news) if news else ():
        work = found[event["alert_id"]]
        work.heard.append(
            Heard(event_in(event["body"]), Reading(event["reading"]), event["reason"], event["received_at"])
        )
        work.last_event = event["id"]
    if new := [work for work in found.values() if work.alert.incident_id is None]:
        await history(connection, new)
    return list(found.values())


_CLAIM = """
WITH heard AS (
  SELECT * FROM alert WHERE undecided_since <= $2 AND ($5::timestamptz IS NULL OR undecided_since >= $5)
  ORDER BY undecided_since LIMIT $1 FOR UPDATE SKIP LOCKED
), again AS (
  SELECT * FROM alert WHERE look_again_at <= $4 AND undecided_since IS NULL AND $5::timestamptz IS NULL
  ORDER BY look_again_at
  LIMIT greatest($1 - (SELECT count(*) FROM heard), $3) FOR UPDATE SKIP LOCKED
)
SELECT * FROM heard UNION ALL SELECT * FROM again
"""
"""Each list by its own index: one condition with OR would read and sort both whole."""


async def events_of(connection: Connection, news: Sequence[Row]) -> list[Row]:
    """Events of these alerts since their last decision, in the order they came."""
    oldest = min((row["undecided_since"] for row in news), default=datetime.max.replace(tzinfo=UTC))
    return await connection.fetch(
        """
        SELECT e.* FROM event e JOIN unnest($1::uuid[], $2::bigint[]) AS a (id, decided) ON e.alert_id = a.id
        WHERE e.id > a.decided AND e.received_at >= $3 ORDER BY e.id
        """,
        [row["id"] for row in news],
        [row["decided_event"] for row in news],
        oldest - timedelta(hours=1),
    )


async def _unheard(connection: Connection, row: Row) -> Undecided:
    newest = await connection.fetchval("SELECT max(id) FROM event WHERE alert_id = $1", row["id"])
    return _of(row, newest or row["decided_event"])


def _of(row: Row, last_event: int) -> Undecided:
    told_at, record = row["told_repeat_at"], row["decision"] or {}
    return Undecided(
        alert_of(row), last_event=last_event, told_repeat_at=told_at, paged_blind=row["paged_blind"], record=record
    )  # fmt: skip


async def put_off(connection: Connection, now: datetime, until: datetime) -> int:
    """Nobody can decide the alert that `claim` gives first: it is looked at again later; 0 = there is none."""
    for column, due in (("undecided_since", now + _SKEW), ("look_again_at", now)):
        done = await connection.execute(
            f"UPDATE alert SET {column} = $1 WHERE id = (SELECT id FROM alert WHERE {column} IS NOT NULL"  # noqa: S608 - built from constants
            f" AND {column} <= $2 ORDER BY {column} LIMIT 1 FOR UPDATE SKIP LOCKED)",
            until, due,
        )  # fmt: skip
        if count := int(done.rsplit(" ", 1)[1]):
            return count
    return 0


async def history(connection: Connection, works: Sequence[Undecided]) -> None:
    """Note on each what the alert before it with its key led to."""
    rows = await connection.fetch(
        """
        SELECT a.id, p.incident_id, p.count, p.first_event_at, p.last_event_at
        FROM unnest($1::uuid[], $2::text[], $3::text[]) AS a (id, scope, dedup_key)
        JOIN LATERAL (
          SELECT * FROM alert p WHERE p.scope = a.scope AND p.dedup_key = a.dedup_key AND p.id <> a.id
            AND CASE WHEN p.incident_id IS NULL THEN false ELSE true END ORDER BY p.first_event_at DESC LIMIT 1) p ON true
        """,
        [work.alert.id for work in works],
        [work.alert.scope for work in works],
        [work.alert.dedup_key for work in works],
    )
    by_id = {work.alert.id: work for work in works}
    for row in rows:
        work = by_id[row["id"]]
        work.previous = row["incident_id"]
        if row["count"]:
            work.interval = (row["last_event_at"] - row["first_event_at"]) / row["count"]


async def live_by_incident(connection: Connection, incidents: Iterable[UUID]) -> dict[UUID, set[UUID]]:
    """Incident -> ids of its alerts that are not resolved."""
    # by incident, never by reading an index of all that are live: see `intake.count_repeats`
    rows = await connection.fetch(
        "SELECT incident_id, id FROM alert WHERE incident_id = ANY($1) AND status || '' <> 'resolved'",
        list(set(incidents)),
    )
    live: dict[UUID, set[UUID]] = defaultdict(set)
    for row in rows:
        live[row["incident_id"]].add(row["id"])
    return live


async def lock_alerts_of(connection: Connection, incident: UUID) -> list[Alert]:
    """The live alerts of an incident, locked by id: taken before the incident itself, always."""
    rows = await connection.fetch(
        "SELECT * FROM alert WHERE incident_id = $1 AND status || '' <> 'resolved' ORDER BY id FOR UPDATE",
        incident,
    )
    return [alert_of(row) for row in rows]


async def live_alerts_of(connection: Connection, incidents: Iterable[UUID]) -> dict[UUID, list[Alert]]:
    """Incident -> its alerts that are not resolved, none of them locked."""
    rows = await connection.fetch(
        "SELECT * FROM alert WHERE incident_id = ANY($1) AND status || '' <> 'resolved' ORDER BY id",
        list(set(incidents)),
    )
    found: dict[UUID, list[Alert]] = defaultdict(list)
    for row in rows:
        found[row["incident_id"]].append(alert_of(row))
    return found


async def decision_state(
    connection: Connection, alert: UUID
) -> tuple[Alert, dict[str, object] | None, bool] | None:
    """(alert, its last decision, still undecided?) for a caller that waits for the decision."""
    row = await connection.fetchrow("SELECT * FROM alert WHERE id = $1", alert)
    if row is None:
        return None
    return alert_of(row), row["decision"], row["undecided_since"] is not None


async def incident_name(connection: Connection, incident: UUID) -> str | None:
    """ "INC-7"; None when there is no such incident."""
    number = await connection.fetchval("SELECT number FROM incident WHERE id = $1", incident)
    return f"INC-{number}" if number is not None else None
