"""What the hub talks about: event, alert, incident, actor and the lines of a timeline.

Values only: frozen, typed, without behaviour that needs a clock. Instants are aware UTC datetimes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType
from uuid import UUID

import msgspec

from tocsin.core.severity import Severity

AlertId = NewType("AlertId", UUID)
IncidentId = NewType("IncidentId", UUID)
CorrelationId = NewType("CorrelationId", str)

Json = Any
"""A value made of what JSON has. `Any` ends where a source has read it."""


class Action(StrEnum):
    """What an event asks for (IN-3)."""

    CREATE = "create"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    OTHER = "other"


class AlertStatus(StrEnum):
    """S5."""

    QUEUED = "queued"  # stored, not yet decided
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    DROPPED = "dropped"  # muted by a silence, window, parent, flap hold or rule, which is named
    RESOLVED = "resolved"


class IncidentStatus(StrEnum):
    """Stored words; people read "Acknowledged" for mitigated (S24)."""

    OPEN = "open"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    CLOSED = "closed"

    @property
    def shown(self) -> str:
        """The word for people."""
        return "Acknowledged" if self is IncidentStatus.MITIGATED else self.value.capitalize()


class ActorKind(StrEnum):
    """Who acts, weakest last: a person beats a sender and a timer (S40)."""

    PERSON = "person"  # here, by CLI, API or page
    PROVIDER = "provider"  # a person at a provider, seen by webhook or reading
    SENDER = "sender"  # the monitoring system
    TIMER = "timer"  # the hub itself


class Actor(msgspec.Struct, frozen=True):
    """Who did it. `name` is what a timeline shows ("Ada", "prometheus"); `via` is the way it came
    ("cli", "api", "page", a connector's or integration's name, "tick"); `person` says whether a human
    being stands behind a provider's act (a provider's own timer does not count, S40)."""

    kind: ActorKind
    name: str
    via: str = ""
    person: bool = True

    @property
    def shown(self) -> str:
        """ "Ada via prod-pagerduty", or the bare name."""
        return f"{self.name} via {self.via}" if self.via and self.via != self.name else self.name


class Link(msgspec.Struct, frozen=True):
    """An address with a text, shown with the alert."""

    href: str
    text: str = ""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What a sender said, once, as a source read it.

    `dedup_key` is "" when the source knows none (S8). `source` is what the sender calls itself
    (rules see it as alert.source; empty = the name of the source's folder). `services` are names of
    the catalog, first one leading; unknown names are kept and told. `sent_at` is the sender's own
    clock and orders within one key only (S13). `quiet` = the sender's word means "never paged" (S54).
    `reason` says why the action is `other`.
    """

    action: Action
    dedup_key: str = ""
    title: str = ""
    description: str = ""
    severity: Severity | None = None
    quiet: bool = False
    source: str = ""
    services: tuple[str, ...] = ()
    team: str = ""
    labels: Mapping[str, str] = {}
    tags: tuple[str, ...] = ()
    details: Mapping[str, Json] = {}
    links: tuple[Link, ...] = ()
    sent_at: datetime | None = None
    note: str = ""
    reason: str = ""


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One continuing condition, identified inside its integration by its dedup key.

    `severity` is the highest so far in this life (S6), None until classified; `sender_severity` the
    latest the sender said.
    `scope` is what the key is unique in: the integration's name, or "*" for account-wide keys (S12). `count` counts repeats beyond the first event. `first_event_at` and
    `last_event_at` are receipt times; `newest_sent_at` the newest create by the sender's clock.
    """

    id: AlertId
    integration: str
    scope: str
    source: str
    dedup_key: str
    status: AlertStatus
    title: str
    correlation_id: CorrelationId
    first_event_at: datetime
    last_event_at: datetime
    description: str = ""
    severity: Severity | None = None
    sender_severity: Severity | None = None
    quiet: bool = False
    services: tuple[str, ...] = ()
    team: str = ""
    labels: Mapping[str, str] = {}
    tags: tuple[str, ...] = ()
    details: Mapping[str, Json] = {}
    links: tuple[Link, ...] = ()
    count: int = 0
    newest_sent_at: datetime | None = None
    incident_id: IncidentId | None = None
    muted_by: str = ""
    resolved_at: datetime | None = None
    resolved_by: ActorKind | None = None

    @property
    def service(self) -> str:
        """The leading service, or ""."""
        return self.services[0] if self.services else ""

    @property
    def live(self) -> bool:
        """True while a create with its key joins it (IN-4)."""
        return self.status is not AlertStatus.RESOLVED


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One service of an incident and its own status (S20). An incident without a service has one
    part with the name ""."""

    service: str
    status: IncidentStatus
    changed_at: datetime
    changed_by: str = ""


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """What people respond to: zero or more alerts.

    `life` starts at 1 and rises with each reopen that cannot reopen in place at a provider (S37).
    `resolved_by` tells who resolved it last. `policy` is the name of the escalation policy under way
    and `step` the index of the next step not yet sent. `declared` = opened by a person (S40). `fields` are
    custom ones, by rules and people; `by_hand` says which of "title", "description" and "fields" a person
    wrote: repeats and rules leave them alone. `snoozed_until` = the acknowledgement has this end (S26).
    `merged_into` = the number of the incident that it is a part of from then on.
    """

    id: IncidentId
    number: int
    title: str
    severity: Severity
    status: IncidentStatus
    correlation_id: CorrelationId
    opened_at: datetime
    parts: tuple[Part, ...]
    description: str = ""
    team: str = ""
    life: int = 1
    declared: bool = False
    origin: str = ""
    policy: str = ""
    rule: str = ""
    step: int = 0
    group_key: str = ""
    assignee: str = ""
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    snoozed_until: datetime | None = None
    resolved_at: datetime | None = None
    resolved_by: ActorKind | None = None
    closed_at: datetime | None = None
    recurrence_of: int | None = None
    merged_into: int | None = None
    config_version: int = 0
    details: Mapping[str, Json] = {}
    links: tuple[Link, ...] = ()
    fields: Mapping[str, str] = {}
    by_hand: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """ "INC-7"."""
        return f"INC-{self.number}"

    @property
    def services(self) -> tuple[str, ...]:
        """Names of its services in order; never holds ""."""
        return tuple(part.service for part in self.parts if part.service)

    def status_of(self, service: str) -> IncidentStatus:
        """How the part of that service stands (S20); the whole, where it is closed or has no such part."""
        if self.status is IncidentStatus.CLOSED:
            return self.status
        return next((p.status for p in self.parts if p.service == service), self.status)

    @property
    def open(self) -> bool:
        """True until resolved or closed."""
        return self.status in (IncidentStatus.OPEN, IncidentStatus.MITIGATED)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a timeline: what happened and why, for a person to read.

    `kind` is a stable word for machines ("alert_received", "page_sent" …); `reason` a stable word for
    the cause; `text` the sentence. `took_ms` is the duration of the step, where one was measured.
    """

    kind: str
    text: str
    reason: str = ""
    data: Mapping[str, Json] = {}
    took_ms: float | None = None
