"""From what is stored to what is answered: one function for each shape."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from tocsin.api import shapes, sides, states
from tocsin.core.alias import Alias
from tocsin.core.breaker import Breaker, BreakerState
from tocsin.core.explain import span
from tocsin.core.joining import owed_at
from tocsin.core.model import IncidentStatus, Link
from tocsin.core.people import shown_as
from tocsin.core.plan import Plan
from tocsin.core.policy import Connector, Mode, Policy, Step
from tocsin.core.watch import SILENT_AFTER
from tocsin.engine.hub import Hub
from tocsin.store.alarms import Sounded
from tocsin.store.canaries import Run
from tocsin.store.divergences import DivergenceView
from tocsin.store.figures import Outcomes
from tocsin.store.nodes import Node
from tocsin.store.outbox import ConnectorState
from tocsin.store.reading import AlertView, DeliveryView, IncidentView, LineView, RemoteView
from tocsin.store.tokens import Token


def incident(view: IncidentView, policy: Policy, *, changed: bool = True) -> shapes.Incident:
    i = view.incident
    return shapes.Incident(
        name=i.name, number=i.number, id=i.id, title=i.title, description=i.description, severity=i.severity.value,
        sev=i.severity.sev, status=i.status.value, status_shown=i.status.shown, services=list(i.services),
        parts=[
            shapes.Part(service=p.service, status=p.status.value, changed_at=p.changed_at, changed_by=p.changed_by)
            for p in i.parts
        ],
        team=i.team, correlation_id=i.correlation_id, opened_at=i.opened_at, acknowledged_at=i.acknowledged_at,
        acknowledged_by=i.acknowledged_by, snoozed_until=i.snoozed_until, resolved_at=i.resolved_at, resolved_by=_resolved_by(view),
        closed_at=i.closed_at, assignee=shown_as(policy.users, i.assignee), declared=i.declared, origin=i.origin, policy=i.policy, rule=i.rule,
        next_step_at=next_step_at(view.plan, i.status), asks_again_at=asks_again_at(view.plan, i.status),
        joined_meanwhile=[join.title for join in view.plan.joins], life=i.life,
        recurrence_of=f"INC-{i.recurrence_of}" if i.recurrence_of else None,
        merged_into=f"INC-{i.merged_into}" if i.merged_into else None, alerts=view.alerts, repeats=view.repeats,
        config_version=i.config_version, updated_at=view.updated_at, details=dict(i.details), fields=dict(i.fields),
        links=_links(i.links), providers=[_provider(r, policy) for r in view.remotes], changed=changed,
    )  # fmt: skip


def _resolved_by(view: IncidentView) -> str:
    """The name behind the last part that ended; the kind of actor where no name was kept."""
    i = view.incident
    if i.resolved_at is None:
        return ""
    last = max(i.parts, key=lambda part: part.changed_at, default=None)
    return (last.changed_by if last else "") or (i.resolved_by.value if i.resolved_by else "")


def next_step_at(plan: Plan, status: IncidentStatus) -> datetime | None:
    """When the next step of the page asks somebody; None when none will."""
    if status is not IncidentStatus.OPEN or plan.started_at is None:
        return None
    previous = plan.hold_until or plan.started_at
    for step in plan.steps:
        if step.sent_at is None:
            return previous + step.after
        previous = step.sent_at
    return None


def asks_again_at(plan: Plan, status: IncidentStatus) -> datetime | None:
    """When the holder is asked about what joined meanwhile (S21); None when nobody has it or nothing is owed."""
    return owed_at(plan) if status is IncidentStatus.MITIGATED else None


def _provider(view: RemoteView, policy: Policy) -> shapes.ProviderSide:
    r = view.remote
    known = policy.connectors.get(r.connector)
    return shapes.ProviderSide(
        connector=r.connector, type=known.type if known else "", service=r.service, recipient=r.recipient,
        remote_id=r.remote_id, remote_url=r.remote_url, status=r.status.value, asked_at=r.asked_at, held_until=r.held_until,
        accepted_at=r.accepted_at, created_at=r.created_at, notified_at=r.notified_at,
        acknowledged_at=r.acknowledged_at, resolved_at=r.resolved_at, waiting=view.waiting, last_error=r.fault,
    )  # fmt: skip


def _links(links: tuple[Link, ...]) -> list[dict[str, str]]:
    return [{"href": link.href, "text": link.text} for link in links]


def alert(view: AlertView) -> shapes.Alert:
    a = view.alert
    return shapes.Alert(
        id=a.id, integration=a.integration, source=a.source, dedup_key=a.dedup_key, status=a.status.value, title=a.title,
        description=a.description, severity=a.severity.value if a.severity else None, services=list(a.services),
        team=a.team, labels=dict(a.labels), tags=list(a.tags), details=dict(a.details), links=_links(a.links),
        count=a.count, first_event_at=a.first_event_at, last_event_at=a.last_event_at, incident=view.incident,
        correlation_id=a.correlation_id, muted_by=a.muted_by, resolved_at=a.resolved_at, decision=decision(view.decision),
    )  # fmt: skip


def alert_key(alias: Alias) -> shapes.AlertKey:
    return shapes.AlertKey(key=alias.key, joined_at=alias.made_at, over_at=alias.over_at)


def decision(record: Mapping[str, Any] | None) -> shapes.Decision | None:
    """The record of a decision; None before the first."""
    return shapes.Decision.model_validate(dict(record)) if record else None


def line(view: LineView) -> shapes.TimelineLine:
    return shapes.TimelineLine(
        id=view.id, at=view.at, kind=view.kind, reason=view.reason, text=view.text, actor=view.actor,
        correlation_id=view.correlation_id, took_ms=None if view.took_ms is None else round(view.took_ms, 3),
        data=dict(view.data),
    )  # fmt: skip


def delivery(view: DeliveryView) -> shapes.Delivery:
    return shapes.Delivery.model_validate(
        {name: getattr(view, name) for name in shapes.Delivery.model_fields}
        | {"took_ms": round(view.took_ms, 3)}
    )


def connector(
    hub: Hub, known: Connector, state: ConnectorState | None, outcomes: Outcomes, queue: int
) -> shapes.Connector:
    breaker = state.breaker if state else Breaker()
    rate = outcomes.success_rate
    slow_until = state.slow_until if state and state.slow_until and state.slow_until > hub.now() else None
    return shapes.Connector(
        name=known.name, type=known.type, direction=known.direction.value, enabled=not known.paused,
        healthy=breaker.state is BreakerState.CLOSED and slow_until is None, slow_until=slow_until,
        breaker=shapes.Breaker.model_validate(
            {
                "state": breaker.state, "failures": breaker.failures, "opened_at": breaker.opened_at,
                "next_probe_at": breaker.probe_at,
            }
        ),
        queue=queue, last_success_at=state.last_success_at if state else None,
        last_failure_at=state.last_failure_at if state else None, last_error=state.last_error if state else "",
        last_webhook_at=state.last_webhook_at if state else None,
        success_rate=None if rate is None else round(rate, 4),
        average_ms=None if outcomes.average_ms is None else round(float(outcomes.average_ms), 1),
        attempts=outcomes.attempts, sync=_sync(hub, known, state),
        unproven_since=state.unproven_since if state else None,
        quarantine_dropped=state.quarantine_dropped if state else 0,
    )  # fmt: skip


def _sync(hub: Hub, known: Connector, state: ConnectorState | None) -> Any:
    """By webhook once one has come, or while one can: the provider has an address to call."""
    able = known.enable_webhook and "verify_webhook" in hub.abilities(known.name)
    heard = state is not None and state.last_webhook_at is not None
    unproven = state is not None and state.unproven_since is not None
    return "webhook" if able and not unproven and (heard or hub.public_url) else "polling"


def divergence(view: DivergenceView) -> sides.Divergence:
    return sides.Divergence.model_validate(
        {name: getattr(view, name) for name in sides.Divergence.model_fields}
        | {"incident": f"INC-{view.incident}"}
    )


def alarm(one: Sounded) -> states.Alarm:
    a = one.alarm
    return states.Alarm(
        key=a.key, title=a.title, text=a.text, severity=a.severity.value, connector=a.connector, times=one.times,
        raised_at=one.raised_at, seen_at=one.seen_at, cleared_at=one.cleared_at, direct_to=one.direct_to,
        incident=f"INC-{one.incident}" if one.incident else None,
    )  # fmt: skip


def canary(run: Run | None) -> states.Canary | None:
    if run is None:
        return None
    found = [run.found[name] for name in run.connectors if name in run.found]
    results = [states.Sung.model_validate({**one, "created": one["created_at"] is not None}) for one in found]
    return states.Canary(
        id=run.id, started_at=run.started_at, asked_by=run.asked_by, connectors=list(run.connectors), ended_at=run.ended_at,
        results=results,
    )  # fmt: skip


def node(one: Node, now: datetime) -> states.Node:
    return states.Node.model_validate(
        {name: getattr(one, name) for name in ("name", "role", "version", "started_at", "seen_at", "on_duty")}
        | {"up": now - one.seen_at < SILENT_AFTER}
    )


def token(kept: Token, *, text: str | None = None) -> shapes.Token:
    return shapes.Token(
        id=kept.id, name=kept.name, scopes=list(kept.scopes), created_at=kept.made_at, expires_at=kept.expires_at,
        last_used_at=kept.last_used_at, revoked_at=kept.revoked_at, token=text, role=kept.role,
        teams=list(kept.teams), user=kept.user, made_by=kept.made_by,
    )  # fmt: skip


def step(of: Step) -> shapes.Step:
    def span_of(length: timedelta | None) -> str | None:
        return span(length) if length else None

    hedges = of.mode is Mode.FAILOVER and len(of.targets) > 1

    return shapes.Step(
        mode=of.mode.value, targets=[target.shown for target in of.targets], after=span_of(of.after),
        within=span_of(of.within) if of.mode is Mode.FAILOVER else None, hedge=span_of(of.hedge) if hedges else None,
        repeat=span_of(of.repeat),
    )  # fmt: skip
