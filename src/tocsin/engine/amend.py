"""A person changes an incident's title, text, severity or fields; a rise is routed again (S6, S35)."""

from __future__ import annotations

from datetime import datetime

from tocsin.core.amend import FIELDS_MOST, Wording, amend
from tocsin.core.errors import BadInput, FieldFault, NotFound
from tocsin.core.lapse import restarts
from tocsin.core.lifecycle import Act
from tocsin.core.model import Actor, Alert, AlertId, AlertStatus, Incident
from tocsin.core.plan import Plan, plan_for, with_channels
from tocsin.core.policy import RouteKind
from tocsin.core.rise import asked_again, worsened
from tocsin.core.route import Route, route
from tocsin.core.severity import Severity
from tocsin.core.silent import is_held
from tocsin.core.values import replace
from tocsin.engine import ask
from tocsin.engine.hub import Hub
from tocsin.engine.respond import Response, alert_follows, keep_holding, not_silent, rung, told
from tocsin.engine.tell import tell_others, tell_update
from tocsin.store import incidents, outbox, undecided
from tocsin.store.breakers import open_breakers
from tocsin.store.database import Connection
from tocsin.store.incidents import Kept
from tocsin.store.outbox import Remote
from tocsin.store.sheet import Sheet, save


async def change(hub: Hub, name: str, wanted: Wording, actor: Actor) -> Response:
    """Word the incident called `name` anew. Raises NotFound, and BadInput when it would have too many fields.

    What is so already changes nothing and is no error.
    """

    async def work(connection: Connection) -> Response:
        incident_id = await incidents.id_of(connection, name)
        if incident_id is None:
            raise NotFound(f"There is no incident {name}", hint="`im list --status all` shows every incident")
        alerts = await undecided.lock_alerts_of(connection, incident_id)
        kept = (await incidents.lock(connection, [incident_id]))[incident_id]
        now, sheet = hub.now(), Sheet()
        amended = amend(kept.incident, wanted, actor)
        if not amended.changed:
            return Response(kept.incident, False, "so already")
        if (
            amended.rises_to is None
            and restarts(kept.incident, Act.NOTE, actor, hub.policy.users)
            and kept.plan.held_until
        ):
            kept = keep_holding(hub, sheet, kept, actor, now)
        incident, plan = amended.incident, kept.plan
        if len(incident.fields) > FIELDS_MOST:
            fault = FieldFault(
                "fields", f"there would be {len(incident.fields)}, and {FIELDS_MOST} at most are kept"
            )
            raise BadInput("Too many fields; nothing was changed", faults=(fault,))
        for line in amended.lines:
            sheet.tell(now, incident, line, actor=actor.shown)
        remotes = await outbox.remotes_of(connection, incident_id)
        if amended.rises_to is not None:
            incident, plan = await rise(
                connection, hub, sheet, incident, plan, amended.rises_to, alerts, remotes, actor, now
            )
        if is_held(incident):
            plan = not_silent(hub, sheet, Kept(incident, plan), actor, now).plan
        sheet.incidents[incident.id] = (incident, plan)
        tell_update(hub, sheet, incident, remotes, now)
        await save(connection, sheet, now)
        await told(connection, hub, "change", kept.incident, incident, actor)
        return Response(incident, True, "amended")

    response = await hub.database.transact(work)
    rung(hub)
    return response


async def rise(
    connection: Connection, hub: Hub, sheet: Sheet, incident: Incident, plan: Plan, severity: Severity,
    alerts: list[Alert], remotes: list[Remote], actor: Actor, now: datetime,
) -> tuple[Incident, Plan]:  # fmt: skip
    """Routed again at once: targets not yet paged are, and who has it already is asked again."""
    routed = _routed(hub, incident, severity, alerts, now)
    incident, line = worsened(incident, severity, routed, hub.policy, by=actor.shown)
    for reason in (line, *routed.reasons):
        sheet.tell(now, incident, reason, actor=actor.shown if reason is line else "")
    if routed.kind is not RouteKind.PAGE:
        return incident, plan
    steps = with_channels(routed.steps, routed.channels)
    fresh, lines = plan_for(
        steps, hub.policy, team=incident.team, now=now, delay=None, mailer=hub.mailer, repeat=routed.repeat
    )
    for line in lines:
        sheet.tell(now, incident, line)
    ruling = asked_again(incident, now)
    if ruling is not None:
        incident = replace(ruling.incident, life=incident.life + 1)
        for line in ruling.lines:
            sheet.tell(now, incident, line)
        for alert in alerts:
            alert_follows(sheet, alert.id, alert.status, ruling.alerts_become, actor, now)
        await tell_others(connection, hub, sheet, replace(ruling, incident=incident), actor, remotes, "", now)
    plan = ask.begin(fresh, plan, anew=ruling is not None, life=incident.life)
    breakers = await open_breakers(connection, now)
    plan, _ = ask.page(hub, sheet, incident, plan, remotes, breakers, now)
    return incident, plan


def _routed(hub: Hub, incident: Incident, severity: Severity, alerts: list[Alert], now: datetime) -> Route:
    like = _as_alert(incident, severity, alerts)
    policy = hub.policy
    service = policy.services.get(like.service)
    integration = policy.integrations.get(like.integration)
    origin = incident.origin or ("declared" if incident.declared else "")
    return route(like, severity, service, incident.team, integration, policy, now, origin=origin, waits=False)


def _as_alert(incident: Incident, severity: Severity, alerts: list[Alert]) -> Alert:
    """The worst alert that still fires in the incident's words; one made of the incident when none does."""
    worst = max(alerts, key=lambda a: a.severity.rank if a.severity else -1, default=None)
    if worst is not None:
        return replace(
            worst, severity=severity, services=incident.services or worst.services, team=incident.team
        )
    return Alert(
        id=AlertId(incident.id), integration="", scope="", source="declared" if incident.declared else "",
        dedup_key=str(incident.id), status=AlertStatus.OPEN, title=incident.title, description=incident.description,
        severity=severity, services=incident.services, team=incident.team, correlation_id=incident.correlation_id,
        first_event_at=incident.opened_at, last_event_at=incident.opened_at,
    )  # fmt: skip
