"""One fault, two services: an alert that names the second joins the incident of the first, and its people are paged."""

from __future__ import annotations

from typing import Any

from rig import Begin, Rig

SLOW = {
    "title": "Login is slow",
    "source": "probe",
    "severity": "high",
    "dedup_key": "login",
    "service_name": "user-auth",
}
BOTH = {**SLOW, "service_name": ["user-auth", "payment-service"]}


async def parts(rig: Rig) -> dict[str, str]:
    found: dict[str, Any] = await rig.incident()
    return {part["service"]: part["status"] for part in found["parts"]}


async def test_a_further_service_is_paged_where_the_first_was(begin: Begin) -> None:
    """S20: a part of its own, at that service's own mapping; the first is not rung a second time."""
    rig = await begin()
    await rig.alert(**SLOW)
    await rig.quiet()
    first = {p["id"]: p["notification_count"] for p in await rig.pagerduty()}
    await rig.advance(minutes=1)
    await rig.alert(**BOTH)
    await rig.quiet()

    assert await parts(rig) == {"user-auth": "open", "payment-service": "open"}
    found = {p["id"]: p for p in await rig.pagerduty()}
    assert len(found) == 2
    assert len({p["service"]["id"] for p in found.values()}) == 2, "each at its own service there"
    assert {i: found[i]["notification_count"] for i in first} == first
    assert len(await rig.opsgenie()) == 2
    assert "part_added" in await rig.kinds()


async def test_what_somebody_has_stays_theirs(begin: Begin) -> None:
    """S21: acknowledged for user-auth; payment-service is asked for, and only that; acknowledged again, all is."""
    rig = await begin()
    await rig.alert(**SLOW)
    await rig.quiet()
    await rig.call("POST", "/api/v1/incidents/INC-1/acknowledge", {}, want=200)
    await rig.quiet()
    first = {p["id"]: p["notification_count"] for p in await rig.pagerduty()}
    await rig.advance(minutes=10)
    await rig.alert(**BOTH)
    await rig.quiet()

    assert await parts(rig) == {"user-auth": "mitigated", "payment-service": "open"}
    found = {p["id"]: p for p in await rig.pagerduty()}
    assert {i: (found[i]["status"], found[i]["notification_count"]) for i in first} == {
        i: ("acknowledged", count) for i, count in first.items()
    }
    assert sorted(p["status"] for p in found.values()) == ["acknowledged", "triggered"]

    await rig.call("POST", "/api/v1/incidents/INC-1/acknowledge", {}, want=200)
    await rig.quiet()
    assert (await rig.incident())["status"] == "mitigated"
    assert {p["status"] for p in await rig.pagerduty()} == {"acknowledged"}
