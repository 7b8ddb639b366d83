"""When does an alert that a digest or suppress rule took become an incident after all? (S23)

When it gets worse, when it repeated often enough, when it has gone on for long enough, or when it has an incident
already: then the first rule that pages takes it. Mutes and the time after a person's resolve still hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tocsin.core.alarm import by_default_route
from tocsin.core.model import Alert, Line
from tocsin.core.policy import Integration, Policy, RouteKind
from tocsin.core.route import Route, default_route, route
from tocsin.core.severity import Severity
from tocsin.core.values import replace


@dataclass(frozen=True, slots=True)
class Promoted:
    """`reason` is the stable word ("rose", "count", "age"), `text` says it to people."""

    reason: str
    text: str


def way_of(
    alert: Alert, before: Severity | None, integration: Integration | None, policy: Policy, now: datetime
) -> Route:
    """The way of a classified alert whose severity was `before` at its last decision: what its rule says, or, when
    it is promoted, what the first rule that pages says; the reasons tell which."""
    assert alert.severity is not None
    if by_default_route(alert):
        return default_route(alert, integration, policy)

    rose = before is not None and alert.severity.rank > before.rank

    def ask(*, pages_only: bool) -> Route:
        service = policy.services.get(alert.service)
        assert alert.severity is not None
        return route(
            alert,
            alert.severity,
            service,
            alert.team,
            integration,
            policy,
            now,
            pages_only=pages_only,
            waits=not rose,
        )

    found = ask(pages_only=False)
    why = promotion(alert, before, alert.severity, found, now)
    if why is None:
        return found
    line = Line(kind="promoted", text=why.text, reason=why.reason, data={"rule": found.rule})
    paged = ask(pages_only=True)
    return replace(paged, reasons=(*paged.reasons, line))


def promotion(
    alert: Alert, before: Severity | None, severity: Severity, way: Route, now: datetime
) -> Promoted | None:
    """Why `alert` is promoted at the aware instant `now`; None = it stays with its rule.

    `severity` is that of now, `before` that of its last decision, None for a new one.
    """
    if way.kind not in (RouteKind.DIGEST, RouteKind.SUPPRESS):
        return None
    taken = "collected for the digest" if way.kind is RouteKind.DIGEST else "suppressed"
    was = f"It was {taken} by the rule “{way.rule}”"
    if before is not None and severity.rank > before.rank:
        return Promoted("rose", f"{was} and got worse, {before.value} -> {severity.value}: promoted")
    limits = way.promote
    if limits is None:
        return None
    if limits.count is not None and alert.count >= limits.count:
        return Promoted("count", f"{was} and has repeated {alert.count} times (promote.count): promoted")
    if limits.age is not None and now >= alert.first_event_at + limits.age:
        since = f"{alert.first_event_at:%Y-%m-%d %H:%M} UTC"
        return Promoted("age", f"{was} and has gone on since {since} (promote.age): promoted")
    return None


def old_enough_at(alert: Alert, way: Route) -> datetime | None:
    """When age will promote it; None when it never does."""
    return alert.first_event_at + way.promote.age if way.promote and way.promote.age else None
