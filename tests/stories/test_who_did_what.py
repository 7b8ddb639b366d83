"""Afterwards it is told who did what: here, at the providers, and the clock (TR-4)."""

from __future__ import annotations

from typing import Any

from rig import Begin, Rig

ALERT = {"title": "Login is down", "source": "probe", "severity": "critical", "service_name": "user-auth"}


async def told(rig: Rig, **query: str) -> list[Any]:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    return list((await rig.call("GET", f"/api/v1/audit?{asked}", want=200))["items"])


async def holds(rig: Rig, *, waiting: int = 0) -> bool:
    found = await rig.call("GET", "/api/v1/audit/verify", want=200)
    assert found["faults"] == []
    return bool(found["waiting"] == waiting)


async def test_a_person_at_a_provider_the_clock_and_a_person_here(begin: Begin) -> None:
    rig = await begin()
    await rig.alert(**ALERT)
    await rig.quiet()
    (page,) = [it for it in await rig.pagerduty() if it["title"] == ALERT["title"]]
    await rig.control("POST", f"/pagerduty/incidents/{page['id']}/acknowledge", {"user": "bo@example.com"})
    await rig.until(lambda: told(rig, action="incident.acknowledge"), "the acknowledgement there is told")
    await rig.quiet()

    there = (await told(rig, action="incident.acknowledge"))[0]
    assert (there["actor_kind"], there["origin"], there["via"]) == ("provider", "webhook", "prod-pagerduty")
    assert there["address"] == "127.0.0.1"
    assert (there["object"], there["before"]["status"], there["after"]["status"]) == (
        "INC-1",
        "open",
        "mitigated",
    )

    await rig.advance(hours=25)
    await rig.until(
        lambda: told(rig, action="incident.unacknowledge"), "the end of the acknowledgement is told"
    )
    lapsed = (await told(rig, action="incident.unacknowledge"))[0]
    assert (lapsed["actor_kind"], lapsed["origin"], lapsed["address"]) == ("timer", "timer", "")

    await rig.call("POST", "/api/v1/incidents/INC-1/resolve", {"note": "rebooted"}, want=200)
    here = (await told(rig, action="incident.resolve"))[0]
    assert (here["actor"], here["actor_kind"], here["after"]["note"]) == (
        "first administrator",
        "token",
        "rebooted",
    )
    await rig.until(lambda: holds(rig), "every entry has its place")


async def test_it_holds_over_a_kill_and_a_restart(begin: Begin) -> None:
    """An act that was answered is in the log, linked or not, when the hub is back; the start tells nothing new."""
    rig = await begin(webhooks=False)
    await rig.call("POST", "/api/v1/incidents", {"title": "It burns", "severity": "high"}, want=201)
    before = await told(rig)
    await rig.kill()
    await rig.start_hub()

    assert [(e["action"], e["object"], e["at"]) for e in await told(rig)] == [
        (e["action"], e["object"], e["at"]) for e in before
    ]
    assert {e["origin"] for e in await told(rig, action="configuration.apply")} == {"start"}
    await rig.until(lambda: holds(rig), "every entry has its place")
