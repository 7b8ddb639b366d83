"""What does an alert ask for anew while it is muted and its incident is open already? (S7, docs/adr/0015)

Nothing, now: the incident goes on as it was begun, and what this alert would ask for is owed. `Alert.muted_by` of an
alert that has an incident says so. It is paid when no mute holds any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tocsin.core.model import Alert, Incident, IncidentStatus, Json, Line
from tocsin.core.mute import Muting
from tocsin.core.policy import Policy
from tocsin.core.quiet import muted, record_of_quiet, would_have_paged, would_page
from tocsin.core.record import record_of
from tocsin.core.situation import Situation, Understood
from tocsin.core.values import replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """Alert and incident with the page put off, the lines that say so, and when to look again."""

    alert: Alert
    incident: Incident
    lines: tuple[Line, ...]
    record: Mapping[str, Json]
    look_again_at: datetime | None


def put_off(
    situation: Situation, u: Understood, alert: Alert, incident: Incident, held: Muting, policy: Policy,
    now: datetime,
) -> Owed:  # fmt: skip
    """It got worse, or was worse before, while mutes hold: the incident shows it, nobody is asked anew."""
    why = muted(held)
    way = would_page(situation, u, alert, policy, now)
    lines: list[Line] = []
    after = incident
    if u.severity.rank > incident.severity.rank:
        text = f"Worse: {incident.severity.value} -> {u.severity.value}"
        data = {"field": "severity", "before": incident.severity.value, "after": u.severity.value}
        lines.append(Line(kind="severity_rose", text=text, reason="rose", data=data))
        after = replace(incident, severity=u.severity)
    if situation.alert.muted_by != why.by:
        text = f"Nobody is asked anew: {why.why}; {would_have_paged(way)}"
        lines.append(Line(kind="page_muted", text=text, reason=why.reason))
    record = record_of(u.severity, u.classified, u.route, policy, why.by)
    return Owed(
        alert=replace(alert, muted_by=why.by), incident=after, lines=tuple(lines), look_again_at=why.look_again_at,
        record=record | record_of_quiet(why, way, situation.muted_since or now),
    )  # fmt: skip


def still_owed(situation: Situation, incident: Incident) -> bool:
    """Not when somebody acknowledged it after it got worse: they know."""
    since, known_at = situation.muted_since, incident.acknowledged_at
    return incident.status is IncidentStatus.OPEN or not since or not known_at or known_at < since
