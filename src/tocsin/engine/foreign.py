"""An incident was born at a provider: it attaches to one of ours, is recorded as one, or is not for us (S42)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from tocsin.core.dedup import TITLE_MOST
from tocsin.core.model import (
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
from tocsin.core.origin import incident_in, names_origin, service_of, severity_of
from tocsin.core.plan import Plan, PlannedStep, Way, plan_for, with_channels
from tocsin.core.policy import Connector, Direction, Mode, Policy, RouteKind
from tocsin.core.ports import ChangeKind, RemoteChange, RemoteStatus
from tocsin.core.route import Route, route
from tocsin.core.values import replace
from tocsin.engine import ask
from tocsin.engine.hub import Hub
from tocsin.engine.ids import new_id
from tocsin.store import incidents, outbox, remotes
from tocsin.store.breakers import open_breakers
from tocsin.store.database import Connection
from tocsin.store.sheet import NewRemote, RemoteName, Sheet, save


async def born(
    connection: Connection, hub: Hub, connector: Connector, change: RemoteChange, now: datetime
) -> str:
    """What becomes of a change that is about no incident of ours, in words."""
    unknown = f"{change.kind.value}: no incident of ours ({change.remote_id or change.key or 'no id'})"
    if change.kind is not ChangeKind.TRIGGERED or not change.remote_id:
        return unknown
    if change.key.startswith("tocsin:"):
        mine = incident_in(change.key, str(hub.installation))
        if mine is None:
            return f"{unknown}: another hub made it"
        return await _attach(connection, connector, change, mine, now)
    home = await remotes.spoken_of(connection, change.remote_id, change.correlation_id)
    if home is not None:
        return await _attach(connection, connector, change, home, now)
    if not connector.import_incidents or connector.direction is Direction.OUTBOUND:
        return unknown
    service = service_of(connector.settings, change.service_id)
    if service is None:
        return f"{unknown}: no service of ours is mapped to {change.service_id or 'its service'}"
    return await _open(connection, hub, connector, change, service, now)


async def _attach(
    connection: Connection, connector: Connector, change: RemoteChange, home: UUID, now: datetime
) -> str:
    """It came from an incident of ours, by whatever way: it lives there too, and opens nothing."""
    kept = (await incidents.load(connection, [home])).get(home)
    if kept is None:
        return f"{change.kind.value}: it carries an incident of ours that is not here any more"
    sides = await outbox.remotes_of(connection, home)
    if any(side.connector == connector.name for side in sides):
        return f"{change.kind.value}: {kept.incident.name} lives there already"
    sheet = Sheet()
    name = RemoteName(home, connector.name, kept.incident.parts[0].service, "", kept.incident.life)
    sheet.remotes.append(NewRemote(name, change.key, 0, now))
    text = f"It lives at {connector.name} too, as {change.remote_id}: it came from here and opens nothing"
    sheet.tell(now, kept.incident, Line(kind="attached", text=text, reason="no_loops"), actor=connector.name)
    await save(connection, sheet, now)
    await _note(connection, home, connector, change, now)
    return f"{change.kind.value}: attached to {kept.incident.name}"


async def _open(
    connection: Connection, hub: Hub, connector: Connector, change: RemoteChange, service: str, now: datetime
) -> str:
    policy = hub.policy
    like = _as_alert(connector, change, service, policy, now)
    severity = like.severity or severity_of(change.urgency, connector.settings)
    routed = route(
        like, severity, policy.services.get(service), like.team, None, policy, now, origin=connector.name
    )
    number = (await incidents.next_numbers(connection, 1))[0]
    incident = Incident(
        id=IncidentId(new_id(now)), number=number, title=like.title, severity=severity, status=IncidentStatus.OPEN,
        correlation_id=like.correlation_id, opened_at=now, team=like.team, origin=connector.name,
        policy=routed.policy_name, rule=routed.rule, config_version=policy.version,
        parts=(Part(service=service, status=IncidentStatus.OPEN, changed_at=now),),
    )  # fmt: skip
    sheet = Sheet()
    text = f"Opened as {severity.sev}: born at {connector.name} as {change.remote_id}, which has paged"
    sheet.tell(now, incident, Line(kind="incident_opened", text=text, reason="origin"), actor=connector.name)
    plan = replace(_plan(hub, sheet, incident, routed, connector, now), began_in=incident.life)
    name = RemoteName(incident.id, connector.name, service, "", incident.life)
    sheet.remotes.append(NewRemote(name, ask.provider_key(hub, incident, service, incident.life), 0, now))
    sheet.incidents[incident.id] = (incident, plan)
    await save(connection, sheet, now)
    await _note(connection, incident.id, connector, change, now)
    others = Sheet()
    sides, breakers = await outbox.remotes_of(connection, incident.id), await open_breakers(connection, now)
    plan, _ = ask.page(hub, others, incident, plan, sides, breakers, now)
    others.incidents[incident.id] = (incident, plan)
    await save(connection, others, now)
    return f"{change.kind.value}: recorded as {incident.name}"


def _plan(
    hub: Hub, sheet: Sheet, incident: Incident, routed: Route, connector: Connector, now: datetime
) -> Plan:
    """Its own connector has paged; others are asked only where the rule that routes it speaks of `origin`."""
    own = PlannedStep(mode=Mode.ALL, ways=(Way(connector.name),), sent_at=now)
    rule = next((r for r in hub.policy.routing if r.name == routed.rule), None)
    if rule is None or routed.kind is not RouteKind.PAGE or not names_origin(rule.when.text):
        text = f"{connector.name} has paged; nobody else is asked, since no rule that names origin says so"
        sheet.tell(now, incident, Line(kind="alert_routed", text=text, reason="origin"))
        return Plan(steps=(own,), started_at=now)
    for line in routed.reasons:
        sheet.tell(now, incident, line)
    steps = with_channels(routed.steps, routed.channels)
    plan, lines = plan_for(
        steps,
        hub.policy,
        team=incident.team,
        now=now,
        delay=routed.delay,
        mailer=hub.mailer,
        repeat=routed.repeat,
    )
    for line in lines:
        sheet.tell(now, incident, line)
    elsewhere = tuple(
        replace(step, ways=tuple(way for way in step.ways if way.connector != connector.name))
        for step in plan.steps
    )
    return replace(plan, steps=(own, *(step for step in elsewhere if step.ways)))


async def _note(
    connection: Connection, incident: UUID, connector: Connector, change: RemoteChange, now: datetime
) -> None:
    """What is known of the new remote: it is there, and it rings."""
    for side in await outbox.remotes_of(connection, incident):
        if side.connector == connector.name and not side.remote_id:
            status = RemoteStatus.TRIGGERED if change.status is RemoteStatus.UNKNOWN else change.status
            facts = {
                "remote_id": change.remote_id, "remote_url": change.remote_url, "status": status.value,
                "accepted_at": now, "created_at": now, "there_at": change.occurred_at,
            }  # fmt: skip
            await outbox.update_remote(connection, side.id, facts)


def _as_alert(
    connector: Connector, change: RemoteChange, service: str, policy: Policy, now: datetime
) -> Alert:
    known = policy.services.get(service)
    identity = new_id(now)
    title = change.title.strip() or f"{change.remote_id} at {connector.name}"
    return Alert(
        id=AlertId(identity), integration="", scope="", source=connector.name, dedup_key=change.remote_id,
        status=AlertStatus.OPEN, title=title[:TITLE_MOST], severity=severity_of(change.urgency, connector.settings),
        services=(service,) if service else (), team=known.team if known else "",
        correlation_id=CorrelationId(str(new_id(now))), first_event_at=now, last_event_at=now,
    )  # fmt: skip
