"""Is this event a new alert, one more of a known one, or the end of one? (IN-3, IN-4, S5, S8, S9, S13)"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from tocsin.core.model import Action, ActorKind, Alert, AlertId, AlertStatus, CorrelationId, Event
from tocsin.core.values import replace

_CLOCK_OFF = timedelta(days=366)
"""A sender's clock further off than this orders nothing: its word is dropped and told."""

TITLE_MOST = 500
UNTITLED = "(no title)"


class Reading(StrEnum):
    """What an event turned out to be."""

    NEW = "new"
    SAME = "same"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    KEY_OVER = "key_over"
    """One key of the alert is over, another still fires (S11)."""
    IGNORED = "ignored"
    OTHER = "other"


class Admission(msgspec.Struct, frozen=True):
    """The reading, the alert as it is afterwards (None when there is none) and why. `key` = the key that it was
    heard under, where that is not for certain the alert's own."""

    reading: Reading
    alert: Alert | None
    reason: str
    key: str = ""


class Fresh(msgspec.Struct, frozen=True):
    """Names for an alert that may be born; unused when it is not."""

    alert_id: AlertId
    correlation_id: CorrelationId


def admit(
    event: Event,
    live: Alert | None,
    *,
    integration: str,
    scope: str,
    source: str,
    fresh: Fresh,
    now: datetime,
) -> Admission:
    """Decide one event against the live alert with its key (None = there is none).

    `now` is the receipt time. A create with a live alert counts and refreshes it; after a resolve it
    always makes a new alert (S9); whether that makes a new incident is `core/decide.py`'s question.
    """
    match event.action:
        case Action.CREATE:
            if live is None:
                return _new(event, integration, scope, source, fresh, now)
            return _same(event, live, now, integration)
        case Action.ACKNOWLEDGE:
            if live is None:
                return Admission(Reading.IGNORED, None, "acknowledge of an unknown key changes nothing")
            if live.status in (AlertStatus.OPEN, AlertStatus.QUEUED):
                alert = replace(live, status=AlertStatus.ACKNOWLEDGED)
                return Admission(Reading.ACKNOWLEDGED, alert, "the sender acknowledged it")
            return Admission(Reading.IGNORED, live, f"already {live.status.value}")
        case Action.RESOLVE:
            return _resolve(event, live, now, integration)
        case _:
            return Admission(Reading.OTHER, live, event.reason or "asks for nothing that changes an alert")


def _new(event: Event, integration: str, scope: str, source: str, fresh: Fresh, now: datetime) -> Admission:
    alert = Alert(
        id=fresh.alert_id,
        integration=integration,
        scope=scope,
        source=event.source or source,
        dedup_key=event.dedup_key or str(fresh.alert_id),
        status=AlertStatus.QUEUED,
        title=(event.title or UNTITLED)[:TITLE_MOST],
        description=event.description,
        correlation_id=fresh.correlation_id,
        first_event_at=now,
        last_event_at=now,
        sender_severity=event.severity,
        quiet=event.quiet,
        services=event.services,
        team=event.team,
        labels=event.labels,
        tags=event.tags,
        details=event.details,
        links=event.links,
        newest_sent_at=_trusted(event.sent_at, now),
    )
    return Admission(
        Reading.NEW, alert, "first event with this key" if event.dedup_key else "no key: always new"
    )


def _same(event: Event, live: Alert, now: datetime, integration: str) -> Admission:
    sent_at = sender_time(event, live, now, integration)
    newest = max((t for t in (live.newest_sent_at, sent_at) if t), default=None)
    alert = replace(
        live,
        count=live.count + 1,
        last_event_at=now,
        newest_sent_at=newest,
        title=(event.title or live.title)[:TITLE_MOST],
        description=event.description or live.description,
        sender_severity=event.severity or live.sender_severity,
        quiet=event.quiet and live.quiet,
        services=event.services or live.services,
        team=event.team or live.team,
        labels=event.labels or live.labels,
        tags=event.tags or live.tags,
        details=event.details or live.details,
        links=event.links or live.links,
    )
    return Admission(Reading.SAME, alert, f"repeat {alert.count} of an alert that is {live.status.value}")


def _resolve(event: Event, live: Alert | None, now: datetime, integration: str) -> Admission:
    if live is None:
        return Admission(Reading.IGNORED, None, "resolve of an unknown key changes nothing")
    sent_at = sender_time(event, live, now, integration)
    if sent_at and live.newest_sent_at and sent_at < live.newest_sent_at:
        return Admission(Reading.IGNORED, live, "older, by the sender's own clock, than its newest create")
    alert = replace(
        live, status=AlertStatus.RESOLVED, resolved_at=now, resolved_by=ActorKind.SENDER, muted_by=""
    )
    return Admission(Reading.RESOLVED, alert, "the sender says it is over")


def sender_time(event: Event, live: Alert, now: datetime, integration: str) -> datetime | None:
    """When the event was sent, by a clock that orders it among the alert's own; None = by none."""
    # under an account-wide key (S12) another integration's clock says nothing about this one's
    return _trusted(event.sent_at, now) if integration == live.integration else None


def _trusted(sent_at: datetime | None, now: datetime) -> datetime | None:
    return sent_at if sent_at and abs(sent_at - now) < _CLOCK_OFF else None


def default_key(source: str, service: str, title: str) -> str:
    """The key of `POST /api/v1/alerts` when the caller gives none (S8): 32 hex characters."""
    text = f"{source}\x1f{service}\x1f{title}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
