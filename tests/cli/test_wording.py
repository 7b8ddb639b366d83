"""Do words for times, severities and names mean what a reader takes them for?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.cli import wording
from tocsin.cli.failures import Usage

NOW = datetime(2026, 11, 20, 2, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "word"),
    [
        (0, "0s"),
        (59, "59s"),
        (60, "1m"),
        (3599, "59m"),
        (3600, "1h"),
        (86400 * 2 - 1, "47h"),
        (86400 * 2, "2d"),
        (-5, "0s"),
    ],
)
def test_age_is_one_unit(ago: int, word: str) -> None:
    assert wording.age(NOW - timedelta(seconds=ago), NOW) == word


@pytest.mark.parametrize(
    ("milliseconds", "word"),
    [
        (0, "0 ms"),
        (999, "999 ms"),
        (1196, "1.2 s"),
        (201_680, "3 min"),
        (5_400_000, "1.5 h"),
        (86_400_000 * 3, "3 d"),
    ],
)
def test_a_span_is_one_unit(milliseconds: float, word: str) -> None:
    assert wording.span_ms(milliseconds) == word


@pytest.mark.parametrize(
    ("typed", "name"),
    [("7", "INC-7"), ("INC-7", "INC-7"), ("inc-007", "INC-7"), ("#7", "INC-7"),
     ("0190C0DE-0000-7000-8000-000000000007", "0190c0de-0000-7000-8000-000000000007")],
)  # fmt: skip
def test_an_incident_by_any_of_its_names(typed: str, name: str) -> None:
    assert wording.incident_name(typed) == name


@pytest.mark.parametrize("typed", ["", "INC-", "INC-7/../8", "7 8", "-7", "x"])
def test_what_names_no_incident_is_refused(typed: str) -> None:
    with pytest.raises(Usage):
        wording.incident_name(typed)


@given(st.text())
def test_plain_text_is_one_printable_line(text: str) -> None:
    assert wording.plain(text).isprintable()
    assert len(wording.plain(text)) == len(text)


@given(st.sampled_from(wording.SEVERITIES), st.booleans())
def test_both_spellings_of_a_severity_come_back_as_the_word(severity: str, upper: bool) -> None:
    for spelling in wording.both_severities(severity).split():
        assert wording.severity_from(spelling.upper() if upper else spelling) == severity


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1971, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001
def test_times_for_programs_come_back_to_the_millisecond(at: datetime) -> None:
    back = datetime.fromisoformat(wording.rfc3339(at))
    assert abs(back - at) < timedelta(milliseconds=1)


@pytest.mark.parametrize("typed", ["", "5", "m", "-5m", "1.5h", "5 m", "99999999d"])
def test_what_is_no_duration_is_refused(typed: str) -> None:
    with pytest.raises(Usage):
        wording.duration_from(typed)
