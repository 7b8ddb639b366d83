"""S21: what joins an acknowledged incident asks its holder again, at most once in five minutes, and never silently."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tocsin.core.grouping import is_over
from tocsin.core.joining import MOST_OWED, acted, owed, owed_at, owes
from tocsin.core.lifecycle import Act
from tocsin.core.model import Actor, AlertStatus, Incident, IncidentStatus
from tocsin.core.plan import Plan
from tocsin.core.policy import GroupingRule
from tocsin.core.severity import Severity

from .deciding import decided, heard, kinds
from .values import ADA, ALWAYS, BOB_AT_PD, PD_ITSELF, SENDER, T0, TIMER, alert, at, create, incident

MITIGATED, OPEN = IncidentStatus.MITIGATED, IncidentStatus.OPEN
FIVE = timedelta(minutes=5)
C, H, M = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM


def held(**more: Any) -> Incident:
    return incident(MITIGATED, **{"severity": C, "acknowledged_by": "Ada", **more})


@pytest.mark.parametrize(
    ("group", "said", "asked_ago", "asks", "later"),
    [
        pytest.param(held(), H, None, True, False, id="nobody was asked again before: at once"),
        pytest.param(held(), H, FIVE, True, False, id="five minutes are over to the second: at once"),
        pytest.param(held(), H, FIVE - timedelta(seconds=1), False, True, id="a second less: later"),
        pytest.param(held(), H, timedelta(0), False, True, id="another of the same batch: later"),
        pytest.param(held(), M, timedelta(minutes=1), False, False, id="a medium one asks neither now nor later"),
        pytest.param(held(severity=H), C, timedelta(minutes=1), True, False, id="S6: what is worse waits for nothing"),
        pytest.param(held(snoozed_until=at(hours=1)), H, timedelta(minutes=1), True, False, id="S26: a new key breaks a snooze at once"),
        pytest.param(incident(OPEN, severity=C), H, timedelta(minutes=1), False, False, id="open: the page is under way, nobody is owed one"),
    ],
)  # fmt: skip
def test_s21_asked_again_at_most_once_in_five_minutes(
    group: Incident, said: Severity, asked_ago: timedelta | None, asks: bool, later: bool
) -> None:
    """S21: for what is high and new; S6, S26: what is worse and what breaks a snooze waits for nothing."""
    before = {group.id: T0 - asked_ago} if asked_ago is not None else {}
    decision = decided(
        alert(sender_severity=said), heard(create(severity=said)), group=group, asked_again=before
    )
    assert decision.joined
    assert (decision.ruling is not None) is asks
    assert decision.asks_later is later
    assert ("asked_later" in kinds(decision)) is later
    assert decision.alert.muted_by == "", "what waits is no mute"
    if later:
        assert decision.alert.status is AlertStatus.ACKNOWLEDGED


def test_s18_a_joining_alert_keeps_its_correlation_id_and_the_incident_its_own() -> None:
    """S18: the incident's is that of its first alert; the line of the join tells the other one, so each is found."""
    home = incident(OPEN, severity=C)
    decision = decided(alert(number=7), heard(create()), group=home)

    assert (decision.alert.correlation_id, decision.alert.incident_id) == ("c7", home.id)
    assert decision.incident is not None
    assert decision.incident.correlation_id == "c1"
    assert [line.data["correlation_id"] for line in decision.lines if line.kind == "alert_joined"] == ["c7"]


def test_s21_what_is_put_off_says_when_it_was_asked_and_when_it_will_be() -> None:
    group = held()
    decision = decided(
        alert(sender_severity=H),
        heard(create(severity=H)),
        group=group,
        asked_again={group.id: T0},
        now=at(61),
    )
    (line,) = [line for line in decision.lines if line.kind == "asked_later"]
    assert "asked at 10:00:00 UTC" in line.text
    assert "will be at 10:05:00 UTC" in line.text
    assert line.reason == "asked_lately"


def joined(*numbers: int, asked: datetime | None = T0) -> Plan:
    plan = Plan(asked_again_at=asked)
    for number in numbers:
        plan = owes(plan, alert(number=number, title=f"disk {number}"))
    return plan


@pytest.mark.parametrize(
    ("plan", "subject", "fires", "now", "named"),
    [
        pytest.param(joined(1, 2), held(), (1, 2), at(300), "disk 1, disk 2", id="one asking names all that joined"),
        pytest.param(joined(1, 2), held(), (2,), at(300), "disk 2", id="what is over is not asked about"),
        pytest.param(joined(1, 2), held(), (), at(300), None, id="all over: nobody is asked"),
        pytest.param(joined(1), held(), (1,), at(299), None, id="not before the five minutes are over"),
        pytest.param(joined(1), incident(OPEN), (1,), at(300), None, id="open again meanwhile: it is paged already"),
        pytest.param(joined(1), incident(IncidentStatus.RESOLVED), (1,), at(300), None, id="resolved meanwhile"),
        pytest.param(joined(), held(), (1,), at(300), None, id="nothing is owed"),
        pytest.param(joined(*range(1, 80)), held(), (79,), at(300), "some of more than 50", id="beyond what is named: in doubt the holder is asked"),
        pytest.param(joined(*range(1, 80)), held(), (), at(300), None, id="but not when nothing fires at all"),
        pytest.param(joined(*range(1, 80)), held(), (3, 79), at(300), "some of more than 50, disk 3", id="and those known by name are named"),
        pytest.param(joined(*range(1, 8)), held(), range(1, 8), at(300), "disk 4, disk 5 and 2 more", id="many are counted"),
    ],
)  # fmt: skip
def test_s21_what_is_owed_is_asked_when_the_time_is_over(
    plan: Plan, subject: Incident, fires: Any, now: datetime, named: str | None
) -> None:
    ruling = owed(plan, subject, {UUID(str(alert(number=n).id)) for n in fires}, now)
    if named is None:
        assert ruling is None
        return
    assert ruling is not None
    assert ruling.starts_paging
    assert ruling.incident.status is OPEN
    assert named in ruling.lines[0].text
    assert ruling.lines[0].text.startswith("Ada is asked again")


def test_s21_a_page_keeps_no_more_names_than_can_be_written_each_time() -> None:
    assert len(joined(*range(1, 500)).joins) == MOST_OWED


def test_s21_nothing_is_owed_of_a_plan_without_joins() -> None:
    assert owed_at(joined()) is None
    assert owed_at(joined(1)) == T0 + FIVE


@pytest.mark.parametrize(
    ("act", "actor", "yes"),
    [
        pytest.param(Act.ACKNOWLEDGE, ADA, True, id="acknowledged again here"),
        pytest.param(Act.ACKNOWLEDGE, BOB_AT_PD, True, id="acknowledged again at a provider"),
        pytest.param(Act.SNOOZE, ADA, True, id="snoozed"),
        pytest.param(Act.NOTE, ADA, True, id="a note was written"),
        pytest.param(Act.ACKNOWLEDGE, SENDER, False, id="the sender is nobody who looks"),
        pytest.param(Act.ACKNOWLEDGE, PD_ITSELF, False, id="nor is a provider's machine"),
        pytest.param(Act.NOTE, TIMER, False, id="nor is the hub itself"),
    ],
)
def test_s21_an_act_of_a_person_pays_what_is_owed(act: Act, actor: Actor, yes: bool) -> None:
    assert acted(act, actor) is yes


RULE = GroupingRule(name="g", when=ALWAYS, by=None, within=timedelta(minutes=10), at_most=timedelta(hours=1))


@pytest.mark.parametrize(
    ("rule", "last_join", "now", "over"),
    [
        pytest.param(RULE, at(), at(minutes=9.99), False, id="within the time since the last join"),
        pytest.param(RULE, at(), at(minutes=10), True, id="at its end it is over"),
        pytest.param(RULE, at(minutes=9), at(minutes=18), False, id="`within` counts from the last join"),
        pytest.param(RULE, at(minutes=55), at(minutes=59.9), False, id="joined all along, not an hour yet"),
        pytest.param(RULE, at(minutes=55), at(minutes=60), True, id="`at_most` counts from the first"),
        pytest.param(None, at(), at(1), True, id="its rule is gone from the configuration"),
    ],
)
def test_s21_until_when_a_group_takes_alerts(
    rule: GroupingRule | None, last_join: datetime, now: datetime, over: bool
) -> None:
    assert is_over(rule, T0, last_join, now) is over
