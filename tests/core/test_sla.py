"""By when is an incident to be acknowledged and resolved, and what is told when that is near or past (IM-4)?"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.core.hours import BUSINESS, local_facts
from tocsin.core.model import ActorKind, Incident, IncidentStatus
from tocsin.core.office_hours import advance, measure
from tocsin.core.policy import Connector, Defaults, Policy, Service, Span, Team
from tocsin.core.severity import Severity
from tocsin.core.sla import Clock, Look, Promise, Track, deadline, look, promises_of
from tocsin.core.targets import SlaSettings, SlaTarget
from tocsin.core.values import replace

from .values import OPEN, incident

NOON = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)  # a Monday
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
OFFICE = (Span(frozenset(range(5)), time(9), time(17)),)


def team(zone: str = "Europe/Berlin", *, holidays: tuple[date, ...] = ()) -> Team:
    return Team(name="t", timezone=zone, business_hours=OFFICE, holidays=frozenset(holidays))


# ---- business time ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "span", "who", "end"),
    [
        pytest.param("2026-11-16T10:00+01:00", 2, team(), "2026-11-16T12:00+01:00", id="within a day"),
        pytest.param("2026-11-16T16:00+01:00", 2, team(), "2026-11-17T10:00+01:00", id="over the night"),
        pytest.param("2026-11-20T16:00+01:00", 2, team(), "2026-11-23T10:00+01:00", id="over the weekend"),
        pytest.param("2026-11-21T03:00+01:00", 1, team(), "2026-11-23T10:00+01:00", id="begun at the weekend"),
        pytest.param("2026-12-24T16:00+01:00", 2, team(holidays=(date(2026, 12, 25),)), "2026-12-28T10:00+01:00", id="over a holiday and a weekend"),
        pytest.param("2026-03-27T16:00+01:00", 9, team(), "2026-03-30T17:00+02:00", id="clocks are put forward at the weekend"),
        pytest.param("2026-11-16T10:00+01:00", 40, team(), "2026-11-23T10:00+01:00", id="a week of work"),
        pytest.param("2026-10-31T23:30-04:00", 3, None, "2026-11-01T01:30-05:00", id="around the clock, clocks go back"),
    ],
)  # fmt: skip
def test_when_so_much_time_is_over(start: str, span: float, who: Team | None, end: str) -> None:
    begins = datetime.fromisoformat(start).astimezone(UTC)
    assert advance(begins, span * HOUR, who) == datetime.fromisoformat(end).astimezone(UTC)


def test_a_day_on_which_clocks_change_has_the_hours_it_has() -> None:
    """Open all night: the night of October has 25 hours, that of March 23."""
    always = Team(
        name="n", timezone="Europe/Berlin", business_hours=(Span(frozenset(range(7)), time(0), time(0)),)
    )
    autumn = datetime(2026, 10, 24, 22, tzinfo=UTC)
    assert measure(autumn, autumn + timedelta(hours=25), always) == timedelta(hours=25)
    assert advance(autumn, timedelta(hours=25), always) == autumn + timedelta(hours=25)


ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"]
)
INSTANTS = st.integers(0, 730 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + minutes * MINUTE
)
TEAMS = st.builds(
    lambda zone, days: team(zone, holidays=tuple(date(2026, 1, 1) + timedelta(days=n) for n in days)),
    ZONES, st.lists(st.integers(0, 700), max_size=5),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(start=INSTANTS, minutes=st.integers(0, 4000), who=TEAMS | st.none())
def test_what_is_advanced_is_measured(start: datetime, minutes: int, who: Team | None) -> None:
    """The two are one: between the start and the deadline lies just what was promised, and a deadline is never at a time
    at which nobody works."""
    span = timedelta(minutes=minutes)
    end = advance(start, span, who)
    assert end >= start
    assert measure(start, end, who) == span
    if who is not None and minutes:
        assert local_facts(who, end - timedelta(microseconds=1)).hours == BUSINESS


@settings(max_examples=40, deadline=None)
@given(start=INSTANTS, first=st.integers(0, 2000), second=st.integers(0, 2000), who=TEAMS)
def test_time_adds_up(start: datetime, first: int, second: int, who: Team) -> None:
    """In two steps as in one; more is never earlier."""
    one, two = timedelta(minutes=first), timedelta(minutes=second)
    assert advance(start, one + two, who) == advance(advance(start, one, who), two, who) or two == timedelta(
        0
    )
    assert advance(start, one + two, who) >= advance(start, one, who)


# ---- whose word holds ------------------------------------------------------------------------------------

TARGET = SlaTarget(ack=15 * MINUTE, resolve=HOUR)
PLAIN = Policy(
    version=1, defaults=Defaults(sla=SlaSettings(targets={Severity.CRITICAL: TARGET, Severity.LOW: SlaTarget(ack=8 * HOUR)}))
)  # fmt: skip


@pytest.mark.parametrize(
    ("more", "ack", "by"),
    [
        pytest.param({}, 15 * MINUTE, "defaults.sla", id="the defaults"),
        pytest.param({"services": {"api": Service(name="api", sla={Severity.CRITICAL: SlaTarget(ack=5 * MINUTE)})}}, 5 * MINUTE, "services.api.sla", id="the service's own"),
        pytest.param({"services": {"api": Service(name="api", sla={Severity.HIGH: SlaTarget(ack=5 * MINUTE)})}}, 15 * MINUTE, "defaults.sla", id="its word about another severity"),
        pytest.param({"connectors": {"pd": Connector(name="pd", type="p", sla={Severity.CRITICAL: SlaTarget(ack=MINUTE)})}}, 15 * MINUTE, "defaults.sla", id="a connector's comes last"),
        pytest.param({"defaults": Defaults(), "connectors": {"pd": Connector(name="pd", type="p", sla={Severity.CRITICAL: SlaTarget(ack=MINUTE)})}}, MINUTE, "connectors.pd.sla_mapping", id="the document's one command is enough"),
    ],
)  # fmt: skip
def test_whose_word_holds(more: dict[str, Any], ack: timedelta, by: str) -> None:
    (found,) = promises_of("api", "", Severity.CRITICAL, replace(PLAIN, **more), Clock.ACK)
    assert (found.time, found.by) == (ack, by)


def test_of_two_services_the_strictest_holds() -> None:
    """By the deadline, not by the figure: 4 h around the clock end before 3 h of business time that begin tomorrow."""
    office = {"t": team()}
    services = {
        "a": Service(name="a", team="t", sla={Severity.CRITICAL: SlaTarget(ack=3 * HOUR, business=True)}),
        "b": Service(name="b", sla={Severity.CRITICAL: SlaTarget(ack=4 * HOUR)}),
    }
    evening = datetime(2026, 11, 16, 20, tzinfo=UTC)
    policy = replace(PLAIN, services=services, teams=office)
    both = replace(incident(parts={"a": OPEN, "b": OPEN}), severity=Severity.CRITICAL, opened_at=evening)
    assert look(None, both, policy, evening).track.ack.promise == Promise(time=4 * HOUR, by="services.b.sla")


# ---- the life of a clock ---------------------------------------------------------------------------------


def opened(**more: Any) -> Incident:
    return replace(incident(), **({"severity": Severity.CRITICAL, "opened_at": NOON} | more))


def mitigated(minutes: float, **more: Any) -> Incident:
    at = NOON + minutes * MINUTE
    return opened(status=IncidentStatus.MITIGATED, acknowledged_at=at, acknowledged_by="Ada", **more)


def resolved(minutes: float, **more: Any) -> Incident:
    at = NOON + minutes * MINUTE
    return opened(status=IncidentStatus.RESOLVED, resolved_at=at, resolved_by=ActorKind.PERSON, **more)


def walk(*steps: tuple[float, Incident]) -> list[Look]:
    """A look at each of these minutes."""
    track: Track | None = None
    looks = []
    for minutes, one in steps:
        looks.append(look(track, one, PLAIN, NOON + minutes * MINUTE))
        track = looks[-1].track
    return looks


def said(looks: list[Look]) -> list[str]:
    return [f"{t.clock.value} {'missed' if t.missed else 'warning'}{' late' if t.late else ''}" for one in looks for t in one.told]  # fmt: skip


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        pytest.param([(0, opened()), (11, opened())], [], id="in time"),
        pytest.param([(0, opened()), (12, opened()), (13, opened()), (15, opened()), (20, opened())], ["ack warning", "ack missed"], id="each once"),
        pytest.param([(0, opened()), (5, mitigated(5)), (48, mitigated(5)), (60, mitigated(5)), (90, mitigated(5))], ["resolve warning", "resolve missed"], id="acknowledged in time, resolved too late"),
        pytest.param([(0, opened()), (70, opened())], ["ack missed", "resolve missed"], id="S46 after a downtime a miss and no warning before it"),
        pytest.param([(0, opened()), (20, mitigated(18))], ["ack missed late"], id="acknowledged late while nobody looked"),
        pytest.param([(0, opened()), (20, mitigated(14))], [], id="acknowledged in time while nobody looked"),
        pytest.param([(0, opened()), (10, resolved(9)), (99, resolved(9))], [], id="resolved is acknowledged too"),
        pytest.param([(30, resolved(20))], ["ack missed late"], id="opened and over between two looks"),
        pytest.param([(0, opened()), (5, mitigated(5)), (10, opened()), (40, opened())], [], id="an acknowledgement that lapsed was one"),
        pytest.param([(0, opened(severity=Severity.LOW)), (60, opened(severity=Severity.LOW)), (61, opened())], ["ack missed", "resolve missed"], id="called worse: what was promised for that is past"),
        pytest.param([(0, opened()), (20, opened()), (21, opened(severity=Severity.LOW)), (25, opened())], ["ack missed"], id="called less bad: what was missed stays so"),
    ],
)  # fmt: skip
def test_the_life_of_the_clocks(steps: list[tuple[float, Incident]], told: list[str]) -> None:
    assert said(walk(*steps)) == told


def test_reopened_was_not_over() -> None:
    """The time as resolved is left out, the clock of the resolve goes on, and it is to be acknowledged anew."""
    looks = walk((0, opened()), (5, mitigated(5)), (30, resolved(30)), (50, opened()))
    track = looks[-1].track
    assert track.resolve.due_at == NOON + 80 * MINUTE  # 30 min used, 20 not counted
    assert track.ack.due_at == NOON + 65 * MINUTE
    assert (track.ack.met_at, track.resolve.met_at) == (None, None)
    late = walk((0, opened()), (5, mitigated(5)), (30, resolved(30)), (50, opened()), (66, opened()), (81, mitigated(70)))  # fmt: skip
    assert said(late) == ["ack missed", "resolve missed"]


def test_a_snooze_stops_nothing() -> None:
    """It is an acknowledgement with an end."""
    snoozed = mitigated(5, snoozed_until=NOON + 3 * HOUR)
    assert said(walk((0, opened()), (5, snoozed), (61, snoozed))) == ["resolve missed"]


def test_it_is_looked_at_when_something_is_due() -> None:
    first = walk((0, opened()))[0]
    assert first.look_at == NOON + 12 * MINUTE
    assert walk((0, opened()), (12, opened()))[1].look_at == NOON + 15 * MINUTE
    assert walk((0, resolved(0)))[0].look_at is None
    assert look(None, opened(severity=Severity.MEDIUM), PLAIN, NOON).look_at is None


def test_the_sentence_says_what_was_promised_and_where() -> None:
    (told,) = walk((0, opened()), (15, opened()))[1].told
    assert told.line.text == (
        "SLA missed: it was to be acknowledged by 2026-11-16 12:15:00 UTC. Promised for critical: 15m (defaults.sla)"
    )


ACTS = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from(["open", "mitigated", "resolved", "worse", "less"])),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(acts=ACTS)
def test_whatever_happens_each_clock_is_told_once(acts: list[tuple[int, str]]) -> None:
    """A miss is told at most once a clock, never before it is due, and stays; nothing that is over is looked at."""
    track: Track | None = None
    at, now = opened(), NOON
    missed: list[Clock] = []
    for minutes, act in acts:
        now += minutes * MINUTE
        if act == "mitigated" and at.open:
            at = replace(at, status=IncidentStatus.MITIGATED, acknowledged_at=now)
        elif act == "resolved" and at.open:
            at = replace(at, status=IncidentStatus.RESOLVED, resolved_at=now)
        elif act == "open":
            at = replace(at, status=IncidentStatus.OPEN, acknowledged_at=None, resolved_at=None)
        elif act in ("worse", "less"):
            at = replace(at, severity=Severity.CRITICAL if act == "worse" else Severity.LOW)
        found = look(track, at, PLAIN, now)
        for told in found.told:
            assert told.missed is False or found.track.of(told.clock).breached_at is not None
        missed += [told.clock for told in found.told if told.missed]
        for running in (found.track.ack, found.track.resolve):
            assert running.breached_at is None or running.breached_at <= now
        assert found.look_at is None or (at.open and found.look_at > now)
        again = look(found.track, at, PLAIN, now)
        assert (again.told, again.track) == ((), found.track), "looking twice changes nothing"
        track = found.track
    assert len(missed) == len(set(missed))


def test_a_deadline_over_several_times_in_which_it_was_open() -> None:
    periods = ((NOON, NOON + HOUR), (NOON + 3 * HOUR, NOON + 4 * HOUR), (NOON + 9 * HOUR, None))
    assert deadline(periods, HOUR / 2, None) == NOON + HOUR / 2
    assert deadline(periods, 2 * HOUR, None) == NOON + 4 * HOUR
    assert deadline(periods, 5 * HOUR, None) == NOON + 12 * HOUR
