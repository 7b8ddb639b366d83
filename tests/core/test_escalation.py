"""Who is asked when a person escalates, and what becomes of an acknowledgement?"""

from __future__ import annotations

from datetime import timedelta

import pytest

from tocsin.core.escalation import by_policy, by_steps, by_user, escalated
from tocsin.core.model import AlertStatus, IncidentStatus
from tocsin.core.plan import Plan, PlannedStep, Way
from tocsin.core.policy import Mode
from tocsin.core.ports import EffectKind
from tocsin.core.values import replace

from .values import ADA, MITIGATED, OPEN, T0, at, incident

FIRST, SECOND, THIRD = (Way(name) for name in ("pd", "lead", "boss"))


def step(way: Way, after: int, sent: bool = False) -> PlannedStep:
    return PlannedStep(
        mode=Mode.ALL, ways=(way,), after=timedelta(minutes=after), sent_at=T0 if sent else None
    )


PLAN = Plan(steps=(step(FIRST, 0, sent=True), step(SECOND, 15), step(THIRD, 30)), started_at=T0)


@pytest.mark.parametrize(
    ("number", "sent", "shown"),
    [
        pytest.param(None, [T0, at(60), None], "step 2: lead", id="the next one, its time or not"),
        pytest.param(3, [T0, None, at(60)], "step 3: boss", id="a later one; the one before keeps its time"),
        pytest.param(1, [T0, None, None], "", id="one that was asked already is no further one"),
        pytest.param(4, [T0, None, None], "", id="there is no such step"),
    ],
)
def test_the_step_that_is_asked(number: int | None, sent: list[object], shown: str) -> None:
    further = by_steps(PLAN, number, at(60))
    assert ([one.sent_at for one in further.plan.steps], further.shown) == (sent, shown)


def test_a_page_that_a_rule_holds_back_begins_now() -> None:
    held = replace(PLAN, hold_until=at(600), steps=tuple(replace(one, sent_at=None) for one in PLAN.steps))
    assert by_steps(held, None, at(60)).plan.hold_until is None


def test_a_user_is_asked_besides_and_what_was_to_come_still_comes() -> None:
    further = by_user(PLAN, Way("mail", "bo@x", "Bo by mail"), at(60))
    assert [(one.ways[0].name, one.sent_at) for one in further.plan.steps] == [
        ("pd", T0), ("Bo by mail", at(60)), ("lead", None), ("boss", None),
    ]  # fmt: skip


def test_another_policy_takes_the_place_of_what_was_to_come() -> None:
    other = Plan(steps=(step(Way("dba"), 0), step(Way("cto"), 10)))
    further = by_policy(PLAN, other, "database-lead", at(60))
    assert [(one.ways[0].name, one.sent_at) for one in further.plan.steps] == [
        ("pd", T0), ("dba", at(60)), ("cto", None),
    ]  # fmt: skip
    assert further.shown == "policy database-lead: dba"
    assert by_policy(PLAN, Plan(), "empty", at(60)).shown == ""


@pytest.mark.parametrize(
    ("before", "alerts"),
    [
        pytest.param(OPEN, None, id="nobody has it: the page goes on, further"),
        pytest.param(
            MITIGATED, AlertStatus.OPEN, id="somebody has it: open again until one of the next says so"
        ),
    ],
)
def test_what_an_escalation_does(before: IncidentStatus, alerts: AlertStatus | None) -> None:
    ruling = escalated(incident(before), ADA, "step 2: lead", "need a DBA", at(60))
    assert (ruling.incident.status, ruling.alerts_become, ruling.tell) == (OPEN, alerts, EffectKind.ESCALATE)
    assert all(part.status is OPEN for part in ruling.incident.parts)
    assert not ruling.starts_paging
    assert "to step 2: lead" in ruling.lines[0].text
    assert ruling.lines[0].text.endswith(": need a DBA")
