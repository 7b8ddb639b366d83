"""A small provider of the tests' own and the server it calls: what it answers is in the test's hand."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from aiohttp import web

from tocsin.core.ports import (
    Accepted,
    Call,
    ChangeKind,
    ConnectorSettings,
    Effect,
    EffectKind,
    FaultKind,
    Malformed,
    Outcome,
    Pending,
    Proof,
    Rejected,
    RemoteChange,
    RemoteStatus,
    Request,
    Response,
    Retry,
    WireFault,
)
from tocsin.providers import ProviderKind

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class BellServer:
    """Rings by key, like a provider that knows our keys: a second create with one key rings nobody. `told` = the pages
    that a key told as one."""

    rings: dict[str, int] = field(default_factory=dict)
    told: dict[str, list[str]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    script: list[Answer] = field(default_factory=list)
    url: str = ""
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{what}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        what = request.match_info["what"]
        self.calls.append(what)
        if self.script:
            return await self.script.pop(0)(request)
        return await self.well(request)

    async def well(self, request: web.Request) -> web.StreamResponse:
        """As it should be: 201 for a create, 200 or 404 for a look."""
        what, body = request.match_info["what"], await request.json()
        key = body["key"]
        if what == "look" and key not in self.rings:
            return web.json_response({}, status=404)
        if what == "create":
            self.rings[key] = self.rings.get(key, 0) + 1
            self.told[key] = body["bundled"]
        return web.json_response({"id": f"bell {key}"}, status=201)

    async def then_broken(self, request: web.Request) -> web.StreamResponse:
        """It is applied, but the answer never comes."""
        await self.well(request)
        assert request.transport is not None
        request.transport.abort()
        await asyncio.sleep(0)
        return web.Response()


def status(code: int, **headers: str) -> Answer:
    """Answer with a status and headers ("retry_after" is Retry-After)."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=code, headers={n.replace("_", "-"): v for n, v in headers.items()})

    return answer


class Bell:
    """The provider: one POST per effect, a look first where an earlier one may have been applied."""

    def check_settings(self, settings: Mapping[str, Any]) -> list[tuple[str, str]]:
        return [] if settings.get("base_url") else [("base_url", "is required")]

    def first_call(self, effect: Effect, connector: ConnectorSettings) -> Call:
        looks = effect.look_first and effect.kind is EffectKind.CREATE
        return self._call(effect, connector, "look" if looks else effect.kind.value)

    def _call(self, effect: Effect, connector: ConnectorSettings, step: str) -> Call:
        said = {"key": effect.key, "title": effect.title, "note": effect.note}
        body = json.dumps({**said, "bundled": [one.title for one in effect.bundled]}).encode()
        headers = {"X-Key": str(connector.settings["api_key"])}
        url = f"{connector.settings['base_url']}/{step}"
        return Call(Request(method="POST", url=url, headers=headers, body=body), step, reads=step == "look")

    def outcome_of(
        self, effect: Effect, connector: ConnectorSettings, step: str, answer: Response | WireFault
    ) -> Outcome:
        if isinstance(answer, WireFault):
            return Retry(reason=answer.message, ambiguous=answer.kind is FaultKind.AMBIGUOUS)
        if answer.status == 429:
            wait = timedelta(seconds=float(answer.headers["retry-after"]))
            return Retry(reason="too many", not_before=wait, counts=False, throttled=True)
        if answer.status >= 500:
            wait_for = answer.headers.get("retry-after")
            return Retry(
                reason=str(answer.status), not_before=timedelta(seconds=float(wait_for)) if wait_for else None
            )
        if step == "look" and answer.status == 404:
            return Pending(self._call(effect, connector, "create"))
        if answer.status >= 400:
            return Rejected(reason=f"refused with {answer.status}", status=answer.status)
        found = json.loads(answer.body)["id"]
        return Accepted(remote_id=found, created=True, adopted=step == "look", status=RemoteStatus.UNKNOWN)

    def verify_webhook(self, request: Request, connector: ConnectorSettings) -> Proof:
        shown = request.headers.get("x-signature")
        if shown is None:
            return Proof.STRANGER
        return (
            Proof.GENUINE
            if hmac.compare_digest(shown, str(connector.settings["webhook_token"]))
            else Proof.WRONG
        )

    def read_webhook(self, request: Request) -> list[RemoteChange]:
        try:
            told = json.loads(request.body)
            return [RemoteChange(**{**told, "kind": ChangeKind(told["kind"])})]
        except (ValueError, KeyError, TypeError) as fault:
            raise Malformed(f"not a change: {fault}") from None


class Broken(Bell):
    """One with a bug: reading the answer fails, after the call was sent."""

    def outcome_of(
        self, effect: Effect, connector: ConnectorSettings, step: str, answer: Response | WireFault
    ) -> Outcome:
        if step == "create":
            raise KeyError(f"no field for {connector.settings['api_key']}")
        return super().outcome_of(effect, connector, step, answer)


ABILITIES = frozenset({"create", "acknowledge", "resolve", "note", "verify_webhook", "read_webhook"})
KINDS = {
    name: ProviderKind(name, module, {"name": name, "title": name, "rate": rate}, ABILITIES | more)
    for name, module, rate, more in (
        ("bell", Bell(), {}, frozenset[str]()),
        ("slow-bell", Bell(), {"per_minute": 60, "burst": 3}, frozenset[str]()),
        ("broken-bell", Broken(), {}, frozenset[str]()),
        ("town-crier", Bell(), {}, frozenset({"bundles", "mails_people"})),
    )
}
