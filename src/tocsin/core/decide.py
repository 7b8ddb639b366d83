"""One alert, everything heard of it since it was last decided -> what becomes of it, and why.

Two pure steps, because grouping needs a look at other incidents in between:
`understand` classifies and routes; `conclude` puts the alert to an incident. The engine gathers before,
and saves after. Order inside: classify -> mute by quietness -> grace and reopen -> route -> group.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tocsin.core.classify import Classified, classify
from tocsin.core.dedup import Reading
from tocsin.core.facts import fact_sheet
from tocsin.core.lifecycle import Act, Ruling, rule
from tocsin.core.model import (
    Actor,
    ActorKind,
    Alert,
    AlertStatus,
    Event,
    Incident,
    IncidentId,
    IncidentStatus,
    Json,
    Line,
    Part,
)
from tocsin.core.paging import Plan, plan_for
from tocsin.core.policy import ConditionError, GroupingRule, Integration, Policy, RouteKind
from tocsin.core.route import Route, route
from tocsin.core.severity import Severity, worse


@dataclass(frozen=True, slots=True)
class Heard:
    """One event not decided yet, with the reading it got at the door."""

    event: Event
    reading: Reading
    reason: str
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything the decision may look at.

    `alert` is as admission left it (its `severity` that of the last decision, None for a new one).
    `incident` is the one it belongs to; `other_live` counts that incident's other live alerts.
    `previous` is the latest incident of an earlier alert with this key and `interval` how often its
    sender repeated (None = unknown). `mailer` names the connector that mails people.
    """

    alert: Alert
    heard: tuple[Heard, ...]
    integration: Integration | None
    incident: Incident | None = None
    other_live: int = 0
    previous: Incident | None = None
    interval: timedelta | None = None
    mailer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """What `understand` made of it. `severity` is the worst so far in this life (S6)."""

    classified: Classified
    severity: Severity
    rose: bool
    route: Route
    group_key: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of the alert. `incident` is the incident afterwards (its `number` is 0 when it is
    `opened`: the engine gives the next). `ruling` = an act on the incident that follows. `plan` = a page
    to begin (replaces the one under way). `tell_update` = the providers that hold it are told the text."""

    alert: Alert
    incident: Incident | None = None
    opened: bool = False
    joined: bool = False
    ruling: Ruling | None = None
    plan: Plan | None = None
    tell_update: bool = False
    lines: tuple[Line, ...] = ()
    record: Mapping[str, Json] | None = None


def understand(situation: Situation, policy: Policy, now: datetime) -> Understood:
    """Classify every repeat (S6), keep the worst, route by it, and work the grouping key out."""
    alert = situation.alert
    best: Classified | None = None
    for heard in situation.heard:
        if heard.reading in (Reading.NEW, Reading.SAME):
            c = classify(_as_heard(alert, heard.event), situation.integration, policy, now)
            if best is None or c.severity.rank >= best.severity.rank:
                best = c
    classified = best or classify(alert, situation.integration, policy, now)
    severity = worse(classified.severity, alert.severity) or classified.severity
    view = replace(alert, severity=severity, services=classified.services, team=classified.team)
    service = policy.services.get(view.service)
    routed = route(view, severity, service, classified.team, situation.integration, policy, now)
    key, lines = _group_key(view, situation.integration, policy, now)
    return Understood(
        classified=classified, severity=severity,
        rose=alert.severity is not None and severity.rank > alert.severity.rank,
        route=routed, group_key=key, lines=lines,
    )  # fmt: skip


def _as_heard(alert: Alert, event: Event) -> Alert:
    return replace(
        alert, title=event.title or alert.title, description=event.description or alert.description,
        sender_severity=event.severity or alert.sender_severity, labels=event.labels or alert.labels,
        tags=event.tags or alert.tags, details=event.details or alert.details,
        services=event.services or alert.services, team=event.team or alert.team, severity=None,
    )  # fmt: skip


def _group_key(
    alert: Alert, integration: Integration | None, policy: Policy, now: datetime
) -> tuple[str, tuple[Line, ...]]:
    """(key, lines); "" = not grouped: no rule, no service, or an absent, empty or failing key (S21)."""
    if not alert.service or not policy.grouping:
        return "", ()
    facts = fact_sheet(
        alert,
        severity=alert.severity,
        services=alert.services,
        team=alert.team,
        integration=integration,
        policy=policy,
        now=now,
    )
    for grouping in policy.grouping:
        try:
            if not grouping.when.holds(facts):
                continue
            value = grouping.by.value(facts) if grouping.by else alert.service
        except ConditionError as fault:
            text = f'The grouping rule "{grouping.name}" failed ({fault}): not grouped by it'
            return "", (Line(kind="rule_failed", text=text, reason="grouping"),)
        return (_scoped(alert, grouping, value) if value else ""), ()
    return "", ()


def _scoped(alert: Alert, grouping: GroupingRule, value: str) -> str:
    text = f"{alert.service}\x1f{grouping.name}\x1f{value}"
    return f"{grouping.name}:{hashlib.sha256(text.encode()).hexdigest()[:24]}"


def conclude(
    situation: Situation,
    understood: Understood,
    group: Incident | None,
    policy: Policy,
    now: datetime,
    new_id: IncidentId,
) -> Decision:
    """Put the alert to an incident. `group` = the open incident that has the grouping key, or None."""
    c, u = understood.classified, understood
    before = situation.alert
    alert = replace(before, severity=u.severity, services=c.services, team=c.team)
    told = (*_heard_lines(situation, before), *c.reasons)
    if alert.status is AlertStatus.RESOLVED:
        return _resolved(situation, u, alert, told, now)
    if situation.incident is not None:
        return _repeated(situation, u, alert, told, policy, now)
    if held := _held(situation, policy, now):
        muted = replace(alert, status=AlertStatus.DROPPED, muted_by=held)
        line = Line(kind="alert_dropped", text=f"Not paged now: {held}", reason="resolve_grace")
        return Decision(alert=muted, lines=(*told, line), record=_record(u, policy, held))
    if why := _quiet(alert, u):
        quiet = replace(alert, status=AlertStatus.DROPPED, muted_by=why)
        line = Line(kind="alert_dropped", text=f"Opens no incident: {why}", reason=u.route.kind.value)
        return Decision(alert=quiet, lines=(*told, *u.route.reasons, line), record=_record(u, policy, why))
    told = (*told, *u.route.reasons, *u.lines)
    if situation.previous is not None and _reopens(situation, policy, now):
        return _reopened(situation, situation.previous, u, alert, told, policy, now)
    if group is not None:
        return _joined(situation, group, u, alert, told, policy, now)
    return _opened(situation, u, alert, told, policy, now, new_id)


def _heard_lines(situation: Situation, alert: Alert) -> tuple[Line, ...]:
    """received and deduplicated, one line for the first event and one for all later ones together."""
    lines: list[Line] = []
    repeats = [h for h in situation.heard if h.reading is Reading.SAME]
    for heard in situation.heard:
        if heard.reading is Reading.NEW:
            text = f"{alert.integration}: {heard.event.title or alert.title}"
            lines.append(
                Line(kind="alert_received", text=text, reason="received", data={"key": alert.dedup_key})
            )
            lines.append(Line(kind="alert_deduplicated", text=f"New alert: {heard.reason}", reason="new"))
        elif heard.reading is Reading.ACKNOWLEDGED:
            lines.append(
                Line(kind="alert_acknowledged", text=f"{alert.integration} acknowledged it", reason="sender")
            )
        elif heard.reading is Reading.RESOLVED:
            lines.append(
                Line(kind="alert_resolved", text=f"{alert.integration}: {heard.reason}", reason="sender")
            )
        elif heard.reading is Reading.IGNORED:
            lines.append(
                Line(
                    kind="event_ignored",
                    text=f"{heard.event.action.value} ignored: {heard.reason}",
                    reason="ignored",
                )
            )
    if repeats:
        text = f"Repeated, {alert.count} times so far; text and details are those of the latest"
        lines.append(Line(kind="alert_repeated", text=text, reason="same", data={"count": alert.count}))
    return tuple(lines)


def _resolved(
    situation: Situation, u: Understood, alert: Alert, told: tuple[Line, ...], now: datetime
) -> Decision:
    incident = situation.incident
    if incident is None:
        line = Line(
            kind="alert_closed",
            text="Resolved before anybody was paged: nothing is sent",
            reason="never_paged",
        )
        return Decision(alert=alert, lines=(*told, line), record=None)
    if situation.other_live:
        line = Line(
            kind="waits_for_others",
            text=f"{situation.other_live} more alert(s) still fire",
            reason="others_live",
        )
        return Decision(alert=alert, incident=incident, lines=(*told, line))
    actor = Actor(ActorKind.SENDER, alert.integration, person=False)
    ruling = rule(incident, Act.RESOLVE, actor, now)
    return Decision(alert=alert, incident=ruling.incident, ruling=ruling, lines=told)


def _repeated(
    situation: Situation, u: Understood, alert: Alert, told: tuple[Line, ...], policy: Policy, now: datetime
) -> Decision:
    incident = situation.incident
    assert incident is not None
    if alert.status is AlertStatus.QUEUED:
        status = AlertStatus.ACKNOWLEDGED if incident.status is IncidentStatus.MITIGATED else AlertStatus.OPEN
        alert = replace(alert, status=status)
    acknowledged = [h for h in situation.heard if h.reading is Reading.ACKNOWLEDGED]
    if acknowledged and not situation.other_live and incident.status is IncidentStatus.OPEN:
        actor = Actor(ActorKind.SENDER, alert.integration, person=False)
        ruling = rule(incident, Act.ACKNOWLEDGE, actor, now)
        return Decision(alert=alert, incident=ruling.incident, ruling=ruling, lines=told)
    texts = any(h.reading is Reading.SAME for h in situation.heard)
    if not u.rose:
        after = (
            replace(incident, title=alert.title, description=alert.description)
            if texts and not situation.other_live
            else incident
        )
        return Decision(alert=alert, incident=after, tell_update=texts, lines=told)
    worst = worse(u.severity, incident.severity) or u.severity
    line = Line(
        kind="severity_rose",
        text=f"Worse: {incident.severity.value} -> {worst.value}; routed again",
        reason="rose",
    )
    after = replace(
        incident, severity=worst, policy=u.route.policy_name, rule=u.route.rule, config_version=policy.version
    )
    if u.route.kind is not RouteKind.PAGE:
        return Decision(alert=alert, incident=after, tell_update=True, lines=(*told, line))
    asks_again = ()
    if incident.status is IncidentStatus.MITIGATED:
        actor = Actor(ActorKind.TIMER, "tocsin", person=False)
        # the holder is asked again: what was acknowledged was less bad than this
        after = replace(
            after,
            status=IncidentStatus.OPEN,
            parts=tuple(
                replace(p, status=IncidentStatus.OPEN, changed_at=now, changed_by=actor.name)
                for p in after.parts
            ),
        )
        asks_again = (
            Line(
                kind="reopened",
                text=f"{incident.acknowledged_by or 'The holder'} is asked again",
                reason="rose",
            ),
        )
    plan, more = _plan(situation, u, policy, now)
    return Decision(
        alert=alert,
        incident=after,
        plan=plan,
        tell_update=True,
        lines=(*told, line, *asks_again, *u.route.reasons, *more),
    )


def _held(situation: Situation, policy: Policy, now: datetime) -> str:
    previous = situation.previous
    if previous is None or previous.status is not IncidentStatus.RESOLVED or previous.resolved_at is None:
        return ""
    if previous.resolved_by not in (ActorKind.PERSON, ActorKind.PROVIDER):
        return ""
    until = previous.resolved_at + policy.defaults.resolve_grace
    if now >= until:
        return ""
    return f"{previous.name} was resolved by a person; until {until:%H:%M:%S} UTC repeats only count (resolve_grace)"


def _reopens(situation: Situation, policy: Policy, now: datetime) -> bool:
    """S9: last resolved by a person or provider, within `reopen`, never a closed one (S10: a slow
    sender gets twice its own interval)."""
    previous = situation.previous
    if previous is None or previous.status is not IncidentStatus.RESOLVED or previous.resolved_at is None:
        return False
    if previous.resolved_by not in (ActorKind.PERSON, ActorKind.PROVIDER):
        return False
    window = max(policy.defaults.reopen, 2 * situation.interval if situation.interval else timedelta(0))
    return now < previous.resolved_at + window


def _quiet(alert: Alert, u: Understood) -> str:
    if alert.quiet and u.severity is Severity.LOW:
        return "the sender's own word for it means: not paged"
    if u.route.kind is RouteKind.SUPPRESS:
        return f'suppressed by the rule "{u.route.rule}"'
    if u.route.kind is RouteKind.DIGEST:
        return f'for the digest, by the rule "{u.route.rule}"'
    return ""


def _plan(
    situation: Situation, u: Understood, policy: Policy, now: datetime
) -> tuple[Plan, tuple[Line, ...]]:
    return plan_for(
        u.route.steps, policy, team=u.classified.team, now=now, delay=u.route.delay, mailer=situation.mailer
    )


def _reopened(
    situation: Situation,
    previous: Incident,
    u: Understood,
    alert: Alert,
    told: tuple[Line, ...],
    policy: Policy,
    now: datetime,
) -> Decision:
    actor = Actor(ActorKind.SENDER, alert.integration, person=False)
    ruling = rule(previous, Act.REOPEN, actor, now)
    line = Line(
        kind="still_broken",
        text=f"It still fires after it was resolved: {previous.name} is opened again",
        reason="still_fires",
    )
    after = replace(
        ruling.incident, severity=worse(u.severity, previous.severity) or u.severity, policy=u.route.policy_name,
        rule=u.route.rule, title=alert.title, description=alert.description, config_version=policy.version,
    )  # fmt: skip
    plan, more = _plan(situation, u, policy, now)
    joined = replace(alert, status=AlertStatus.OPEN, incident_id=previous.id, muted_by="")
    return Decision(
        alert=joined, incident=after, joined=True, ruling=replace(ruling, incident=after), plan=plan,
        lines=(*told, line, *more), record=_record(u, policy, ""),
    )  # fmt: skip


def _joined(
    situation: Situation,
    group: Incident,
    u: Understood,
    alert: Alert,
    told: tuple[Line, ...],
    policy: Policy,
    now: datetime,
) -> Decision:
    status = AlertStatus.ACKNOWLEDGED if group.status is IncidentStatus.MITIGATED else AlertStatus.OPEN
    joined = replace(alert, status=status, incident_id=group.id, muted_by="")
    line = Line(
        kind="alert_joined",
        text=f"Joins {group.name}: {alert.title}",
        reason="grouped",
        data={"correlation_id": alert.correlation_id},
    )
    if u.severity.rank <= group.severity.rank:
        return Decision(
            alert=joined, incident=group, joined=True, lines=(*told, line), record=_record(u, policy, "")
        )
    rose = Line(
        kind="severity_rose",
        text=f"Worse: {group.severity.value} -> {u.severity.value}; routed again",
        reason="rose",
    )
    after = replace(group, severity=u.severity, policy=u.route.policy_name, rule=u.route.rule)
    plan, more = _plan(situation, u, policy, now)
    return Decision(
        alert=joined, incident=after, joined=True, plan=plan, tell_update=True, lines=(*told, line, rose, *more),
        record=_record(u, policy, ""),
    )  # fmt: skip


def _opened(
    situation: Situation,
    u: Understood,
    alert: Alert,
    told: tuple[Line, ...],
    policy: Policy,
    now: datetime,
    new_id: IncidentId,
) -> Decision:
    previous = situation.previous
    acknowledged = alert.status is AlertStatus.ACKNOWLEDGED  # the sender did, before it was decided
    status = IncidentStatus.MITIGATED if acknowledged else IncidentStatus.OPEN
    services = alert.services or ("",)
    incident = Incident(
        id=new_id, number=0, title=alert.title, description=alert.description, severity=u.severity, status=status,
        correlation_id=alert.correlation_id, opened_at=now, team=u.classified.team,
        parts=tuple(Part(service=s, status=status, changed_at=now) for s in dict.fromkeys(services)),
        policy=u.route.policy_name, rule=u.route.rule, group_key=u.group_key, config_version=policy.version,
        recurrence_of=previous.number if previous else None, details=_facts(alert, u), links=alert.links,
    )  # fmt: skip
    opened = replace(
        alert,
        status=AlertStatus.ACKNOWLEDGED if acknowledged else AlertStatus.OPEN,
        incident_id=new_id,
        muted_by="",
    )
    text = f"Opened as {u.severity.sev}" + (f", again after {previous.name}" if previous else "")
    line = Line(kind="incident_opened", text=text, reason="recurrence" if previous else "opened")
    plan, more = _plan(situation, u, policy, now)
    return Decision(
        alert=opened,
        incident=incident,
        opened=True,
        plan=plan,
        lines=(*told, line, *more),
        record=_record(u, policy, ""),
    )


def _facts(alert: Alert, u: Understood) -> dict[str, Json]:
    """The same core facts for every provider (PR-2)."""
    facts: dict[str, Json] = {
        "integration": alert.integration,
        "source": alert.source,
        "key": alert.dedup_key,
    }
    facts |= {name: value for name, value in u.classified.enrichment.items() if value}
    facts |= {f"label {name}": value for name, value in alert.labels.items()}
    return facts


def _record(u: Understood, policy: Policy, muted: str) -> dict[str, Json]:
    """What `im explain` shows of a past decision (RO-9, RO-11)."""
    return {
        "severity": u.severity.value,
        "rule": u.route.rule,
        "route": u.route.kind.value,
        "policy": u.route.policy_name,
        "muted_by": muted,
        "reasons": [line.text for line in (*u.classified.reasons, *u.route.reasons)],
        "config_version": policy.version,
    }
