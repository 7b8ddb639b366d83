"""The hot path: requests that bring events or webhooks, answered without a framework between.

A bare ASGI application that is asked first; what is not its own goes on to the rest of the API. Measured
in docs/adr/0005: a framework route costs more than everything else an identical repeat needs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec
from prometheus_client import Counter

from tocsin.api import auth, once, problems
from tocsin.core.dedup import Reading
from tocsin.core.errors import BadInput, Busy, FieldFault, Later, NotAllowed, NotFound, Refusal, TooLarge
from tocsin.core.ports import Request
from tocsin.engine import admission, heard, hook_gate, hooks, intake
from tocsin.engine.admission import Doorway
from tocsin.engine.envelope import Admitted
from tocsin.engine.hub import Hub, log
from tocsin.engine.ids import new_id
from tocsin.store import undecided
from tocsin.store.database import DatabaseAway

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_BYTES = 4 * 1024 * 1024
SLOW_SECONDS = 15.0
WAIT_SECONDS = 10.0
_JSON = [(b"content-type", b"application/json")]
_encode = msgspec.json.Encoder().encode


class Answer(Exception):
    """An answer that is not a problem document: status, body, content type."""

    def __init__(self, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        super().__init__(status)
        self.status, self.body, self.headers = status, body, headers or _JSON


class Intake:
    """Routes: /integrations/KEY, /api/v1/alerts[/batch], /v2/enqueue, /v2/change/enqueue, /connectors/NAME/webhook;
    the dialect also under /pagerduty; a trailing slash is forgiven everywhere."""

    def __init__(self, hub: Hub, door: Doorway, rest: App, *, count: Counter) -> None:
        self._hub, self._door, self._rest, self._events = hub, door, rest, count
        self._counted = {reading: count.labels(reading.value) for reading in Reading}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._rest(scope, receive, send)
            return
        work = self._route(scope)
        if work is None:
            await self._rest(scope, receive, send)
            return
        try:
            body = await _body(receive, _announced(scope))
            status, answer, headers = await work(_request(scope, body), scope)
        except Answer as made:
            status, answer, headers = made.status, made.body, made.headers
        except TooLarge as refusal:
            if work == self._webhook:
                heard.refused(self._hub, scope["path"].split("/")[2], _request(scope, b""), refusal)
            status, headers, answer = problems.raw(refusal)
            if _is_dialect(scope["path"]):
                answer = _encode(
                    {"status": "invalid event", "message": refusal.message, "errors": [refusal.message]}
                )
                headers = _JSON
        except Refusal as refusal:
            status, headers, answer = problems.raw(refusal)
        except DatabaseAway as away:
            status, headers, answer = problems.raw(away)
        except Exception as fault:  # noqa: BLE001 - the edge: told with an id, never with internals
            mark = str(new_id(self._hub.now()))
            log.exception("intake_failed", id=mark, fault=type(fault).__name__)
            unknown = Refusal(
                f"A fault of ours; nothing may have been kept. Quote {mark} when you ask about it"
            )
            status, headers, answer = problems.raw(unknown)
        headers = [*headers, (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def _route(
        self, scope: Scope
    ) -> Callable[[Request, Scope], Awaitable[tuple[int, bytes, list[tuple[bytes, bytes]]]]] | None:
        path, method = scope["path"], scope["method"]
        if "//" in path or (len(path) > 1 and path.endswith("/")):
            # a base address with a slash at its end is common: the page must not be lost over it
            path = scope["path"] = "/" + "/".join(part for part in path.split("/") if part)
        if method == "POST":
            if path == "/api/v1/alerts":
                return self._alert
            if path == "/api/v1/alerts/batch":
                return self._batch
            if _is_dialect(path):
                return self._pagerduty
            if path.startswith("/connectors/") and path.endswith("/webhook") and path.count("/") == 3:
                return self._webhook
        if path.startswith("/integrations/") and path.count("/") == 2 and method in ("POST", "GET", "PUT"):
            return self._integration
        return None

    async def _integration(
        self, request: Request, scope: Scope
    ) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
        key = scope["path"].split("/")[2]
        integration = intake.integration_by_key(self._hub, key)
        if integration is None:
            raise NotFound(
                "No integration has this key",
                hint="`im api GET /api/v1/integrations` lists them; keys are shown once",
            )
        methods = self._hub.sources[integration.source].manifest.get("methods", ["POST"])
        if request.method not in methods:
            raise NotFound(f"{integration.name} takes {', '.join(methods)}, not {request.method}")
        answers = self._count(await intake.take(self._hub, self._door, integration, request, key=key))
        return 202, _encode({"status": "accepted", "items": [_item(a) for a in answers]}), _JSON

    async def _alert(self, request: Request, scope: Scope) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
        who = await auth.authorize(self._hub, scope, "intake")
        answers, headers = await self._taken(request, who, batch=False)
        if "wait=decision" in request.query and answers[0].kept:
            return 202, _encode({**_item(answers[0]), "reasons": [answers[0].reason]}), headers
        if "wait=decision" in request.query:
            return 200, _encode({**_item(answers[0]), **await self._decided(answers[0])}), headers
        return 202, _encode(_item(answers[0])), headers

    async def _batch(self, request: Request, scope: Scope) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
        who = await auth.authorize(self._hub, scope, "intake")
        answers, headers = await self._taken(request, who, batch=True)
        return 202, _encode({"items": [_item(a) for a in answers]}), headers

    async def _taken(
        self, request: Request, who: auth.Principal, *, batch: bool
    ) -> tuple[list[Admitted], list[tuple[bytes, bytes]]]:
        """What became of the alerts, now or under the same key before; and the headers that say which."""
        if once.HEADER in request.headers and self._hub.away is None:
            key = once.key_in(request.headers)
            try:
                work = self._taken_once(request, who, key, batch=batch)
                return await self._hub.patience.within(admission.SLOW_SECONDS, work)
            except DatabaseAway:
                pass  # a key must not keep an alert out: the door may have a place for it yet
        return self._count(await intake.take_api(self._hub, self._door, request, batch=batch)), _JSON

    async def _taken_once(
        self, request: Request, who: auth.Principal, key: str, *, batch: bool
    ) -> tuple[list[Admitted], list[tuple[bytes, bytes]]]:
        async def work() -> once.Kept:
            made = await intake.take_api(self._hub, self._door, request, batch=batch, alone=True)
            return once.Kept(202, {}, _encode(made))

        # whether the decision is waited for is no part of what is asked
        said = once.print_of(request.path.encode(), request.body)
        kept = await once.once(self._hub, who.id, key, said, work)
        answers = msgspec.json.decode(kept.body, type=list[Admitted])
        if kept.replayed:
            return answers, [*_JSON, (once.REPLAYED.lower().encode(), b"true")]
        return self._count(answers), _JSON

    async def _pagerduty(
        self, request: Request, scope: Scope
    ) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
        """PagerDuty's Events API v2, spoken as the original does (IN-11)."""
        module: Any = self._hub.sources["pagerduty_events"].module
        refused = module.refusal(request)
        if refused is not None:
            return refused[0], refused[1], _JSON
        key = module.routing_key(request)
        integration, doubt = intake.integration_by_key(self._hub, key), ""
        if integration is None or integration.source != "pagerduty_events":
            doubt = "'routing_key' belongs to no integration of this hub"
            integration = intake.integration_of_unknown_keys(self._hub, "pagerduty_events", key)
        if integration is None:
            errors = [doubt]
            body = {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
            return 400, _encode(body), _JSON
        try:
            answers = self._count(
                await intake.take(self._hub, self._door, integration, request, key=key, doubt=doubt)
            )
        except (Later, DatabaseAway) as fault:
            return _dialects_later(fault)
        if request.path.rstrip("/").endswith("/change/enqueue"):
            return 202, module.accepted_change(), _JSON
        return 202, module.accepted(answers[0].dedup_key if answers else ""), _JSON

    def _count(self, answers: list[Admitted]) -> list[Admitted]:
        for answer in answers:
            self._counted[answer.reading].inc()
        return answers

    async def _webhook(self, request: Request, scope: Scope) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
        name = scope["path"].split("/")[2]
        safe = hook_gate.encrypted(str(scope.get("scheme", "http")), request.remote_address)
        try:
            await hooks.receive(self._hub, name, request, encrypted=safe)
        except (Refusal, DatabaseAway) as fault:
            heard.refused(self._hub, name, request, fault)
            raise
        return 202, b'{"status":"stored"}', _JSON

    async def _decided(self, answer: Admitted) -> dict[str, Any]:
        """What was decided, waited for; after WAIT_SECONDS what is known so far."""
        if answer.alert_id is None:
            return {"incident": None, "severity": None, "route": "", "reasons": [answer.reason]}
        loop = asyncio.get_running_loop()
        until = loop.time() + WAIT_SECONDS
        alert_id = answer.alert_id
        while True:
            found = await self._hub.database.read(lambda c: undecided.decision_state(c, alert_id))
            if found is None:
                raise NotFound("The alert is gone")
            alert, decision, waits = found
            if not waits or loop.time() > until:
                return await self._told(alert.incident_id, alert, decision or {}, waits)
            await self._hub.wake.wait("decided", 0.1)

    async def _told(
        self, incident_id: Any, alert: Any, decision: dict[str, Any], waits: bool
    ) -> dict[str, Any]:
        name = (
            await self._hub.database.read(lambda c: undecided.incident_name(c, incident_id))
            if incident_id
            else None
        )
        return {
            "incident": name,
            "status": alert.status.value,
            "severity": alert.severity.value if alert.severity else None,
            "route": decision.get("route", ""),
            "rule": decision.get("rule", ""),
            "policy": decision.get("policy", ""),
            "reasons": ["not decided yet; ask again"] if waits else decision.get("reasons", []),
            "config_version": decision.get("config_version"),
        }


def _item(answer: Admitted) -> dict[str, Any]:
    item: dict[str, Any] = {
        "alert_id": str(answer.alert_id) if answer.alert_id else None,
        "correlation_id": answer.correlation_id or None,
        "status": answer.status or None,
        "duplicate": answer.duplicate,
    }
    if answer.kept or answer.reading in (
        Reading.KEY_OVER,
        Reading.IGNORED,
        Reading.OTHER,
        Reading.RESOLVED,
        Reading.ACKNOWLEDGED,
    ):
        item["reading"], item["reason"] = answer.reading.value, answer.reason
    return item


def _dialects_later(fault: Later | DatabaseAway) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
    """As PagerDuty says it: its clients come again after a 429 and after a 5xx alike."""
    status, headers, _ = problems.raw(fault)
    message = fault.message if isinstance(fault, Later) else "The database is away; nothing was kept"
    said = "throttle exceeded" if isinstance(fault, Busy) else "unavailable"
    waits = [header for header in headers if header[0] == b"retry-after"]
    return status, _encode({"status": said, "message": message, "errors": [message]}), [*_JSON, *waits]


def _is_dialect(path: str) -> bool:
    """PagerDuty's Events API, whose senders read its own form of a refusal."""
    return path.rstrip("/").removeprefix("/pagerduty") in ("/v2/enqueue", "/v2/change/enqueue")


def _announced(scope: Scope) -> int:
    """Bytes of the body by its Content-Length; -1 when it was sent without or is no number."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else -1
    return -1


async def _body(receive: Receive, announced: int) -> bytes:
    """The whole body; raises TooLarge, at once when its length is announced, and BadInput when it does not
    arrive in time."""
    if announced > MOST_BYTES:
        raise _too_large()
    message = await receive()
    body: bytes = message.get("body", b"")
    # the server always says that more may come: one that is whole already is not asked for again
    if message.get("more_body") and len(body) != announced:
        parts, size = [body], len(body)
        try:
            async with asyncio.timeout(SLOW_SECONDS):
                while message.get("more_body"):
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise BadInput("The sender hung up before the body was whole; nothing was kept")
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    if size > MOST_BYTES:
                        break
        except TimeoutError:
            fault = FieldFault("body", f"did not arrive within {SLOW_SECONDS:.0f} s")
            raise BadInput("The body came too slowly; nothing was kept", faults=(fault,)) from None
        body = b"".join(parts)
    if len(body) > MOST_BYTES:
        raise _too_large()
    return body


def _too_large() -> TooLarge:
    limit = MOST_BYTES // 1024 // 1024
    return TooLarge(f"The body is larger than {limit} MiB; nothing was kept", hint="send it in parts")


def _request(scope: Scope, body: bytes) -> Request:
    client = scope.get("client")
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        body=body,
        remote_address=client[0] if client else "",
    )


__all__ = ["Intake", "NotAllowed"]
