"""A PagerDuty, an Opsgenie and a webhook receiver as small as they can be, that stamp each call.

They answer what a page needs and no more, so that the machine's time goes to the hub. For rehearsals with
state and faults there is the sandbox; benchmarks of outages use that.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass


@dataclass(slots=True)
class Call:
    at: float  # perf_counter
    method: str
    path: str
    body: bytes


class Provider:
    """Answers after `delay` seconds. `calls` in the order they came in."""

    def __init__(self, delay: float = 0.0) -> None:
        self.delay = delay
        self.calls: list[Call] = []
        self.arrived = asyncio.Event()
        self.url = ""
        self._server: asyncio.Server | None = None
        self._ids: dict[str, str] = {}

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", 0, backlog=512)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    def creates(self) -> list[Call]:
        """Pages: creates of either vendor and webhooks."""
        return [
            c for c in self.calls if c.method == "POST" and c.path in ("/incidents", "/v2/alerts", "/hook")
        ]

    def answer(self, call: Call) -> tuple[int, object]:
        path = call.path.partition("?")[0]
        if path == "/incidents" and call.method == "POST":
            key = json.loads(call.body)["incident"]["incident_key"]
            return 201, {"incident": self._incident(key, "triggered")}
        if path == "/incidents":
            return 200, {"incidents": [], "more": False}
        if path.startswith("/incidents/"):
            status = "acknowledged" if b"acknowledged" in call.body else "resolved"
            # read or updated, it stays as it was; nothing here acknowledges what is read
            status = status if b'"status"' in call.body else "triggered"
            if path.endswith("/log_entries"):
                return 200, {"log_entries": []}
            return 200, {"incident": {"id": path.split("/")[2], "status": status}}
        if path.startswith("/v2/alerts/requests/"):
            name = path.rsplit("/", 1)[1]
            data = {"success": True, "isSuccess": True, "status": "Created alert", "alertId": name}
            return 200, {"data": data, "requestId": name}
        if path.startswith("/v2/alerts"):
            return 202, {"result": "Request will be processed", "requestId": f"r-{len(self.calls)}"}
        return 200, {}

    def _incident(self, key: str, status: str) -> dict[str, object]:
        name = self._ids.setdefault(key, f"Q{len(self._ids):06}")
        assignee = {"assignee": {"id": "PADA", "type": "user_reference", "summary": "Ada"}}
        return {
            "id": name, "type": "incident", "status": status, "incident_key": key,
            "html_url": f"https://example.pagerduty.com/incidents/{name}", "assignments": [assignee],
        }  # fmt: skip


class _Connection(asyncio.Protocol):
    def __init__(self, provider: Provider) -> None:
        self._provider, self._buffer = provider, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        at = time.perf_counter()
        self._buffer += data
        while True:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            length = 0
            for line in head.split(b"\r\n")[1:]:
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            if len(rest) < length:
                return
            self._buffer = rest[length:]
            method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
            call = Call(at, method, path, rest[:length])
            self._provider.calls.append(call)
            self._provider.arrived.set()
            status, answer = self._provider.answer(call)
            body = json.dumps(answer).encode()
            text = b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            message = text % (status, len(body), body)
            if self._provider.delay:
                asyncio.get_running_loop().call_later(self._provider.delay, self._write, message)
            else:
                self._write(message)

    def _write(self, message: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(message)
