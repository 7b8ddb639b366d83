"""PagerDuty takes pages and answers well, but rings nobody: somebody is rung all the same, and once it is over
nothing rings that was answered (S28 to S31)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from rig import Begin, Rig

BY_DAY = datetime(2026, 11, 16, 7, 0, tzinfo=UTC)
CHECKOUT = {"title": "Checkout is down", "source": "probe", "severity": "critical", "service_name": "web"}


async def side(rig: Rig, connector: str, rung: str, name: str = "INC-1") -> Any:
    """The connector's side of the incident once it has reached that rung."""

    async def reached() -> Any:
        providers = (await rig.incident(name))["providers"]
        return next((p for p in providers if p["connector"] == connector and p[rung]), None)

    return await rig.until(reached, f"{connector} has {rung} of {name}")


def rings(sides: list[Any]) -> list[int]:
    return [one["notification_count"] for one in sides]


async def test_s27_who_was_rung_is_read_soon_and_told(begin: Begin) -> None:
    """S27: PagerDuty sends no webhook for it: its log is read, and the page shows all four rungs with their times."""
    rig = await begin(at=BY_DAY)
    await rig.alert(**CHECKOUT)
    await side(rig, "prod-pagerduty", "created_at")
    await rig.advance(seconds=6)
    there = await side(rig, "prod-pagerduty", "notified_at")

    assert there["accepted_at"] <= there["created_at"] <= there["notified_at"]
    told = next(line for line in await rig.timeline() if line["kind"] == "page_notified")
    assert told["text"] == "prod-pagerduty: Ed was notified there"
    await rig.advance(seconds=40)
    await rig.quiet()
    assert await rig.opsgenie() == [], "somebody was rung: nobody else is"


async def test_s30_created_and_nobody_rung_asks_the_next_too(begin: Begin) -> None:
    """S30: 30 s later Opsgenie rings; PagerDuty's page stays, and one acknowledgement silences both."""
    rig = await begin(at=BY_DAY)
    await rig.fault("pagerduty", "created_not_notified", operation="create")
    await rig.alert(**CHECKOUT)
    await side(rig, "prod-pagerduty", "created_at")
    await rig.advance(seconds=29)
    await rig.quiet()
    assert await rig.opsgenie() == []
    await rig.advance(seconds=1)
    await side(rig, "prod-opsgenie", "created_at")

    assert (rings(await rig.pagerduty()), rings(await rig.opsgenie())) == ([0], [1])
    assert "hedged" in await rig.kinds()
    (alert,) = await rig.opsgenie()
    await rig.control("POST", f"/opsgenie/alerts/{alert['id']}/acknowledge", {"user": "di@example.com"})

    async def silenced() -> bool:
        return [p["status"] for p in await rig.pagerduty()] == ["acknowledged"]

    await rig.until(silenced, "PagerDuty is told")


async def test_s30_too_many_hedges_and_pages_fail_over_at_once(begin: Begin) -> None:
    """S30: Ten critical pages that rang nobody within a minute: the eleventh goes to Opsgenie alone, an alarm says so, and
    a minute later PagerDuty is tried again."""
    rig = await begin(at=BY_DAY)
    await rig.fault("pagerduty", "created_not_notified", operation="create")
    for number in range(10):
        await rig.alert(**{**CHECKOUT, "title": f"Checkout {number}"})
        await side(rig, "prod-pagerduty", "created_at", f"INC-{number + 1}")
    await rig.advance(seconds=30)
    for number in range(10):
        await side(rig, "prod-opsgenie", "created_at", f"INC-{number + 1}")
    connector = await rig.call("GET", "/api/v1/connectors/prod-pagerduty", want=200)
    assert (connector["healthy"], connector["slow_until"] is not None) == (False, True)
    eleventh = await rig.alert(**{**CHECKOUT, "title": "The eleventh"})
    name = eleventh["incident"]
    await side(rig, "prod-opsgenie", "created_at", name)

    assert {p["connector"] for p in (await rig.incident(name))["providers"]} == {"prod-opsgenie"}

    async def alarm() -> bool:
        listed = await rig.call("GET", "/api/v1/incidents?q=notifies+nobody+in+time", want=200)
        return bool(listed["items"])

    await rig.until(alarm, "an alarm of the hub's own")
    await rig.heal()
    await rig.advance(seconds=61)
    after = await rig.alert(**{**CHECKOUT, "title": "A minute later"})
    await side(rig, "prod-pagerduty", "created_at", after["incident"])


@pytest.mark.parametrize(
    ("path", "body", "cause"),
    [
        pytest.param("/pagerduty/services/PWEB001", {"status": "maintenance"}, "maintenance", id="the service is in maintenance"),
        pytest.param("/pagerduty/services/PWEB001", {"status": "disabled"}, "disabled", id="the service is disabled"),
        pytest.param("/pagerduty/policies/PWEBEP1", {"on_call": []}, "assigned to nobody", id="nobody is on call"),
    ],
)  # fmt: skip
async def test_s28_what_can_ring_nobody_fails_over_at_once(
    begin: Begin, path: str, body: dict[str, Any], cause: str
) -> None:
    """S28: Not after three seconds, and not only when critical; the timeline says why, in words."""
    rig = await begin(at=BY_DAY)
    await rig.control("POST", path, body)
    await rig.alert(**{**CHECKOUT, "severity": "high"})
    await side(rig, "prod-opsgenie", "created_at")

    told = next(line["text"] for line in await rig.timeline() if line["kind"] == "failed_over")
    assert cause in told
    await rig.call("POST", "/api/v1/incidents/INC-1/resolve", {}, want=200)
    await rig.quiet()
    assert {p["status"] for p in await rig.pagerduty()} <= {"resolved"}, (
        "what was created there ends with the rest"
    )


async def test_the_brown_out(begin: Begin) -> None:
    """For 40 minutes PagerDuty answers 201 and rings nobody, times out after it wrote, and holds its webhooks
    back. Each critical page rings one human by Opsgenie within 30 s, twins are adopted, one acknowledgement
    silences both, and when the webhooks come in a flood nothing that was answered rings again."""
    rig = await begin(at=BY_DAY)
    await rig.fault("pagerduty", "webhook_late", seconds=2400)
    await rig.fault("pagerduty", "timeout_after_write", operation="create", times=1, seconds=11)
    await rig.fault("pagerduty", "created_not_notified", operation="create")
    lost = (await rig.alert(**{**CHECKOUT, "title": "The answer is lost"}))["incident"]
    await rig.advance(seconds=4)
    await side(rig, "prod-opsgenie", "created_at", lost)
    quiet = [(await rig.alert(**{**CHECKOUT, "title": f"Nobody is rung {n}"}))["incident"] for n in range(3)]
    for name in quiet:
        await side(rig, "prod-pagerduty", "created_at", name)
    await rig.advance(seconds=30)
    for name in quiet:
        await side(rig, "prod-opsgenie", "created_at", name)

    async def adopted() -> bool:
        await rig.advance(seconds=2)
        sides = (await rig.incident(lost))["providers"]
        return any(p["connector"] == "prod-pagerduty" and p["created_at"] for p in sides)

    await rig.until(adopted, "the twin whose answer was lost is adopted")
    assert rings(await rig.opsgenie()) == [1, 1, 1, 1]
    assert len(await rig.pagerduty()) == 4, "none is created twice"

    for alert in await rig.opsgenie():
        await rig.control("POST", f"/opsgenie/alerts/{alert['id']}/acknowledge", {"user": "di@example.com"})

    async def silenced() -> bool:
        return {p["status"] for p in await rig.pagerduty()} == {"acknowledged"}

    await rig.until(silenced, "one acknowledgement silences both")
    await rig.call("POST", f"/api/v1/incidents/{lost}/resolve", {"note": "rolled back"}, want=200)
    await rig.quiet()

    async def silenced_but_the_resolved() -> bool:
        there = [p["status"] for p in await rig.pagerduty()]
        return sorted(there) == ["acknowledged"] * (len(there) - 1) + ["resolved"]

    await rig.advance(minutes=10)
    await rig.quiet()
    late = (await rig.alert(**{**CHECKOUT, "title": "Ten minutes in"}))["incident"]
    await side(rig, "prod-pagerduty", "created_at", late)
    await rig.advance(seconds=30)
    await side(rig, "prod-opsgenie", "created_at", late)
    (ringing,) = [a for a in await rig.opsgenie() if a["message"] == "Ten minutes in"]
    assert ringing["notification_count"] == 1
    await rig.control("POST", f"/opsgenie/alerts/{ringing['id']}/acknowledge", {"user": "di@example.com"})
    await rig.until(silenced_but_the_resolved, "it is silenced at both as well")
    await rig.quiet()

    before = (rings(await rig.pagerduty()), rings(await rig.opsgenie()))
    await rig.heal()
    for _ in range(8):
        await rig.advance(minutes=3)
        await rig.quiet()
    await rig.advance(minutes=20)
    await rig.quiet()

    assert (rings(await rig.pagerduty()), rings(await rig.opsgenie())) == before
    assert (await rig.incident(lost))["status"] == "resolved"
    assert {(await rig.incident(name))["status"] for name in quiet} == {"mitigated"}
    assert (await rig.incident(late))["status"] == "mitigated"
