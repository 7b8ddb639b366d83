"""How is asked, and what can be asked about the hub itself: its health, its alarms, its canary."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from tocsin.client.hold import Resumed
from tocsin.client.shapes import Page, Ready, S, paged, shaped
from tocsin.client.states import Alarm, Canary, Health
from tocsin.client.transport import KEY_HEADER, Answer, Transport, checked

_JSON = {"Content-Type": "application/json"}
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class House:
    """The ways to ask, and the questions that are about no incident."""

    def __init__(
        self, url: str, token: str | None = None, *, timeout: float = 10.0, agent: str = "tocsin-client"
    ) -> None:
        self._transport = Transport(url, token=token, timeout=timeout, agent=agent)

    @property
    def url(self) -> str:
        """The server's address, without credentials and without a slash at its end."""
        return self._transport.url

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        json_body: object = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send anything and get the answer back; >= 300 raises its Problem. `path` is absolute: "/api/v1/…".

        A write gets an Idempotency-Key of its own, unless `headers` has one, and is therefore sent again by itself
        when it is not known whether it arrived.
        """
        headers = dict(headers or {})
        if json_body is not None:
            body, headers = json.dumps(json_body).encode(), _JSON | headers
        if method.upper() in _WRITES and path.startswith("/api/v1/"):
            headers.setdefault(KEY_HEADER, secrets.token_hex(16))
        answer = self._transport.send(method, path, query=query, body=body, headers=headers)
        return checked(answer, what=f"{method} {path}")

    # --- the hub itself -------------------------------------------------------------------------------

    def health(self) -> Health:
        """How the system and its connectors are."""
        return self._one("/api/v1/health", Health)

    def ready(self) -> Ready:
        """Whether intake, database and worker are up; "not ready" (503) is an answer, not an error."""
        answer = self._transport.send("GET", "/readyz")
        return shaped(answer.json(), Ready) if answer.status == 503 else self._read(answer, "/readyz", Ready)

    def alarms(self, *, state: str = "going_on", limit: int = 100, cursor: str = "") -> Page[Alarm]:
        """What does not work in the hub itself, the last raised first. `state` is going_on, over or all."""
        return self._page("/api/v1/alarms", Alarm, {"state": state, "limit": limit, "cursor": cursor})

    def canary(self, connectors: Sequence[str] = ()) -> Canary:
        """Send a page that only tries the way, to these connectors or to those of the schedule, else to all; its end
        is in `health().canary`."""
        body = {"connectors": list(connectors)}
        return shaped(self.call("POST", "/api/v1/canary", json_body=body).json(), Canary)

    def resume(self) -> Resumed:
        """End the hold that follows a restored backup; Conflict when nothing is held."""
        return shaped(self.call("POST", "/api/v1/resume", json_body={}).json(), Resumed)

    def _one(self, path: str, shape: type[S]) -> S:
        return self._read(self._transport.send("GET", path), path, shape)

    def _read(self, answer: Answer, path: str, shape: type[S]) -> S:
        return shaped(checked(answer, what=f"GET {path}").json(), shape)

    def _page(self, path: str, shape: type[S], query: Mapping[str, object]) -> Page[S]:
        return paged(self.call("GET", path, query=query).json(), shape)
