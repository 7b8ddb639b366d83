"""The compiled domain configuration, as the decisions see it.

Made by the room `policy`; the core sees no YAML or CEL, only conditions that can be asked. All of it is immutable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable

from tocsin.core.bucket import Rate
from tocsin.core.model import Json
from tocsin.core.proving import Canary, Heartbeat
from tocsin.core.retention import Retention
from tocsin.core.roles import DEFAULT, Role
from tocsin.core.severity import Severity
from tocsin.core.targets import SlaSettings, Targets

Facts = Mapping[str, Json]
"""What a condition sees (S1): `alert`, `service`, `integration` maps with every known field; `team`, `hours`
("business"|"after"), `weekday` ("mon".."sun") strings; `holiday` bool. Named facts are no entry: a condition has its own."""


class ConditionError(Exception):
    """A condition could not be evaluated at run time: never a match (S1)."""


class Condition(Protocol):
    """A compiled `when`."""

    @property
    def text(self) -> str:
        """The expression as written; "true" for a rule without `when`."""

    def holds(self, facts: Facts) -> bool:
        """True or False; raises ConditionError when the expression fails on these facts."""


@runtime_checkable
class Conjunction(Protocol):
    """A condition that can be taken apart: to explain it, and to know without asking that it cannot hold."""

    @property
    def clauses(self) -> tuple[Condition, ...]:
        """The parts joined by `&&`, as written; the condition alone when there is no `&&`."""

    @property
    def needs(self) -> tuple[tuple[str, str], ...]:
        """(path, text) pairs that must all be equal or it is false: ("alert.labels.env", "dev")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleIndex:
    """Positions of the rules that can hold, by one fact each; a rule without such a fact is in `always`.

    `by_path`: "alert.source" -> text -> positions. `by_label`: "alert.labels" -> (name, text) -> positions.
    """

    always: tuple[int, ...] = ()
    by_path: Mapping[str, Mapping[str, tuple[int, ...]]] = field(default_factory=dict)
    by_label: Mapping[str, Mapping[tuple[str, str], tuple[int, ...]]] = field(default_factory=dict)


class KeyExpression(Protocol):
    """A compiled grouping key."""

    @property
    def text(self) -> str:
        """The expression as written."""

    def value(self, facts: Facts) -> str:
        """The key as text, "" when absent; raises ConditionError."""


class Pattern(Protocol):
    """A compiled RE2 text pattern."""

    @property
    def text(self) -> str:
        """The pattern as written."""

    def found_in(self, text: str) -> bool:
        """True when it matches anywhere in `text`, letter case ignored."""


@dataclass(frozen=True, slots=True)
class Span:
    """Business hours on some weekdays (0 = Monday); half-open; `end` before `start` crosses midnight."""

    weekdays: frozenset[int]
    start: time
    end: time


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    name: str
    timezone: str = "UTC"
    business_hours: tuple[Span, ...] = ()
    holidays: frozenset[date] = frozenset()
    holiday_region: str = ""
    members: tuple[str, ...] = ()
    lead: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """`role` and `teams`: what they may, and for which teams alone (none = all)."""

    id: str
    name: str
    email: str = ""
    role: Role = DEFAULT
    teams: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """An entry of the catalog. `match` maps a dotted alert path ("source", "labels.job") to the exact
    text it must have. `providers` are connector names that override the default route (S4), already
    expanded ("both" and the like are gone)."""

    name: str
    team: str = ""
    criticality: Severity = Severity.MEDIUM
    depends_on: tuple[str, ...] = ()
    runbook: str = ""
    match: Mapping[str, str] = field(default_factory=dict)
    providers: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    ack_timeout: timedelta | None = None
    sla: Targets = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationRule:
    """`when` AND (any of `patterns`, when there are some) -> `set_severity`, `set_service`, `lift`."""

    name: str
    when: Condition
    line: int = 0
    patterns: tuple[Pattern, ...] = ()
    set_severity: Severity | None = None
    set_service: str = ""
    set_team: str = ""
    lift: Mapping[Severity, Severity] = field(default_factory=dict)


class TargetKind(StrEnum):
    CONNECTOR = "connector"
    USER = "user"
    SCHEDULE = "schedule"
    TEAM = "team"
    LEAD = "lead"  # lead of the service's team
    ONCALL = "oncall"  # on call of the service's team


@dataclass(frozen=True, slots=True)
class Target:
    kind: TargetKind
    name: str = ""

    @property
    def shown(self) -> str:
        """As written in the configuration."""
        if self.kind is TargetKind.CONNECTOR:
            return self.name
        return f"{self.kind.value}:{self.name}" if self.name else self.kind.value


class Mode(StrEnum):
    ALL = "all"
    FAILOVER = "failover"


HEDGE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of an escalation policy.

    `after` counts from the start of the page (step 1) and is the wait since the previous step for the
    others. `within`: a failover target not created by then gives way to the next. `hedge`: nobody
    notified by then, the next is asked too (critical only, S30; None = never). `ack`: "any" or "each".
    """

    mode: Mode
    targets: tuple[Target, ...]
    after: timedelta = timedelta(0)
    within: timedelta = timedelta(seconds=3)
    hedge: timedelta | None = HEDGE
    ack: str = "any"
    repeat: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationPolicy:
    name: str
    steps: tuple[Step, ...]


class RouteKind(StrEnum):
    PAGE = "page"
    DIGEST = "digest"
    SUPPRESS = "suppress"
    ADD = "add"  # a rule with `continue` that only adds


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """When a digest or suppressed alert is promoted to an incident (S23)."""

    count: int | None = None
    age: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingRule:
    """`policy` names an escalation policy (a step written in place has a generated one). `continues`
    = it may only add: `delay`, `channels` (connector names) and `fields`."""

    name: str
    when: Condition
    kind: RouteKind
    line: int = 0
    policy: str = ""
    delay: timedelta | None = None
    repeat: timedelta | None = None
    channels: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    digest_to: tuple[str, ...] = ()
    digest_every: timedelta | None = None
    promote: Promotion | None = None
    review: timedelta | None = None
    continues: bool = False
    default: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupingRule:
    name: str
    when: Condition
    by: KeyExpression | None = None
    within: timedelta = timedelta(minutes=10)
    at_most: timedelta = timedelta(hours=1)


class MuteKind(StrEnum):
    """What may keep an alert from paging for a time."""

    SILENCE = "silence"
    MAINTENANCE = "maintenance"
    PARENT = "parent"  # a service it depends on is down, and somebody is paged for that
    FLAP = "flap"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedMute:
    """A silence or a maintenance window: what it covers, when, and whose it is (S7).

    `every` is "sun 02:00-04:00", wall time in `timezone`; without it the mute holds from `start` to `end`. With
    both it comes back only between them. Half-open. `except_severities` are paged all the same. `id` is "" for
    a window of the configuration, whose name is its own.
    """

    kind: MuteKind
    name: str
    when: Condition
    owner: str
    comment: str
    timezone: str = "UTC"
    every: tuple[Span, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    except_severities: frozenset[Severity] = frozenset()
    id: str = ""


class Direction(StrEnum):
    OUTBOUND = "outbound"
    INBOUND = "inbound"
    BIDIRECTIONAL = "bidirectional"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """One configured instance of a provider; `settings` is what the provider's folder reads, with
    `{"$secret": "connectors.NAME.api_key"}` where a credential stood. `webhook_allow`: networks, none = any."""

    name: str
    type: str
    direction: Direction = Direction.BIDIRECTIONAL
    sync_interval: timedelta = timedelta(minutes=5)
    enable_webhook: bool = True
    import_incidents: bool = False
    auto_resolve: bool = True
    sync_notes: bool = True
    sla: Targets = field(default_factory=dict)
    settings: Mapping[str, Json] = field(default_factory=dict)
    webhook_allow: tuple[str, ...] = ()
    webhook_rate: Rate = field(default_factory=lambda: Rate(3000, 600))
    debug: bool = False
    log_requests: bool = False
    log_responses: bool = False
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an integration's alerts go: kind "router", "team", "service" or "user" (S4)."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """One configured instance of a source. `key_hash` is the lower-hex SHA-256 of its key. `rate` = the new keys that may
    open incidents (S17), None = `defaults.rate`."""

    name: str
    source: str
    key_hash: str
    urgency: Severity | None = None
    destinations: tuple[Destination, ...] = ()
    auto_aggregate: timedelta | None = None
    auto_resolve: timedelta | None = None
    auto_resolve_from: str = "created"
    rate: Rate | None = None
    key_scope: str = "integration"
    templates: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Json] = field(default_factory=dict)
    paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FlapSettings:
    """S15: a key flaps when `lives` of its lives began within `within`, and until nothing of it began or ended for
    `quiet`. Meanwhile it pages at most once in `page_every` of its severity, else in `page_otherwise`."""

    lives: int = 3
    within: timedelta = timedelta(hours=1)
    quiet: timedelta = timedelta(minutes=30)
    page_otherwise: timedelta = timedelta(minutes=30)
    page_every: Mapping[Severity, timedelta] = field(
        default_factory=lambda: {Severity.CRITICAL: timedelta(minutes=10)}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    reopen: timedelta = timedelta(minutes=30)
    resolve_grace: timedelta = timedelta(minutes=5)
    ack_timeout: Mapping[Severity, timedelta] = field(
        default_factory=lambda: {Severity.CRITICAL: timedelta(hours=1), Severity.HIGH: timedelta(hours=4)}
    )
    silent_after: timedelta = timedelta(hours=24)
    last_resort: tuple[str, ...] = ()
    heartbeat: Heartbeat | None = None
    canary: Canary | None = None
    flap: FlapSettings = field(default_factory=FlapSettings)
    retention: Retention = field(default_factory=Retention)
    rate: Rate = field(default_factory=lambda: Rate(per_minute=600, burst=200))
    sla: SlaSettings = field(default_factory=SlaSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One applied version of the configuration, compiled. `version` is 0 for the built-in one that an
    empty installation starts with. Order of tuples is the order of the file.

    The indexes only save time: without them (None) every rule and service is asked in turn, with the same
    result. `schedules` is kept as written. `catalog` are the services that have a `match`, in order (None: look
    through `services`).
    """

    version: int = 0
    defaults: Defaults = field(default_factory=Defaults)
    teams: Mapping[str, Team] = field(default_factory=dict)
    users: Mapping[str, User] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)
    facts: tuple[tuple[str, Condition], ...] = ()
    classification: tuple[ClassificationRule, ...] = ()
    maintenance: tuple[TimedMute, ...] = ()
    grouping: tuple[GroupingRule, ...] = ()
    policies: Mapping[str, EscalationPolicy] = field(default_factory=dict)
    routing: tuple[RoutingRule, ...] = ()
    connectors: Mapping[str, Connector] = field(default_factory=dict)
    integrations: Mapping[str, Integration] = field(default_factory=dict)
    schedules: Mapping[str, Json] = field(default_factory=dict)
    catalog: tuple[Service, ...] | None = field(default=None, compare=False, repr=False)
    classification_index: RuleIndex | None = field(default=None, compare=False, repr=False)
    routing_index: RuleIndex | None = field(default=None, compare=False, repr=False)
    catalog_index: RuleIndex | None = field(default=None, compare=False, repr=False)
