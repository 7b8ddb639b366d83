"""What does the simulated Opsgenie answer? Writes are taken at the door, done a little later, and reported under requests/{id}."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from tocsin.sandbox.access import Access
from tocsin.sandbox.clock import iso_millis
from tocsin.sandbox.gate import DOOMED, SILENT, Door, Gate
from tocsin.sandbox.limits import Limits
from tocsin.sandbox.opsgenie import oncall
from tocsin.sandbox.opsgenie.account import named
from tocsin.sandbox.opsgenie.alert import Alert, api_json
from tocsin.sandbox.opsgenie.alerts import AlertDesk, Failed
from tocsin.sandbox.opsgenie.errors import PRIORITIES, Refusal, check_action, check_create, unprocessable
from tocsin.sandbox.opsgenie.integrations import Integrations
from tocsin.sandbox.opsgenie.query import predicate
from tocsin.sandbox.opsgenie.webhooks import Webhooks

Json = dict[str, Any]
MAX_REACH = 20_000
_POSTED = (
    "acknowledge",
    "unacknowledge",
    "close",
    "snooze",
    "notes",
    "assign",
    "tags",
    "details",
    "responders",
    "teams",
    "escalate",
)
_PUT = ("message", "description", "priority")
_NEEDED = {"snooze": "endTime", "notes": "note", "tags": "tags", "details": "details", "message": "message"}
_NEEDED |= {"description": "description", "priority": "priority", "assign": "owner"}
OPERATIONS = {"acknowledge": "acknowledge", "close": "resolve", "notes": "note"}


@dataclass
class Settings:
    """`processing_delay` in seconds of sandbox time between the 202 and the effect."""

    processing_delay: float = 0.05


class Rest:
    """The Alert API, heartbeats and on-call reads."""

    def __init__(self, desk: AlertDesk, limits: Limits, access: Access, settings: Settings) -> None:
        self._desk = desk
        self._limits = limits
        self._access = access
        self._settings = settings
        self.requests: dict[str, Json] = {}
        self.pings: dict[str, datetime] = {}
        self.heartbeats: dict[str, Json] = {}
        self.webhooks: Webhooks | None = None

    def application(self, gate: Gate) -> web.Application:
        app = gate.application(Door("opsgenie", "alert", operation, self._admit, plain, throttled, Refusal))
        get, post = app.router.add_get, app.router.add_post
        for path in ("/v2/alerts", "/v2/alerts/"):
            post(path, self._create)
            get(path, self._list)
        get("/v2/alerts/count", self._count)
        get("/v2/alerts/requests/{request}", self._request)
        get("/v2/alerts/{id}", self._read)
        app.router.add_delete("/v2/alerts/{id}", self._verb("delete"))
        get("/v2/alerts/{id}/notes", self._notes)
        get("/v2/alerts/{id}/logs", self._logs)
        for verb in _POSTED:
            post(f"/v2/alerts/{{id}}/{verb}", self._verb(verb))
        for verb in _PUT:
            app.router.add_put(f"/v2/alerts/{{id}}/{verb}", self._verb(verb))
            post(f"/v2/alerts/{{id}}/{verb}", self._verb(verb))
        app.router.add_delete("/v2/alerts/{id}/tags", self._verb("untag"))
        app.router.add_delete("/v2/alerts/{id}/details", self._verb("undetail"))
        post("/v2/alerts/{id}/actions/{name}", self._custom)
        post("/v2/integrations/authenticate", self._authenticate)
        get("/v2/account", self._account)
        post("/v2/heartbeats", self._add_heartbeat)
        for method in ("GET", "POST", "PUT", "PATCH"):
            app.router.add_route(method, "/v2/heartbeats/{name}/ping", self._ping)
        for name in ("teams", "users", "escalations", "schedules"):
            get(f"/v2/{name}", self._names(name))
            get(f"/v2/{name}/{{id}}", self._names(name))
        oncall.add_to(app.router, self._desk, self._data, "/v2")
        if self.webhooks is not None:
            Integrations(self._desk.account, self.webhooks, self._data).add_to(app.router)
        return app

    def _admit(self, request: web.Request, body: Any) -> dict[str, str]:
        header = request.headers.get("Authorization", "")
        key = header.removeprefix("GenieKey ").strip() if header.startswith("GenieKey ") else ""
        headers = {"X-Request-ID": self._desk.ids.uuid("request header"), "X-Response-Time": "0.001"}
        if not self._access.knows(key):
            raise Refusal(401, "Could not authenticate", headers=headers)
        if request.method != "GET" and not self._access.may_write(key):
            raise Refusal(403, "Your key may not do this", code=40301, headers=headers)
        domain = "alert" if request.path.startswith("/v2/alerts") else "configuration"
        domain = "heartbeat" if request.path.startswith("/v2/heartbeats") else domain
        if domain == "configuration" and not self._access.may_configure(key):
            raise Refusal(403, "Your key may not see what is set up", code=40301, headers=headers)
        verdict = self._limits.take(f"opsgenie_{domain}", "account")
        if verdict and not verdict.passes:
            raise Refusal(
                429, "You are making too many requests!", headers={**headers, **_throttle_headers(60)}
            )
        if request.body_exists and body is None:
            raise Refusal(400, "Request body is not valid JSON", headers=headers)
        return {**headers, "X-RateLimit-State": "OK"}

    # -- writes --------------------------------------------------------------------------------------------------

    async def _create(self, request: web.Request) -> web.Response:
        body, silent = await _object(request), request.get(SILENT, False)
        check_create(body)
        return self._accept(request, "Create", lambda: self._desk.create(body, silent=silent))

    def _verb(self, verb: str) -> Callable[[web.Request], Any]:
        async def handler(request: web.Request) -> web.Response:
            body = await _object(request)
            body |= {
                name: request.query[name] for name in ("user", "source", "note") if name in request.query
            }
            if verb in ("untag", "undetail"):
                name = "tags" if verb == "untag" else "keys"
                body[name] = [part for part in request.query.get(name, "").split(",") if part]
            check_action(body)
            _check_verb(verb, body)
            return self._accept(request, verb.capitalize(), lambda: self._do(request, verb, body))

        return handler

    async def _custom(self, request: web.Request) -> web.Response:
        body, name = await _object(request), request.match_info["name"]

        def work() -> tuple[Alert, str]:
            alert = self._needed(request)
            return alert, self._desk.custom_action(alert, name, body)

        return self._accept(request, name, work)

    def _do(self, request: web.Request, verb: str, body: Json) -> tuple[Alert, str]:
        alert = self._needed(request)
        return alert, self._desk.act(alert, verb, body)

    def _needed(self, request: web.Request) -> Alert:
        alert = self._desk.find(request.match_info["id"], _identifier_type(request))
        if alert is None:
            raise Failed("Alert does not exist")
        return alert

    def _accept(
        self, request: web.Request, action: str, work: Callable[[], tuple[Alert, str]]
    ) -> web.Response:
        """202 now; the work after the processing delay."""
        request_id = self._desk.ids.uuid("request")
        doomed = request.get(DOOMED, False)

        def process() -> None:
            result: Json = {"action": action, "integrationId": self._desk.account.integration_id}
            try:
                if doomed:
                    raise Failed("The sandbox was told to fail this request")
                alert, status = work()
                result |= {
                    "success": True,
                    "isSuccess": True,
                    "status": status,
                    "alertId": alert.id,
                    "alias": alert.alias,
                }
            except Failed as failure:
                result |= {
                    "success": False,
                    "isSuccess": False,
                    "status": str(failure),
                    "alertId": "",
                    "alias": "",
                }
            self.requests[request_id] = {**result, "processedAt": iso_millis(self._desk.clock.now())}

        if self._settings.processing_delay > 0:
            self._desk.clock.call_later(self._settings.processing_delay, process)
        else:
            process()
        answer = {"result": "Request will be processed", "took": 0.003, "requestId": request_id}
        return web.json_response(answer, status=202)

    # -- reads ---------------------------------------------------------------------------------------------------

    async def _request(self, request: web.Request) -> web.Response:
        result = self.requests.get(request.match_info["request"])
        if result is None:
            raise Refusal(404, "Request not found. It might not be processed, yet.")
        return self._data(result)

    async def _read(self, request: web.Request) -> web.Response:
        return self._data(api_json(self._desk.account, self._found(request)))

    async def _list(self, request: web.Request) -> web.Response:
        limit, offset = min(number(request, "limit", 20), 100), number(request, "offset", 0)
        if offset + limit > MAX_REACH:
            raise unprocessable(offset=f"sum of offset and limit should be lower than {MAX_REACH}")
        chosen = self._chosen(request)
        order, sort = request.query.get("order", "desc"), request.query.get("sort", "createdAt")
        fields = {
            "createdAt": "created_at",
            "updatedAt": "updated_at",
            "tinyId": "tiny_id",
            "alias": "alias",
            "count": "count",
        }
        if sort not in fields or order not in ("asc", "desc"):
            raise unprocessable(sort=f"should be one of [ {', '.join(fields)} ], order asc or desc")
        chosen.sort(
            key=lambda alert: (getattr(alert, fields[sort]), int(alert.tiny_id)), reverse=order == "desc"
        )
        shown = [api_json(self._desk.account, alert, full=False) for alert in chosen[offset : offset + limit]]
        return self._data(shown, paging=_paging(request, offset, limit, len(chosen)))

    async def _count(self, request: web.Request) -> web.Response:
        return self._data({"count": len(self._chosen(request))})

    def _chosen(self, request: web.Request) -> list[Alert]:
        test = predicate(request.query.get("query", ""))
        return [alert for alert in self._desk.alerts.values() if test(alert)]

    async def _notes(self, request: web.Request) -> web.Response:
        return self._entries(request, self._found(request).notes)

    async def _logs(self, request: web.Request) -> web.Response:
        return self._entries(request, self._found(request).log)

    def _entries(self, request: web.Request, entries: list[Json]) -> web.Response:
        """Newest first; `offset` is an entry's mark, `direction` next goes on after it."""
        ordered = entries if request.query.get("order") == "asc" else entries[::-1]
        marks = [entry["offset"] for entry in ordered]
        mark = request.query.get("offset")
        start = marks.index(mark) + 1 if mark in marks else 0
        return self._data(ordered[start : start + min(number(request, "limit", 100), 100)])

    def _found(self, request: web.Request) -> Alert:
        alert = self._desk.find(request.match_info["id"], _identifier_type(request))
        if alert is None:
            raise Refusal(404, "Alert does not exist")
        return alert

    # -- the rest ------------------------------------------------------------------------------------------------

    async def _authenticate(self, request: web.Request) -> web.Response:
        return self._data({"message": "Integration authenticated"})

    async def _account(self, request: web.Request) -> web.Response:
        plan = {"maxUserCount": 100, "name": "Enterprise", "isYearly": True}
        return self._data({"name": "sandbox", "userCount": len(self._desk.account.users), "plan": plan})

    async def _add_heartbeat(self, request: web.Request) -> web.Response:
        body = await _object(request)
        if not body.get("name") or not isinstance(body.get("interval"), int) or body["interval"] < 1:
            raise unprocessable(name="name and an interval of at least 1 should be provided")
        if body.get("intervalUnit") not in ("minutes", "hours", "days"):
            raise unprocessable(intervalUnit="should be one of [ minutes, hours, days ]")
        self.heartbeats[body["name"]] = body
        return web.json_response(
            {"data": {**body, "expired": False}, "took": 0.001, "requestId": self._new_id()}, status=201
        )

    async def _ping(self, request: web.Request) -> web.Response:
        """202 even for a heartbeat that does not exist."""
        self.pings[request.match_info["name"]] = self._desk.clock.now()
        answer = {"result": "PONG - Heartbeat received", "took": 0.001, "requestId": self._new_id()}
        return web.json_response(answer, status=202)

    def _names(self, name: str) -> Callable[[web.Request], Any]:
        async def handler(request: web.Request) -> web.Response:
            listed = named(self._desk.account)[name]
            wanted = request.match_info.get("id")
            if wanted is None:
                return self._data(listed)
            keys = ("name", "username", "id")
            found = next((one for one in listed if wanted in [one.get(key) for key in keys]), None)
            if found is None:
                raise Refusal(404, f"No {name.removesuffix('s')} exists with that identifier")
            return self._data(found)

        return handler

    def _data(self, data: Any, **more: Any) -> web.Response:
        return web.json_response({"data": data, **more, "took": 0.002, "requestId": self._new_id()})

    def _new_id(self) -> str:
        return self._desk.ids.uuid("answer")

    def forget(self) -> None:
        self.requests.clear()
        self.pings.clear()
        self.heartbeats.clear()


def operation(method: str, path: str, body: Any) -> str:
    if method == "GET":
        return "read"
    if path.rstrip("/") == "/v2/alerts":
        return "create"
    return OPERATIONS.get(path.rsplit("/", 1)[-1], "other")


def plain(status: int, text: str) -> web.Response:
    return Refusal(status, text).response()


def throttled(wait: float | None) -> web.Response:
    headers = {} if wait is None else _throttle_headers(wait)
    return Refusal(429, "You are making too many requests!", headers=headers).response()


def _throttle_headers(wait: float) -> dict[str, str]:
    return {
        "X-RateLimit-State": "THROTTLED",
        "X-RateLimit-Reason": "ACCOUNT",
        "X-RateLimit-Period-In-Sec": f"{wait:g}",
    }


def _check_verb(verb: str, body: Json) -> None:
    """422 where the door already sees that the verb cannot be done."""
    needed = _NEEDED.get(verb)
    if needed and not body.get(needed):
        raise unprocessable(**{needed: f"{needed} should be provided"})
    if verb == "priority" and body["priority"] not in PRIORITIES:
        raise unprocessable(priority="should be one of [ P1, P2, P3, P4, P5 ]")
    if verb == "message" and len(body["message"]) > 130:
        raise unprocessable(message="can not be longer than 130 characters.")
    if verb == "assign" and not (body["owner"].get("id") or body["owner"].get("username")):
        raise unprocessable(owner="id or username should be provided")
    if verb == "snooze":
        try:
            aware = datetime.fromisoformat(body["endTime"]).tzinfo is not None
        except (TypeError, ValueError):
            aware = False
        if not aware:
            raise unprocessable(endTime="should be an ISO 8601 time with its zone")


def _identifier_type(request: web.Request) -> str:
    kind = request.query.get("identifierType", "id").lower()
    if kind not in ("id", "tiny", "alias"):
        raise unprocessable(identifierType="should be one of [ id, tiny, alias ]")
    return kind


def number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, str(default))
    if not text.isdigit():
        raise unprocessable(**{name: "should be a whole number"})
    return int(text)


def _paging(request: web.Request, offset: int, limit: int, total: int) -> Json:
    def at(start: int) -> str:
        return str(request.url.update_query({"offset": str(start), "limit": str(limit)}))

    last = max((total - 1) // max(limit, 1) * limit, 0)
    paging = {"first": at(0), "last": at(last)}
    if offset + limit < total:
        paging["next"] = at(offset + limit)
    if offset > 0:
        paging["prev"] = at(max(offset - limit, 0))
    return paging


async def _object(request: web.Request) -> Json:
    body: Any = await request.json() if request.body_exists else {}
    if not isinstance(body, dict):
        raise Refusal(400, "Request body is not a JSON object")
    return body
