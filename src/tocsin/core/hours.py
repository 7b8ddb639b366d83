"""What time is it for a team: business hours or after, which weekday, a holiday or not (S34)?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from whenever import Instant

from tocsin.core.policy import Span, Team
from tocsin.core.values import replace

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
BUSINESS = "business"
AFTER = "after"


@dataclass(frozen=True, slots=True)
class LocalTime:
    """Wall time of a team at one instant. `hours` is "business" or "after", `weekday` "mon" … "sun",
    `local` the aware local time for people to read."""

    hours: str
    weekday: str
    holiday: bool
    local: datetime


def local_facts(team: Team | None, at: datetime) -> LocalTime:
    """The facts of time for `team` at the aware instant `at`.

    No team means "after", with the weekday of UTC. A holiday is "after" all local day. Hours are wall
    time: in the hour that a change to winter time repeats, both passes count alike. Raises ValueError
    for a zone that does not exist (a loaded configuration has none).
    """
    if team is None:
        utc = at.astimezone(UTC)
        return LocalTime(AFTER, WEEKDAYS[utc.weekday()], False, utc)
    local = Instant(at).to_tz(team.timezone).to_stdlib()
    holiday = local.date() in team.holidays
    business = not holiday and any(_inside(span, local) for span in team.business_hours)
    return LocalTime(BUSINESS if business else AFTER, WEEKDAYS[local.weekday()], holiday, local)


def in_spans(spans: tuple[Span, ...], timezone: str, at: datetime) -> bool:
    """True while the instant `at` lies in one of the spans, by wall time in `timezone`."""
    local = Instant(at).to_tz(timezone).to_stdlib()
    return any(_inside(span, local) for span in spans)


def _inside(span: Span, local: datetime) -> bool:
    day, clock = local.weekday(), local.time().replace(fold=0)
    if span.start < span.end:
        return day in span.weekdays and span.start <= clock < span.end
    # Crosses midnight (or ends at it): the weekday is the one it begins on.
    return (day in span.weekdays and clock >= span.start) or (
        (day - 1) % 7 in span.weekdays and clock < span.end
    )


_LOOK_AHEAD = 9
"""Days in which what comes back each week begins and ends at least once, whatever the clocks do."""


def leaves(spans: tuple[Span, ...], timezone: str, at: datetime) -> datetime | None:
    """The first instant after `at` that lies in none of the spans, as UTC; None when there is none in the
    week to come. Where clocks are put forward over the end of a span, it ends as they are."""
    return _first(spans, timezone, at, inside=False)


def enters(spans: tuple[Span, ...], timezone: str, at: datetime) -> datetime | None:
    """The first instant after `at` that lies in one of the spans, as UTC; None when there is none in the week
    to come: hours that the clocks pass over do not come that day."""
    return _first(spans, timezone, at, inside=True)


def turns(team: Team, at: datetime) -> list[datetime]:
    """The instants after `at`, within about a week, between which business hours do not begin or end: those of its
    hours, every local midnight (a holiday may begin there), and the changes of its clocks. Never empty."""
    return _edges((*team.business_hours, _MIDNIGHT), team.timezone, at)


_MIDNIGHT = Span(frozenset(), time(0), time(0))


def _first(spans: tuple[Span, ...], timezone: str, at: datetime, *, inside: bool) -> datetime | None:
    edges = _edges(spans, timezone, at)
    return next((edge for edge in edges if in_spans(spans, timezone, edge) is inside), None)


def _edges(spans: tuple[Span, ...], timezone: str, at: datetime) -> list[datetime]:
    """Every instant after `at` where it may change whether a span holds: the spans' own times under each
    offset in use, and the changes of offset."""
    first = at.astimezone(UTC).replace(microsecond=0)
    days = [first + timedelta(days=n) for n in range(_LOOK_AHEAD + 1)]
    offsets = [_offset(timezone, day) for day in days]
    found = {
        _change(timezone, days[n], days[n + 1])
        for n in range(_LOOK_AHEAD)
        if offsets[n] != offsets[n + 1]
    }  # fmt: skip
    clocks = {clock for span in spans for clock in (span.start, span.end)}
    today = Instant(first).to_tz(timezone).to_stdlib().date()
    for n in range(-1, _LOOK_AHEAD):
        for clock in clocks:
            wall = datetime.combine(today + timedelta(days=n), clock, UTC)
            found.update(wall - offset for offset in set(offsets))
    return sorted(edge for edge in found if edge > at)


def _offset(timezone: str, at: datetime) -> timedelta:
    return Instant(at).to_tz(timezone).to_stdlib().utcoffset() or timedelta(0)


def _change(timezone: str, low: datetime, high: datetime) -> datetime:
    """The first second between two instants at which the offset is no longer that of the first."""
    before = _offset(timezone, low)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
        low, high = (middle, high) if _offset(timezone, middle) == before else (low, middle)
    return high


USUAL_HOURS = (Span(frozenset(range(5)), time(9), time(17)),)
"""Of those whose business hours never begin: they have none, or are never closed."""


def office_of(team: Team | None) -> Team:
    """The team with business hours that begin again and again: its own where they do, else the usual ones, by its own
    clock and without its holidays; without a team those of UTC."""
    team = team or Team(name="")
    soon = datetime(2024, 1, 1, tzinfo=UTC)  # what comes back each week does in any
    starts = team.business_hours and _begins(replace(team, holidays=frozenset()), soon)
    return team if starts else replace(team, business_hours=USUAL_HOURS)


def opens(office: Team, at: datetime) -> datetime:
    """The first instant after `at` at which business hours begin, as UTC; `office` is one of `office_of`. Should
    holidays leave none in ten weeks, the first one on a holiday."""
    found = at
    for _ in range(_WEEKS):
        if begins := _begins(office, found):
            return begins
        found += timedelta(days=7)
    return _begins(replace(office, holidays=frozenset()), at) or at + timedelta(days=1)


_WEEKS = 10


def _begins(team: Team, at: datetime) -> datetime | None:
    """Within the days to come; None when business hours do not begin in them."""
    instant = timedelta(seconds=1)
    for edge in _edges(team.business_hours, team.timezone, at):
        before, after = local_facts(team, edge - instant), local_facts(team, edge)
        if after.hours == BUSINESS and before.hours != BUSINESS:
            return edge
    return None
