"""What does the hub say of itself when something of its own does not work, and by which way?

An alarm becomes an alert of the built-in integration `tocsin` and is routed like any other, except that the
connector it speaks of is not asked to tell of itself. No mute hides it (S7).
"""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.core.model import Alert, Line
from tocsin.core.plan import Plan
from tocsin.core.severity import Severity
from tocsin.core.values import replace

INTEGRATION = "tocsin"
"""The built-in integration and source of the hub's own alerts; no configuration may take the name."""

CONNECTOR_LABEL, CANARY_LABEL = "connector", "canary"
DIGEST = "digest/"
"""Keys of alarms that speak of a digest nobody could be given begin so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One thing of the hub's own that does not work.

    `key` names what continues ("webhook-unproven/prod-pagerduty"): sounded again it is the same alarm, and
    cleared by that name. `text` says what happened, to what, and what to do next; it holds no secret.
    `connector` is the one that cannot be relied on now, "" = none.
    """

    key: str
    title: str
    text: str
    severity: Severity = Severity.HIGH
    connector: str = ""


SLOW = "slow/{}"


def slow(connector: str, hedges: int) -> Alarm:
    """A provider that takes pages and rings nobody in time (S30)."""
    return Alarm(
        key=SLOW.format(connector),
        title=f"{connector} takes pages, but notifies nobody in time",
        text=f"{hedges} critical pages within a minute were created at {connector} and rang nobody there in time, so "
        "others were asked too. For the next minute pages fail over at once. Look at the provider's status page, and "
        "at who is on call there.",
        severity=Severity.HIGH,
        connector=connector,
    )


def is_alarm(alert: Alert) -> bool:
    """True for the hub's own alerts."""
    return alert.integration == INTEGRATION


def by_default_route(alert: Alert) -> bool:
    """True for what no rule is asked about: a digest that could not be delivered must not go into another (S23)."""
    return is_alarm(alert) and alert.dedup_key.startswith(DIGEST)


def is_canary(alert: Alert) -> bool:
    """True for the page that the hub sends to try its connectors."""
    return is_alarm(alert) and CANARY_LABEL in alert.labels


def avoiding(plan: Plan, alert: Alert) -> tuple[Plan, tuple[Line, ...]]:
    """The plan of an alarm without the connector it speaks of; unchanged where nobody else would be asked,
    since a way that may work is better than none."""
    if is_canary(alert):
        return replace(plan, last_resort=()), ()  # nobody is to be woken by what only tries a way
    name = alert.labels.get(CONNECTOR_LABEL, "")
    if not is_alarm(alert) or not name:
        return plan, ()
    steps = tuple(replace(s, ways=tuple(w for w in s.ways if w.connector != name)) for s in plan.steps)
    last_resort = tuple(way for way in plan.last_resort if way.connector != name)
    left = replace(plan, steps=tuple(step for step in steps if step.ways), last_resort=last_resort)
    if not left.steps and last_resort:
        left = replace(left, steps=(replace(plan.steps[0], ways=last_resort),) if plan.steps else ())
    if not left.steps:
        text = f"Only {name} could be asked, of which this alarm speaks: it is asked all the same"
        return plan, (Line(kind="alarm_way", text=text, reason="no_other_way"),)
    if left == plan:
        return plan, ()
    text = f"{name} is not asked, since this alarm speaks of it"
    return left, (Line(kind="alarm_way", text=text, reason="other_way"),)
