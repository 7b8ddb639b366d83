"""The contract: what /api/v1 answers, field by field. Times are RFC 3339 in UTC; unknown is null."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, Field

SeverityWord = Literal["critical", "high", "medium", "low"]
T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    """A page of a list."""

    items: list[T]
    next_cursor: str | None = Field(
        None, description="Give it as `cursor` for the next page; null = the last."
    )


class Fault(BaseModel):
    """One thing wrong with one field."""

    field: str
    message: str
    line: int | None = None


class Problem(BaseModel):
    """A refusal (RFC 9457, application/problem+json)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    faults: list[Fault] = []
    hint: str = ""


class Part(BaseModel):
    """One service's share of an incident."""

    service: str
    status: str
    changed_at: datetime
    changed_by: str


class ProviderSide(BaseModel):
    """An incident's part as one connector has it."""

    connector: str
    type: str
    service: str
    recipient: str
    remote_id: str
    remote_url: str
    status: Literal["triggered", "acknowledged", "resolved", "unknown"]
    asked_at: datetime
    held_until: datetime | None = Field(
        None,
        description="A page left to the same recipient shortly before: this one waited until then, to leave as one with others.",
    )
    accepted_at: datetime | None
    created_at: datetime | None
    notified_at: datetime | None
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    waiting: int = Field(description="Outgoing work that waits for this connector.")
    last_error: str


class Incident(BaseModel):
    """What people respond to. `changed` is false in the answer to an act that had been done before."""

    name: str
    number: int
    id: UUID
    title: str
    description: str
    severity: SeverityWord
    sev: str
    status: Literal["open", "mitigated", "resolved", "closed"]
    status_shown: str
    services: list[str]
    parts: list[Part]
    team: str
    correlation_id: str
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str
    snoozed_until: datetime | None = Field(
        None, description="The end of the acknowledgement; then it is open again."
    )
    resolved_at: datetime | None
    resolved_by: str
    closed_at: datetime | None
    assignee: str
    declared: bool
    origin: str
    policy: str
    rule: str
    next_step_at: datetime | None
    asks_again_at: datetime | None = Field(
        None,
        description="When its holder is asked about what joined too soon after the last asking; null = about nothing.",
    )
    joined_meanwhile: list[str] = Field(
        [], description="Titles of what joined so; the holder is asked about those that still fire then."
    )
    life: int
    recurrence_of: str | None
    merged_into: str | None = None
    alerts: int
    repeats: int
    config_version: int
    updated_at: datetime
    details: dict[str, Any]
    fields: dict[str, str]
    links: list[dict[str, str]]
    providers: list[ProviderSide]
    changed: bool = True


class WouldPage(BaseModel):
    """What a quiet alert would have paged; targets in the order of the steps, as the configuration names them."""

    rule: str
    policy: str
    targets: list[str]


class Muted(BaseModel):
    """One thing that mutes an alert. `until` null = not known yet: a parent's incident that is open."""

    kind: Literal["silence", "maintenance", "parent", "flap"]
    id: str = Field(description="Of a silence, a window of the API, or the parent's incident; else empty.")
    name: str
    shown: str
    owner: str
    comment: str
    until: datetime | None


class Decision(BaseModel):
    """How an alert was decided. For one that is kept quiet also by what, since and until when, and what it would
    have paged; `muted_until` null = no end, or not known yet."""

    severity: str
    rule: str
    route: str
    policy: str
    muted_by: str = ""
    mutes: list[Muted] = []
    muted_since: datetime | None = None
    muted_until: datetime | None = None
    would_page: WouldPage | None = None
    reasons: list[str]
    config_version: int


class AlertKey(BaseModel):
    """A dedup key of an alert whose integration joins alerts by title: since when, and whether it is over."""

    key: str
    joined_at: datetime
    over_at: datetime | None = Field(None, description="When its sender resolved it; null = it fires.")


class Alert(BaseModel):
    """One continuing condition. `keys` are given of one alert alone, in the order in which it got them; none where
    its integration joins nothing by title."""

    id: UUID
    integration: str
    source: str
    dedup_key: str
    status: Literal["queued", "open", "acknowledged", "dropped", "resolved"]
    title: str
    description: str
    severity: SeverityWord | None
    services: list[str]
    team: str
    labels: dict[str, str]
    tags: list[str]
    details: dict[str, Any]
    links: list[dict[str, str]]
    count: int
    first_event_at: datetime
    last_event_at: datetime
    incident: str | None
    correlation_id: str
    muted_by: str
    resolved_at: datetime | None
    decision: Decision | None
    keys: list[AlertKey] = []


class TimelineLine(BaseModel):
    """What happened and why. `incident` is given on the stream alone."""

    id: int
    at: datetime
    kind: str
    reason: str
    text: str
    actor: str
    correlation_id: str
    took_ms: float | None
    data: dict[str, Any]


class Timeline(Page[TimelineLine]):
    """A page of an incident's timeline."""

    forgotten_before: datetime | None = Field(
        None, description="Lines before this instant are no longer kept (retention); null = all are here."
    )


class Delivery(BaseModel):
    """One attempt at telling a provider one thing."""

    id: int
    at: datetime
    connector: str
    service: str
    kind: str
    attempt: int
    step: str
    outcome: Literal["accepted", "pending", "retry", "rejected", "skipped"]
    reason: str
    status: int | None
    took_ms: float
    calls: int = Field(
        description="Calls of the provider's API that it took; of a bundle one delivery has them all."
    )
    bundle: UUID | None = Field(
        None, description="The same for all that left in one page, which told several incidents."
    )


class Breaker(BaseModel):
    """A connector's circuit breaker."""

    state: Literal["closed", "open", "half_open"]
    failures: int
    opened_at: datetime | None
    next_probe_at: datetime | None


class Connector(BaseModel):
    """A configured connector and how it fares. Figures are of the last hour; null = nothing was tried."""

    name: str
    type: str
    direction: str
    enabled: bool
    healthy: bool
    breaker: Breaker
    queue: int
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_error: str
    last_webhook_at: datetime | None
    success_rate: float | None
    average_ms: float | None
    attempts: int
    slow_until: datetime | None = Field(
        None,
        description="It took pages and notified nobody in time: until then pages fail over at once (S30).",
    )
    sync: Literal["webhook", "polling"]
    divergences: int = Field(
        default=0, description="Differences that are open: GET /api/v1/divergences lists them."
    )
    quarantine_dropped: int = Field(
        default=0,
        description="Webhooks with a wrong signature that were forgotten, since more came than are kept (S45).",
    )
    unproven_since: datetime | None = Field(
        default=None,
        description="Since when a write of ours has not come back by webhook; meanwhile it is read.",
    )


class ConnectorStatus(Connector):
    """One connector with what came of it within a day."""

    webhook_enabled: bool = False
    incidents_synced: int = Field(0, description="Incidents it took something of within 24 h.")
    sync_errors: int = Field(0, description="Attempts it did not take within 24 h.")


class Step(BaseModel):
    """One step as it would be taken; spans like "15m"."""

    mode: str
    targets: list[str]
    after: str | None
    within: str | None
    hedge: str | None
    repeat: str | None = None


class NotTaken(BaseModel):
    """A rule that did not speak, and the clause that held it back."""

    kind: Literal["classification", "mute", "routing", "grouping"] = "routing"
    rule: str
    why: str


class TargetTold(BaseModel):
    """How far the page came at one target; `why` = why it is not the one that has it."""

    target: str
    service: str
    state: str = Field(
        description="`waiting`, `created`, `triggered`, `acknowledged`, `resolved`, `superseded` or `failed`."
    )
    why: str


class Verdict(BaseModel):
    """What the configuration says of an alert at an instant."""

    severity: str
    services: list[str]
    team: str
    route: str
    policy: str
    rule: str
    steps: list[Step]
    muted_by: str = Field(
        "", description="Why it pages nobody although its rule pages; the route is then `suppress`."
    )
    muted_until: datetime | None = Field(None, description="null = no end, or not known yet.")
    would_page: WouldPage | None = Field(None, description="For what pages nobody: whom it would page.")
    would_page_if: list[str] = Field(
        default=[], description="For what pages nobody: each change of one thing that makes it page."
    )
    timing: list[str] = Field(default=[], description="When who is asked, and what makes the next be asked.")
    reasons: list[str]
    not_taken: list[NotTaken]
    would_have_stopped: list[str]
    config_version: int
    at: datetime


class Explanation(Verdict):
    """Why. For an alert that came, the verdict is the recorded one and `now` is what would happen today."""

    alert: dict[str, Any]
    incident: str | None = None
    recorded: Decision | None = None
    targets: list[TargetTold] = Field(default=[], description="Everybody who was asked, in that order.")
    now: Verdict | None = None


class Token(BaseModel):
    """An API token; `token` itself is in the answer that made it and never again."""

    id: UUID
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    role: str = Field("", description="Empty = it has scopes alone.")
    teams: list[str] = Field([], description="For these alone it acts; empty = for all.")
    user: str = Field("", description="Whose it is; it has no more than they have.")
    made_by: str = ""
    token: str | None = None


class Whoami(BaseModel):
    """Who the hub takes the caller for."""

    name: str
    scopes: list[str]
    role: str = Field("", description="viewer, responder, manager or admin; empty = scopes alone.")
    teams: list[str] = []
    user: str = ""
    via: str
    demo: bool
    version: str
    public_url: str


class SessionLink(BaseModel):
    """A one-time address for a browser."""

    url: str
