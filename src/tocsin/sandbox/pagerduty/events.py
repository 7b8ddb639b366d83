"""What does the simulated PagerDuty do with an event (Events API v2 and change events)?

Contract: developer.pagerduty.com, Events API v2 (researched 2026-11-20). 202 only means queued: an acknowledge or resolve
for nothing open, and any event for an unknown routing key, is dropped without a word.
"""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from tocsin.sandbox.gate import SILENT, Door, Gate
from tocsin.sandbox.ids import Ids
from tocsin.sandbox.limits import Limits
from tocsin.sandbox.pagerduty.account import Account, Json, Service, reference
from tocsin.sandbox.pagerduty.incident import Alert, Incident
from tocsin.sandbox.pagerduty.machine import Desk

LARGEST = 524_288
_ACTIONS = {"trigger": "create", "acknowledge": "acknowledge", "resolve": "resolve"}
_SEVERITIES = ("critical", "error", "warning", "info")


class EventRefusal(Exception):
    """The Events API's own way to say no: status, message and a list of texts."""

    def __init__(
        self, http_status: int, status: str, message: str, *errors: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self._http_status = http_status
        self._body = {"status": status, "message": message, "errors": list(errors)}
        self._headers = headers or {}

    def response(self) -> web.Response:
        return web.json_response(self._body, status=self._http_status, headers=self._headers)


class Events:
    """The Events API in front of the incident desk."""

    def __init__(self, account: Account, desk: Desk, ids: Ids, limits: Limits) -> None:
        self._account = account
        self._desk = desk
        self._ids = ids
        self._limits = limits
        self.changes: list[Json] = []

    def application(self, gate: Gate) -> web.Application:
        door = Door("pagerduty", "events", _operation, self._admit, _plain, _throttled, EventRefusal)
        app = gate.application(door)
        app.router.add_post("/v2/enqueue", self._enqueue)
        app.router.add_post("/v2/change/enqueue", self._change)
        return app

    def _admit(self, request: web.Request, body: Any) -> dict[str, str]:
        if (request.content_length or 0) > LARGEST:
            raise EventRefusal(
                413, "invalid event", "Event object is too large", "Payload must be at most 512 KB"
            )
        if isinstance(body, dict) and isinstance(body.get("routing_key"), str):
            verdict = self._limits.take("pagerduty_events", body["routing_key"])
            if verdict and not verdict.passes:
                wait = {"Retry-After": str(verdict.reset)}
                raise EventRefusal(
                    429,
                    "throttle exceeded",
                    "Requests for this service are arriving too quickly",
                    headers=wait,
                )
        return {}

    async def _enqueue(self, request: web.Request) -> web.Response:
        event = await _event_of(request)
        if errors := list(_faults_of(event)):
            raise EventRefusal(400, "invalid event", "Event object is invalid", *errors)
        key = str(event.get("dedup_key") or self._ids.hexadecimal("dedup key", 32))
        service = self._account.by_routing_key(event["routing_key"])
        if service is not None and service.status == "active":
            self._process(service, event, key, silent=request.get(SILENT, False))
        return web.json_response(
            {"status": "success", "message": "Event processed", "dedup_key": key}, status=202
        )

    async def _change(self, request: web.Request) -> web.Response:
        event = await _event_of(request)
        key, payload = str(event.get("routing_key") or ""), event.get("payload")
        if len(key) != 32 or key.startswith("R"):
            raise EventRefusal(400, "invalid event", "Event object is invalid", "'routing_key' is invalid")
        if not isinstance(payload, dict) or not payload.get("summary"):
            raise EventRefusal(
                400, "invalid event", "Event object is invalid", "'payload.summary' is missing or blank"
            )
        self.changes.append({**event, "routing_key": key[-4:]})
        return web.json_response({"status": "success", "message": "Change event processed"}, status=202)

    def _process(self, service: Service, event: Json, key: str, *, silent: bool) -> None:
        found = self._open_alert(service, key)
        agent = reference("inbound_integration", "integrations", f"{service.id[:4]}INT", "Events API v2")
        action = event["event_action"]
        if action == "trigger":
            self._trigger(service, event, key, found, agent, silent=silent)
        elif found is not None:
            incident, alert = found
            if action == "resolve":
                self._resolve(incident, alert, agent)
            elif incident.status == "triggered":
                self._desk.acknowledge(incident, agent)

    def _trigger(
        self,
        service: Service,
        event: Json,
        key: str,
        found: tuple[Incident, Alert] | None,
        agent: Json,
        *,
        silent: bool,
    ) -> None:
        payload = event["payload"]
        if found is not None:
            incident, alert = found
            alert.count += 1
            alert.body = payload
            self._desk.note_down(incident, "trigger", agent, f"Triggered again: {payload['summary']}")
            return
        now = self._desk.clock.now()
        alert_id = self._ids.letters("alert", "Q", 14)
        alert = Alert(alert_id, key, payload["summary"], payload["severity"], now, payload)
        if (home := self._group(service)) is not None:
            home.alerts.append(alert)
            self._desk.note_down(home, "trigger", agent, f"Alert grouped: {alert.summary}")
        else:
            self._desk.create(
                service_id=service.id, title=alert.summary, agent=agent, alert=alert, silent=silent
            )

    def _resolve(self, incident: Incident, alert: Alert, agent: Json) -> None:
        alert.status = "resolved"
        if all(each.status == "resolved" for each in incident.alerts):
            self._desk.resolve(incident, agent)
        else:
            self._desk.note_down(incident, "resolve", agent, f"Alert resolved: {alert.summary}")

    def _open_alert(self, service: Service, key: str) -> tuple[Incident, Alert] | None:
        for incident in self._desk.incidents.values():
            if incident.open and incident.service_id == service.id:
                for alert in incident.alerts:
                    if alert.key == key and alert.status == "triggered":
                        return incident, alert
        return None

    def _group(self, service: Service) -> Incident | None:
        """The open incident with alerts, young enough, that a new alert joins when the service groups by time."""
        now = self._desk.clock.now()
        for incident in reversed(self._desk.incidents.values()):
            age = (now - incident.created_at).total_seconds()
            if (
                incident.open
                and incident.service_id == service.id
                and incident.alerts
                and age < service.grouping_seconds
            ):
                return incident
        return None


async def _event_of(request: web.Request) -> Json:
    try:
        event = await request.json()
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise EventRefusal(
            400, "Unrecognized object", "Event object format is unrecognized", "JSON parse error"
        )
    return event


def _faults_of(event: Json) -> list[str]:
    """Texts for everything wrong with an event; empty when it may be queued."""
    errors = []
    key, action, payload = event.get("routing_key"), event.get("event_action"), event.get("payload")
    if not isinstance(key, str) or not key:
        errors.append("'routing_key' is missing or blank")
    elif not re.fullmatch(r"[A-Za-z0-9]{32}", key):
        errors.append("Length of 'routing_key' is incorrect (should be 32 characters)")
    if action not in _ACTIONS:
        errors.append("'event_action' must be one of trigger, acknowledge, resolve")
    if len(str(event.get("dedup_key") or "")) > 255:
        errors.append("Length of 'dedup_key' is incorrect (should be at most 255 characters)")
    if action in ("acknowledge", "resolve") and not event.get("dedup_key"):
        errors.append("'dedup_key' is missing or blank")
    if action == "trigger":
        errors.extend(_payload_faults(payload if isinstance(payload, dict) else {}))
    return errors


def _payload_faults(payload: Json) -> list[str]:
    errors = [
        f"'payload.{name}' is missing or blank"
        for name in ("summary", "source", "severity")
        if not payload.get(name)
    ]
    if len(str(payload.get("summary") or "")) > 1024:
        errors.append("Length of 'payload.summary' is incorrect (should be at most 1024 characters)")
    if payload.get("severity") and payload["severity"] not in _SEVERITIES:
        errors.append("'payload.severity' must be one of critical, error, warning, info")
    return errors


def _operation(method: str, path: str, body: Any) -> str:
    action = body.get("event_action") if isinstance(body, dict) else None
    return _ACTIONS.get(action or "", "other") if path == "/v2/enqueue" else "other"


def _plain(status: int, text: str) -> web.Response:
    return web.json_response({"status": "error", "message": text, "errors": [text]}, status=status)


def _throttled(wait: float | None) -> web.Response:
    headers = {} if wait is None else {"Retry-After": f"{wait:g}"}
    return web.json_response(
        {"status": "throttle exceeded", "message": "Too many requests"}, status=429, headers=headers
    )
