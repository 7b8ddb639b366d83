"""The database is gone, and the night goes on: what comes is taken, who must wake is woken, and in the morning
every page has its incident (S46, S47, S48, TR-1)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from plug import Plug
from rig import Begin, Rig

LOGIN = {"title": "Login is down", "source": "probe", "severity": "critical", "service_name": "user-auth"}
SLOW = {
    "title": "A job is slow",
    "source": "cron",
    "severity": "low",
    "service_name": "recommendation-service",
}


@pytest.fixture
async def plug(database_url: str) -> AsyncIterator[Plug]:
    wire = Plug(database_url)
    await wire.plug_in()
    yield wire
    await wire.close()


@pytest.fixture
async def rig(begin: Begin, plug: Plug) -> Rig:
    return await begin(dsn=plug.dsn)


async def lost(rig: Rig, plug: Plug) -> None:
    """The database is pulled, and the hub has found out."""
    await plug.pull()
    rig.daemon.hub.wake.ring("keeper")

    async def found_out() -> bool:
        return rig.daemon.hub.away is not None

    await rig.until(found_out, "the hub sees that the database is away")


async def back(rig: Rig, plug: Plug) -> None:
    """It is there again, and everything kept is given back and decided."""
    await plug.plug_in()

    async def there() -> bool:
        rig.daemon.hub.wake.ring("keeper")
        return rig.daemon.hub.away is None

    await rig.until(there, "the journal is given back")
    await rig.advance(seconds=11)
    await rig.quiet()


async def send(rig: Rig, want: int = 202, **fields: Any) -> Any:
    return await rig.call("POST", "/api/v1/alerts", fields, want=want)


async def blind_for(rig: Rig, **span: float) -> None:
    await rig.advance(**span)
    rig.daemon.hub.wake.ring("blind")


async def rung(rig: Rig) -> tuple[list[int], list[int]]:
    """How often each incident rang, at PagerDuty and at Opsgenie."""
    return (
        [p["notification_count"] for p in await rig.pagerduty()],
        [a["notification_count"] for a in await rig.opsgenie()],
    )


async def paged(rig: Rig, count: int) -> None:
    async def there() -> bool:
        rig.daemon.hub.wake.ring("blind")
        return len(await rig.pagerduty()) >= count

    await rig.until(there, f"{count} pages without the database")


async def test_s47_half_a_minute_without_the_database_and_the_critical_is_paged(rig: Rig, plug: Plug) -> None:
    """By the default route (PagerDuty first), once; what is low waits. On return the page is adopted: the
    incident has it, PagerDuty is not rung again, and the rules add Opsgenie."""
    await lost(rig, plug)
    first = await send(rig, **LOGIN)
    await send(rig, **SLOW)
    waited = await rig.call("POST", "/api/v1/alerts?wait=decision", LOGIN, want=202)
    await blind_for(rig, seconds=29)
    before = await rung(rig)
    await blind_for(rig, seconds=2)
    await paged(rig, 1)
    without = await rung(rig)
    await back(rig, plug)
    told = [line["text"] for line in await rig.timeline()]
    incident = await rig.incident()

    assert waited["alert_id"] == first["alert_id"]
    assert "database is away" in waited["reasons"][0]
    assert before == ([], [])
    assert without == ([1], [])
    assert [p["notification_count"] for p in await rig.pagerduty() if p["title"] == LOGIN["title"]] == [1]
    assert [a["notification_count"] for a in await rig.opsgenie() if a["message"] == LOGIN["title"]] == [1]
    assert any("prod-pagerduty was paged" in text and text.endswith("adopted") for text in told)
    assert {p["connector"] for p in incident["providers"] if p["created_at"]} >= {
        "prod-pagerduty",
        "prod-opsgenie",
    }


async def test_s47_a_hub_started_while_its_database_is_away_takes_alerts_and_pages(
    rig: Rig, plug: Plug
) -> None:
    """Restarted in the outage: tokens, rules and credentials come from the snapshot, what was kept before and
    after the restart is one journal, and nobody is paged a second time."""
    await lost(rig, plug)
    await send(rig, **LOGIN)
    await blind_for(rig, seconds=31)
    await paged(rig, 1)
    await rig.daemon.stop()
    await rig.start_hub()
    await send(rig, **LOGIN)
    await send(rig, **{**LOGIN, "title": "Sign-up is down"})
    await blind_for(rig, seconds=31)
    await paged(rig, 2)
    await blind_for(rig, seconds=5)
    without = await rung(rig)
    await back(rig, plug)
    incidents = await rig.call("GET", "/api/v1/incidents", want=200)

    assert without == ([1, 1], [])
    assert sorted(i["title"] for i in incidents["items"]) == ["Login is down", "Sign-up is down"]
    assert await rung(rig) == ([1, 1], [1, 1])


async def test_s47_paged_and_over_before_the_database_is_back(rig: Rig, plug: Plug) -> None:
    """Whoever was paged is told that it is over."""
    key = "login"
    await lost(rig, plug)
    body = {"routing_key": "abcdef0123456789abcdef0123456789", "dedup_key": key}
    trigger = {
        **body,
        "event_action": "trigger",
        "payload": {"summary": "Login is down", "source": "x", "severity": "critical"},
    }
    await rig.call("POST", "/v2/enqueue", trigger, want=202)
    await blind_for(rig, seconds=31)
    await paged(rig, 1)
    await rig.call("POST", "/v2/enqueue", {**body, "event_action": "resolve"}, want=202)
    await back(rig, plug)

    async def over() -> bool:
        return [p["status"] for p in await rig.pagerduty()] == ["resolved"]

    await rig.until(over, "PagerDuty's incident is resolved")
    assert (await rig.incident())["status"] == "resolved"
    assert await rung(rig) == ([1], [])


async def test_s47_over_within_half_a_minute_pages_nobody(rig: Rig, plug: Plug) -> None:
    await lost(rig, plug)
    body = {"routing_key": "abcdef0123456789abcdef0123456789", "dedup_key": "login"}
    trigger = {
        **body,
        "event_action": "trigger",
        "payload": {"summary": "Login is down", "source": "x", "severity": "critical"},
    }
    await rig.call("POST", "/v2/enqueue", trigger, want=202)
    await rig.call("POST", "/v2/enqueue", {**body, "event_action": "resolve"}, want=202)
    await blind_for(rig, seconds=31)
    await back(rig, plug)

    assert await rung(rig) == ([], [])


async def test_s47_a_storm_without_the_database_is_some_pages_and_one_that_tells_of_the_rest(
    rig: Rig, plug: Plug
) -> None:
    await lost(rig, plug)
    batch = [{**LOGIN, "title": f"Login {n} is down"} for n in range(200)]
    await rig.call("POST", "/api/v1/alerts/batch", batch, want=202)
    await blind_for(rig, seconds=31)
    await paged(rig, 21)
    for _ in range(3):
        await blind_for(rig, seconds=20)
    titles = [p["title"] for p in await rig.pagerduty()]

    assert len(titles) == 21
    assert sum("180 more alerts" in title for title in titles) == 1


async def test_s47_pagerduty_is_down_too(rig: Rig, plug: Plug) -> None:
    """The default route goes on without a database: the next of its failover is asked."""
    await lost(rig, plug)
    await rig.fault("pagerduty", kind="500")
    await send(rig, **LOGIN)
    await blind_for(rig, seconds=31)

    async def asked() -> bool:
        rig.daemon.hub.wake.ring("blind")
        return len(await rig.opsgenie()) == 1

    await rig.until(asked, "Opsgenie is asked instead")
    await rig.heal()
    await back(rig, plug)
    assert (await rung(rig))[1] == [1]
