"""Has an alert gone on for as long as its integration lets it? Then it resolves by itself (S14, IN-7).

Never an acknowledged critical: somebody works on it. A repeat afterwards is treated as one after a person's
resolve (S10): the machine may have been wrong.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tocsin.core.decide import conclude
from tocsin.core.lifecycle import Act, rule
from tocsin.core.model import (
    Actor,
    ActorKind,
    Alert,
    AlertStatus,
    Incident,
    IncidentId,
    IncidentStatus,
    Line,
)
from tocsin.core.policy import Integration, Policy
from tocsin.core.severity import Severity
from tocsin.core.situation import Decision, Situation, Understood
from tocsin.core.values import replace

LOOK_AGAIN_AFTER = timedelta(minutes=15)
"""An acknowledged critical whose time is over is looked at again so much later: it may have been given back."""


def concluded(
    situation: Situation,
    meant: Understood,
    group: Incident | None,
    policy: Policy,
    now: datetime,
    new_id: IncidentId,
) -> Decision:
    """As `conclude`, but for an alert whose time is over and of which nothing was heard; every other is looked at
    again when its time is."""
    due = expires_at(situation.alert, situation.integration)
    over = due is not None and now >= due and situation.alert.live and not situation.heard
    if over and not _held(situation):
        return _expired(situation, now)
    decision = conclude(situation, meant, group, policy, now, new_id)
    due = expires_at(decision.alert, situation.integration)
    if due is None or not decision.alert.live:
        return decision
    if over:
        due = now + LOOK_AGAIN_AFTER
    looks = [at for at in (decision.look_again_at, due) if at]
    return replace(decision, look_again_at=min(looks))


def expires_at(alert: Alert, integration: Integration | None) -> datetime | None:
    """When it resolves by itself if nothing more is heard; None = never."""
    if integration is None or integration.auto_resolve is None:
        return None
    since = alert.last_event_at if integration.auto_resolve_from == "last_event" else alert.first_event_at
    return since + integration.auto_resolve


def _held(situation: Situation) -> bool:
    incident, alert = situation.incident, situation.alert
    acknowledged = alert.status is AlertStatus.ACKNOWLEDGED or (
        incident is not None and incident.status is IncidentStatus.MITIGATED
    )
    worst = Severity.CRITICAL in (alert.severity, incident.severity if incident else None)
    return acknowledged and worst


def _expired(situation: Situation, now: datetime) -> Decision:
    integration, incident = situation.integration, situation.incident
    assert integration is not None
    assert integration.auto_resolve is not None
    what = "since its last event" if integration.auto_resolve_from == "last_event" else "since it began"
    text = f"Resolved by itself: {integration.auto_resolve} {what} (auto_resolve of {integration.name})"
    lines = (Line(kind="alert_expired", text=text, reason="auto_resolve"),)
    alert = replace(
        situation.alert,
        status=AlertStatus.RESOLVED,
        resolved_at=now,
        resolved_by=ActorKind.TIMER,
        muted_by="",
    )
    if incident is None:
        return Decision(alert=alert, lines=lines)
    if situation.other_live:
        more = Line(
            kind="waits_for_others",
            text=f"{situation.other_live} more alert(s) still fire",
            reason="others_live",
        )
        return Decision(alert=alert, incident=incident, lines=(*lines, more))
    ruling = rule(incident, Act.RESOLVE, Actor(ActorKind.TIMER, "auto_resolve", person=False), now)
    return Decision(alert=alert, incident=ruling.incident, ruling=ruling, lines=lines)
