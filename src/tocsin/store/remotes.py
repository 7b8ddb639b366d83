"""Remotes as they are read back, followed through a merge, and the proof that webhooks get through."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.core.remote import Expected
from tocsin.store.database import Connection
from tocsin.store.outbox import Remote, remote_of


async def proven(connection: Connection, connector: str, now: datetime) -> bool:
    """A write of ours came back by webhook, or the provider's own test did (S44); True when that was in doubt."""
    doubted: bool = await connection.fetchval(
        "WITH before AS (SELECT unproven_since FROM connector_state WHERE connector = $1)"
        " INSERT INTO connector_state (connector, proven_at) VALUES ($1, $2)"
        " ON CONFLICT (connector) DO UPDATE SET proven_at = excluded.proven_at, unproven_since = NULL"
        " RETURNING (SELECT unproven_since IS NOT NULL FROM before)",
        connector,
        now,
    )
    return bool(doubted)


async def expected_now(connection: Connection, remote: int) -> tuple[Expected, ...]:
    """Our writes that are not seen confirmed, as they stand now, and locked: a courier may have noted another one since
    the remote was read."""
    rows = await connection.fetchval("SELECT expected FROM remote WHERE id = $1 FOR UPDATE", remote)
    return tuple(
        Expected(e["transition"], datetime.fromisoformat(e["at"]), e.get("note", "")) for e in rows or ()
    )


async def follow_merge(connection: Connection, remote: Remote, target: str) -> None:
    """This remote lives under the target's id from now on, and is to be read at once. Those of ours that are
    there already share it."""
    shared: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT 1 FROM remote WHERE connector = $1 AND remote_id = $2 AND remote_id <> '' AND incident_id <> $3)",
        remote.connector, target, remote.incident_id,
    )  # fmt: skip
    if shared:
        await connection.execute(
            "UPDATE remote SET shared = true WHERE connector = $1 AND remote_id = $2 AND remote_id <> ''",
            remote.connector,
            target,
        )
    await connection.execute(
        "UPDATE remote SET remote_id = $2, remote_url = '', there_at = NULL, read_at = 'epoch', shared = $3"
        " WHERE id = $1",
        remote.id, target, shared,
    )  # fmt: skip


async def held_by_another(connection: Connection, remote: Remote) -> bool:
    """True while another incident of ours that lives under the same id there is not over."""
    held: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT 1 FROM remote m JOIN incident i ON i.id = m.incident_id WHERE m.connector = $1"
        " AND m.remote_id = $2 AND m.remote_id <> '' AND m.incident_id <> $3 AND i.status IN ('open', 'mitigated'))",
        remote.connector, remote.remote_id, remote.incident_id,
    )  # fmt: skip
    return held


_REOPENED_WITHIN = timedelta(days=1)
_HELD = (
    "m.connector = $1 AND m.accepted_at IS NOT NULL AND m.superseded_at IS NULL"
    " AND NOT EXISTS (SELECT 1 FROM remote n WHERE n.incident_id = m.incident_id AND n.connector = m.connector"
    " AND n.service = m.service AND n.recipient = m.recipient AND n.life > m.life)"
)
_LIVE = f"{_HELD} AND i.status IN ('open', 'mitigated')"


async def live(connection: Connection, connector: str) -> list[Remote]:
    """Every remote of a live incident at a connector, of its newest life; the longest unread first."""
    rows = await connection.fetch(
        f"SELECT m.* FROM remote m JOIN incident i ON i.id = m.incident_id WHERE {_LIVE}"  # noqa: S608 - built from constants
        " ORDER BY coalesce(m.read_at, m.asked_at), m.id",
        connector,
    )
    return [remote_of(row) for row in rows]


async def claim_due(
    connection: Connection, connector: str, now: datetime, *, open_every: timedelta, every: timedelta, most: int
) -> list[Remote]:  # fmt: skip
    """Up to `most` of those that are due to be read, marked as read so that no other node reads them too:
    unacknowledged ones each `open_every`, others each `every`; the longest unread first."""
    rows = await connection.fetch(
        "WITH due AS (SELECT m.id FROM remote m JOIN incident i ON i.id = m.incident_id"  # noqa: S608 - built from constants
        f" WHERE {_LIVE} AND coalesce(m.read_at, m.asked_at) <="
        " CASE WHEN i.status = 'open' THEN $2::timestamptz ELSE $3::timestamptz END"
        " ORDER BY coalesce(m.read_at, m.asked_at) LIMIT $4 FOR UPDATE OF m SKIP LOCKED)"
        " UPDATE remote m SET read_at = $5 FROM due WHERE m.id = due.id RETURNING m.*",
        connector, now - open_every, now - every, most, now,
    )  # fmt: skip
    return [remote_of(row) for row in rows]


async def claim_open_list(connection: Connection, connector: str, now: datetime, *, every: timedelta) -> bool:
    """True when the list of what is open there is due, marked as read: something that lives there was resolved
    within a day, so it may have been reopened."""
    done = await connection.execute(
        "UPDATE connector_state SET open_read_at = $2 WHERE connector = $1 AND coalesce(open_read_at <= $3, true) AND ("
        " SELECT true FROM incident i WHERE i.status IN ('resolved', 'closed') AND i.resolved_at > $4"
        " AND EXISTS (SELECT 1 FROM remote m WHERE m.incident_id = i.id AND m.connector = $1)"
        " ORDER BY i.resolved_at DESC LIMIT 1)",
        connector, now, now - every, now - _REOPENED_WITHIN,
    )  # fmt: skip
    return done.endswith(" 1")


async def open_list_unread(connection: Connection, connector: str, read_at: datetime) -> None:
    """It could not be read: as if read then."""
    await connection.execute(
        "UPDATE connector_state SET open_read_at = $2 WHERE connector = $1", connector, read_at
    )


async def over_here(connection: Connection, connector: str, remote_ids: Sequence[str]) -> list[Remote]:
    """Those of these ids there that are known to be resolved there, and whose incident is over here; of its newest
    life."""
    rows = await connection.fetch(
        f"SELECT m.* FROM remote m JOIN incident i ON i.id = m.incident_id WHERE {_HELD}"  # noqa: S608 - built from constants
        " AND i.status IN ('resolved', 'closed') AND m.remote_id = ANY($2) AND m.remote_id <> '' AND m.status = 'resolved'"
        " ORDER BY m.id",
        connector, list(remote_ids),
    )  # fmt: skip
    return [remote_of(row) for row in rows]


async def unread(
    connection: Connection, ids: Sequence[int], at: datetime, *, open_every: timedelta, every: timedelta
) -> None:
    """They could not be read, and are due again `at` that time."""
    await connection.execute(
        "UPDATE remote m SET read_at = CASE WHEN i.status = 'open' THEN $2::timestamptz ELSE $3::timestamptz END"
        " FROM incident i WHERE i.id = m.incident_id AND m.id = ANY($1)",
        list(ids), at - open_every, at - every,
    )  # fmt: skip


async def again(connection: Connection, ids: Sequence[int]) -> list[Remote]:
    """These as they are now, in order of id."""
    rows = await connection.fetch("SELECT * FROM remote WHERE id = ANY($1) ORDER BY id", list(ids))
    return [remote_of(row) for row in rows]


async def unproven_since(connection: Connection, connector: str) -> datetime | None:
    """Since when webhooks of a connector are not proven; None while they are."""
    since: datetime | None = await connection.fetchval(
        "SELECT unproven_since FROM connector_state WHERE connector = $1", connector
    )
    return since


async def unheard(
    connection: Connection, connector: str, *, since: datetime, until: datetime
) -> datetime | None:
    """When the oldest write was made between the two instants that has not come back: the connector's last
    echo is older than it. What was found done already was no write and has no echo."""
    at: datetime | None = await connection.fetchval(
        "SELECT min(d.at) FROM delivery d LEFT JOIN connector_state s ON s.connector = d.connector"
        " WHERE d.connector = $1 AND d.at > $2 AND d.at <= $3 AND d.outcome = 'accepted'"
        " AND d.kind IN ('create', 'acknowledge', 'resolve', 'note') AND split_part(d.step, ':', 1) = ANY($4)"
        " AND d.at - make_interval(secs => d.took_ms / 1000) > coalesce(s.proven_at, '-infinity')",
        connector, since, until, ["create", "write", "poll"],
    )  # fmt: skip
    return at


async def doubt(connection: Connection, connector: str, since: datetime) -> bool:
    """Webhooks are not proven since then; True when they were until now."""
    done = await connection.execute(
        "UPDATE connector_state SET unproven_since = $2 WHERE connector = $1 AND unproven_since IS NULL",
        connector,
        since,
    )
    return done.endswith(" 1")


async def unrung(connection: Connection, connector: str, now: datetime, most: int) -> list[Remote]:
    """Pages that were created and of which nobody is known to have been notified, due to be read: a critical one
    that may be hedged each 5 s for two minutes; where only the timeline waits, 15 s after it was read last for
    whatever reason, and all less often later, for an hour. Those that may be hedged first."""
    rows = await connection.fetch(
        """
        SELECT m.* FROM remote m JOIN incident i ON i.id = m.incident_id
        CROSS JOIN LATERAL (SELECT i.severity = 'critical'
          AND jsonb_path_exists(i.paging, '$.steps[*].hedge ? (@ != null)') AS hedge,
          greatest(m.rung_read_at, m.read_at, m.created_at) AS read_last) w
        WHERE m.connector = $1 AND m.asked_at > $2::timestamptz - interval '1 hour' AND m.created_at IS NOT NULL
          AND m.notified_at IS NULL AND m.resolved_at IS NULL AND m.failed_at IS NULL AND m.superseded_at IS NULL
          AND m.status IN ('unknown', 'triggered') AND i.status = 'open'
          AND CASE
            WHEN m.asked_at < $2::timestamptz - interval '10 min' THEN w.read_last <= $2::timestamptz - interval '5 min'
            WHEN m.asked_at < $2::timestamptz - interval '2 min' THEN w.read_last <= $2::timestamptz - interval '30 s'
            WHEN w.hedge THEN coalesce(m.rung_read_at, m.created_at) <= $2::timestamptz - interval '5 s'
            ELSE w.read_last <= $2::timestamptz - interval '15 s' END
        ORDER BY w.hedge DESC, w.read_last LIMIT $3
        """,
        connector, now, most,
    )  # fmt: skip
    return [remote_of(row) for row in rows]


async def rungs_read(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """These are being read now."""
    await connection.execute("UPDATE remote SET rung_read_at = $2 WHERE id = ANY($1)", list(ids), now)


async def rungs_unread(connection: Connection, connector: str, at: datetime) -> None:
    """What was read `at` that time could not be written down: they are due again, but for those read since."""
    await connection.execute(
        "UPDATE remote SET rung_read_at = NULL WHERE connector = $1 AND rung_read_at = $2", connector, at
    )


async def spoken_of(connection: Connection, remote_id: str, correlation_id: str) -> UUID | None:
    """The incident of ours that a foreign one came from or came in by: it carries our correlation id, or a
    live alert of ours speaks of its id (a provider that is a sender too)."""
    found: UUID | None = None
    if correlation_id:
        found = await connection.fetchval(
            "SELECT id FROM incident WHERE correlation_id = $1 ORDER BY opened_at DESC LIMIT 1",
            correlation_id,
        )
    if found is None:
        found = await connection.fetchval(
            "SELECT incident_id FROM alert WHERE status <> 'resolved' AND incident_id IS NOT NULL AND (dedup_key = $1"
            " OR strpos(details::text, $1) > 0 OR strpos(links::text, $1) > 0) ORDER BY first_event_at DESC LIMIT 1",
            remote_id,
        )
    return found
