"""SQL of the keys of alerts that further keys join by title (S11): asked only where an integration wants that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tocsin.core.alias import Alias, joins_by
from tocsin.core.model import Alert
from tocsin.store.database import Connection
from tocsin.store.undecided import Undecided
from tocsin.store.writing import Write

_LOCK = 11_054
"""First half of the advisory locks under which a key or a title finds its alert: two nodes would else open two."""
_MOST_ENDED = 20
"""Alerts with one title that ended and are not marked so yet, looked past at one look."""
_BATCH = 2000


@dataclass(frozen=True, slots=True)
class Wanted:
    """A title that an event came with, in its integration, and since when an alert may have begun to be joined."""

    integration: str
    title: str
    since: datetime


async def one_at_a_time(connection: Connection, places: Collection[int]) -> None:
    """Nobody else admits a create of one of these places until this transaction ends. Before any other lock."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock($1, place) FROM unnest($2::int[]) AS place", _LOCK, sorted(set(places))
    )


async def by_key(connection: Connection, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], UUID]:
    """(scope, key) -> the alert that it was last a key of and that it was not resolved for; it may have ended."""
    pairs = sorted(keys)
    # a condition that PostgreSQL cannot see through, or it reads all keys that fire: see `intake.count_repeats`
    rows = await connection.fetch(
        """
        SELECT k.scope, k.dedup_key, found.alert_id FROM unnest($1::text[], $2::text[]) AS k (scope, dedup_key)
        CROSS JOIN LATERAL (SELECT alert_id FROM alias x WHERE x.scope = k.scope AND x.dedup_key = k.dedup_key
          AND CASE WHEN x.over_at IS NULL THEN true END ORDER BY x.made_at DESC LIMIT 1) AS found
        """,
        [scope for scope, _ in pairs],
        [key for _, key in pairs],
    )
    return {(row["scope"], row["dedup_key"]): row["alert_id"] for row in rows}


async def by_title(connection: Connection, wanted: Collection[Wanted]) -> list[UUID]:
    """Alerts that may be joined by one of these titles, as far as is known: who locks them sees which still live."""
    asked = list(wanted)
    rows = await connection.fetch(
        """
        SELECT found.alert_id FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS t (integration, title, since)
        CROSS JOIN LATERAL (SELECT alert_id FROM alias x WHERE x.integration = t.integration AND x.title = t.title
          AND x.made_at > t.since AND x.live ORDER BY x.made_at DESC LIMIT $4) AS found
        """,
        [w.integration for w in asked],
        [w.title for w in asked],
        [w.since for w in asked],
        _MOST_ENDED,
    )
    return [row["alert_id"] for row in rows]


async def keys_of(
    connection: Connection, alerts: Collection[Alert], heard: Collection[str], most: int
) -> dict[UUID, dict[str, Alias]]:
    """The keys of each alert: its own, those of `heard`, and up to `most` more that fire."""
    rows = await connection.fetch(
        """
        SELECT x.* FROM unnest($1::uuid[], $2::text[]) AS a (id, own)
        CROSS JOIN LATERAL (
          SELECT * FROM alias x WHERE x.alert_id = a.id AND (x.dedup_key = a.own OR x.dedup_key = ANY($3))
          UNION (SELECT * FROM alias x WHERE x.alert_id = a.id AND x.over_at IS NULL LIMIT $4)) AS x
        """,
        [alert.id for alert in alerts],
        [alert.dedup_key for alert in alerts],
        list(heard),
        most,
    )
    found: dict[UUID, dict[str, Alias]] = defaultdict(dict)
    for row in rows:
        found[row["alert_id"]][row["dedup_key"]] = _alias(row)
    return found


async def of_alert(connection: Connection, alert: UUID, most: int) -> list[Alias]:
    """The keys of one alert in the order in which it got them, up to `most`; none where its integration joins
    nothing by title."""
    rows = await connection.fetch(
        "SELECT * FROM alias WHERE alert_id = $1 ORDER BY made_at, title IS NULL, dedup_key LIMIT $2", alert, most
    )  # fmt: skip
    return [_alias(row) for row in rows]


async def ended(connection: Connection, alerts: Collection[UUID]) -> None:
    """These are not to be found by their title any more: they have ended."""
    await connection.execute(
        "UPDATE alias SET live = false WHERE alert_id = ANY($1) AND live", list(alerts)
    )  # fmt: skip


async def mark_ended(connection: Connection) -> int:
    """The same for alerts that people or time ended, and nobody looked for since; how many."""
    done = await connection.execute(
        "UPDATE alias SET live = false WHERE (alert_id, dedup_key) IN (SELECT x.alert_id, x.dedup_key FROM alias x"
        " JOIN alert a ON a.id = x.alert_id WHERE x.live AND a.status = 'resolved' LIMIT $1)",
        _BATCH,
    )
    return int(done.rsplit(" ", 1)[1])


async def scopes(connection: Connection) -> set[str]:
    """The scopes in which there may be live alerts with several keys."""
    rows = await connection.fetch("SELECT DISTINCT scope FROM alias WHERE live")
    return {row["scope"] for row in rows}


async def history(
    connection: Connection, works: Iterable[Undecided], windows: Mapping[str, timedelta]
) -> None:
    """Note on each new alert what the one before it led to, found by its own key, by that key as an alias, or by
    its title within the look-back: one condition, whichever key it came under."""
    asked = [w for w in works if w.alert.incident_id is None]
    rows = await connection.fetch(
        _HISTORY,
        [w.alert.id for w in asked],
        [w.alert.scope for w in asked],
        [w.alert.dedup_key for w in asked],
        [w.alert.integration for w in asked],
        [joins_by(w.alert) or None for w in asked],
        [w.alert.first_event_at for w in asked],
        [w.alert.first_event_at - windows.get(w.alert.integration, timedelta(0)) for w in asked],
    )
    by_id = {work.alert.id: work for work in asked}
    for row in rows:
        work = by_id[row["new"]]
        work.previous = row["incident_id"]
        work.interval = (
            (row["last_event_at"] - row["first_event_at"]) / row["count"] if row["count"] else None
        )


_HISTORY = """
SELECT n.id AS new, p.* FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[],
  $7::timestamptz[]) AS n (id, scope, dedup_key, integration, title, began, since)
CROSS JOIN LATERAL (
  SELECT * FROM (
    (SELECT p.incident_id, p.count, p.first_event_at, p.last_event_at FROM alert p
      WHERE p.scope = n.scope AND p.dedup_key = n.dedup_key AND p.id <> n.id
        AND CASE WHEN p.incident_id IS NULL THEN false ELSE true END ORDER BY p.first_event_at DESC LIMIT 1)
    UNION ALL
    (SELECT p.incident_id, p.count, p.first_event_at, p.last_event_at FROM alias x JOIN alert p ON p.id = x.alert_id
      WHERE x.scope = n.scope AND x.dedup_key = n.dedup_key AND x.alert_id <> n.id
        AND CASE WHEN p.incident_id IS NULL THEN false ELSE true END ORDER BY x.made_at DESC LIMIT 1)
    UNION ALL
    (SELECT p.incident_id, p.count, p.first_event_at, p.last_event_at FROM alias x JOIN alert p ON p.id = x.alert_id
      WHERE x.integration = n.integration AND x.title = n.title AND x.made_at > n.since AND x.made_at <= n.began
        AND x.alert_id <> n.id
        AND CASE WHEN p.incident_id IS NULL THEN false ELSE true END ORDER BY x.made_at DESC LIMIT 1)
  ) AS any_of_them ORDER BY first_event_at DESC LIMIT 1) AS p
"""


async def rehearse(connection: Connection) -> None:
    """The look-ups of an alert that may join another, with nothing to find."""
    await one_at_a_time(connection, [])
    await by_key(connection, [])
    await by_title(connection, [])
    await keys_of(connection, [], [], 0)
    await history(connection, [], {})


def rows_of(changed: Sequence[tuple[Alert, Alias]]) -> list[dict[str, Any]]:
    """As `WRITE` takes them."""
    return [_row(alert, alias) for alert, alias in changed]


def _row(alert: Alert, alias: Alias) -> dict[str, Any]:
    title = joins_by(alert) if alias.key == alert.dedup_key else ""
    return {
        "alert_id": alert.id, "dedup_key": alias.key, "scope": alert.scope, "integration": alert.integration,
        "title": title or None, "live": bool(title) and alert.live, "made_at": alias.made_at,
        "newest_sent_at": alias.newest_sent_at, "over_at": alias.over_at,
    }  # fmt: skip


WRITE = Write(
    "alert_id uuid, dedup_key text, scope text, integration text, title text, live bool, made_at timestamptz,"
    " newest_sent_at timestamptz, over_at timestamptz",
    """
    INSERT INTO alias (alert_id, dedup_key, scope, integration, title, live, made_at, newest_sent_at, over_at)
    SELECT r.* FROM {rows}
    ON CONFLICT (alert_id, dedup_key) DO UPDATE SET title = excluded.title, live = excluded.live,
      made_at = excluded.made_at, newest_sent_at = excluded.newest_sent_at, over_at = excluded.over_at
    """,
)


def _alias(row: Any) -> Alias:
    return Alias(
        key=row["dedup_key"],
        made_at=row["made_at"],
        newest_sent_at=row["newest_sent_at"],
        over_at=row["over_at"],
    )
