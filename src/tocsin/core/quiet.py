"""Why does this alert page nobody now, and when is it looked at again? (S5, S7, S10, S23)

In this order: the time after a person's resolve, the sender's own word, the rule that took it. Every answer names
what keeps the alert quiet; one that has an end says when, and the alert is decided again then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tocsin.core.model import ActorKind, Alert, AlertStatus, Incident
from tocsin.core.policy import Policy, RouteKind
from tocsin.core.severity import Severity
from tocsin.core.situation import Situation, Understood

SILENT_AFTER = 2
"""A sender that repeated is taken to have stopped when it stays away for so many of its own intervals (S10)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """`by` names what keeps it quiet, for people; `reason` is the stable word; `verb` begins the timeline's line.
    `look_again_at` None = only what is heard of it can change that."""

    by: str
    reason: str
    verb: str = "Not paged now"
    look_again_at: datetime | None = None


def quiet(situation: Situation, u: Understood, alert: Alert, policy: Policy, now: datetime) -> Quiet | None:
    """What keeps an alert without an incident from paging at `now`; None = it pages."""
    if found := _grace(situation, policy, now):
        return found
    if alert.quiet and u.severity is Severity.LOW:
        return _ruled("the sender's own word for it means: not paged", u)
    if u.route.kind is RouteKind.SUPPRESS:
        return _ruled(f'suppressed by the rule "{u.route.rule}"', u)
    if u.route.kind is RouteKind.DIGEST:
        return _ruled(f'for the digest, by the rule "{u.route.rule}"', u)
    return None


def _ruled(by: str, u: Understood) -> Quiet:
    return Quiet(by=by, reason=u.route.kind.value, verb="Opens no incident")


def _grace(situation: Situation, policy: Policy, now: datetime) -> Quiet | None:
    """S10: what comes soon after a person's resolve only counts.

    The first repeat after that time reopens. A sender that repeats fast is waited for: it alone knows whether it
    still fires, and a look at the end of the time would open again what ended a minute before. One whose interval
    is unknown, or longer than the time, is not waited for: the alert is looked at when the time is over, because
    a sender that tells once would else never be heard. A fast one that then stays away is told and not paged: it
    would have said so. Its next word, however late, is decided like any other.
    """
    previous = situation.previous
    if previous is None or not _resolved_by_person(previous):
        return None
    alert, grace = situation.alert, policy.defaults.resolve_grace
    assert previous.resolved_at is not None
    until = previous.resolved_at + grace
    interval = repeats_every(situation)
    waited = interval is not None and interval <= grace
    silent_at = alert.last_event_at + SILENT_AFTER * (interval or timedelta(0))
    if now < until:
        by = f"{previous.name} was resolved by a person; until {until:%H:%M:%S} UTC repeats only count (resolve_grace)"
        return Quiet(by=by, reason="resolve_grace", look_again_at=max(until, silent_at) if waited else until)
    came_then = alert.status is AlertStatus.DROPPED and alert.first_event_at < until
    if situation.heard or not waited or not came_then:
        return None
    if now < silent_at:
        by = f"{previous.name} was resolved by a person; the next repeat opens it again (resolve_grace)"
        return Quiet(by=by, reason="resolve_grace", look_again_at=silent_at)
    assert interval is not None
    by = (
        f"{previous.name} was resolved by a person, and the sender, which repeats every {_told(interval)},"
        " has not been heard since; its next word opens it again"
    )
    return Quiet(by=by, reason="sender_silent")


def _resolved_by_person(incident: Incident) -> bool:
    # closing resolves first (S19), so a closed one has its grace too
    by = (ActorKind.PERSON, ActorKind.PROVIDER)
    return not incident.open and incident.resolved_at is not None and incident.resolved_by in by


def repeats_every(situation: Situation) -> timedelta | None:
    """How often the sender repeats this key: as this alert shows it, else as the one before did; None = unknown."""
    alert = situation.alert
    if alert.count and alert.last_event_at > alert.first_event_at:
        return (alert.last_event_at - alert.first_event_at) / alert.count
    return situation.interval


def _told(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    return f"{seconds // 60} min" if seconds >= 60 and seconds % 60 == 0 else f"{seconds} s"
