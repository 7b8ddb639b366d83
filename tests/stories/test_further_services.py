"""One fault, two services: an alert that names the second joins the incident of the first, and its people are paged."""

from __future__ import annotations

from typing import Any

import pytest

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


@pytest.mark.parametrize(
    "held", [pytest.param(False, id="it rings"), pytest.param(True, id="somebody has it")]
)
async def test_one_part_is_reopened_there_while_the_other_is_open(begin: Begin, held: bool) -> None:
    """S20: Bo reopens the part of payment-service at PagerDuty. That was only listed as a difference; it is open here
    again now, paged wherever the other part is, and nobody is rung a second time for user-auth."""
    rig = await begin()
    await rig.alert(**BOTH)
    await rig.quiet()
    (mine,) = [p["id"] for p in await rig.pagerduty() if p["service"]["id"] == "PPAY001"]
    body = {"user": "bo@example.com"}

    async def are(payment: str) -> None:
        async def so() -> bool:
            return (await parts(rig))["payment-service"] == payment

        await rig.until(so, f"payment-service is {payment}")
        await rig.quiet()

    await rig.control("POST", f"/pagerduty/incidents/{mine}/resolve", body)
    await are("resolved")
    if held:
        await rig.call("POST", "/api/v1/incidents/INC-1/acknowledge", {}, want=200)
        await rig.quiet()
    await rig.advance(minutes=1)
    before = await rings(rig)
    await rig.control("POST", f"/pagerduty/incidents/{mine}/reopen", body)
    await are("open")

    assert await parts(rig) == {"user-auth": "mitigated" if held else "open", "payment-service": "open"}
    assert (await rig.incident())["status"] == "open"
    after = await rings(rig)
    (new,) = set(after) - set(before)
    assert (new.split(" ")[0], new.rsplit(":", 2)[1:]) == ("opsgenie", ["payment-service", "2"])
    assert {name: n for name, n in after.items() if ":user-auth:" in name} == {
        name: n for name, n in before.items() if ":user-auth:" in name
    }
    assert [d for d in (await rig.call("GET", "/api/v1/divergences"))["items"] if not d["ended_at"]] == []


async def rings(rig: Rig) -> dict[str, int]:
    """Our key at a provider -> how often it has rung somebody for it."""
    found = {f"pagerduty {p['incident_key']}": p["notification_count"] for p in await rig.pagerduty()}
    return found | {f"opsgenie {a['alias']}": a["notification_count"] for a in await rig.opsgenie()}
