"""Who is on call for a service now, until when, who is next, and who is asked when nobody answers (RO-8, IM-3)?

A provider tells its roster for a place (what a service is mapped to there); what stands at an instant is read from it here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from tocsin.core.ports import Call, ConnectorSettings, Response
from tocsin.core.values import replace

AHEAD = timedelta(days=35)
"""How far a roster is asked for: a monthly hand-over is in it."""
FRESH = timedelta(minutes=5)
STALE = timedelta(minutes=30)
"""A roster is read anew once it is older than FRESH, and told as stale once it is older than STALE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Somebody on call at `level` (from 1) from `start` to before `end`; None = without a beginning or an end that the
    provider tells. `person` is an e-mail address where the provider gives one, else a name."""

    level: int
    person: str
    name: str = ""
    schedule: str = ""
    start: datetime | None = None
    end: datetime | None = None

    def covers(self, at: datetime) -> bool:
        """True while it holds at that instant."""
        return (self.start is None or self.start <= at) and (self.end is None or at < self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """A level of the escalation, asked `after` the page began; `targets` as the provider names them."""

    level: int
    after: timedelta
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """What a provider told for one place, for the time from `since` to `until`. `policy` = by which escalation, for people."""

    policy: str
    since: datetime
    until: datetime
    shifts: tuple[Shift, ...] = ()
    rungs: tuple[Rung, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Who is on call at `place`, from `since` to `until`?"""

    place: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Unknown:
    """The provider could not tell, and why, with the next step."""

    reason: str


Told = Sequence[tuple[Call, Response]]


class TellsOnCall(Protocol):
    """What a provider with the ability `oncall` has besides. Both functions are pure."""

    def on_call_place(self, service: str, connector: ConnectorSettings) -> str:
        """What a service of ours is mapped to there, in the provider's own words; "" = nobody is asked there for it."""

    def on_call(
        self, question: Question, told: Told, connector: ConnectorSettings
    ) -> list[Call] | Roster | Unknown:
        """With every answer so far: the calls still to be made, or what they say together. It ends after a few rounds."""


# ---- what stands at an instant ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Somebody's turn. `start`, `end` None = no hand-over within what was asked."""

    person: str
    name: str = ""
    schedule: str = ""
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """Whom the page goes to `after` it began, if nobody has acknowledged; `to` is who it would be at that instant."""

    level: int
    after: timedelta
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Who is on call at one instant. `gaps` says in words where nobody is."""

    current: tuple[Turn, ...] = ()
    following: tuple[Turn, ...] = ()
    escalation: tuple[Escalation, ...] = ()
    gaps: tuple[str, ...] = ()
    gap_until: datetime | None = field(default=None)


def standing(roster: Roster, at: datetime) -> Standing:
    """Who is on call at the aware instant `at`, and what comes then."""
    turns = joined(roster.shifts)
    first = [one for one in turns if one.level == 1]
    current = [one for one in first if one.covers(at)]
    later = [one for one in first if one.start is not None and one.start > at]
    soonest = min((one.start for one in later if one.start), default=None)
    following = [one for one in later if one.start == soonest]
    return Standing(
        current=tuple(_turn(one, roster) for one in current),
        following=tuple(_turn(one, roster) for one in following),
        escalation=_escalation(roster, turns, at),
        gaps=tuple(_gaps(roster, turns, current, soonest, at)),
        gap_until=soonest if not current else None,
    )


def joined(shifts: Iterable[Shift]) -> list[Shift]:
    """The shifts in order, those of one person at one level that touch or overlap made one: providers cut a shift at
    "now", or at an override that gives it back to the same person."""
    told: dict[tuple[int, str, str], list[Shift]] = {}
    for one in sorted(shifts, key=_place):
        same = told.setdefault((one.level, one.person, one.schedule), [])
        last = same[-1] if same else None
        if last is not None and (last.end is None or one.start is None or one.start <= last.end):
            end = None if last.end is None or one.end is None else max(last.end, one.end)
            same[-1] = replace(last, end=end)
        else:
            same.append(one)
    found = [one for same in told.values() for one in same]
    return sorted(found, key=lambda one: (one.level, *_place(one)))


_EVER = datetime(1970, 1, 1, tzinfo=UTC)


def _place(one: Shift) -> tuple[datetime, str]:
    return (one.start or _EVER, one.person)


def _turn(one: Shift, roster: Roster) -> Turn:
    """A turn that goes on where what was asked ends may go on with the same person: nobody knows its end."""
    end = one.end if one.end is not None and one.end < roster.until else None
    return Turn(person=one.person, name=one.name, schedule=one.schedule, start=one.start, end=end)


def _escalation(roster: Roster, turns: Sequence[Shift], at: datetime) -> tuple[Escalation, ...]:
    found = []
    for rung in sorted(roster.rungs, key=lambda one: one.level):
        when = at + rung.after
        people = [one.person for one in turns if one.level == rung.level and one.covers(when)]
        to = tuple(dict.fromkeys(people)) or rung.targets
        if rung.level > 1:
            found.append(Escalation(level=rung.level, after=rung.after, to=to))
    return tuple(found)


def _gaps(
    roster: Roster, turns: Sequence[Shift], current: Sequence[Shift], soonest: datetime | None, at: datetime
) -> Iterable[str]:
    if not current:
        others = [one.person for one in turns if one.level > 1 and one.covers(at)]
        then = f" until {_told(soonest)}" if soonest else ""
        if others:
            asked = " and ".join(dict.fromkeys(others))
            yield f"nobody is on call at the first level{then}: a page goes to {asked} at once"
        else:
            yield f"nobody is on call{then}: a page there reaches nobody"
        return
    ends = [one.end for one in current]
    last = max((end for end in ends if end is not None), default=None)
    if None in ends or last is None or last >= roster.until:
        return
    covered = [one for one in turns if one.level == 1 and one.covers(last)]
    if not covered:
        begins = min(
            (one.start for one in turns if one.level == 1 and one.start and one.start > last), default=None
        )
        yield f"from {_told(last)} nobody is on call" + (f" until {_told(begins)}" if begins else "")


def _told(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
