"""Twenty hosts, one trouble: what comes under many keys with one title is one alert, and over when all of it is (S11, IN-6)."""

from typing import Any

from away import back, lost
from plug import Plug
from rig import KEYS, Begin, Rig

from .conftest import HUB

CONFIG = HUB.replace('key: "${WH_KEY}",', 'key: "${WH_KEY}", auto_aggregate: 30m,')


async def say(rig: Rig, host: str, **more: Any) -> None:
    """One host's word, by the plain webhook; it is worked off when this returns."""
    await tell(rig, host, **more)
    await rig.quiet()


async def tell(rig: Rig, host: str, **more: Any) -> None:
    body = {
        "title": "NTP is off",
        "severity": "critical",
        "service": "user-auth",
        "description": f"on {host}",
    }
    body |= ({"id": f"ntp/{host}"} if host else {}) | more
    await rig.call("POST", f"/integrations/{KEYS['WH_KEY']}", body, want=202)


async def alerts(rig: Rig) -> list[tuple[str, str, int]]:
    listed = await rig.call("GET", "/api/v1/alerts?integration=anything", want=200)
    return [(a["dedup_key"], a["status"], a["count"]) for a in reversed(listed["items"])]


async def rung(rig: Rig) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Status and rings of each page, at PagerDuty and at Opsgenie."""
    return (
        [(p["status"], p["notification_count"]) for p in await rig.pagerduty()],
        [(a["status"], a["notification_count"]) for a in await rig.opsgenie()],
    )


async def test_s11_twenty_hosts_are_one_page_and_over_when_the_last_is(begin: Begin) -> None:
    """S11: each has its own id. One incident, one page at each provider; nineteen resolves change nothing, across a restart
    too, and the timeline says whose they were; the twentieth ends it here and there."""
    rig = await begin(config=CONFIG)
    hosts = [f"h{n:02}" for n in range(20)]
    for host in hosts:
        await say(rig, host)
    assert await alerts(rig) == [("ntp/h00", "open", 19)]
    assert await rung(rig) == ([("triggered", 1)], [("open", 1)])

    for host in hosts[:10]:
        await say(rig, host, event_type="resolve")
    await rig.daemon.stop()
    await rig.start_hub()
    for host in hosts[10:19]:
        await say(rig, host, event_type="resolve")
    assert (await rig.incident())["status"] == "open"
    over = [line["text"] for line in await rig.timeline() if line["kind"] == "key_over"]
    assert over[0] == "ntp/h00 is over, ntp/h01, ntp/h02, ntp/h03 and others still fire: the alert goes on"
    assert over[-1] == "ntp/h18 is over, ntp/h19 still fires: the alert goes on"

    await say(rig, "h19", event_type="resolve")
    assert (await rig.incident())["status"] == "resolved"
    assert await rung(rig) == ([("resolved", 1)], [("closed", 1)])


async def test_in6_without_ids_the_title_is_what_counts(begin: Begin) -> None:
    """A sender that gives no id, as mail does: one incident for half an hour, repeats or not, then the next."""
    rig = await begin(config=CONFIG)
    for _ in range(6):
        await say(rig, "")
        await rig.advance(minutes=5)
    ((_, status, count),) = await alerts(rig)
    assert (status, count) == ("open", 5)
    await say(rig, "")
    assert [(status, count) for _, status, count in await alerts(rig)] == [("open", 5), ("open", 0)]
    assert len((await rig.call("GET", "/api/v1/incidents", want=200))["items"]) == 2


async def test_s10_resolved_by_a_person_while_another_host_still_says_it(begin: Begin) -> None:
    """The grace holds for what has the title, whichever key it comes under; then it is the same incident, opened again."""
    rig = await begin(config=CONFIG)
    await say(rig, "h1")
    await rig.call("POST", "/api/v1/incidents/INC-1/resolve", {}, want=200)
    await rig.quiet()
    await rig.advance(minutes=1)
    await say(rig, "h2")
    assert (await rig.incident())["status"] == "resolved", "within the grace it only counts"
    await rig.advance(minutes=5)
    await say(rig, "h3")
    assert (await rig.incident())["status"] == "open"
    assert await alerts(rig) == [("ntp/h1", "resolved", 0), ("ntp/h2", "open", 1)]
    assert len((await rig.call("GET", "/api/v1/incidents", want=200))["items"]) == 1


async def test_explain_and_the_alert_say_why_it_is_counted_there(begin: Begin) -> None:
    rig = await begin(config=CONFIG)
    await say(rig, "h1")
    await rig.advance(minutes=2)
    await say(rig, "h2")
    await say(rig, "h2", event_type="resolve")
    (listed,) = (await rig.call("GET", "/api/v1/alerts?integration=anything", want=200))["items"]
    alert = await rig.call("GET", f"/api/v1/alerts/{listed['id']}", want=200)
    assert [(key["key"], key["joined_at"], key["over_at"]) for key in alert["keys"]] == [
        ("ntp/h1", "2026-11-16T12:00:00Z", None), ("ntp/h2", "2026-11-16T12:02:00Z", "2026-11-16T12:02:00Z"),
    ]  # fmt: skip
    why = await rig.call("POST", "/api/v1/explain", {"incident": "INC-1"}, want=200)
    assert why["reasons"][-1] == (
        f"ntp/h2: counted to alert {listed['id']} since 2026-11-16 12:02:00 UTC because the title is the same;"
        " over since 12:02:00 UTC"
    )
    assert any("also under ntp/h2" in line["text"] for line in await rig.timeline())


# ---- while the database is away --------------------------------------------------------------------------------


async def test_s47_paged_without_the_database_it_still_belongs_to_what_was_there(
    begin: Begin, plug: Plug
) -> None:
    """h1 had its incident. In the outage h2 and h3 are paged once, as one; on return that page is a twin of the
    incident's, and is ended; there is no second incident, and the last resolve ends the first."""
    rig = await begin(config=CONFIG, dsn=plug.dsn)
    await say(rig, "h1")
    await lost(rig, plug)
    await tell(rig, "h2")
    await tell(rig, "h3")
    await rig.advance(seconds=31)

    async def paged() -> bool:
        rig.daemon.hub.wake.ring("blind")
        return len(await rig.pagerduty()) > 1

    await rig.until(paged, "a page without the database")
    assert len(await rig.pagerduty()) == 2, "h2 and h3 are one"
    await back(rig, plug)
    assert await alerts(rig) == [("ntp/h1", "open", 2)]
    assert sorted(p["status"] for p in await rig.pagerduty()) == ["resolved", "triggered"], (
        "the twin is ended"
    )
    for host in ("h1", "h2", "h3"):
        await say(rig, host, event_type="resolve")
    assert (await rig.incident())["status"] == "resolved"
    assert {p["status"] for p in await rig.pagerduty()} == {"resolved"}
