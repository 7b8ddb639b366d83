"""Are the figures of a report those of its incidents, and does what is not there stay None?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.core.policy import Policy, Span, Team
from tocsin.core.report import TO_ACKNOWLEDGE, Incident, Report, Side, report_of
from tocsin.core.severity import Severity

START = datetime(2026, 7, 31, 22, tzinfo=UTC)  # midnight in Berlin
END = datetime(2026, 8, 31, 22, tzinfo=UTC)
NOON = datetime(2026, 8, 3, 10, tzinfo=UTC)  # a Monday, 12:00 in Berlin
PAYMENTS = Team(
    name="payments", timezone="Europe/Berlin", business_hours=(Span(frozenset(range(5)), time(9), time(18)),)
)
POLICY = Policy(teams={"payments": PAYMENTS})


def one(number: int = 1, *, ack: float | None = None, over: float | None = None, **more: Any) -> Incident:
    """Opened at noon; minutes until it is acknowledged and over."""
    at = more.get("opened_at", NOON)
    minutes = {n: at + timedelta(minutes=v) if v is not None else None for n, v in (("a", ack), ("o", over))}
    given = {
        "name": f"INC-{number}", "title": "Down", "severity": Severity.HIGH, "status": "resolved" if over is not None else "open",
        "opened_at": at, "team": "payments", "services": ("api",), "acknowledged_at": minutes["a"],
        "acknowledged_by": "Ada" if ack is not None else "", "resolved_at": minutes["o"],
    }  # fmt: skip
    return Incident(**(given | more))


def made(*incidents: Incident, **more: Any) -> Report:
    given = {"policy": POLICY, "start": START, "end": END, "timezone": "Europe/Berlin", "made_at": END} | more
    return report_of(incidents, **given)


def paged(at: datetime, connector: str = "pd", **more: Any) -> Side:
    return Side(connector=connector, accepted_at=at, **more)


def test_an_empty_month_tells_the_truth() -> None:
    """No mean of nothing, no share of nothing; every day is there, with nothing on it."""
    found = made()
    assert (found.total, found.pages, found.sla, found.people, found.providers) == (0, 0, (), (), ())
    assert found.acknowledge is not None
    assert (found.acknowledge.mean, found.acknowledge.median, found.acknowledge.p90) == (None, None, None)
    assert [day.day.day for day in found.days] == list(range(1, 32))
    assert all(not day.by_severity for day in found.days)


def test_how_long_it_took() -> None:
    found = made(one(1, ack=1, over=10), one(2, ack=3, over=20), one(3, ack=20), one(4)).acknowledge
    assert found is not None
    assert (found.of, found.done, found.mean, found.median) == (4, 3, 480.0, 180.0)
    assert found.p90 == 1200
    assert dict(zip([*TO_ACKNOWLEDGE, "longer", "never"], found.buckets, strict=True)) == {
        60: 1, 300: 1, 900: 0, 1800: 1, 3600: 0, 14_400: 0, "longer": 0, "never": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("at", "night", "late"),
    [
        pytest.param("2026-08-03T12:00+02:00", 0, 0, id="at noon of a working day"),
        pytest.param("2026-08-03T19:00+02:00", 0, 1, id="after hours, and nobody sleeps"),
        pytest.param("2026-08-03T22:00+02:00", 1, 1, id="at ten"),
        pytest.param("2026-08-04T05:59+02:00", 1, 1, id="before six"),
        pytest.param("2026-08-04T06:00+02:00", 0, 1, id="at six"),
        pytest.param("2026-08-08T12:00+02:00", 0, 1, id="on a Saturday"),
    ],
)
def test_whom_it_woke(at: str, night: int, late: int) -> None:
    """By the clock of the team, whatever the zone of the report."""
    when = datetime.fromisoformat(at).astimezone(UTC)
    found = made(one(opened_at=when, sides=(paged(when),)), timezone="Asia/Kolkata")
    assert (found.night_pages, found.out_of_hours, found.pages) == (night, late, 1)


def test_a_day_is_a_day_of_the_reports_zone() -> None:
    late = datetime(2026, 8, 3, 22, 30, tzinfo=UTC)  # 00:30 of the 4th in Berlin
    days = {day.day.day: dict(day.by_severity) for day in made(one(opened_at=late)).days if day.by_severity}
    assert days == {4: {"high": 1}}
    utc = made(one(opened_at=late), timezone="UTC")
    assert [day.day.day for day in utc.days if day.by_severity] == [3]


def test_an_incident_of_two_services_counts_in_both() -> None:
    found = made(one(1, services=("api", "db"), alerts=2, repeats=5), one(2, services=("db",), alerts=1))
    assert [(group.key, group.incidents, group.alerts) for group in found.services] == [
        ("db", 2, 8),
        ("api", 1, 7),
    ]
    assert found.total == 2


def test_promises_by_severity_and_all_together() -> None:
    found = made(
        one(1, ack_kept=True, resolve_kept=False),
        one(2, ack_kept=True, severity=Severity.LOW),
        one(3, ack_kept=None),
    ).sla
    assert [(k.key, k.clock, k.kept, k.missed, k.share) for k in found] == [
        ("all", "ack", 2, 0, 1.0),
        ("all", "resolve", 0, 1, 0.0),
        ("high", "ack", 1, 0, 1.0),
        ("high", "resolve", 0, 1, 0.0),
        ("low", "ack", 1, 0, 1.0),
    ]


def test_both_sides() -> None:
    """Theirs by their own log, where it was read; ours of the same incidents."""
    there = paged(NOON, there_acknowledged_at=NOON + timedelta(minutes=4), there_resolved_at=NOON + timedelta(minutes=9), notified_at=NOON + timedelta(seconds=20))  # fmt: skip
    found = made(one(ack=5, over=10, sides=(there, paged(NOON, "og"))), logs={"pd": "read", "og": "could not be read"}).providers  # fmt: skip
    pd, og = sorted(found, key=lambda one: one.connector, reverse=True)
    assert (pd.pages, pd.notified, pd.mean_to_notify, pd.mean_to_acknowledge_there) == (1, 1, 20, 240)
    assert (pd.mean_to_acknowledge_here, pd.mean_to_resolve_there, pd.log) == (300, 540, "read")
    assert (og.mean_to_acknowledge_there, og.mean_to_notify, og.log) == (None, None, "could not be read")


def test_what_each_person_took() -> None:
    night = datetime(2026, 8, 4, 1, tzinfo=UTC)
    found = made(
        one(1, ack=2, over=5, resolved_by="Bo"),
        one(2, ack=4, opened_at=night),
        one(3, ack=1, acknowledged_by="Bo", over=2, resolved_by="Bo"),
        one(4, over=3, resolved_by="Cy"),
    ).people
    assert [(p.name, p.acknowledged, p.at_night, p.out_of_hours, p.resolved) for p in found] == [
        ("Ada", 2, 1, 1, 0),
        ("Bo", 1, 0, 0, 2),
        ("Cy", 0, 0, 0, 1),
    ]


INCIDENTS = st.builds(
    lambda n, minute, severity, ack, over, team, pages: one(
        n, ack=ack, over=over, opened_at=START + timedelta(minutes=minute), severity=severity, team=team,
        sides=tuple(paged(START + timedelta(minutes=minute + p)) for p in range(pages)),
    ),
    st.integers(1, 999), st.integers(0, 31 * 1440 - 1), st.sampled_from(list(Severity)),
    st.none() | st.integers(0, 3000), st.none() | st.integers(0, 9000), st.sampled_from(["payments", "", "gone"]), st.integers(0, 3),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(incidents=st.lists(INCIDENTS, max_size=25))
def test_every_incident_is_counted_once_in_each_picture(incidents: list[Incident]) -> None:
    found = made(*incidents)
    assert sum(sum(day.by_severity.values()) for day in found.days) == len(incidents)
    assert sum(group.incidents for group in found.severities) == len(incidents)
    assert found.acknowledge is not None
    assert found.resolve is not None
    assert sum(found.acknowledge.buckets) == sum(found.resolve.buckets) == len(incidents)
    assert sum(map(sum, found.hours)) == found.pages == sum(len(one.sides) for one in incidents)
    assert 0 <= found.night_pages <= found.pages
    assert replace(found, notes=("x",)).total == len(incidents)
