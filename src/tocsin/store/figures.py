"""How the hub fares, in numbers: queues, outcomes, what is open. Read, never kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tocsin.store.database import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """Attempts at one connector: how many, how many of them the provider took, their mean duration."""

    attempts: int = 0
    good: int = 0
    average_ms: float | None = None

    @property
    def success_rate(self) -> float | None:
        """0 to 1; None when nothing was tried."""
        return self.good / self.attempts if self.attempts else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is open and what waits. `oldest_undecided` = since when the oldest alert waits for its decision."""

    open_incidents: int
    mitigated_incidents: int
    live_alerts: int
    undecided_alerts: int
    oldest_undecided: datetime | None
    pending_webhooks: int


async def outcomes_since(connection: Connection, since: datetime) -> dict[str, Outcomes]:
    """Connector -> its attempts at or after `since`; one never tried is missing."""
    rows = await connection.fetch(
        "SELECT connector, count(*) AS attempts, count(*) FILTER (WHERE outcome IN ('accepted', 'skipped')) AS good,"
        " avg(took_ms) AS average FROM delivery WHERE at >= $1 GROUP BY connector",
        since,
    )
    return {
        row["connector"]: Outcomes(attempts=row["attempts"], good=row["good"], average_ms=row["average"])
        for row in rows
    }


async def synced_since(connection: Connection, connector: str, since: datetime) -> tuple[int, int]:
    """(incidents that the connector took something of, attempts that it did not take) at or after `since`."""
    row = await connection.fetchrow(
        "SELECT count(DISTINCT incident_id) FILTER (WHERE outcome = 'accepted') AS synced,"
        " count(*) FILTER (WHERE outcome IN ('retry', 'rejected')) AS errors"
        " FROM delivery WHERE connector = $1 AND at >= $2",
        connector, since,
    )  # fmt: skip
    assert row is not None
    return row["synced"], row["errors"]


async def queues(connection: Connection) -> dict[str, int]:
    """Connector -> how much outgoing work waits there; an empty queue is missing."""
    rows = await connection.fetch(
        "SELECT connector, count(*) AS n FROM effect WHERE state IN ('waiting', 'leased') GROUP BY connector"
    )
    return {row["connector"]: row["n"] for row in rows}


async def work(connection: Connection) -> Work:
    """What is open and what waits, now."""
    row = await connection.fetchrow(
        "SELECT (SELECT count(*) FROM incident WHERE status = 'open') AS open,"
        " (SELECT count(*) FROM incident WHERE status = 'mitigated') AS mitigated,"
        " (SELECT count(*) FROM alert WHERE status <> 'resolved') AS live,"
        " (SELECT count(*) FROM alert WHERE undecided_since IS NOT NULL) AS undecided,"
        " (SELECT min(undecided_since) FROM alert WHERE undecided_since IS NOT NULL) AS oldest,"
        " (SELECT count(*) FROM hook WHERE state = 'pending') AS hooks"
    )
    assert row is not None
    return Work(
        open_incidents=row["open"], mitigated_incidents=row["mitigated"], live_alerts=row["live"],
        undecided_alerts=row["undecided"], oldest_undecided=row["oldest"], pending_webhooks=row["hooks"],
    )  # fmt: skip


async def deliveries_between(
    connection: Connection, connectors: Sequence[str], start: datetime, end: datetime
) -> dict[tuple[str, str], int]:
    """(connector, outcome) -> attempts after `start`, up to and with `end`."""
    rows = await connection.fetch(
        "SELECT connector, outcome, count(*) AS n FROM delivery WHERE connector = ANY($1) AND at > $2 AND at <= $3"
        " GROUP BY connector, outcome",
        list(connectors), start, end,
    )  # fmt: skip
    return {(row["connector"], row["outcome"]): row["n"] for row in rows}


async def webhooks_between(
    connection: Connection, connectors: Sequence[str], start: datetime, end: datetime
) -> dict[tuple[str, str], int]:
    """(connector, "accepted" | "quarantined") -> webhooks received after `start`, up to and with `end`."""
    rows = await connection.fetch(
        "SELECT connector, CASE WHEN state = 'quarantined' THEN state ELSE 'accepted' END AS outcome, count(*) AS n"
        " FROM hook WHERE connector = ANY($1) AND received_at > $2 AND received_at <= $3 GROUP BY 1, 2",
        list(connectors), start, end,
    )  # fmt: skip
    return {(row["connector"], row["outcome"]): row["n"] for row in rows}
