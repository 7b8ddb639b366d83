"""One alert's whole way: from a sender to PagerDuty and Opsgenie and back."""

from typing import Any

from rig import Begin, Rig

DAY_137 = {
    "title": "Database Connection Failed",
    "source": "database",
    "severity": "critical",
    "service_name": "payment-service",
}


async def everywhere(rig: Rig, status: str) -> None:
    """Until the hub, PagerDuty and Opsgenie agree: open, acknowledged or resolved."""
    words = {
        "open": ("open", "triggered", "open", False),
        "acknowledged": ("mitigated", "acknowledged", "open", True),
    }
    ours, theirs, state, acknowledged = words.get(status, ("resolved", "resolved", "closed", None))

    async def agree() -> bool:
        incident = await rig.incident()
        (page,), (alert,) = await rig.pagerduty(), await rig.opsgenie()
        same = acknowledged is None or alert["acknowledged"] is acknowledged
        return incident["status"] == ours and page["status"] == theirs and alert["status"] == state and same

    await rig.until(agree, f"everybody says {status}")


async def person_at_pagerduty(rig: Rig, act: str, **more: Any) -> None:
    (page,) = await rig.pagerduty()
    await rig.control("POST", f"/pagerduty/incidents/{page['id']}/{act}", {"user": "bo@example.com", **more})


async def person_at_opsgenie(rig: Rig, act: str, **more: Any) -> None:
    (alert,) = await rig.opsgenie()
    await rig.control("POST", f"/opsgenie/alerts/{alert['id']}/{act}", {"user": "ada@example.com", **more})


async def test_an_acknowledgement_at_pagerduty_reaches_opsgenie(begin: Begin) -> None:
    """Bo acknowledges at PagerDuty: the hub knows, Opsgenie is told, nobody is paged again."""
    rig = await begin()
    answer = await rig.alert(**DAY_137)

    assert (answer["incident"], answer["severity"]) == ("INC-1", "critical")
    await _both_have_it(rig)
    await everywhere(rig, "open")
    await person_at_pagerduty(rig, "acknowledge")
    await everywhere(rig, "acknowledged")
    incident = await rig.incident()

    assert "bo" in incident["acknowledged_by"].lower()
    await person_at_pagerduty(rig, "resolve")
    await everywhere(rig, "resolved")
    assert [p["notification_count"] for p in await rig.pagerduty()] == [1]
    assert [a["notification_count"] for a in await rig.opsgenie()] == [1]


async def test_an_acknowledgement_at_opsgenie_reaches_pagerduty(begin: Begin) -> None:
    """The other way round, with a note that travels too."""
    rig = await begin()
    await rig.alert(**DAY_137)
    await _both_have_it(rig)
    await person_at_opsgenie(rig, "acknowledge")
    await everywhere(rig, "acknowledged")
    await person_at_opsgenie(rig, "note", note="replica promoted")

    async def noted() -> bool:
        (page,) = await rig.pagerduty()
        return "replica promoted" in str(page)

    await rig.until(noted, "PagerDuty has Ada's note")
    await person_at_opsgenie(rig, "close")
    await everywhere(rig, "resolved")
    notes = [line for line in await rig.timeline() if line["kind"] == "note"]

    assert len(notes) == 1, "a note is told once, its echo is not a second one"


async def test_one_correlation_id_goes_all_the_way(begin: Begin) -> None:
    """Alert, incident, timeline, PagerDuty and Opsgenie carry the same correlation id."""
    rig = await begin()
    sent = await rig.alert(**DAY_137)
    await _both_have_it(rig)
    correlation = sent["correlation_id"]

    assert correlation == (await rig.incident())["correlation_id"]
    assert {correlation} == {line["correlation_id"] for line in await rig.timeline()}
    assert correlation in str(await rig.pagerduty())
    assert correlation in str(await rig.opsgenie())


async def test_the_sender_resolves(begin: Begin) -> None:
    """The last alert resolves: the incident does, and so does everybody."""
    rig = await begin()
    await rig.alert(**DAY_137)
    await _both_have_it(rig)
    await rig.call("POST", "/api/v1/alerts", {**DAY_137, "action": "resolve"}, want=202)
    await everywhere(rig, "resolved")


async def test_a_person_here_acknowledges_and_resolves(begin: Begin) -> None:
    """`im ack`, `im resolve`: both providers follow, each with one write."""
    rig = await begin()
    await rig.alert(**DAY_137)
    await _both_have_it(rig)
    await rig.call("POST", "/api/v1/incidents/INC-1/acknowledge", {"note": "looking"}, want=200)
    await everywhere(rig, "acknowledged")
    await rig.call("POST", "/api/v1/incidents/INC-1/resolve", {}, want=200)
    await everywhere(rig, "resolved")
    await rig.quiet()
    again = await rig.call("POST", "/api/v1/incidents/INC-1/resolve", {}, want=200)

    assert again["status"] == "resolved"
    writes = [c for c in await rig.calls("pagerduty") if c["method"] == "PUT"]
    assert len(writes) == 2, "one acknowledge and one resolve; doing it again writes nothing"


async def _both_have_it(rig: Rig) -> None:
    async def created() -> bool:
        providers = (await rig.incident())["providers"]
        return len(providers) == 2 and all(p["created_at"] for p in providers)

    await rig.until(created, "both providers have created it")
