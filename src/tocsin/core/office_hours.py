"""How much business time lies between two instants, and when is so much of it over?

Wall time of a team, with its holidays; a day on which clocks change has as many hours as it has.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from tocsin.core.hours import BUSINESS, USUAL_HOURS, local_facts, turns
from tocsin.core.policy import Team
from tocsin.core.values import replace

LONGEST = timedelta(days=800)
"""Of looking ahead; a team that is closed for so long is taken as open."""


def advance(start: datetime, span: timedelta, team: Team | None) -> datetime:
    """The instant at which `span` of time has passed since `start`: business time of `team`, or all time for None.

    A team without hours of its own has the usual ones (Mon to Fri, 9 to 17)."""
    if team is None:
        return start + span
    left = span
    for begins, ends in _open(start, team):
        if ends - begins >= left:
            return begins + left
        left -= ends - begins
    return start + LONGEST


def measure(start: datetime, end: datetime, team: Team | None) -> timedelta:
    """How much of the time between the two counts; nothing when `end` is not after `start`."""
    if end <= start:
        return timedelta(0)
    if team is None:
        return end - start
    total = timedelta(0)
    for begins, ends in _open(start, team):
        if begins >= end:
            break
        total += min(ends, end) - begins
    return total


def _open(start: datetime, team: Team) -> Iterator[tuple[datetime, datetime]]:
    """The stretches of business time from `start` on, in order."""
    office = team if team.business_hours else replace(team, business_hours=USUAL_HOURS)
    at = start
    while at < start + LONGEST:
        edges = turns(office, at)
        for before, after in zip([at, *edges], edges, strict=False):
            if local_facts(office, before).hours == BUSINESS:
                yield before, after
        at = edges[-1] if edges else at + timedelta(days=1)
