"""Providers cannot call back: what happens there is read instead (S44)."""

import pytest

from rig import KEYS, Begin

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


@pytest.mark.parametrize(
    ("then", "here", "rung"),
    [
        pytest.param("", "open", 2, id="it rings there"),
        pytest.param("acknowledge", "mitigated", 1, id="Bo has it there by then"),
    ],
)
async def test_a_reopen_there_of_what_is_over_is_read(begin: Begin, then: str, here: str, rung: int) -> None:
    """Only what was open here was read, so what Bo reopens at PagerDuty rang there alone for ever. It is open here
    again within sync_interval, and Opsgenie is asked too, unless somebody has it by then."""
    rig = await begin(webhooks=False)
    await rig.alert(**ALERT)
    await rig.quiet()
    await rig.call("POST", "/api/v1/incidents/INC-1/resolve", {}, want=200)
    await rig.quiet()
    (page,) = await rig.pagerduty()
    await rig.advance(minutes=1)
    for act in ("reopen", then):
        if act:
            await rig.control("POST", f"/pagerduty/incidents/{page['id']}/{act}", {"user": "bo@example.com"})

    async def learned() -> bool:
        await rig.advance(seconds=30)
        return bool((await rig.incident())["status"] == here)

    await rig.until(learned, f"it is {here} here")
    await rig.quiet()
    assert len(await rig.opsgenie()) == rung
    assert [p["status"] for p in await rig.pagerduty()] == ["triggered" if here == "open" else "acknowledged"]


async def test_a_reopen_there_is_found_behind_a_hundred_that_came_since(begin: Begin) -> None:
    """The list of what is open there begins with what was created last, and gives a hundred at once."""
    rig = await begin(webhooks=False)
    await rig.alert(**ALERT)
    await rig.quiet()
    await rig.call("POST", "/api/v1/incidents/INC-1/resolve", {}, want=200)
    await rig.quiet()
    (page,) = await rig.pagerduty()
    headers = {"Authorization": f"Token token={KEYS['PAGERDUTY_API_KEY']}", "From": "bo@example.com"}
    body = {
        "type": "incident",
        "title": "another tool's",
        "service": {"id": "PGEN001", "type": "service_reference"},
    }
    for n in range(101):
        asked = {"incident": body | {"incident_key": f"other {n}"}}
        async with rig.http.post(
            f"{rig.sandbox.pagerduty_url}/incidents", json=asked, headers=headers
        ) as made:
            assert made.status == 201, await made.text()
    await rig.advance(minutes=1)
    await rig.control("POST", f"/pagerduty/incidents/{page['id']}/reopen", {"user": "bo@example.com"})

    async def learned() -> bool:
        await rig.advance(seconds=30)
        return bool((await rig.incident())["status"] == "open")

    await rig.until(learned, "it is open here")


async def test_what_is_over_costs_one_call_an_interval(begin: Begin) -> None:
    """Eight incidents were resolved; within an hour PagerDuty is read twelve times, and Opsgenie, where nothing can
    be reopened, never."""
    rig = await begin(webhooks=False)
    for n in range(8):
        await rig.alert(**ALERT, dedup_key=f"login {n}")
    await rig.quiet()
    for n in range(8):
        await rig.call("POST", f"/api/v1/incidents/INC-{n + 1}/resolve", {}, want=200)
    await rig.quiet()
    assert {p["status"] for p in await rig.pagerduty()} == {"resolved"}

    async def reads(vendor: str, intervals: int) -> int:
        """How many calls that takes, each turn waited for where one is due."""
        await rig.control("DELETE", "/calls")
        for _ in range(intervals):
            before = len(await rig.calls("pagerduty"))
            await rig.advance(minutes=5)

            async def read(before: int = before) -> bool:
                return len(await rig.calls("pagerduty")) > before

            await rig.until(read, "the list is read")
        return len(await rig.calls(vendor))

    assert await reads("pagerduty", 12) == 12
    assert await reads("opsgenie", 1) == 0


async def test_an_open_breaker_keeps_nobody_from_being_heard(begin: Begin) -> None:
    """PagerDuty was away until its breaker opened; Opsgenie took that page, so nothing is queued that would try it
    again. What Bo does there afterwards is read all the same; that used to wait for the next page."""
    rig = await begin(webhooks=False)
    await rig.alert(**ALERT)
    await rig.quiet()
    (page,) = await rig.pagerduty()
    await rig.fault("pagerduty", kind="refused")
    for n in range(5):
        await rig.alert(
            title="Web is slow", source="probe", severity="high", service_name="web", dedup_key=f"web {n}"
        )

    async def connector() -> tuple[str, int]:
        found = await rig.call("GET", "/api/v1/connectors/prod-pagerduty", want=200)
        return found["breaker"]["state"], found["queue"]

    async def opened() -> bool:
        return await connector() == ("open", 0) and len(await rig.opsgenie()) == 6

    await rig.until(opened, "its breaker opens, and Opsgenie has what it did not take")
    await rig.quiet()
    await rig.heal()
    await rig.control("POST", f"/pagerduty/incidents/{page['id']}/resolve", {"user": "bo@example.com"})

    async def over() -> bool:
        await rig.advance(seconds=10)
        return bool((await rig.incident())["status"] == "resolved")

    await rig.until(over, "what Bo did is read")
    assert await connector() == ("open", 0), "S33: only a write closes it"
