"""Outgoing work and what became of it: claim, settle, withdraw; breakers and buckets beside it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tocsin.core.breaker import Breaker, BreakerState
from tocsin.core.hold import Gate
from tocsin.core.ports import EffectKind, RemoteStatus
from tocsin.core.remote import ANYBODY, OUR_MARK, Expected
from tocsin.store.database import Connection, Row
from tocsin.store.rows import Columns
from tocsin.store.writing import Write, rehearse, write

OPEN_GATE = Gate()


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """One incident's part at one connector, as stored."""

    id: int
    incident_id: UUID
    connector: str
    service: str
    recipient: str
    life: int
    key: str
    remote_id: str
    remote_url: str
    status: RemoteStatus
    step: int
    asked_at: datetime
    accepted_at: datetime | None
    created_at: datetime | None
    notified_at: datetime | None
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    failed_at: datetime | None
    superseded_at: datetime | None
    fault: str
    expected: tuple[Expected, ...]
    read_at: datetime | None
    there_at: datetime | None
    shared: bool
    exhausted_at: datetime | None
    asked_in: int | None
    held_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One effect claimed, with the remote it is for. `ambiguous` = an earlier lease ran out with its call perhaps sent,
    or an attempt was ambiguous. `bundle` = the one page that it leaves in with others (S22)."""

    id: int
    kind: EffectKind
    body: Mapping[str, Any]
    attempts: int
    ambiguous: bool
    made_at: datetime
    due: datetime
    remote: Remote
    bundle: UUID | None = None


@dataclass(slots=True, kw_only=True)
class ConnectorState:
    """Breaker, bucket and last facts of one connector."""

    connector: str
    breaker: Breaker
    hold_until: datetime | None
    tokens: float
    tokens_at: datetime
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_error: str
    last_webhook_at: datetime | None
    proven_at: datetime | None
    unproven_since: datetime | None
    slow_until: datetime | None
    quarantine_dropped: int = 0


def remote_of(row: Columns) -> Remote:
    expected = tuple(
        Expected(e["transition"], datetime.fromisoformat(e["at"]), e.get("note", "")) for e in row["expected"]
    )
    names = [
        "id",
        "incident_id",
        "connector",
        "service",
        "recipient",
        "life",
        "key",
        "remote_id",
        "remote_url",
        "step",
        "asked_at",
        "accepted_at",
        "created_at",
        "notified_at",
        "acknowledged_at",
        "resolved_at",
        "failed_at",
        "superseded_at",
        "fault",
        "read_at",
        "there_at",
        "shared",
        "exhausted_at",
        "asked_in",
        "held_until",
    ]
    return Remote(
        **{name: row[name] for name in names}, status=RemoteStatus(row["status"]), expected=expected
    )


def expected_out(expected: Sequence[Expected]) -> list[dict[str, str]]:
    return [{"transition": e.transition, "at": e.at.isoformat(), "note": e.note} for e in expected]


async def remotes_of(connection: Connection, incident: UUID) -> list[Remote]:
    """Every remote of an incident, oldest first."""
    rows = await connection.fetch("SELECT * FROM remote WHERE incident_id = $1 ORDER BY id", incident)
    return [remote_of(row) for row in rows]


async def remotes_of_all(connection: Connection, incidents: Collection[UUID]) -> dict[UUID, list[Remote]]:
    """Incident -> its remotes, oldest first; one without any has none."""
    found: dict[UUID, list[Remote]] = {incident: [] for incident in incidents}
    if found:
        rows = await connection.fetch(
            "SELECT * FROM remote WHERE incident_id = ANY($1) ORDER BY id", list(found)
        )
        for row in rows:
            found[row["incident_id"]].append(remote_of(row))
    return found


async def find_remotes(connection: Connection, connector: str, remote_id: str, key: str) -> list[Remote]:
    """Remotes at a connector by the provider's id, else by our key; newest life first."""
    rows = await connection.fetch(
        "SELECT * FROM remote WHERE connector = $1 AND (($2 <> '' AND remote_id = $2 AND remote_id <> '') OR ($3 <> '' AND key = $3))"
        " ORDER BY (remote_id = $2 AND $2 <> '') DESC, life DESC, id DESC",
        connector,
        remote_id,
        key,
    )
    return [remote_of(row) for row in rows]


async def connectors_with_work(connection: Connection, now: datetime) -> list[str]:
    """Connectors that have something waiting or a lease that ran out."""
    rows = await connection.fetch(
        # from one name to the next by the index: a long queue is not read for the names in it
        """
        WITH RECURSIVE named AS (
          (SELECT connector FROM effect WHERE state IN ('waiting', 'leased') ORDER BY connector LIMIT 1)
          UNION ALL
          SELECT (SELECT e.connector FROM effect e WHERE e.connector > n.connector AND e.state IN ('waiting', 'leased')
            ORDER BY e.connector LIMIT 1) FROM named n WHERE n.connector IS NOT NULL)
        SELECT connector FROM named n WHERE EXISTS (
          SELECT 1 FROM effect e WHERE e.connector = n.connector AND e.state IN ('waiting', 'leased')
            AND (e.state = 'waiting' AND e.due <= $1 OR e.state = 'leased' AND e.lease_until < $1) OFFSET 0)
        UNION SELECT connector FROM message WHERE state IN ('waiting', 'leased')
          AND (state = 'waiting' AND due <= $1 OR state = 'leased' AND lease_until < $1)
        """,
        now,
    )
    return [row["connector"] for row in rows]


async def next_due(connection: Connection, connector: str) -> datetime | None:
    """When the next of a connector's work can be claimed: heads of queues alone, since what stands behind
    one is not asked for before it, however long it has been due."""
    due: datetime | None = await connection.fetchval(
        "SELECT min(CASE WHEN e.state = 'leased' THEN e.lease_until ELSE e.due END) FROM effect e"
        " WHERE e.connector = $1 AND e.state IN ('waiting', 'leased') AND NOT EXISTS ("
        " SELECT 1 FROM effect p WHERE p.remote = e.remote AND p.id < e.id AND p.state IN ('waiting', 'leased'))",
        connector,
    )
    return due


async def claim(
    connection: Connection,
    connector: str,
    most: int,
    now: datetime,
    lease: timedelta,
    *,
    node: UUID | None = None,
    at_work: Sequence[int] = (),
    gate: Gate = OPEN_GATE,
    pages: bool = True,
) -> list[Work]:
    """Up to `most` effects of a connector that are due, leased: the head of each remote's queue only, so
    that order holds within one incident and connector; the urgent first.

    A lease that ran out is taken over, and so is the `node`'s own that is not among its `at_work`: a claim whose answer
    was lost. An earlier call may have been sent, so it counts as ambiguous.
    What waits at the `gate` is passed over; so are pages where `pages` is False.
    """
    rows = await connection.fetch(
        """
        WITH head AS (
          SELECT e.id, e.state FROM effect e
          WHERE e.connector = $1 AND e.state IN ('waiting', 'leased')
            AND (e.state = 'waiting' AND e.due <= $2
              OR e.state = 'leased' AND (e.lease_until < $2 OR e.leased_by = $5 AND e.id <> ALL($8)))
            AND ($6 = 0 OR e.kind NOT IN ('create', 'reopen') OR e.urgent >= $6)
            AND ($7::timestamptz IS NULL OR e.made_at >= $7)
            AND ($9 OR e.kind NOT IN ('create', 'reopen'))
            AND NOT EXISTS (SELECT 1 FROM effect p WHERE p.remote = e.remote AND p.id < e.id AND p.state IN ('waiting', 'leased'))
          ORDER BY e.urgent DESC, e.id LIMIT $3 FOR UPDATE OF e SKIP LOCKED)
        UPDATE effect e SET state = 'leased', lease_until = $2 + $4::interval, leased_by = $5, attempts = e.attempts + 1,
          ambiguous = e.ambiguous OR head.state = 'leased'
        FROM head JOIN effect x ON x.id = head.id JOIN remote m ON m.id = x.remote
        WHERE e.id = head.id
        RETURNING e.id AS effect_id, e.kind, e.body, e.attempts, e.ambiguous, e.made_at, e.due, e.bundle, m.*
        """,
        connector, now, most, lease, node, gate.least, gate.made_since, list(at_work), pages,
    )  # fmt: skip
    return sorted((work_of(row) for row in rows), key=lambda work: work.id)


def work_of(row: Columns) -> Work:
    """From a row of both effect (its id as `effect_id`) and remote."""
    return Work(
        id=row["effect_id"], kind=EffectKind(row["kind"]), body=row["body"], attempts=row["attempts"],
        ambiguous=row["ambiguous"], made_at=row["made_at"], due=row["due"], bundle=row["bundle"], remote=remote_of(row),
    )  # fmt: skip


async def still_leased(connection: Connection, effect: int, attempt: int) -> bool:
    """True while this attempt at it is neither settled nor taken over; locked, so that it stays so."""
    found: bool | None = await connection.fetchval(
        "SELECT true FROM effect WHERE id = $1 AND state = 'leased' AND attempts = $2 FOR UPDATE",
        effect,
        attempt,
    )
    return bool(found)


async def has_waiting(connection: Connection, remotes: Sequence[int]) -> bool:
    """True when more is queued for one of these remotes."""
    asked = "SELECT EXISTS (SELECT 1 FROM effect WHERE remote = ANY($1) AND state = 'waiting')"
    found: bool = await connection.fetchval(asked, list(remotes))
    return found


async def settle(connection: Connection, effect: int, state: str, reason: str, now: datetime) -> None:
    """Done for good: 'done', 'failed' or 'withdrawn'."""
    await connection.execute(
        "UPDATE effect SET state = $2, reason = $3, settled_at = $4, lease_until = NULL WHERE id = $1",
        effect, state, reason, now,
    )  # fmt: skip


async def withdraw_waiting(
    connection: Connection, remote_ids: Sequence[int], kinds: Sequence[EffectKind], reason: str, now: datetime
) -> list[int]:
    """Withdraw waiting work that was surely never sent; ids of the remotes it was for."""
    rows = await connection.fetch(
        "UPDATE effect SET state = 'withdrawn', reason = $3, settled_at = $4"
        " WHERE remote = ANY($1) AND kind = ANY($2) AND state = 'waiting' AND NOT ambiguous RETURNING remote",
        list(remote_ids), [kind.value for kind in kinds], reason, now,
    )  # fmt: skip
    return [row["remote"] for row in rows]


async def update_remote(connection: Connection, remote: int, facts: Mapping[str, Any]) -> None:
    """Set columns of a remote; a fact with a time is kept from the first time on."""
    sets, values = [], []
    for n, (name, value) in enumerate(facts.items(), start=2):
        if name not in _FACTS:
            raise ValueError(f"a remote has no fact {name}")
        sets.append(f"{name} = coalesce({name}, ${n})" if name in _FIRST else f"{name} = ${n}")
        values.append(value)
    if sets:
        await connection.execute(f"UPDATE remote SET {', '.join(sets)} WHERE id = $1", remote, *values)  # noqa: S608 - names checked


async def open_again(connection: Connection, remote: int, life: int, now: datetime) -> None:
    """It was reopened there: asked and created now, in this life of the incident, whatever came before."""
    await connection.execute(
        "UPDATE remote SET status = 'triggered', asked_at = $2, asked_in = $3, created_at = $2, acknowledged_at = NULL, resolved_at = NULL,"
        " failed_at = NULL, superseded_at = NULL, exhausted_at = NULL, held_until = NULL, fault = '' WHERE id = $1",
        remote, now, life,
    )  # fmt: skip


async def expect(connection: Connection, works: Sequence[Work], now: datetime) -> None:
    """Note what we are about to write, before it is sent: its webhook may come back first (S38)."""
    rows = []
    for work in works:
        kept = [e for e in work.remote.expected if now - e.at < timedelta(minutes=3)]
        note, person = str(work.body.get("note", "")), str(work.body.get("person", ""))
        mine = [Expected(transition, now, note) for transition in _TRANSITIONS.get(work.kind, ())]
        if work.kind is EffectKind.NOTE and person:
            mine.append(Expected("note", now, f"{person}: {note}"))  # where all notes have one author
        if words := str(work.body.get("words", "")):
            to = ANYBODY if work.kind is EffectKind.ESCALATE else str(work.body.get("to", ""))
            mine += [
                Expected("reassigned", now, to),
                Expected("note", now, words),
            ]  # the note, where it cannot be done
        if work.kind is EffectKind.RESOLVE and person:
            # PagerDuty turns the resolution's text into a note of its own
            mine.append(Expected("note", now, f"{person} {OUR_MARK}"))
        if mine:
            rows.append({"id": work.remote.id, "expected": expected_out([*kept, *mine])})
    await write(connection, [(_EXPECTED, rows)])


async def rehearse_expected(connection: Connection) -> None:
    """The statement by which that is noted, for nothing."""
    await rehearse(connection, _EXPECTED)


_EXPECTED = Write(
    "id bigint, expected jsonb", "UPDATE remote m SET expected = r.expected FROM {rows} WHERE m.id = r.id"
)


_TRANSITIONS: dict[EffectKind, tuple[str, ...]] = {
    EffectKind.CREATE: ("triggered",),
    EffectKind.REOPEN: ("reopened", "triggered"),
    EffectKind.ACKNOWLEDGE: ("acknowledged",),
    EffectKind.SNOOZE: ("snoozed",),
    EffectKind.RESOLVE: ("resolved",),
    EffectKind.NOTE: ("note",),
    EffectKind.ESCALATE: ("escalated",),
    EffectKind.MERGE: ("merged", "resolved"),
}
_FIRST = frozenset({"accepted_at", "created_at", "notified_at"})
_FACTS = _FIRST | {
    "remote_id", "remote_url", "status", "acknowledged_at", "resolved_at", "failed_at", "superseded_at", "fault",
    "expected", "read_at", "there_at", "shared", "exhausted_at", "rung_read_at",
}  # fmt: skip


async def lock_state(connection: Connection, connector: str, now: datetime) -> ConnectorState:
    """The state of a connector, locked; made when it is missing."""
    row = await locked_row(connection, connector)
    if row is None:
        await connection.execute(
            "INSERT INTO connector_state (connector, tokens_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            connector,
            now,
        )
        row = await locked_row(connection, connector)
        assert row is not None
    return _state_of(row)


async def locked_row(connection: Connection, connector: str) -> Row | None:
    """The row of a connector, locked; None when it was never used."""
    return await connection.fetchrow(
        "SELECT * FROM connector_state WHERE connector = $1 FOR UPDATE", connector
    )


async def states(connection: Connection) -> dict[str, ConnectorState]:
    """Every connector's state; one never used is missing."""
    return {
        row["connector"]: _state_of(row) for row in await connection.fetch("SELECT * FROM connector_state")
    }


def _state_of(row: Columns) -> ConnectorState:
    breaker = Breaker(
        state=BreakerState(row["breaker"]), failures=row["failures"], trips=row["trips"], opened_at=row["opened_at"],
        probe_at=row["probe_at"],
    )  # fmt: skip
    return ConnectorState(
        connector=row["connector"], breaker=breaker, hold_until=row["hold_until"], tokens=row["tokens"],
        tokens_at=row["tokens_at"], last_success_at=row["last_success_at"], last_failure_at=row["last_failure_at"],
        last_error=row["last_error"], last_webhook_at=row["last_webhook_at"],
        proven_at=row["proven_at"], unproven_since=row["unproven_since"],
        slow_until=row["slow_until"], quarantine_dropped=row["quarantine_dropped"],
    )  # fmt: skip


async def save_state(connection: Connection, s: ConnectorState) -> None:
    b = s.breaker
    await connection.execute(
        "UPDATE connector_state SET breaker = $2, failures = $3, trips = $4, opened_at = $5, probe_at = $6, hold_until = $7,"
        " tokens = $8, tokens_at = $9, last_success_at = $10, last_failure_at = $11, last_error = $12 WHERE connector = $1",
        s.connector, b.state.value, b.failures, b.trips, b.opened_at, b.probe_at, s.hold_until, s.tokens, s.tokens_at,
        s.last_success_at, s.last_failure_at, s.last_error,
    )  # fmt: skip
