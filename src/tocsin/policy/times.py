"""How are durations, hours and zones written?

`30m`, `2h30m`, `1d`, a bare number is milliseconds; `mon-fri 09:00-18:00, sat 10:00-14:00`, end exclusive.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

from whenever import Instant, TimeZoneNotFoundError

from tocsin.core.hours import WEEKDAYS
from tocsin.core.policy import Span
from tocsin.policy.cel_text import did_you_mean

LONGEST = timedelta(days=3650)
_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_PART = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*(ms|s|m|h|d|w)")
_CLOCK = re.compile(r"([01]?[0-9]|2[0-4]):([0-5][0-9])\Z")
_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def duration(text: str) -> timedelta:
    """A duration of 0 to ten years; raises ValueError with the reason."""
    word = text.strip().lower()
    if re.fullmatch(r"[0-9]{1,15}", word):
        total = timedelta(milliseconds=int(word))
    else:
        rest = re.sub(r"\s+", "", word)
        parts = _PART.findall(rest)
        if not parts or "".join(number + unit for number, unit in parts) != rest:
            raise ValueError(f'"{text}" is no duration: write 30s, 15m, 2h30m, 1d or milliseconds')
        total = sum((float(number) * _UNITS[unit] for number, unit in parts), timedelta())
    if total > LONGEST:
        raise ValueError(f'"{text}" is longer than ten years')
    return total


def spans(text: str) -> tuple[Span, ...]:
    """`mon-fri 09:00-18:00`, several by commas; hours without a day are those of the days before. An end
    before the start crosses midnight. Raises ValueError with the reason."""
    found: list[Span] = []
    days: frozenset[int] = frozenset()
    open_days: frozenset[int] = frozenset()
    for part in text.lower().split(","):
        words = re.sub(r"\s*-\s*", "-", part).split()
        if not words or len(words) > 2:
            raise _no_span(text)
        clock = words[-1] if ":" in words[-1] else ""
        if len(words) == 2 or not clock:
            open_days |= _days(words[0], text)
        if not clock:
            if len(words) == 2:
                raise _no_span(text)
            continue
        days = open_days or days
        if not days:
            raise _no_span(text)
        open_days = frozenset()
        found.append(_span(days, clock, text))
    if open_days or not found:
        raise _no_span(text)
    return tuple(found)


def zone_fault(name: str) -> str:
    """What is wrong with the name of a time zone, "" for nothing."""
    try:
        Instant(_NOON).to_tz(name)
    except (TimeZoneNotFoundError, ValueError):
        from zoneinfo import available_timezones

        return f'there is no time zone "{name}"{did_you_mean(name, sorted(available_timezones()))}'
    return ""


def instant(text: str) -> datetime:
    """An ISO 8601 time with its offset, as UTC; raises ValueError."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ValueError(f'"{text}" is no time with its offset: write 2026-12-24T18:00:00+01:00')
    return found.astimezone(UTC)


def _days(word: str, text: str) -> frozenset[int]:
    first, dash, last = word.partition("-")
    if first[:3] not in WEEKDAYS or (dash and last[:3] not in WEEKDAYS):
        raise _no_span(text)
    start = WEEKDAYS.index(first[:3])
    end = WEEKDAYS.index(last[:3]) if dash else start
    return frozenset((start + step) % 7 for step in range((end - start) % 7 + 1))


def _span(days: frozenset[int], clock: str, text: str) -> Span:
    first, dash, last = clock.partition("-")
    start, end = _CLOCK.match(first), _CLOCK.match(last)
    if not dash or not start or not end or (start[1] == "24") or (end[1] == "24" and end[2] != "00"):
        raise _no_span(text)
    begin, close = time(int(start[1]), int(start[2])), time(int(end[1]) % 24, int(end[2]))
    if begin == close and end[1] != "24":
        raise ValueError(f'"{clock}" in "{text}" begins and ends at the same time; all day is 00:00-24:00')
    return Span(days, begin, close)


def _no_span(text: str) -> ValueError:
    return ValueError(f'"{text}" are no hours: write "mon-fri 09:00-18:00", several by commas')
