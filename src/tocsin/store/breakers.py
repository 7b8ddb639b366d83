"""Which connectors are kept from pages now: by their breaker, or because they notified nobody in time (S30, S33)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.core.breaker import BreakerState
from tocsin.store.database import Connection

HEDGES_A_MINUTE = 10
SLOW_FOR = timedelta(minutes=1)


async def open_breakers(connection: Connection, now: datetime) -> dict[str, BreakerState]:
    """Connectors whose breaker is not closed, and those that are SLOW for pages."""
    rows = await connection.fetch(
        "SELECT connector, breaker, slow_until > $1 AS slow FROM connector_state"
        " WHERE breaker <> 'closed' OR slow_until > $1",
        now,
    )
    return {
        row["connector"]: BreakerState.SLOW
        if row["slow"] and row["breaker"] != BreakerState.OPEN
        else BreakerState(row["breaker"])
        for row in rows
    }


async def hedged(connection: Connection, connectors: Sequence[str], now: datetime) -> list[str]:
    """Count a page that was asked elsewhere besides; those that have had too many within a minute, by all
    nodes together, just now."""
    slow = []
    for connector in sorted(connectors):
        became = await connection.fetchval(
            """
            WITH before AS (SELECT connector, slow_until FROM connector_state WHERE connector = $1 FOR UPDATE),
            counted AS (
              INSERT INTO connector_state AS s (connector, hedged) VALUES ($1, ARRAY[$2::timestamptz])
              ON CONFLICT (connector) DO UPDATE SET hedged = ARRAY(
                SELECT h FROM unnest(s.hedged) AS h WHERE h > $2 - interval '1 min' ORDER BY h DESC LIMIT $3) || $2::timestamptz
              RETURNING s.hedged)
            SELECT cardinality(counted.hedged) >= $3 AND coalesce((SELECT slow_until FROM before) <= $2, true) FROM counted
            """,
            connector, now, HEDGES_A_MINUTE,
        )  # fmt: skip
        if became:
            await connection.execute(
                "UPDATE connector_state SET slow_until = $2, last_error = $3 WHERE connector = $1",
                connector, now + SLOW_FOR,
                f"{HEDGES_A_MINUTE} critical pages within a minute were taken, but notified nobody in time",
            )  # fmt: skip
            slow.append(connector)
    return slow


async def waiting_creates(connection: Connection, connector: str) -> list[UUID]:
    """Incidents whose page waits at a connector: they are looked at again when its breaker opens."""
    rows = await connection.fetch(
        "SELECT DISTINCT incident_id FROM effect WHERE connector = $1 AND kind = 'create' AND state IN ('waiting', 'leased')",
        connector,
    )
    return [row["incident_id"] for row in rows]


async def probe_is_lost(
    connection: Connection, connector: str, now: datetime, *, node: UUID | None, at_work: Sequence[int],
    messages_at_work: Sequence[int],
) -> bool:  # fmt: skip
    """True when nobody is at work at a connector whose breaker is half-open: the claim of its probe was lost on the way
    to this `node`, or the node that had it fell silent. Leases in force count, but for the node's own of which it knows
    nothing; those taken before the breaker opened count too, so it may say False for a little longer."""
    under_way: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT 1 FROM effect WHERE connector = $1 AND state = 'leased' AND lease_until >= $2"
        "   AND ($3::uuid IS NULL OR leased_by IS DISTINCT FROM $3 OR id = ANY($4)))"
        " OR EXISTS (SELECT 1 FROM message WHERE connector = $1 AND state = 'leased' AND lease_until >= $2"
        "   AND ($3::uuid IS NULL OR leased_by IS DISTINCT FROM $3 OR id = ANY($5)))",
        connector, now, node, list(at_work), list(messages_at_work),
    )  # fmt: skip
    return not under_way
