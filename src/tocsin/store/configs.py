"""Versions of the configuration and the credentials they name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tocsin.store.database import Connection, notify
from tocsin.store.rows import Columns

CONFIG = "tocsin_config"
UNUSED_KEPT = timedelta(days=7)
"""How long a credential outlives the version that named it last, sealed, for a rollback."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """One applied configuration without its text. `incidents` = how many were opened under it."""

    version: int
    hash: str
    author: str
    applied_at: datetime
    origin: str
    incidents: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Version(Heading):
    """One applied configuration. `document` holds no credentials."""

    document: Mapping[str, Any]


async def latest(connection: Connection) -> Version | None:
    """The version in force, None before the first; its incidents are not counted."""
    row = await connection.fetchrow(
        "SELECT *, 0 AS incidents FROM config_version ORDER BY version DESC LIMIT 1"
    )
    return _version_of(row) if row else None


async def get(connection: Connection, version: int) -> Version | None:
    """One version with its incidents counted."""
    row = await connection.fetchrow(
        "SELECT *, (SELECT count(*) FROM incident WHERE config_version = version) AS incidents"
        " FROM config_version WHERE version = $1",
        version,
    )
    return _version_of(row) if row else None


async def versions(connection: Connection, most: int = 100, *, before: int | None = None) -> list[Heading]:
    """The latest first; those older than `before`."""
    rows = await connection.fetch(
        "SELECT version, hash, author, applied_at, origin,"
        " (SELECT count(*) FROM incident WHERE config_version = version) AS incidents FROM config_version"
        " WHERE $2::bigint IS NULL OR version < $2 ORDER BY version DESC LIMIT $1",
        most, before,
    )  # fmt: skip
    return [Heading(**dict(row)) for row in rows]


def _version_of(row: Columns) -> Version:
    return Version(
        version=row["version"], hash=row["hash"], author=row["author"], applied_at=row["applied_at"],
        origin=row["origin"], document=row["document"], incidents=row["incidents"],
    )  # fmt: skip


async def one_at_a_time(connection: Connection) -> None:
    """Hold off every other change of the configuration until this transaction ends."""
    await connection.execute("LOCK TABLE config_version IN EXCLUSIVE MODE")


async def add(
    connection: Connection, *, hash: str, author: str, origin: str, document: Mapping[str, Any], now: datetime
) -> int:
    """Store the next version and wake every node; its number."""
    await one_at_a_time(connection)
    version: int = await connection.fetchval("SELECT coalesce(max(version), 0) + 1 FROM config_version")
    await connection.execute(
        "INSERT INTO config_version (version, hash, author, applied_at, origin, document) VALUES ($1, $2, $3, $4, $5, $6)",
        version, hash, author, now, origin, document,
    )  # fmt: skip
    await notify(connection, CONFIG, str(version))
    return version


async def sealed_secrets(connection: Connection) -> dict[str, bytes]:
    """Every credential kept, also those that only an older version names."""
    return {row["name"]: row["sealed"] for row in await connection.fetch("SELECT name, sealed FROM secret")}


async def secrets_changed(connection: Connection) -> dict[str, datetime]:
    """When each credential was given last."""
    rows = await connection.fetch("SELECT name, changed_at FROM secret")
    return {row["name"]: row["changed_at"] for row in rows}


async def credentials_changed(connection: Connection) -> None:
    """Wake every node although the version stays: a key was rotated."""
    await notify(connection, CONFIG, "credentials")


async def save_secrets(
    connection: Connection, sealed: Mapping[str, bytes], now: datetime, *, used: Collection[str]
) -> None:
    """Keep these, which are new or changed; `used` are all that the version in force names.

    Any other is forgotten when it has not been in use for UNUSED_KEPT.
    """
    await connection.executemany(
        "INSERT INTO secret (name, sealed, changed_at) VALUES ($1, $2, $3)"
        " ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed, changed_at = excluded.changed_at",
        [(name, value, now) for name, value in sealed.items()],
    )
    await connection.execute(
        "UPDATE secret SET unused_since = CASE WHEN name = ANY($1) THEN NULL ELSE coalesce(unused_since, $2) END",
        list(used), now,
    )  # fmt: skip
    await forget_unused(connection, now)


async def forget_unused(connection: Connection, now: datetime) -> None:
    """Delete credentials that no version in force has named for UNUSED_KEPT."""
    await connection.execute("DELETE FROM secret WHERE unused_since < $1", now - UNUSED_KEPT)
