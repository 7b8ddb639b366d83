"""What was acknowledged is asked about again: given back, or worse than it was."""

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


async def test_worse_than_acknowledged_rings_the_holder_again(begin: Begin) -> None:
    """Acknowledged as high; the same key comes as critical: both providers ring again (S6)."""
    rig = await begin()
    await rig.alert(**HIGH)
    await rig.quiet()
    await rig.call("POST", "/api/v1/incidents/INC-1/acknowledge", {}, want=200)
    await rig.quiet()

    assert (1, 1) == await rung(rig)
    await rig.advance(minutes=10)
    await rig.alert(**{**HIGH, "severity": "critical"})
    await rig.quiet()

    assert "open" == (await rig.incident())["status"]
    assert (2, 2) == await rung(rig)
    open_there = [a for a in await rig.opsgenie() if a["status"] == "open"]
    assert 1 == len(open_there), "the alert of the earlier life is closed at Opsgenie"
    assert 1 == len(await rig.pagerduty()), "PagerDuty rings again in place"


async def test_given_back_at_opsgenie_rings_pagerduty(begin: Begin) -> None:
    """Ada acknowledges at Opsgenie, then gives it back there: open again, PagerDuty rings, Opsgenie does itself."""
    rig = await begin()
    await rig.alert(**HIGH)
    await rig.quiet()
    (alert,) = await rig.opsgenie()
    await rig.control("POST", f"/opsgenie/alerts/{alert['id']}/acknowledge", {"user": "ada@example.com"})

    async def acknowledged() -> bool:
        return [p["status"] for p in await rig.pagerduty()] == ["acknowledged"]

    await rig.until(acknowledged, "PagerDuty is told")
    await rig.advance(minutes=10)
    await rig.control("POST", f"/opsgenie/alerts/{alert['id']}/unacknowledge", {"user": "ada@example.com"})

    async def again() -> bool:
        incident = await rig.incident()
        pages = await rig.pagerduty()
        return (
            incident["status"] == "open"
            and pages[0]["status"] == "triggered"
            and pages[0]["notification_count"] == 2
        )

    await rig.until(again, "PagerDuty rings again")
    await rig.quiet()

    assert 1 == len(await rig.opsgenie()), "it is not opened twice where it was given back"
