"""PostgreSQL is killed in the middle of a burst, then the hub as well: nobody who sends notices, nothing is lost (S47, TR-1)."""

import asyncio
import os
import signal
from collections import Counter
from itertools import count
from typing import Any

import aiohttp

from tocsin.sandbox.server import Sandbox

from .served import Served, until
from .test_serve import listed

ALERTS, SENDERS = 60, 4


async def pour(served: Served, numbers: Any, answers: dict[str, int], kill_at: asyncio.Event) -> None:
    for number in numbers:
        if number >= ALERTS:
            return
        key = f"alert-{number}"
        body = {
            "title": key,
            "source": "probe",
            "severity": "critical",
            "service_name": "user-auth",
            "dedup_key": key,
        }
        try:
            answers[key] = await served.post(body)
        except (aiohttp.ClientError, OSError):
            answers[key] = 0
        if number >= ALERTS // 4:
            kill_at.set()


async def test_s47_postgresql_is_killed_in_a_burst(served: Served, sandbox: Sandbox) -> None:
    """Every sender has its 202, every alert its incident, every incident one ring at each provider."""
    await served.start()
    numbers, answers, kill_at = count(), dict[str, int](), asyncio.Event()
    senders = [asyncio.create_task(pour(served, numbers, answers, kill_at)) for _ in range(SENDERS)]
    await asyncio.wait_for(kill_at.wait(), 20)
    os.kill(served.postmaster, signal.SIGKILL)
    await asyncio.gather(*senders)

    async def all_settled() -> bool:
        connection = await served.database()
        try:
            left = "SELECT (SELECT count(*) FROM effect WHERE state IN ('waiting', 'leased')) + (SELECT count(*) FROM alert WHERE undecided_since IS NOT NULL)"
            there = await connection.fetchval("SELECT count(*) FROM alert WHERE dedup_key LIKE 'alert-%'")
            return there == ALERTS and await connection.fetchval(left) == 0
        finally:
            await connection.close()

    await until(all_settled, "everything is stored and sent", seconds=75, log=served.log)
    pages = await listed(served, sandbox, "pagerduty/incidents")
    rung = await listed(served, sandbox, "opsgenie/alerts")

    assert Counter(answers.values()) == {202: ALERTS}
    assert Counter(p["notification_count"] for p in pages) == {1: ALERTS}
    assert Counter(a["notification_count"] for a in rung) == {1: ALERTS}
    assert list((served.folder / "data/journal").glob("*.records")) == []
    assert await served.stop() == 0
