"""By when is an incident to be acknowledged and resolved, and what follows when that is near or past (IM-4)?

Two clocks an incident. Both run from its opening, in the hours that its target names; nothing stops them but its end:
a snooze is an acknowledgement, and a mute stops pages, never state (S7). A reopened incident was not over: the time in
which it counted as resolved is left out, and it is to be acknowledged anew. Each clock warns once and is missed once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from tocsin.core.explain import span
from tocsin.core.model import Incident, Line
from tocsin.core.office_hours import advance, measure
from tocsin.core.policy import Policy, Team
from tocsin.core.severity import Severity
from tocsin.core.targets import SlaTarget
from tocsin.core.values import replace


class Clock(StrEnum):
    """What is promised."""

    ACK = "ack"
    RESOLVE = "resolve"


WORDS = {Clock.ACK: "acknowledged", Clock.RESOLVE: "resolved"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """So much time, in the hours of `team` (a name; "" with `business` = the usual hours); `by` = where it stands."""

    time: timedelta
    business: bool = False
    team: str = ""
    by: str = ""

    @property
    def shown(self) -> str:
        """ "15m (defaults.sla)", "2h of business time (services.api.sla)"."""
        return f"{span(self.time)}{' of business time' if self.business else ''} ({self.by})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """One clock. `due_at` None = nothing is promised. `met_at` = when it was done, in time or not; `breached_at` = the
    instant that was missed, kept once it is told."""

    promise: Promise | None = None
    due_at: datetime | None = None
    warn_at: datetime | None = None
    met_at: datetime | None = None
    warned_at: datetime | None = None
    breached_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """The clocks of one incident, and what of it they were set by. `open_since` are the times in which it was open:
    (from, until), the last without an end while it is. `ack_from` = since when it waits for somebody."""

    severity: Severity
    version: int
    open_since: tuple[tuple[datetime, datetime | None], ...]
    ack_from: datetime
    ack: Running = field(default_factory=Running)
    resolve: Running = field(default_factory=Running)

    @property
    def over(self) -> bool:
        """True once the incident is resolved."""
        return self.open_since[-1][1] is not None

    def of(self, clock: Clock) -> Running:
        """One of the two."""
        return self.ack if clock is Clock.ACK else self.resolve


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What somebody is told of a clock: `missed`, else a warning. `late` = it was done by then, too late: a record
    alone, nobody is mailed."""

    clock: Clock
    missed: bool
    line: Line
    late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The clocks after a look, what is told, and when to look again (None = not before the incident changes)."""

    track: Track
    told: tuple[Told, ...] = ()
    look_at: datetime | None = None


def look(track: Track | None, incident: Incident, policy: Policy, now: datetime) -> Look:
    """Set the clocks by how the incident and the configuration are at the aware instant `now`, and see what is due."""
    track = _set(_followed(track, incident, policy, now), incident, policy)
    told: list[Told] = []
    for clock in Clock:
        track, said = _due(track, clock, incident, now)
        told += said
    waits = [
        at
        for running in (track.ack, track.resolve)
        if running.met_at is None and not track.over
        for at in (
            running.warn_at if running.warned_at is None and running.breached_at is None else None,
            running.due_at if running.breached_at is None else None,
        )
        if at is not None
    ]
    return Look(track=track, told=tuple(told), look_at=min(waits, default=None))


def _followed(track: Track | None, incident: Incident, policy: Policy, now: datetime) -> Track:
    """The incident's own history: opened, acknowledged, resolved, reopened."""
    ended = None if incident.open else incident.resolved_at or incident.closed_at or now
    if track is None:
        start = incident.opened_at
        track = Track(
            severity=incident.severity, version=policy.version, open_since=((start, ended),), ack_from=start
        )
    elif track.over and incident.open:
        back = max(track.open_since[-1][1] or now, now)
        again = replace(track.ack, met_at=None, warned_at=None)
        track = replace(
            track, open_since=(*track.open_since, (back, None)), ack_from=back, ack=again,
            resolve=replace(track.resolve, met_at=None, warned_at=None),
        )  # fmt: skip
    elif not track.over and ended is not None:
        begun = track.open_since[-1][0]
        track = replace(track, open_since=(*track.open_since[:-1], (begun, max(ended, begun))))
    until, acked = track.open_since[-1][1], incident.acknowledged_at
    had = track.ack.met_at or (acked if acked is not None and acked >= track.ack_from else until)
    return replace(
        track, severity=incident.severity, version=policy.version, ack=replace(track.ack, met_at=had),
        resolve=replace(track.resolve, met_at=until),
    )  # fmt: skip


def _set(track: Track, incident: Incident, policy: Policy) -> Track:
    ack = _timed(track.ack, Clock.ACK, ((track.ack_from, None),), incident, policy)
    resolve = _timed(track.resolve, Clock.RESOLVE, track.open_since, incident, policy)
    return replace(track, ack=ack, resolve=resolve)


def _timed(
    running: Running,
    clock: Clock,
    periods: tuple[tuple[datetime, datetime | None], ...],
    incident: Incident,
    policy: Policy,
) -> Running:
    """The strictest of what is promised for its services."""
    found = [
        (due, promise)
        for promise in promises(incident, policy, clock)
        if (due := deadline(periods, promise.time, team_of(promise, policy)))
    ]
    if not found:
        return replace(running, promise=None, due_at=None, warn_at=None)
    due, promise = min(found, key=lambda one: one[0])
    warn = policy.defaults.sla.warn_at
    warn_at = deadline(periods, promise.time * warn, team_of(promise, policy)) if warn < 1 else None
    return replace(running, promise=promise, due_at=due, warn_at=warn_at)


def deadline(
    periods: tuple[tuple[datetime, datetime | None], ...], time: timedelta, team: Team | None
) -> datetime | None:
    """When so much time is used up over these periods; the last counts on, though it may have an end."""
    left = time
    for number, (begins, ends) in enumerate(periods):
        last = number == len(periods) - 1
        used = measure(begins, ends, team) if ends is not None and not last else None
        if used is None or used >= left:
            return advance(begins, left, team)
        left -= used
    return None


def promises(incident: Incident, policy: Policy, clock: Clock) -> Iterator[Promise]:
    """What is promised for each of its services: its own word, else `defaults.sla`, else the connectors' `sla_mapping`."""
    for name in incident.services or ("",):
        yield from promises_of(name, incident.team, incident.severity, policy, clock)


def promises_of(name: str, team: str, severity: Severity, policy: Policy, clock: Clock) -> Iterator[Promise]:
    """The same for one service ("" = none) and severity; of several connectors each says its own."""
    service = policy.services.get(name)
    own = service.team if service and service.team else team
    sources: list[tuple[str, SlaTarget]] = []
    if service and severity in service.sla:
        sources = [(f"services.{name}.sla", service.sla[severity])]
    elif severity in policy.defaults.sla.targets:
        sources = [("defaults.sla", policy.defaults.sla.targets[severity])]
    else:
        paged = service.providers if service and service.providers else tuple(policy.connectors)
        sources = [
            (f"connectors.{one}.sla_mapping", policy.connectors[one].sla[severity])
            for one in paged
            if one in policy.connectors and severity in policy.connectors[one].sla
        ]
    for by, target in sources:
        time = target.ack if clock is Clock.ACK else target.resolve
        if time is not None:
            yield Promise(time=time, business=target.business, team=own if target.business else "", by=by)


def team_of(promise: Promise, policy: Policy) -> Team | None:
    """Whose hours count; None = all hours."""
    if not promise.business:
        return None
    return policy.teams.get(promise.team) or Team(name="")


def promises_anything(policy: Policy) -> bool:
    """False where nobody has promised anything: then nothing is kept."""
    return bool(
        policy.defaults.sla.targets
        or any(service.sla for service in policy.services.values())
        or any(connector.sla for connector in policy.connectors.values())
    )


def _due(track: Track, clock: Clock, incident: Incident, now: datetime) -> tuple[Track, list[Told]]:
    running = track.of(clock)
    done, due, promise = running.met_at, running.due_at, running.promise
    if due is None or promise is None or running.breached_at is not None:
        return track, []
    said: list[Told] = []
    if due <= now and (done is None or done > due):
        late = f", and it was {WORDS[clock]} at {_at(done)}" if done else ""
        text = (
            f"SLA missed: it was to be {WORDS[clock]} by {_at(due)}{late}."
            f" Promised for {incident.severity.value}: {promise.shown}"
        )
        said.append(_told(clock, due, text, missed=True, late=done is not None))
        running = replace(running, breached_at=due)
    elif done is None and running.warned_at is None and running.warn_at and running.warn_at <= now:
        text = (
            f"SLA: it is to be {WORDS[clock]} by {_at(due)}, in {_left(due - now)}."
            f" Promised for {incident.severity.value}: {promise.shown}"
        )
        said.append(_told(clock, due, text, missed=False, late=False))
        running = replace(running, warned_at=now)
    after = replace(track, ack=running) if clock is Clock.ACK else replace(track, resolve=running)
    return after, said


def _told(clock: Clock, due: datetime, text: str, *, missed: bool, late: bool) -> Told:
    line = Line(
        kind="sla_missed" if missed else "sla_ends_soon", text=text, reason=f"sla_{clock.value}",
        data={"due_at": due.isoformat()},
    )  # fmt: skip
    return Told(clock=clock, missed=missed, line=line, late=late)


def _at(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _left(time: timedelta) -> str:
    minutes = max(int(time.total_seconds()) // 60, 0)
    if minutes >= 120:
        return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
    return f"{minutes} min" if minutes else f"{max(int(time.total_seconds()), 0)} s"
