"""Somebody has it, but not now: an acknowledgement with an end (S26)."""

from rig import Begin, Rig

HIGH = {
    "title": "Login is slow",
    "source": "probe",
    "severity": "high",
    "service_name": "user-auth",
    "dedup_key": "login",
}


async def rung(rig: Rig) -> tuple[int, int]:
    """How often people were rung by PagerDuty and by Opsgenie, all incidents there together."""
    return (
        sum(p["notification_count"] for p in await rig.pagerduty()),
        sum(a["notification_count"] for a in await rig.opsgenie()),
    )


async def snoozed(rig: Rig) -> None:
    """INC-1 is paged at both providers and snoozed here for two hours."""
    await rig.alert(**HIGH)
    await rig.quiet()
    await rig.call("POST", "/api/v1/incidents/INC-1/snooze", {"for": "2h", "note": "vendor"}, want=200)
    await rig.quiet()


async def test_s26_a_snooze_ends_here_first_and_rings_once(begin: Begin) -> None:
    """S26: Both providers sleep five minutes longer than the hub, which alone ends it: open, from step 1, one ring each."""
    rig = await begin()
    await snoozed(rig)
    incident = await rig.incident()
    assert ("mitigated", True) == (incident["status"], bool(incident["snoozed_until"]))
    (page,), (alert,) = await rig.pagerduty(), await rig.opsgenie()
    assert ("acknowledged", True) == (page["status"], bool(page["snoozed_until"]))
    assert (True, True) == (alert["acknowledged"], alert["snoozed"])
    assert page["snoozed_until"] > incident["snoozed_until"].replace("Z", "+00:00")

    await rig.advance(minutes=119)
    await rig.quiet()
    assert (1, 1) == await rung(rig)
    assert "mitigated" == (await rig.incident())["status"]
    await rig.advance(minutes=1)

    async def again() -> bool:
        return (await rig.incident())["status"] == "open" and await rung(rig) == (2, 2)

    await rig.until(again, "it is open and rings again")
    await rig.advance(minutes=6)
    await rig.quiet()
    assert (2, 2) == await rung(rig), "what the providers would have ended is over"
    assert (await rig.kinds()).count("snooze_ended") == 1
    assert (await rig.incident())["snoozed_until"] is None


async def test_s26_a_worse_alert_breaks_it(begin: Begin) -> None:
    """S26: The same key comes as critical: both ring at once, and nothing rings at the end that was."""
    rig = await begin()
    await snoozed(rig)
    await rig.advance(minutes=10)
    await rig.alert(**{**HIGH, "severity": "critical"})
    await rig.quiet()
    incident = await rig.incident()
    assert ("open", None) == (incident["status"], incident["snoozed_until"])
    assert (2, 2) == await rung(rig)
    assert "The snooze until" in await rig.story()
    await rig.call("POST", "/api/v1/incidents/INC-1/snooze", {"for": "3h"}, want=200)
    await rig.quiet()
    await rig.advance(minutes=111)
    await rig.quiet()
    assert "mitigated" == (await rig.incident())["status"], "the first end is past, the second is to come"
    assert "snooze_ended" not in await rig.kinds()


async def test_s26_resolved_meanwhile_nothing_rings(begin: Begin) -> None:
    rig = await begin()
    await snoozed(rig)
    await rig.call("POST", "/api/v1/incidents/INC-1/resolve", {}, want=200)
    await rig.quiet()
    await rig.advance(minutes=130)
    await rig.quiet()
    assert "resolved" == (await rig.incident())["status"]
    assert (1, 1) == await rung(rig)


async def test_s26_an_acknowledgement_keeps_it_for_good(begin: Begin) -> None:
    """Its end is gone here."""
    rig = await begin()
    await snoozed(rig)
    await rig.call("POST", "/api/v1/incidents/INC-1/acknowledge", {}, want=200)
    await rig.quiet()
    await rig.advance(minutes=121)
    await rig.quiet()
    incident = await rig.incident()
    assert ("mitigated", None) == (incident["status"], incident["snoozed_until"])


async def test_s26_snoozed_at_opsgenie_is_snoozed_everywhere(begin: Begin) -> None:
    """Ada snoozes at Opsgenie until half past: PagerDuty sleeps too."""
    rig = await begin()
    await rig.alert(**HIGH)
    await rig.quiet()
    (alert,) = await rig.opsgenie()
    end = (rig.clock().replace(microsecond=0)).isoformat().replace("12:", "13:", 1)
    body = {"user": "ada@example.com", "endTime": end}
    await rig.control("POST", f"/opsgenie/alerts/{alert['id']}/snooze", body)

    async def asleep() -> bool:
        (page,) = await rig.pagerduty()
        return bool(page["snoozed_until"]) and page["status"] == "acknowledged"

    await rig.until(asleep, "PagerDuty sleeps as well")
    incident = await rig.incident()
    assert "ada@example.com" == incident["acknowledged_by"]
    assert incident["snoozed_until"] is not None
