"""Messages wait, are claimed and are settled: outgoing work that belongs to no incident, and so has no remote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.core.severity import Severity
from tocsin.store.database import Connection, Row, notify
from tocsin.store.sheet import EFFECTS


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """`key` is its own name: a second save of it changes nothing. `recipients` () = the connector's own. `asks_about` =
    the incidents of which it asks whether they are over."""

    key: str
    connector: str
    severity: Severity
    subject: str
    text: str
    recipients: tuple[str, ...] = ()
    digest: int | None = None
    asks_about: tuple[UUID, ...] = ()
    give_up_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One claimed. `ambiguous` = an earlier lease ran out: it may have been sent."""

    id: int
    key: str
    connector: str
    severity: Severity
    subject: str
    text: str
    recipients: tuple[str, ...]
    digest: int | None
    attempts: int
    made_at: datetime
    asks_about: tuple[UUID, ...] = ()


async def put(connection: Connection, messages: Sequence[NewMessage], now: datetime) -> None:
    """Let these be sent, and ring whoever sends."""
    for m in messages:
        await connection.execute(
            "INSERT INTO message (key, connector, recipients, severity, subject, text, digest, due, give_up_at, made_at,"
            " asks_about) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $8, $10) ON CONFLICT (key) DO NOTHING",
            m.key, m.connector, list(m.recipients), m.severity.value, m.subject, m.text, m.digest, now, m.give_up_at,
            list(m.asks_about),
        )  # fmt: skip
    if messages:
        await notify(connection, EFFECTS)


async def claim(
    connection: Connection,
    connector: str,
    most: int,
    now: datetime,
    lease: timedelta,
    *,
    node: UUID | None = None,
    at_work: Sequence[int] = (),
) -> list[Message]:
    """Up to `most` messages of a connector that are due, leased, the oldest first; a lease that ran out is taken over,
    and so is the `node`'s own that is not among its `at_work`: a claim whose answer was lost."""
    rows = await connection.fetch(
        """
        WITH due AS (SELECT id FROM message
          WHERE connector = $1 AND state IN ('waiting', 'leased') AND (state = 'waiting' AND due <= $2
            OR state = 'leased' AND (lease_until < $2 OR leased_by = $5 AND id <> ALL($6)))
          ORDER BY due, id LIMIT $3 FOR UPDATE SKIP LOCKED)
        UPDATE message m SET state = 'leased', lease_until = $2 + $4::interval, leased_by = $5, attempts = m.attempts + 1
        FROM due WHERE m.id = due.id RETURNING m.*
        """,
        connector, now, most, lease, node, list(at_work),
    )  # fmt: skip
    return [_message(row) for row in sorted(rows, key=lambda row: row["id"])]


async def still_leased(connection: Connection, message: int, attempt: int) -> bool:
    """True while this attempt at it is neither settled nor taken over; locked, so that it stays so."""
    found: bool | None = await connection.fetchval(
        "SELECT true FROM message WHERE id = $1 AND state = 'leased' AND attempts = $2 FOR UPDATE",
        message,
        attempt,
    )
    return bool(found)


async def settle(connection: Connection, message: int, state: str, reason: str, now: datetime) -> None:
    """Over for good: 'done' or 'failed'."""
    await connection.execute(
        "UPDATE message SET state = $2, reason = $3, settled_at = $4, lease_until = NULL WHERE id = $1",
        message, state, reason[:500], now,
    )  # fmt: skip


async def again(connection: Connection, message: int, reason: str, due: datetime) -> None:
    """It is tried once more then."""
    await connection.execute(
        "UPDATE message SET state = 'waiting', reason = $2, due = $3, lease_until = NULL WHERE id = $1",
        message, reason[:500], due,
    )  # fmt: skip


async def claim_given_up(connection: Connection, now: datetime) -> list[Message]:
    """Those that could not be sent until their time was over, locked: their connector was not to be called."""
    rows = await connection.fetch(
        "SELECT * FROM message WHERE state = 'waiting' AND give_up_at <= $1 ORDER BY id LIMIT 50 FOR UPDATE SKIP LOCKED",
        now,
    )
    return [_message(row) for row in rows]


async def trim(connection: Connection, before: datetime) -> None:
    """Forget those settled before."""
    await connection.execute("DELETE FROM message WHERE settled_at < $1", before)


def _message(row: Row) -> Message:
    return Message(
        id=row["id"], key=row["key"], connector=row["connector"], severity=Severity(row["severity"]),
        subject=row["subject"], text=row["text"], recipients=tuple(row["recipients"]), digest=row["digest"],
        attempts=row["attempts"], made_at=row["made_at"], asks_about=tuple(row["asks_about"]),
    )  # fmt: skip
