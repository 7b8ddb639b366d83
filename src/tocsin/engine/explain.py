"""Why did an alert go where it went, where would it go today, and what would have stopped the page? (RO-9)

The deciding is pure (`verdict`); around it only what was recorded is gathered. A past alert is decided again
under the very version it was decided under: versions are never changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from tocsin import policy as policies
from tocsin.core.alias import told as keys_told
from tocsin.core.breaker import BreakerState
from tocsin.core.errors import BadInput, FieldFault, NotFound, Refusal
from tocsin.core.explain import Asked, NotTaken, not_taken, outcome, stopped_by, timing, would_page_if
from tocsin.core.model import Alert, AlertId, AlertStatus, CorrelationId, Event, Incident, Json
from tocsin.core.mute import depends_on
from tocsin.core.plan import with_channels
from tocsin.core.policy import Policy, RouteKind, Step
from tocsin.core.ports import Malformed, Request, SourceContext
from tocsin.core.route import Route, route
from tocsin.core.severity import Severity
from tocsin.core.situation import Parent
from tocsin.core.values import replace
from tocsin.engine.ask import newest, paused
from tocsin.engine.hub import Hub
from tocsin.store import aliases, configs, incidents, outbox, reading
from tocsin.store.breakers import open_breakers
from tocsin.store.database import Connection
from tocsin.store.outbox import Remote
from tocsin.store.parents import parents
from tocsin.store.reading import AlertView

_API = "api"
_MOST_KEYS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a policy says of an alert at an instant. `muted_by` = why it pages nobody although a rule would have
    it paged, until `muted_until` where that is known; `would_page` = whom it would then page, `page_if` = what
    would make it page; `stopped_by` = what would have kept it from paging. `timing` = when who is asked."""

    severity: Severity
    services: tuple[str, ...]
    team: str
    route: Route
    reasons: tuple[str, ...]
    stopped_by: tuple[str, ...]
    muted_by: str
    version: int
    at: datetime
    muted_until: datetime | None = None
    would_page: Route | None = None
    page_if: tuple[str, ...] = ()
    timing: tuple[str, ...] = ()
    not_taken: tuple[NotTaken, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetTold:
    """One target that was asked, and how far it came; `why` says why it is not the one that has the page."""

    target: str
    service: str
    state: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """`then` is under the version and at the time of the recorded decision, `now` under today's; for an
    imagined alert there is `then` alone. `joined` = why what came under other keys is counted to it (S11)."""

    alert: Alert
    then: Verdict
    incident: str | None = None
    recorded: Mapping[str, Json] | None = None
    targets: tuple[TargetTold, ...] = ()
    now: Verdict | None = None
    joined: tuple[str, ...] = ()


def verdict(asked: Asked) -> Verdict:
    """Classify and route an alert as its sender told it, mute it, and try what would have changed that."""
    taken = outcome(asked, explain=True)
    view, way = taken.view, taken.route
    assert view.severity is not None
    would = None
    if not taken.pages:
        service = asked.policy.services.get(view.service)
        would = way if way.kind is RouteKind.PAGE else route(
            view, view.severity, service, view.team, asked.integration, asked.policy, asked.at, origin=asked.origin,
            pages_only=True,
        )  # fmt: skip
    return Verdict(
        severity=view.severity, services=view.services, team=view.team, route=way,
        reasons=tuple(line.text for line in (*taken.reasons, *way.reasons, *taken.held.failed)),
        stopped_by=tuple(stopped_by(asked, taken)), muted_by=taken.muted_by, muted_until=taken.held.until,
        would_page=would, page_if=tuple(would_page_if(asked, taken)), timing=tuple(timing(taken)),
        not_taken=tuple(not_taken(asked, taken)), version=asked.policy.version, at=asked.at,
    )  # fmt: skip


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

        def asked(policy: Policy, at: datetime) -> Asked:
            return Asked(alert=like, integration=None, policy=policy, at=at, origin="declared")

        return Explained(
            alert=like, incident=incident.name, then=verdict(asked(then, incident.opened_at)),
            now=verdict(asked(hub.policy, hub.now())), targets=await _targets(connection, hub, incident_id, hub.now()),
        )  # fmt: skip

    return await hub.database.read(work)


async def _explained(connection: Connection, hub: Hub, view: AlertView) -> Explained:
    told = await reading.last_told(connection, view.alert.id)
    alert = as_told(view.alert, told) if told else replace(view.alert, severity=None)
    version = int((view.decision or {}).get("config_version") or view.config_version)
    policy = await _policy_of(connection, hub, version)
    name, now = alert.integration, hub.now()
    then = Asked(
        alert=alert, integration=policy.integrations.get(name), policy=policy, at=view.alert.first_event_at,
        mutes=policy.maintenance,
    )  # fmt: skip
    today = Asked(
        alert=alert, integration=hub.policy.integrations.get(name), policy=hub.policy, at=now, mutes=hub.mutes,
        parents=await _parents(connection, hub, view.alert),
    )  # fmt: skip
    told_to = await _targets(connection, hub, view.alert.incident_id, now) if view.alert.incident_id else ()
    keys = await aliases.of_alert(connection, view.alert.id, _MOST_KEYS)
    return Explained(
        alert=view.alert, incident=view.incident, recorded=view.decision, then=verdict(then), now=verdict(today),
        targets=told_to, joined=keys_told(view.alert, keys),
    )  # fmt: skip


async def _parents(connection: Connection, hub: Hub, alert: Alert) -> tuple[Parent, ...]:
    """What is down now of what its service depends on, but for its own incident."""
    found = await parents(connection, depends_on(alert.service, hub.policy.services) or (), ())
    return tuple(parent for parent in found if parent.incident_id != alert.incident_id)


async def _targets(
    connection: Connection, hub: Hub, incident_id: UUID, now: datetime
) -> tuple[TargetTold, ...]:
    """Everybody who was asked in the incident's newest life, in the order of asking."""
    breakers = await open_breakers(connection, now) | paused(hub)
    held = newest(await outbox.remotes_of(connection, incident_id)).values()
    return tuple(told_of(remote, breakers) for remote in sorted(held, key=lambda r: (r.asked_at, r.id)))


def told_of(remote: Remote, open_breakers: Mapping[str, BreakerState]) -> TargetTold:
    """How far the page came at one target, by the rungs of S27."""
    target = f"{remote.recipient} by {remote.connector}" if remote.recipient else remote.connector
    if remote.superseded_at:
        state, why = "superseded", _gave_way(remote.fault)
    elif remote.failed_at and not remote.created_at:
        state, why = "failed", remote.fault
    elif remote.created_at and remote.failed_at:
        state, why = "created", f"it rings nobody there: {remote.fault}"
    elif remote.created_at:
        state = remote.status.value if remote.status.value != "unknown" else "created"
        why = (
            "" if remote.notified_at or state != "triggered" else "created there; nobody is seen notified yet"
        )
    elif remote.connector in open_breakers:
        held = open_breakers[remote.connector] is BreakerState.PAUSED
        state, why = "waiting", "it is paused" if held else "its breaker is open"
        why += f": {remote.fault}" if remote.fault and not held else ""
    else:
        state, why = "waiting", remote.fault or "not created there yet"
    return TargetTold(target=target, service=remote.service, state=state, why=why)


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


def _gave_way(fault: str) -> str:
    """The withdrawal's own words where it left them, else that and the fault which it had before."""
    if fault.startswith("superseded: "):
        return fault.removeprefix("superseded: ")
    return f"another target has it; this one failed before: {fault}" if fault else "another target has it"


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
    asked = Asked(alert=alert, integration=integration, policy=hub.policy, at=at or now, mutes=hub.mutes)
    return Explained(alert=alert, then=verdict(asked))


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
