"""An acknowledgement with an end (S26)."""

from datetime import datetime, timedelta

import pytest

from tocsin.core.errors import BadInput
from tocsin.core.lapse import hold
from tocsin.core.lifecycle import Act, rule
from tocsin.core.model import Actor, AlertStatus, Incident, IncidentStatus
from tocsin.core.plan import Plan
from tocsin.core.ports import EffectKind
from tocsin.core.snooze import MOST, bounded, end_of, is_over
from tocsin.core.values import replace

from .values import (
    ADA,
    BOB_AT_PD,
    CLOSED,
    MITIGATED,
    OPEN,
    PD_ITSELF,
    RESOLVED,
    SENDER,
    TIMER,
    C,
    at,
    incident,
)

HOUR = timedelta(hours=1)
LATER = at(minutes=60)
BO = replace(ADA, name="Bo")
SNOOZED = replace(incident(MITIGATED), snoozed_until=LATER)


@pytest.mark.parametrize(
    ("span", "until", "end"),
    [
        pytest.param(timedelta(hours=2), None, at(minutes=120), id="for so long"),
        pytest.param(None, at(minutes=90), at(minutes=90), id="until then"),
        pytest.param(MOST, None, at(0) + MOST, id="seven days and no second more"),
    ],
)  # fmt: skip
def test_s26_the_end(span: timedelta | None, until: datetime | None, end: datetime) -> None:
    """S26: seven days at most."""
    assert end_of(span, until, at(0)) == end


@pytest.mark.parametrize(
    ("span", "until", "field", "words"),
    [
        pytest.param(None, None, "for", "is required, or until", id="neither"),
        pytest.param(HOUR, LATER, "for", "two ends", id="both"),
        pytest.param(None, at(0), "until", "past already", id="now is past"),
        pytest.param(timedelta(0), None, "for", "longer than nothing", id="no time at all"),
        pytest.param(timedelta(milliseconds=1), None, "for", "a second or two", id="less than a second"),
        pytest.param(timedelta(days=8), None, "for", "more than 7 days", id="for too long"),
        pytest.param(timedelta(days=3650), None, "for", "more than 7 days", id="for ten years"),
        pytest.param(None, at(1) + MOST, "until", "more than 7 days", id="until too late"),
    ],
)  # fmt: skip
def test_s26_no_such_end(span: timedelta | None, until: datetime | None, field: str, words: str) -> None:
    with pytest.raises(BadInput) as refused:
        end_of(span, until, at(0))
    (fault,) = refused.value.faults
    assert fault.field == field
    assert words in fault.message


@pytest.mark.parametrize("before", [OPEN, MITIGATED])
def test_s26_a_snooze_is_an_acknowledgement_with_an_end(before: IncidentStatus) -> None:
    """S26."""
    ruling = rule(incident(before), Act.SNOOZE, ADA, at(0), until=LATER, note="vendor")
    after = ruling.incident
    assert (after.status, after.snoozed_until, after.acknowledged_by, after.assignee) == (
        MITIGATED,
        LATER,
        "Ada",
        "Ada",
    )
    assert (ruling.tell, ruling.alerts_become) == (EffectKind.SNOOZE, AlertStatus.ACKNOWLEDGED)
    assert ruling.stops_paging is (before is OPEN)
    assert "Snoozed until 11:00:00 UTC by Ada" in ruling.lines[0].text
    assert ruling.lines[0].text.endswith(": vendor")


@pytest.mark.parametrize("over", [RESOLVED, CLOSED])
def test_s26_what_is_over_is_not_snoozed(over: IncidentStatus) -> None:
    ruling = rule(incident(over), Act.SNOOZE, ADA, at(0), until=LATER)
    assert (ruling.changed, ruling.refused, ruling.incident.snoozed_until) == (False, True, None)


@pytest.mark.parametrize(
    ("act", "actor", "status", "until"),
    [
        pytest.param(Act.ACKNOWLEDGE, ADA, MITIGATED, None, id="its holder's acknowledgement keeps it for good"),
        pytest.param(Act.ACKNOWLEDGE, BOB_AT_PD, MITIGATED, None, id="so does anybody's, at a provider too"),
        pytest.param(Act.ACKNOWLEDGE, SENDER, MITIGATED, LATER, id="S40: a sender's does not"),
        pytest.param(Act.UNACKNOWLEDGE, TIMER, OPEN, None, id="its end opens it"),
        pytest.param(Act.UNACKNOWLEDGE, ADA, OPEN, None, id="given back before"),
        pytest.param(Act.UNACKNOWLEDGE, PD_ITSELF, MITIGATED, LATER, id="S40: a provider's own end is recorded only"),
        pytest.param(Act.RESOLVE, ADA, RESOLVED, None, id="resolve ends it"),
        pytest.param(Act.RESOLVE, SENDER, RESOLVED, None, id="also the sender's"),
        pytest.param(Act.CLOSE, ADA, CLOSED, None, id="so does close"),
        pytest.param(Act.NOTE, ADA, MITIGATED, LATER, id="a note changes nothing about it"),
        pytest.param(Act.ASSIGN, ADA, MITIGATED, LATER, id="nor does somebody else's name"),
    ],
)  # fmt: skip
def test_s26_what_ends_it(act: Act, actor: Actor, status: IncidentStatus, until: datetime | None) -> None:
    """S26: its end, a person's word, a resolve; never a sender's or a provider's own timer."""
    after = rule(SNOOZED, act, actor, at(30), note="Bo").incident
    assert (after.status, after.snoozed_until) == (status, until)


def test_s26_among_people_the_later_end_wins() -> None:
    further = rule(SNOOZED, Act.SNOOZE, BO, at(30), until=at(minutes=120))
    assert (further.incident.snoozed_until, further.incident.acknowledged_by) == (at(minutes=120), "Bo")
    assert not rule(SNOOZED, Act.SNOOZE, BO, at(30), until=LATER).changed


def test_s38_our_own_end_told_back_by_a_provider_moves_nothing() -> None:
    """They were given five minutes more than we keep to."""
    assert not rule(SNOOZED, Act.SNOOZE, BOB_AT_PD, at(30), until=at(minutes=65)).changed
    assert rule(SNOOZED, Act.SNOOZE, BOB_AT_PD, at(30), until=at(minutes=90)).changed


def test_s20_one_part_of_several_is_acknowledged_not_snoozed() -> None:
    """Somebody snoozes web at a provider while nobody has db: nothing as a whole has an end."""
    both = incident(OPEN, parts={"web": OPEN, "db": OPEN})
    ruling = rule(both, Act.SNOOZE, BOB_AT_PD, at(0), service="web", until=LATER)
    assert (ruling.incident.status, ruling.incident.snoozed_until) == (OPEN, None)
    assert (ruling.tell, ruling.services) == (EffectKind.ACKNOWLEDGE, ("web",))


def test_s25_a_snooze_has_its_own_end_and_no_other() -> None:
    held = hold(
        Plan(held_until=at(minutes=30), warned=True), replace(SNOOZED, severity=C), HOUR, at(minutes=40)
    )
    assert (held.over, held.next_at, held.warning) == (False, None, None)
    kept = rule(SNOOZED, Act.ACKNOWLEDGE, ADA, at(minutes=50)).incident
    assert hold(held.plan, kept, HOUR, at(minutes=50)).plan.held_until == at(minutes=110)


@pytest.mark.parametrize(
    ("what", "now", "over"),
    [
        pytest.param(SNOOZED, at(minutes=59), False, id="not yet"),
        pytest.param(SNOOZED, LATER, True, id="half-open: at its end it is over"),
        pytest.param(replace(SNOOZED, snoozed_until=None), LATER, False, id="broken before"),
        pytest.param(replace(SNOOZED, status=RESOLVED), LATER, False, id="resolved before"),
    ],
)  # fmt: skip
def test_s26_when_it_is_over(what: Incident, now: datetime, over: bool) -> None:
    assert is_over(what, now) is over


@pytest.mark.parametrize(
    ("until", "end"),
    [
        pytest.param(None, None, id="not told: an acknowledgement"),
        pytest.param(at(0), None, id="past: an acknowledgement"),
        pytest.param(LATER, LATER, id="theirs"),
        pytest.param(at(0) + timedelta(days=30), at(0) + MOST, id="a month there is seven days here"),
    ],
)  # fmt: skip
def test_s26_a_snooze_at_a_provider(until: datetime | None, end: datetime | None) -> None:
    assert bounded(until, at(0)) == end
