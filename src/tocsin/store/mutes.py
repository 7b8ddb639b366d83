"""Silences and maintenance windows that people made: rows, and the alerts that each mutes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tocsin.core.policy import MuteKind
from tocsin.store.database import Connection, Row, notify

MUTES = "tocsin_mutes"
"""Channel: a mute was made, changed or ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MuteRow:
    """One mute as stored. `ends_at` None = it comes back each week without an end. `cancelled_at` = it was ended
    by hand then, and stays so."""

    id: UUID
    kind: MuteKind
    name: str
    condition: str
    match: dict[str, str]
    everything: bool
    excepted: tuple[str, ...]
    every: tuple[str, ...]
    timezone: str
    starts_at: datetime
    ends_at: datetime | None
    owner: str
    comment: str
    made_by: str
    made_at: datetime
    changed_at: datetime
    cancelled_at: datetime | None = None
    cancelled_by: str = ""

    def over(self, now: datetime) -> bool:
        """True when it can mute nothing any more."""
        return self.cancelled_at is not None or (self.ends_at is not None and self.ends_at <= now)


def _of(row: Row) -> MuteRow:
    given = {name: row[name] for name in MuteRow.__dataclass_fields__}
    kind, excepted, every = MuteKind(row["kind"]), tuple(row["excepted"]), tuple(row["every"])
    return MuteRow(**{**given, "kind": kind, "excepted": excepted, "every": every})


async def save(connection: Connection, mute: MuteRow) -> None:
    """Write a new one, or all of a known one, and tell every node."""
    await connection.execute(
        """
        INSERT INTO mute (id, kind, name, condition, match, everything, excepted, every, timezone, starts_at, ends_at, owner,
          comment, made_by, made_at, changed_at, cancelled_at, cancelled_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, condition = excluded.condition, match = excluded.match,
          everything = excluded.everything, excepted = excluded.excepted, every = excluded.every,
          timezone = excluded.timezone, starts_at = excluded.starts_at, ends_at = excluded.ends_at, owner = excluded.owner,
          comment = excluded.comment, changed_at = excluded.changed_at, cancelled_at = excluded.cancelled_at,
          cancelled_by = excluded.cancelled_by
        """,
        mute.id, mute.kind.value, mute.name, mute.condition, mute.match, mute.everything, list(mute.excepted),
        list(mute.every), mute.timezone, mute.starts_at, mute.ends_at, mute.owner, mute.comment, mute.made_by, mute.made_at,
        mute.changed_at, mute.cancelled_at, mute.cancelled_by,
    )  # fmt: skip
    await notify(connection, MUTES)


async def in_force(connection: Connection, now: datetime) -> list[MuteRow]:
    """Those that mute now or will."""
    rows = await connection.fetch(
        "SELECT * FROM mute WHERE cancelled_at IS NULL AND (ends_at IS NULL OR ends_at > $1) ORDER BY made_at, id",
        now,
    )
    return [_of(row) for row in rows]


async def get(connection: Connection, kind: MuteKind, wanted: UUID, *, lock: bool = False) -> MuteRow | None:
    """One of a kind, whatever became of it."""
    sql = "SELECT * FROM mute WHERE kind = $1 AND id = $2"
    row = await connection.fetchrow(f"{sql} FOR UPDATE" if lock else sql, kind.value, wanted)
    return _of(row) if row else None


async def page(
    connection: Connection, kind: MuteKind, *, over: bool | None, now: datetime,
    before: tuple[datetime, UUID] | None, most: int,
) -> list[MuteRow]:  # fmt: skip
    """The newest first; `over` = only those that are, or are not; None = all."""
    rows = await connection.fetch(
        """
        SELECT * FROM mute WHERE kind = $1 AND ($2::bool IS NULL OR (cancelled_at IS NOT NULL OR coalesce(ends_at <= $3, false)) = $2)
          AND ($4::timestamptz IS NULL OR (made_at, id) < ($4, $5)) ORDER BY made_at DESC, id DESC LIMIT $6
        """,
        kind.value, over, now, *(before or (None, None)), most,
    )  # fmt: skip
    return [_of(row) for row in rows]


async def look_at_muted(connection: Connection, mute: UUID, at: datetime) -> int:
    """What this mute keeps quiet is decided again at `at` at the latest; how many those are."""
    done = await connection.execute(
        "UPDATE alert SET look_again_at = least(look_again_at, $2) WHERE status <> 'resolved' AND muted_by <> ''"
        " AND decision -> 'mutes' @> $1",
        [{"id": str(mute)}], at,
    )  # fmt: skip
    return int(done.rsplit(" ", 1)[1])
