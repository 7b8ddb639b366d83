"""Remotes as they are read back, followed through a merge, and the proof that webhooks get through."""

from __future__ import annotations

from datetime import datetime

from tocsin.store.database import Connection
from tocsin.store.outbox import Remote


async def proven(connection: Connection, connector: str, now: datetime) -> None:
    """A write of ours came back by webhook, or the provider's own test did (S44)."""
    await connection.execute(
        "INSERT INTO connector_state (connector, proven_at) VALUES ($1, $2)"
        " ON CONFLICT (connector) DO UPDATE SET proven_at = excluded.proven_at, unproven_since = NULL",
        connector,
        now,
    )


async def follow_merge(connection: Connection, remote: Remote, target: str) -> None:
    """This remote lives under the target's id from now on, and is to be read at once. Those of ours that are
    there already share it."""
    shared: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT 1 FROM remote WHERE connector = $1 AND remote_id = $2 AND incident_id <> $3)",
        remote.connector, target, remote.incident_id,
    )  # fmt: skip
    if shared:
        await connection.execute(
            "UPDATE remote SET shared = true WHERE connector = $1 AND remote_id = $2",
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
        " AND m.remote_id = $2 AND m.incident_id <> $3 AND i.status IN ('open', 'mitigated'))",
        remote.connector, remote.remote_id, remote.incident_id,
    )  # fmt: skip
    return held
