"""The latest lives of keys: when each began and ended, and when somebody was paged for it (S15)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from tocsin.core.flap import Life
from tocsin.core.severity import Severity
from tocsin.store.database import Connection

MOST = 30
"""Lives of one key that are looked at; more within the time that counts change nothing."""

Key = tuple[str, str]


async def lives_of(connection: Connection, keys: Iterable[Key], since: datetime) -> dict[Key, list[Life]]:
    """(scope, dedup key) -> its lives that began since then, in the order of their beginnings."""
    pairs = sorted(set(keys))
    if not pairs:
        return {}
    rows = await connection.fetch(
        _LIVES, [scope for scope, _ in pairs], [key for _, key in pairs], since, MOST
    )
    found: dict[Key, list[Life]] = defaultdict(list)
    for row in rows:
        found[(row["scope"], row["dedup_key"])].append(
            Life(
                began=row["first_event_at"], ended=row["resolved_at"],
                paged_at=datetime.fromisoformat(row["paged_at"]) if row["paged_at"] else None,
                paged_as=Severity(row["severity"]) if row["severity"] else None,
            )
        )  # fmt: skip
    return found


_LIVES = """
SELECT a.scope, a.dedup_key, a.first_event_at, a.resolved_at, i.severity, i.paging ->> 'started_at' AS paged_at
FROM unnest($1::text[], $2::text[]) AS k (scope, dedup_key)
JOIN LATERAL (
  SELECT * FROM alert l WHERE l.scope = k.scope AND l.dedup_key = k.dedup_key AND l.first_event_at >= $3
  ORDER BY l.first_event_at DESC LIMIT $4) a ON true
LEFT JOIN incident i ON i.id = a.incident_id
ORDER BY a.first_event_at, a.id
"""
