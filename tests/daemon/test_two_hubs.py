"""Two hubs on one PostgreSQL are one hub: the work is shared and nothing is done twice; one of them may die (TR-2)."""

import asyncio
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from rig import KEYS
from tocsin.sandbox.server import Sandbox

from .conftest import HUB
from .served import Served, until
from .test_serve import fault, listed

ALERT = {"source": "probe", "severity": "critical", "service_name": "user-auth"}
WORK_LEFT = """
SELECT (SELECT count(*) FROM effect WHERE state IN ('waiting', 'leased')) + (SELECT count(*) FROM alert WHERE undecided_since <= now())
"""


class Pair:
    """Two hubs, what they share, and what may be asked of either."""

    def __init__(self, first: Served, second: Served, sandbox: Sandbox, database_url: str) -> None:
        self.both = (first, second)
        self.sandbox, self.database_url = sandbox, database_url

    async def value(self, sql: str, *arguments: Any) -> Any:
        connection = await asyncpg.connect(self.database_url)
        try:
            return await connection.fetchval(sql, *arguments)
        finally:
            await connection.close()

    async def pour(self, hub: Served, titles: list[str]) -> None:
        for title in titles:
            assert await hub.post({**ALERT, "title": title}) == 202

    async def settled(self, seconds: float = 20) -> None:
        async def nothing_left() -> bool:
            return int(await self.value(WORK_LEFT)) == 0

        await until(nothing_left, "everything is sent", seconds=seconds, log=self.both[1].log)

    async def rung(self) -> tuple[Counter[Any], Counter[Any]]:
        """How often each incident rang, at PagerDuty and at Opsgenie."""
        pages = await listed(self.both[1], self.sandbox, "pagerduty/incidents")
        alerts = await listed(self.both[1], self.sandbox, "opsgenie/alerts")
        return (
            Counter({p["incident_key"]: p["notification_count"] for p in pages}),
            Counter({a["alias"]: a["notification_count"] for a in alerts}),
        )

    async def heal(self) -> None:
        async with self.both[1].http.delete(f"{self.sandbox.control_url}/faults") as answer:
            assert answer.status < 400


def act(hub: Served, path: str, body: Any) -> Any:
    return hub.http.post(f"{hub.url}/api/v1/{path}", json=body)


@pytest.fixture
def roles() -> tuple[str, str]:
    """What each of the two is."""
    return "all", "all"


@pytest.fixture
async def pair(sandbox: Sandbox, database_url: str, roles: tuple[str, str]) -> AsyncIterator[Pair]:
    """Both up."""
    folders = [Path(tempfile.mkdtemp(prefix="tocsin-pair-")) for _ in range(2)]
    environment = {
        **KEYS, "PAGERDUTY_URL": sandbox.pagerduty_url, "OPSGENIE_URL": sandbox.opsgenie_url, "SMTP_URL": sandbox.smtp_url,
        "PAGERDUTY_WEBHOOK_SECRET": "pd-webhook-secret", "OPSGENIE_WEBHOOK_TOKEN": "og-webhook-token",
        "DATABASE_URL": database_url,
    }  # fmt: skip
    for folder in folders:
        os.chmod(folder, 0o711)
    first, second = (
        Served(folder, {**environment, "TOCSIN_ROLE": role}, HUB)
        for folder, role in zip(folders, roles, strict=True)
    )
    await asyncio.gather(first.start(), second.start())
    yield Pair(first, second, sandbox, database_url)
    await asyncio.gather(first.close(), second.close())
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


async def test_the_work_is_shared_and_done_once(pair: Pair) -> None:
    """Alerts come in at both at once: each is decided once, each page rings once, and both hubs had their part.

    One of the two has the duty, both are shown; a configuration applied at one is in force at the other within a
    second or so; a change made at one comes by the stream of the other.
    """
    first, second = pair.both
    titles = [f"alert {n}" for n in range(60)]
    await asyncio.gather(pair.pour(first, titles[::2]), pair.pour(second, titles[1::2]))
    await pair.settled()

    pages, alerts = await pair.rung()
    assert len(titles) == await pair.value("SELECT count(*) FROM incident") == len(pages) == len(alerts)
    assert set(pages.values()) == set(alerts.values()) == {1}
    assert 0 == await pair.value("SELECT count(*) FROM delivery WHERE attempt > 1")
    assert 2 == await pair.value("SELECT count(DISTINCT leased_by) FROM effect")
    nodes = (await first.get("/api/v1/health"))["nodes"]
    assert sorted((n["up"], n["on_duty"]) for n in nodes) == [(True, False), (True, True)]

    before = (await second.get("/api/v1/config"))["version"]
    text = HUB.replace("reopen: 30m", "reopen: 31m")
    named = {name: value for name, value in first.environment.items() if f"${{{name}}}" in text}
    async with act(first, "config", {"text": text, "environment": named}) as answer:
        assert answer.status == 200, await answer.text()
    began = asyncio.get_running_loop().time()

    async def in_force() -> bool:
        return bool((await second.get("/api/v1/metrics"))["config_version"] == before + 1)

    await until(in_force, "the other hub has the configuration", seconds=3, log=second.log)
    assert asyncio.get_running_loop().time() - began < 2

    async with second.http.get(f"{second.url}/api/v1/stream") as stream:
        await stream.content.readline()
        async with act(first, "incidents/INC-7/acknowledge", {}) as answer:
            assert answer.status == 200, await answer.text()
        told = await asyncio.wait_for(_told(stream, "INC-7"), 5)
    assert told["status"] == "mitigated"


async def _told(stream: Any, name: str) -> Any:
    """The incident as the stream shows it next."""
    async for line in stream.content:
        if line.startswith(b"data:"):
            data = json.loads(line[5:])
            if data.get("name") == name:
                return data
    raise AssertionError("the stream ended")


async def test_a_breaker_and_an_acknowledgement_hold_at_both(pair: Pair) -> None:
    """Opsgenie is down: what one hub learned by five failures the other need not learn again. Acknowledged at
    one, the pages that wait for it are not sent by the other."""
    first, second = pair.both
    await fault(second, pair.sandbox, "opsgenie", "503")
    await pair.pour(first, [f"down {n}" for n in range(6)])

    async def breaker_open() -> bool:
        shown = await second.get("/api/v1/connectors/prod-opsgenie")
        return bool(shown["breaker"]["state"] != "closed")

    await until(breaker_open, "the other hub knows that it is down", log=second.log)
    called = await pair.value("SELECT count(*) FROM delivery WHERE connector = 'prod-opsgenie'")
    began = asyncio.get_running_loop().time()
    await pair.pour(second, [f"down, too {n}" for n in range(20)])

    async def paged_elsewhere() -> bool:
        return (
            int(
                await pair.value(
                    "SELECT count(*) FROM remote WHERE connector = 'prod-pagerduty' AND created_at IS NOT NULL"
                )
            )
            == 26
        )

    await until(paged_elsewhere, "PagerDuty has them all", log=second.log)
    took = asyncio.get_running_loop().time() - began
    since = await pair.value("SELECT count(*) FROM delivery WHERE connector = 'prod-opsgenie'") - called
    assert since <= 2 + took, "one probe at a time, a second apart and more"
    for number in range(1, 27):
        async with act(first, f"incidents/INC-{number}/acknowledge", {}) as answer:
            assert answer.status == 200, await answer.text()
    await pair.heal()
    await pair.settled(40)
    _, alerts = await pair.rung()
    assert alerts.total() <= 1, "none but one whose page was under way"


async def test_one_dies_under_load(pair: Pair) -> None:
    """kill -9: what it had begun is taken over within ten seconds, looked for first, and nobody is rung twice;
    the duty is the other's, too."""
    first, second = pair.both
    await fault(second, pair.sandbox, "opsgenie", "latency", delay_ms=1500)
    titles = [f"alert {n}" for n in range(40)]
    pouring = [
        asyncio.create_task(pair.pour(first, titles[::2])),
        asyncio.create_task(pair.pour(second, titles[1::2])),
    ]
    await asyncio.gather(*pouring)
    mine = await pair.value("SELECT id FROM node WHERE name LIKE $1", f"%:{first.port}")

    async def has_begun() -> bool:
        return (
            int(
                await pair.value(
                    "SELECT count(*) FROM effect WHERE state = 'leased' AND leased_by = $1", mine
                )
            )
            > 0
        )

    await until(has_begun, "the first is at work", log=first.log)
    await first.kill()
    began = asyncio.get_running_loop().time()
    left = "SELECT count(*) FROM effect WHERE state = 'leased' AND leased_by = $1 AND lease_until > now()"

    async def taken_over() -> bool:
        return int(await pair.value(left, mine)) == 0

    await until(taken_over, "its leases are ended", seconds=12, log=second.log)
    assert asyncio.get_running_loop().time() - began < 10
    await pair.settled(40)
    pages, alerts = await pair.rung()
    assert len(pages) == len(alerts) == len(titles)
    assert set(pages.values()) == set(alerts.values()) == {1}

    async def on_duty() -> bool:
        return any(
            n["on_duty"]
            for n in (await second.get("/api/v1/health"))["nodes"]
            if n["up"] and n["name"].endswith(f":{second.port}")
        )

    await until(on_duty, "the duty is the other's", log=second.log)


@pytest.mark.parametrize("roles", [("api", "worker")])
async def test_one_takes_and_one_works(pair: Pair) -> None:
    """Roles: what `api` takes, `worker` decides and sends; a worker answers for its health and nothing else."""
    api, worker = pair.both
    await pair.pour(api, ["taken by one"])
    await pair.settled()
    pages, _ = await pair.rung()
    sent_by = await pair.value("SELECT n.role FROM effect e JOIN node n ON n.id = e.leased_by LIMIT 1")
    nodes = (await api.get("/api/v1/health"))["nodes"]

    assert pages.total() == 1
    assert sent_by == "worker"
    assert [(n["role"], n["on_duty"]) for n in sorted(nodes, key=lambda n: n["role"])] == [
        ("api", False),
        ("worker", True),
    ]
    assert await worker.post({**ALERT, "title": "no door here"}) == 404
