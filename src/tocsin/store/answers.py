"""First answers to writes that came with a key of their sender's: found again, kept, forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta

from tocsin.store.database import Connection

KEPT = timedelta(hours=24)
MOST_KEPT = 100_000
"""Of all callers together; beyond it the oldest go first."""

_SWEPT_AT_ONCE = 20


async def alone(connection: Connection, caller: str, key: str) -> bool:
    """True when no other transaction, at any node, is at work under this key. Holds until this one ends, however
    it ends: nothing is left behind by a process that dies."""
    taken: bool = await connection.fetchval(
        "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))", f"kept_answer {caller} {key}"
    )
    return taken


async def find(connection: Connection, caller: str, key: str, now: datetime) -> bytes | None:
    """The sealed first answer, unless it is too old."""
    sealed: bytes | None = await connection.fetchval(
        "SELECT sealed FROM kept_answer WHERE caller = $1 AND key = $2 AND made_at > $3",
        caller,
        key,
        now - KEPT,
    )
    return sealed


async def keep(connection: Connection, caller: str, key: str, sealed: bytes, now: datetime) -> None:
    """Keep an answer, and sweep out a few that are over: each that comes removes more than one."""
    newest: int = await connection.fetchval(
        "INSERT INTO kept_answer (caller, key, sealed, made_at) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (caller, key) DO UPDATE SET sealed = excluded.sealed, made_at = excluded.made_at RETURNING id",
        caller, key, sealed, now,
    )  # fmt: skip
    await connection.execute(
        "DELETE FROM kept_answer WHERE id IN (SELECT id FROM kept_answer WHERE made_at <= $1 OR id <= $2"
        " ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED)",
        now - KEPT, newest - MOST_KEPT, _SWEPT_AT_ONCE,
    )  # fmt: skip
