"""How long does an acknowledgement last, when is the holder warned, and when is it open again (S25)?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tocsin.core.lifecycle import Act
from tocsin.core.model import Actor, Incident, IncidentStatus, Line
from tocsin.core.people import same_person
from tocsin.core.plan import Plan, PlannedStep, Way
from tocsin.core.policy import Mode, Policy, User
from tocsin.core.values import replace

WARNED_BEFORE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """The plan with its clock, when to look again (None = never), and what is due: a warning now, or the end."""

    plan: Plan
    next_at: datetime | None = None
    warning: Line | None = None
    over: bool = False


def timeout_of(incident: Incident, policy: Policy) -> timedelta | None:
    """The shortest that its services name, else that of its severity; None = it lasts."""
    named = [s.ack_timeout for n in incident.services if (s := policy.services.get(n)) and s.ack_timeout]
    return min(named) if named else policy.defaults.ack_timeout.get(incident.severity)


def hold(plan: Plan, incident: Incident, timeout: timedelta | None, now: datetime) -> Holding:
    """The clock of an acknowledgement: started where none runs, stopped where nobody holds it."""
    # a snooze has an end of its own, and its holder said when (S26)
    if (
        incident.status is not IncidentStatus.MITIGATED
        or timeout is None
        or incident.snoozed_until is not None
    ):
        return Holding(plan=replace(plan, held_until=None, warned=False))
    until = plan.held_until or now + timeout
    plan = replace(plan, held_until=until)
    if now >= until:
        return Holding(plan=plan, next_at=now, over=True)
    # a time-out too short to warn five minutes before is warned about when half of it is over
    warn_at = until - min(WARNED_BEFORE, timeout / 2)
    if plan.warned or now < warn_at:
        return Holding(plan=plan, next_at=until if plan.warned else warn_at)
    text = (
        f"{incident.acknowledged_by or 'The holder'}: this acknowledgement ends at {until:%H:%M:%S} UTC, and it is then "
        "open and paged again. Any act of yours keeps it: acknowledge it again, or leave a note"
    )
    line = Line(kind="ack_ends_soon", text=text, reason="ack_timeout")
    return Holding(plan=replace(plan, warned=True), next_at=until, warning=line)


def restarts(incident: Incident, act: Act, actor: Actor, users: Mapping[str, User] | None = None) -> bool:
    """Does this act show that somebody is on it? Anybody's acknowledgement does, and whatever the holder does."""
    if incident.status is not IncidentStatus.MITIGATED or not actor.person or act is Act.SNOOZE:
        return False
    holders = (incident.acknowledged_by, incident.assignee)
    return act is Act.ACKNOWLEDGE or any(same_person(users or {}, actor.name, one) for one in holders)


def holder_of(incident: Incident, policy: Policy) -> User | None:
    """The user who has it: to whom it is assigned, else who acknowledged it, and has an address; None when neither is
    known here by one."""
    for name in (incident.assignee, incident.acknowledged_by):
        for user in policy.users.values():
            if name and user.email and name in (user.id, user.name, user.email):
                return user
    return None


def holder_way(incident: Incident, policy: Policy, mailer: str) -> Way | None:
    """How the hub itself asks the one who has it; None when it cannot."""
    user = holder_of(incident, policy) if mailer else None
    return Way(mailer, user.email, f"the holder {user.name} by {mailer}") if user else None


def holder_first(plan: Plan, way: Way | None) -> Plan:
    """The same page with the holder asked in its first step."""
    if way is None:
        return plan
    first = plan.steps[0] if plan.steps else None
    if first is not None and first.mode is Mode.ALL:
        asked = replace(first, ways=tuple(dict.fromkeys([way, *first.ways])))
        return replace(plan, steps=(asked, *plan.steps[1:]))
    return replace(plan, steps=(PlannedStep(mode=Mode.ALL, ways=(way,)), *plan.steps))
