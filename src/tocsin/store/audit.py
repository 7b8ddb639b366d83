"""The audit log's rows: written with the change that they tell of, linked afterwards, read and forgotten (TR-4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tocsin.core.audit import FORGET, Entry, Linked, Run, clean, merged, runs_in, runs_out
from tocsin.store.database import Connection
from tocsin.store.rows import Columns


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry as it is stored. `seq` None = it has no place in the chain yet."""

    id: int
    seq: int | None
    hash: bytes | None
    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries. `action` matches itself and what begins with it and a dot ("incident" = "incident.…")."""

    actor: str = ""
    action: str = ""
    object: str = ""
    origin: str = ""
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None


async def add(connection: Connection, entry: Entry) -> None:
    """Write an entry within the caller's transaction."""
    await connection.execute(
        "INSERT INTO audit (at, actor, actor_kind, origin, via, address, action, subject, outcome, text, before, after)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        entry.at, clean(entry.actor), entry.actor_kind, entry.origin, clean(entry.via), clean(entry.address),
        entry.action, clean(entry.object), entry.outcome, clean(entry.text),
        None if entry.before is None else clean(entry.before), None if entry.after is None else clean(entry.after),
    )  # fmt: skip


async def wrote(connection: Connection) -> bool:
    """True when this transaction has written anything, or locked a row."""
    return bool(await connection.fetchval("SELECT pg_current_xact_id_if_assigned() IS NOT NULL"))


def _entry(row: Columns) -> Entry:
    return Entry(
        at=row["at"], action=row["action"], object=row["subject"], actor=row["actor"], actor_kind=row["actor_kind"],
        origin=row["origin"], via=row["via"], address=row["address"], outcome=row["outcome"], text=row["text"],
        before=row["before"], after=row["after"],
    )  # fmt: skip


def _kept(row: Columns) -> Kept:
    return Kept(row["id"], row["seq"], row["hash"], _entry(row))


async def page(
    connection: Connection, wanted: AuditFilter, *, before: tuple[datetime, int] | None, most: int
) -> list[Kept]:
    """Entries, the newest first."""
    rows = await connection.fetch(
        "SELECT * FROM audit WHERE ($1 = '' OR actor = $1) AND ($2 = '' OR action = $2 OR action LIKE $3)"
        " AND ($4 = '' OR subject = $4) AND ($5 = '' OR origin = $5) AND ($6 = '' OR outcome = $6)"
        " AND ($7::timestamptz IS NULL OR at >= $7) AND ($8::timestamptz IS NULL OR at < $8)"
        " AND ($9::timestamptz IS NULL OR (at, id) < ($9, $10)) ORDER BY at DESC, id DESC LIMIT $11",
        wanted.actor, wanted.action, _begins(wanted.action), wanted.object, wanted.origin, wanted.outcome,
        wanted.since, wanted.until, before[0] if before else None, before[1] if before else 0, most,
    )  # fmt: skip
    return [_kept(row) for row in rows]


def _begins(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"{escaped}.%"


# ---- the chain ---------------------------------------------------------------------------------------------


async def head(connection: Connection, genesis: bytes, *, hold: bool = False) -> tuple[int, bytes]:
    """(number, hash) of the last entry that has its place; `hold` = nobody else links until this transaction ends."""
    if hold:
        await connection.execute(
            "INSERT INTO audit_head (seq, hash) VALUES (0, $1) ON CONFLICT DO NOTHING", genesis
        )
    lock = " FOR UPDATE" if hold else ""
    row = await connection.fetchrow(f"SELECT seq, hash FROM audit_head{lock}")  # noqa: S608 - a word of ours
    return (row["seq"], row["hash"]) if row else (0, genesis)


async def unlinked(connection: Connection, most: int) -> list[Kept]:
    """Committed entries without a place, in the order in which they were begun."""
    rows = await connection.fetch("SELECT * FROM audit WHERE seq IS NULL ORDER BY id LIMIT $1", most)
    return [_kept(row) for row in rows]


async def count_unlinked(connection: Connection) -> int:
    found: int = await connection.fetchval("SELECT count(*) FROM audit WHERE seq IS NULL")
    return found


async def link(connection: Connection, found: Sequence[tuple[Kept, int, bytes]]) -> None:
    """Give entries their place; the last is the head from now on."""
    await connection.executemany(
        "UPDATE audit SET seq = $3, hash = $4 WHERE at = $1 AND id = $2",
        [(kept.entry.at, kept.id, seq, mark) for kept, seq, mark in found],
    )
    _, seq, mark = found[-1]
    await connection.execute("UPDATE audit_head SET seq = $1, hash = $2", seq, mark)


async def walk(connection: Connection, after: tuple[int, int], most: int) -> list[Linked]:
    """Entries behind a (number, id), in the order of their numbers."""
    rows = await connection.fetch(
        "SELECT * FROM audit WHERE seq IS NOT NULL AND seq >= $1 AND (seq, id) > ($1, $2) ORDER BY seq, id LIMIT $3",
        *after,
        most,
    )
    return [Linked(row["seq"], row["hash"] or b"", _entry(row), row["id"]) for row in rows]


async def hash_of(connection: Connection, seq: int) -> bytes | None:
    """The hash that stands at a number; None without one."""
    found: bytes | None = await connection.fetchval("SELECT hash FROM audit WHERE seq = $1 LIMIT 1", seq)
    return found


async def numbers(
    connection: Connection, since: datetime | None, until: datetime | None
) -> tuple[int, int] | None:
    """The first and the last number of the entries between two times; None = there are none."""
    row = await connection.fetchrow(
        "SELECT min(seq) AS first, max(seq) AS last FROM audit WHERE seq IS NOT NULL"
        " AND ($1::timestamptz IS NULL OR at >= $1) AND ($2::timestamptz IS NULL OR at < $2)",
        since,
        until,
    )
    return (row["first"], row["last"]) if row and row["first"] is not None else None


# ---- what is forgotten ---------------------------------------------------------------------------------------


async def forgotten(connection: Connection) -> list[Run]:
    """What retention has taken away so far, as the newest entry about it tells."""
    after = await connection.fetchval(
        "SELECT after FROM audit WHERE action = 'audit.forget' ORDER BY at DESC, id DESC LIMIT 1"
    )
    return runs_in(after)


async def before_drop(connection: Connection, table: str, before: datetime | None, *, now: datetime) -> None:
    """Tell in the log what is about to be dropped: all of a partition, or what lies before a time in it. So the
    chain can be followed over the gap."""
    # a partition of ours: nothing here comes from outside
    rows = await connection.fetch(
        "SELECT min(seq) AS first, max(seq) AS last, (array_agg(hash ORDER BY seq DESC))[1] AS hash FROM ("  # noqa: S608
        "  SELECT seq, hash, seq - row_number() OVER (ORDER BY seq) AS run"
        f"  FROM {table} WHERE seq IS NOT NULL AND ($1::timestamptz IS NULL OR at < $1)) AS r"
        " GROUP BY run ORDER BY 1",
        before,
    )
    found = [Run(row["first"], row["last"], row["hash"]) for row in rows]
    if not found:
        return
    runs = merged([*await forgotten(connection), *found])
    count = sum(run.last - run.first + 1 for run in found)
    text = f"{count} entries are older than defaults.retention.audit and are forgotten"
    await add(
        connection,
        Entry(
            at=now, action=FORGET, object=table, actor="retention", actor_kind="rule", origin="rule", text=text,
            after={"forgotten": runs_out(runs)},
        ),
    )  # fmt: skip


async def unlinked_since(connection: Connection) -> datetime | None:
    """Of when the oldest entry without a place is; such are never dropped."""
    found: datetime | None = await connection.fetchval("SELECT min(at) FROM audit WHERE seq IS NULL")
    return found
