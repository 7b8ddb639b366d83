"""A small real HTTP server that answers in the shapes of the public API, for tests of the client and command."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

DATE = "Fri, 20 Nov 2026 02:20:00 GMT"


@dataclass
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class Hub:
    """The server's answers: a path's entry is (status, body) or a function of the request; last one wins."""

    url: str = ""
    port: int = 0
    seen: list[Seen] = field(default_factory=list)
    answers: dict[tuple[str, str], Any] = field(default_factory=dict)
    events: list[bytes] = field(default_factory=list)
    hold_stream: bool = False
    stopping: threading.Event = field(default_factory=threading.Event)

    def answer(
        self, method: str, path: str, body: Any, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        self.answers[(method, path)] = (status, body, headers or {})

    def refuse(self, method: str, path: str, status: int, detail: str, **more: Any) -> None:
        body = {"type": "about:blank", "title": "Refused", "status": status, "detail": detail, **more}
        self.answer(method, path, body, status, {"Content-Type": "application/problem+json"})

    def call(self, method: str, path: str, function: Callable[[Seen], tuple[int, Any]]) -> None:
        self.answers[(method, path)] = function

    def of(self, method: str, path: str) -> list[Seen]:
        return [one for one in self.seen if (one.method, one.path) == (method, path)]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeServer

    def date_time_string(self, timestamp: float | None = None) -> str:
        return DATE

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _handle(self) -> None:
        hub = self.server.hub
        parts = urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = raw.decode()
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        seen = Seen(self.command, parts.path, query, {k.lower(): v for k, v in self.headers.items()}, body)
        hub.seen.append(seen)
        if parts.path == "/api/v1/stream" and (self.command, parts.path) not in hub.answers:
            self._stream(hub)
            return
        found = hub.answers.get((self.command, parts.path))
        if callable(found):
            status, answer = found(seen)
            headers: dict[str, str] = {}
        elif found is not None:
            status, answer, headers = found
        else:
            status, headers = 404, {}
            answer = {
                "title": "Not found",
                "status": 404,
                "detail": f"there is nothing at {parts.path}",
                "code": "not_found",
            }
        content = (
            b"" if answer is None else answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        )
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json"} | headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, hub: Hub) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for event in hub.events:
            self.wfile.write(event)
        self.wfile.flush()
        if hub.hold_stream:
            hub.stopping.wait(10)
        self.close_connection = True

    do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = _handle  # noqa: N815


class FakeServer(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, hub: Hub, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.hub = hub
        hub.port = self.server_address[1]
        hub.url = f"http://127.0.0.1:{hub.port}"
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        self.hub.stopping.set()
        self.shutdown()
        self._thread.join()
        self.server_close()


def incident(number: int = 7, **more: Any) -> dict[str, Any]:
    return {
        "name": f"INC-{number}", "number": number, "id": f"0190c0de-0000-7000-8000-{number:012}",
        "title": "payment-service: connection refused", "description": "", "severity": "critical", "sev": "SEV-1",
        "status": "open", "status_shown": "Open", "services": ["payment-service"],
        "parts": [{"service": "payment-service", "status": "open", "changed_at": "2026-11-20T02:14:07.120Z", "changed_by": ""}],
        "team": "payments", "correlation_id": "c0ffee00-1111", "opened_at": "2026-11-20T02:14:07.120Z",
        "acknowledged_at": None, "acknowledged_by": "", "resolved_at": None, "resolved_by": "", "closed_at": None,
        "assignee": "", "declared": False, "origin": "", "policy": "everywhere", "rule": "the worst go everywhere",
        "next_step_at": "2026-11-20T02:29:07.120Z", "life": 1, "recurrence_of": None, "alerts": 2, "repeats": 17,
        "config_version": 3, "updated_at": "2026-11-20T02:19:00Z",
        "providers": [
            {"connector": "prod-pagerduty", "type": "pagerduty", "service": "payment-service", "remote_id": "Q1ABC",
             "remote_url": "https://acme.pagerduty.com/incidents/Q1ABC", "status": "triggered",
             "accepted_at": "2026-11-20T02:14:07.900Z", "created_at": "2026-11-20T02:14:08.320Z",
             "notified_at": "2026-11-20T02:14:13.120Z",
             "acknowledged_at": None, "waiting": 0, "last_error": ""},
            {"connector": "prod-opsgenie", "type": "opsgenie", "service": "payment-service", "remote_id": "",
             "remote_url": "", "status": "unknown", "accepted_at": None, "created_at": None, "notified_at": None,
             "acknowledged_at": None, "waiting": 2, "last_error": "503 Service Unavailable"},
        ],
    } | more  # fmt: skip


def line(
    number: int, at: str, kind: str, text: str, reason: str = "", actor: str = "", **more: Any
) -> dict[str, Any]:
    return {
        "id": number, "at": at, "kind": kind, "reason": reason, "text": text, "actor": actor,
        "correlation_id": "c0ffee00-1111", "took_ms": 4.2, "data": {},
    } | more  # fmt: skip


LINES = [
    line(1, "2026-11-20T02:14:07.120Z", "alert_received", "The alert came from prometheus.", "new", "prometheus"),
    line(2, "2026-11-20T02:14:07.124Z", "alert_classified", "Classified critical: the rule \"database outage\" found "
         "\"connection refused\" in the title, and payment-service is critical.", "rule_matched"),
    line(3, "2026-11-20T02:14:08.320Z", "page_created", "prod-pagerduty made incident Q1ABC.", "created"),
    line(4, "2026-11-20T02:17:30.000Z", "acknowledged", "Acknowledged.", "provider_webhook", "Ada via prod-pagerduty"),
]  # fmt: skip

CONNECTOR = {
    "name": "prod-pagerduty", "type": "pagerduty", "direction": "bidirectional", "enabled": True,
    "breaker": {"state": "closed", "failures": 0, "opened_at": None, "next_probe_at": None}, "queue": 0,
    "last_success_at": "2026-11-20T02:18:00Z", "last_failure_at": None, "last_error": "",
    "last_webhook_at": "2026-11-20T02:17:30Z", "success_rate": 0.9987, "average_ms": 181.4, "sync": "webhook",
}  # fmt: skip
SYNCED = {
    "connector": "prod-pagerduty", "read": 2, "calls": 3, "held_back": "its rate limit leaves room for pages alone",
    "findings": [
        {"incident": "INC-7", "service": "payment-service", "remote_id": "Q1ABC", "ours": "mitigated",
         "theirs": "acknowledged", "decided": ["acknowledge by Bo via prod-pagerduty: acknowledged"]},
        {"incident": "INC-8", "service": "", "remote_id": "Q2ABC", "ours": "open", "theirs": "triggered", "decided": []},
    ],
}  # fmt: skip
CHECKED = {
    "connector": "prod-pagerduty", "looked": True, "fault": "",
    "warnings": ["the service Payments resolves by itself after 4 h: what still fires here is opened there again, and rings again; switch auto-resolve off there"],
}  # fmt: skip
DIGESTS = [
    {
        "name": "the quiet ones", "state": "collecting", "to": ["ops-mail"], "begins_at": "2026-11-22T02:05:00Z",
        "ends_at": "2026-11-22T03:00:00Z", "alerts": 3, "worst": "medium",
        "subject": "Digest “the quiet ones”: 3 alerts of 1 service, the worst medium",
        "text": "3 alerts, heard 41 times.\n\nSERVICE  SEVERITY  ALERTS\nweb      medium    3\n", "delivered": {}, "fell_back_at": None,
    },
    {
        "name": "the quiet ones", "state": "sent", "to": ["ops-mail"], "begins_at": "2026-11-22T01:05:00Z",
        "ends_at": "2026-11-22T02:00:00Z", "alerts": 1, "worst": "low", "subject": "", "text": "",
        "delivered": {"ops-mail": "failed"}, "fell_back_at": "2026-11-22T02:01:00Z",
    },
]  # fmt: skip
DIVERGENCE = {
    "id": 3, "connector": "prod-pagerduty", "incident": "INC-7", "service": "payment-service", "kind": "timer",
    "what": "resolved", "ours": "mitigated", "theirs": "resolved", "since": "2026-11-20T02:11:00Z",
    "seen_at": "2026-11-20T02:16:00Z", "times": 2, "decision": "it stays closed there: somebody has it here",
    "reason": "a provider's own timer never ends what may still fire", "ended_at": None, "ended_why": "",
}  # fmt: skip
BROKEN = CONNECTOR | {
    "name": "prod-opsgenie", "type": "opsgenie", "queue": 2, "last_error": "503 Service Unavailable",
    "breaker": {"state": "open", "failures": 5, "opened_at": "2026-11-20T02:10:00Z", "next_probe_at": "2026-11-20T02:20:30Z"},
    "last_success_at": "2026-11-20T01:00:00Z", "last_failure_at": "2026-11-20T02:19:30Z", "last_webhook_at": None,
    "success_rate": 0.5,
}  # fmt: skip
ALARM = {
    "key": "breaker-open/prod-opsgenie", "title": "prod-opsgenie has not worked for 6 min", "severity": "high",
    "text": "Its breaker has been open since 02:10. Next: im connector status prod-opsgenie", "connector": "prod-opsgenie", "times": 9,
    "raised_at": "2026-11-20T02:16:00Z", "seen_at": "2026-11-20T02:19:50Z", "cleared_at": None, "direct_to": "ops-mail", "incident": "INC-8",
}  # fmt: skip
NODES = [
    {"name": "hub1:8000", "role": "all", "version": "0.1.0", "started_at": "2026-11-19T08:00:00Z", "seen_at": "2026-11-20T02:19:59Z",
     "up": True, "on_duty": True},
    {"name": "hub2:8000", "role": "all", "version": "0.1.0", "started_at": "2026-11-19T08:00:00Z", "seen_at": "2026-11-20T02:12:00Z",
     "up": False, "on_duty": False},
]  # fmt: skip
CANARY = {
    "id": "01936a1e-0000-7000-8000-000000000001", "started_at": "2026-11-20T01:20:00Z", "asked_by": "schedule", "ended_at": "2026-11-20T01:22:00Z",
    "connectors": ["prod-pagerduty", "prod-opsgenie"],
    "results": [
        {"connector": "prod-pagerduty", "created": True, "asked_at": "2026-11-20T01:20:00.1Z", "created_at": "2026-11-20T01:20:00.4Z",
         "notified_at": None, "fault": ""},
        {"connector": "prod-opsgenie", "created": False, "asked_at": "2026-11-20T01:20:00.1Z", "created_at": None, "notified_at": None,
         "fault": "503 Service Unavailable"},
    ],
}  # fmt: skip
EXPLANATION = {
    "alert": {"title": "connection refused"}, "severity": "critical", "services": ["payment-service"], "team": "payments",
    "route": "page", "policy": "everywhere", "rule": "the worst go everywhere",
    "steps": [{"mode": "all", "targets": ["prod-pagerduty", "prod-opsgenie"], "after": None, "within": None, "hedge": None},
              {"mode": "all", "targets": ["user:ada"], "after": "15m", "within": None, "hedge": None}],
    "reasons": ["the fact \"worst\" holds: severity is critical and the service is critical"],
    "timing": ["at once: no rule delays it", "step 2 when nobody has acknowledged 15m after step 1"],
    "targets": [{"target": "prod-pagerduty", "service": "payment-service", "state": "acknowledged", "why": ""},
                {"target": "prod-opsgenie", "service": "payment-service", "state": "waiting",
                 "why": "its breaker is open: Opsgenie answered 503"}],
    "not_taken": [{"kind": "classification", "rule": "database outage", "why": "none of its patterns is found"},
                  {"kind": "mute", "rule": "maintenance window “backup”", "why": "it is not its time"},
                  {"rule": "security goes everywhere", "why": "team == \"security\" does not hold"}],
    "would_have_stopped": ["severity low instead of critical: rule “the quiet ones” would have put it into a digest",
                           "a silence that covers it: im silence add service=payment-service --for 1h --comment WHY"],
    "config_version": 3, "at": "2026-11-20T02:14:07Z",
}  # fmt: skip
QUIET_EXPLANATION = {
    **EXPLANATION, "severity": "low", "services": ["web"], "team": "", "route": "suppress", "policy": "standard",
    "rule": "default", "steps": [], "reasons": ["The sender says low."], "targets": [], "would_have_stopped": [],
    "timing": ["quiet until Sun 22 Nov 04:00 UTC; what still fires then is routed as new"],
    "muted_by": "maintenance window “backup”", "muted_until": "2026-11-22T04:00:00Z",
    "would_page": {"rule": "default", "policy": "standard", "targets": ["prod-pagerduty", "ops-mail"]},
    "would_page_if": ["severity critical instead of low: rule “the worst go everywhere” would have paged through everywhere",
                      "without maintenance window “backup”, from Sun 22 Nov 04:00 UTC: rule “default” would have paged"],
    "not_taken": [],
}  # fmt: skip
TOKEN = {
    "id": "tok-1", "name": "cron-db1", "scopes": ["intake"], "created_at": "2026-11-20T02:20:00Z",
    "expires_at": "2027-02-18T02:20:00Z", "last_used_at": None,
}  # fmt: skip
_ACTED = {
    "id": 42, "seq": 42, "hash": "4df93d41" * 8, "at": "2026-11-20T02:14:07Z", "actor": "ada", "actor_kind": "person",
    "origin": "command", "via": "token 0190", "address": "198.51.100.7", "action": "incident.acknowledge",
    "object": "INC-7", "outcome": "done", "text": "acknowledged", "before": {"status": "open"},
    "after": {"status": "mitigated", "note": "on it"},
}  # fmt: skip
AUDIT = [
    _ACTED | {"id": 43, "seq": None, "hash": "", "actor": "cron", "actor_kind": "token", "origin": "api", "before": None,
              "action": "api.declare_incident", "object": "incidents", "outcome": "refused", "after": None,
              "text": "cron may not do this: it needs the role responder"},
    _ACTED,
    _ACTED | {"id": 41, "seq": 41, "actor": "bo", "actor_kind": "provider", "origin": "webhook", "via": "prod-pagerduty",
              "action": "incident.assign", "before": {"assignee": ""}, "after": {"assignee": "bo"}},
]  # fmt: skip
AUDIT_HOLDS = {
    "ok": True, "first": 1, "last": 42, "hash": "4df93d41" * 8, "checked": 42, "head": 42, "waiting": 1, "more": False,
    "faults": [],
}  # fmt: skip
DEPLOYS = TOKEN | {
    "id": "tok-2", "name": "deploys", "role": "responder", "scopes": ["read", "write", "intake"], "teams": ["payments"],
}  # fmt: skip
USERS = [
    {"name": "ada", "id": "ada", "shown": "Ada", "email": "ada@example.com", "role": "admin", "teams": []},
    {
        "name": "cy",
        "id": "cy",
        "shown": "Cy",
        "email": "cy@example.com",
        "role": "responder",
        "teams": ["payments"],
    },
]
ACCEPTED = {"alert_id": "a-1", "correlation_id": "c0ffee00-1111", "status": "queued", "duplicate": False}
DIFF = "--- version 3\n+++ hub.yaml\n@@ -1,2 +1,2 @@\n teams:\n-  payments: {lead: ada}\n+  payments: {lead: bo}\n"


DELIVERIES = [
    {"at": "2026-11-20T02:21:00Z", "connector": name, "kind": "acknowledge", "outcome": outcome, "took_ms": took, "reason": why}
    for name, outcome, took, why in (
        ("prod-pagerduty", "accepted", 181.2, ""), ("prod-opsgenie", "rejected", 98.0, "its key may not do this"),
    )
]  # fmt: skip


def version(number: int, **more: Any) -> dict[str, Any]:
    return {
        "version": number, "hash": f"{number}f00dbabe" * 7, "author": "Ada", "applied_at": f"2026-11-{16 + number}T09:30:00Z",
        "origin": "token", "in_force": number == 3, "incidents": 4 * number % 9,
    } | more  # fmt: skip


TEXT = "services:\n  web: {}\nconnectors:\n  pd:\n    api_key:\n      $secret: connectors.pd.api_key\n    type: pagerduty\n"


HELD = {
    "resumed": True,
    "would_page": [
        {"incident": "INC-7", "title": "payment-service: connection refused", "severity": "critical", "connector": "prod-pagerduty", "why": "its create waits"},
        {"incident": "INC-8", "title": "web: latency above 2 s", "severity": "medium", "connector": "", "why": "its next step is due"},
    ],
}  # fmt: skip


CALLS = (("prod-pagerduty", 3), ("prod-opsgenie", 2), ("prod-pagerduty", 1))


def filled(hub: Hub) -> Hub:
    """The answers of a server where a little is going on."""
    api = "/api/v1"
    second = incident(8, title="web: latency above 2 s\x1b[31m", severity="medium", sev="SEV-3", status="mitigated",
                      status_shown="Acknowledged", services=["web", "recommendation-service"], team="application",
                      acknowledged_by="Ed", acknowledged_at="2026-11-20T01:00:00Z", opened_at="2026-11-20T00:20:00Z",
                      providers=[])  # fmt: skip
    for name in ("INC-7", "INC-8"):
        told = [{"id": n, "connector": c, "calls": calls} for n, (c, calls) in enumerate(CALLS)]
        hub.answer("GET", f"/api/v1/incidents/{name}/deliveries", {"items": told, "next_cursor": None})
    hub.answer("GET", f"{api}/incidents", {"items": [incident(), second], "next_cursor": None})
    hub.answer("GET", f"{api}/incidents/INC-7", incident())
    owed = {"asks_again_at": "2026-11-20T02:25:00Z", "joined_meanwhile": ["web: 5xx above 1 %"]}
    hub.answer("GET", f"{api}/incidents/INC-8", second | owed)
    hub.answer("POST", f"{api}/resume", HELD)
    hub.answer("GET", f"{api}/incidents/INC-7/timeline", {"items": LINES, "next_cursor": None})
    hub.answer("POST", f"{api}/incidents", incident(9, declared=True), 201)
    acked = {
        "status": "mitigated",
        "status_shown": "Acknowledged",
        "acknowledged_by": "Ada",
        "acknowledged_at": "2026-11-20T02:17:30Z",
    }
    over = {
        "status": "resolved",
        "status_shown": "Resolved",
        "resolved_by": "Ada",
        "resolved_at": "2026-11-20T02:20:00Z",
    }
    for act, more in (("acknowledge", acked), ("snooze", acked | {"snoozed_until": "2026-11-20T09:00:00Z"}), ("resolve", over), ("close", {"status": "closed", "status_shown": "Closed"}),
                      ("reopen", {}), ("notes", {}), ("unacknowledge", {}), ("escalate", {}), ("merge", {}), ("assign", {"assignee": "Bo"})):  # fmt: skip
        told = [{**side, "waiting": 0} for side in incident()["providers"]]
        hub.answer("POST", f"{api}/incidents/INC-7/{act}", incident(**{"providers": told, **more}))
    hub.answer("GET", f"{api}/incidents/INC-7/deliveries", {"items": DELIVERIES, "next_cursor": None})
    hub.answer("PATCH", f"{api}/incidents/INC-7", incident(fields={"customer": "acme"}))
    hub.answer("POST", f"{api}/alerts", ACCEPTED, 202)
    hub.call("POST", f"{api}/alerts/batch", lambda seen: (202, {"items": [ACCEPTED for _ in seen.body]}))
    hub.call(
        "POST",
        f"{api}/explain",
        lambda seen: (200, QUIET_EXPLANATION if "alert" in seen.body else EXPLANATION),
    )
    hub.answer(
        "GET",
        f"{api}/config",
        {
            "version": 3,
            "hash": "x",
            "author": "Ada",
            "document": {},
            "warnings": ["the policy standard is never used"],
        },
    )
    hub.answer(
        "POST",
        f"{api}/config/diff",
        {"changed": True, "diff": DIFF, "warnings": ["the policy standard is never used"]},
    )
    hub.answer("POST", f"{api}/config", {"version": 4, "changed": True, "diff": DIFF, "warnings": []})
    versions = [version(3), version(2, author="start", origin="file"), version(1)]
    hub.answer("GET", f"{api}/config/versions", {"items": versions, "next_cursor": None})
    for one in versions:
        path = f"{api}/config/versions/{one['version']}"
        hub.answer("GET", path, one | {"text": TEXT, "document": {"services": {"web": {}}}})
        difference = {"from_version": one["version"], "to_version": 3, "changed": one["version"] != 3}
        hub.answer("GET", f"{path}/diff", difference | {"diff": DIFF if difference["changed"] else ""})
    hub.call("POST", f"{api}/config/versions/2/rollback", lambda seen: (
        200, {"version": 3 if seen.query else 4, "changed": True, "diff": DIFF, "warnings": ["the policy standard is never used"]},
    ))  # fmt: skip
    hub.answer(
        "POST",
        f"{api}/config/versions/3/rollback",
        {"version": 3, "changed": False, "diff": "", "warnings": []},
    )
    stands = {
        "field": "connectors.pd",
        "message": "is removed, but INC-7 is open there: whoever answers there would not be heard; resolve them first",
        "line": 4,
    }
    hub.call("POST", f"{api}/config/versions/4/rollback", lambda seen: (
        200, {"version": 3 if "dry_run" in seen.query else 5, "changed": True, "diff": DIFF, "warnings": [], "refusals": [stands]},
    ))  # fmt: skip
    hub.answer("GET", f"{api}/config/versions/4", version(4) | {"text": TEXT, "document": {}})
    gone = {"field": "connectors.pd.api_key", "message": "this credential is no longer kept", "line": 5}
    hub.refuse("POST", f"{api}/config/versions/1/rollback", 422, "version 1 needs credentials that are gone: connectors.pd.api_key",
               faults=[gone], hint="apply a file that has them: `im config show` prints the version to start from")  # fmt: skip
    hub.answer("GET", f"{api}/connectors", {"items": [CONNECTOR, BROKEN], "next_cursor": None})
    hub.answer("GET", f"{api}/connectors/prod-pagerduty", CONNECTOR)
    hub.answer("POST", f"{api}/connectors/prod-pagerduty/sync", SYNCED)
    hub.answer("POST", f"{api}/connectors/prod-pagerduty/check", CHECKED)
    hub.answer("GET", f"{api}/divergences", {"items": [DIVERGENCE], "next_cursor": None})
    hub.answer("GET", f"{api}/digests", {"items": DIGESTS, "next_cursor": None})
    hub.answer("POST", f"{api}/digests/the%20quiet%20ones/send", {"name": "the quiet ones", "alerts": 3})
    hub.answer("GET", f"{api}/connectors/prod-opsgenie", BROKEN)
    hub.answer("GET", f"{api}/audit", {"items": AUDIT, "next_cursor": None})
    hub.answer("GET", f"{api}/audit/verify", AUDIT_HOLDS)
    hub.answer("GET", f"{api}/tokens", {"items": [TOKEN, DEPLOYS], "next_cursor": None})
    hub.answer("POST", f"{api}/tokens", TOKEN | {"token": "tsn_abcdef0123456789"}, 201)
    hub.answer("DELETE", f"{api}/tokens/tok-1", None, 204)
    hub.answer("GET", f"{api}/tokens/tok-1", TOKEN)
    hub.answer("POST", f"{api}/tokens/tok-1/rotate", DEPLOYS | {"token": "tsn_0123456789abcdef"}, 201)
    hub.answer("GET", f"{api}/users", {"items": USERS, "next_cursor": None})
    hub.answer("GET", f"{api}/users/cy", USERS[1])
    hub.answer(
        "GET",
        f"{api}/health",
        {
            "system_status": "degraded", "integrations": {}, "active_incidents": 2, "version": "0.1.0",
            "worker": {"healthy": True, "undecided_alerts": 1, "pending_webhooks": 0}, "alarms": [ALARM], "nodes": NODES,
            "connectors": [CONNECTOR, BROKEN], "reasons": [ALARM["title"]],
            "canary": CANARY,
        },
    )  # fmt: skip
    hub.answer("POST", f"{api}/canary", CANARY | {"ended_at": None, "results": []}, 202)
    hub.answer("GET", f"{api}/alarms", {"items": [ALARM], "next_cursor": None})
    hub.answer(
        "GET",
        f"{api}/whoami",
        {"name": "Ada", "scopes": ["read", "write"], "demo": False, "version": "0.1.0", "public_url": ""},
    )
    hub.answer("POST", f"{api}/session/link", {"url": "https://hub.example/?code=once"})
    hub.answer("GET", "/healthz", {"ok": True})
    hub.answer(
        "GET",
        "/readyz",
        {
            "ready": False,
            "checks": {
                "database": True,
                "worker": {"ok": False, "error": "no heartbeat for 40 s"},
                "intake": "ok",
            },
        },
        503,
    )
    return hub
