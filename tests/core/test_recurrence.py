"""The same condition again: whose incident is it now (S9, S10, IN-5)?"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.decide import conclude, understand
from tocsin.core.dedup import Reading
from tocsin.core.lifecycle import Act, rule
from tocsin.core.model import (
    Actor,
    ActorKind,
    AlertStatus,
    Event,
    Incident,
    IncidentId,
    IncidentStatus,
)
from tocsin.core.policy import (
    Defaults,
    Policy,
)
from tocsin.core.situation import Decision, Heard, Situation
from tocsin.core.values import replace

from .deciding import PAGER, asked, decided, heard
from .values import (
    ADA,
    BOB_AT_PD,
    CLOSED,
    OPEN,
    RESOLVED,
    T0,
    Door,
    acknowledge,
    alert,
    at,
    create,
    incident,
    policy,
    resolve,
)

DROPPED, ACKED = AlertStatus.DROPPED, AlertStatus.ACKNOWLEDGED


# ---- a little hub: one key, its alerts and incidents, decided at once ------------------------------------


@dataclass
class Hub:
    """Admits, decides and acts as the engine does, for one integration."""

    under: Policy = PAGER
    interval: timedelta | None = None
    door: Door = field(default_factory=Door)
    incidents: list[Incident] = field(default_factory=list)
    pages: list[tuple[str, datetime]] = field(default_factory=list)
    history: dict[str, IncidentId] = field(default_factory=dict)

    def _of(self, incident_id: IncidentId | None) -> Incident | None:
        return next((i for i in self.incidents if i.id == incident_id), None)

    def _save(self, changed: Incident) -> None:
        self.incidents = [i for i in self.incidents if i.id != changed.id] + [changed]
        self.incidents.sort(key=lambda i: i.number)

    def take(self, said: Event, now: datetime) -> Decision | None:
        admission = self.door.take(said, now)
        subject = admission.alert
        if subject is None or admission.reading in (Reading.IGNORED, Reading.OTHER):
            return None
        others = [
            a for a in self.door.live.values()
            if a.incident_id and a.incident_id == subject.incident_id and a.id != subject.id
        ]  # fmt: skip
        situation = Situation(
            alert=subject, heard=(Heard(said, admission.reading, admission.reason, now),), integration=None,
            incident=self._of(subject.incident_id), other_live=len(others),
            previous=self._of(self.history.get(subject.dedup_key)) if subject.incident_id is None else None,
            interval=self.interval,
        )  # fmt: skip
        new_id = IncidentId(UUID(int=7000 + len(self.incidents)))
        decision = conclude(situation, understand(situation, self.under, now), None, self.under, now, new_id)
        self.door.put(decision.alert)
        if decision.incident is not None:
            number = decision.incident.number or len(self.incidents) + 1
            self._save(replace(decision.incident, number=number))
            self.history[subject.dedup_key] = decision.incident.id
            if decision.plan is not None:
                self.pages.append((f"INC-{number}", now))
        return decision

    def act(self, number: int, act: Act, actor: Actor, now: datetime) -> None:
        kept = next(i for i in self.incidents if i.number == number)
        ruling = rule(kept, act, actor, now)
        self._save(ruling.incident)
        for live in list(self.door.live.values()):
            if live.incident_id == kept.id and ruling.alerts_become is not None:
                self.door.put(replace(live, status=ruling.alerts_become))

    def states(self) -> list[tuple[str, IncidentStatus]]:
        return [(i.name, i.status) for i in self.incidents]


# ---- the Powercode document: every minute, again and again ------------------------------------------------


def test_powercode_a_retrigger_every_minute_updates_the_text_without_paging_again() -> None:
    hub = Hub()
    for minute in range(20):
        hub.take(create(title=f"CPU at {80 + minute} %"), at(minutes=minute))
    assert hub.states() == [("INC-1", OPEN)]
    assert hub.incidents[0].title == "CPU at 99 %"
    assert hub.pages == [("INC-1", T0)]
    assert hub.door.story() == [("A1", "open", 19)]


@pytest.mark.parametrize("actor", [ADA, BOB_AT_PD], ids=["here", "at the provider"])
def test_powercode_resolved_by_a_person_while_still_broken_reopens_and_pages_after_the_grace(
    actor: Actor,
) -> None:
    hub = Hub()
    for minute in range(10):
        hub.take(create(), at(minutes=minute))
    hub.act(1, Act.ACKNOWLEDGE, actor, at(minutes=9.2))
    hub.act(1, Act.RESOLVE, actor, at(minutes=9.5))
    for minute in range(10, 15):
        hub.take(create(), at(minutes=minute))
        assert hub.states() == [("INC-1", RESOLVED)]
    assert hub.door.story()[1] == ("A2", "dropped", 4)
    assert hub.pages == [("INC-1", T0)]
    reopened = hub.take(create(title="heat"), at(minutes=15))
    assert hub.states() == [("INC-1", OPEN)]
    assert hub.pages == [("INC-1", T0), ("INC-1", at(minutes=15))]
    assert hub.incidents[0].title == "heat"
    assert (hub.incidents[0].acknowledged_at, hub.incidents[0].acknowledged_by) == (None, "")
    assert reopened is not None
    assert (reopened.alert.status, reopened.alert.muted_by) == (AlertStatus.OPEN, "")
    hub.take(create(), at(minutes=16))
    assert len(hub.pages) == 2


def test_powercode_resolved_by_the_sender_the_next_one_is_a_new_incident_linked_to_the_old() -> None:
    hub = Hub()
    hub.take(create(), at(0))
    hub.take(resolve(), at(minutes=1))
    hub.take(create(), at(minutes=2))
    assert hub.states() == [("INC-1", RESOLVED), ("INC-2", OPEN)]
    assert hub.incidents[1].recurrence_of == 1
    assert len(hub.pages) == 2


def test_what_a_person_reopened_takes_its_own_alert_back() -> None:
    """Nobody needs a second incident for the one they have just opened again."""
    hub = Hub()
    hub.take(create(), at(0))
    hub.act(1, Act.RESOLVE, ADA, at(minutes=1))
    hub.act(1, Act.REOPEN, ADA, at(minutes=2))
    joined = hub.take(create(), at(minutes=3))
    assert hub.states() == [("INC-1", OPEN)]
    assert joined is not None
    assert joined.alert.incident_id == hub.incidents[0].id


# ---- S9, S10: what the incident before it means --------------------------------------------------------------


@pytest.mark.parametrize(
    ("previous", "after", "interval", "outcome"),
    [
        pytest.param({"by": ActorKind.PERSON}, 0, None, "held", id="S10: at once after a person's resolve: grace"),
        pytest.param({"by": ActorKind.PERSON}, 4.9, None, "held", id="S10: just before five minutes: grace"),
        pytest.param({"by": ActorKind.PERSON}, 5, None, "reopened", id="S10: at five minutes it reopens and pages"),
        pytest.param({"by": ActorKind.PROVIDER}, 4.9, None, "held", id="S10: a person at a provider has the same grace"),
        pytest.param({"by": ActorKind.PROVIDER}, 29.9, None, "reopened", id="S9: within 30 minutes it reopens"),
        pytest.param({"by": ActorKind.PERSON}, 30, None, "recurrence", id="S9: later it is a new incident, linked"),
        pytest.param({"by": ActorKind.SENDER}, 0, None, "recurrence", id="S9: last resolved by the sender: new at once, linked"),
        pytest.param({"by": ActorKind.TIMER}, 10, None, "reopened", id="S14: a repeat after auto_resolve is as after a person's resolve (S10)"),
        pytest.param({"by": ActorKind.PERSON, "status": CLOSED}, 10, None, "recurrence", id="S9: a closed one never reopens: new, linked"),
        pytest.param({"by": ActorKind.PERSON, "status": CLOSED}, 1, None, "held", id="S19: closing resolves first, so its grace runs too"),
        pytest.param({"by": ActorKind.PERSON}, 100, 60, "reopened", id="S10: an hourly sender: reopen is twice its interval"),
        pytest.param({"by": ActorKind.PERSON}, 120, 60, "recurrence", id="S10: later than twice the interval: new"),
        pytest.param({"by": ActorKind.PERSON}, 35, 20, "recurrence", id="S10: a sender faster than reopen has the plain 30 minutes"),
        pytest.param(None, 0, None, "opened", id="nothing before it: a new incident, linked to none"),
    ],
)  # fmt: skip
def test_whether_a_new_alert_makes_a_new_incident(
    previous: dict[str, Any] | None, after: float, interval: float | None, outcome: str
) -> None:
    """S9, S10, S14, S19: by who resolved it, when, and how often its sender speaks."""
    before = previous and incident(
        previous.get("status", RESOLVED), number=41, resolved_at=T0, resolved_by=previous["by"]
    )
    decision = decided(
        alert(), heard(create()), now=at(minutes=after), previous=before or None,
        interval=timedelta(minutes=interval) if interval else None,
    )  # fmt: skip
    if outcome == "held":
        assert decision.alert.status is DROPPED
        assert "INC-41" in decision.alert.muted_by
        assert (decision.incident, decision.plan) == (None, None)
        return
    assert decision.incident is not None
    assert decision.incident.status is OPEN
    assert asked(decision) == ["pd"]
    assert (decision.joined, decision.opened) == (outcome == "reopened", outcome != "reopened")
    assert decision.incident.number == (41 if outcome == "reopened" else 0)
    assert decision.incident.recurrence_of == (41 if outcome == "recurrence" else None)


def test_the_times_are_settings() -> None:
    under = policy(defaults=Defaults(reopen=timedelta(hours=2), resolve_grace=timedelta(minutes=1)))
    before = incident(RESOLVED)
    assert decided(alert(), heard(create()), under=under, previous=before, now=at(59)).alert.status is DROPPED
    assert decided(alert(), heard(create()), under=under, previous=before, now=at(minutes=119)).joined


# ---- property ---------------------------------------------------------------------------------------

TRAFFIC = st.lists(
    st.tuples(st.sampled_from(["create", "create", "resolve", "ack", "ada resolves", "ada acks", "ada closes"]), st.integers(0, 12)),
    max_size=25,
)  # fmt: skip


@given(TRAFFIC)
def test_one_key_never_has_two_open_incidents_and_what_repeats_past_the_grace_is_always_in_one(
    traffic: list[tuple[str, int]],
) -> None:
    hub, now = Hub(), 0
    acts = {"ada resolves": Act.RESOLVE, "ada acks": Act.ACKNOWLEDGE, "ada closes": Act.CLOSE}
    says = {"create": create(), "resolve": resolve(), "ack": acknowledge()}
    for what, minutes in traffic:
        now += minutes
        if what in says:
            hub.take(says[what], at(minutes=now))
        elif hub.incidents:
            hub.act(hub.incidents[-1].number, acts[what], ADA, at(minutes=now))
        assert sum(1 for i in hub.incidents if i.open) <= 1
    hub.take(create(), at(minutes=now + 6))
    assert sum(1 for i in hub.incidents if i.open) == 1
    (live,) = hub.door.live.values()
    assert live.incident_id == next(i.id for i in hub.incidents if i.open)
