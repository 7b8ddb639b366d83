"""Is this alert muted now, by what, and until when? (S7, S15, S16)

A mute stops pages, never state: it is asked only where a page would follow. Several may hold at once; the alert
is muted until none does, and all are named. Whatever goes wrong here does not mute: a doubt pages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from whenever import Instant

from tocsin.core.alarm import is_alarm
from tocsin.core.facts import FactSheet, fact_sheet
from tocsin.core.flap import flapping, next_page_at
from tocsin.core.hours import in_spans, leaves
from tocsin.core.model import Alert, Line
from tocsin.core.policy import ConditionError, MuteKind, Policy, Service, TimedMute
from tocsin.core.severity import Severity
from tocsin.core.situation import Parent, Situation

LOOK_AT_LEAST_EVERY = timedelta(minutes=5)
"""A muted alert is decided again at least so often: a mute may end earlier than it said, and the word of it be lost."""

PARENT_SETTLES = timedelta(minutes=5)
"""S16: so long after its parent resolved a child has time to recover by itself."""

LOOK_AT_PARENT_EVERY = timedelta(minutes=2)
"""Less than `PARENT_SETTLES`, so that a parent's resolve is always seen before its time is over, without anybody
having to find the parent's children."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """One thing that mutes an alert now. `shown` names it for people, `why` adds when it ends and whose it is.
    `until` None = not known yet (a parent that still is open). `look_at` = when that is asked again."""

    kind: MuteKind
    id: str
    name: str
    shown: str
    why: str
    until: datetime | None
    look_at: datetime
    owner: str = ""
    comment: str = ""


class Muting(msgspec.Struct, frozen=True):
    """What mutes an alert now, in the order of asking; `failed` tells of mutes that could not be asked."""

    mutes: tuple[Mute, ...] = ()
    failed: tuple[Line, ...] = ()

    @property
    def by(self) -> str:
        """Their names for people, without times: the same as long as the same mutes hold."""
        return "; ".join(mute.shown for mute in self.mutes)

    @property
    def look_again_at(self) -> datetime | None:
        """The first instant at which one of them may have ended."""
        return min((mute.look_at for mute in self.mutes), default=None)

    @property
    def until(self) -> datetime | None:
        """When none holds any more, as far as it is known."""
        ends = [mute.until for mute in self.mutes]
        known = [end for end in ends if end]
        return max(known) if known and len(known) == len(ends) else None


NOTHING = Muting()


def muting(situation: Situation, alert: Alert, policy: Policy, now: datetime) -> Muting:
    """What mutes `alert`, classified as it is, at the aware instant `now`. The hub's own alarms nothing mutes."""
    if is_alarm(alert) or not (situation.mutes or situation.parents or situation.lives):
        return NOTHING
    failed: list[Line] = []
    found = [
        *_timed(situation, alert, policy, now, failed),
        *_parents(situation, alert, policy, now),
        *_flap(situation, alert, policy, now),
    ]
    return Muting(tuple(found), tuple(failed))


def covers(mute: TimedMute, facts: FactSheet, severity: Severity) -> bool:
    """True when its condition holds and the severity is not one that it excepts; raises ConditionError."""
    return severity not in mute.except_severities and mute.when.holds(facts)


def holds_until(mute: TimedMute, now: datetime) -> datetime | None:
    """When it ends, if it holds at `now`; None = it does not. One that would never end does not hold: every mute
    has an end. Raises ValueError for a zone that is gone from the machine."""
    if (mute.start and now < mute.start) or (mute.end and now >= mute.end):
        return None
    if not mute.every:
        return mute.end
    if not in_spans(mute.every, mute.timezone, now):
        return None
    ends: list[datetime] = [end for end in (leaves(mute.every, mute.timezone, now), mute.end) if end]
    return min(ends, default=None)


def _timed(
    situation: Situation, alert: Alert, policy: Policy, now: datetime, failed: list[Line]
) -> Iterator[Mute]:
    facts: FactSheet | None = None
    severity = alert.severity or Severity.MEDIUM
    for mute in situation.mutes:
        try:
            until = holds_until(mute, now)
            if until is None:
                continue
            facts = facts or _facts(situation, alert, policy, now)
            if covers(mute, facts, severity):
                yield _of(mute, until, now)
            continue
        except ConditionError as fault:
            problem = str(fault)
        except Exception as fault:  # noqa: BLE001 - a fault of ours in one mute must not cost the alert
            problem = f"{type(fault).__name__}: {fault}"
        text = f"The {shown(mute)} was skipped: {problem}"
        failed.append(Line(kind="rule_failed", text=text, reason="mute"))


def _facts(situation: Situation, alert: Alert, policy: Policy, now: datetime) -> FactSheet:
    return fact_sheet(
        alert, severity=alert.severity, services=alert.services, team=alert.team,
        integration=situation.integration, policy=policy, now=now,
    )  # fmt: skip


def shown(mute: TimedMute) -> str:
    """For people: maintenance window “backup”, silence “disks of db-1”."""
    kind = "maintenance window" if mute.kind is MuteKind.MAINTENANCE else "silence"
    return f"{kind} “{mute.name or mute.id[:8]}”"


def _of(mute: TimedMute, until: datetime, now: datetime) -> Mute:
    local = Instant(until).to_tz(mute.timezone).to_stdlib()
    day = f"{local:%a %d %b} " if until - now > timedelta(hours=20) else ""
    why = f"{shown(mute)} until {day}{local:%H:%M} {mute.timezone} (owner {mute.owner}: {mute.comment})"
    return Mute(
        kind=mute.kind, id=mute.id, name=mute.name, shown=shown(mute), why=why, until=until,
        look_at=min(until, now + LOOK_AT_LEAST_EVERY), owner=mute.owner, comment=mute.comment,
    )  # fmt: skip


# ---- S15: a key that comes and goes ------------------------------------------------------------------------


def _flap(situation: Situation, alert: Alert, policy: Policy, now: datetime) -> Iterator[Mute]:
    """A new life of a flapping key waits for its next page; one that has its incident is not muted by this."""
    settings = policy.defaults.flap
    found = None if alert.incident_id else flapping(situation.lives, settings, now)
    until = next_page_at(situation.lives, alert.severity or Severity.MEDIUM, settings) if found else None
    if found is None or until is None or now >= until:
        return
    why = (
        f"it flaps, having fired {found.lives} times within {_told(settings.within)}:"
        f" it pages again at {until:%H:%M:%S} UTC at the earliest, unless it gets worse"
    )
    yield Mute(
        kind=MuteKind.FLAP, id="", name="", shown="its own flapping", why=why, until=until,
        look_at=min(until, now + LOOK_AT_LEAST_EVERY),
    )  # fmt: skip


def _told(span: timedelta) -> str:
    minutes = int(span.total_seconds()) // 60
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


# ---- S16: what a service depends on -----------------------------------------------------------------------


def depends_on(service: str, services: Mapping[str, Service]) -> frozenset[str] | None:
    """Every service that `service` needs, by however many steps; None when a circle is reached: then nobody can
    say what is cause and what follows."""
    found: set[str] = set()
    under_way: list[str] = []

    def walk(name: str) -> bool:
        if name in under_way:
            return False
        if name in found:
            return True
        under_way.append(name)
        known = services.get(name)
        whole = all(walk(other) for other in (known.depends_on if known else ()))
        under_way.pop()
        found.add(name)
        return whole

    return frozenset(found - {service}) if walk(service) else None


def circle_in(services: Mapping[str, Service]) -> tuple[str, ...]:
    """The names along one circle of `depends_on`, in its order; () when there is none."""
    done: set[str] = set()

    def walk(name: str, way: tuple[str, ...]) -> tuple[str, ...]:
        if name in way:
            return way[way.index(name) :]
        if name in done:
            return ()
        known = services.get(name)
        for other in known.depends_on if known else ():
            if circle := walk(other, (*way, name)):
                return circle
        done.add(name)
        return ()

    return next(filter(None, (walk(name, ()) for name in services)), ())


def _parents(situation: Situation, alert: Alert, policy: Policy, now: datetime) -> Iterator[Mute]:
    needed = depends_on(alert.service, policy.services) if situation.parents and alert.service else None
    for parent in situation.parents:
        if parent.service in (needed or ()) and (mute := _parent(parent, alert, now)):
            yield mute


def _parent(parent: Parent, alert: Alert, now: datetime) -> Mute | None:
    if not parent.created or parent.severity.rank < (alert.severity or Severity.MEDIUM).rank:
        return None
    if parent.incident_id == alert.incident_id:
        return None
    name = f"{parent.service}, on which {alert.service} depends: {parent.name}"
    if parent.ended_at is None:
        return Mute(
            kind=MuteKind.PARENT, id=str(parent.incident_id), name=parent.name, shown=name,
            why=f"{name} is paged for it", until=None, look_at=now + LOOK_AT_PARENT_EVERY,
        )  # fmt: skip
    until = parent.ended_at + PARENT_SETTLES
    if now >= until:
        return None
    return Mute(
        kind=MuteKind.PARENT, id=str(parent.incident_id), name=parent.name, shown=name,
        why=f"{name} is over; what still fires at {until:%H:%M:%S} UTC is paged", until=until, look_at=until,
    )  # fmt: skip
