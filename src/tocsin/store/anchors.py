"""The database's clock was set: everything that is to happen moves with it (S49)."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from tocsin.core.plan import Plan, PlannedStep
from tocsin.store.database import Connection
from tocsin.store.rows import plan_in, plan_out

H = TypeVar("H", Plan, PlannedStep)

_MOVED = (
    "UPDATE timer SET due = due + $1",
    "UPDATE effect SET due = due + $1, made_at = made_at + $1, lease_until = lease_until + $1 WHERE state IN ('waiting', 'leased')",
    "UPDATE connector_state SET probe_at = probe_at + $1, hold_until = hold_until + $1, tokens_at = tokens_at + $1, slow_until = slow_until + $1",
    "UPDATE alert SET undecided_since = undecided_since + $1 WHERE undecided_since IS NOT NULL",
    "UPDATE alert SET look_again_at = look_again_at + $1 WHERE look_again_at IS NOT NULL",
    "UPDATE incident SET acknowledged_at = acknowledged_at + $1, snoozed_until = snoozed_until + $1 WHERE status = 'mitigated'",
    "UPDATE hold SET since = since + $1, until = until + $1 WHERE ended_at IS NULL",
    "UPDATE node SET seen_at = seen_at + $1",
    "UPDATE remote m SET asked_at = m.asked_at + $1, notified_at = m.notified_at + $1, exhausted_at = m.exhausted_at + $1 FROM incident i WHERE i.id = m.incident_id AND i.status IN ('open', 'mitigated')",
)


async def move(connection: Connection, by: timedelta) -> None:
    """Move what is due, and what it is counted from, by `by`."""
    for statement in _MOVED:
        await connection.execute(statement, by)
    rows = await connection.fetch(
        "SELECT id, paging FROM incident WHERE status IN ('open', 'mitigated') ORDER BY id FOR UPDATE"
    )
    moved = [(row["id"], plan_out(_moved(plan_in(row["paging"]), by))) for row in rows if row["paging"]]
    await connection.executemany("UPDATE incident SET paging = $2 WHERE id = $1", moved)


def _moved(plan: Plan, by: timedelta) -> Plan:
    """Every instant that it holds, whichever they are."""
    steps = tuple(_instants(step, by) for step in plan.steps)
    return replace(_instants(plan, by), steps=steps)


def _instants(holder: H, by: timedelta) -> H:
    there = {field.name: getattr(holder, field.name) for field in fields(holder)}
    moved: dict[str, Any] = {name: at + by for name, at in there.items() if isinstance(at, datetime)}
    return replace(holder, **moved)
