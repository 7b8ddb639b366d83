"""What does the simulated JSM Operations answer? Opsgenie's machine behind Atlassian's two doors.

The integration events API (`/jsm/ops/integration/v2`, GenieKey) creates, acknowledges, closes and notes, and
tells what became of a request; it reads nothing else. The REST API (`/jsm/ops/api/{cloud}/v1`, e-mail and API
token) reads alerts and does the rest. Contract: developer.atlassian.com/cloud/jira/service-desk-ops (2026-11-20);
that the request status of both is flat, without `data`, is documented for the REST API alone.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from aiohttp import web

from tocsin.sandbox.gate import Door, Gate
from tocsin.sandbox.opsgenie import oncall
from tocsin.sandbox.opsgenie import rest as opsgenie
from tocsin.sandbox.opsgenie.alert import api_json
from tocsin.sandbox.opsgenie.errors import Refusal, unprocessable

Json = dict[str, Any]
EVENTS = "/jsm/ops/integration/v2/alerts"
CLOUD = "/jsm/ops/api/{cloud}/v1/alerts"
_EVENTS_VERBS = ("acknowledge", "close", "notes")
_CLOUD_VERBS = (*_EVENTS_VERBS, "unacknowledge", "snooze", "assign", "tags", "responders", "escalate")


class Rest(opsgenie.Rest):
    """Both doors. The alerts, their rules and their webhooks are Opsgenie's."""

    def application(self, gate: Gate) -> web.Application:
        door = Door("jsm", "alert", operation, self._admit, opsgenie.plain, throttled, Refusal)
        app = gate.application(door)
        get, post = app.router.add_get, app.router.add_post
        for path, verbs in ((EVENTS, _EVENTS_VERBS), (CLOUD, _CLOUD_VERBS)):
            post(path, self._create)
            get(f"{path}/requests/{{request}}", self._request)
            for verb in verbs:
                post(f"{path}/{{id}}/{verb}", self._verb(verb))
        get(CLOUD, self._list)
        get(f"{CLOUD}/{{id}}", self._read)
        get(f"{CLOUD}/{{id}}/notes", self._notes)
        oncall.add_to_jsm(app.router, self._desk, self._data)
        return app

    def _admit(self, request: web.Request, body: Any) -> dict[str, str]:
        shown = request.headers.get("Authorization", "")
        events = request.path.startswith("/jsm/ops/integration/")
        key = shown.removeprefix("GenieKey ").strip() if events and shown.startswith("GenieKey ") else ""
        if not events and shown.startswith("Basic "):
            key = _token(shown.removeprefix("Basic "))
        if not self._access.knows(key):
            raise Refusal(401, "Unauthorized: the events API takes a GenieKey, the REST API e-mail and token")
        if request.method != "GET" and not self._access.may_write(key):
            raise Refusal(403, "Forbidden")
        if request.body_exists and body is None:
            raise Refusal(400, "Request body is not valid JSON")
        return {}

    async def _list(self, request: web.Request) -> web.Response:
        size, offset = opsgenie.number(request, "size", 20), opsgenie.number(request, "offset", 0)
        if offset + size > opsgenie.MAX_REACH:
            raise unprocessable(offset=f"sum of offset and size should be lower than {opsgenie.MAX_REACH}")
        found = sorted(self._chosen(request), key=lambda a: int(a.tiny_id), reverse=True)
        shown = [api_json(self._desk.account, a, full=False) for a in found[offset : offset + min(size, 100)]]
        following = str(request.url.update_query({"offset": str(offset + size)}))
        links = {"next": following} if offset + size < len(found) else {}
        return web.json_response({"values": shown, "count": len(shown), "links": links})

    def _data(self, data: Any, **more: Any) -> web.Response:
        return web.json_response(data if isinstance(data, dict) else {"values": data, "links": {}})


def _token(basic: str) -> str:
    """The API token of `email:token`; "" when it is none."""
    try:
        email, _, token = base64.b64decode(basic, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return ""
    return token if "@" in email else ""


def operation(method: str, path: str, body: Any) -> str:
    """One of faults.OPERATIONS."""
    if method == "GET":
        return "read"
    if path.rstrip("/").endswith("/alerts"):
        return "create"
    return opsgenie.OPERATIONS.get(path.rsplit("/", 1)[-1], "other")


def throttled(wait: float | None) -> web.Response:
    """429 as Jira Cloud says it: Retry-After in seconds."""
    headers = {} if wait is None else {"Retry-After": f"{wait:g}", "RateLimit-Reason": "jira-burst-based"}
    return web.json_response({"message": "Rate limit exceeded"}, status=429, headers=headers)
