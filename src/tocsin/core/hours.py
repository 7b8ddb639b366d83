"""What time is it for a team: business hours or after, which weekday, a holiday or not (S34)?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from whenever import Instant

from tocsin.core.policy import Span, Team

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
