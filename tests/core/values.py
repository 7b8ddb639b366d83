"""Small values that the tests of deduplication, lifecycle, paging and deciding share: what a test does not
speak of is filled in here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tocsin.core.dedup import Admission, Fresh, Reading, admit
from tocsin.core.model import (
    Action,
    Actor,
    ActorKind,
    Alert,
    AlertId,
    AlertStatus,
    CorrelationId,
    Event,
    Incident,
    IncidentId,
    IncidentStatus,
    Part,
)
from tocsin.core.policy import (
    ConditionError,
    Connector,
    EscalationPolicy,
    Facts,
    Mode,
    Policy,
    RouteKind,
    RoutingRule,
    Step,
    Target,
    TargetKind,
)
from tocsin.core.severity import Severity
from tocsin.core.values import replace

C, H, M, L = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW
OPEN, MITIGATED = IncidentStatus.OPEN, IncidentStatus.MITIGATED
RESOLVED, CLOSED = IncidentStatus.RESOLVED, IncidentStatus.CLOSED
T0 = datetime(2026, 11, 18, 10, tzinfo=UTC)

ADA = Actor(ActorKind.PERSON, "Ada", "cli")
BOB_AT_PD = Actor(ActorKind.PROVIDER, "Bob", "pd")
PD_ITSELF = Actor(ActorKind.PROVIDER, "pd", "pd", person=False)
SENDER = Actor(ActorKind.SENDER, "prometheus", person=False)
TIMER = Actor(ActorKind.TIMER, "tocsin", person=False)


def at(seconds: float = 0, *, minutes: float = 0, hours: float = 0) -> datetime:
    """So long after the beginning of the test's time."""
    return T0 + timedelta(seconds=seconds, minutes=minutes, hours=hours)


def event(action: Action = Action.CREATE, key: str = "123", **more: Any) -> Event:
    return Event(action=action, dedup_key=key, **{"title": "Disk full", **more})


def create(key: str = "123", **more: Any) -> Event:
    return event(Action.CREATE, key, **more)


def acknowledge(key: str = "123", **more: Any) -> Event:
    return event(Action.ACKNOWLEDGE, key, **more)


def resolve(key: str = "123", **more: Any) -> Event:
    return event(Action.RESOLVE, key, **more)


def alert(status: AlertStatus = AlertStatus.QUEUED, number: int = 1, **more: Any) -> Alert:
    given: dict[str, Any] = {
        "integration": "I1", "scope": "I1", "source": "webhook", "dedup_key": "123", "title": "Disk full",
        "first_event_at": T0, "last_event_at": T0, **more,
    }  # fmt: skip
    return Alert(
        id=AlertId(UUID(int=number)), status=status, correlation_id=CorrelationId(f"c{number}"), **given
    )


def incident(
    status: IncidentStatus = OPEN,
    *,
    parts: dict[str, IncidentStatus] | None = None,
    number: int = 1,
    **more: Any,
) -> Incident:
    """INC-1; `parts` maps services to their own status, else one part without a service."""
    given = {"severity": M, "title": "Disk full", **more}
    if status in (RESOLVED, CLOSED):
        given = {"resolved_at": T0, "resolved_by": ActorKind.PERSON, **given}
    if status is MITIGATED:
        given = {"acknowledged_at": T0, "acknowledged_by": "Ada", **given}
    by = parts if parts is not None else {"": status}
    return Incident(
        id=IncidentId(UUID(int=1000 + number)), number=number, status=status, correlation_id=CorrelationId("c1"),
        opened_at=T0, parts=tuple(Part(service=s, status=p, changed_at=T0, changed_by="Ada") for s, p in by.items()),
        **given,
    )  # fmt: skip


def connectors(*names: str) -> tuple[Target, ...]:
    return tuple(Target(TargetKind.CONNECTOR, name) for name in names)


def step(mode: Mode, *names: str, **more: Any) -> Step:
    return Step(mode=mode, targets=connectors(*names), **more)


@dataclass(frozen=True)
class Says:
    """A condition (and a grouping key) with a fixed answer; an exception is raised."""

    answer: Any
    text: str = "fixed"

    def holds(self, facts: Facts) -> bool:
        return bool(self.value(facts))

    def value(self, facts: Facts) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


ALWAYS, NEVER, FAILS = Says(True), Says(False), Says(ConditionError("no such overload"))


@dataclass(frozen=True)
class SeverityIs:
    """A condition: the alert's severity counts as this."""

    word: Severity
    text: str = "alert.severity == ..."

    def holds(self, facts: Facts) -> bool:
        return bool(facts["alert"]["severity"] == self.word.value)


def page_rule(name: str, when: Any = ALWAYS, **more: Any) -> RoutingRule:
    """A rule that pages by the escalation policy of the same name."""
    return RoutingRule(name=name, when=when, kind=RouteKind.PAGE, policy=name, **more)


def policy(**more: Any) -> Policy:
    """Everything is paged: pd first, og when pd fails."""
    given: dict[str, Any] = {
        "connectors": {n: Connector(name=n, type="pagerduty") for n in ("pd", "og")},
        "policies": {
            "default": EscalationPolicy(name="default", steps=(step(Mode.FAILOVER, "pd", "og"),)),
            "loud": EscalationPolicy(name="loud", steps=(step(Mode.ALL, "pd", "og"),)),
        },
        "routing": (page_rule("loud", SeverityIs(C)), page_rule("default", default=True)),
        "version": 7,
    }
    return Policy(**{**given, **more})


@dataclass
class Door:
    """Applies `admit` to the live alerts, one per (scope, key), as the hub's door does."""

    def __post_init__(self) -> None:
        self.live: dict[tuple[str, str], Alert] = {}
        self.every: dict[AlertId, Alert] = {}
        self.heard: list[tuple[Event, Admission]] = []

    def take(self, said: Event, now: datetime = T0, *, integration: str = "I1", scope: str = "") -> Admission:
        place = (scope or integration, said.dedup_key)
        number = len(self.every) + 1
        fresh = Fresh(AlertId(UUID(int=number)), CorrelationId(f"c{number}"))
        admission = admit(
            said, self.live.get(place), integration=integration, scope=place[0], source="webhook", fresh=fresh, now=now
        )  # fmt: skip
        if admission.alert is not None and admission.reading not in (Reading.IGNORED, Reading.OTHER):
            self.put(admission.alert)
        self.heard.append((said, admission))
        return admission

    def put(self, changed: Alert) -> None:
        """Save an alert as it is now."""
        place = (changed.scope, changed.dedup_key)
        self.every[changed.id] = changed
        if changed.live:
            self.live[place] = changed
        elif place in self.live and self.live[place].id == changed.id:
            del self.live[place]

    def by_person(self, number: int, status: AlertStatus, now: datetime = T0) -> None:
        """A person acknowledges or resolves A1, A2 ... here."""
        known = self.every[AlertId(UUID(int=number))]
        ends = status is AlertStatus.RESOLVED
        self.put(replace(known, status=status, resolved_at=now if ends else None))

    def story(self) -> list[tuple[str, str, int]]:
        """(A1, status, repeats) of every alert there ever was."""
        return [(f"A{a.id.int}", a.status.value, a.count) for a in self.every.values()]
