"""What does the simulated PagerDuty REST API answer, apart from incidents?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from aiohttp import web

from tocsin.sandbox.access import Access
from tocsin.sandbox.clock import iso_seconds
from tocsin.sandbox.gate import Door, Gate
from tocsin.sandbox.limits import Limits, Verdict
from tocsin.sandbox.pagerduty import oncalls
from tocsin.sandbox.pagerduty.account import (
    Account,
    Json,
    policy_json,
    priority_json,
    reference,
    schedule_ref,
    service_json,
    user_json,
    user_ref,
)
from tocsin.sandbox.pagerduty.errors import Refusal, not_found
from tocsin.sandbox.pagerduty.machine import Desk
from tocsin.sandbox.pagerduty.paging import moment, page
from tocsin.sandbox.pagerduty.rest_incidents import IncidentRoutes, json_object
from tocsin.sandbox.pagerduty.subscriptions import Subscriptions

ABILITIES = [
    "sso",
    "urgencies",
    "teams",
    "coordinated_responding",
    "event_rules",
    "webhook_subscriptions",
    "custom_fields",
]


class Rest:
    """The REST API v2 of the account."""

    def __init__(
        self, account: Account, desk: Desk, subscriptions: Subscriptions, limits: Limits, access: Access
    ) -> None:
        self._account = account
        self._desk = desk
        self._subscriptions = subscriptions
        self._limits = limits
        self._access = access

    def application(self, gate: Gate) -> web.Application:
        door = Door("pagerduty", "rest", operation, self._admit, plain, throttled, Refusal)
        app = gate.application(door)
        IncidentRoutes(self._account, self._desk).add_to(app.router)
        get, post = app.router.add_get, app.router.add_post
        get("/abilities", self._abilities)
        get("/users", self._users)
        get("/users/me", self._me)
        get("/users/{id}", self._user)
        get("/services", self._services)
        get("/services/{id}", self._service)
        get("/escalation_policies", self._policies)
        get("/escalation_policies/{id}", self._policy)
        get("/schedules", self._schedules)
        get("/schedules/{id}", self._schedule)
        get("/teams", self._teams)
        get("/priorities", self._priorities)
        get("/oncalls", self._oncalls)
        get("/webhook_subscriptions", self._subscription_list)
        post("/webhook_subscriptions", self._subscribe)
        get("/webhook_subscriptions/{id}", self._subscription)
        app.router.add_put("/webhook_subscriptions/{id}", self._update_subscription)
        app.router.add_delete("/webhook_subscriptions/{id}", self._unsubscribe)
        post("/webhook_subscriptions/{id}/ping", self._ping)
        post("/webhook_subscriptions/{id}/enable", self._enable)
        return app

    # -- at the door ---------------------------------------------------------------------------------------------

    def _admit(self, request: web.Request, body: Any) -> dict[str, str]:
        token = _token(request.headers.get("Authorization", ""))
        if not self._access.knows(token):
            raise Refusal(
                401,
                "Authentication failed",
                2006,
                "The token is unknown here (revoked, or of another region)",
            )
        if request.method != "GET" and not self._access.may_write(token):
            raise Refusal(403, "Access Denied", 2010, "The token may only read")
        verdict = self._limits.take("pagerduty_rest", token)
        if request.path == "/oncalls":
            verdict = _closer(verdict, self._limits.take("pagerduty_oncalls", token))
        if request.path.startswith("/incidents") and request.method in ("POST", "PUT"):
            verdict = _closer(verdict, self._limits.take("pagerduty_incident_writes", token))
        headers = _rate_headers(verdict)
        if verdict and not verdict.passes:
            raise Refusal(429, "Rate Limit Exceeded", 2020, headers=headers)
        if request.method in ("POST", "PUT") and request.body_exists and body is None:
            raise Refusal(400, "Invalid Input Provided", 2001, "The body is not valid JSON", headers=headers)
        return headers

    # -- the account ---------------------------------------------------------------------------------------------

    async def _abilities(self, request: web.Request) -> web.Response:
        return web.json_response({"abilities": ABILITIES})

    async def _users(self, request: web.Request) -> web.Response:
        wanted = request.query.get("query", "").lower()
        users = [u for u in self._account.users.values() if wanted in f"{u.name} {u.email}".lower()]
        return page(request, "users", users, user_json)

    async def _me(self, request: web.Request) -> web.Response:
        raise Refusal(400, "Bad Request", 2001, "This token belongs to the account, not to a user")

    async def _user(self, request: web.Request) -> web.Response:
        return web.json_response({"user": user_json(_of(self._account.users, request))})

    async def _services(self, request: web.Request) -> web.Response:
        wanted = request.query.get("query", "").lower()
        services = [s for s in self._account.services.values() if wanted in s.name.lower()]
        return page(request, "services", services, lambda s: service_json(self._account, s))

    async def _service(self, request: web.Request) -> web.Response:
        return web.json_response(
            {"service": service_json(self._account, _of(self._account.services, request))}
        )

    async def _policies(self, request: web.Request) -> web.Response:
        wanted = request.query.get("query", "").lower()
        policies = [p for p in self._account.policies.values() if wanted in p.name.lower()]
        return page(request, "escalation_policies", policies, lambda p: policy_json(self._account, p))

    async def _policy(self, request: web.Request) -> web.Response:
        policy = _of(self._account.policies, request)
        return web.json_response({"escalation_policy": policy_json(self._account, policy)})

    async def _schedules(self, request: web.Request) -> web.Response:
        def shown(schedule_id: str) -> Json:
            body = schedule_ref(self._account, schedule_id)
            return {**body, "type": "schedule", "name": body["summary"], "time_zone": "Etc/UTC"}

        return page(request, "schedules", list(self._account.schedules), shown)

    async def _schedule(self, request: web.Request) -> web.Response:
        """With its final schedule between `since` and `until`, default the two weeks from now."""
        schedule = _of(self._account.schedules, request)
        now = self._desk.clock.now()
        since = moment(request, "since") or now
        until = moment(request, "until") or since + timedelta(weeks=2)
        turns = [
            {
                "start": iso_seconds(one.start),
                "end": iso_seconds(one.end),
                "user": user_ref(self._account.users[one.person]),
            }
            for one in schedule.rotation.periods(since, until)
        ]
        body = schedule_ref(self._account, schedule.id)
        final = {"name": "Final Schedule", "rendered_schedule_entries": turns}
        more = {
            "type": "schedule",
            "name": schedule.name,
            "time_zone": "Etc/UTC",
            "final_schedule": final,
        }
        return web.json_response({"schedule": {**body, **more}})

    async def _teams(self, request: web.Request) -> web.Response:
        def shown(team_id: str) -> Json:
            name = self._account.teams[team_id]
            return {**reference("team", "teams", team_id, name), "type": "team", "name": name}

        return page(request, "teams", list(self._account.teams), shown)

    async def _priorities(self, request: web.Request) -> web.Response:
        return page(request, "priorities", list(self._account.priorities.values()), priority_json)

    async def _oncalls(self, request: web.Request) -> web.Response:
        found = oncalls.entries(self._account, request, self._desk.clock.now())
        return page(request, "oncalls", found, lambda entry: entry)

    # -- webhook subscriptions -----------------------------------------------------------------------------------

    async def _subscription_list(self, request: web.Request) -> web.Response:
        return page(
            request,
            "webhook_subscriptions",
            list(self._subscriptions.all.values()),
            self._subscriptions.shown,
        )

    async def _subscribe(self, request: web.Request) -> web.Response:
        subscription = self._subscriptions.create(
            (await json_object(request)).get("webhook_subscription") or {}
        )
        shown = self._subscriptions.shown(subscription, subscription.secrets[0])
        return web.json_response({"webhook_subscription": shown}, status=201)

    async def _subscription(self, request: web.Request) -> web.Response:
        subscription = self._subscriptions.find(request.match_info["id"])
        return web.json_response({"webhook_subscription": self._subscriptions.shown(subscription)})

    async def _update_subscription(self, request: web.Request) -> web.Response:
        subscription = self._subscriptions.find(request.match_info["id"])
        self._subscriptions.update(
            subscription, (await json_object(request)).get("webhook_subscription") or {}
        )
        return web.json_response({"webhook_subscription": self._subscriptions.shown(subscription)})

    async def _unsubscribe(self, request: web.Request) -> web.Response:
        self._subscriptions.delete(self._subscriptions.find(request.match_info["id"]))
        return web.Response(status=204)

    async def _ping(self, request: web.Request) -> web.Response:
        self._subscriptions.ping(self._subscriptions.find(request.match_info["id"]), None)
        return web.Response(status=202)

    async def _enable(self, request: web.Request) -> web.Response:
        subscription = self._subscriptions.find(request.match_info["id"])
        self._subscriptions.enable(subscription)
        return web.json_response({"webhook_subscription": self._subscriptions.shown(subscription)})


def operation(method: str, path: str, body: Any) -> str:
    """What a REST call does, in the words of the fault list."""
    if method == "GET":
        return "read"
    if method == "POST" and path == "/incidents":
        return "create"
    if method == "POST" and path.endswith("/notes"):
        return "note"
    if method == "PUT" and path.startswith("/incidents") and isinstance(body, dict):
        wanted = [body.get("incident"), *(body.get("incidents") or [])]
        statuses = {entry.get("status") for entry in wanted if isinstance(entry, dict)}
        return (
            "resolve" if "resolved" in statuses else "acknowledge" if "acknowledged" in statuses else "other"
        )
    return "other"


def plain(status: int, text: str) -> web.Response:
    code = {404: 2100, 500: 2000, 502: 2000, 503: 2000}.get(status)
    return web.json_response({"error": {"message": text, "code": code, "errors": [text]}}, status=status)


def throttled(wait: float | None) -> web.Response:
    """429; without `wait` bare of headers, as PagerDuty's documentation warns."""
    body = {"error": {"message": "Rate Limit Exceeded", "code": 2020}}
    if wait is None:
        return web.json_response(body, status=429)
    headers = {
        "ratelimit-limit": "960",
        "ratelimit-remaining": "0",
        "ratelimit-reset": f"{wait:g}",
        "Retry-After": f"{wait:g}",
    }
    return web.json_response(body, status=429, headers=headers)


def _token(header: str) -> str:
    for prefix in ("Token token=", "Bearer "):
        if header.startswith(prefix):
            return header[len(prefix) :].strip()
    return ""


def _closer(first: Verdict | None, second: Verdict | None) -> Verdict | None:
    """The verdict nearest to its limit, which is the one PagerDuty's headers speak of."""
    both = [verdict for verdict in (first, second) if verdict]
    return min(both, key=lambda verdict: (verdict.passes, verdict.remaining), default=None)


def _rate_headers(verdict: Verdict | None) -> dict[str, str]:
    if verdict is None:
        return {}
    figures = {"limit": verdict.limit, "remaining": verdict.remaining, "reset": verdict.reset}
    return {f"ratelimit-{name}": str(value) for name, value in figures.items()}


def _of(things: dict[str, Any], request: web.Request) -> Any:
    if (thing := things.get(request.match_info["id"])) is None:
        raise not_found()
    return thing
