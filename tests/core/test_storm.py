"""Past an integration's limit, new keys are one incident; nothing critical in them is silent (S17)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.bucket import Rate
from tocsin.core.decide import understand
from tocsin.core.model import AlertStatus, Incident
from tocsin.core.severity import Severity
from tocsin.core.situation import Decision, Situation
from tocsin.core.storm import OVER, Storm, arrive, collapse, ended, is_storm, leaves, over
from tocsin.core.values import replace

from .deciding import PAGER, asked, decided, heard, kinds, repeated
from .values import MITIGATED, T0, C, H, L, M, alert, at, create, incident

RATE = Rate(per_minute=60, burst=5)
FULL = Storm(integration="I1", rate=RATE, tokens=5, at=T0)


def taken(severity: Severity, home: Incident | None, storm: Storm, number: int = 1) -> Decision:
    """A new alert that the storm takes."""
    subject, said = alert(number=number, title=f"Alert {number}"), heard(create(severity=severity))
    meant = understand(Situation(alert=subject, heard=said, integration=None), PAGER, storm.at)
    return collapse(decided(subject, said, now=storm.at), meant, home, storm, PAGER)


def begun(severity: Severity = M) -> Incident:
    decision = taken(severity, None, replace(FULL, keys=1, since=T0))
    assert decision.incident is not None
    return replace(decision.incident, number=7)


@pytest.mark.parametrize(
    ("arrivals", "opened"),
    [
        pytest.param([0] * 5, 5, id="a burst has an incident each"),
        pytest.param([0] * 50, 5, id="past it they are one storm"),
        pytest.param([n * 1.0 for n in range(50)], 50, id="the rate itself is no storm"),
        pytest.param([n * 0.5 for n in range(50)], 9, id="twice the rate is"),
        pytest.param([0] * 6 + [3] * 5, 5, id="while it goes on all new keys are its own"),
    ],
)
def test_what_a_bucket_lets_open(arrivals: list[float], opened: int) -> None:
    """S17: what counts is new keys."""
    storm, alone = FULL, 0
    for second in arrivals:
        storm, past = arrive(storm, at(second))
        alone += not past
    assert alone == opened
    assert storm.keys == len(arrivals) - opened


@given(st.lists(st.floats(0, 60), max_size=300).map(sorted))
def test_incidents_in_a_minute_are_bounded_whatever_arrives(arrivals: list[float]) -> None:
    """S17: at most a burst and the rate, however many keys come."""
    storm, alone = FULL, 0
    for second in arrivals:
        storm, past = arrive(storm, at(second))
        alone += not past
    assert alone <= RATE.burst + RATE.per_minute


def test_it_is_over_when_a_burst_could_come_again() -> None:
    storm = FULL
    for _ in range(6):
        storm, _ = arrive(storm, T0)
    assert not over(storm, at(4.9))
    assert over(storm, at(5))
    assert not over(FULL, at(60)), "none is none"
    assert over(replace(storm, rate=Rate()), T0), "a limit that was lifted ends it"


def test_the_first_one_past_the_limit_opens_the_storm() -> None:
    decision = taken(H, None, replace(FULL, keys=1, since=T0))
    found = decision.incident
    assert found is not None
    assert decision.opened
    assert is_storm(found)
    assert (found.title, found.group_key, found.severity) == ("Alert storm from I1", "storm/I1", H)
    assert found.services == (), "its calls must not grow with the services it hits"
    assert "1 of them are this incident" in found.description
    assert asked(decision) == ["pd"]
    assert "storm_began" in kinds(decision)


def test_the_next_ones_join_and_keep_their_own_key_and_status() -> None:
    """S17, IN-17: nothing is lost, nobody is paged again for the same severity."""
    decision = taken(M, begun(), replace(FULL, keys=2, since=T0), number=2)
    assert decision.incident is not None
    assert decision.joined
    assert not decision.opened
    assert decision.plan is None
    assert decision.alert.status is AlertStatus.OPEN
    assert decision.incident.details["first"] == ["Alert 1", "Alert 2"]
    assert "2 of them are this incident" in decision.incident.description


@pytest.mark.parametrize("status", [None, MITIGATED])
def test_what_is_worse_is_paged_at_once(status: object) -> None:
    """S6, S21: a critical one among a thousand low ones is not silent, also when somebody has the storm."""
    home = begun(L)
    if status is MITIGATED:
        home = replace(home, status=MITIGATED, parts=tuple(replace(p, status=MITIGATED) for p in home.parts))
    decision = taken(C, home, replace(FULL, keys=9, since=T0), number=9)
    assert decision.incident is not None
    assert decision.incident.severity is C
    assert decision.incident.open
    assert "pd" in asked(decision)
    assert (decision.ruling is not None) == (status is MITIGATED)


@given(st.lists(st.sampled_from([C, H, M, L]), min_size=1, max_size=60))
def test_nothing_critical_is_silent_and_pages_are_few(severities: list[Severity]) -> None:
    """S17, IN-16: a storm pages once for each severity it reaches, and is as bad as the worst in it."""
    home: Incident | None = None
    pages = 0
    for number, severity in enumerate(severities, start=1):
        decision = taken(severity, home, replace(FULL, keys=number, since=T0), number=number)
        pages += bool(asked(decision))
        home = replace(decision.incident, number=7) if decision.incident else None
    assert home is not None
    assert home.severity.rank == max(s.rank for s in severities)
    assert 1 <= pages <= 4


def test_a_repeat_in_a_storm_leaves_its_text_and_parts() -> None:
    """The storm speaks of all its alerts, not of the one that spoke last."""
    home = begun()
    mine = alert(AlertStatus.OPEN, severity=M, sender_severity=M, incident_id=home.id, services=("web",))
    decision = decided(
        mine, repeated(create(title="other", services=("web", "db"), severity=M)), incident=home
    )
    assert decision.incident == home


@pytest.mark.parametrize(
    ("severity", "mark", "more", "said", "wanted"),
    [
        pytest.param(H, OVER, {}, False, True, id="high, over, nobody has it"),
        pytest.param(C, OVER, {}, False, True, id="critical"),
        pytest.param(M, OVER, {}, False, False, id="medium stays"),
        pytest.param(C, "under way", {}, False, False, id="not while it goes on"),
        pytest.param(C, OVER, {"status": MITIGATED}, False, False, id="somebody has responded"),
        pytest.param(C, OVER, {}, True, False, id="a repeat is not the look"),
    ],
)
def test_which_alerts_get_an_incident_of_their_own_after(
    severity: Severity, mark: str, more: dict[str, object], said: bool, wanted: bool
) -> None:
    home = incident(more.get("status", incident().status), details={"storm": mark})  # type: ignore[arg-type]
    mine = alert(AlertStatus.OPEN, severity=severity, incident_id=home.id)
    found = Situation(alert=mine, heard=repeated(create()) if said else (), integration=None, incident=home)
    assert leaves(found) is wanted


def test_how_its_end_is_told() -> None:
    after, line = ended(begun(C), 1834, 3)
    assert (after.group_key, after.details["storm"]) == ("", OVER)
    assert "1834 new alerts; 3 of its alerts" in line.text
    _, quiet = ended(begun(L), 12, 0)
    assert "nothing else high or worse still fires" in quiet.text
