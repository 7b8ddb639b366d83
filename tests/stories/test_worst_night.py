"""The database is gone, and the night goes on: what comes is taken, who must wake is woken, and in the morning
every page has its incident (S46, S47, S48, TR-1)."""

from pathlib import Path
from typing import Any

import pytest

from away import back, copied, lost, restored
from plug import Plug
from rig import Begin, Rig

HUB = (Path(__file__).parents[2] / "src/tocsin/demo/hub.yaml").read_text()
LOGIN = {"title": "Login is down", "source": "probe", "severity": "critical", "service_name": "user-auth"}
SLOW = {
    "title": "A job is slow",
    "source": "cron",
    "severity": "low",
    "service_name": "recommendation-service",
}


@pytest.fixture
async def rig(begin: Begin, plug: Plug) -> Rig:
    return await begin(dsn=plug.dsn)


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
    """S47: By the default route (PagerDuty first), once; what is low waits. On return the page is adopted: the
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


async def test_what_a_provider_answers_while_the_database_is_away_is_known_when_it_is_back(
    rig: Rig, plug: Plug
) -> None:
    """PagerDuty hangs, the database goes, PagerDuty answers, the database comes back: no time passes, so nothing can
    have waited for a lease, and nobody is asked a second time."""
    await rig.fault("pagerduty", "latency", operation="create", delay_ms=60_000)
    await rig.alert(**LOGIN)

    async def hangs() -> bool:
        (fault,) = (await rig.control("GET", "/faults"))["faults"]
        return bool(fault["struck"])

    await rig.until(hangs, "PagerDuty has the call")
    await lost(rig, plug)
    await rig.heal()

    async def owed() -> bool:
        return bool(rig.daemon.hub.owed.names)

    await rig.until(owed, "PagerDuty's answer is kept")
    await plug.plug_in()
    await rig.quiet()
    creates = [
        c for c in await rig.calls("pagerduty") if c["method"] == "POST" and c["operation"] == "create"
    ]
    listed = await rig.call("GET", "/api/v1/incidents/INC-1/deliveries", want=200)
    pagerduty = [d for d in listed["items"] if d["connector"] == "prod-pagerduty"]

    assert await rung(rig) == ([1], [1])
    assert len(creates) == 1
    assert [(d["attempt"], d["outcome"]) for d in pagerduty] == [(1, "accepted")]


# ---- the backup of yesterday -----------------------------------------------------------------------------


async def waiting_copy(begin: Begin, plug: Plug, database_url: str) -> tuple[Rig, str]:
    """A backup taken while a page waits at both providers, which got it afterwards; at PagerDuty it is over."""
    rig = await begin(dsn=plug.dsn, webhooks=False)
    await rig.fault("pagerduty", kind="500")
    await rig.fault("opsgenie", kind="500")
    await rig.alert(**{**LOGIN, "title": "Checkout is down", "severity": "high"})
    copy = await copied(rig, plug, database_url)
    await rig.heal()

    async def rang() -> bool:
        await rig.advance(seconds=5)
        return [len(c) for c in await rung(rig)] == [1, 1]

    await rig.until(rang, "both have the page")
    await rig.quiet()
    (there,) = await rig.pagerduty()
    await rig.control("POST", f"/pagerduty/incidents/{there['id']}/resolve", {"user": "bo@example.com"})
    return rig, copy


async def test_s48_a_restored_backup_is_held_and_nobody_is_paged_for_what_is_over(
    begin: Begin, plug: Plug, database_url: str
) -> None:
    """S48: The copy says that a page waits; it went out long ago, and somebody has resolved it. Held, listed, told
    everywhere, and after `im resume` looked for before anything is sent."""
    rig, copy = await waiting_copy(begin, plug, database_url)
    before = await rung(rig)
    await restored(rig, plug, database_url, copy)
    await rig.advance(seconds=30)
    health = await rig.call("GET", "/api/v1/health", want=200)
    ready = await rig.call("GET", "/readyz", want=200)
    held = await rung(rig)
    ended = await rig.call("POST", "/api/v1/resume", {}, want=200)
    again = await rig.call("POST", "/api/v1/resume", {}, want=409)
    for _ in range(3):
        await rig.advance(seconds=15)
        await rig.quiet()

    assert before == held == ([1], [1])
    assert {(w["incident"], w["connector"]) for w in health["hold"]["would_page"]} >= {
        ("INC-1", "prod-pagerduty"), ("INC-1", "prod-opsgenie")
    }  # fmt: skip
    assert "older" in next(r["text"] for r in ready["reasons"] if r["name"] == "hold")
    assert health["system_status"] == "degraded"
    assert len(ended["would_page"]) >= 2
    assert again["code"] == "conflict"
    assert await rung(rig) == ([1], [1])
    assert (await rig.incident())["status"] == "resolved"


async def test_s48_a_hold_is_not_deaf_and_ends_by_itself(begin: Begin, plug: Plug, database_url: str) -> None:
    """S48: What is new and critical pages at once; what is less waits two minutes with the rest."""
    rig, copy = await waiting_copy(begin, plug, database_url)
    await restored(rig, plug, database_url, copy)
    await rig.alert(**{**LOGIN, "title": "Sign-up is down"})
    await rig.alert(**{**LOGIN, "title": "Sign-up is slow", "severity": "high"})

    async def critical() -> bool:
        return {p["title"] for p in await rig.pagerduty()} == {"Checkout is down", "Sign-up is down"}

    await rig.until(critical, "what is new and critical is paged at once")
    await rig.advance(seconds=60)
    held = {p["title"] for p in await rig.pagerduty()}
    await rig.advance(seconds=61)

    async def rest() -> bool:
        return "Sign-up is slow" in [p["title"] for p in await rig.pagerduty()]

    async def over() -> bool:
        rig.daemon.hub.wake.ring("keeper")
        return rig.daemon.hub.hold is None

    await rig.until(rest, "after two minutes the rest follows")
    await rig.until(over, "the hold is over, by the keeper's next look")
    assert held == {"Checkout is down", "Sign-up is down"}


# ---- the morning after -----------------------------------------------------------------------------------


async def test_s46_what_was_opened_and_resolved_in_the_downtime_pages_nobody(rig: Rig, plug: Plug) -> None:
    """S46: The backlog is applied whole before anything but critical leaves."""
    await lost(rig, plug)
    body = {"routing_key": "abcdef0123456789abcdef0123456789"}
    for number in range(5):
        payload = {"summary": f"Disk {number}", "source": "db", "severity": "error"}
        await rig.call(
            "POST",
            "/v2/enqueue",
            {**body, "event_action": "trigger", "dedup_key": f"d{number}", "payload": payload},
            want=202,
        )
    await plug.plug_in()

    async def there() -> bool:
        rig.daemon.hub.wake.ring("keeper")
        return rig.daemon.hub.away is None

    await rig.until(there, "the journal is given back")
    for number in range(4):
        await rig.call(
            "POST", "/v2/enqueue", {**body, "event_action": "resolve", "dedup_key": f"d{number}"}, want=202
        )

    await rig.decided()  # what was over before it was decided has no incident
    await rig.advance(seconds=11)
    await rig.quiet()

    titles = {p["title"] for p in await rig.pagerduty()} | {a["message"] for a in await rig.opsgenie()}
    assert titles == {"Disk 4"}


async def test_s46_a_hub_that_was_down_for_two_hours_escalates_one_step(begin: Begin) -> None:
    """S46: Three later steps are overdue when it is back: the next one is asked, once, and the rest counts from then."""
    config = HUB.replace(
        "  standard:\n",
        "  standard:\n    - {all: [prod-pagerduty]}\n    - {after: 5m, all: [prod-opsgenie]}\n    - {after: 5m, all: [ops-mail]}\n  was_standard:\n",
    )
    assert config != HUB
    rig = await begin(config=config)
    await rig.alert(title="Something is off", source="probe", severity="medium")
    await rig.quiet()
    await rig.daemon.stop()
    await rig.advance_without_hub(hours=2)
    await rig.start_hub()
    await rig.advance(seconds=11)
    await rig.quiet()
    first = (len(await rig.pagerduty()), len(await rig.opsgenie()), len(await rig.mails()))
    await rig.advance(minutes=5)
    await rig.quiet()

    assert first == (1, 1, 0), await rig.story()
    assert len(await rig.mails()) == 1
