"""Webhooks from providers: stored before they are understood, worked off afterwards, never twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tocsin.store.database import Connection, notify
from tocsin.store.rows import Columns

HOOKS = "tocsin_hooks"
QUARANTINE_MOST, QUARANTINE_BYTES = 500, 8 * 1024 * 1024
"""Webhooks with a wrong signature that are kept of one connector: enough to see what is wrong with a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """One delivery as it came. state: pending, done, quarantined (wrong signature, S45), failed."""

    id: UUID
    received_at: datetime
    connector: str
    state: str
    headers: Mapping[str, str]
    query: str
    body: bytes
    remote_address: str
    attempts: int = 0


async def keep(connection: Connection, hook: Hook) -> None:
    """Store it and note that the connector's webhook lives."""
    await connection.execute(
        "INSERT INTO hook (id, received_at, connector, state, headers, query, body, remote_address)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        hook.id, hook.received_at, hook.connector, hook.state, hook.headers, hook.query, hook.body, hook.remote_address,
    )  # fmt: skip
    if hook.state == "quarantined":
        await _bound_quarantine(connection, hook.connector, hook.received_at)
    if hook.state == "pending":
        await connection.execute(
            "INSERT INTO connector_state (connector, last_webhook_at) VALUES ($1, $2)"
            " ON CONFLICT (connector) DO UPDATE SET last_webhook_at = excluded.last_webhook_at",
            hook.connector,
            hook.received_at,
        )
        await notify(connection, HOOKS)


async def _bound_quarantine(connection: Connection, connector: str, now: datetime) -> None:
    """Keep the newest QUARANTINE_MOST and QUARANTINE_BYTES of a connector; what goes is counted.

    Anybody who knows the address can send what does not fit its signature: the disk is not theirs to fill.
    """
    # one at a time for a connector: two that count together would both leave one too many
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('quarantine ' || $1, 0))", connector
    )
    done = await connection.execute(
        "DELETE FROM hook h USING ("
        " SELECT id, received_at, row_number() OVER newest AS n, sum(length(body)) OVER newest AS bytes"
        " FROM hook WHERE connector = $1 AND state = 'quarantined'"
        " WINDOW newest AS (ORDER BY received_at DESC, id DESC)"
        ") old WHERE h.id = old.id AND h.received_at = old.received_at AND old.n > 1 AND (old.n > $2 OR old.bytes > $3)",
        connector, QUARANTINE_MOST, QUARANTINE_BYTES,
    )  # fmt: skip
    if (gone := int(done.rsplit(" ", 1)[1])) > 0:
        await connection.execute(
            "INSERT INTO connector_state (connector, quarantine_dropped, tokens_at) VALUES ($1, $2, $3)"
            " ON CONFLICT (connector) DO UPDATE SET quarantine_dropped = connector_state.quarantine_dropped + $2",
            connector, gone, now,
        )  # fmt: skip


async def claim(connection: Connection, most: int) -> list[Hook]:
    """Pending ones in order of arrival, locked for this transaction."""
    rows = await connection.fetch(
        "SELECT * FROM hook WHERE state = 'pending' ORDER BY received_at LIMIT $1 FOR UPDATE SKIP LOCKED",
        most,
    )
    return [_hook_of(row) for row in rows]


def _hook_of(row: Columns) -> Hook:
    return Hook(
        id=row["id"], received_at=row["received_at"], connector=row["connector"], state=row["state"],
        headers=row["headers"], query=row["query"], body=row["body"], remote_address=row["remote_address"],
        attempts=row["attempts"],
    )  # fmt: skip


async def settle(connection: Connection, hook: Hook, state: str, outcome: str) -> None:
    await connection.execute(
        "UPDATE hook SET state = $3, outcome = $4, attempts = attempts + 1"
        " WHERE id = $1 AND received_at = $2 AND state = 'pending'",
        hook.id, hook.received_at, state, outcome[:2000],
    )  # fmt: skip


async def first_sight(connection: Connection, connector: str, delivery_id: str) -> bool:
    """True the first time a change is met; the mark commits with what follows from it."""
    done = await connection.execute(
        "INSERT INTO change_seen (connector, delivery_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        connector,
        delivery_id,
    )
    return done.endswith(" 1")
