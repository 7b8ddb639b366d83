"""A provider is down: the page goes out another way, nothing is lost, nothing is doubled in effect."""

from datetime import UTC, datetime
from typing import Any

import pytest

from rig import Begin, Rig

BY_DAY = {"title": "Checkout is slow", "source": "probe", "severity": "high", "service_name": "web"}


async def paged_through(rig: Rig, connector: str, name: str = "INC-1") -> Any:
    async def created() -> Any:
        providers = (await rig.incident(name))["providers"]
        return next((p for p in providers if p["connector"] == connector and p["created_at"]), None)

    return await rig.until(created, f"{connector} has created {name}")


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"kind": "500"}, id="PagerDuty answers 500"),
        pytest.param({"kind": "429"}, id="PagerDuty says too many requests, with Retry-After"),
        pytest.param({"kind": "429_bare"}, id="PagerDuty says too many requests and no more"),
        pytest.param({"kind": "reset"}, id="PagerDuty resets the connection"),
        pytest.param({"kind": "refused"}, id="PagerDuty refuses connections"),
        pytest.param({"kind": "hang", "seconds": 30}, id="PagerDuty hangs"),
        pytest.param({"kind": "invalid_json"}, id="PagerDuty answers nonsense"),
        pytest.param({"kind": "timeout_after_write", "seconds": 30}, id="PagerDuty writes and never answers"),
    ],
)
async def test_failover_within_three_seconds(begin: Begin, fault: dict[str, Any]) -> None:
    """Urgent by day goes to PagerDuty; not created there within 3 s, Opsgenie is asked. Without webhooks: one
    that tells of PagerDuty's own incident in time would make the failover needless."""
    rig = await begin(at=_monday_by_day(), webhooks=False)
    await rig.fault("pagerduty", **fault)
    await rig.alert(**BY_DAY)
    await rig.advance(seconds=3)
    await paged_through(rig, "prod-opsgenie")

    assert "failed_over" in await rig.kinds()
    assert [a["notification_count"] for a in await rig.opsgenie()] == [1]


async def test_what_was_resolved_meanwhile_is_not_replayed(begin: Begin) -> None:
    """PagerDuty comes back after the incident is over: it never hears of it."""
    rig = await begin(at=_monday_by_day())
    await rig.fault("pagerduty", kind="500")
    await rig.alert(**BY_DAY)
    await rig.advance(seconds=3)
    await paged_through(rig, "prod-opsgenie")
    await rig.call("POST", "/api/v1/incidents/INC-1/resolve", {"note": "restarted"}, want=200)
    await rig.heal()
    await rig.advance(minutes=2)
    await rig.quiet()

    assert [p for p in await rig.pagerduty() if p["status"] != "resolved"] == []
    assert sum(p["notification_count"] for p in await rig.pagerduty()) == 0


async def test_both_down_means_mail(begin: Begin) -> None:
    """Neither answers: the last resort is mailed; when both are back the page still reaches them, once."""
    rig = await begin()
    await rig.fault("pagerduty", kind="500")
    await rig.fault("opsgenie", kind="500")
    await rig.alert(title="Login is down", source="probe", severity="critical", service_name="user-auth")
    await rig.advance(seconds=11)
    await paged_through(rig, "ops-mail")
    mails = await rig.mails()

    assert len(mails) == 1
    assert "Login is down" in str(mails[0])
    await rig.heal()
    for _ in range(4):
        await rig.advance(seconds=40)
        await rig.quiet()
    await paged_through(rig, "prod-pagerduty")
    await paged_through(rig, "prod-opsgenie")
    assert (
        [p["notification_count"] for p in await rig.pagerduty()],
        [a["notification_count"] for a in await rig.opsgenie()],
    ) == ([1], [1])


async def test_the_breaker_opens_and_one_probe_closes_it(begin: Begin) -> None:
    """Five failures in a row open it; later pages go straight to Opsgenie; a real page is the probe."""
    rig = await begin(at=_monday_by_day())
    await rig.fault("pagerduty", kind="500", operation="create")
    for number in range(6):
        await rig.alert(**{**BY_DAY, "title": f"Checkout {number}"})
    await rig.quiet()
    state = await rig.call("GET", "/api/v1/connectors/prod-pagerduty", want=200)

    assert state["breaker"]["state"] == "open"
    before = len(await rig.calls("pagerduty"))
    await rig.alert(**{**BY_DAY, "title": "Checkout, breaker open"})
    await paged_through(rig, "prod-opsgenie", "INC-7")

    assert before == len(await rig.calls("pagerduty")), "an open breaker lets nothing through"
    await rig.heal()
    await rig.advance(seconds=2)
    await rig.alert(**{**BY_DAY, "title": "Checkout, after"})

    async def closed() -> bool:
        now = await rig.call("GET", "/api/v1/connectors/prod-pagerduty", want=200)
        return bool(now["breaker"]["state"] == "closed")

    await rig.until(closed, "the breaker closes after a probe")


async def test_a_write_that_was_applied_is_adopted(begin: Begin) -> None:
    """PagerDuty creates and times out: looked up by our key and adopted, never created twice."""
    rig = await begin()
    await rig.fault("pagerduty", kind="timeout_after_write", operation="create", times=1, seconds=11)
    await rig.alert(title="Login is down", source="probe", severity="critical", service_name="user-auth")
    await paged_through(rig, "prod-opsgenie")

    async def adopted() -> bool:
        await rig.advance(seconds=2)
        providers = (await rig.incident())["providers"]
        return any(p["connector"] == "prod-pagerduty" and p["created_at"] for p in providers)

    await rig.until(adopted, "PagerDuty's incident is adopted")

    assert len(await rig.pagerduty()) == 1


def _monday_by_day() -> Any:
    """Monday 07:00 UTC: business hours in Kolkata, where the application team sits."""

    return datetime(2026, 11, 16, 7, 0, tzinfo=UTC)
