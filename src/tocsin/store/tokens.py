"""API tokens and browser sessions: only their hashes are known here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.store.database import Connection
from tocsin.store.rows import Columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """`role` "" = it has scopes alone. `teams` = it acts for these; none = for all. `user` = whose it is: of their
    role and teams it has no more than they have when it is used."""

    id: UUID
    name: str
    scopes: tuple[str, ...]
    made_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    role: str = ""
    teams: tuple[str, ...] = ()
    user: str = ""
    made_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What a browser's cookie, or a one-time code, stands for."""

    name: str
    scopes: tuple[str, ...]
    expires_at: datetime
    role: str = ""
    teams: tuple[str, ...] = ()
    user: str = ""


def _session_of(row: Columns) -> Session:
    return Session(
        name=row["name"], scopes=tuple(row["scopes"]), expires_at=row["expires_at"], role=row["role"],
        teams=tuple(row["teams"]), user=row["user_id"],
    )  # fmt: skip


def _token_of(row: Columns) -> Token:
    return Token(
        id=row["id"], name=row["name"], scopes=tuple(row["scopes"]), made_at=row["made_at"],
        expires_at=row["expires_at"], last_used_at=row["last_used_at"], revoked_at=row["revoked_at"],
        role=row["role"], teams=tuple(row["teams"]), user=row["user_id"], made_by=row["made_by"],
    )  # fmt: skip


async def add(connection: Connection, token: Token, hash: bytes) -> None:
    await connection.execute(
        "INSERT INTO api_token (id, name, hash, scopes, made_at, expires_at, role, teams, user_id, made_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (hash) DO NOTHING",
        token.id, token.name, hash, list(token.scopes), token.made_at, token.expires_at, token.role, list(token.teams),
        token.user, token.made_by,
    )  # fmt: skip


async def find(connection: Connection, hash: bytes, now: datetime) -> Token | None:
    """The valid token with this hash; its last use is noted once a minute."""
    row = await connection.fetchrow(
        "SELECT * FROM api_token WHERE hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)",
        hash,
        now,
    )
    if row is None:
        return None
    if row["last_used_at"] is None or now - row["last_used_at"] > timedelta(minutes=1):
        await connection.execute("UPDATE api_token SET last_used_at = $2 WHERE id = $1", row["id"], now)
    return _token_of(row)


async def ever(connection: Connection, hash: bytes) -> Token | None:
    """The token with this hash, good or not."""
    row = await connection.fetchrow("SELECT * FROM api_token WHERE hash = $1", hash)
    return _token_of(row) if row else None


async def everyone(connection: Connection) -> list[Token]:
    return [_token_of(row) for row in await connection.fetch("SELECT * FROM api_token ORDER BY made_at, id")]


async def valid(connection: Connection) -> dict[bytes, Token]:
    """Every token that is not revoked, by its hash: for the time when nobody can be asked (S47)."""
    rows = await connection.fetch("SELECT * FROM api_token WHERE revoked_at IS NULL ORDER BY hash")
    return {row["hash"]: _token_of(row) for row in rows}


async def get(connection: Connection, id: UUID) -> Token | None:
    """One by its id, whatever became of it; nobody else changes any meanwhile, so that two administrators do not
    take each other's last token."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('tocsin tokens', 0))")
    row = await connection.fetchrow("SELECT * FROM api_token WHERE id = $1", id)
    return _token_of(row) if row else None


async def revoke(connection: Connection, id: UUID, now: datetime) -> bool:
    """True when there was one to revoke."""
    done = await connection.execute(
        "UPDATE api_token SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL", id, now
    )
    return done.endswith(" 1")


async def open_session(connection: Connection, hash: bytes, kind: str, session: Session) -> None:
    """Keep a session ('session') or a one-time code ('code')."""
    await connection.execute(
        "INSERT INTO session (hash, kind, name, scopes, expires_at, role, teams, user_id)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        hash, kind, session.name, list(session.scopes), session.expires_at, session.role, list(session.teams),
        session.user,
    )  # fmt: skip


async def spend_code(connection: Connection, hash: bytes, now: datetime) -> Session | None:
    """What a one-time code stands for, which is gone afterwards; None when it is unknown or too old."""
    row = await connection.fetchrow("DELETE FROM session WHERE hash = $1 AND kind = 'code' RETURNING *", hash)
    return _session_of(row) if row and row["expires_at"] > now else None


async def find_session(connection: Connection, hash: bytes, now: datetime) -> Session | None:
    row = await connection.fetchrow(
        "SELECT * FROM session WHERE hash = $1 AND kind = 'session' AND expires_at > $2", hash, now
    )
    return _session_of(row) if row else None


async def end_session(connection: Connection, hash: bytes, now: datetime) -> None:
    """Forget a session, and with it every one that has run out."""
    await connection.execute("DELETE FROM session WHERE hash = $1 OR expires_at < $2", hash, now)
