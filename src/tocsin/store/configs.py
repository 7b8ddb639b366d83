"""Versions of the configuration and the credentials they name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tocsin.store.database import Connection, notify
from tocsin.store.rows import Columns

CONFIG = "tocsin_config"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One applied configuration. `document` holds no credentials."""

    version: int
    hash: str
    author: str
    applied_at: datetime
    origin: str
    document: Mapping[str, Any]


async def latest(connection: Connection) -> Version | None:
    """The version in force, None before the first."""
    row = await connection.fetchrow("SELECT * FROM config_version ORDER BY version DESC LIMIT 1")
    return _version_of(row) if row else None


async def get(connection: Connection, version: int) -> Version | None:
    row = await connection.fetchrow("SELECT * FROM config_version WHERE version = $1", version)
    return _version_of(row) if row else None


async def versions(connection: Connection, most: int = 100) -> list[Version]:
    """The latest first."""
    rows = await connection.fetch("SELECT * FROM config_version ORDER BY version DESC LIMIT $1", most)
    return [_version_of(row) for row in rows]


def _version_of(row: Columns) -> Version:
    return Version(
        version=row["version"], hash=row["hash"], author=row["author"], applied_at=row["applied_at"],
        origin=row["origin"], document=row["document"],
    )  # fmt: skip


async def add(
    connection: Connection, *, hash: str, author: str, origin: str, document: Mapping[str, Any], now: datetime
) -> int:
    """Store the next version and wake every node; its number."""
    await connection.execute("LOCK TABLE config_version IN EXCLUSIVE MODE")
    version: int = await connection.fetchval("SELECT coalesce(max(version), 0) + 1 FROM config_version")
    await connection.execute(
        "INSERT INTO config_version (version, hash, author, applied_at, origin, document) VALUES ($1, $2, $3, $4, $5, $6)",
        version, hash, author, now, origin, document,
    )  # fmt: skip
    await notify(connection, CONFIG, str(version))
    return version


async def sealed_secrets(connection: Connection) -> dict[str, bytes]:
    return {row["name"]: row["sealed"] for row in await connection.fetch("SELECT name, sealed FROM secret")}


async def credentials_changed(connection: Connection) -> None:
    """Wake every node although the version stays: a key was rotated."""
    await notify(connection, CONFIG, "credentials")


async def save_secrets(connection: Connection, sealed: Mapping[str, bytes], now: datetime) -> None:
    """Replace all credentials by these."""
    await connection.execute("DELETE FROM secret WHERE NOT name = ANY($1)", list(sealed))
    await connection.executemany(
        "INSERT INTO secret (name, sealed, changed_at) VALUES ($1, $2, $3)"
        " ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed, changed_at = excluded.changed_at",
        [(name, value, now) for name, value in sealed.items()],
    )
