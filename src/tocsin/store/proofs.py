"""Which connectors have taken a page as they are set, and what would be lost with a configuration (S51)?"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from tocsin.store.database import Connection


async def in_force(
    connection: Connection, prints: Mapping[str, str], now: datetime, *, new_credentials: Collection[str]
) -> None:
    """Note that connectors hold with these prints from now on; what those with `new_credentials` did before
    proves nothing any more."""
    await connection.execute("DELETE FROM connector_proof WHERE connector = ANY($1)", list(new_credentials))
    await connection.executemany(
        "INSERT INTO connector_proof (connector, print, since) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        [(name, mark, now) for name, mark in prints.items()],
    )


async def note(connection: Connection, prints: Mapping[str, str]) -> None:
    """Keep that a connector with this print, which is in force, has taken a page since it is.

    The attempts themselves are forgotten after a while (retention); this stays.
    """
    for name, mark in prints.items():
        await connection.execute(
            "UPDATE connector_proof p SET proved_at = (SELECT max(at) FROM delivery d WHERE d.connector = $1"
            "  AND d.kind IN ('create', 'reopen') AND d.outcome = 'accepted' AND d.at >= p.since)"
            " WHERE connector = $1 AND print = $2 AND EXISTS (SELECT 1 FROM delivery d WHERE d.connector = $1"
            "  AND d.kind IN ('create', 'reopen') AND d.outcome = 'accepted' AND d.at >= p.since)",
            name, mark,
        )  # fmt: skip


async def tested(connection: Connection, prints: Mapping[str, str]) -> frozenset[str]:
    """Of these connectors those that are proved with their print, whenever that was in force."""
    rows = await connection.fetch(
        "SELECT connector, print FROM connector_proof WHERE connector = ANY($1) AND proved_at IS NOT NULL",
        list(prints),
    )
    return frozenset(row["connector"] for row in rows if prints[row["connector"]] == row["print"])


async def last_used(
    connection: Connection, integrations: Collection[str], since: datetime
) -> dict[str, datetime]:
    """Integration -> when something last came to it, for those used since then. Identical repeats keep no
    request of their own, so live alerts are asked too."""
    rows = await connection.fetch(
        "SELECT integration, max(at) AS at FROM ("
        " SELECT integration, received_at AS at FROM raw_request WHERE integration = ANY($1) AND received_at > $2"
        " UNION ALL"
        " SELECT integration, last_event_at FROM alert WHERE status <> 'resolved' AND integration = ANY($1) AND last_event_at > $2"
        ") seen GROUP BY integration",
        list(integrations), since,
    )  # fmt: skip
    return {row["integration"]: row["at"] for row in rows}


async def open_at(connection: Connection, connectors: Collection[str]) -> dict[str, list[str]]:
    """Connector -> the incidents that are open or acknowledged and live there, or may still be paged there,
    in order of number."""
    rows = await connection.fetch(
        "SELECT DISTINCT connector, number FROM ("
        " SELECT r.connector, i.number FROM remote r JOIN incident i ON i.id = r.incident_id"
        "  WHERE i.status IN ('open', 'mitigated') AND r.resolved_at IS NULL AND r.connector = ANY($1)"
        " UNION ALL"
        " SELECT way->>'connector', i.number FROM incident i,"
        "  jsonb_path_query(i.paging, '$.steps[*] ? (@.sent_at == null).ways[*]') way"
        "  WHERE i.status = 'open' AND way->>'connector' = ANY($1)"
        ") there ORDER BY connector, number",
        list(connectors),
    )  # fmt: skip
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["connector"], []).append(f"INC-{row['number']}")
    return found
