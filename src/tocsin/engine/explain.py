"""Why did an alert go where it went, where would it go today, and what would have stopped the page? (RO-9)

The deciding is pure (`verdict`); around it only what was recorded is gathered. A past alert is decided again
under the very version it was decided under: versions are never changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from tocsin import policy as policies
from tocsin.core.classify import classify
from tocsin.core.errors import BadInput, FieldFault, NotFound, Refusal
from tocsin.core.model import Alert, AlertId, AlertStatus, CorrelationId, Event, Incident, Json
from tocsin.core.plan import with_channels
from tocsin.core.policy import Integration, Policy, RouteKind, Step
from tocsin.core.ports import Malformed, Request, SourceContext
from tocsin.core.route import Route, route
from tocsin.core.severity import Severity
from tocsin.engine.hub import Hub
from tocsin.store import configs, incidents, reading
from tocsin.store.database import Connection
from tocsin.store.reading import AlertView

_API = "api"
_NOT_PAGED = "the sender's own word for it means: not paged"  # S54
_MUTES = (RouteKind.DIGEST, RouteKind.SUPPRESS)
_WORDS = {
    RouteKind.DIGEST: "put it into a digest",
    RouteKind.SUPPRESS: "suppressed it",
    RouteKind.PAGE: "paged",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a policy says of an alert at an instant. `muted_by` = why it pages nobody although a rule would have
    it paged; `stopped_by` = what would have kept it from paging."""

    severity: Severity
    services: tuple[str, ...]
    team: str
    route: Route
    reasons: tuple[str, ...]
    stopped_by: tuple[str, ...]
    muted_by: str
    version: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """`then` is under the version and at the time of the recorded decision, `now` under today's; for an
    imagined alert there is `then` alone."""

    alert: Alert
    then: Verdict
    incident: str | None = None
    recorded: Mapping[str, Json] | None = None
    now: Verdict | None = None


def verdict(
    alert: Alert, integration: Integration | None, policy: Policy, at: datetime, *, origin: str = ""
) -> Verdict:
    """Classify and route an alert as its sender told it, at an aware instant."""
    if origin:
        services, team, severity, told = (
            alert.services,
            alert.team,
            alert.severity or Severity.MEDIUM,
            tuple[str, ...](),
        )
    else:
        classified = classify(alert, integration, policy, at)
        services, team, severity = classified.services, classified.team, classified.severity
        told = tuple(line.text for line in classified.reasons)
    view = replace(alert, severity=severity, services=services, team=team)
    routed = _routed(view, integration, policy, at, origin, explain=True)
    reasons = (*told, *(line.text for line in routed.reasons))
    muted = _NOT_PAGED if alert.quiet and severity is Severity.LOW and routed.kind is RouteKind.PAGE else ""
    stopped = () if muted else tuple(_stopped_by(view, routed, integration, policy, at, origin))
    return Verdict(
        severity=severity, services=services, team=team, route=routed, reasons=reasons, stopped_by=stopped, muted_by=muted,
        version=policy.version, at=at,
    )  # fmt: skip


def _routed(
    view: Alert, integration: Integration | None, policy: Policy, at: datetime, origin: str, *, explain: bool
) -> Route:
    severity = view.severity or Severity.MEDIUM
    service = policy.services.get(view.service)
    return route(view, severity, service, view.team, integration, policy, at, origin=origin, explain=explain)


def _stopped_by(
    view: Alert, taken: Route, integration: Integration | None, policy: Policy, at: datetime, origin: str
) -> Iterator[str]:
    """Each tried by deciding again with one thing changed, not guessed."""
    if taken.kind is not RouteKind.PAGE:
        return
    lower = [s for s in Severity if s.rank < (view.severity or Severity.MEDIUM).rank]
    for severity in lower:
        other = _routed(replace(view, severity=severity), integration, policy, at, origin, explain=False)
        if other.kind in _MUTES:
            yield f"severity {severity.value} instead of {view.severity}: rule “{other.rule}” would have {_WORDS[other.kind]}"
            break
    muting = {rule.name: rule for rule in policy.routing if rule.kind in _MUTES and not rule.continues}
    for name, why in taken.not_taken:
        if name in muting:
            yield f"rule “{name}”, which comes first and would have {_WORDS[muting[name].kind]}; {why}"
    rest = tuple(rule for rule in policy.routing if rule.name != taken.rule)
    if len(rest) < len(policy.routing) and any(
        not rule.default for rule in policy.routing if rule not in rest
    ):
        other = _routed(
            view, integration, replace(policy, routing=rest, routing_index=None), at, origin, explain=False
        )
        if other.kind in _MUTES:
            yield f"without rule “{taken.rule}”: rule “{other.rule}” would have {_WORDS[other.kind]}"
    if taken.delay:
        yield f"a resolve within {span(taken.delay)}: a rule delays the page for so long"


def span(of: timedelta) -> str:
    """ "15m", "1h", "3s": as the configuration writes it."""
    seconds = of.total_seconds()
    for unit, length in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds and seconds % length == 0:
            return f"{int(seconds // length)}{unit}"
    return f"{seconds:g}s"


def steps_of(verdict: Verdict) -> tuple[Step, ...]:
    """The steps that would be taken, with the channels that rules and the integration add."""
    return () if verdict.muted_by else with_channels(verdict.route.steps, verdict.route.channels)


# ---- what came -----------------------------------------------------------------------------------------


async def explain_alert(hub: Hub, alert_id: UUID) -> Explained:
    """Explain an alert that came. Raises NotFound."""

    async def work(connection: Connection) -> Explained:
        view = await reading.alert(connection, alert_id)
        if view is None:
            raise NotFound(f"There is no alert {alert_id}", hint="`im api alerts` lists them")
        return await _explained(connection, hub, view)

    return await hub.database.read(work)


async def explain_incident(hub: Hub, name: str) -> Explained:
    """Explain the alert that opened an incident; a declared one by itself. Raises NotFound."""

    async def work(connection: Connection) -> Explained:
        incident_id = await incidents.id_of(connection, name)
        if incident_id is None:
            raise NotFound(f"There is no incident {name}", hint="`im list --status all` shows every incident")
        view = await reading.leading_alert(connection, incident_id)
        if view is not None:
            return await _explained(connection, hub, view)
        incident = (await incidents.load(connection, [incident_id]))[incident_id].incident
        then = await _policy_of(connection, hub, incident.config_version)
        like = _like_declared(incident)
        return Explained(
            alert=like, incident=incident.name,
            then=verdict(like, None, then, incident.opened_at, origin="declared"),
            now=verdict(like, None, hub.policy, hub.now(), origin="declared"),
        )  # fmt: skip

    return await hub.database.read(work)


async def _explained(connection: Connection, hub: Hub, view: AlertView) -> Explained:
    told = await reading.last_told(connection, view.alert.id)
    alert = as_told(view.alert, told) if told else replace(view.alert, severity=None)
    version = int((view.decision or {}).get("config_version") or view.config_version)
    policy = await _policy_of(connection, hub, version)
    name = alert.integration
    return Explained(
        alert=view.alert, incident=view.incident, recorded=view.decision,
        then=verdict(alert, policy.integrations.get(name), policy, view.alert.first_event_at),
        now=verdict(alert, hub.policy.integrations.get(name), hub.policy, hub.now()),
    )  # fmt: skip


async def _policy_of(connection: Connection, hub: Hub, version: int) -> Policy:
    """The configuration of that version; today's when it cannot be had any more."""
    if version == hub.policy.version:
        return hub.policy
    stored = await configs.get(connection, version)
    if stored is None:
        return hub.policy
    try:
        return policies.compile_document(
            stored.document,
            version=version,
            known_sources=hub.known_sources,
            known_providers=hub.known_providers,
        )
    except Refusal:
        return hub.policy


def as_told(alert: Alert, event: Event) -> Alert:
    """The alert as before any decision: in its sender's own words."""
    return replace(
        alert, status=AlertStatus.QUEUED, title=event.title or alert.title, description=event.description,
        severity=None, sender_severity=event.severity, quiet=event.quiet, services=event.services, team=event.team,
        labels=event.labels, tags=event.tags, details=event.details,
    )  # fmt: skip


def _like_declared(incident: Incident) -> Alert:
    at = incident.opened_at
    return Alert(
        id=AlertId(incident.id), integration="", scope="", source="declared", dedup_key=str(incident.id),
        status=AlertStatus.OPEN, title=incident.title, description=incident.description, severity=incident.severity,
        services=incident.services, team=incident.team, correlation_id=incident.correlation_id, first_event_at=at,
        last_event_at=at,
    )  # fmt: skip


# ---- what is imagined ------------------------------------------------------------------------------------


def explain_imagined(hub: Hub, body: Mapping[str, Json], at: datetime | None) -> Explained:
    """Explain an alert nobody sent: the body of `POST /api/v1/alerts`. Raises BadInput naming the field."""
    now = hub.now()
    request = Request(method="POST", path="/api/v1/alerts", body=msgspec.json.encode(dict(body)))
    try:
        events = hub.sources[_API].module.parse(request, SourceContext(integration=_API))
    except Malformed as fault:
        field = f"alert.{fault.field_path}" if fault.field_path else "alert"
        raise BadInput(
            "The imagined alert is not right", faults=(FieldFault(field, fault.message),)
        ) from None
    alert = imagined(events[0], at or now)
    integration = hub.policy.integrations.get(_API)
    return Explained(alert=alert, then=verdict(alert, integration, hub.policy, at or now))


def imagined(event: Event, at: datetime) -> Alert:
    """An alert that one event would make."""
    nobody = AlertId(UUID(int=0))
    return Alert(
        id=nobody, integration=_API, scope=_API, source=event.source or _API, dedup_key=event.dedup_key,
        status=AlertStatus.QUEUED, title=event.title, description=event.description,
        correlation_id=CorrelationId(""), first_event_at=at, last_event_at=at, sender_severity=event.severity,
        quiet=event.quiet, services=event.services, team=event.team, labels=event.labels, tags=event.tags,
        details=event.details, links=event.links,
    )  # fmt: skip
