"""Canary pages: when each was sent, and how far it came at each connector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tocsin.core.alarm import INTEGRATION
from tocsin.core.proving import Sung
from tocsin.store.database import Connection, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One canary; `ended_at` None = it is under way. `found` holds each connector's result once it has ended."""

    id: UUID
    started_at: datetime
    asked_by: str
    connectors: tuple[str, ...]
    ended_at: datetime | None
    found: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The dedup key of its alert."""
        return f"canary/{self.id}"


async def one_at_a_time(connection: Connection) -> None:
    """Until this transaction ends no other begins one."""
    await connection.execute("LOCK TABLE canary IN SHARE ROW EXCLUSIVE MODE")


async def add(connection: Connection, run: Run) -> None:
    await connection.execute(
        "INSERT INTO canary (id, started_at, asked_by, connectors) VALUES ($1, $2, $3, $4)",
        run.id, run.started_at, run.asked_by, list(run.connectors),
    )  # fmt: skip


async def newest(connection: Connection, most: int = 1) -> list[Run]:
    """The newest first."""
    rows = await connection.fetch("SELECT * FROM canary ORDER BY started_at DESC LIMIT $1", most)
    return [_run(row) for row in rows]


async def sung(connection: Connection, run: Run) -> dict[str, Sung]:
    """How far it has come at each of its connectors."""
    rows = await connection.fetch(
        "SELECT r.connector, min(r.asked_at) AS asked_at, min(r.created_at) AS created_at, min(r.notified_at) AS notified_at,"
        " bool_or(r.failed_at IS NOT NULL) AS failed, max(r.fault) AS fault"
        " FROM alert a JOIN remote r ON r.incident_id = a.incident_id WHERE a.scope = $1 AND a.dedup_key = $2 GROUP BY r.connector",
        INTEGRATION,
        run.key,
    )
    found = {row["connector"]: Sung(**dict(row)) for row in rows}
    return {name: found.get(name, Sung(connector=name)) for name in run.connectors}


async def end(connection: Connection, run: Run, found: Sequence[Sung], now: datetime) -> None:
    """It is over, with these results; older than the newest hundred are forgotten."""
    kept = {one.connector: asdict(one) for one in found}
    await connection.execute("UPDATE canary SET ended_at = $2, found = $3 WHERE id = $1", run.id, now, kept)
    await connection.execute(
        "DELETE FROM canary WHERE started_at < (SELECT min(started_at) FROM (SELECT started_at FROM canary ORDER BY started_at DESC LIMIT 100) n)"
    )


def _run(row: Row) -> Run:
    return Run(
        id=row["id"], started_at=row["started_at"], asked_by=row["asked_by"], connectors=tuple(row["connectors"]),
        ended_at=row["ended_at"], found=row["found"],
    )  # fmt: skip
