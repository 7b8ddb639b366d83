"""Incidents with their parts and the page under way: load, lock, find."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from tocsin.core.model import Incident
from tocsin.core.plan import Plan
from tocsin.store.database import Connection, Row
from tocsin.store.rows import incident_of, plan_in


class Kept(msgspec.Struct, frozen=True):
    """An incident as stored, with its page."""

    incident: Incident
    plan: Plan


async def lock(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, Kept]:
    """These incidents, locked in the order of their ids so that two transactions never wait for each
    other crosswise; unknown ids are missing."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    # no key changes: a row that refers to one of these (a timer, an alert) may be written meanwhile
    rows = await connection.fetch(
        "SELECT * FROM incident WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE", wanted
    )
    return await _with_parts(connection, rows)


async def load(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, Kept]:
    """These incidents, not locked."""
    rows = await connection.fetch("SELECT * FROM incident WHERE id = ANY($1)", list(set(ids)))
    return await _with_parts(connection, rows)


async def over_in(connection: Connection, incident: UUID) -> int | None:
    """The last life of it that was over and is not the present one; None = it was never opened again."""
    life: int | None = await connection.fetchval("SELECT over_in FROM incident WHERE id = $1", incident)
    return life


async def open_groups(connection: Connection, keys: Iterable[str]) -> dict[str, tuple[UUID, Any, Any]]:
    """Grouping key -> (incident id, opened at, last join at) of the open incident that has it."""
    rows = await connection.fetch(
        "SELECT id, group_key, opened_at, coalesce(last_join_at, opened_at) AS joined_at FROM incident"
        " WHERE group_key = ANY($1) AND group_key <> '' AND status IN ('open', 'mitigated')",
        list(set(keys)),
    )
    return {row["group_key"]: (row["id"], row["opened_at"], row["joined_at"]) for row in rows}


async def id_of(connection: Connection, name: str) -> UUID | None:
    """The id behind "INC-7", "7" or the id itself; None when there is no such incident."""
    text = name.strip()
    number = text[4:] if text.upper().startswith("INC-") else text
    if number.isascii() and number.isdigit() and len(number) < 18:
        found: UUID | None = await connection.fetchval(
            "SELECT id FROM incident WHERE number = $1", int(number)
        )
        return found
    try:
        wanted = UUID(text)
    except ValueError:
        return None
    found = await connection.fetchval("SELECT id FROM incident WHERE id = $1", wanted)
    return found


async def next_numbers(connection: Connection, how_many: int) -> list[int]:
    """The next incident numbers, in order."""
    rows = await connection.fetch(
        "SELECT nextval('incident_number') AS n FROM generate_series(1, $1)", how_many
    )
    return sorted(row["n"] for row in rows)


async def _with_parts(connection: Connection, rows: list[Row]) -> dict[UUID, Kept]:
    if not rows:
        return {}
    parts: dict[UUID, list[Row]] = defaultdict(list)
    for part in await parts_of(connection, [row["id"] for row in rows]):
        parts[part["incident_id"]].append(part)
    return {row["id"]: Kept(incident_of(row, parts[row["id"]]), plan_in(row["paging"])) for row in rows}


async def parts_of(connection: Connection, ids: Sequence[UUID]) -> list[Row]:
    """The rows of their parts, those of one incident together and in their order."""
    return await connection.fetch(
        "SELECT * FROM part WHERE incident_id = ANY($1) ORDER BY incident_id, position", ids
    )
