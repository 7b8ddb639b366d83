"""One alert put to the decision, as the tests of deciding do it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from tocsin.core.decide import conclude, understand
from tocsin.core.dedup import Reading
from tocsin.core.model import (
    Alert,
    AlertStatus,
    Event,
    Incident,
    IncidentId,
)
from tocsin.core.paging import look
from tocsin.core.policy import (
    Policy,
)
from tocsin.core.severity import Severity
from tocsin.core.situation import Decision, Heard, Situation

from .values import T0, M, alert, incident, policy

PAGER = policy()
NEW_ID = IncidentId(UUID(int=5000))


def heard(*events: Event, first: Reading = Reading.NEW) -> tuple[Heard, ...]:
    """Events as the door read them: the first with a reading of its own, later creates as repeats."""
    readings = {"acknowledge": Reading.ACKNOWLEDGED, "resolve": Reading.RESOLVED}
    found, create_is = [], first
    for said in events:
        reading = readings.get(said.action.value, create_is)
        create_is = Reading.SAME if reading is create_is else create_is
        found.append(Heard(said, reading, "because", T0))
    return tuple(found)


def repeated(*events: Event) -> tuple[Heard, ...]:
    return heard(*events, first=Reading.SAME)


def decided(
    subject: Alert, said: tuple[Heard, ...], *, under: Policy = PAGER, group: Incident | None = None,
    now: datetime = T0, **more: Any,
) -> Decision:  # fmt: skip
    situation = Situation(alert=subject, heard=said, **{"integration": None, **more})
    return conclude(situation, understand(situation, under, now), group, under, now, NEW_ID)


def kinds(decision: Decision) -> list[str]:
    return [line.kind for line in decision.lines]


def asked(decision: Decision) -> list[str]:
    """Whom the first look at the decision's plan asks, once no delay holds it."""
    if decision.plan is None or decision.incident is None:
        return []
    now = decision.plan.hold_until or decision.plan.started_at or T0
    status, severity = decision.incident.status, decision.incident.severity
    due = look(decision.plan, {}, status=status, severity=severity, breakers={}, now=now)
    return [way.connector for _, way in due.ask]


def member(severity: Severity = M, status: AlertStatus = AlertStatus.OPEN, **more: Any) -> Alert:
    """An alert of INC-1 that was decided before."""
    return alert(status, severity=severity, sender_severity=severity, incident_id=incident().id, **more)
