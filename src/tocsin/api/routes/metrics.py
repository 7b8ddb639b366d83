"""The hub in numbers: all of it, and each connector over a window (IM-3, IM-9, PR-12)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from tocsin.api import fleet, shapes
from tocsin.api.asking import Reader, Strict, TheHub, Word
from tocsin.api.once import Keyed
from tocsin.api.routes.answers import problems
from tocsin.core.errors import BadInput, FieldFault, NotFound
from tocsin.engine import hours
from tocsin.engine.hub import Hub
from tocsin.policy.times import duration
from tocsin.store import figures
from tocsin.store import hours as rows
from tocsin.store.database import Connection

router = APIRouter(prefix="/api/v1", tags=["health"], route_class=Keyed)
LEAST, MOST = timedelta(minutes=5), timedelta(days=90)


class Window(Strict):
    """Over how long."""

    window: Word = Field("24h", description="Up to now: 1h, 24h, 7d; 5m to 90d.")


class HourFigures(BaseModel):
    """One hour; the first of a window is cut."""

    hour: datetime
    attempts: int
    taken: int
    average_ms: float | None
    calls: int
    webhooks: int


class Pages(BaseModel):
    """Pages of the window, how far they came, and how long it took until the provider had taken them."""

    asked: int
    accepted: int
    created: int
    notified: int
    acknowledged: int
    failed: int
    p50_ms: float | None
    p99_ms: float | None


class Metrics(BaseModel):
    """The hub in numbers, now."""

    incidents: dict[str, int]
    alerts: dict[str, int]
    pending_webhooks: int
    oldest_undecided_seconds: float
    connectors: list[shapes.Connector]
    pages: Pages
    hours: list[HourFigures] = Field(description="All connectors together, the oldest first.")
    window_seconds: int
    config_version: int
    at: datetime


class RateLimit(BaseModel):
    """How much of the connector's rate limit is used."""

    used: float | None = Field(description="0 to 1; null = there is no limit that we know of.")
    limit: int | None
    remaining: int | None
    resets_at: datetime | None
    by: str = Field(
        description="provider = by its last answers; own = by the limit that we keep to ourselves."
    )


class ConnectorMetrics(BaseModel):
    """One connector over a window. `taken` = attempts that its provider took, or that were not needed any more."""

    connector: str
    type: str
    window_seconds: int
    since: datetime
    total_incidents: int = Field(description="Incidents that ever lived there and are kept.")
    incidents: int = Field(description="Those of the window.")
    attempts: int
    taken: int
    success_rate: float | None = Field(description="0 to 1; null = nothing was tried.")
    average_ms: float | None
    p50_ms: float | None = Field(description="Of the window, at most of its last day.")
    p99_ms: float | None
    calls: int = Field(description="Of the provider's API, reads too.")
    calls_by_outcome: dict[str, int]
    calls_per_incident: float | None
    rate_limit: RateLimit
    webhook_events: int
    webhooks_quarantined: int
    webhooks_by_result: dict[str, int]
    queue: int
    breaker: str
    last_success_at: datetime | None
    last_webhook_at: datetime | None
    hours: list[HourFigures]


@router.get("/metrics", summary="The hub in numbers", response_model=Metrics, responses=problems("bad_input"))
async def metrics(hub: TheHub, who: Reader, asked: Annotated[Window, Query()]) -> Metrics:
    """What waits, how pages fare, and each connector's last hour; /metrics says more, for Prometheus."""
    window, now = _window(asked.window), hub.now()

    async def ask(connection: Connection) -> tuple[figures.Work, rows.Pages, dict[str, list[rows.Hour]]]:
        names = list(hub.policy.connectors)
        since = now - window
        return (
            await figures.work(connection), await rows.pages(connection, since), await rows.hours(connection, names, since, now),
        )  # fmt: skip

    work, paged, found = await hub.database.read(ask)
    return Metrics(
        incidents={"open": work.open_incidents, "mitigated": work.mitigated_incidents},
        alerts={"live": work.live_alerts, "undecided": work.undecided_alerts}, pending_webhooks=work.pending_webhooks,
        oldest_undecided_seconds=(now - work.oldest_undecided).total_seconds() if work.oldest_undecided else 0.0,
        connectors=list((await fleet.fleet(hub)).connectors), pages=_pages(paged), hours=_together(found.values()),
        window_seconds=int(window.total_seconds()), config_version=hub.policy.version, at=now,
    )  # fmt: skip


@router.get(
    "/connectors/{name}/metrics", summary="A connector in numbers", response_model=ConnectorMetrics,
    responses=problems("bad_input", "not_found"),
)  # fmt: skip
async def connector_metrics(
    hub: TheHub, who: Reader, name: str, asked: Annotated[Window, Query()]
) -> ConnectorMetrics:
    """Counted over all nodes and restarts. Attempts and webhooks are exact; calls come up to two seconds late, and
    those of these two seconds are lost with a node that is killed."""
    known = hub.policy.connectors.get(name)
    if known is None:
        raise NotFound(f"There is no connector {name[:200]}", hint="`im connector list` shows them")
    window = _window(asked.window)
    fared = await hours.fared(hub, name, window)
    queue = (await hub.database.read(figures.queues)).get(name, 0)
    return _metrics(hub, name, window, fared, queue)


def _metrics(hub: Hub, name: str, window: timedelta, fared: hours.Fared, queue: int) -> ConnectorMetrics:
    calls, state, limit = fared.calls, fared.state, fared.limit
    total = sum(calls.values())
    lately = fared.incidents_lately
    return ConnectorMetrics(
        connector=name, type=hub.policy.connectors[name].type, window_seconds=int(window.total_seconds()), since=fared.since,
        total_incidents=fared.incidents, incidents=lately, attempts=fared.attempts, taken=fared.good,
        success_rate=fared.good / fared.attempts if fared.attempts else None, average_ms=fared.average_ms,
        p50_ms=fared.spread.p50, p99_ms=fared.spread.p99, calls=total, calls_by_outcome=calls,
        calls_per_incident=total / lately if lately else None,
        rate_limit=RateLimit(
            used=limit.used, limit=limit.limit, remaining=limit.remaining, resets_at=limit.resets_at, by=limit.by
        ),
        webhook_events=sum(hour.webhooks - hour.quarantined for hour in fared.hours),
        webhooks_quarantined=sum(hour.quarantined for hour in fared.hours), webhooks_by_result=fared.webhooks, queue=queue,
        breaker=state.breaker.state.value if state else "closed", last_success_at=state.last_success_at if state else None,
        last_webhook_at=state.last_webhook_at if state else None, hours=[_hour([hour]) for hour in fared.hours],
    )  # fmt: skip


def _window(text: str) -> timedelta:
    try:
        found = duration(text)
    except ValueError as fault:
        raise BadInput("The window is not right", faults=(FieldFault("window", str(fault)),)) from None
    if not LEAST <= found <= MOST:
        raise BadInput("The window is not right", faults=(FieldFault("window", "must be 5m to 90d"),))
    return found


def _pages(found: rows.Pages) -> Pages:
    return Pages(
        asked=found.asked, accepted=found.accepted, created=found.created, notified=found.notified,
        acknowledged=found.acknowledged, failed=found.failed, p50_ms=found.p50_ms, p99_ms=found.p99_ms,
    )  # fmt: skip


def _together(connectors: Any) -> list[HourFigures]:
    by_hour: dict[datetime, list[rows.Hour]] = {}
    for found in connectors:
        for hour in found:
            by_hour.setdefault(hour.hour, []).append(hour)
    return [_hour(some) for _, some in sorted(by_hour.items())]


def _hour(some: Sequence[rows.Hour]) -> HourFigures:
    """Of one hour, at one connector or at several."""
    good = sum(hour.good for hour in some)
    return HourFigures(
        hour=some[0].hour, attempts=sum(hour.attempts for hour in some), taken=good,
        average_ms=sum(hour.took_ms for hour in some) / good if good else None,
        calls=sum(sum(hour.calls.values()) for hour in some), webhooks=sum(hour.webhooks for hour in some),
    )  # fmt: skip
