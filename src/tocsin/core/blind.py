"""Who is paged while nothing but the configuration is known? (S47)

Classifying and routing need no database, so they run as ever; grouping, mutes that are kept there, and what
came before are not known. In doubt it pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from tocsin.core.classify import Classified
from tocsin.core.decide import understand
from tocsin.core.dedup import Reading
from tocsin.core.model import Alert, Event, IncidentId
from tocsin.core.plan import Plan, plan_for, with_channels
from tocsin.core.policy import Integration, Policy, RouteKind
from tocsin.core.route import default_route
from tocsin.core.severity import Severity
from tocsin.core.situation import Heard, Situation
from tocsin.core.values import replace

BLIND_AFTER = timedelta(seconds=30)
"""So long the database may be away before pages leave without it."""

MOST_PAGES = 20
"""Alerts paged one by one in one outage; what comes above that is one page that says how many."""

LEAST = Severity.HIGH
"""What is known to be less than this waits for the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Whether an alert is paged now (`waits` = "" ) or why it waits; the alert as understood, and the page."""

    alert: Alert
    severity: Severity
    classified: Classified
    plan: Plan
    policy_name: str
    waits: str = ""


def judge(
    alert: Alert, events: Sequence[Event], integration: Integration | None, policy: Policy, *, mailer: str, now: datetime
) -> Judged:  # fmt: skip
    """What is known of one alert without a database. Never raises: what cannot be understood is critical."""
    heard = tuple(
        Heard(event, Reading.SAME if n else Reading.NEW, "", alert.first_event_at)
        for n, event in enumerate(events)
    )
    situation = Situation(alert=alert, heard=heard, integration=integration, mailer=mailer)
    try:
        understood = understand(situation, policy, now)
        classified, severity, kind = understood.classified, understood.severity, understood.route.kind
        rule = understood.route.rule
    except Exception:  # noqa: BLE001 - fail open
        classified = Classified(severity=Severity.CRITICAL, services=alert.services, team=alert.team)
        severity, kind, rule = Severity.CRITICAL, RouteKind.PAGE, ""
    view = replace(alert, severity=severity, services=classified.services, team=classified.team)
    route = default_route(view, integration, policy)
    steps = with_channels(route.steps, route.channels)
    plan, _ = plan_for(steps, policy, team=classified.team, now=now, delay=None, mailer=mailer)
    return Judged(
        alert=view, severity=severity, classified=classified, plan=plan, policy_name=route.policy_name,
        waits=_waits(severity, kind, rule),
    )  # fmt: skip


def _waits(severity: Severity, kind: RouteKind, rule: str) -> str:
    if kind is RouteKind.SUPPRESS:
        return f'suppressed by the rule "{rule}"'
    if kind is RouteKind.DIGEST:
        return f'for the digest, by the rule "{rule}"'
    if severity.rank < LEAST.rank:
        return f"{severity.value} waits for the database"
    return ""


def blind_incident(installation: UUID, scope: str, dedup_key: str, since: datetime) -> IncidentId:
    """The incident's id as every node makes it for itself: two that hear of one condition in the same hour
    write the same key at a provider, which then knows it for one."""
    return IncidentId(uuid5(installation, f"{scope}\n{dedup_key}\n{since:%Y-%m-%dT%H}"))
