"""A page that only tries the way goes all of it, wakes nobody, and tells who does not create it (TR-7)."""

from datetime import UTC, datetime
from typing import Any

from rig import Begin, Rig

from .conftest import HUB

DAILY = HUB.replace(
    "defaults: {",
    'defaults: {canary: {at: "10:00", timezone: Europe/London, connectors: [prod-pagerduty, prod-opsgenie]}, ',
)
LOUD = DAILY.replace(
    "routing:\n",
    'routing:\n  - {name: our own to everybody, when: alert.source == "tocsin" && alert.labels.canary != "", page: everywhere}\n',
)


async def canary(rig: Rig) -> Any:
    """The newest, once it has ended."""

    async def ended() -> Any:
        found = (await rig.call("GET", "/api/v1/health", want=200))["canary"]
        return found if found and found["ended_at"] else None

    return await rig.until(ended, "the canary ends")


async def test_it_is_created_everywhere_and_ends(begin: Begin) -> None:
    """By hand, to two connectors, though a rule of the file would page everybody: low, created at both, resolved at
    both; no mail to anybody, and no alarm."""
    rig = await begin(config=LOUD)
    sent = await rig.call("POST", "/api/v1/canary", {}, want=202)
    found = await canary(rig)
    await rig.quiet()

    assert (sent["asked_by"], sent["connectors"]) == (
        "first administrator",
        ["prod-pagerduty", "prod-opsgenie"],
    )
    assert [(one["connector"], one["created"], one["fault"]) for one in found["results"]] == [
        ("prod-pagerduty", True, ""), ("prod-opsgenie", True, "")
    ]  # fmt: skip
    (page,), (alert,) = await rig.pagerduty(), await rig.opsgenie()
    assert (page["urgency"], page["status"]) == ("low", "resolved")
    assert (alert["priority"], alert["status"]) == ("P5", "closed")
    assert [] == await rig.mails()
    assert [] == (await rig.call("GET", "/api/v1/alarms"))["items"]
    assert (await rig.incident())["status"] == "resolved"


async def test_who_does_not_create_it_is_told_of(begin: Begin) -> None:
    """Opsgenie is down: after two minutes an alarm says so, by another way; the last resort is asked for the alarm
    alone. The next canary that arrives ends it."""
    rig = await begin(config=DAILY)
    await rig.fault("opsgenie", "503")
    await rig.call("POST", "/api/v1/canary", {}, want=202)
    busy = await rig.call("POST", "/api/v1/canary", {}, want=409)

    async def refused() -> bool:
        return bool(
            await rig.pagerduty()
            and (await rig.call("GET", "/api/v1/connectors/prod-opsgenie"))["last_error"]
        )

    await rig.until(refused, "one has it, the other refuses")
    await rig.advance(minutes=2)
    found = await canary(rig)

    assert busy["code"] == "conflict"
    assert {one["connector"]: one["created"] for one in found["results"]} == {
        "prod-pagerduty": True, "prod-opsgenie": False
    }  # fmt: skip

    async def told() -> Any:
        return (await rig.call("GET", "/api/v1/alarms"))["items"]

    (alarm,) = await rig.until(told, "an alarm")
    assert (alarm["key"], alarm["connector"]) == ("canary/prod-opsgenie", "prod-opsgenie")
    await rig.heal()
    await rig.advance(minutes=2)
    await rig.call("POST", "/api/v1/canary", {"connectors": ["prod-opsgenie"]}, want=202)
    assert [one["created"] for one in (await canary_after(rig, found))["results"]] == [True]
    assert [] == (await rig.call("GET", "/api/v1/alarms"))["items"]


async def canary_after(rig: Rig, before: Any) -> Any:
    async def newer() -> Any:
        found = await canary(rig)
        return found if found["id"] != before["id"] else None

    return await rig.until(newer, "the next canary ends")


async def test_it_goes_out_by_schedule(begin: Begin) -> None:
    """At ten in London; not before, and once."""
    rig = await begin(config=DAILY, at=datetime(2026, 11, 17, 9, 58, tzinfo=UTC))
    assert (await rig.call("GET", "/api/v1/health"))["canary"] is None
    await rig.advance(minutes=3)
    found = await canary(rig)
    assert (found["asked_by"], found["started_at"]) == ("schedule", "2026-11-17T10:01:00Z")


async def test_nobody_is_tried_who_is_not_there(begin: Begin) -> None:
    rig = await begin(config=DAILY)
    problem = await rig.call("POST", "/api/v1/canary", {"connectors": ["pagerdutty"]}, want=422)
    assert problem["faults"][0]["field"] == "connectors"
    assert (await rig.call("GET", "/api/v1/health"))["canary"] is None
