"""Somebody wants further people asked, now: which step of the page is that, and what becomes of an acknowledgement?

As a provider that rings people does it: whoever is asked further is asked until one of them acknowledges, so what somebody
had is open again (ADR 0031).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tocsin.core.lifecycle import Ruling
from tocsin.core.model import Actor, AlertStatus, Incident, IncidentStatus, Line, Part
from tocsin.core.plan import Plan, PlannedStep, Way
from tocsin.core.policy import Mode
from tocsin.core.ports import EffectKind
from tocsin.core.values import replace


class Whom(StrEnum):
    """Who is asked further."""

    NEXT = "next"  # the next step of the page
    STEP = "step"  # a step of it by its number, from 1
    USER = "user"
    POLICY = "policy"  # another escalation policy, from its first step


@dataclass(frozen=True, slots=True)
class Further:
    """The page with the further people asked now. `shown` = who that is, for people; "" = the page has nobody further."""

    plan: Plan
    shown: str = ""


def by_steps(plan: Plan, number: int | None, now: datetime) -> Further:
    """The step with that number (from 1), else the first that was not sent yet, sent now. The others keep their times."""
    at = (
        number - 1 if number else next((n for n, step in enumerate(plan.steps) if step.sent_at is None), None)
    )
    if at is None or not 0 <= at < len(plan.steps) or plan.steps[at].sent_at is not None:
        return Further(plan)
    step = replace(plan.steps[at], sent_at=now)
    steps = (*plan.steps[:at], step, *plan.steps[at + 1 :])
    names = ", ".join(way.name for way in step.ways) or "nobody"
    return Further(_begun(replace(plan, steps=steps), now), f"step {at + 1}: {names}")


def by_user(plan: Plan, way: Way, now: datetime) -> Further:
    """That person, besides all others."""
    asked = PlannedStep(mode=Mode.ALL, ways=(way,), sent_at=now)
    sent = sum(step.sent_at is not None for step in plan.steps)
    steps = (*plan.steps[:sent], asked, *plan.steps[sent:])
    return Further(_begun(replace(plan, steps=steps), now), way.name)


def by_policy(plan: Plan, other: Plan, name: str, now: datetime) -> Further:
    """The steps of another policy, the first of them now, in place of those that were not sent yet."""
    if not other.steps:
        return Further(plan)
    first, *later = other.steps
    asked = tuple(step for step in plan.steps if step.sent_at is not None)
    names = ", ".join(way.name for way in first.ways) or "nobody"
    steps = (*asked, replace(first, sent_at=now), *later)
    return Further(_begun(replace(plan, steps=steps), now), f"policy {name}: {names}")


def _begun(plan: Plan, now: datetime) -> Plan:
    """A page that a rule held back begins now."""
    return replace(plan, started_at=plan.started_at or now, hold_until=None, told_exhausted=False)


def escalated(incident: Incident, actor: Actor, shown: str, note: str, now: datetime) -> Ruling:
    """The incident with further people asked, open again where somebody had it."""
    words = f": {note}" if note else ""
    held = incident.status is IncidentStatus.MITIGATED
    again = ", and open again until somebody acknowledges it" if held else ""
    text = f"Escalated by {actor.shown} to {shown or 'whoever is next at the providers'}{again}{words}"
    line = Line(kind="escalated", text=text, reason="person", data={"to": shown})
    after = incident
    if held:
        parts = tuple(_open(part, actor, now) for part in incident.parts)
        after = replace(
            incident, parts=parts, status=IncidentStatus.OPEN, acknowledged_at=None, acknowledged_by="",
            snoozed_until=None, assignee="",
        )  # fmt: skip
    services = tuple(part.service for part in after.parts if part.status is IncidentStatus.OPEN)
    return Ruling(
        incident=after, changed=True, reason="escalated", lines=(line,), tell=EffectKind.ESCALATE, services=services,
        alerts_become=AlertStatus.OPEN if held else None,
    )  # fmt: skip


def _open(part: Part, actor: Actor, now: datetime) -> Part:
    if part.status is not IncidentStatus.MITIGATED:
        return part
    return replace(part, status=IncidentStatus.OPEN, changed_at=now, changed_by=actor.name)
