"""What is happening right now? The server-sent events of /api/v1/stream, one at a time.

Format: https://html.spec.whatwg.org/multipage/server-sent-events.html (2026-11-20). Lines starting with a
colon are comments (the server's ping each 15 s) and only prove that the line is alive.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tocsin.client.errors import UnexpectedAnswer
from tocsin.client.transport import Answer, Transport, checked

SILENCE_SECONDS = 45.0
"""Three missed pings: the connection is taken for dead."""


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event. `kind`: incident, timeline, connector or reset; `id` goes into Last-Event-ID."""

    id: str
    kind: str
    data: Any


class Stream:
    """An open stream. Iterate for events; ends when the server ends it. Raises Unreachable when it breaks off."""

    def __init__(self, transport: Transport, *, path: str, last_event_id: str = "") -> None:
        headers = {"Accept": "text/event-stream"} | (
            {"Last-Event-ID": last_event_id} if last_event_id else {}
        )
        self._transport = transport
        self._connection = transport.connect()
        if self._connection.sock is not None:
            self._connection.sock.settimeout(max(SILENCE_SECONDS, transport.timeout))
        try:
            self._connection.request("GET", transport.target(path), headers=transport.headers(headers))
            self._response = self._connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise transport.unreachable(error) from error
        if self._response.status != 200:
            body = self._response.read()
            self._connection.close()
            checked(Answer(self._response.status, self._response.reason, {}, body), what=f"GET {path}")

    def close(self) -> None:
        """Stop listening."""
        self._connection.close()

    def __iter__(self) -> Iterator[StreamEvent]:
        fields: dict[str, list[str]] = {}
        last = ""
        for line in self._lines():
            if not line:
                last = fields.get("id", [last])[-1]
                if "data" in fields:
                    yield StreamEvent(last, fields.get("event", ["message"])[-1], _parsed(fields["data"]))
                fields = {}
            elif not line.startswith(":"):
                name, _, value = line.partition(":")
                fields.setdefault(name, []).append(value.removeprefix(" "))

    def _lines(self) -> Iterator[str]:
        try:
            while line := self._response.readline():
                yield line.decode("utf-8", "replace").rstrip("\r\n")
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._transport.unreachable(error) from error
        finally:
            self.close()


def _parsed(lines: list[str]) -> Any:
    text = "\n".join(lines)
    try:
        return json.loads(text) if text else None
    except ValueError as error:
        raise UnexpectedAnswer("the stream sent an event that is not JSON") from error
