"""The database's clock was set: everything that is to happen moves with it (S49)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec

from tocsin.core.plan import Plan, PlannedStep
from tocsin.core.values import replace
from tocsin.store.database import Connection
from tocsin.store.rows import plan_in, plan_out

H = TypeVar("H", Plan, PlannedStep)

_OURS = "i.status IN ('open', 'mitigated')"
_MOVED = (
    "UPDATE timer SET due = due + $1",
    "UPDATE effect SET due = due + $1, made_at = made_at + $1, lease_until = lease_until + $1 WHERE state IN ('waiting', 'leased')",
    (
        "UPDATE message SET due = due + $1, give_up_at = give_up_at + $1, made_at = made_at + $1, lease_until = lease_until + $1"
        " WHERE state IN ('waiting', 'leased')"
    ),
    (
        "UPDATE connector_state SET probe_at = probe_at + $1, opened_at = opened_at + $1, hold_until = hold_until + $1,"
        " tokens_at = tokens_at + $1, slow_until = slow_until + $1, open_read_at = open_read_at + $1,"
        " hedged = ARRAY(SELECT h + $1 FROM unnest(hedged) AS h)"
    ),
    "UPDATE storm SET tokens_at = tokens_at + $1, since = since + $1",
    "UPDATE alert SET undecided_since = undecided_since + $1 WHERE undecided_since IS NOT NULL",
    "UPDATE alert SET look_again_at = look_again_at + $1 WHERE look_again_at IS NOT NULL",
    (
        "UPDATE alert SET first_event_at = first_event_at + $1, last_event_at = last_event_at + $1, told_repeat_at = told_repeat_at + $1"
        " WHERE status <> 'resolved'"
    ),
    (
        "UPDATE alias x SET made_at = x.made_at + $1 FROM alert a WHERE a.id = x.alert_id AND a.status <> 'resolved'"
    ),
    (
        "UPDATE alert SET decision = jsonb_set(decision, '{muted_since}', to_jsonb((decision ->> 'muted_since')::timestamptz + $1))"
        " WHERE status <> 'resolved' AND muted_by <> '' AND decision ->> 'muted_since' IS NOT NULL"
    ),
    (
        "UPDATE incident i SET last_join_at = last_join_at + $1, acknowledged_at = acknowledged_at + $1,"
        " snoozed_until = snoozed_until + $1 WHERE i.status IN ('open', 'mitigated')"
    ),
    # what ended longer ago has nothing that still runs: no grace, no window to reopen, no child that waits for its parent
    (
        "UPDATE part p SET changed_at = p.changed_at + $1 FROM incident i WHERE i.id = p.incident_id"
        " AND (i.status IN ('open', 'mitigated') OR i.resolved_at > $2::timestamptz - interval '1 day')"
    ),
    (
        "UPDATE incident i SET resolved_at = resolved_at + $1 WHERE i.status IN ('resolved', 'closed')"
        " AND i.resolved_at > $2::timestamptz - interval '1 day'"
    ),
    # the beginning of business hours is where it was
    "UPDATE silent SET look_at = look_at + $1 WHERE asks_at IS NULL",
    (
        "UPDATE sla SET look_at = look_at + $1, ack_from = ack_from + $1, acknowledged_at = acknowledged_at + $1,"
        " opened = ARRAY(SELECT o + $1 FROM unnest(opened) WITH ORDINALITY AS w(o, n) ORDER BY n),"
        " ended = ARRAY(SELECT e + $1 FROM unnest(ended) WITH ORDINALITY AS w(e, n) ORDER BY n),"
        " ack_due_at = ack_due_at + $1, ack_warn_at = ack_warn_at + $1, ack_met_at = ack_met_at + $1, ack_warned_at = ack_warned_at + $1,"
        " ack_breached_at = ack_breached_at + $1, resolve_due_at = resolve_due_at + $1, resolve_warn_at = resolve_warn_at + $1,"
        " resolve_met_at = resolve_met_at + $1, resolve_warned_at = resolve_warned_at + $1, resolve_breached_at = resolve_breached_at + $1"
        " WHERE status IN ('open', 'mitigated')"
    ),
    "UPDATE hold SET since = since + $1, until = until + $1 WHERE ended_at IS NULL",
    "UPDATE page_left SET left_at = left_at + $1",
    "UPDATE oncall SET asked_at = asked_at + $1, read_at = read_at + $1, fault_since = fault_since + $1",
    "UPDATE rolled SET until = until + $1",
    "UPDATE node SET seen_at = seen_at + $1",
    "UPDATE duty SET until = until + $1",
    "UPDATE alarm SET raised_at = raised_at + $1, seen_at = seen_at + $1 WHERE cleared_at IS NULL",
    "UPDATE canary SET started_at = started_at + $1 WHERE ended_at IS NULL",
    (
        "UPDATE remote m SET asked_at = m.asked_at + $1, created_at = m.created_at + $1, notified_at = m.notified_at + $1,"
        " exhausted_at = m.exhausted_at + $1, read_at = m.read_at + $1, rung_read_at = m.rung_read_at + $1, held_until = m.held_until + $1"
        " FROM incident i WHERE i.id = m.incident_id AND i.status IN ('open', 'mitigated')"
    ),
    (
        "UPDATE remote m SET expected = (SELECT jsonb_agg(jsonb_set(e, '{at}', to_jsonb((e ->> 'at')::timestamptz + $1)) ORDER BY n)"
        " FROM jsonb_array_elements(m.expected) WITH ORDINALITY AS w(e, n)) WHERE jsonb_array_length(m.expected) > 0"
    ),
)


async def move(connection: Connection, by: timedelta, now: datetime) -> None:
    """Move what is due, and what it is counted from, by `by`; `now` is the time by the clock as it was set."""
    for statement in _MOVED:
        await connection.execute(statement, by, *([now - by] if "$2" in statement else []))
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
    there = msgspec.structs.asdict(holder)
    moved: dict[str, Any] = {name: at + by for name, at in there.items() if isinstance(at, datetime)}
    return replace(holder, **moved)
