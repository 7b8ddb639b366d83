"""The bucket of each integration, shared by all nodes: locked while a decision draws on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from tocsin.core.bucket import Rate
from tocsin.core.storm import Storm
from tocsin.store.database import Connection, Row


async def lock(connection: Connection, rates: Mapping[str, Rate], now: datetime) -> dict[str, Storm]:
    """The buckets of these integrations, locked in the order of their names; one never used is full."""
    names = sorted(rates)
    rows = await connection.fetch(
        "INSERT INTO storm AS s (integration, tokens, tokens_at) SELECT n, b, $3 FROM unnest($1::text[], $2::float8[]) AS r (n, b)"
        " ORDER BY n ON CONFLICT (integration) DO UPDATE SET keys = s.keys RETURNING *",
        names, [max(rates[name].burst, 1.0) for name in names], now,
    )  # fmt: skip
    return {row["integration"]: _storm(row, rates[row["integration"]]) for row in rows}


async def save(connection: Connection, storms: Iterable[Storm]) -> None:
    """Keep what was drawn."""
    await connection.executemany(
        "UPDATE storm SET tokens = $2, tokens_at = $3, since = $4, keys = $5 WHERE integration = $1",
        [(s.integration, s.tokens, s.at, s.since, s.keys) for s in storms],
    )


async def under_way(connection: Connection) -> list[str]:
    """Integrations that have a storm."""
    return [
        row["integration"]
        for row in await connection.fetch("SELECT integration FROM storm WHERE since IS NOT NULL")
    ]


async def look_again(connection: Connection, incident: UUID, most: int, now: datetime) -> int:
    """Have the worst alerts of a storm looked at again now, the oldest first; how many. One stays in any case, and the
    storm incident ends with it."""
    # by incident, never by reading an index of all that are live: see `intake.count_repeats`
    done = await connection.execute(
        """
        UPDATE alert SET look_again_at = $3 WHERE id IN (
          SELECT id FROM alert WHERE incident_id = $1 AND status || '' <> 'resolved' AND severity IN ('critical', 'high')
          ORDER BY severity, first_event_at, id
          LIMIT least($2, (SELECT count(*) - 1 FROM alert WHERE incident_id = $1 AND status || '' <> 'resolved')))
        """,
        incident, most, now,
    )  # fmt: skip
    return int(done.rsplit(" ", 1)[1])


def _storm(row: Row, rate: Rate) -> Storm:
    return Storm(
        integration=row["integration"], rate=rate, tokens=row["tokens"], at=row["tokens_at"], since=row["since"],
        keys=row["keys"],
    )  # fmt: skip
