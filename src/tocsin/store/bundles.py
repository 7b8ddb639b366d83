"""Pages of a connector that bundles: those that wait, whom they are to wait for, and which leave as one (S22)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.core.hold import Gate
from tocsin.store.database import Connection
from tocsin.store.outbox import OPEN_GATE, Work, work_of
from tocsin.store.writing import Rows, Write, rehearse, write

MOST = 500
"""Pages looked at in one go; what is left over leaves with the next."""


async def waiting(
    connection: Connection,
    connector: str,
    now: datetime,
    *,
    most: int = MOST,
    node: UUID | None = None,
    at_work: Sequence[int] = (),
    gate: Gate = OPEN_GATE,
) -> list[Work]:
    """Every page that could leave, due or not, locked, each as it would be claimed: `outbox.claim` says which.

    Those that are due come first, the urgent first among them.
    """
    rows = await connection.fetch(
        """
        SELECT e.id AS effect_id, e.kind, e.body, e.attempts + 1 AS attempts, e.ambiguous OR e.state = 'leased' AS ambiguous,
          e.made_at, CASE WHEN e.state = 'leased' THEN least(e.due, $2) ELSE e.due END AS due, e.bundle, m.*
        FROM effect e JOIN remote m ON m.id = e.remote
        WHERE e.connector = $1 AND e.state IN ('waiting', 'leased') AND e.kind IN ('create', 'reopen')
          AND (e.state = 'waiting' OR e.lease_until < $2 OR e.leased_by = $4 AND e.id <> ALL($7))
          AND ($5 = 0 OR e.urgent >= $5)
          AND ($6::timestamptz IS NULL OR e.made_at >= $6)
          AND NOT EXISTS (SELECT 1 FROM effect p WHERE p.remote = e.remote AND p.id < e.id AND p.state IN ('waiting', 'leased'))
        ORDER BY e.state = 'waiting' AND e.due > $2, e.urgent DESC, e.id LIMIT $3 FOR UPDATE OF e SKIP LOCKED
        """,
        connector, now, most, node, gate.least, gate.made_since, list(at_work),
    )  # fmt: skip
    return [work_of(row) for row in rows]


async def left(connection: Connection, connector: str) -> dict[str, datetime]:
    """Recipient -> when a page last left to them; one to whom none did is missing."""
    rows = await connection.fetch("SELECT recipient, left_at FROM page_left WHERE connector = $1", connector)
    return {row["recipient"]: row["left_at"] for row in rows}


async def sizes(connection: Connection, bundles: Collection[UUID]) -> dict[UUID, int]:
    """Bundle -> how many pages of it are not settled."""
    if not bundles:
        return {}
    rows = await connection.fetch(
        "SELECT bundle, count(*) AS pages FROM effect WHERE bundle = ANY($1) AND bundle IS NOT NULL"
        " AND state IN ('waiting', 'leased') GROUP BY bundle",
        list(bundles),
    )
    return {row["bundle"]: row["pages"] for row in rows}


async def hold(connection: Connection, held: Iterable[tuple[Work, datetime]]) -> None:
    """These wait until then."""
    rows: Rows = [{"effect": w.id, "remote": w.remote.id, "until": until} for w, until in held]
    await write(connection, [(_WAITS, rows), (_HELD, rows)])


async def lease(
    connection: Connection, works: Sequence[Work], now: datetime, span: timedelta, node: UUID | None
) -> None:
    """These leave, each in its `bundle`."""
    rows: Rows = [
        {
            "effect": w.id, "remote": w.remote.id, "attempts": w.attempts, "ambiguous": w.ambiguous, "bundle": w.bundle,
            "until": now + span, "node": node, "now": now,
        }
        for w in works
    ]  # fmt: skip
    await write(connection, [(_LEASED, rows), (_HELD_NO_MORE, [r for r, w in zip(rows, works, strict=True) if w.remote.held_until])])  # fmt: skip


async def leave(connection: Connection, connector: str, recipients: Collection[str], now: datetime) -> None:
    """A page leaves to these."""
    await write(connection, [(_LEFT, [{"connector": connector, "recipient": r, "now": now} for r in sorted(recipients)])])  # fmt: skip


async def trim(connection: Connection, before: datetime) -> None:
    """Forget to whom pages left before: nothing waits for that any more."""
    await connection.execute("DELETE FROM page_left WHERE left_at < $1", before)


async def rehearse_leaving(connection: Connection) -> None:
    """The statements by which a page leaves, for nothing."""
    await rehearse(connection, _LEASED)
    await rehearse(connection, _LEFT)


_WAITS = Write(
    "effect bigint, until timestamptz", "UPDATE effect e SET due = r.until FROM {rows} WHERE e.id = r.effect"
)
_HELD = Write(
    "remote bigint, until timestamptz",
    "UPDATE remote m SET held_until = r.until FROM {rows} WHERE m.id = r.remote",
)
_HELD_NO_MORE = Write(
    "remote bigint, now timestamptz",
    "UPDATE remote m SET held_until = least(m.held_until, r.now) FROM {rows} WHERE m.id = r.remote",
)
_LEASED = Write(
    "effect bigint, attempts int, ambiguous bool, bundle uuid, until timestamptz, node uuid",
    "UPDATE effect e SET state = 'leased', lease_until = r.until, leased_by = r.node, attempts = r.attempts,"
    " ambiguous = r.ambiguous, bundle = r.bundle FROM {rows} WHERE e.id = r.effect",
)
_LEFT = Write(
    "connector text, recipient text, now timestamptz",
    "INSERT INTO page_left (connector, recipient, left_at) SELECT r.* FROM {rows}"
    " ON CONFLICT (connector, recipient) DO UPDATE SET left_at = excluded.left_at",
)
