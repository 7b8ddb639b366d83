"""kill -9 while alerts pour in and pages go out, three times: nothing accepted is lost, nobody is paged twice."""

import asyncio
from collections import Counter
from itertools import count
from typing import Any

import aiohttp

from tocsin.sandbox.server import Sandbox

from .served import Served, until
from .test_serve import listed

ROUNDS, SENDERS, MOST_A_ROUND = 3, 4, 25


async def pour(served: Served, numbers: Any, accepted: list[str], enough: asyncio.Event) -> None:
    """Alerts one after the other, each its own incident, until the hub is gone."""
    for _ in range(MOST_A_ROUND // SENDERS + 1):
        key = f"alert-{next(numbers)}"
        body = {
            "title": key,
            "source": "probe",
            "severity": "critical",
            "service_name": "user-auth",
            "dedup_key": key,
        }
        try:
            if await served.post(body) == 202:
                accepted.append(key)
        except (aiohttp.ClientError, OSError):
            return  # not accepted: the sender would send it again
        if len(accepted) >= 12:
            enough.set()


async def test_nothing_is_lost_or_paged_twice(served: Served, sandbox: Sandbox) -> None:
    """Every 202 is an alert with an incident; every incident rang once at each provider."""
    numbers, everything = count(), []
    for _ in range(ROUNDS):
        await served.start()
        accepted: list[str] = []
        enough = asyncio.Event()
        senders = [asyncio.create_task(pour(served, numbers, accepted, enough)) for _ in range(SENDERS)]
        await asyncio.wait_for(enough.wait(), 10)
        await served.kill()
        await asyncio.gather(*senders)
        everything += accepted
    await served.start()
    connection = await served.database()
    leased = await connection.fetchval("SELECT count(*) FROM effect WHERE state = 'leased'")

    async def all_settled() -> bool:
        # forty seconds of waiting for leases of the dead are spared
        await connection.execute(
            "UPDATE effect SET lease_until = now() WHERE state = 'leased' AND lease_until < now() + interval '36 s'"
        )
        left = "SELECT (SELECT count(*) FROM effect WHERE state IN ('waiting', 'leased')) + (SELECT count(*) FROM alert WHERE undecided_since IS NOT NULL)"
        return int(await connection.fetchval(left)) == 0

    await until(all_settled, "everything is sent", seconds=30, log=served.log)
    alerts = {
        row["dedup_key"]
        for row in await connection.fetch("SELECT dedup_key FROM alert WHERE incident_id IS NOT NULL")
    }
    incidents = await connection.fetchval("SELECT count(*) FROM incident")
    await connection.close()
    pages = await listed(served, sandbox, "pagerduty/incidents")
    rung = await listed(served, sandbox, "opsgenie/alerts")

    assert len(everything) >= 12 * ROUNDS
    assert set(everything) - alerts == set(), f"accepted and lost ({leased} calls were under way)"
    assert incidents == len(alerts)
    assert Counter(p["notification_count"] for p in pages) == {1: incidents}
    assert Counter(a["notification_count"] for a in rung) == {1: incidents}
    assert len({p["incident_key"] for p in pages}) == incidents
    assert len({a["alias"] for a in rung}) == incidents
    assert await served.stop() == 0
