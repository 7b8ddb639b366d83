"""What became of attempts: deliveries, the ends of effects and the facts of remotes, many at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from tocsin.store.database import Connection
from tocsin.store.writing import Write, rehearse, write


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One attempt at an effect, for the record. In a `bundle` one of them has the calls, for all."""

    at: datetime
    effect: int
    incident_id: UUID
    connector: str
    service: str
    kind: str
    attempt: int
    step: str
    outcome: str
    reason: str
    status: int | None
    took_ms: float
    calls: int
    bundle: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What an effect comes to: 'done', 'failed' or 'withdrawn' for good, or 'waiting' again until `due`.
    `ambiguous` = the call may have been applied."""

    effect: int
    state: str
    reason: str
    due: datetime | None = None
    ambiguous: bool = False


@dataclass(slots=True)
class Outcomes:
    """Gathered while deciding, written once. `facts` are columns of remotes by id."""

    deliveries: list[Delivery] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    facts: dict[int, dict[str, Any]] = field(default_factory=dict)

    def learn(self, remote: int, **facts: Any) -> None:
        """Facts of a remote; the later of two counts."""
        self.facts.setdefault(remote, {}).update(facts)


async def save_outcomes(connection: Connection, outcomes: Outcomes, now: datetime) -> None:
    """Write all of it in one statement."""
    for facts in outcomes.facts.values():
        if unknown := facts.keys() - _FIRST - _LATEST.keys():
            raise ValueError(f"no attempt tells {', '.join(sorted(unknown))} of a remote")
    deliveries = [
        {
            "at": d.at, "effect": d.effect, "incident_id": d.incident_id, "connector": d.connector,
            "service": d.service, "kind": d.kind, "attempt": d.attempt, "step": d.step[:120], "outcome": d.outcome,
            "reason": d.reason[:1000], "status": d.status, "took_ms": d.took_ms, "calls": d.calls,
            "bundle": d.bundle,
        }
        for d in outcomes.deliveries
    ]  # fmt: skip
    settled = [
        {
            "id": s.effect, "state": s.state, "reason": s.reason, "due": s.due, "ambiguous": s.ambiguous, "now": now,
        }
        for s in outcomes.settled
    ]  # fmt: skip
    facts_of = [{"id": remote, "facts": facts} for remote, facts in sorted(outcomes.facts.items())]
    await write(connection, [(_DELIVERIES, deliveries), (_SETTLED, settled), (_FACTS, facts_of)])


async def rehearse_settled(connection: Connection) -> None:
    """The statement by which an attempt that was taken is recorded, without one."""
    await rehearse(connection, _DELIVERIES, _SETTLED, _FACTS)


_DELIVERIES = Write(
    "at timestamptz, effect bigint, incident_id uuid, connector text, service text, kind text, attempt int, step text,"
    " outcome text, reason text, status int, took_ms real, calls smallint, bundle uuid",
    """
    INSERT INTO delivery (at, effect, incident_id, connector, service, kind, attempt, step, outcome, reason, status, took_ms, calls, bundle)
    SELECT r.* FROM {rows}
    """,
)

# what waits again must still be leased: what was withdrawn meanwhile stays so
_SETTLED = Write(
    "id bigint, state text, reason text, due timestamptz, ambiguous bool, now timestamptz",
    """
    UPDATE effect e SET state = r.state, reason = r.reason, lease_until = NULL, due = coalesce(r.due, e.due),
      ambiguous = e.ambiguous OR r.ambiguous,
      settled_at = CASE WHEN r.state = 'waiting' THEN e.settled_at ELSE r.now END
    FROM {rows} WHERE e.id = r.id AND (r.state <> 'waiting' OR e.state = 'leased')
    """,
)

_FIRST = frozenset({"accepted_at", "created_at"})
"""Kept from the first time on."""

_LATEST = {
    "remote_id": "text", "remote_url": "text", "status": "text", "fault": "text", "acknowledged_at": "timestamptz",
    "resolved_at": "timestamptz", "failed_at": "timestamptz", "superseded_at": "timestamptz",
}  # fmt: skip

_SETS = [f"{name} = coalesce(m.{name}, (r.facts->>'{name}')::timestamptz)" for name in sorted(_FIRST)] + [
    f"{name} = CASE WHEN r.facts ? '{name}' THEN (r.facts->>'{name}')::{type_} ELSE m.{name} END"
    for name, type_ in _LATEST.items()
]
_SET = ", ".join(_SETS)
_FACTS = Write("id bigint, facts jsonb", f"UPDATE remote m SET {_SET} FROM {{rows}} WHERE m.id = r.id")  # noqa: S608 - names of ours
