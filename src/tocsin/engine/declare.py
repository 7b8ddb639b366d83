"""A person opens an incident: routed like an alert, or to the connectors they name (S35)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from tocsin.core.dedup import TITLE_MOST
from tocsin.core.errors import BadInput, FieldFault
from tocsin.core.model import (
    Actor,
    Alert,
    AlertId,
    AlertStatus,
    CorrelationId,
    Incident,
    IncidentId,
    IncidentStatus,
    Line,
    Part,
)
from tocsin.core.plan import plan_for, with_channels
from tocsin.core.policy import Direction, Mode, Policy, Step, Target, TargetKind
from tocsin.core.route import Route, route
from tocsin.core.severity import Severity
from tocsin.core.values import replace
from tocsin.engine import ask
from tocsin.engine.acting import tell
from tocsin.engine.hub import Hub
from tocsin.engine.ids import new_id
from tocsin.engine.respond import rung, told_of
from tocsin.store import incidents
from tocsin.store.breakers import open_breakers
from tocsin.store.database import Connection
from tocsin.store.sheet import Sheet, save


async def declare(
    hub: Hub,
    *,
    title: str,
    severity: Severity,
    services: tuple[str, ...],
    actor: Actor,
    description: str = "",
    connectors: tuple[str, ...] = (),
    fields: Mapping[str, str] | None = None,
) -> Incident:
    """Open an incident; one part per service (RO-6). `fields` are custom ones. Raises BadInput for an empty title or an unknown
    connector; an unknown service is kept and told."""
    policy = hub.policy
    faults = [FieldFault("connector", why) for name in connectors if (why := _not_askable(policy, name))]
    if not title.strip():
        faults.append(FieldFault("title", "is required"))
    if faults:
        raise BadInput("The incident cannot be declared", faults=tuple(faults))

    async def work(connection: Connection) -> Incident:
        now = hub.now()
        number = (await incidents.next_numbers(connection, 1))[0]
        like = _as_alert(title, description, severity, services, policy, now)
        routed = _route(like, policy, connectors, now)
        incident = _incident(like, routed, number, policy.version, now)
        if fields:
            of_both = {**incident.fields, **fields}
            incident = replace(incident, fields=of_both, by_hand=frozenset({"fields"}))
        sheet = Sheet()
        text = f"Declared as {severity.sev} by {actor.shown}: {incident.title}"
        sheet.tell(
            now, incident, Line(kind="incident_opened", text=text, reason="declared"), actor=actor.shown
        )
        if fields:
            text = "; ".join(f"{name} = {value}" for name, value in fields.items())
            data = {"fields": dict(fields)}
            line = Line(kind="amended", text=f"With {text}", reason="declared", data=data)
            sheet.tell(now, incident, line, actor=actor.shown)
        for line in routed.reasons:
            sheet.tell(now, incident, line)
        steps = with_channels(routed.steps, routed.channels)
        plan, lines = plan_for(
            steps, policy, team=like.team, now=now, delay=None, mailer=hub.mailer, repeat=routed.repeat
        )
        for line in lines:
            sheet.tell(now, incident, line)
        plan = replace(plan, began_in=incident.life)
        plan, _ = ask.page(hub, sheet, incident, plan, [], await open_breakers(connection, now), now)
        sheet.incidents[incident.id] = (incident, plan)
        await save(connection, sheet, now)
        after = {**told_of(incident), "connectors": list(connectors)}
        await tell(connection, hub, "incident.declare", incident.name, after=after, actor=actor)
        return incident

    incident = await hub.database.transact(work)
    rung(hub)
    return incident


def _not_askable(policy: Policy, name: str) -> str:
    known = policy.connectors.get(name)
    if known is None:
        return f"there is no connector {name}"
    return f"{name} is inbound: it is never written to" if known.direction is Direction.INBOUND else ""


def _as_alert(
    title: str, description: str, severity: Severity, services: tuple[str, ...], policy: Policy, now: datetime
) -> Alert:
    service = policy.services.get(services[0]) if services else None
    born = new_id(now)
    return Alert(
        id=AlertId(born), integration="", scope="", source="declared", dedup_key=str(born), status=AlertStatus.OPEN,
        title=title.strip()[:TITLE_MOST], description=description, severity=severity, services=services,
        team=service.team if service else "", correlation_id=CorrelationId(str(new_id(now))), first_event_at=now,
        last_event_at=now,
    )  # fmt: skip


def _route(like: Alert, policy: Policy, connectors: tuple[str, ...], now: datetime) -> Route:
    severity = like.severity or Severity.MEDIUM
    routed = route(
        like,
        severity,
        policy.services.get(like.service),
        like.team,
        None,
        policy,
        now,
        origin="declared",
        waits=False,
    )
    if not connectors:
        return routed
    step = Step(mode=Mode.ALL, targets=tuple(Target(TargetKind.CONNECTOR, name) for name in connectors))
    line = Line(
        kind="alert_routed", text=f"Paged through {', '.join(connectors)}, as asked for", reason="asked_for"
    )
    return Route(kind=routed.kind, rule="as declared", steps=(step,), reasons=(line,))


def _incident(like: Alert, routed: Route, number: int, version: int, now: datetime) -> Incident:
    return Incident(
        id=IncidentId(new_id(now)), number=number, title=like.title, description=like.description,
        severity=like.severity or Severity.MEDIUM, status=IncidentStatus.OPEN, correlation_id=like.correlation_id,
        opened_at=now, team=like.team, declared=True, policy=routed.policy_name, rule=routed.rule,
        parts=tuple(
            Part(service=s, status=IncidentStatus.OPEN, changed_at=now) for s in dict.fromkeys(like.services or ("",))
        ),
        config_version=version, fields=dict(routed.fields),
    )  # fmt: skip
