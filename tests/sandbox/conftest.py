"""A sandbox on free ports, a caller for each of its doors, and a receiver that stands in for the hub's webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tocsin.sandbox.listener import Listener
from tocsin.sandbox.server import Sandbox, SandboxSettings

BOT = {"From": "tocsin-bot@example.com"}
Json = dict[str, Any]


@dataclass
class Answer:
    status: int
    headers: Any
    json: Any


@dataclass
class Caller:
    """Calls one address; headers given here go with every call."""

    session: aiohttp.ClientSession
    base: str
    headers: dict[str, str]

    async def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        chosen = {**self.headers, **headers}
        async with self.session.request(method, self.base + path, json=body, headers=chosen) as response:
            text = await response.read()
            is_json = text and response.content_type == "application/json"
            return Answer(response.status, response.headers, await response.json() if is_json else None)


@dataclass
class House:
    """A running sandbox with callers for its control, PagerDuty (REST, Events) and Opsgenie."""

    sandbox: Sandbox
    control: Caller
    pd: Caller
    events: Caller
    og: Caller

    async def incident(self, title: str = "Database down", service: str = "PPAY001", **fields: Any) -> Json:
        """Create an incident as the bot; gives the REST body."""
        wanted = {
            "type": "incident",
            "title": title,
            "service": {"id": service, "type": "service_reference"},
            **fields,
        }
        answer = await self.pd("POST", "/incidents", {"incident": wanted}, **BOT)
        assert answer.status == 201, answer.json
        return dict(answer.json["incident"])

    async def update(self, incident: Json, **fields: Any) -> Answer:
        return await self.pd(
            "PUT", f"/incidents/{incident['id']}", {"incident": {"type": "incident", **fields}}, **BOT
        )

    async def whole(self, incident: Json) -> Json:
        """The control API's view: with log, notes and who was rung."""
        answer = await self.control("GET", f"/pagerduty/incidents/{incident['id']}")
        return dict(answer.json["incident"])

    async def advance(self, seconds: float) -> None:
        assert (await self.control("POST", "/clock", {"advance": seconds})).status == 200

    async def fault(self, vendor: str, kind: str, **more: Any) -> str:
        answer = await self.control("POST", "/faults", {"vendor": vendor, "kind": kind, **more})
        assert answer.status == 201, answer.json
        return str(answer.json["id"])

    async def alert(self, **fields: Any) -> Json:
        """Create an Opsgenie alert and let it be processed; gives the control API's view."""
        answer = await self.og("POST", "/v2/alerts", {"message": "Ledger lag", **fields})
        assert answer.status == 202, answer.json
        result = await self.processed(answer)
        return dict((await self.control("GET", f"/opsgenie/alerts/{result['alertId']}")).json["alert"])

    async def processed(self, answer: Answer) -> Json:
        """The result of an accepted write, once sandbox time has passed its processing delay."""
        await self.advance(1)
        return dict((await self.og("GET", f"/v2/alerts/requests/{answer.json['requestId']}")).json["data"])


@dataclass
class Receiver:
    """Takes webhooks; `statuses` are given in turn, then 200. `hold` delays every answer until set."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    silent: bool = False

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((dict(request.headers) | {"path": request.path_qs}, await request.read()))
        if self.silent:
            await asyncio.sleep(30)
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)


async def until(true: Callable[[], bool | Awaitable[bool]], seconds: float = 20.0) -> None:
    """Wait for something to become so, looking every 10 ms."""
    async with asyncio.timeout(seconds):
        while True:
            found = true()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.01)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    sandbox = Sandbox(SandboxSettings(port=0))
    await sandbox.start()
    timeout = aiohttp.ClientTimeout(total=15)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        token = {"Authorization": "Token token=any"}
        yield House(
            sandbox,
            Caller(session, sandbox.control_url, {}),
            Caller(session, sandbox.pagerduty_url, token),
            Caller(session, sandbox.pagerduty_events_url, {}),
            Caller(session, sandbox.opsgenie_url, {"Authorization": "GenieKey any"}),
        )
    await sandbox.stop()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", made.take)
    listener = Listener("127.0.0.1", 0, None)
    await listener.serve_app(app)
    made.url = f"http://127.0.0.1:{listener.port}/hook"
    yield made
    await listener.stop()
