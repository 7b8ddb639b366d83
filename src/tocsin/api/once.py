"""The same write twice? Idempotency-Key: the request is carried out once, and its first answer given again.

As draft-ietf-httpapi-idempotency-key-header-07 has it (https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header,
read 2026-11-25). All that a keyed request does is one transaction, which keeps the answer too: a process that
dies in between has done nothing, and the caller may try again. Only what took effect is kept: after a refusal
the same key tries anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from tocsin.api.auth import authorize
from tocsin.api.caller import caller_of
from tocsin.api.problems import Forbidden
from tocsin.core.errors import BadInput, Conflict, FieldFault, Later, NotAllowed, Refusal
from tocsin.engine import configure, mapped
from tocsin.engine.acting import begun, refuse
from tocsin.engine.hub import Hub
from tocsin.engine.seal import Unsealable
from tocsin.store import answers
from tocsin.store.database import Connection, DatabaseAway

HEADER = "idempotency-key"
REPLAYED = "Idempotent-Replayed"
MOST_CHARACTERS = 255
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_KEPT_HEADERS = ("content-type", "cache-control", "changed", "location")
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class KeyReused(Refusal):
    """The key came before, with another request."""

    code = "key_reused"


class KeyInUse(Later):
    """The first request with this key is still under way."""

    code = "key_in_use"


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it was given first. `replayed` = this is not the first time."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    replayed: bool = False


def key_in(headers: Mapping[str, str]) -> str:
    """The key that came with a request, "" for none; raises BadInput.

    The draft has a string in quotation marks; senders of today leave them away: both name the same key.
    """
    text = headers.get(HEADER, "").strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    elif HEADER not in headers:
        return ""
    if not 1 <= len(text) <= MOST_CHARACTERS or not all(" " <= c <= "~" for c in text):
        fault = FieldFault(
            "Idempotency-Key",
            f"should be 1 to {MOST_CHARACTERS} printable ASCII characters, a UUID for example",
        )
        raise BadInput("The Idempotency-Key cannot be used; nothing was changed", faults=(fault,))
    return text


def print_of(*said: bytes) -> str:
    """What two requests that say the same have in common."""
    whole = hashlib.sha256()
    for part in said:
        whole.update(len(part).to_bytes(8, "big") + part)
    return whole.hexdigest()


class _NotKept(Exception):
    """The work answered a refusal: undo what it did, and give that answer."""

    def __init__(self, answer: Kept) -> None:
        self.answer = answer


async def once(
    hub: Hub, caller: str, key: str, fingerprint: str, work: Callable[[], Awaitable[Kept]]
) -> Kept:
    """What `work` answers, or answered when this caller sent the same under this key within the last day.

    `work` and the keeping of its answer are one transaction; an answer of 400 or more undoes it. Raises KeyReused
    (422) and KeyInUse (409), and whatever `work` raises.
    """

    async def one(connection: Connection) -> Kept:
        if not await answers.alone(connection, caller, key):
            raise KeyInUse(
                "The first request with this Idempotency-Key is still under way",
                retry_after_seconds=1, hint="send it again in a moment: the same answer comes then",
            )  # fmt: skip
        now = hub.now()
        sealed = await answers.find(connection, caller, key, now)
        if sealed is not None:
            return _again(hub, caller, key, fingerprint, sealed)
        answer = await work()
        if answer.status >= 400:
            raise _NotKept(answer)
        await answers.keep(connection, caller, key, _closed(hub, caller, key, fingerprint, answer), now)
        return answer

    before = hub.active
    try:
        with hub.wake.held():
            return await hub.database.as_one(one)
    except BaseException as fault:
        if hub.active is not before:
            # a configuration that was taken into use and never committed is none
            with suppress(DatabaseAway):
                await configure.refresh(hub)
        if isinstance(fault, _NotKept):
            return fault.answer
        raise


def _name(caller: str, key: str) -> str:
    return f"kept_answer {caller} {key}"


def _closed(hub: Hub, caller: str, key: str, fingerprint: str, answer: Kept) -> bytes:
    text = json.dumps([fingerprint, answer.status, dict(answer.headers), answer.body.decode()])
    return hub.seal.close(_name(caller, key), text)


def _again(hub: Hub, caller: str, key: str, fingerprint: str, sealed: bytes) -> Kept:
    try:
        said, status, headers, body = json.loads(hub.seal.open(_name(caller, key), sealed))
    except Unsealable:
        raise Conflict(
            "This was carried out before; its answer was sealed with another secret key and cannot be told again",
            hint="look how things stand; give the old TOCSIN_SECRET_KEY back",
        ) from None
    if said != fingerprint:
        raise KeyReused(
            "This Idempotency-Key came before with another request; nothing was changed",
            faults=(FieldFault("Idempotency-Key", "was used for another request within the last 24 h"),),
            hint="a new request needs a new key; the same request must be sent unchanged",
        )
    return Kept(status, headers, body.encode(), replayed=True)


# ---- the routes of the framework -------------------------------------------------------------------------


def asks_only(endpoint: Endpoint) -> Endpoint:
    """A route that changes nothing, or what must not be told twice: a key that comes with it is passed over."""
    endpoint.keyless = True  # type: ignore[attr-defined]
    return endpoint


class Keyed(APIRoute):
    """A route whose writes may carry a key; every router of the API is made of these."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **more: Any) -> None:
        self.takes_key = bool(WRITES & set(more.get("methods") or ())) and not getattr(
            endpoint, "keyless", False
        )
        if self.takes_key:
            extra = dict(more.get("openapi_extra") or {})
            more["openapi_extra"] = extra | {"parameters": [*extra.get("parameters", []), PARAMETER]}
        super().__init__(path, endpoint, **more)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        plain = super().get_route_handler()

        async def handle(request: Request) -> Response:
            hub: Hub = request.app.state.hub
            with begun(hub, caller_of(request, self.name, writes=self.takes_key)) as who:
                try:
                    if not self.takes_key or HEADER not in request.headers:
                        return await plain(request)
                    return await _handle(request, plain)
                except Forbidden as fault:
                    if who.actor:
                        refuse(hub, who, fault.message, name=who.actor, kind=who.kind, via=who.via)
                    raise

        return handle


async def _handle(request: Request, plain: Callable[[Request], Coroutine[Any, Any, Response]]) -> Response:
    hub: Hub = request.app.state.hub
    try:
        who = await authorize(hub, request.scope, "")
    except NotAllowed:
        return await plain(request)  # which refuses in its own words
    key = key_in(request.headers)
    kind = request.headers.get("content-type", "")
    fingerprint = print_of(
        request.method.encode(), request.url.path.encode(), request.url.query.encode(), kind.encode(), await request.body()
    )  # fmt: skip
    made: list[Response] = []

    async def work() -> Kept:
        response = await plain(request)
        made.append(response)
        headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
        return Kept(response.status_code, headers, bytes(response.body))

    kept = await mapped.outside(lambda: once(hub, who.id, key, fingerprint, work))
    if not kept.replayed:
        return made[-1]
    return Response(kept.body, kept.status, {**kept.headers, REPLAYED: "true"})


PARAMETER: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": (
        "Makes a repeated request harmless: the same request under the same key gets the first answer again, with "
        "`Idempotent-Replayed: true`, for 24 h. The same key with another request is refused (422, `key_reused`), "
        "one whose first request is under way too (409, `key_in_use`)."
    ),
    "schema": {"type": "string", "maxLength": MOST_CHARACTERS},
}
