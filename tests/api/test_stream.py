"""Everybody who listens hears what changes, and knows when they missed something."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tocsin.store.sheet import CHANGED

if TYPE_CHECKING:
    from conftest import Office

SECONDS = 5.0


class Ear:
    """One listener on the application itself: events as they come."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.events: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self.gone = asyncio.Event()
        self.ended = asyncio.Event()

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {k.decode(): v.decode() for k, v in message["headers"]}
            return
        for block in message.get("body", b"").decode().split("\n\n"):
            if block:
                self.events.put_nowait(
                    dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
                )

    async def receive(self) -> Any:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def next(self, kind: str) -> dict[str, Any]:
        """The next event of a kind, others passed over."""
        async with asyncio.timeout(SECONDS):
            while True:
                event = await self.events.get()
                if event["event"] == kind:
                    return event | {"data": json.loads(event["data"])}


@asynccontextmanager
async def listening(office: Office, token: str, last_id: str = "") -> AsyncIterator[Ear]:
    ear = Ear()
    headers = [(b"authorization", f"Bearer {token}".encode()), (b"host", b"hub.example")]
    headers += [(b"last-event-id", last_id.encode())] if last_id else []
    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": "GET",
        "scheme": "http", "path": "/api/v1/stream", "raw_path": b"/api/v1/stream", "query_string": b"", "root_path": "",
        "headers": headers, "client": ("203.0.113.9", 1), "server": ("hub.example", 80),
    }  # fmt: skip

    async def run() -> None:
        await office.app(scope, ear.receive, ear.send)
        ear.ended.set()

    task = asyncio.create_task(run())
    try:
        yield ear
    finally:
        ear.gone.set()
        await asyncio.wait_for(task, SECONDS)


@pytest.fixture
async def heard(office: Office) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """The database's notifications reach the stream as the worker passes them on."""

    def pass_on(channel: str, payload: str, own: bool) -> None:
        for tell in office.hub.changed:
            tell(payload)

    listener = await office.hub.database.listen([CHANGED], pass_on)
    yield listener.close
    await listener.close()


async def test_an_acknowledgement_is_heard_with_its_line(office: Office, heard: Any) -> None:
    made = await office.incident()
    async with listening(office, await office.token("read")) as ear:
        await ear.next("ping")
        await office.ask("POST", f"/api/v1/incidents/{made['name']}/acknowledge", {"note": "on it"})
        incident = await ear.next("incident")
        line = await ear.next("timeline")
        while line["data"]["kind"] != "acknowledged":
            line = await ear.next("timeline")

    assert ear.status == 200
    assert ear.headers["content-type"].startswith("text/event-stream")
    assert ear.headers["x-accel-buffering"] == "no"
    assert incident["data"] == (await office.get(f"/api/v1/incidents/{made['name']}"))
    assert line["data"]["incident"] == made["name"]
    assert "on it" in line["data"]["text"]


async def test_ids_rise_and_whoever_comes_back_gets_what_they_missed(office: Office, heard: Any) -> None:
    token = await office.token("read")
    made = await office.incident()
    async with listening(office, token) as stays:
        async with listening(office, token) as leaves:
            await leaves.next("ping")
            await office.ask("POST", f"/api/v1/incidents/{made['name']}/acknowledge")
            last = (await leaves.next("incident"))["id"]
        await office.ask("POST", f"/api/v1/incidents/{made['name']}/resolve")
        seen = [await stays.next("incident"), await stays.next("incident")]
        async with listening(office, token, last) as back:
            missed = await back.next("incident")

    numbers = [int(event["id"].rpartition("-")[2]) for event in seen]
    assert numbers == sorted(set(numbers))
    assert missed["data"]["status"] == "resolved"


@pytest.mark.parametrize(
    "last",
    [
        pytest.param("0-1", id="from a process before this one"),
        pytest.param("nonsense", id="no id of ours"),
        pytest.param("{start}-99999", id="from the future"),
    ],
)
async def test_who_cannot_be_caught_up_is_told_to_fetch_anew(office: Office, last: str) -> None:
    start = office.rest.state.stream._start
    async with listening(office, await office.token("read"), last.format(start=start)) as ear:
        reset = await ear.next("reset")

    assert reset["data"] == {}


async def test_incidents_changed_together_are_all_heard(office: Office) -> None:
    """One notification names every incident of a batch of decisions."""
    first, second = await office.incident(), await office.incident(title="It floods")
    async with listening(office, await office.token("read")) as ear:
        await ear.next("ping")
        for tell in office.hub.changed:
            tell(f"{first['id']} {second['id']}")
        names = {(await ear.next("incident"))["data"]["name"] for _ in range(2)}

    assert names == {first["name"], second["name"]}


async def test_what_changed_while_nobody_listened_is_a_gap(office: Office, heard: Any) -> None:
    token = await office.token("read")
    made = await office.incident()
    async with listening(office, token) as ear:
        await ear.next("ping")
        await office.ask("POST", f"/api/v1/incidents/{made['name']}/acknowledge")
        last = (await ear.next("timeline"))["id"]
    for tell in office.hub.changed:
        tell(made["id"])
    async with listening(office, token, last) as back:
        assert (await back.next("reset"))["data"] == {}


async def test_a_slow_listener_is_reset_and_holds_nobody_up(office: Office) -> None:
    stream = office.rest.state.stream
    async with listening(office, await office.token("read")) as ear:
        await ear.next("ping")
        for number in range(600):  # more than a listener's queue holds, before it gets to run
            stream._send("connector", b"%d" % number)
        reset = await ear.next("reset")

        assert reset["id"].endswith("-600")


async def test_a_revoked_token_ends_the_stream(office: Office) -> None:
    made = (await office.ask("POST", "/api/v1/tokens", {"name": "page", "scopes": ["read"]})).json()
    async with listening(office, made["token"]) as ear:
        await ear.next("ping")
        await office.ask("DELETE", f"/api/v1/tokens/{made['id']}")
        await asyncio.wait_for(ear.ended.wait(), SECONDS)


async def test_when_the_process_stops_every_stream_ends(office: Office) -> None:
    async with listening(office, await office.token("read")) as ear:
        await ear.next("ping")
        office.rest.state.stream.stop()
        await asyncio.wait_for(ear.ended.wait(), SECONDS)

    assert (await office.ask("GET", "/api/v1/stream")).status_code == 503


async def test_a_connector_whose_queue_moves_is_told(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tocsin.api.stream._CONNECTORS_EVERY", 0.05)
    async with listening(office, await office.token("read")) as ear:
        await ear.next("ping")
        await office.incident(connector=["prod-opsgenie"])
        told = (await ear.next("connector"))["data"]

    assert (told["name"], told["queue"]) == ("prod-opsgenie", 1)
