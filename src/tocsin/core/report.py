"""What happened in a time, in figures: how much, how fast, how well promises were kept, and at what cost to people (IM-5)?

Counted are the incidents opened in the time, by the clocks of their teams. A figure that nothing stands behind is None,
never 0: an empty month has no mean time to acknowledge.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from statistics import median

from whenever import Instant

from tocsin.core.hours import BUSINESS, local_facts
from tocsin.core.policy import Policy, Team
from tocsin.core.severity import Severity
from tocsin.core.values import replace

NIGHT_FROM, NIGHT_UNTIL = 22, 6
"""Hours of the clock on the team's wall: a page in them woke somebody."""
TO_ACKNOWLEDGE = (60, 300, 900, 1800, 3600, 14_400)
TO_RESOLVE = (900, 3600, 14_400, 43_200, 86_400, 259_200)
"""Upper edges of the buckets, in seconds; one more holds what took longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """An incident as it lives at one connector. The four rungs are as the hub knows them; `there_…` are the provider's own
    times, read from its log, None = not read or not told."""

    connector: str
    service: str = ""
    remote_id: str = ""
    remote_url: str = ""
    accepted_at: datetime | None = None
    notified_at: datetime | None = None
    acknowledged_at: datetime | None = None
    resolved_at: datetime | None = None
    there_acknowledged_at: datetime | None = None
    there_acknowledged_by: str = ""
    there_resolved_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of an incident's timeline."""

    at: datetime
    text: str
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """An incident as it is reported. Times to … in seconds from its opening; None = it has not happened. `ack_kept`, `resolve_kept` None =
    nothing was promised, or it is not due yet."""

    name: str
    title: str
    severity: Severity
    status: str
    opened_at: datetime
    team: str = ""
    services: tuple[str, ...] = ()
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    resolved_at: datetime | None = None
    resolved_by: str = ""
    seconds_to_acknowledge: float | None = None
    seconds_to_resolve: float | None = None
    ack_kept: bool | None = None
    resolve_kept: bool | None = None
    alerts: int = 0
    repeats: int = 0
    pages: int = 0
    night_pages: int = 0
    out_of_hours: bool = False
    escalations: int = 0
    reopens: int = 0
    sides: tuple[Side, ...] = ()
    steps: tuple[Step, ...] = ()
    steps_left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """How long something took, in seconds. `done` of `of` incidents; None where none was done. `buckets` counts by
    `edges`, one more for longer, and the last for what is not done."""

    of: int
    done: int
    mean: float | None
    median: float | None
    p90: float | None
    edges: tuple[int, ...]
    buckets: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Promises of one group: kept, missed, share kept of those that ended (None = none did)."""

    key: str
    clock: str
    kept: int
    missed: int
    share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Incidents of one severity, service or team. An incident of two services counts in both."""

    key: str
    incidents: int
    alerts: int
    pages: int
    night_pages: int
    mean_to_acknowledge: float | None
    mean_to_resolve: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What one person took: incidents acknowledged, of those at night and out of business hours, and how fast."""

    name: str
    acknowledged: int
    at_night: int
    out_of_hours: int
    mean_to_acknowledge: float | None
    resolved: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """What one connector did: pages it took, rang, and how fast it told of an acknowledgement, by its own log and by ours."""

    connector: str
    pages: int
    notified: int
    mean_to_notify: float | None
    acknowledged_there: int
    mean_to_acknowledge_there: float | None
    mean_to_acknowledge_here: float | None
    mean_to_resolve_there: float | None
    log: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """Incidents opened on one local day, by severity."""

    day: date
    by_severity: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The whole of it. `hours` = pages by local weekday (0 = Monday) and hour. `notes` = what is missing, and why."""

    start: datetime
    end: datetime
    timezone: str
    made_at: datetime
    installation: str = ""
    total: int = 0
    still_open: int = 0
    alerts: int = 0
    repeats: int = 0
    pages: int = 0
    night_pages: int = 0
    out_of_hours: int = 0
    escalated: int = 0
    reopened: int = 0
    acknowledge: Speed | None = None
    resolve: Speed | None = None
    sla: tuple[Kept, ...] = ()
    severities: tuple[Group, ...] = ()
    services: tuple[Group, ...] = ()
    teams: tuple[Group, ...] = ()
    people: tuple[Person, ...] = ()
    providers: tuple[Provider, ...] = ()
    days: tuple[Day, ...] = ()
    hours: tuple[tuple[int, ...], ...] = ()
    incidents: tuple[Incident, ...] = ()
    notes: tuple[str, ...] = field(default_factory=tuple)


def report_of(
    incidents: Sequence[Incident],
    *,
    policy: Policy,
    start: datetime,
    end: datetime,
    timezone: str,
    made_at: datetime,
    installation: str = "",
    logs: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
) -> Report:
    """The figures of these incidents, which are in order of their opening. `logs` = of each connector whether its log was
    read, in words. Raises ValueError for a zone that does not exist."""
    seen = [_by_the_clock(one, policy, timezone) for one in incidents]
    paged = [side.accepted_at for one in seen for side in one.sides if side.accepted_at]
    return Report(
        start=start, end=end, timezone=timezone, made_at=made_at, installation=installation, total=len(seen),
        still_open=sum(one.status in ("open", "mitigated") for one in seen), alerts=sum(one.alerts for one in seen),
        repeats=sum(one.repeats for one in seen), pages=sum(one.pages for one in seen),
        night_pages=sum(one.night_pages for one in seen), out_of_hours=sum(one.out_of_hours for one in seen),
        escalated=sum(one.escalations > 0 for one in seen), reopened=sum(one.reopens > 0 for one in seen),
        acknowledge=_speed([one.seconds_to_acknowledge for one in seen], TO_ACKNOWLEDGE),
        resolve=_speed([one.seconds_to_resolve for one in seen], TO_RESOLVE), sla=_sla(seen),
        severities=_groups(seen, lambda one: (one.severity.value,), [s.value for s in Severity]),
        services=_groups(seen, lambda one: one.services or ("",)), teams=_groups(seen, lambda one: (one.team,)),
        people=_people(seen, policy, timezone), providers=_providers(seen, logs or {}),
        days=_days(seen, start, end, timezone), hours=_hours(paged, timezone), incidents=tuple(seen), notes=tuple(notes),
    )  # fmt: skip


def _by_the_clock(one: Incident, policy: Policy, timezone: str) -> Incident:
    """The same with what follows from its times: how long it took, whom it woke."""
    team = policy.teams.get(one.team)
    pages = [side.accepted_at for side in one.sides if side.accepted_at]
    return replace(
        one,
        seconds_to_acknowledge=_seconds(one.opened_at, one.acknowledged_at),
        seconds_to_resolve=_seconds(one.opened_at, one.resolved_at),
        pages=len(pages),
        night_pages=sum(at_night(at, team, timezone) for at in pages),
        out_of_hours=local_facts(team, one.opened_at).hours != BUSINESS if team else _late(one, timezone),
    )


def at_night(at: datetime, team: Team | None, timezone: str) -> bool:
    """True between NIGHT_FROM and NIGHT_UNTIL by the team's clock, else by that of the report."""
    hour = _local(at, team.timezone if team else timezone).hour
    return hour >= NIGHT_FROM or hour < NIGHT_UNTIL


def _late(one: Incident, timezone: str) -> bool:
    return local_facts(Team(name="", timezone=timezone, business_hours=()), one.opened_at).weekday in (
        "sat",
        "sun",
    ) or at_night(one.opened_at, None, timezone)


def _seconds(start: datetime, end: datetime | None) -> float | None:
    return max((end - start).total_seconds(), 0.0) if end is not None else None


def mean(values: Iterable[float | None]) -> float | None:
    """Of those that are there; None when none is."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _speed(values: Sequence[float | None], edges: tuple[int, ...]) -> Speed:
    known = sorted(value for value in values if value is not None)
    counts = [0] * (len(edges) + 2)
    for value in known:
        counts[next((n for n, edge in enumerate(edges) if value <= edge), len(edges))] += 1
    counts[-1] = len(values) - len(known)
    p90 = known[min(len(known) - 1, -(-len(known) * 9 // 10) - 1)] if known else None
    return Speed(
        of=len(values), done=len(known), mean=mean(known), median=median(known) if known else None, p90=p90,
        edges=edges, buckets=tuple(counts),
    )  # fmt: skip


def _sla(seen: Sequence[Incident]) -> tuple[Kept, ...]:
    found = []
    for severity in (None, *Severity):
        chosen = [one for one in seen if severity is None or one.severity is severity]
        for clock in ("ack", "resolve"):
            told = [one.ack_kept if clock == "ack" else one.resolve_kept for one in chosen]
            kept, missed = told.count(True), told.count(False)
            if kept + missed:
                key = severity.value if severity else "all"
                share = kept / (kept + missed)
                found.append(Kept(key=key, clock=clock, kept=kept, missed=missed, share=share))
    return tuple(found)


def _groups(
    seen: Sequence[Incident],
    key: Callable[[Incident], tuple[str, ...]],
    order: Sequence[str] = (),
) -> tuple[Group, ...]:
    groups: dict[str, list[Incident]] = defaultdict(list)
    for one in seen:
        for name in dict.fromkeys(key(one)):
            groups[name].append(one)
    found = [
        Group(
            key=name, incidents=len(some), alerts=sum(o.alerts + o.repeats for o in some), pages=sum(o.pages for o in some),
            night_pages=sum(o.night_pages for o in some), mean_to_acknowledge=mean(o.seconds_to_acknowledge for o in some),
            mean_to_resolve=mean(o.seconds_to_resolve for o in some),
        )
        for name, some in groups.items()
    ]  # fmt: skip
    if order:
        return tuple(sorted(found, key=lambda one: order.index(one.key)))
    return tuple(sorted(found, key=lambda one: (-one.incidents, -one.pages, one.key)))


def _people(seen: Sequence[Incident], policy: Policy, timezone: str) -> tuple[Person, ...]:
    taken: dict[str, list[Incident]] = defaultdict(list)
    for one in seen:
        if one.acknowledged_by:
            taken[one.acknowledged_by].append(one)
    resolved = Counter(one.resolved_by for one in seen if one.resolved_by)
    found = [
        Person(
            name=name, acknowledged=len(some), out_of_hours=sum(one.out_of_hours for one in some),
            at_night=sum(
                at_night(one.acknowledged_at, policy.teams.get(one.team), timezone)
                for one in some if one.acknowledged_at
            ),
            mean_to_acknowledge=mean(one.seconds_to_acknowledge for one in some), resolved=resolved.pop(name, 0),
        )
        for name, some in taken.items()
    ]  # fmt: skip
    found += [
        Person(name=name, acknowledged=0, at_night=0, out_of_hours=0, mean_to_acknowledge=None, resolved=n)
        for name, n in resolved.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.acknowledged, -one.resolved, one.name)))


def _providers(seen: Sequence[Incident], logs: Mapping[str, str]) -> tuple[Provider, ...]:
    sides: dict[str, list[tuple[Incident, Side]]] = {name: [] for name in logs}
    for one in seen:
        for side in one.sides:
            sides.setdefault(side.connector, []).append((one, side))
    found = []
    for name, some in sides.items():
        paged = [(one, side) for one, side in some if side.accepted_at]
        found.append(
            Provider(
                connector=name, pages=len(paged), notified=sum(side.notified_at is not None for _, side in paged),
                mean_to_notify=mean(_seconds(side.accepted_at, side.notified_at) for _, side in paged if side.accepted_at),
                acknowledged_there=sum(side.there_acknowledged_at is not None for _, side in some),
                mean_to_acknowledge_there=mean(_seconds(one.opened_at, side.there_acknowledged_at) for one, side in some),
                mean_to_acknowledge_here=mean(one.seconds_to_acknowledge for one, _ in some),
                mean_to_resolve_there=mean(_seconds(one.opened_at, side.there_resolved_at) for one, side in some),
                log=logs.get(name, ""),
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda one: (-one.pages, one.connector)))


def _days(seen: Sequence[Incident], start: datetime, end: datetime, timezone: str) -> tuple[Day, ...]:
    counts: dict[date, Counter[str]] = defaultdict(Counter)
    for one in seen:
        counts[_local(one.opened_at, timezone).date()][one.severity.value] += 1
    first, last = _local(start, timezone).date(), _local(end - timedelta(microseconds=1), timezone).date()
    return tuple(
        Day(day=day, by_severity=dict(counts[day]))
        for day in (first + timedelta(days=n) for n in range((last - first).days + 1))
    )


def _hours(paged: Sequence[datetime], timezone: str) -> tuple[tuple[int, ...], ...]:
    counts = [[0] * 24 for _ in range(7)]
    for at in paged:
        local = _local(at, timezone)
        counts[local.weekday()][local.hour] += 1
    return tuple(tuple(row) for row in counts)


def _local(at: datetime, timezone: str) -> datetime:
    return Instant(at).to_tz(timezone).to_stdlib()
