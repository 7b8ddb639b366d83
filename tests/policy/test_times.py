"""Are durations and hours read as people write them?"""

import contextlib
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.policy import Span
from tocsin.policy.times import duration, instant, spans, zone_fault

WEEK = frozenset(range(5))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("30m", timedelta(minutes=30)),
        ("1h", timedelta(hours=1)),
        ("2h30m", timedelta(hours=2, minutes=30)),
        ("1d", timedelta(days=1)),
        ("2w", timedelta(weeks=2)),
        ("1.5h", timedelta(minutes=90)),
        ("250ms", timedelta(milliseconds=250)),
        ("900000", timedelta(minutes=15)),
        ("0", timedelta(0)),
        (" 1H 5M ", timedelta(hours=1, minutes=5)),
    ],
)
def test_durations(text: str, found: timedelta) -> None:
    assert duration(text) == found


@pytest.mark.parametrize(
    "text", ["", "m", "5 minutes", "-5m", "1y", "5m!", "1h-", "99999d", "nan", "1e9", "٣m"]
)
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match=r"no duration|ten years"):
        duration(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("mon-fri 09:00-18:00", [Span(WEEK, time(9), time(18))], id="a week"),
        pytest.param("Mon-Fri 9:00 - 18:00", [Span(WEEK, time(9), time(18))], id="blanks and capitals"),
        pytest.param(
            "mon-fri 09:00-12:00, 13:00-18:00",
            [Span(WEEK, time(9), time(12)), Span(WEEK, time(13), time(18))],
            id="a lunch break",
        ),
        pytest.param("mon, wed 09:00-10:00", [Span(frozenset({0, 2}), time(9), time(10))], id="two days"),
        pytest.param(
            "mon-fri 09:00-18:00, sat 10:00-14:00",
            [Span(WEEK, time(9), time(18)), Span(frozenset({5}), time(10), time(14))],
            id="and Saturday",
        ),
        pytest.param(
            "sat-mon 10:00-11:00", [Span(frozenset({5, 6, 0}), time(10), time(11))], id="over Sunday"
        ),
        pytest.param("fri 22:00-06:00", [Span(frozenset({4}), time(22), time(6))], id="over midnight"),
        pytest.param("sun 00:00-24:00", [Span(frozenset({6}), time(0), time(0))], id="all day"),
    ],
)
def test_hours(text: str, found: list[Span]) -> None:
    assert list(spans(text)) == found


@pytest.mark.parametrize(
    "text",
    ["", "mon", "09:00-18:00", "mon 9-18", "moon 09:00-18:00", "mon 25:00-26:00", "mon 09:00", "mon 24:30-25:00",
     "mon 09:00-09:00", "mon 24:00-06:00", "mon fri 09:00-18:00", "mon 09:00-18:00,", "mon-fri", "9:00 mon"],
)  # fmt: skip
def test_no_hours(text: str) -> None:
    with pytest.raises(ValueError, match=r"no hours|same time"):
        spans(text)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (duration, spans, instant):
        with contextlib.suppress(ValueError):
            assert read(text) is not None


def test_an_instant_needs_its_offset() -> None:
    assert instant("2026-12-24T18:00:00+01:00") == datetime(2026, 12, 24, 17, tzinfo=UTC)
    with pytest.raises(ValueError, match="offset"):
        instant("2026-12-24T18:00:00")


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../UTC", "Mars/Olympus", "europe/berlin\x00"])
def test_no_zones(name: str) -> None:
    assert "no time zone" in zone_fault(name)


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "Asia/Kolkata", "America/Argentina/Ushuaia"])
def test_zones(name: str) -> None:
    assert zone_fault(name) == ""
