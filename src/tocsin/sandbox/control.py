"""How is the sandbox steered and read? The control API: calls, faults, clock, limits, settings, webhooks, mails, reset."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from aiohttp import web

from tocsin.sandbox.clock import iso_millis
from tocsin.sandbox.faults import FaultOrderError
from tocsin.sandbox.gate import Handler
from tocsin.sandbox.pagerduty.errors import Refusal as PagerDutyRefusal
from tocsin.sandbox.pagerduty.subscriptions import EVENT_TYPES
from tocsin.sandbox.people import PeopleRoutes
from tocsin.sandbox.requests import Unfit, add_query, number, object_of
from tocsin.sandbox.schedules import ScheduleRoutes
from tocsin.sandbox.world import World

Json = dict[str, Any]


def application(world: World) -> web.Application:
    """The control API and its page."""
    app = web.Application(middlewares=[_explain])
    Control(world).add_to(app.router)
    PeopleRoutes(world).add_to(app.router)
    ScheduleRoutes(world).add_to(app.router)
    return app


class Control:
    def __init__(self, world: World) -> None:
        self._world = world

    def add_to(self, router: web.UrlDispatcher) -> None:
        get, post, delete = router.add_get, router.add_post, router.add_delete
        get("/", self._page)
        get("/calls", self._calls)
        delete("/calls", self._forget_calls)
        get("/faults", self._faults)
        post("/faults", self._order)
        delete("/faults", self._lift)
        delete("/faults/{id}", self._lift)
        get("/clock", self._clock)
        post("/clock", self._advance)
        get("/limits", self._limits)
        post("/limits", self._set_limits)
        get("/settings", self._settings)
        post("/settings", self._set_settings)
        get("/webhooks", self._webhooks)
        post("/webhooks", self._add_webhook)
        delete("/webhooks/{id}", self._remove_webhook)
        post("/webhooks/{id}/secrets", self._add_secret)
        get("/deliveries", self._deliveries)
        get("/mails", self._mails)
        delete("/mails", self._forget_mails)
        post("/reset", self._reset)

    async def _page(self, request: web.Request) -> web.Response:
        page = files("tocsin.sandbox").joinpath("page.html").read_text(encoding="utf-8")
        policy = (
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"
        )
        return web.Response(text=page, content_type="text/html", headers={"Content-Security-Policy": policy})

    # -- records -------------------------------------------------------------------------------------------------

    async def _calls(self, request: web.Request) -> web.Response:
        calls = self._world.ledger.select(request.query.get("vendor"), number(request, "since"))
        return web.json_response({"calls": calls})

    async def _forget_calls(self, request: web.Request) -> web.Response:
        self._world.ledger.clear()
        return web.Response(status=204)

    async def _deliveries(self, request: web.Request) -> web.Response:
        tried = [
            *self._world.pagerduty.postman.attempts,
            *self._world.opsgenie.postman.attempts,
            *self._world.jsm.postman.attempts,
        ]
        vendor = request.query.get("vendor")
        chosen = [attempt for attempt in tried if vendor in (None, attempt["vendor"])]
        return web.json_response({"deliveries": sorted(chosen, key=lambda attempt: str(attempt["at"]))})

    async def _mails(self, request: web.Request) -> web.Response:
        return web.json_response({"mails": self._world.mails.select(number(request, "since"))})

    async def _forget_mails(self, request: web.Request) -> web.Response:
        self._world.mails.clear()
        return web.Response(status=204)

    # -- trouble -------------------------------------------------------------------------------------------------

    async def _faults(self, request: web.Request) -> web.Response:
        return web.json_response({"faults": [fault.shown() for fault in self._world.faults.all()]})

    async def _order(self, request: web.Request) -> web.Response:
        try:
            fault = await self._world.order(await object_of(request))
        except FaultOrderError as error:
            raise Unfit(400, str(error)) from error
        return web.json_response(fault.shown(), status=201)

    async def _lift(self, request: web.Request) -> web.Response:
        fault_id = request.match_info.get("id")
        if not await self._world.lift(fault_id) and fault_id is not None:
            raise Unfit(404, f"There is no fault {fault_id}; GET /faults lists those ordered")
        return web.Response(status=204)

    # -- time and limits -----------------------------------------------------------------------------------------

    async def _clock(self, request: web.Request) -> web.Response:
        return self._time()

    async def _advance(self, request: web.Request) -> web.Response:
        seconds = (await object_of(request)).get("advance")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
            raise Unfit(
                400, "advance must be a number of seconds of at least 0; sandbox time never runs backwards"
            )
        await self._world.clock.advance(float(seconds))
        return self._time()

    def _time(self) -> web.Response:
        clock = self._world.clock
        return web.json_response(
            {"now": iso_millis(clock.now()), "offset_seconds": round(clock.offset_seconds, 3)}
        )

    async def _limits(self, request: web.Request) -> web.Response:
        return web.json_response(self._world.limits.shown())

    async def _set_limits(self, request: web.Request) -> web.Response:
        """`{"enabled": false}` or numbers a minute by name; counts start over."""
        body, limits = await object_of(request), self._world.limits
        for name, value in body.items():
            if name != "enabled" and name not in limits.per_minute:
                raise Unfit(400, f"unknown limit {name!r}; known: enabled, {', '.join(limits.per_minute)}")
            if not isinstance(value, bool if name == "enabled" else int) or (
                name != "enabled" and value is True
            ):
                raise Unfit(
                    400,
                    f"{name} must be {'true or false' if name == 'enabled' else 'a whole number a minute'}",
                )
        limits.enabled = body.pop("enabled", limits.enabled)
        limits.per_minute.update(body)
        limits.forget()
        return web.json_response(limits.shown())

    async def _settings(self, request: web.Request) -> web.Response:
        return self._shown_settings()

    async def _set_settings(self, request: web.Request) -> web.Response:
        """`{"pagerduty": {"token"}, "opsgenie" and "jsm": {"token", "processing_delay_ms"}}`; token null takes any again."""
        body, world = await object_of(request), self._world
        for vendor, wanted in body.items():
            desks = {"opsgenie": world.opsgenie, "jsm": world.jsm}
            known = {"token"} if vendor == "pagerduty" else {"token", "processing_delay_ms"}
            if (
                vendor not in ("pagerduty", *desks)
                or not isinstance(wanted, dict)
                or not set(wanted) <= known
            ):
                raise Unfit(
                    400, "settings are {pagerduty: {token}, opsgenie and jsm: {token, processing_delay_ms}}"
                )
            access = world.pagerduty.access if vendor == "pagerduty" else desks[vendor].access
            access.required = wanted.get("token", access.required)
            if "processing_delay_ms" in wanted:
                desks[vendor].settings.processing_delay = float(wanted["processing_delay_ms"]) / 1000
        return self._shown_settings()

    def _shown_settings(self) -> web.Response:
        shown: Json = {"pagerduty": {"one_token_only": self._world.pagerduty.access.required is not None}}
        for desk in (self._world.opsgenie, self._world.jsm):
            shown[desk.vendor] = {
                "one_token_only": desk.access.required is not None,
                "processing_delay_ms": desk.settings.processing_delay * 1000,
            }
        return web.json_response(shown)

    async def _reset(self, request: web.Request) -> web.Response:
        """`{"keep_webhooks": true}` leaves the registered webhooks; everything else starts over."""
        body = await object_of(request)
        await self._world.reset(keep_webhooks=bool(body.get("keep_webhooks", False)))
        return web.json_response({"reset": True})

    # -- webhooks ------------------------------------------------------------------------------------------------

    async def _webhooks(self, request: web.Request) -> web.Response:
        subscriptions = self._world.pagerduty.subscriptions
        listed: list[Json] = [
            {"id": s.id, "vendor": "pagerduty", "url": s.url, "active": s.active, "secrets": len(s.secrets)}
            | {"temporarily_disabled": subscriptions.shown(s)["temporarily_disabled"]}
            for s in subscriptions.all.values()
        ]
        listed += [
            {"id": w.id, "vendor": desk.vendor, "url": w.url.partition("?")[0]}
            for desk in (self._world.opsgenie, self._world.jsm)
            for w in desk.webhooks.all.values()
        ]
        return web.json_response({"webhooks": listed})

    async def _add_webhook(self, request: web.Request) -> web.Response:
        body = await object_of(request)
        url, headers = body.get("url"), body.get("headers") or {}
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise Unfit(400, "url must be the http(s) address that receives the webhooks")
        if not isinstance(headers, dict):
            raise Unfit(400, "headers must be an object of header name to value")
        if body.get("token"):
            url = add_query(url, "token", str(body["token"]))
        if body.get("vendor") == "pagerduty":
            return self._subscribe(url, body, headers)
        for desk in (self._world.opsgenie, self._world.jsm):
            if body.get("vendor") == desk.vendor:
                webhook = desk.webhooks.add(url, {str(k): str(v) for k, v in headers.items()})
                return web.json_response({"id": webhook.id, "vendor": desk.vendor}, status=201)
        raise Unfit(400, "vendor must be pagerduty, opsgenie or jsm")

    def _subscribe(self, url: str, body: Json, headers: Json) -> web.Response:
        subscription = self._world.pagerduty.subscriptions.create(
            {
                "delivery_method": {
                    "url": url,
                    "custom_headers": [{"name": k, "value": v} for k, v in headers.items()],
                },
                "events": body.get("events") or list(EVENT_TYPES),
                "filter": body.get("filter") or {"type": "account_reference"},
            },
            secret=body.get("secret"),
        )
        secret = subscription.secrets[0]
        return web.json_response({"id": subscription.id, "vendor": "pagerduty", "secret": secret}, status=201)

    async def _remove_webhook(self, request: web.Request) -> web.Response:
        webhook_id = request.match_info["id"]
        subscriptions = self._world.pagerduty.subscriptions
        desks = (self._world.opsgenie, self._world.jsm)
        holder = next((d for d in desks if webhook_id in d.webhooks.all), None)
        if webhook_id in subscriptions.all:
            subscriptions.delete(subscriptions.all[webhook_id])
        elif holder is not None:
            holder.webhooks.remove(webhook_id)
        else:
            raise Unfit(404, f"There is no webhook {webhook_id}; GET /webhooks lists them")
        return web.Response(status=204)

    async def _add_secret(self, request: web.Request) -> web.Response:
        """A second signing secret: deliveries carry both signatures, as in a rotation. `{"only": true}` drops the old ones."""
        subscription = self._world.pagerduty.subscriptions.all.get(request.match_info["id"])
        body = await object_of(request)
        if subscription is None or not isinstance(body.get("secret"), str):
            raise Unfit(400, "needs the id of a PagerDuty webhook and a secret")
        kept = [] if body.get("only") else subscription.secrets
        subscription.secrets = [*kept, body["secret"]]
        return web.json_response({"id": subscription.id, "secrets": len(subscription.secrets)})


@web.middleware
async def _explain(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors of the control API are `{"error": sentence}`; what a vendor's rules refuse keeps the vendor's body."""
    try:
        return await handler(request)
    except Unfit as error:
        return web.json_response({"error": str(error)}, status=error.status)
    except PagerDutyRefusal as refusal:
        return refusal.response()
    except web.HTTPException as error:
        return web.json_response(
            {"error": f"{error.reason}: {request.method} {request.path}"}, status=error.status
        )
    except json.JSONDecodeError as error:
        return web.json_response({"error": f"The body is not valid JSON: {error}"}, status=400)
