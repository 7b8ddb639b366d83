"""The hub in numbers, as the API tells them: all of it, and one connector."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from urllib.parse import quote

import msgspec

from tocsin.client.shapes import Connector, Shape, shaped
from tocsin.client.transport import Answer


class HourFigures(Shape):
    """One hour; the first of a window is cut."""

    hour: datetime | None = None
    attempts: int = 0
    taken: int = 0
    average_ms: float | None = None
    calls: int = 0
    webhooks: int = 0


class Pages(Shape):
    """Pages of a window, how far they came, and how long until the provider had taken them."""

    asked: int = 0
    accepted: int = 0
    created: int = 0
    notified: int = 0
    acknowledged: int = 0
    failed: int = 0
    p50_ms: float | None = None
    p99_ms: float | None = None


class Metrics(Shape):
    """The whole hub."""

    incidents: dict[str, int] = msgspec.field(default_factory=dict)
    alerts: dict[str, int] = msgspec.field(default_factory=dict)
    pending_webhooks: int = 0
    oldest_undecided_seconds: float = 0.0
    connectors: tuple[Connector, ...] = ()
    pages: Pages = msgspec.field(default_factory=Pages)
    hours: tuple[HourFigures, ...] = ()
    window_seconds: int = 0
    at: datetime | None = None


class RateLimit(Shape):
    """`used` 0 to 1, None = no limit is known; `by` = provider or own."""

    used: float | None = None
    limit: int | None = None
    remaining: int | None = None
    resets_at: datetime | None = None
    by: str = ""


class ConnectorMetrics(Shape):
    """One connector over a window."""

    connector: str = ""
    type: str = ""
    window_seconds: int = 0
    total_incidents: int = 0
    incidents: int = 0
    attempts: int = 0
    taken: int = 0
    success_rate: float | None = None
    average_ms: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    calls: int = 0
    calls_by_outcome: dict[str, int] = msgspec.field(default_factory=dict)
    calls_per_incident: float | None = None
    rate_limit: RateLimit = msgspec.field(default_factory=RateLimit)
    webhook_events: int = 0
    webhooks_quarantined: int = 0
    webhooks_by_result: dict[str, int] = msgspec.field(default_factory=dict)
    queue: int = 0
    breaker: str = ""
    last_success_at: datetime | None = None
    last_webhook_at: datetime | None = None
    hours: tuple[HourFigures, ...] = ()


class Asks(Protocol):
    """Whoever can call the API."""

    def call(self, method: str, path: str, *, query: dict[str, object]) -> Answer:
        """One request."""


class Figures:
    """The questions about numbers; a part of the client."""

    def metrics(self: Asks, *, window: str = "24h") -> Metrics:
        """The whole hub, over a window such as 24h."""
        return shaped(self.call("GET", "/api/v1/metrics", query={"window": window}).json(), Metrics)

    def connector_metrics(self: Asks, name: str, *, window: str = "24h") -> ConnectorMetrics:
        """One connector over a window."""
        path = f"/api/v1/connectors/{quote(name, safe='')}/metrics"
        return shaped(self.call("GET", path, query={"window": window}).json(), ConnectorMetrics)
