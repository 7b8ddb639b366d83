"""When does what comes back each week begin and end, on the wall and on the two nights that clocks change?"""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whenever import ZonedDateTime

from tocsin.core.hours import enters, in_spans, leaves
from tocsin.policy.times import spans

ZONES = ("Europe/Berlin", "Europe/London", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC")


def wall(zone: str, text: str) -> datetime:
    """ "2026-03-29 04:00" on the wall of a zone."""
    day, clock = text.split()
    year, month, date = map(int, day.split("-"))
    hour, minute = map(int, clock.split(":"))
    at = ZonedDateTime(year, month, date, hour, minute, tz=zone, disambiguation="compatible")
    return at.to_instant().to_stdlib().astimezone(UTC)


@pytest.mark.parametrize(
    ("zone", "every", "start", "end", "hours"),
    [
        pytest.param("Europe/Berlin", "sun 02:00-04:00", "2026-03-22 02:00", "2026-03-22 04:00", 2, id="Berlin, any Sunday"),
        pytest.param("Europe/Berlin", "sun 02:00-04:00", "2026-03-29 03:00", "2026-03-29 04:00", 1, id="Berlin, spring: 02 to 03 does not come"),
        pytest.param("Europe/Berlin", "sun 02:00-04:00", "2026-10-25 02:00", "2026-10-25 04:00", 3, id="Berlin, autumn: 02 to 03 comes twice"),
        pytest.param("Europe/London", "sun 02:00-04:00", "2026-03-29 02:00", "2026-03-29 04:00", 2, id="London, spring: before it begins"),
        pytest.param("Europe/London", "sun 02:00-04:00", "2026-10-25 02:00", "2026-10-25 04:00", 2, id="London, autumn: before it begins"),
        pytest.param("Europe/London", "sun 00:30-01:30", "2026-03-29 00:30", "2026-03-29 02:00", 0.5, id="London, spring: its end is passed over"),
        pytest.param("America/New_York", "sun 02:00-04:00", "2026-03-08 03:00", "2026-03-08 04:00", 1, id="New York, spring"),
        pytest.param("America/New_York", "sun 02:00-04:00", "2026-11-01 02:00", "2026-11-01 04:00", 2, id="New York, autumn: 01 to 02 comes twice"),
        pytest.param("Europe/Berlin", "sat 23:00-04:00", "2026-10-24 23:00", "2026-10-25 04:00", 6, id="Berlin, autumn, over midnight"),
        pytest.param("Europe/Berlin", "mon 02:00-04:00", "2026-04-06 02:00", "2026-04-06 04:00", 2, id="Easter Monday is a Monday"),
    ],
)  # fmt: skip
def test_a_window_on_the_wall(zone: str, every: str, start: str, end: str, hours: float) -> None:
    """S7, S34: wall time, half-open, whatever the clocks and the holidays do."""
    hold, begins, ends = spans(every), wall(zone, start), wall(zone, end)
    assert enters(hold, zone, begins - timedelta(hours=3)) == begins
    assert leaves(hold, zone, begins) == ends
    assert ends - begins == timedelta(hours=hours)
    assert not in_spans(hold, zone, begins - timedelta(seconds=1))
    assert in_spans(hold, zone, ends - timedelta(seconds=1))
    assert not in_spans(hold, zone, ends)


def test_what_never_ends_has_no_end() -> None:
    assert leaves(spans("mon-sun 00:00-24:00"), "Europe/Berlin", datetime(2026, 3, 28, tzinfo=UTC)) is None


@given(
    zone=st.sampled_from(ZONES),
    minutes=st.integers(0, 2 * 366 * 24 * 60),
    day=st.sampled_from(["sun", "mon", "sat-mon", "fri"]),
    first=st.integers(0, 47),
    length=st.integers(1, 30),
)
def test_between_now_and_its_end_it_always_holds(
    zone: str, minutes: int, day: str, first: int, length: int
) -> None:
    """The end is the first instant outside: no instant before it is, whenever one looks."""
    last = (first + length) % 48
    every = spans(f"{day} {first // 2:02}:{first % 2 * 30:02}-{last // 2:02}:{last % 2 * 30:02}")
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    inside = in_spans(every, zone, now)
    change = leaves(every, zone, now) if inside else enters(every, zone, now)
    assert change is not None
    assert now < change <= now + timedelta(days=9)
    assert in_spans(every, zone, change) is not inside
    step = (change - now) / 40
    assert all(in_spans(every, zone, now + step * n) is inside for n in range(40))
    assert in_spans(every, zone, change - timedelta(seconds=1)) is inside
