"""Providers cannot call back: what happens there is read instead (S44)."""

from rig import Begin

ALERT = {"title": "Login is down", "source": "probe", "severity": "critical", "service_name": "user-auth"}


async def test_an_acknowledgement_is_read_within_ten_seconds(begin: Begin) -> None:
    """No webhook comes; ten seconds later the hub has read Bo's acknowledgement and told Opsgenie."""
    rig = await begin(webhooks=False)
    await rig.alert(**ALERT)
    await rig.quiet()
    (page,) = await rig.pagerduty()
    await rig.control("POST", f"/pagerduty/incidents/{page['id']}/acknowledge", {"user": "bo@example.com"})
    await rig.advance(seconds=10)

    async def known_everywhere() -> bool:
        (alert,) = await rig.opsgenie()
        return bool((await rig.incident())["status"] == "mitigated" and alert["acknowledged"])

    await rig.until(known_everywhere, "the acknowledgement is read and passed on")
    assert "Bo" in (await rig.incident())["acknowledged_by"]


async def test_a_resolve_at_opsgenie_is_read_at_the_sync_interval(begin: Begin) -> None:
    """An acknowledged incident is read at sync_interval (5 min), which is soon enough."""
    rig = await begin(webhooks=False)
    await rig.alert(**ALERT)
    await rig.quiet()
    await rig.call("POST", "/api/v1/incidents/INC-1/acknowledge", {}, want=200)
    await rig.quiet()
    (alert,) = await rig.opsgenie()
    await rig.control("POST", f"/opsgenie/alerts/{alert['id']}/close", {"user": "ada@example.com"})
    await rig.advance(minutes=5)

    async def resolved() -> bool:
        pages = await rig.pagerduty()
        return (await rig.incident())["status"] == "resolved" and pages[0]["status"] == "resolved"

    await rig.until(resolved, "the close at Opsgenie is read and passed on")


async def test_what_is_not_mentioned_is_not_resolved(begin: Begin) -> None:
    """Opsgenie answers nothing useful: absence is never resolve (S41)."""
    rig = await begin(webhooks=False)
    await rig.alert(**ALERT)
    await rig.quiet()
    await rig.fault("opsgenie", kind="500", operation="read")
    await rig.fault("pagerduty", kind="500", operation="read")
    await rig.advance(minutes=6)
    await rig.quiet()

    assert "open" == (await rig.incident())["status"]
