"""Who may do what to an incident, when, and what follows (S9, S18 to S20, S40)?"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.lifecycle import Act, Given, Ruling, rule
from tocsin.core.model import Actor, ActorKind, AlertStatus, Incident, IncidentStatus
from tocsin.core.ports import EffectKind
from tocsin.core.values import replace

from .values import ADA, BOB_AT_PD, CLOSED, MITIGATED, OPEN, PD_ITSELF, RESOLVED, SENDER, TIMER, at, incident

ACK, UNACK, RES, CLOSE, REOPEN, NOTE = (
    Act.ACKNOWLEDGE, Act.UNACKNOWLEDGE, Act.RESOLVE, Act.CLOSE, Act.REOPEN, Act.NOTE,
)  # fmt: skip
DECLARED: dict[str, Any] = {"declared": True}


@pytest.mark.parametrize(
    ("before", "act", "actor", "after", "changed"),
    [
        # a person
        pytest.param(OPEN, ACK, ADA, MITIGATED, True, id="a person acknowledges an open incident"),
        pytest.param(MITIGATED, ACK, ADA, MITIGATED, False, id="a second acknowledgement changes nothing"),
        pytest.param(RESOLVED, ACK, ADA, RESOLVED, False, id="S40: resolve beats acknowledge: it comes too late"),
        pytest.param(CLOSED, ACK, ADA, CLOSED, False, id="a closed incident is not acknowledged"),
        pytest.param(MITIGATED, UNACK, ADA, OPEN, True, id="a person gives it back"),
        pytest.param(OPEN, UNACK, ADA, OPEN, False, id="what nobody has cannot be given back"),
        pytest.param(RESOLVED, UNACK, ADA, RESOLVED, False, id="giving back does not reopen"),
        pytest.param(OPEN, RES, ADA, RESOLVED, True, id="a person resolves without acknowledging first"),
        pytest.param(MITIGATED, RES, ADA, RESOLVED, True, id="a person resolves what they hold"),
        pytest.param(RESOLVED, RES, ADA, RESOLVED, False, id="a second resolve changes nothing"),
        pytest.param(CLOSED, RES, ADA, CLOSED, False, id="a closed incident stays closed"),
        pytest.param(OPEN, CLOSE, ADA, CLOSED, True, id="S19: closing an open one resolves first"),
        pytest.param(RESOLVED, CLOSE, ADA, CLOSED, True, id="a resolved one is closed"),
        pytest.param(CLOSED, CLOSE, ADA, CLOSED, False, id="a second close changes nothing"),
        pytest.param(RESOLVED, REOPEN, ADA, OPEN, True, id="a person reopens a resolved one"),
        pytest.param(CLOSED, REOPEN, ADA, OPEN, True, id="a person may reopen even a closed one"),
        pytest.param(MITIGATED, REOPEN, ADA, MITIGATED, False, id="reopening an acknowledged one does not take it away"),
        # a provider
        pytest.param(OPEN, ACK, BOB_AT_PD, MITIGATED, True, id="a person's acknowledgement at a provider counts here"),
        pytest.param(OPEN, RES, BOB_AT_PD, RESOLVED, True, id="a person's resolve at a provider counts here"),
        pytest.param(MITIGATED, UNACK, BOB_AT_PD, OPEN, True, id="a person gives it back at a provider"),
        pytest.param(OPEN, RES, PD_ITSELF, OPEN, False, id="S40: a provider's own resolve timer closes nothing that may still fire"),
        pytest.param(MITIGATED, UNACK, PD_ITSELF, MITIGATED, False, id="S40: a provider's acknowledgement that lapses is recorded only"),
        # machines
        pytest.param(OPEN, RES, SENDER, RESOLVED, True, id="S19: it resolves by itself when its last alert does"),
        pytest.param(OPEN, ACK, SENDER, MITIGATED, True, id="a sender may acknowledge"),
        pytest.param(RESOLVED, REOPEN, SENDER, OPEN, True, id="what still fires reopens it"),
        pytest.param(OPEN, RES, TIMER, RESOLVED, True, id="auto-resolve is a timer's act"),
    ],
)  # fmt: skip
def test_what_an_act_does(
    before: IncidentStatus, act: Act, actor: Actor, after: IncidentStatus, changed: bool
) -> None:
    ruling = rule(incident(before), act, actor, at(60))
    assert (ruling.incident.status, ruling.changed) == (after, changed)
    assert {part.status for part in ruling.incident.parts} == {after}
    assert ruling.reason


@pytest.mark.parametrize("act", [RES, CLOSE])
@pytest.mark.parametrize(
    ("actor", "ends"),
    [
        pytest.param(ADA, True, id="a person here ends it"),
        pytest.param(BOB_AT_PD, True, id="a person at a provider ends it"),
        pytest.param(SENDER, False, id="a sender does not"),
        pytest.param(TIMER, False, id="a timer does not"),
        pytest.param(PD_ITSELF, False, id="a provider's own timer does not"),
    ],
)
def test_s40_a_declared_incident_is_never_closed_by_a_machine(act: Act, actor: Actor, ends: bool) -> None:
    """S40."""
    ruling = rule(incident(**DECLARED), act, actor, at(60))
    assert ruling.incident.open is not ends
    assert ruling.lines
    assert (ruling.lines[0].kind == "recorded") is not ends


@pytest.mark.parametrize(
    ("before", "act", "alerts", "told", "stops", "starts"),
    [
        pytest.param(OPEN, ACK, AlertStatus.ACKNOWLEDGED, EffectKind.ACKNOWLEDGE, True, False, id="S19: acknowledging acknowledges its alerts, tells the others and stops the page"),
        pytest.param(OPEN, RES, AlertStatus.RESOLVED, EffectKind.RESOLVE, True, False, id="S19: resolving resolves its alerts, tells the others and stops the page"),
        pytest.param(OPEN, CLOSE, AlertStatus.RESOLVED, EffectKind.RESOLVE, True, False, id="S19: closing an open one does all that resolving does"),
        pytest.param(RESOLVED, CLOSE, None, None, False, False, id="closing a resolved one is nobody else's business"),
        pytest.param(MITIGATED, UNACK, AlertStatus.OPEN, None, False, True, id="giving it back opens its alerts and pages again"),
        pytest.param(RESOLVED, REOPEN, None, EffectKind.REOPEN, False, True, id="reopening pages again; resolved alerts stay resolved"),
        pytest.param(OPEN, NOTE, None, EffectKind.NOTE, False, False, id="a note is told and moves nothing"),
    ],
)  # fmt: skip
def test_what_follows_from_an_act(
    before: IncidentStatus,
    act: Act,
    alerts: AlertStatus | None,
    told: EffectKind | None,
    stops: bool,
    starts: bool,
) -> None:
    """S19: what its alerts become, who is told, whether the page goes on."""
    ruling = rule(incident(before), act, ADA, at(60), note="see the disk")
    assert (ruling.alerts_become, ruling.tell) == (alerts, told)
    assert (ruling.stops_paging, ruling.starts_paging) == (stops, starts)
    assert ruling.lines


def test_an_act_that_comes_too_late_is_an_error_for_a_person_and_a_repeated_one_is_none() -> None:
    assert rule(incident(RESOLVED), ACK, ADA, at(1)).refused
    assert not rule(incident(MITIGATED), ACK, ADA, at(1)).refused
    assert not rule(incident(RESOLVED), RES, ADA, at(1)).refused


def test_s9_a_reopened_incident_is_open_and_never_still_acknowledged() -> None:
    """S9."""
    was = incident(CLOSED, acknowledged_at=at(1), acknowledged_by="Ada", closed_at=at(5))
    now = rule(was, REOPEN, SENDER, at(60)).incident
    assert (now.status, now.acknowledged_at, now.acknowledged_by) == (OPEN, None, "")
    assert (now.resolved_at, now.resolved_by, now.closed_at) == (None, None, None)


@pytest.mark.parametrize("actor", [ADA, BOB_AT_PD, SENDER, TIMER], ids=lambda a: a.kind.value)
def test_it_is_kept_who_resolved_last(actor: Actor) -> None:
    """S9 asks for it: what a sender resolved never reopens."""
    now = rule(incident(), RES, actor, at(60)).incident
    assert (now.resolved_at, now.resolved_by) == (at(60), actor.kind)


def test_who_acknowledges_holds_it_and_a_machine_holds_nothing() -> None:
    by_ada = rule(incident(), ACK, ADA, at(60)).incident
    assert (by_ada.assignee, by_ada.acknowledged_by, by_ada.acknowledged_at) == ("Ada", "Ada", at(60))
    by_sender = rule(incident(assignee="Bob"), ACK, SENDER, at(60)).incident
    assert by_sender.assignee == "Bob"


def test_a_note_given_with_an_act_is_told_with_it() -> None:
    for before, act in ((OPEN, ACK), (OPEN, RES), (RESOLVED, CLOSE), (RESOLVED, REOPEN)):
        assert (
            rule(incident(before), act, ADA, at(1), note="disk swapped")
            .lines[-1]
            .text.endswith(": disk swapped")
        )
    text = rule(incident(), ACK, Actor(ActorKind.PROVIDER, "Bob", "pd"), at(1)).lines[0].text
    assert text == "Acknowledged by Bob via pd"


def test_assigning_twice_is_once() -> None:
    first = rule(incident(), Act.ASSIGN, ADA, at(1), to=Given("bob", "Bob"))
    assert first.incident.assignee == "bob"
    assert [line.text for line in first.lines] == ["Assigned to Bob by Ada via cli"]
    again = rule(first.incident, Act.ASSIGN, ADA, at(2), to=Given("bob", "Bob"))
    assert (again.changed, again.lines, again.incident) == (False, (), first.incident)


@pytest.mark.parametrize(
    ("before", "actor", "keeps", "after", "tell", "rings"),
    [
        pytest.param(OPEN, ADA, False, OPEN, EffectKind.ASSIGN, False, id="assigning is no acknowledgement: the page goes on"),
        pytest.param(MITIGATED, ADA, False, OPEN, None, True, id="given on while somebody has it: open again until the next one says so"),
        pytest.param(MITIGATED, ADA, True, MITIGATED, EffectKind.ASSIGN, False, id="taken by themselves: whoever has it keeps it"),
        pytest.param(MITIGATED, BOB_AT_PD, False, MITIGATED, EffectKind.ASSIGN, False, id="given on at a provider: it stands as it does there"),
        pytest.param(RESOLVED, ADA, False, RESOLVED, None, False, id="what is over has an owner, and nobody is told"),
        pytest.param(CLOSED, ADA, False, CLOSED, None, False, id="closed too"),
    ],
)  # fmt: skip
def test_what_an_assignment_does(
    before: IncidentStatus,
    actor: Actor,
    keeps: bool,
    after: IncidentStatus,
    tell: EffectKind | None,
    rings: bool,
) -> None:
    ruling = rule(incident(before), Act.ASSIGN, actor, at(60), to=Given("bob", "Bob", keeps))
    assert (ruling.incident.status, ruling.incident.assignee, ruling.changed) == (after, "bob", True)
    assert (ruling.tell, ruling.starts_paging, ruling.given_on) == (tell, rings, rings)


# ---- S20: several services -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("api", "web", "act", "service", "parts", "whole", "stops"),
    [
        pytest.param(OPEN, OPEN, ACK, "api", (MITIGATED, OPEN), OPEN, False, id="one part acknowledged: the incident is open and the page goes on"),
        pytest.param(MITIGATED, OPEN, ACK, "web", (MITIGATED, MITIGATED), MITIGATED, True, id="the last part acknowledged: mitigated, and the page stops"),
        pytest.param(OPEN, OPEN, ACK, None, (MITIGATED, MITIGATED), MITIGATED, True, id="an act here applies to every part"),
        pytest.param(OPEN, OPEN, RES, "api", (RESOLVED, OPEN), OPEN, False, id="one part resolved: the other is still open"),
        pytest.param(RESOLVED, OPEN, RES, "web", (RESOLVED, RESOLVED), RESOLVED, True, id="the last part resolved: resolved"),
        pytest.param(MITIGATED, OPEN, RES, "web", (MITIGATED, RESOLVED), MITIGATED, True, id="the open part resolved and the other acknowledged: mitigated, nobody is asked any more"),
        pytest.param(RESOLVED, OPEN, ACK, "web", (RESOLVED, MITIGATED), MITIGATED, True, id="what is left is acknowledged: mitigated"),
        pytest.param(MITIGATED, MITIGATED, RES, "api", (RESOLVED, MITIGATED), MITIGATED, False, id="one of two acknowledged parts resolved: still mitigated"),
        pytest.param(MITIGATED, MITIGATED, UNACK, "api", (OPEN, MITIGATED), OPEN, False, id="one part given back: open again"),
        pytest.param(OPEN, OPEN, RES, "cache", (OPEN, OPEN), OPEN, False, id="a service it does not have changes nothing"),
        pytest.param(RESOLVED, OPEN, CLOSE, None, (CLOSED, CLOSED), CLOSED, True, id="closing closes every part"),
        pytest.param(RESOLVED, OPEN, REOPEN, "api", (OPEN, OPEN), OPEN, False, id="one part reopened there, the other open all the while"),
        pytest.param(RESOLVED, MITIGATED, REOPEN, "api", (OPEN, MITIGATED), OPEN, False, id="one part reopened there: who has the other keeps it"),
        pytest.param(RESOLVED, RESOLVED, REOPEN, "api", (OPEN, RESOLVED), OPEN, False, id="one part reopened there: the other stays over"),
        pytest.param(CLOSED, CLOSED, REOPEN, "api", (OPEN, RESOLVED), OPEN, False, id="what stays over of a closed one is resolved"),
        pytest.param(RESOLVED, RESOLVED, REOPEN, None, (OPEN, OPEN), OPEN, False, id="reopened here: every part"),
        pytest.param(RESOLVED, OPEN, REOPEN, None, (RESOLVED, OPEN), OPEN, False, id="reopening here what is open changes nothing"),
        pytest.param(RESOLVED, OPEN, REOPEN, "web", (RESOLVED, OPEN), OPEN, False, id="reopening there what is open changes nothing"),
    ],
)  # fmt: skip
def test_s20_each_part_has_its_own_status(
    api: IncidentStatus, web: IncidentStatus, act: Act, service: str | None,
    parts: tuple[IncidentStatus, IncidentStatus], whole: IncidentStatus, stops: bool,
) -> None:  # fmt: skip
    """S20."""
    ruling = rule(two(api, web), act, BOB_AT_PD, at(60), service=service)
    assert tuple(part.status for part in ruling.incident.parts) == parts
    assert (ruling.incident.status, ruling.stops_paging) == (whole, stops)


def two(api: IncidentStatus, web: IncidentStatus) -> Incident:
    return incident(_status_of((api, web)), parts={"api": api, "web": web})


def test_s20_only_the_parts_that_moved_are_told() -> None:
    ruling = rule(two(MITIGATED, OPEN), ACK, ADA, at(60))
    assert (ruling.services, ruling.tell) == (("web",), EffectKind.ACKNOWLEDGE)
    assert rule(two(OPEN, OPEN), ACK, BOB_AT_PD, at(60), service="api").alerts_become is None


def test_when_the_open_part_goes_the_incident_is_held_by_who_has_the_rest() -> None:
    ruling = rule(two(MITIGATED, OPEN), RES, BOB_AT_PD, at(60), service="web")
    assert (ruling.incident.acknowledged_by, ruling.incident.acknowledged_at) == ("Ada", at(60))
    assert ruling.alerts_become is AlertStatus.ACKNOWLEDGED


# ---- properties ------------------------------------------------------------------------------------------


def _status_of(parts: tuple[IncidentStatus, ...]) -> IncidentStatus:
    """The law of S20: resolved when every part is over, mitigated when nobody need be asked for any part,
    else open."""
    if all(p is CLOSED for p in parts):
        return CLOSED
    if all(p in (RESOLVED, CLOSED) for p in parts):
        return RESOLVED
    return OPEN if OPEN in parts else MITIGATED


ACTORS = st.sampled_from([ADA, BOB_AT_PD, PD_ITSELF, SENDER, TIMER])
STATUS_ACTS = st.sampled_from([ACK, UNACK, RES, CLOSE, REOPEN])
DEEDS = st.lists(st.tuples(STATUS_ACTS, ACTORS, st.sampled_from([None, "a", "b", "c"])), max_size=25)
SERVICES = st.sampled_from([("",), ("a",), ("a", "b"), ("a", "b", "c")])


def _run(services: tuple[str, ...], declared: bool, deeds: list[Any]) -> list[tuple[Incident, Any, Ruling]]:
    now = incident(parts=dict.fromkeys(services, OPEN), declared=declared)
    story = []
    for second, (act, actor, service) in enumerate(deeds):
        ruling = rule(now, act, actor, at(second), service=service)
        story.append((now, (act, actor, service), ruling))
        now = ruling.incident
    return story


@given(SERVICES, st.booleans(), DEEDS)
def test_the_incident_s_status_always_agrees_with_its_parts(
    services: tuple[str, ...], declared: bool, deeds: list[Any]
) -> None:
    for _, _, ruling in _run(services, declared, deeds):
        now = ruling.incident
        assert now.status is _status_of(tuple(p.status for p in now.parts))
        assert (now.acknowledged_at is None) or now.status is not OPEN
        assert (now.acknowledged_at is not None) or now.status is not MITIGATED
        assert (now.resolved_at is None) is now.open
        assert (now.resolved_by is None) is now.open


@given(SERVICES, st.booleans(), DEEDS)
def test_an_act_done_twice_is_done_once(services: tuple[str, ...], declared: bool, deeds: list[Any]) -> None:
    for _, (act, actor, service), ruling in _run(services, declared, deeds):
        again = rule(ruling.incident, act, actor, at(999), service=service)
        assert not again.changed
        assert again.incident == ruling.incident
        assert (again.tell, again.alerts_become) == (None, None)
        assert not again.stops_paging
        assert not again.starts_paging


@given(SERVICES, st.booleans(), DEEDS)
def test_what_is_over_comes_back_only_by_a_reopen(
    services: tuple[str, ...], declared: bool, deeds: list[Any]
) -> None:
    for before, (act, _, _), ruling in _run(services, declared, deeds):
        if not before.open and ruling.incident.open:
            assert act is REOPEN
            assert ruling.incident.status is OPEN
        for was, now in zip(before.parts, ruling.incident.parts, strict=True):
            if was.status in (RESOLVED, CLOSED) and now.status in (OPEN, MITIGATED):
                assert act is REOPEN


@given(SERVICES, DEEDS)
def test_a_machine_never_ends_a_declared_incident(services: tuple[str, ...], deeds: list[Any]) -> None:
    for before, (_, actor, _), ruling in _run(services, True, deeds):
        if actor in (PD_ITSELF, SENDER, TIMER) and before.open:
            assert ruling.incident.open


@given(SERVICES, st.booleans(), DEEDS)
def test_what_did_not_change_says_why_and_leaves_the_incident_alone(
    services: tuple[str, ...], declared: bool, deeds: list[Any]
) -> None:
    for before, _, ruling in _run(services, declared, deeds):
        assert ruling.reason
        if not ruling.changed:
            assert ruling.incident == before
        else:
            assert ruling.lines
            assert ruling.incident == replace(ruling.incident, id=before.id, number=before.number)
