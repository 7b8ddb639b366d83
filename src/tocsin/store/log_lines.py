"""The nodes' own log lines: written in batches, read by page and from a place on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tocsin.core.logline import Level, LogLine, Wanted
from tocsin.store.database import Connection
from tocsin.store.rows import Columns
from tocsin.store.writing import Write, write

_LOCK = 7_205_763
"""One batch at a time: what is visible has no gap that a smaller id would fill later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """A line in the database; `id` orders the lines of all nodes as they became visible."""

    id: int
    node: UUID
    node_name: str
    line: LogLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Lines of one node that a reader has already: those behind `after`, up to and with `upto`."""

    node: UUID
    after: int
    upto: int


async def add(connection: Connection, lines: Sequence[LogLine], *, node: UUID, name: str) -> None:
    """Write these, in their order."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
    rows = [
        {
            "at": line.at, "node": node, "node_name": name, "seq": line.seq, "level": int(line.level), "component": line.component,
            "event": line.event, "connector": line.connector, "incident": line.incident, "text": line.text.replace("\x00", ""),
            "data": line.data,
        }
        for line in lines
    ]  # fmt: skip
    await write(connection, [(_LINES, rows)])


_LINES = Write(
    "at timestamptz, node uuid, node_name text, seq bigint, level smallint, component text, event text, connector text,"
    " incident text, text text, data jsonb",
    "INSERT INTO log_line (at, node, node_name, seq, level, component, event, connector, incident, text, data)"
    " SELECT r.* FROM {rows}",
)

_FITS = (
    " ($1 = '' OR component = $1) AND ($2 = '' OR strpos(lower(concat_ws(' ', event, connector, incident, text, data::text)), lower($2)) > 0)"
    " AND ($3 = '' OR connector = $3) AND ($4 = '' OR incident = $4) AND level >= $5"
    " AND ($6::timestamptz IS NULL OR at >= $6) AND ($7::timestamptz IS NULL OR at < $7)"
)


def _asked(wanted: Wanted) -> tuple[str, str, str, str, int, datetime | None, datetime | None]:
    return (
        wanted.component, wanted.word, wanted.connector, wanted.incident, int(wanted.least), wanted.since, wanted.until,
    )  # fmt: skip


async def newest(connection: Connection, wanted: Wanted, *, before: int | None, most: int) -> list[Shipped]:
    """The newest that fit, or those before an id; the newest first."""
    rows = await connection.fetch(
        f"SELECT * FROM log_line WHERE {_FITS} AND ($8::bigint IS NULL OR id < $8) ORDER BY id DESC LIMIT $9",  # noqa: S608 - a constant
        *_asked(wanted), before, most,
    )  # fmt: skip
    return [_line_of(row) for row in rows]


async def after(
    connection: Connection, wanted: Wanted, *, place: int, seen: Seen | None, most: int
) -> list[Shipped]:
    """Those behind the id `place` that fit, the oldest first, without those that the reader has seen."""
    node, low, high = (seen.node, seen.after, seen.upto) if seen else (None, 0, 0)
    rows = await connection.fetch(
        f"SELECT * FROM log_line WHERE {_FITS} AND id > $8"  # noqa: S608 - a constant
        " AND ($9::uuid IS NULL OR node <> $9 OR seq <= $10 OR seq > $11) ORDER BY id LIMIT $12",
        *_asked(wanted), place, node, low, high, most,
    )  # fmt: skip
    return [_line_of(row) for row in rows]


async def last_id(connection: Connection) -> int:
    """The id of the newest line; 0 when there is none."""
    found: int | None = await connection.fetchval("SELECT id FROM log_line ORDER BY id DESC LIMIT 1")
    return found or 0


def _line_of(row: Columns) -> Shipped:
    line = LogLine(
        at=row["at"], seq=row["seq"], level=Level(row["level"]), component=row["component"], event=row["event"],
        text=row["text"], connector=row["connector"], incident=row["incident"], data=row["data"],
    )  # fmt: skip
    return Shipped(id=row["id"], node=row["node"], node_name=row["node_name"], line=line)
