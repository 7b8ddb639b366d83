"""Somebody outside hears that the hub is able to page, as long as it is true (TR-7)."""

import math
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from tocsin.core.errors import BadInput
from tocsin.engine.heartbeat import Heartbeat
from tocsin.engine.watch import Watch
from tocsin.store.alarms import going_on

from .office import CONFIG, Office, create

OUTSIDE = (
    CONFIG
    + 'defaults: {heartbeat: {url: "${BELL_URL}/ping", every: 60s, headers: {Authorization: "GenieKey ${BELL_KEY}"}}}\n'
)


class Outside:
    """The dead-man switch: `heard` are the headers of what came; it answers `status`."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.status = 200

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.heard.append(request.headers.get("Authorization"))
        return web.Response(status=self.status)


@pytest.fixture
async def outside(office: Office) -> Outside:
    outside = Outside()
    await office.configure(OUTSIDE)
    office.bell.script = [outside.answer] * 20
    return outside


Beat = Callable[[], Awaitable[None]]


class Heart:
    """One node's heart, on duty; `open` = its intake takes alerts."""

    def __init__(self, office: Office) -> None:
        office.hub.duty_until = math.inf
        self.open = True
        self.watch = Watch(office.hub, office.wire)
        self.heart = Heartbeat(office.hub, office.wire, self.watch, lambda: self.open)

    async def beat(self) -> None:
        """As if the minute were over."""
        self.heart._next = 0.0
        await self.heart.beat()


@pytest.fixture
async def heart(office: Office, outside: Outside) -> Heart:
    heart = Heart(office)
    await heart.watch.look()
    return heart


async def alarms(office: Office) -> list[str]:
    return [sounded.alarm.key for sounded in await office.hub.database.read(going_on)]


async def test_it_beats_once_a_minute_with_its_credentials(outside: Outside, heart: Heart) -> None:
    await heart.beat()
    await heart.heart.beat()
    assert outside.heard == ["GenieKey bell-key-nobody-may-see"]


async def test_it_does_not_beat_while_the_hub_cannot_page(
    office: Office, outside: Outside, heart: Heart
) -> None:
    """An alert that nobody decides, an intake that is shut, a node off duty: silence, which is what rings outside."""
    await office.say(create())
    office.clock.advance(seconds=31)
    await heart.watch.look()
    await heart.beat()
    assert heart.heart.held_back == ["Alerts wait for their decision"]
    await office.decide()
    await heart.watch.look()
    heart.open = False
    await heart.beat()
    assert heart.heart.held_back == ["intake takes nothing"]
    office.hub.duty_until, heart.open = 0.0, True
    await heart.beat()
    assert outside.heard == []


async def test_a_watch_that_does_not_look_vouches_for_nothing(office: Office, outside: Outside) -> None:
    heart = Heart(office)
    await heart.beat()
    assert (outside.heard, heart.heart.held_back) == ([], ["the watch has not looked"])


async def test_one_that_does_not_get_through_is_an_alarm(
    office: Office, outside: Outside, heart: Heart
) -> None:
    """At the second failure; over with the next that does."""
    outside.status = 404
    await heart.beat()
    assert await alarms(office) == []
    await heart.beat()
    assert await alarms(office) == ["heartbeat"]
    outside.status, office.hub.alarming = 200, frozenset({"heartbeat"})
    await heart.beat()
    assert await alarms(office) == []


async def test_its_address_is_a_secret(office: Office, outside: Outside) -> None:
    """A stored version names it, and holds neither address nor header."""
    document = str(await office.value("SELECT document FROM config_version ORDER BY version DESC LIMIT 1"))
    assert "defaults.heartbeat.url" in document
    assert office.bell.url not in document.partition("connectors")[0]
    assert "GenieKey" not in document


@pytest.mark.parametrize(
    ("heartbeat", "fault"),
    [
        pytest.param('{url: "http://switch.example.com/x"}', "defaults.heartbeat.url: is http", id="in the open"),
        pytest.param('{url: "ftp://switch.example.com/x"}', "defaults.heartbeat.url: must be an address", id="no web address"),
        pytest.param("{every: 60s}", "defaults.heartbeat.url: is missing", id="no address"),
        pytest.param('{url: "https://x.example/k", every: 1s}', "defaults.heartbeat.every: must be from", id="too often"),
        pytest.param('{url: "https://x.example/k", method: put}', "defaults.heartbeat.method: must be get or post", id="another method"),
        pytest.param('{url: "https://x.example/k", evry: 60s}', "defaults.heartbeat.evry: there is no such setting", id="misspelt"),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_one_is_named(office: Office, heartbeat: str, fault: str) -> None:
    with pytest.raises(BadInput) as refused:
        await office.configure(f"{CONFIG}defaults:\n  heartbeat: {heartbeat}\n")
    assert fault in str(refused.value)
    assert f":{len(CONFIG.splitlines()) + 2}:" in str(refused.value), "with its line"
