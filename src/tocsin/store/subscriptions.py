"""Webhook subscriptions that the hub made or adopted at its providers, and what has come by them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from tocsin.store import configs
from tocsin.store.database import Connection
from tocsin.store.rows import Columns

BY_HAND = "by hand"
"""The id of one that a person sets up: nobody told us its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One subscription. `setting` and `sealed` = its secret and the setting it counts to, "" and None when it was
    adopted and its secret stands in the configuration or nowhere. `deliveries` were genuine, `wrong` had a signature
    that fits no secret of ours. `leaving` = it is taken away as soon as another is heard."""

    connector: str
    id: str
    setting: str
    sealed: bytes | None
    made_at: datetime
    pinged_at: datetime | None
    heard_at: datetime | None
    deliveries: int
    wrong: int
    leaving: bool


async def every(connection: Connection) -> list[Kept]:
    """All of them, by connector, the oldest first."""
    rows = await connection.fetch("SELECT * FROM webhook_subscription ORDER BY connector, made_at, id")
    return [_kept(row) for row in rows]


async def of(connection: Connection, connector: str) -> list[Kept]:
    """Those of one connector, the oldest first."""
    rows = await connection.fetch(
        "SELECT * FROM webhook_subscription WHERE connector = $1 ORDER BY made_at, id", connector
    )
    return [_kept(row) for row in rows]


def _kept(row: Columns) -> Kept:
    return Kept(**{name: row[name] for name in Kept.__slots__})


async def keep(
    connection: Connection, connector: str, subscription: str, now: datetime, *, setting: str = "", sealed: bytes | None = None,
) -> None:  # fmt: skip
    """Remember one; a secret that is known already stays when none is given. Every node takes it into use."""
    await connection.execute(
        "INSERT INTO webhook_subscription (connector, id, setting, sealed, made_at) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (connector, id) DO UPDATE SET leaving = false,"
        " setting = CASE WHEN excluded.sealed IS NULL THEN webhook_subscription.setting ELSE excluded.setting END,"
        " sealed = coalesce(excluded.sealed, webhook_subscription.sealed)",
        connector, subscription, setting, sealed, now,
    )  # fmt: skip
    await configs.credentials_changed(connection)


async def leaves(connection: Connection, connector: str, subscriptions: Collection[str]) -> None:
    """These go as soon as another is heard."""
    await connection.execute(
        "UPDATE webhook_subscription SET leaving = true WHERE connector = $1 AND id = ANY($2)",
        connector, list(subscriptions),
    )  # fmt: skip
    await configs.credentials_changed(connection)


async def forget(
    connection: Connection, connector: str, subscriptions: Collection[str] | None = None
) -> None:
    """They are gone there, and with them their secrets; None = all of the connector."""
    await connection.execute(
        "DELETE FROM webhook_subscription WHERE connector = $1 AND ($2::text[] IS NULL OR id = ANY($2))",
        connector, None if subscriptions is None else list(subscriptions),
    )  # fmt: skip
    await configs.credentials_changed(connection)


async def pinged(connection: Connection, connector: str, subscription: str, now: datetime) -> int:
    """A test delivery was asked for; how many had come before it."""
    before: int | None = await connection.fetchval(
        "UPDATE webhook_subscription SET pinged_at = $3 WHERE connector = $1 AND id = $2 RETURNING deliveries",
        connector, subscription, now,
    )  # fmt: skip
    return before or 0


async def delivered(
    connection: Connection, connector: str, subscription: str, now: datetime, *, genuine: bool
) -> None:
    """One came. Where the delivery does not tell by which, the one that was made last is meant."""
    await connection.execute(
        "UPDATE webhook_subscription SET deliveries = deliveries + $4, wrong = wrong + $5,"
        " heard_at = CASE WHEN $4 = 1 THEN $3 ELSE heard_at END"
        " WHERE connector = $1 AND id = (SELECT id FROM webhook_subscription WHERE connector = $1"
        "   AND (id = $2 OR $2 = '' OR id = $6) ORDER BY id = $2 DESC, made_at DESC LIMIT 1)",
        connector, subscription, now, int(genuine), int(not genuine), BY_HAND,
    )  # fmt: skip


async def reads_from_now(connection: Connection, connector: str, now: datetime) -> None:
    """No webhook is expected any more: the connector is read back, as often as without a public address."""
    await connection.execute(
        "UPDATE connector_state SET unproven_since = $2, last_webhook_at = NULL WHERE connector = $1",
        connector,
        now,
    )
