"""Which integrations does the simulated Opsgenie have? Webhook integrations can be made, switched and taken away.

`/v2/integrations`: opsgenie/opsgenie-oas@71c5534 (researched 2026-11-20). The list leaves out what a type has of its own,
so the address stands in the single integration alone. The seeded API integration is listed and cannot be changed here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from tocsin.sandbox.opsgenie.account import Account
from tocsin.sandbox.opsgenie.errors import Refusal, unprocessable
from tocsin.sandbox.opsgenie.webhooks import Webhook, Webhooks

Json = dict[str, Any]
PATH = "/v2/integrations"
Answer = Callable[..., web.Response]


class Integrations:
    """The routes; `answer` wraps data as every answer of Opsgenie is."""

    def __init__(self, account: Account, webhooks: Webhooks, answer: Answer) -> None:
        self._account, self._webhooks, self._answer = account, webhooks, answer

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_get(PATH, self._list)
        router.add_post(PATH, self._create)
        router.add_get(f"{PATH}/{{id}}", self._read)
        router.add_delete(f"{PATH}/{{id}}", self._delete)
        router.add_post(f"{PATH}/{{id}}/enable", self._switch(on=True))
        router.add_post(f"{PATH}/{{id}}/disable", self._switch(on=False))

    async def _list(self, request: web.Request) -> web.Response:
        wanted = request.query.get("type", "")
        listed = [_heading(one) for one in self._webhooks.all.values()]
        own = {
            "id": self._account.integration_id,
            "name": "Default API",
            "enabled": True,
            "type": "API",
            "version": "v2",
        }
        return self._answer([one for one in (own, *listed) if wanted in ("", one["type"])])

    async def _create(self, request: web.Request) -> web.Response:
        body = await request.json()
        name, url = body.get("name"), body.get("url")
        if body.get("type") != "Webhook":
            raise unprocessable(type="the sandbox makes integrations of type Webhook alone")
        if not isinstance(name, str) or not name.strip():
            raise unprocessable(name="may not be empty")
        if any(one.name == name for one in self._webhooks.all.values()):
            raise Refusal(409, "Integration with the same name already exists")
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise unprocessable(url="must be a valid URL")
        made = self._webhooks.add(
            url, dict(body.get("headers") or {}), name, enabled=body.get("enabled", True)
        )
        answer = self._answer(_heading(made), result="Created")
        answer.set_status(201)
        return answer

    async def _read(self, request: web.Request) -> web.Response:
        one = self._found(request)
        return self._answer(
            {**_heading(one), "url": one.url, "headers": one.headers, "addAlertDescription": True}
        )

    async def _delete(self, request: web.Request) -> web.Response:
        self._webhooks.remove(self._found(request).id)
        return self._answer({}, result="Deleted")

    def _switch(self, *, on: bool) -> Callable[[web.Request], Any]:
        async def handler(request: web.Request) -> web.Response:
            one = self._found(request)
            one.enabled = on
            return self._answer(_heading(one), result="Enabled" if on else "Disabled")

        return handler

    def _found(self, request: web.Request) -> Webhook:
        found = self._webhooks.all.get(request.match_info["id"])
        if found is None:
            raise Refusal(404, "No integration exists with that id")
        return found


def _heading(one: Webhook) -> Json:
    return {
        "id": one.id,
        "name": one.name,
        "enabled": one.enabled,
        "type": "Webhook",
        "version": "v2",
        "teamId": None,
    }
