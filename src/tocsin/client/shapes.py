"""What do the API's answers look like? Structs that forgive: unknown fields are left out, null is the default.

Times are aware, in UTC. `raw` is the JSON as it was sent. Names and values are those of the API (/docs of any server).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from tocsin.client.errors import UnexpectedAnswer


class Shape(msgspec.Struct, kw_only=True, dict=True):
    """Something the API answered."""

    @property
    def raw(self) -> dict[str, Any]:
        """The JSON object as it came."""
        kept: dict[str, Any] = self.__dict__.get("raw_", {})
        return kept


class Part(Shape):
    """One service's share of an incident."""

    service: str = ""
    status: str = ""
    changed_at: datetime | None = None
    changed_by: str = ""


class ProviderSide(Shape):
    """What one connector knows of an incident. `status`: triggered, acknowledged, resolved or unknown. Its page waited
    until `held_until` to leave with others."""

    connector: str = ""
    type: str = ""
    service: str = ""
    remote_id: str = ""
    remote_url: str = ""
    status: str = ""
    held_until: datetime | None = None
    accepted_at: datetime | None = None
    created_at: datetime | None = None
    notified_at: datetime | None = None
    acknowledged_at: datetime | None = None
    waiting: int = 0
    last_error: str = ""


class Incident(Shape):
    """What people respond to. `status`: open, mitigated, resolved, closed; `status_shown`: the people's word.
    `changed` is False in the answer to an act that had been done before."""

    name: str = ""
    number: int = 0
    id: str = ""
    title: str = ""
    description: str = ""
    severity: str = ""
    sev: str = ""
    status: str = ""
    status_shown: str = ""
    services: list[str] = []
    parts: list[Part] = []
    team: str = ""
    correlation_id: str = ""
    opened_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    snoozed_until: datetime | None = None
    resolved_at: datetime | None = None
    resolved_by: str = ""
    closed_at: datetime | None = None
    assignee: str = ""
    declared: bool = False
    origin: str = ""
    policy: str = ""
    rule: str = ""
    next_step_at: datetime | None = None
    asks_again_at: datetime | None = None
    joined_meanwhile: list[str] = []
    life: int = 1
    recurrence_of: str = ""
    merged_into: str = ""
    alerts: int = 0
    repeats: int = 0
    config_version: int | None = None
    updated_at: datetime | None = None
    fields: dict[str, str] = {}
    providers: list[ProviderSide] = []
    changed: bool = True


class WouldPage(Shape):
    """What a quiet alert would have paged."""

    rule: str = ""
    policy: str = ""
    targets: list[str] = []


class Decision(Shape):
    """How an alert was decided. `route`: page, digest or suppress. Of a quiet one also until when (None = no end,
    or not known yet) and what it would have paged."""

    severity: str = ""
    rule: str = ""
    route: str = ""
    policy: str = ""
    muted_by: str = ""
    mutes: list[dict[str, Any]] = []
    muted_since: datetime | None = None
    muted_until: datetime | None = None
    would_page: WouldPage | None = None
    reasons: list[str] = []
    config_version: int | None = None


class AlertKey(Shape):
    """A dedup key of an alert whose integration joins alerts by title; `over_at` None = it fires."""

    key: str = ""
    joined_at: datetime | None = None
    over_at: datetime | None = None


class Alert(Shape):
    """One continuing condition. `status`: queued, open, acknowledged, dropped, resolved. `keys` are given of one alert alone."""

    id: str = ""
    integration: str = ""
    source: str = ""
    dedup_key: str = ""
    status: str = ""
    title: str = ""
    description: str = ""
    severity: str = ""
    services: list[str] = []
    team: str = ""
    labels: dict[str, Any] = {}
    tags: list[str] = []
    details: Any = None
    count: int = 0
    first_event_at: datetime | None = None
    last_event_at: datetime | None = None
    incident: str = ""
    correlation_id: str = ""
    muted_by: str = ""
    resolved_at: datetime | None = None
    decision: Decision | None = None
    keys: list[AlertKey] = []


class TimelineLine(Shape):
    """One step of an incident: `text` for people, `reason` a stable word, `took_ms` milliseconds."""

    id: int = 0
    at: datetime | None = None
    kind: str = ""
    reason: str = ""
    text: str = ""
    actor: str = ""
    correlation_id: str = ""
    took_ms: float | None = None
    data: dict[str, Any] = {}
    incident: str = ""


class Accepted(Shape):
    """The answer to an alert: stored; with `wait` also what was decided."""

    alert_id: str = ""
    correlation_id: str = ""
    status: str = ""
    duplicate: bool = False
    incident: str = ""
    severity: str = ""
    route: str = ""
    reasons: list[str] = []


class Step(Shape):
    """One step of an escalation policy as it would be taken."""

    mode: str = ""
    targets: list[str] = []
    after: Any = None
    within: Any = None
    hedge: Any = None


class NotTaken(Shape):
    """A rule that did not speak, and the clause that held it back; `kind` is classification, mute, routing or
    grouping."""

    rule: str = ""
    why: str = ""
    kind: str = "routing"


class TargetTold(Shape):
    """How far the page came at one target, and why it is not the one that has it."""

    target: str = ""
    service: str = ""
    state: str = ""
    why: str = ""


class Explanation(Shape):
    """Why an alert went where it went, or would go."""

    alert: Any = None
    severity: str = ""
    services: list[str] = []
    team: str = ""
    route: str = ""
    policy: str = ""
    rule: str = ""
    steps: list[Step] = []
    reasons: list[str] = []
    not_taken: list[NotTaken] = []
    would_have_stopped: list[str] = []
    muted_by: str = ""
    muted_until: datetime | None = None
    would_page: WouldPage | None = None
    would_page_if: list[str] = []
    timing: list[str] = []
    targets: list[TargetTold] = []
    config_version: int | None = None
    at: datetime | None = None


class Breaker(Shape):
    """A connector's circuit breaker: closed (good), open (calls held back), half_open (probing)."""

    state: str = ""
    failures: int = 0
    opened_at: datetime | None = None
    next_probe_at: datetime | None = None


class Connector(Shape):
    """One configured provider and how it fares. `success_rate` 0…1, `average_ms` milliseconds."""

    name: str = ""
    type: str = ""
    direction: str = ""
    enabled: bool = True
    breaker: Breaker | None = None
    queue: int = 0
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    last_error: str = ""
    last_webhook_at: datetime | None = None
    success_rate: float | None = None
    average_ms: float | None = None
    sync: str = ""
    divergences: int = 0
    unproven_since: datetime | None = None
    webhook_enabled: bool = False
    incidents_synced: int = 0
    sync_errors: int = 0


class ConfigChange(Shape):
    """The answer to `config/diff` and `config`: `diff` is unified text; `version` None when nothing was saved."""

    version: int | None = None
    changed: bool = False
    diff: str = ""
    warnings: list[Any] = []
    refusals: list[dict[str, Any]] = []


class ConfigVersion(Shape):
    """One applied configuration; `text` (YAML) and `document` are there when one version was asked for."""

    version: int = 0
    hash: str = ""
    author: str = ""
    applied_at: datetime | None = None
    origin: str = ""
    in_force: bool = False
    incidents: int = 0
    text: str = ""
    document: dict[str, Any] = {}


class ConfigDifference(Shape):
    """What version `to_version` has else than `from_version`, as a unified diff; "" when nothing."""

    from_version: int = 0
    to_version: int = 0
    changed: bool = False
    diff: str = ""


class Config(Shape):
    """The configuration in force."""

    version: int | None = None
    hash: str = ""
    author: str = ""
    applied_at: datetime | None = None
    document: Any = None
    warnings: list[Any] | None = None
    refused_file: dict[str, Any] | None = None


class Ready(Shape):
    """Whether intake, database and worker are up; `reasons` say why pages wait although they are."""

    ready: bool = False
    checks: dict[str, Any] = {}
    reasons: list[dict[str, Any]] = []


S = TypeVar("S", bound=Shape)


@dataclass(frozen=True, slots=True)
class Page(Generic[S]):
    """A page of a list, in the order the API gave. `next_cursor` None = the last page."""

    items: list[S]
    next_cursor: str | None
    raw: Any


def shaped(data: object, shape: type[S]) -> S:
    """Read parsed JSON as `shape`. Raises UnexpectedAnswer naming the field that does not fit."""
    if not isinstance(data, dict):
        raise UnexpectedAnswer(
            f"the server answered {type(data).__name__} where {shape.__name__} was expected", hint=_OTHER
        )
    try:
        made = msgspec.convert(_without_nulls(data), shape, strict=False)
    except msgspec.ValidationError as error:
        raise UnexpectedAnswer(
            f"the server's {shape.__name__} does not fit: {error}", hint="im version shows both versions"
        ) from error
    made.__dict__["raw_"] = data
    return made


def paged(data: object, shape: type[S]) -> Page[S]:
    """Read parsed JSON as a page of `shape`; a bare list is taken for the only page."""
    if isinstance(data, list):
        return Page([shaped(one, shape) for one in data], None, data)
    if not isinstance(data, Mapping) or not isinstance(data.get("items"), list):
        raise UnexpectedAnswer("the server answered no list where one was expected", hint=_OTHER)
    cursor = data.get("next_cursor")
    return Page([shaped(one, shape) for one in data["items"]], str(cursor) if cursor else None, data)


_OTHER = "is another program listening at this address? im doctor tells"


def _without_nulls(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _without_nulls(value) for key, value in data.items() if value is not None}
    if isinstance(data, list):
        return [_without_nulls(one) for one in data]
    return data
