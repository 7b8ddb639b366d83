"""What would a hub answer? A small stand-in for the dashboard's development and its browser tests.

It speaks the part of `/api/v1` that the dashboard uses, from memory, and serves the built files by the rules that
the real server follows (web/README.md). It decides nothing and its figures are invented. `serve.py` starts it.
"""

# ruff: noqa: TID251 -- a stand-in makes its own ids and reads the clock itself
from __future__ import annotations

import asyncio
import json
import mimetypes
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

Json = dict[str, Any]
STATIC = Path(__file__).resolve().parents[2] / "src" / "tocsin" / "api" / "static"

CSP = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'; "
    "img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
SEV = {"critical": "SEV-1", "high": "SEV-2", "medium": "SEV-3", "low": "SEV-4"}
SHOWN = {"open": "Open", "mitigated": "Acknowledged", "resolved": "Resolved", "closed": "Closed"}


def iso(at: datetime) -> str:
    """RFC 3339 in UTC with microseconds and "Z"."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def problem(status: int, code: str, detail: str) -> web.Response:
    """A problem document (RFC 9457)."""
    body = {"type": f"https://tocsin.dev/problems/{code}", "title": code.replace("_", " "), "status": status}
    body |= {"detail": detail, "code": code, "faults": [], "hint": ""}
    return web.json_response(body, status=status, content_type="application/problem+json")


class FakeHub:
    """State in memory, streams by queue, faults by attribute (`down`, `deaf`, `locked`, `fail_acts`)."""

    def __init__(self, static: Path = STATIC) -> None:
        self.static = static
        self.incidents: dict[str, Json] = {}
        self.timelines: dict[str, list[Json]] = {}
        self.alerts: list[Json] = []
        self.connectors: dict[str, Json] = {}
        self.health = "healthy"
        self.reasons: list[str] = []
        self.codes: set[str] = set()
        self.locked = False
        self.down = False
        self.deaf = False
        self.fail_acts: str = ""
        self.acts_held: asyncio.Event | None = None
        self.acts: list[tuple[str, str, Json]] = []
        self.requests: list[str] = []
        self.streams: set[asyncio.Queue[str | None]] = set()
        self.streams_opened = 0
        self.ids = 0
        self.add_connector("prod-pagerduty", "pagerduty")
        self.add_connector("prod-opsgenie", "opsgenie")

    def now(self) -> datetime:
        return datetime.now(UTC)

    # -- what the tests and the demo do to it ---------------------------------------------------------------

    def add_connector(self, name: str, kind: str) -> None:
        breaker = {"state": "closed", "failures": 0, "opened_at": None, "next_probe_at": None}
        self.connectors[name] = {
            "name": name, "type": kind, "direction": "bidirectional", "enabled": True, "breaker": breaker,
            "queue": 0, "last_success_at": iso(self.now()), "last_failure_at": None, "last_error": "",
            "last_webhook_at": None, "success_rate": 1.0, "average_ms": 181.0, "sync": "webhook",
        }  # fmt: skip

    def break_connector(self, name: str, *, minutes: float = 3, queue: int = 4) -> None:
        """Its breaker opens; the stream says so."""
        connector = self.connectors[name]
        now = self.now()
        connector["breaker"] = {
            "state": "open", "failures": 7, "opened_at": iso(now - timedelta(minutes=minutes)),
            "next_probe_at": iso(now + timedelta(seconds=20)),
        }  # fmt: skip
        connector |= {"queue": queue, "last_error": "503 from api.pagerduty.com", "last_failure_at": iso(now)}
        self.send("connector", connector)

    def open_incident(
        self,
        title: str,
        severity: str = "critical",
        *,
        service: str = "payment-service",
        team: str = "payments",
        minutes: float = 0,
        paged: bool = True,
        declared: bool = False,
    ) -> Json:
        """A new incident with its alert, its timeline and its pages, told on the stream."""
        number = len(self.incidents) + 1
        name = f"INC-{number}"
        opened = self.now() - timedelta(minutes=minutes)
        pages = [self._page("prod-pagerduty", "pagerduty", service, opened, 0.52 if paged else None)]
        if severity == "critical":
            pages.append(self._page("prod-opsgenie", "opsgenie", service, opened, 0.31))
        incident: Json = {
            "name": name, "number": number, "id": str(uuid.uuid4()), "title": title, "description": "",
            "severity": severity, "sev": SEV[severity], "status": "open", "status_shown": "Open",
            "services": [service],
            "parts": [{"service": service, "status": "open", "changed_at": None, "changed_by": ""}],
            "team": team, "correlation_id": uuid.uuid4().hex, "opened_at": iso(opened), "acknowledged_at": None,
            "acknowledged_by": "", "resolved_at": None, "resolved_by": "", "closed_at": None, "assignee": "",
            "declared": declared, "origin": "", "policy": "everywhere", "rule": "the worst go everywhere",
            "next_step_at": iso(self.now() + timedelta(seconds=134)), "life": 1, "recurrence_of": None,
            "alerts": 0 if declared else 1, "repeats": 0 if declared else 17, "config_version": 3,
            "updated_at": iso(opened), "providers": pages, "details": {}, "changed": True,
            "links": [{"href": "https://runbooks.example/db", "text": "Runbook"}],
        }  # fmt: skip
        self.incidents[name] = incident
        self.timelines[name] = []
        if not declared:
            self._alert(incident, opened)
        self._story(incident, opened, paged)
        self.send("incident", incident)
        return incident

    def _page(self, connector: str, kind: str, service: str, at: datetime, after: float | None) -> Json:
        def plus(seconds: float) -> str | None:
            return None if after is None else iso(at + timedelta(seconds=after + seconds))

        created = plus(0.2)
        return {
            "connector": connector, "type": kind, "service": service, "recipient": "", "remote_id": "Q1ABCDEF" if created else "",
            "remote_url": f"https://{kind}.example/incidents/Q1ABCDEF" if created else "",
            "status": "triggered" if created else "unknown", "accepted_at": plus(0), "created_at": created,
            "notified_at": None, "acknowledged_at": None, "waiting": 0 if created else 2,
            "last_error": "" if created else "503 from api.pagerduty.com; tried 4 times",
        }  # fmt: skip

    def _alert(self, incident: Json, at: datetime) -> None:
        self.alerts.insert(0, {
            "id": str(uuid.uuid4()), "integration": "prometheus", "source": "alertmanager", "dedup_key": "k",
            "status": "open", "title": incident["title"], "description": "", "severity": incident["severity"],
            "services": incident["services"], "team": incident["team"],
            "labels": {"env": "prod", "instance": "db-3.internal:9100"}, "tags": [], "details": {},
            "links": [
                {"href": "https://runbooks.example/db", "text": "Runbook"},
                {"href": "javascript:alert(1)", "text": "Bad link"},
            ],
            "count": 18, "first_event_at": iso(at - timedelta(seconds=0.06)), "last_event_at": iso(at),
            "incident": incident["name"], "correlation_id": incident["correlation_id"], "muted_by": "",
            "resolved_at": None,
        })  # fmt: skip

    def _story(self, incident: Json, at: datetime, paged: bool) -> None:
        steps: list[tuple[float, str, str, str, float | None, str]] = [
            (-0.061, "alert_received", "Alertmanager sent the alert", "prometheus", 1.9, ""),
            (-0.058, "alert_classified", f"{incident['sev']} by the rule critical label", "", 0.4, "rule"),
            (-0.057, "alert_routed", "the worst go everywhere: all of 2 connectors", "", 0.8, "policy_rule"),
            (0.0, "incident_opened", f"{incident['name']} opened", "", 3.1, ""),
            (0.004, "page_requested", "Page to prod-opsgenie and prod-pagerduty", "", None, ""),
        ]
        if not paged:
            steps.append(
                (0.22, "page_failed", "prod-pagerduty answered 503", "prod-pagerduty", 214.0, "server_error")
            )
            steps.append((0.23, "failed_over", "prod-opsgenie is asked instead", "", None, "breaker_open"))
        steps.append(
            (0.31, "page_accepted", "prod-opsgenie took the page", "prod-opsgenie", 181.0, "accepted")
        )
        if paged:
            steps.append(
                (0.52, "page_accepted", "prod-pagerduty took the page", "prod-pagerduty", 214.0, "accepted")
            )
        steps.append(
            (0.72, "page_created", "The incident stands at prod-opsgenie", "prod-opsgenie", 190.0, "")
        )
        for after, kind, text, actor, took, reason in steps:
            self.line(incident["name"], kind, text, actor, took, reason, at + timedelta(seconds=after))

    def line(
        self,
        name: str,
        kind: str,
        text: str,
        actor: str = "",
        took: float | None = None,
        reason: str = "",
        at: datetime | None = None,
    ) -> None:
        """One line of the timeline, told on the stream."""
        self.ids += 1
        entry = {
            "id": self.ids, "at": iso(at or self.now()), "kind": kind, "reason": reason, "text": text,
            "actor": actor, "correlation_id": "", "took_ms": took, "data": {},
        }  # fmt: skip
        self.timelines[name].append(entry)
        self.send("timeline", {**entry, "incident": name})

    def change(self, name: str, status: str, who: str) -> Json:
        """Acknowledge, resolve or reopen, as a person or a provider would."""
        incident = self.incidents[name]
        now = iso(self.now())
        incident |= {"status": status, "status_shown": SHOWN[status], "updated_at": now}
        if status == "mitigated":
            incident |= {"acknowledged_at": now, "acknowledged_by": who, "assignee": who}
        if status == "resolved":
            incident |= {"resolved_at": now, "resolved_by": who}
            for alert in self.alerts:
                if alert["incident"] == name:
                    alert |= {"status": "resolved", "resolved_at": now}
        for page in incident["providers"]:
            if page["created_at"] and status in {"mitigated", "resolved"}:
                page |= {"status": "acknowledged" if status == "mitigated" else "resolved"}
                page["acknowledged_at"] = page["acknowledged_at"] or now
        kind = {"mitigated": "acknowledged", "resolved": "resolved", "open": "reopened"}[status]
        self.line(name, kind, f"{SHOWN[status]} by {who}", who)
        self.send("incident", incident)
        return incident

    def send(self, event: str, data: Any) -> None:
        self.ids += 1
        text = f"id: {self.ids}\nevent: {event}\ndata: {json.dumps(data)}\n\n"
        for queue in self.streams:
            queue.put_nowait(text)

    def drop_streams(self) -> None:
        """As a proxy does that restarts."""
        for queue in self.streams:
            queue.put_nowait(None)

    # -- what it answers ------------------------------------------------------------------------------------

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._guard])
        routes: list[tuple[str, str, Callable[[web.Request], Awaitable[web.StreamResponse]]]] = [
            ("GET", "/api/v1/incidents", self._list),
            ("GET", "/api/v1/incidents/{name}", self._one),
            ("GET", "/api/v1/incidents/{name}/timeline", self._timeline),
            ("GET", "/api/v1/incidents/{name}/alerts", self._alerts_of),
            ("POST", "/api/v1/incidents/{name}/notes", self._note),
            ("POST", "/api/v1/incidents/{name}/{act}", self._act),
            ("GET", "/api/v1/alerts", self._alerts),
            ("GET", "/api/v1/connectors", self._connectors),
            ("GET", "/api/v1/health", self._health),
            ("GET", "/api/v1/whoami", self._whoami),
            ("GET", "/api/v1/stream", self._stream),
            ("POST", "/api/v1/session", self._session),
        ]
        for method, path, handler in routes:
            app.router.add_route(method, path, handler)
        app.router.add_get("/{path:.*}", self._static)
        return app

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path}")
        if request.path.startswith("/api/"):
            if self.down:
                return web.Response(status=503)
            if request.method != "GET" and request.headers.get("X-Tocsin") != "1":
                return problem(403, "csrf", "The header X-Tocsin: 1 is missing.")
            free = request.path == "/api/v1/session"
            if self.locked and not free and request.cookies.get("tocsin_session") != "good":
                return problem(401, "no_session", "No session. Run im open.")
        return await handler(request)

    async def _list(self, request: web.Request) -> web.Response:
        statuses = request.query.get("status", "open,mitigated").split(",")
        items = [incident for incident in self.incidents.values() if incident["status"] in statuses]
        return web.json_response({"items": items[::-1], "next_cursor": None})

    def _known(self, request: web.Request) -> str:
        name = request.match_info["name"]
        if name not in self.incidents:
            text = json.dumps(
                {"title": "not found", "status": 404, "detail": f"No incident {name}.", "code": "not_found"}
            )
            raise web.HTTPNotFound(text=text, content_type="application/problem+json")
        return name

    async def _one(self, request: web.Request) -> web.Response:
        return web.json_response(self.incidents[self._known(request)])

    async def _timeline(self, request: web.Request) -> web.Response:
        return web.json_response({"items": self.timelines[self._known(request)], "next_cursor": None})

    async def _alerts_of(self, request: web.Request) -> web.Response:
        name = self._known(request)
        return web.json_response(
            {"items": [a for a in self.alerts if a["incident"] == name], "next_cursor": None}
        )

    async def _alerts(self, request: web.Request) -> web.Response:
        return web.json_response(
            {"items": self.alerts[: int(request.query.get("limit", 100))], "next_cursor": None}
        )

    async def _note(self, request: web.Request) -> web.Response:
        name = self._known(request)
        body = await request.json()
        self.acts.append((name, "notes", body))
        self.line(name, "note", body["text"], "Ada")
        return web.json_response(self.incidents[name])

    async def _act(self, request: web.Request) -> web.Response:
        name, act = self._known(request), request.match_info["act"]
        if self.acts_held is not None:
            await self.acts_held.wait()
        if self.fail_acts:
            return problem(403, "forbidden", self.fail_acts)
        self.acts.append((name, act, await request.json()))
        status = {"acknowledge": "mitigated", "resolve": "resolved", "reopen": "open"}[act]
        return web.json_response(self.change(name, status, "Ada"))

    async def _connectors(self, _: web.Request) -> web.Response:
        return web.json_response({"items": list(self.connectors.values()), "next_cursor": None})

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response(
            {"system_status": self.health, "active_incidents": 0, "reasons": self.reasons, "version": "0.1.0"}
        )

    async def _whoami(self, _: web.Request) -> web.Response:
        return web.json_response(
            {"name": "Ada", "scopes": ["read", "write"], "demo": True, "version": "0.1.0", "public_url": ""}
        )

    async def _session(self, request: web.Request) -> web.Response:
        code = (await request.json()).get("code")
        if code not in self.codes:
            return problem(401, "bad_code", "The link was used or is too old.")
        self.codes.discard(code)
        response = web.json_response({"name": "Ada"})
        response.set_cookie("tocsin_session", "good", httponly=True, samesite="Strict", path="/")
        return response

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        if self.deaf:
            return web.Response(status=502, text="bad gateway")
        headers = {
            "Content-Type": "text/event-stream",
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
        }
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        self.streams.add(queue)
        self.streams_opened += 1
        try:
            await response.write(b"event: ping\ndata: {}\n\n")
            async for text in self._events(queue):
                await response.write(text.encode())
        except ConnectionError:
            pass
        finally:
            self.streams.discard(queue)
        return response

    async def _events(self, queue: asyncio.Queue[str | None]) -> AsyncIterator[str]:
        while True:
            try:
                text = await asyncio.wait_for(queue.get(), timeout=15)
            except TimeoutError:
                text = "event: ping\ndata: {}\n\n"
            if text is None:
                return
            yield text

    async def _static(self, request: web.Request) -> web.StreamResponse:
        """The rules for files: precompressed when accepted, the page for its own addresses, cached by their name."""
        path = request.match_info["path"]
        page = path in {"", "index.html"} or path.startswith("i/")
        file = (self.static / ("index.html" if page else path)).resolve()
        if not file.is_relative_to(self.static.resolve()) or not file.is_file() or file.name.startswith("."):
            return problem(404, "not_found", f"Nothing at /{path}.")
        cache = "public, max-age=31536000, immutable" if path.startswith("assets/") else "no-cache"
        headers = {**HEADERS, "Cache-Control": cache, "Vary": "Accept-Encoding"}
        headers["Content-Type"] = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        accepted = request.headers.get("Accept-Encoding", "")
        for encoding, suffix in (("br", ".br"), ("gzip", ".gz")):
            packed = file.with_name(file.name + suffix)
            if encoding in accepted and packed.is_file():
                return web.Response(
                    body=packed.read_bytes(), headers={**headers, "Content-Encoding": encoding}
                )
        return web.Response(body=file.read_bytes(), headers=headers)
