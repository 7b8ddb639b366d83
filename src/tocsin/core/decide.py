"""One alert, everything heard of it since it was last decided -> what becomes of it, and why.

Two pure steps, because grouping needs a look at other incidents in between:
`understand` classifies and routes; `conclude` puts the alert to an incident. The engine gathers before,
and saves after. Order inside: classify -> mute by quietness -> grace and reopen -> route -> group.
"""

from __future__ import annotations

from datetime import datetime

from tocsin.core.alarm import is_alarm
from tocsin.core.canary import as_canary
from tocsin.core.classify import Classified, classify
from tocsin.core.dedup import Reading
from tocsin.core.flap import flapping
from tocsin.core.grouping import group_key
from tocsin.core.heard import heard_lines
from tocsin.core.joining import joined
from tocsin.core.lifecycle import Act, Ruling, rule, stopped_early
from tocsin.core.model import (
    Actor,
    ActorKind,
    Alert,
    AlertStatus,
    Event,
    Incident,
    IncidentId,
    IncidentStatus,
    Line,
    Part,
)
from tocsin.core.mute import Muting, muting
from tocsin.core.owed import Owed, put_off, still_owed
from tocsin.core.parts import grown, with_parts
from tocsin.core.plan import Plan
from tocsin.core.planned import planned
from tocsin.core.policy import Policy, RouteKind
from tocsin.core.promote import way_of
from tocsin.core.quiet import Quiet, collected, quiet, record_of_quiet, unmuted, would_have_paged, would_page
from tocsin.core.record import core_facts, record_of
from tocsin.core.rise import asked_again, worsened
from tocsin.core.severity import worse
from tocsin.core.situation import Decision, Situation, Understood
from tocsin.core.storm import is_storm
from tocsin.core.values import replace


def understand(situation: Situation, policy: Policy, now: datetime) -> Understood:
    """Classify every repeat (S6), keep the worst, route by it, and work the grouping key out."""
    alert = situation.alert
    best: Classified | None = None
    worst, acknowledged = alert.severity, False
    for heard in situation.heard:
        if heard.reading in (Reading.NEW, Reading.SAME):
            c = classify(_as_heard(alert, heard.event), situation.integration, policy, now)
            if best is None or c.severity.rank >= best.severity.rank:
                best = c
            acknowledged = acknowledged and worst is not None and c.severity.rank <= worst.rank
            worst = worse(worst, c.severity)
        elif heard.reading is Reading.ACKNOWLEDGED:
            acknowledged = True
    classified = best or classify(alert, situation.integration, policy, now)
    severity = worse(classified.severity, alert.severity) or classified.severity
    found = replace(alert, severity=severity, services=classified.services, team=classified.team)
    routed = way_of(found, alert.severity, situation.integration, policy, now)
    key, lines = group_key(found, situation.integration, policy, now)
    meant = Understood(
        alert=found, classified=classified, severity=severity,
        rose=alert.severity is not None and severity.rank > alert.severity.rank,
        route=routed, group_key=key, lines=lines, acknowledged=acknowledged,
    )  # fmt: skip
    return as_canary(meant, alert, policy)


def _as_heard(alert: Alert, event: Event) -> Alert:
    return replace(
        alert, title=event.title or alert.title, description=event.description or alert.description,
        sender_severity=event.severity or alert.sender_severity, labels=event.labels or alert.labels,
        tags=event.tags or alert.tags, details=event.details or alert.details,
        services=event.services, team=event.team, severity=None,
    )  # fmt: skip


def conclude(
    situation: Situation,
    understood: Understood,
    group: Incident | None,
    policy: Policy,
    now: datetime,
    new_id: IncidentId,
) -> Decision:
    """Put the alert to an incident. `group` = the open incident that has the grouping key, or None."""
    u, alert, before = understood, understood.alert, situation.alert
    # what a rule set is told when something was heard; a look that finds all as it was says nothing
    told = (*heard_lines(situation, before), *(u.classified.reasons if situation.heard else ()))
    if alert.status is AlertStatus.RESOLVED and situation.paged_blind and situation.incident is None:
        return _opened_and_over(situation, u, alert, told, policy, now, new_id)
    if alert.status is AlertStatus.RESOLVED:
        return _resolved(situation, alert, told, policy, now)
    held = muting(situation, alert, policy, now)
    told = (*told, *held.failed)
    if situation.incident is not None:
        return _repeated(situation, u, alert, told, held, policy, now)
    if not situation.paged_blind and (why := quiet(situation, u, alert, held, policy, now)):
        return _dropped(situation, u, alert, told, why, policy, now)
    told = (*told, *unmuted(before, u, now))
    told = (*told, *u.route.reasons, *u.lines)
    if situation.previous is not None and _reopens(situation, policy, now):
        return _reopened(situation, situation.previous, u, alert, told, policy, now)
    # its own earlier incident is open still, or again: nobody needs a second one for the same condition
    home = situation.previous if situation.previous is not None and situation.previous.open else group
    if home is not None:
        return joined(situation, home, u, alert, told, policy, now)
    return _opened(situation, u, alert, told, policy, now, new_id)


def is_quiet(situation: Situation, understood: Understood, policy: Policy, now: datetime) -> bool:
    """True when `conclude` will find that an alert without an incident pages nobody now."""
    held = muting(situation, understood.alert, policy, now)
    return quiet(situation, understood, understood.alert, held, policy, now) is not None


def _dropped(
    situation: Situation, u: Understood, alert: Alert, told: tuple[Line, ...], why: Quiet, policy: Policy,
    now: datetime,
) -> Decision:  # fmt: skip
    """It opens no incident, and says what keeps it quiet; said once, however often it is decided again."""
    before = situation.alert
    way = would_page(situation, u, alert, policy, now)
    kept = collected(situation, u, why, way, now)
    if before.status is not AlertStatus.DROPPED or before.muted_by != why.by:
        text = f"{why.verb}: {why.why or why.by}; {would_have_paged(way)}"
        if kept is not None and kept.review:
            text += (
                f"; told in the review of that rule, {kept.due:%Y-%m-%d %H:%M} UTC to {', '.join(kept.to)}"
            )
        line = Line(kind="alert_dropped", text=text, reason=why.reason)
        told = (*told, *u.route.reasons, line)
    since = situation.muted_since or now
    record = record_of(u.severity, u.classified, u.route, policy, why.by) | record_of_quiet(why, way, since)
    return Decision(
        alert=replace(alert, status=AlertStatus.DROPPED, muted_by=why.by), lines=told, record=record,
        look_again_at=why.look_again_at, collected=kept,
    )  # fmt: skip


def _resolved(
    situation: Situation, alert: Alert, told: tuple[Line, ...], policy: Policy, now: datetime
) -> Decision:
    """It is over. The incident of a key that flaps is held open until the key is quiet (S15): this alert is then
    looked at again, and ends it if nothing more happened."""
    incident = situation.incident
    first = bool(situation.heard)
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
        return Decision(alert=alert, incident=incident, lines=(*told, line) if first else told)
    flaps = None if is_alarm(alert) else flapping(situation.lives, policy.defaults.flap, now)
    if flaps and incident.open:
        text = f"Held open: it flaps ({flaps.lives} times lately), and is resolved at {flaps.quiet_at:%H:%M:%S} UTC if it stays quiet"
        line = Line(kind="held_open", text=text, reason="flap")
        told = (*told, line) if first else told
        return Decision(alert=alert, incident=incident, lines=told, look_again_at=flaps.quiet_at)
    actor = Actor(ActorKind.SENDER, alert.integration, person=False)
    ruling = rule(incident, Act.RESOLVE, actor, now)
    return Decision(alert=alert, incident=ruling.incident, ruling=ruling, lines=told)


def _repeated(
    situation: Situation, u: Understood, alert: Alert, told: tuple[Line, ...], held: Muting, policy: Policy,
    now: datetime,
) -> Decision:  # fmt: skip
    """One more of an alert that has its incident. A mute that holds leaves the incident as it is and keeps back
    what this alert would ask for anew; that is owed, and paid when no mute holds any more (`core/owed.py`)."""
    incident = situation.incident
    assert incident is not None
    owed = bool(situation.alert.muted_by)
    if alert.status is AlertStatus.QUEUED:
        status = AlertStatus.ACKNOWLEDGED if incident.status is IncidentStatus.MITIGATED else AlertStatus.OPEN
        alert = replace(alert, status=status)
    texts = any(h.reading is Reading.SAME for h in situation.heard)
    whole = texts and not situation.other_live and not is_storm(incident)
    after = _latest(incident, alert, u) if whole else incident
    # an alert that gets worse, but not as bad as its incident is, changes nothing for those who respond
    worse_now = u.rose and u.severity.rank > incident.severity.rank
    acknowledged = u.acknowledged and not situation.other_live
    # but a snooze was for what it was then (S6, S26)
    breaks = u.rose and incident.snoozed_until is not None
    plan: Plan | None = None
    later: Owed | None = None
    grows = any(name and name not in incident.services for name in alert.services)
    if held.mutes and (worse_now or breaks or owed or grows):
        later = put_off(situation, u, alert, after, held, policy, now)
        alert, after, told = later.alert, later.incident, (*told, *later.lines)
    elif worse_now or owed:
        told = (*told, *unmuted(situation.alert, u, now))
        alert = replace(alert, muted_by="")
        if worse_now:
            after, line = worsened(after, u.severity, u.route, policy)
            told = (*told, line)
        if u.route.kind is RouteKind.PAGE and (worse_now or still_owed(situation, incident)):
            plan, more = planned(situation, u, policy, now)
            told = (*told, *u.route.reasons, *more)
    ruling: Ruling | None = None
    if acknowledged and after.status is IncidentStatus.OPEN:
        ruling = rule(after, Act.ACKNOWLEDGE, Actor(ActorKind.SENDER, alert.integration, person=False), now)
    elif (plan is not None or (breaks and not held.mutes)) and not u.acknowledged:
        alert = replace(alert, status=AlertStatus.OPEN)
        ruling = asked_again(after, now)
    after, ruling, more = grown(
        ruling.incident if ruling else after, ruling, alert, now, also=not acknowledged and not held.mutes
    )
    return Decision(
        alert=alert, incident=after, ruling=ruling, plan=plan, tell_update=texts or worse_now, lines=(*told, *more),
        page_again=bool(more) and ruling is None and incident.status is IncidentStatus.MITIGATED,
        record=later.record if later else None, look_again_at=later.look_again_at if later else None,
    )  # fmt: skip


def _latest(incident: Incident, alert: Alert, u: Understood) -> Incident:
    """S6: text, details and links are those of the latest repeat, but for what a person wrote (S40)."""
    hand = incident.by_hand
    return replace(
        incident,
        title=incident.title if "title" in hand else alert.title,
        description=incident.description if "description" in hand else alert.description,
        details=core_facts(alert, u.classified),
        links=alert.links,
        fields=incident.fields if "fields" in hand else {**incident.fields, **u.route.fields},
    )


def _reopens(situation: Situation, policy: Policy, now: datetime) -> bool:
    """S9: last resolved by a person, a provider or auto_resolve, within `reopen`, never a closed one (S10: a slow
    sender gets twice its own interval)."""
    previous = situation.previous
    if previous is None or previous.status is not IncidentStatus.RESOLVED or previous.resolved_at is None:
        return False
    if not stopped_early(previous):
        return False
    window = policy.defaults.reopen
    if situation.interval and situation.interval > window:
        window = 2 * situation.interval
    return now < previous.resolved_at + window


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
        rule=u.route.rule, config_version=policy.version,
    )  # fmt: skip
    after, further = with_parts(_latest(after, alert, u), alert.services, now)
    plan, more = planned(situation, u, policy, now)
    again = replace(alert, status=AlertStatus.OPEN, incident_id=previous.id, muted_by="")
    return Decision(
        alert=again, incident=after, joined=True, ruling=replace(ruling, incident=after), plan=plan,
        lines=(*told, line, *further, *more), record=record_of(u.severity, u.classified, u.route, policy, ""),
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
    # the sender did, before it was decided, and nothing worse came after it
    acknowledged = alert.status is AlertStatus.ACKNOWLEDGED and u.acknowledged
    status = IncidentStatus.MITIGATED if acknowledged else IncidentStatus.OPEN
    services = alert.services or ("",)
    incident = Incident(
        id=new_id, number=0, title=alert.title, description=alert.description, severity=u.severity, status=status,
        correlation_id=alert.correlation_id, opened_at=now, team=u.classified.team,
        acknowledged_at=now if acknowledged else None, acknowledged_by=alert.integration if acknowledged else "",
        parts=tuple(Part(service=s, status=status, changed_at=now) for s in dict.fromkeys(services)),
        policy=u.route.policy_name, rule=u.route.rule, group_key=u.group_key, config_version=policy.version,
        recurrence_of=previous.number if previous else None, details=core_facts(alert, u.classified), links=alert.links,
        fields=dict(u.route.fields),
    )  # fmt: skip
    opened = replace(
        alert,
        status=AlertStatus.ACKNOWLEDGED if acknowledged else AlertStatus.OPEN,
        incident_id=new_id,
        muted_by="",
    )
    text = f"Opened as {u.severity.sev}" + (f", again after {previous.name}" if previous else "")
    line = Line(kind="incident_opened", text=text, reason="recurrence" if previous else "opened")
    plan, more = planned(situation, u, policy, now)
    return Decision(
        alert=opened,
        incident=incident,
        opened=True,
        plan=plan,
        lines=(*told, line, *more),
        record=record_of(u.severity, u.classified, u.route, policy, ""),
    )


def _opened_and_over(
    situation: Situation,
    u: Understood,
    alert: Alert,
    told: tuple[Line, ...],
    policy: Policy,
    now: datetime,
    new_id: IncidentId,
) -> Decision:
    """Paged and resolved while the database was away: who was paged is told that it is over (S47)."""
    live = replace(alert, status=AlertStatus.OPEN)
    opened = _opened(situation, u, live, (*told, *u.route.reasons), policy, now, new_id)
    assert opened.incident is not None
    ruling = rule(opened.incident, Act.RESOLVE, Actor(ActorKind.SENDER, alert.integration, person=False), now)
    over = replace(opened.alert, status=AlertStatus.RESOLVED)
    return replace(opened, alert=over, incident=ruling.incident, ruling=ruling, plan=None)
