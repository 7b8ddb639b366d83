"""Who of a simulated schedule is on call when? Turns of one length, one after the other, and overrides over them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

MONDAY = datetime(2024, 1, 1, 9, 0, tzinfo=UTC)
"""A Monday, 09:00 UTC: weekly turns are handed over then."""


@dataclass(frozen=True)
class Period:
    """One turn; `person` is a key of the account's, never ""."""

    person: str
    start: datetime
    end: datetime


@dataclass
class Rotation:
    """`people` take turns of `length` from `begins` on; "" among them = nobody has that turn. An override holds over the turn."""

    people: tuple[str, ...]
    begins: datetime = MONDAY
    length: timedelta = timedelta(weeks=1)
    overrides: list[Period] = field(default_factory=list)

    def at(self, at: datetime) -> str:
        """Who is on call, "" = nobody."""
        for period in reversed(self.overrides):
            if period.start <= at < period.end:
                return period.person
        return self.people[(at - self.begins) // self.length % len(self.people)] if self.people else ""

    def periods(self, since: datetime, until: datetime) -> list[Period]:
        """The turns that lie in that time, whole, in order."""
        edges = sorted({*self._edges(since, until)})
        found: list[Period] = []
        for start, end in pairwise(edges):
            person = self.at(start)
            if not person or end <= since or start >= until:
                continue
            if found and found[-1].person == person and found[-1].end == start and self._cut(start):
                found[-1] = Period(person, found[-1].start, end)
            else:
                found.append(Period(person, start, end))
        return found

    def _edges(self, since: datetime, until: datetime) -> Iterator[datetime]:
        turn = self.begins + (since - self.begins) // self.length * self.length
        while turn <= until + self.length:
            yield turn
            turn += self.length
        for period in self.overrides:
            if period.end > since and period.start < until:
                yield from (period.start, period.end)

    def _cut(self, at: datetime) -> bool:
        """True at the edge of an override that gives the turn back to whoever has it."""
        return (at - self.begins) % self.length != timedelta(0)
