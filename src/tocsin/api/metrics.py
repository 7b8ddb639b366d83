"""What does Prometheus read? Names tocsin_*; figures of the whole hub come from its database.

Counters of deliveries and webhooks start at zero when this process starts and count what every node did since:
take the maximum over nodes, not the sum. Events and requests are counted by the process that served them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

from tocsin import __version__
from tocsin.core.breaker import BreakerState
from tocsin.core.severity import Severity
from tocsin.core.watch import SILENT_AFTER
from tocsin.engine import hours as fared
from tocsin.engine.hub import Hub
from tocsin.store import alarms, figures, hours, nodes, outbox, watch
from tocsin.store.database import Connection
from tocsin.store.outbox import ConnectorState

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LATE = timedelta(seconds=2)
"""Rows are counted when they are this old: a transaction under way may still bring an earlier one."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Metrics:
    """One node's figures. `events` is counted by whoever admits: `metrics.events.labels(reading).inc()`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._lock = asyncio.Lock()
        self._counted_to: datetime = hub.now() - _LATE
        self.registry = CollectorRegistry()
        make: dict[str, Any] = {"registry": self.registry}
        self.events = Counter(
            "tocsin_events", "Events accepted here, by what they were read as.", ["reading"], **make
        )
        self._refused = Counter(
            "tocsin_requests_refused",
            "Requests of senders answered 429 here, since the queue or the disk is full (S17).",
            ["integration", "full"],
            **make,
        )
        hub.refused.counted.append(lambda name, full: self._refused.labels(name, full.value).inc())
        self.requests = Histogram(
            "tocsin_request_seconds", "Duration of API requests here.", ["method", "route", "status"],
            buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10), **make,
        )  # fmt: skip
        self._deliveries = Counter(
            "tocsin_deliveries",
            "Attempts at telling a provider, by outcome.",
            ["connector", "outcome"],
            **make,
        )
        self._webhooks = Counter(
            "tocsin_webhooks_received", "Webhooks from providers.", ["connector", "outcome"], **make
        )
        self._breaker = Gauge(
            "tocsin_breaker_state",
            "1 for the state a connector's breaker is in.",
            ["connector", "state"],
            **make,
        )
        self._waiting = Gauge("tocsin_outbox_waiting", "Outgoing work that waits.", ["connector"], **make)
        self._incidents = Gauge("tocsin_incidents", "Incidents that are not over.", ["status"], **make)
        self._alerts = Gauge("tocsin_alerts_live", "Alerts that are not resolved.", **make)
        self._undecided = Gauge("tocsin_alerts_undecided", "Alerts that wait for their decision.", **make)
        self._hooks = Gauge("tocsin_webhooks_pending", "Webhooks stored and not yet worked off.", **make)
        ages: dict[str, Any] = {"labelnames": ["queue"], **make}
        self._ages = Gauge(
            "tocsin_oldest_seconds", "How long the oldest waits: decision, timer, webhook, or what goes to a connector.", **ages
        )  # fmt: skip
        self._alarms = Gauge("tocsin_alarms", "Alarms of the hub's own that go on.", ["severity"], **make)
        self._nodes = Gauge("tocsin_nodes", "Nodes on this database.", ["state"], **make)
        self._duty = Gauge("tocsin_on_duty", "1 on the node that watches and reads back for all.", **make)
        self._calls_here(hub, make)
        self._remaining = Gauge(
            "tocsin_rate_limit_remaining",
            "Calls that a connector's rate limit leaves now.",
            ["connector"],
            **make,
        )
        self._used = Gauge(
            "tocsin_rate_limit_used_ratio",
            "Share of a connector's rate limit that is used, 0 to 1.",
            ["connector"],
            **make,
        )
        self._lag = Gauge(
            "tocsin_sync_lag_seconds",
            "How long ago a connector's longest unread live incident was read back.",
            ["connector"],
            **make,
        )
        self._pages = Gauge(
            "tocsin_pages_last_hour", "Pages asked for in the last hour that came so far.", ["rung"], **make
        )
        self._log_waiting = Gauge(
            "tocsin_log_lines_waiting", "Log lines that the database has not got yet.", **make
        )
        Gauge("tocsin_build_info", "1, with the version.", ["version"], **make).labels(__version__).set(1)
        self._config = Gauge("tocsin_config_version", "Version of the configuration in force.", **make)

    def _calls_here(self, hub: Hub, make: dict[str, Any]) -> None:
        """What this process itself did; counted as it happens."""
        calls = Counter(
            "tocsin_provider_calls",
            "Calls of a connector's provider made here, reads too.",
            ["connector", "outcome"],
            **make,
        )
        took = Histogram(
            "tocsin_provider_call_seconds", "How long they took.", ["connector"],
            buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10), **make,
        )  # fmt: skip
        asked = Counter(
            "tocsin_webhook_requests",
            "Webhooks that came here, by what they were found to be.",
            ["connector", "result"],
            **make,
        )
        self._decisions = Counter("tocsin_decisions", "Alerts decided here.", **make)
        self._decided = 0

        def called(connector: str, outcome: str, ms: float) -> None:
            calls.labels(connector, outcome).inc()
            took.labels(connector).observe(ms / 1000)

        hub.counted.heard_call.append(called)
        hub.counted.heard_webhook.append(lambda connector, result: asked.labels(connector, result).inc())

    async def text(self) -> bytes:
        """The exposition, freshly read."""
        async with self._lock:
            await self._hub.database.read(self._gather)
            return generate_latest(self.registry)

    async def _gather(self, connection: Connection) -> None:
        names = list(self._hub.policy.connectors)
        end = self._hub.now() - _LATE
        if end > self._counted_to:
            window = (connection, names, self._counted_to, end)
            delivered = await figures.deliveries_between(*window)
            received = await figures.webhooks_between(*window)
            for labels, count in delivered.items():
                self._deliveries.labels(*labels).inc(count)
            for labels, count in received.items():
                self._webhooks.labels(*labels).inc(count)
            self._counted_to = end
        states = await outbox.states(connection)
        queues = await figures.queues(connection)
        self._breaker.clear()
        self._waiting.clear()
        for name in names:
            kept = states.get(name)
            now = kept.breaker.state if kept else BreakerState.CLOSED
            for state in BreakerState:
                self._breaker.labels(name, state.value).set(state is now)
            self._waiting.labels(name).set(queues.get(name, 0))
        work = await figures.work(connection)
        self._incidents.labels("open").set(work.open_incidents)
        self._incidents.labels("mitigated").set(work.mitigated_incidents)
        self._alerts.set(work.live_alerts)
        self._undecided.set(work.undecided_alerts)
        self._hooks.set(work.pending_webhooks)
        self._config.set(self._hub.policy.version)
        self._decisions.inc(self._hub.counted.decisions - self._decided)
        self._decided = self._hub.counted.decisions
        self._log_waiting.set(len(self._hub.logs.waiting))
        await self._connectors(connection, states)
        await self._own(connection, names)

    async def _connectors(self, connection: Connection, states: dict[str, ConnectorState]) -> None:
        """Their limits, how far behind their reading is, and how far pages come."""
        now, told = self._hub.now(), await hours.allowances(connection)
        unread = await hours.longest_unread(connection)
        for gauge in (self._remaining, self._used, self._lag):
            gauge.clear()
        for name in self._hub.policy.connectors:
            limit = fared.limit_of(self._hub, name, told.get(name), states.get(name))
            if limit.used is not None:
                self._used.labels(name).set(limit.used)
                self._remaining.labels(name).set(limit.remaining or 0)
            since = unread.get(name)
            self._lag.labels(name).set(max((now - since).total_seconds(), 0.0) if since else 0.0)
        pages = await hours.pages(connection, now - timedelta(hours=1))
        for rung in ("asked", "accepted", "created", "notified", "acknowledged", "failed"):
            self._pages.labels(rung).set(getattr(pages, rung))

    async def _own(self, connection: Connection, names: list[str]) -> None:
        """How the hub itself is."""
        now = self._hub.now()
        waiting = await watch.own_work(connection, now.date())
        since = {
            "decision": waiting.undecided_since,
            "timer": waiting.timer_due,
            "webhook": waiting.hook_since,
        }
        since |= {f"connector {q.connector}": q.due_since for q in await watch.queues(connection, names, now)}
        self._ages.clear()
        for queue, at in since.items():
            self._ages.labels(queue).set(max((now - at).total_seconds(), 0.0) if at else 0.0)
        going_on = [sounded.alarm.severity for sounded in await alarms.going_on(connection)]
        for severity in Severity:
            self._alarms.labels(severity.value).set(going_on.count(severity))
        up = [now - node.seen_at < SILENT_AFTER for node in await nodes.every(connection)]
        self._nodes.labels("up").set(up.count(True))
        self._nodes.labels("silent").set(up.count(False))
        self._duty.set(self._hub.on_duty)


class Timed:
    """Around the application: how long each request took, by the route's own pattern."""

    def __init__(self, app: Any, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = perf_counter(), 500

        async def watch(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            route = getattr(scope.get("route"), "path", "") or "other"
            if route != "/api/v1/stream":  # as long as the listener stays
                labels = (scope["method"], route, str(status))
                self._metrics.requests.labels(*labels).observe(perf_counter() - began)
