"""An incident gets worse, by an alert or by a person's word: it is routed again, and its holder asked again (S6)."""

from __future__ import annotations

from datetime import datetime

from tocsin.core.lifecycle import Act, Ruling, rule
from tocsin.core.model import Actor, ActorKind, Incident, IncidentStatus, Line
from tocsin.core.policy import Policy
from tocsin.core.route import Route
from tocsin.core.severity import Severity
from tocsin.core.values import replace


def worsened(
    incident: Incident, severity: Severity, routed: Route, policy: Policy, *, by: str = ""
) -> tuple[Incident, Line]:
    """The incident at its new severity, under the rule that takes it now, and the line that says so. `by` names
    the person who raised it, "" = an alert did."""
    words = f"Raised by {by}" if by else "Worse"
    text = f"{words}: {incident.severity.value} -> {severity.value}; routed again"
    after = replace(
        incident, severity=severity, policy=routed.policy_name, rule=routed.rule, config_version=policy.version
    )  # fmt: skip
    data = {"field": "severity", "before": incident.severity.value, "after": severity.value}
    return after, Line(kind="severity_rose", text=text, reason="person" if by else "rose", data=data)


def asked_again(incident: Incident, now: datetime) -> Ruling | None:
    """An acknowledged incident is opened again: what was acknowledged was less than this (S6, S21). None
    when nobody has acknowledged it."""
    if incident.status is not IncidentStatus.MITIGATED:
        return None
    ruling = rule(incident, Act.UNACKNOWLEDGE, Actor(ActorKind.TIMER, "tocsin", person=False), now)
    text = f"{incident.acknowledged_by or 'The holder'} is asked again"
    if incident.snoozed_until is not None:
        text = f"The snooze until {incident.snoozed_until:%Y-%m-%d %H:%M:%S} UTC is over: {text}"
    return replace(ruling, lines=(Line(kind="reopened", text=text, reason="rose"),))
