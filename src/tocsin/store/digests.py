"""What digest rules collect until their period is over, and what was written of periods that are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tocsin.core.digest import Collected, Entry
from tocsin.core.severity import Severity
from tocsin.store.database import Connection, Row

_ONE_AT_A_TIME = 0x70C51
"""Key of the advisory lock under which periods are closed: two nodes would else each write half of one digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Entries that leave together. `begins` = when the first was collected."""

    name: str
    to: tuple[str, ...]
    begins: datetime
    due: datetime
    ids: tuple[int, ...]
    entries: tuple[Entry, ...]
    review: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A digest as kept; one with a `holder` asked them about so many `incidents` and told of no alert. `delivered` maps each connector to the state of its message ("waiting", "done" …)."""

    id: int
    name: str
    to: tuple[str, ...]
    begins_at: datetime
    ends_at: datetime
    alerts: int
    worst: Severity
    subject: str
    text: str
    fell_back_at: datetime | None
    delivered: Mapping[str, str]
    holder: str = ""
    incidents: int = 0
    review: bool = False


async def collect(connection: Connection, found: Mapping[UUID, tuple[Collected, int]], now: datetime) -> None:
    """Put these alerts into their digests, each with its repeats before; one that is in its digest already stays as
    it came, but for where it goes."""
    await connection.executemany(
        """
        INSERT INTO digest_entry (name, connectors, due, alert_id, since, counted, would_page, review)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (alert_id) WHERE digest IS NULL DO UPDATE SET connectors = excluded.connectors,
          name = excluded.name, would_page = excluded.would_page, review = excluded.review, due = least(digest_entry.due, excluded.due)
        """,
        [
            (c.name, list(c.to), c.due, alert, now, counted, list(c.would_page), c.review)
            for alert, (c, counted) in sorted(found.items())
        ],
    )


async def next_due(connection: Connection) -> datetime | None:
    """When the next period is over; None when nothing is collected."""
    due: datetime | None = await connection.fetchval("SELECT min(due) FROM digest_entry WHERE digest IS NULL")
    return due


async def collected(
    connection: Connection, *, due_by: datetime | None = None, name: str = "", closing: bool = False
) -> list[Period]:
    """What is collected now, by digest: all, those due by then, or one by its name. `closing` = nobody else may
    close one until the transaction is over."""
    if closing:
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _ONE_AT_A_TIME)
    rows = await connection.fetch(
        """
        SELECT e.*, a.title, a.services, a.severity, a.status, a.count, a.first_event_at, a.last_event_at, i.number
        FROM digest_entry e JOIN alert a ON a.id = e.alert_id LEFT JOIN incident i ON i.id = a.incident_id
        WHERE e.digest IS NULL AND ($1::timestamptz IS NULL OR e.due <= $1) AND ($2 = '' OR e.name = $2)
        ORDER BY e.name, e.connectors, e.id
        """,
        due_by, name,
    )  # fmt: skip
    groups: dict[tuple[str, tuple[str, ...], bool], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["name"], tuple(row["connectors"]), row["review"]), []).append(row)
    return [
        Period(
            name=named, to=to, begins=min(r["since"] for r in group), due=min(r["due"] for r in group),
            ids=tuple(r["id"] for r in group), entries=tuple(_entry(r) for r in group), review=review,
        )
        for (named, to, review), group in groups.items()
    ]  # fmt: skip


def _entry(row: Row) -> Entry:
    return Entry(
        title=row["title"], service=row["services"][0] if row["services"] else "",
        severity=Severity(row["severity"] or "low"), times=max(row["count"] - row["counted"], 0) + 1,
        first_at=max(row["first_event_at"], row["since"]), last_at=row["last_event_at"],
        would_page=tuple(row["would_page"]), resolved=row["status"] == "resolved",
        incident=f"INC-{row['number']}" if row["number"] else "",
    )  # fmt: skip


async def close(
    connection: Connection, period: Period, ends: datetime, worst: Severity, subject: str, text: str
) -> int:
    """The period is over; the digest's id."""
    digest: int = await connection.fetchval(
        "INSERT INTO digest (name, connectors, begins_at, ends_at, alerts, worst, subject, text, review)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id",
        period.name, list(period.to), period.begins, ends, len(period.ids), worst.value, subject, text, period.review,
    )  # fmt: skip
    await connection.execute(
        "UPDATE digest_entry SET digest = $1 WHERE id = ANY($2)", digest, list(period.ids)
    )
    return digest


async def ask(
    connection: Connection, *, name: str, holder: str, connector: str, begins: datetime, ends: datetime, incidents: int,
    worst: Severity, subject: str, text: str,
) -> int:  # fmt: skip
    """Keep a digest that asks `holder` about incidents of theirs; its id."""
    digest: int = await connection.fetchval(
        "INSERT INTO digest (name, connectors, begins_at, ends_at, alerts, worst, subject, text, holder, incidents)"
        " VALUES ($1, $2, $3, $4, 0, $5, $6, $7, $8, $9) RETURNING id",
        name, [connector], begins, ends, worst.value, subject, text, holder, incidents,
    )  # fmt: skip
    return digest


async def states(connection: Connection, digest: int) -> list[str]:
    """How each of its messages stands, locked."""
    rows = await connection.fetch(
        "SELECT state FROM message WHERE digest = $1 ORDER BY id FOR UPDATE", digest
    )
    return [row["state"] for row in rows]


async def fall_back(connection: Connection, digest: int, now: datetime) -> Written | None:
    """Note that nobody could be given it; the digest, None when that was noted before."""
    row = await connection.fetchrow(
        "UPDATE digest SET fell_back_at = $2 WHERE id = $1 AND fell_back_at IS NULL RETURNING *, '{}'::jsonb AS delivered",
        digest, now,
    )  # fmt: skip
    return _written(row) if row else None


async def fallen_back(connection: Connection, digest: int) -> list[int]:
    """Ids of the earlier digests of the same name that nobody could be given, the last twenty."""
    rows = await connection.fetch(
        "SELECT d.id FROM digest d JOIN digest own ON own.name = d.name WHERE own.id = $1 AND d.fell_back_at IS NOT NULL"
        " ORDER BY d.id DESC LIMIT 20",
        digest,
    )
    return [row["id"] for row in rows]


async def written(
    connection: Connection, *, name: str = "", before: tuple[datetime, int] | None = None, most: int
) -> list[Written]:
    """Digests that were written, the last first."""
    at, number = before or (None, None)
    rows: Sequence[Any] = await connection.fetch(
        """
        SELECT d.*, (SELECT coalesce(jsonb_object_agg(m.connector, m.state), '{}') FROM message m WHERE m.digest = d.id) AS delivered
        FROM digest d WHERE ($1 = '' OR d.name = $1) AND ($2::timestamptz IS NULL OR (d.ends_at, d.id) < ($2, $3::bigint))
        ORDER BY d.ends_at DESC, d.id DESC LIMIT $4
        """,
        name, at, number, most,
    )  # fmt: skip
    return [_written(row) for row in rows]


def _written(row: Row) -> Written:
    return Written(
        id=row["id"], name=row["name"], to=tuple(row["connectors"]), begins_at=row["begins_at"], ends_at=row["ends_at"],
        alerts=row["alerts"], worst=Severity(row["worst"]), subject=row["subject"], text=row["text"],
        fell_back_at=row["fell_back_at"], delivered=row["delivered"], holder=row["holder"], incidents=row["incidents"],
        review=row["review"],
    )  # fmt: skip


async def trim(connection: Connection, before: datetime) -> None:
    """Forget what was written and delivered before, with its entries."""
    await connection.execute(
        "DELETE FROM digest_entry e USING digest d WHERE d.id = e.digest AND d.ends_at < $1", before
    )
    await connection.execute("DELETE FROM digest WHERE ends_at < $1", before)
