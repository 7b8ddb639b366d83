"""Resolved, but not fixed: somebody ends at PagerDuty what the sender goes on saying (S9, S10, S37, S39, S40)."""

import pytest

from rig import Begin, Rig

BROKEN = {
    "title": "Login is down",
    "source": "probe",
    "severity": "critical",
    "service_name": "user-auth",
    "dedup_key": "login",
}
"""Of the security team: it goes to PagerDuty and Opsgenie."""


async def minutes(rig: Rig, many: int) -> None:
    """The sender says it again each minute."""
    for _ in range(many):
        await rig.advance(minutes=1)
        await rig.alert(**BROKEN)
        await rig.quiet()


async def rung(rig: Rig) -> tuple[int, int]:
    """How often people were rung by PagerDuty and by Opsgenie."""
    return (
        sum(page["notification_count"] for page in await rig.pagerduty()),
        sum(alert["notification_count"] for alert in await rig.opsgenie()),
    )


async def becomes(rig: Rig, status: str) -> None:
    async def so() -> bool:
        return bool((await rig.incident())["status"] == status)

    await rig.until(so, f"INC-1 is {status}")


async def read(rig: Rig, status: str) -> None:
    """INC-1 is that by a reading; one that was under way when the clock moved may have seen the state before."""

    async def so() -> bool:
        await rig.advance(seconds=5)
        return bool((await rig.incident())["status"] == status)

    await rig.until(so, f"INC-1 is read as {status}")


async def firing(begin: Begin) -> tuple[Rig, str, str]:
    """Ten minutes of it, paged at both; the ids there."""
    rig = await begin()
    await rig.alert(**BROKEN)
    await rig.quiet()
    await minutes(rig, 10)
    (page,), (alert,) = await rig.pagerduty(), await rig.opsgenie()
    return rig, page["id"], alert["id"]


async def test_s10_resolved_but_not_fixed(begin: Begin) -> None:
    """Di acknowledges at Opsgenie, and PagerDuty does not take our word for it; Bo resolves there, with that word
    still queued. Nothing opens it again by accident; for five minutes repeats only count; then it is one incident,
    open, paged at both, in a new life that the acknowledgement of the old one does not touch."""
    rig, page, alert = await firing(begin)
    await rig.fault("pagerduty", "500", operation="acknowledge")
    await rig.control("POST", f"/opsgenie/alerts/{alert}/acknowledge", {"user": "di@example.com"})
    await becomes(rig, "mitigated")
    await rig.quiet()
    assert (await rig.pagerduty())[0]["status"] == "triggered", "our acknowledgement waits"

    await rig.control("POST", f"/pagerduty/incidents/{page}/resolve", {"user": "bo@example.com"})
    await becomes(rig, "resolved")
    await rig.quiet()
    await rig.heal()
    await minutes(rig, 4)
    assert (await rig.incident())["status"] == "resolved", "within the grace repeats only count"
    assert [p["status"] for p in await rig.pagerduty()] == ["resolved"], "not opened again by our word"
    assert [a["status"] for a in await rig.opsgenie()] == ["closed"]
    assert await rung(rig) == (1, 1)
    (held,) = (await rig.call("GET", "/api/v1/alerts?status=dropped", want=200))["items"]
    assert (held["dedup_key"], held["count"]) == ("login", 3)
    assert "resolve_grace" in held["muted_by"]

    await minutes(rig, 1)
    now = await rig.incident()
    assert (now["status"], now["life"]) == ("open", 2)
    assert len((await rig.call("GET", "/api/v1/incidents", want=200))["items"]) == 1
    assert await rung(rig) == (2, 2)
    assert [p["status"] for p in await rig.pagerduty() if p["id"] == page] == ["triggered"]

    await minutes(rig, 20)
    assert (await rig.incident())["acknowledged_at"] is None, (
        "the old life's acknowledgement is not of this one"
    )
    assert [p["status"] for p in await rig.pagerduty() if p["id"] == page] == ["triggered"]
    assert [a["acknowledged"] for a in await rig.opsgenie() if a["status"] == "open"] == [False]
    assert await rung(rig) == (2, 2), "repeats do not page"


async def test_s37_the_acknowledgement_of_the_old_life_waits_until_after_the_reopen(begin: Begin) -> None:
    """PagerDuty refuses connections from before the resolve there until after the reopen here: what waited for
    the old life is withdrawn, and what it then hears first is that it is broken still."""
    rig, page, alert = await firing(begin)
    await rig.fault("pagerduty_rest", "refused")
    await rig.control("POST", f"/opsgenie/alerts/{alert}/acknowledge", {"user": "di@example.com"})
    await becomes(rig, "mitigated")
    await rig.quiet()
    await rig.control("POST", f"/pagerduty/incidents/{page}/resolve", {"user": "bo@example.com"})
    await becomes(rig, "resolved")
    await minutes(rig, 5)
    assert (await rig.incident())["life"] == 2
    await rig.control("DELETE", "/calls")
    await rig.heal()

    async def rings() -> bool:
        await rig.advance(seconds=10)
        return [p["status"] for p in await rig.pagerduty() if p["id"] == page] == ["triggered"]

    await rig.until(rings, "PagerDuty rings again")
    await rig.quiet()
    written = [c["operation"] for c in await rig.calls("pagerduty") if c["method"] != "GET" and c["status"]]
    assert "acknowledge" not in written, written
    assert ((await rig.incident())["status"], (await rig.incident())["acknowledged_at"]) == ("open", None)


@pytest.mark.parametrize(
    ("vendor", "end"),
    [
        pytest.param("pagerduty", "resolve", id="PagerDuty, reopened in place"),
        pytest.param("opsgenie", "close", id="Opsgenie, where the new life is another alert"),
    ],
)
async def test_s37_late_webhooks_of_the_old_life_change_nothing(begin: Begin, vendor: str, end: str) -> None:
    """Acknowledged and ended there within a minute, found by reading; the webhooks of both arrive in the new life."""
    rig, page, alert = await firing(begin)
    await rig.fault(vendor, "webhook_late", seconds=1200)
    path = f"/pagerduty/incidents/{page}" if vendor == "pagerduty" else f"/opsgenie/alerts/{alert}"
    for act, status in (("acknowledge", "mitigated"), (end, "resolved")):
        await rig.control("POST", f"{path}/{act}", {"user": "bo@example.com"})
        await read(rig, status)
    await rig.quiet()
    await minutes(rig, 6)
    assert ((await rig.incident())["status"], (await rig.incident())["life"]) == ("open", 2)
    before = (await rung(rig), [k for k in await rig.kinds() if k in ("acknowledged", "resolved")])

    await minutes(rig, 25)
    assert ((await rig.incident())["status"], (await rig.incident())["life"]) == ("open", 2)
    assert before == (
        await rung(rig),
        [k for k in await rig.kinds() if k in ("acknowledged", "resolved")],
    )
    there = (
        [p["status"] for p in await rig.pagerduty()],
        [a["acknowledged"] for a in await rig.opsgenie() if a["status"] == "open"],
    )
    assert there == (["triggered"], [False])


async def test_s40_pagerduty_s_four_hours_never_close_what_fires(begin: Begin) -> None:
    """Nobody has it, and the sender goes on: its timer ends it there, it rings there again, here it stays open, and
    Opsgenie is not told of an end."""
    rig, _, alert = await firing(begin)
    before = (await rung(rig))[0]
    for _ in range(4):
        await rig.advance(hours=1)
        await rig.alert(**BROKEN)
        await rig.quiet()

    async def rings() -> bool:
        (again,) = await rig.pagerduty()
        return bool(again["status"] == "triggered" and again["notification_count"] > before)

    await rig.until(rings, "PagerDuty rings again")
    assert (await rig.incident())["status"] == "open"
    assert "resolved" not in await rig.kinds()
    assert [a["status"] for a in await rig.opsgenie() if a["id"] == alert] == ["open"]
