"""What did each connector tell last about who is on call there, and what is to be asked again?"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from tocsin.core.oncall import Roster
from tocsin.store.database import Connection, Row

Place = tuple[str, str]
"""(connector, what is meant there)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The last answer for one place. `roster` and `read_at` None = it never answered."""

    connector: str
    place: str
    roster: Roster | None
    read_at: datetime | None
    asked_at: datetime
    fault: str
    fault_since: datetime | None


async def every(connection: Connection) -> dict[Place, Kept]:
    """All that is known."""
    rows = await connection.fetch("SELECT * FROM oncall")
    return {(row["connector"], row["place"]): _kept(row) for row in rows}


async def claim_due(
    connection: Connection, wanted: Collection[Place], now: datetime, *, before: datetime, first: datetime, most: int
) -> list[Place]:  # fmt: skip
    """Of the places `wanted`, at most `most` a connector that were asked before `before`, the longest ago first; they
    count as asked now. One never seen counts as asked at `first`. Places that nothing names any more are forgotten."""
    names = [name for name, _ in wanted]
    places = [place for _, place in wanted]
    await connection.execute(
        "DELETE FROM oncall o WHERE NOT EXISTS (SELECT FROM unnest($1::text[], $2::text[]) AS w(connector, place)"
        " WHERE w.connector = o.connector AND w.place = o.place)",
        names, places,
    )  # fmt: skip
    await connection.execute(
        "INSERT INTO oncall (connector, place, asked_at) SELECT connector, place, $3 FROM unnest($1::text[], $2::text[])"
        " AS w(connector, place) ON CONFLICT DO NOTHING",
        names, places, first,
    )  # fmt: skip
    rows = await connection.fetch(
        "UPDATE oncall o SET asked_at = $1 FROM (SELECT connector, place, row_number() OVER (PARTITION BY connector"
        " ORDER BY asked_at, place) AS n FROM oncall WHERE asked_at <= $2) d"
        " WHERE d.connector = o.connector AND d.place = o.place AND d.n <= $3 RETURNING o.connector, o.place",
        now, before, most,
    )  # fmt: skip
    return [(row["connector"], row["place"]) for row in rows]


async def learned(connection: Connection, place: Place, roster: Roster, now: datetime) -> None:
    """It answered."""
    await connection.execute(
        "INSERT INTO oncall (connector, place, roster, read_at, asked_at) VALUES ($1, $2, $3, $4, $4)"
        " ON CONFLICT (connector, place) DO UPDATE SET roster = $3, read_at = $4, asked_at = $4, fault = '', fault_since = NULL",
        *place, msgspec.to_builtins(roster), now,
    )  # fmt: skip


async def failed(connection: Connection, place: Place, fault: str, now: datetime) -> None:
    """It did not; what it told before stays."""
    await connection.execute(
        "INSERT INTO oncall (connector, place, asked_at, fault, fault_since) VALUES ($1, $2, $3, $4, $3)"
        " ON CONFLICT (connector, place) DO UPDATE SET asked_at = $3, fault = $4, fault_since = coalesce(oncall.fault_since, $3)",
        *place, now, fault[:500],
    )  # fmt: skip


async def of(connection: Connection, places: Iterable[Place]) -> dict[Place, Kept]:
    """Those of these places that are known."""
    wanted = list(places)
    rows = await connection.fetch(
        "SELECT o.* FROM oncall o JOIN unnest($1::text[], $2::text[]) AS w(connector, place) USING (connector, place)",
        [name for name, _ in wanted], [place for _, place in wanted],
    )  # fmt: skip
    return {(row["connector"], row["place"]): _kept(row) for row in rows}


def _kept(row: Row) -> Kept:
    told = row["roster"]
    return Kept(
        connector=row["connector"], place=row["place"], roster=msgspec.convert(told, Roster, strict=False) if told else None,
        read_at=row["read_at"], asked_at=row["asked_at"], fault=row["fault"], fault_since=row["fault_since"],
    )  # fmt: skip
