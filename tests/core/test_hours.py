"""Is it business hours for a team, across time zones, holidays and changes of the clock (S34)?"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.hours import in_spans, local_facts
from tocsin.core.policy import Span, Team
from tocsin.policy.calendars import days_of
from tocsin.policy.times import spans

BERLIN = ("Europe/Berlin", "mon-fri 09:00-18:00", "DE-BE")
LONDON = ("Europe/London", "mon-fri 09:00-17:30", "GB-ENG")
NEW_YORK = ("America/New_York", "mon-fri 08:00-17:00", "US")
KOLKATA = ("Asia/Kolkata", "mon-sat 10:00-19:00", "IN-KA")
NIGHT = ("Europe/Berlin", "sat-sun 22:00-06:00", "")


def team(zone: str, hours: str, region: str) -> Team:
    days = days_of(region) if region else frozenset()
    return Team(name="t", timezone=zone, business_hours=spans(hours), holidays=days)


@pytest.mark.parametrize(
    ("of", "at", "hours", "weekday", "holiday"),
    [
        pytest.param(BERLIN, "2026-11-18T08:00Z", "business", "wed", False, id="Berlin opens at 9"),
        pytest.param(BERLIN, "2026-11-18T07:59:59Z", "after", "wed", False, id="a second before"),
        pytest.param(BERLIN, "2026-11-18T16:59:59Z", "business", "wed", False, id="the last second"),
        pytest.param(BERLIN, "2026-11-18T17:00Z", "after", "wed", False, id="the end is exclusive"),
        pytest.param(BERLIN, "2026-11-21T11:00Z", "after", "sat", False, id="Saturday"),
        pytest.param(BERLIN, "2026-03-27T08:00Z", "business", "fri", False, id="Friday before summer time"),
        pytest.param(BERLIN, "2026-03-27T07:00Z", "after", "fri", False, id="7:00Z is 8:00 in winter"),
        pytest.param(BERLIN, "2026-03-30T07:00Z", "business", "mon", False, id="7:00Z is 9:00 in summer"),
        pytest.param(BERLIN, "2026-03-30T16:00Z", "after", "mon", False, id="16:00Z is 18:00 in summer"),
        pytest.param(BERLIN, "2026-10-26T07:30Z", "after", "mon", False, id="back on winter time"),
        pytest.param(BERLIN, "2026-10-26T08:00Z", "business", "mon", False, id="back on winter time, 9:00"),
        pytest.param(LONDON, "2026-03-30T08:00Z", "business", "mon", False, id="London on summer time"),
        pytest.param(LONDON, "2026-10-26T08:30Z", "after", "mon", False, id="London on winter time"),
        pytest.param(LONDON, "2026-10-26T17:29Z", "business", "mon", False, id="London until half past five"),
        pytest.param(LONDON, "2026-10-26T17:30Z", "after", "mon", False, id="London closed"),
        pytest.param(NEW_YORK, "2026-03-06T13:00Z", "business", "fri", False, id="New York in winter"),
        pytest.param(NEW_YORK, "2026-03-09T12:00Z", "business", "mon", False, id="New York changes first"),
        pytest.param(NEW_YORK, "2026-10-30T12:00Z", "business", "fri", False, id="New York still on summer time"),
        pytest.param(NEW_YORK, "2026-11-02T12:00Z", "after", "mon", False, id="New York on winter time"),
        pytest.param(KOLKATA, "2026-11-18T04:30Z", "business", "wed", False, id="Kolkata is half an hour off"),
        pytest.param(KOLKATA, "2026-11-18T04:29Z", "after", "wed", False, id="Kolkata a minute before"),
        pytest.param(KOLKATA, "2026-11-21T13:29Z", "business", "sat", False, id="Kolkata works on Saturday"),
        pytest.param(KOLKATA, "2026-11-21T19:00Z", "after", "sun", False, id="already Sunday in Kolkata"),
        pytest.param(BERLIN, "2026-04-06T10:00Z", "after", "mon", True, id="Easter Monday in Berlin"),
        pytest.param(LONDON, "2026-04-06T10:00Z", "after", "mon", True, id="Easter Monday in London"),
        pytest.param(NEW_YORK, "2026-04-06T15:00Z", "business", "mon", False, id="no Easter Monday in New York"),
        pytest.param(NEW_YORK, "2026-11-26T15:00Z", "after", "thu", True, id="Thanksgiving in New York"),
        pytest.param(BERLIN, "2026-11-26T15:00Z", "business", "thu", False, id="no Thanksgiving in Berlin"),
        pytest.param(BERLIN, "2026-12-24T23:30Z", "after", "fri", True, id="a holiday begins at local midnight"),
        pytest.param(NEW_YORK, "2026-11-27T04:59Z", "after", "thu", True, id="and ends at local midnight"),
        pytest.param(NIGHT, "2026-11-21T21:00Z", "business", "sat", False, id="a night shift begins"),
        pytest.param(NIGHT, "2026-11-23T04:59Z", "business", "mon", False, id="Sunday's shift on Monday morning"),
        pytest.param(NIGHT, "2026-11-23T05:00Z", "after", "mon", False, id="and its end"),
        pytest.param(NIGHT, "2026-11-21T04:00Z", "after", "sat", False, id="Friday had no night shift"),
        pytest.param(NIGHT, "2026-10-25T00:30Z", "business", "sun", False, id="the first half past two"),
        pytest.param(NIGHT, "2026-10-25T01:30Z", "business", "sun", False, id="the second half past two"),
        pytest.param(NIGHT, "2026-03-29T01:00Z", "business", "sun", False, id="three o'clock after the gap"),
    ],
)  # fmt: skip
def test_hours_of_a_team(of: tuple[str, str, str], at: str, hours: str, weekday: str, holiday: bool) -> None:
    """S34: wall time in the team's zone, half-open, over midnight; a holiday is "after" all local day."""
    found = local_facts(team(*of), datetime.fromisoformat(at))
    assert (found.hours, found.weekday, found.holiday) == (hours, weekday, holiday)


def test_no_team_is_after_with_the_weekday_of_utc() -> None:
    """S34."""
    at = datetime(2026, 11, 19, 1, tzinfo=ZoneInfo("Asia/Tokyo"))
    found = local_facts(None, at)
    assert (found.hours, found.weekday, found.holiday) == ("after", "wed", False)


def test_the_hour_that_repeats_counts_twice() -> None:
    hour = team("Europe/Berlin", "sun 02:00-03:00", "")
    start = datetime(2026, 10, 24, 22, tzinfo=UTC)
    minutes = [start + timedelta(minutes=minute) for minute in range(24 * 60)]
    assert sum(local_facts(hour, at).hours == "business" for at in minutes) == 120


def test_the_hour_that_is_skipped_never_comes() -> None:
    hour = team("Europe/Berlin", "sun 02:00-03:00", "")
    start = datetime(2026, 3, 28, 23, tzinfo=UTC)
    minutes = [start + timedelta(minutes=minute) for minute in range(23 * 60)]
    assert not any(local_facts(hour, at).hours == "business" for at in minutes)


def test_a_holiday_is_after_although_the_shift_began_the_day_before() -> None:
    night = Team(
        name="t",
        business_hours=(Span(frozenset(range(7)), time(22), time(6)),),
        holidays=frozenset({date(2026, 5, 1)}),
    )
    assert local_facts(night, datetime(2026, 4, 30, 23, tzinfo=UTC)).hours == "business"
    assert local_facts(night, datetime(2026, 5, 1, 1, tzinfo=UTC)).hours == "after"
    assert local_facts(night, datetime(2026, 5, 2, 1, tzinfo=UTC)).hours == "business"


ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])
CLOCKS = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30]))
SPANS = st.lists(
    st.builds(Span, st.frozensets(st.integers(0, 6), min_size=1), CLOCKS, CLOCKS), max_size=3
).map(tuple)
INSTANTS = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(ZONES, SPANS, INSTANTS)
def test_hours_follow_the_wall_clock_alone(zone: str, hours: tuple[Span, ...], at: datetime) -> None:
    found = local_facts(Team(name="t", timezone=zone, business_hours=hours), at)
    local = at.astimezone(ZoneInfo(zone))
    assert found.local == at
    assert found.local.utcoffset() == local.utcoffset()
    minute = local.weekday() * 1440 + local.hour * 60 + local.minute
    open_minutes = {
        (day * 1440 + start + step) % 10080
        for span in hours
        for day in span.weekdays
        for start in [span.start.hour * 60 + span.start.minute]
        for step in range((span.end.hour * 60 + span.end.minute - start) % 1440 or 1440)
    }
    assert found.hours == ("business" if minute in open_minutes else "after")
    assert in_spans(hours, zone, at) is (found.hours == "business")


@given(ZONES, SPANS, INSTANTS)
def test_hours_change_at_an_edge_or_with_the_clock(zone: str, hours: tuple[Span, ...], at: datetime) -> None:
    of = Team(name="t", timezone=zone, business_hours=hours)
    at = at.replace(second=0, microsecond=0)
    before, after = local_facts(of, at - timedelta(microseconds=1)), local_facts(of, at)
    if before.hours != after.hours:
        edges = {edge for span in hours for edge in (span.start, span.end)} | {time(0)}
        moved = before.local.utcoffset() != after.local.utcoffset()
        assert moved or after.local.time() in edges
