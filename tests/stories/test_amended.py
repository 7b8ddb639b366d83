"""A person says more about an incident, or that it is worse: everybody who holds it hears."""

from __future__ import annotations

from rig import Begin, Rig

LOW = {
    "title": "Search is slow",
    "source": "probe",
    "severity": "high",
    "service_name": "user-auth",
    "dedup_key": "s",
}


async def rings(rig: Rig) -> int:
    return sum(p["notification_count"] for p in await rig.pagerduty()) + sum(
        a["notification_count"] for a in await rig.opsgenie()
    )


async def test_what_a_person_writes_reaches_those_who_hold_it(begin: Begin) -> None:
    """Title and a field, at both providers, with before and after in the timeline, and nobody rung (S35)."""
    rig = await begin()
    await rig.alert(**LOW)
    await rig.quiet()
    before = await rings(rig)
    body = {"title": "Search is slow for acme", "fields": {"customer": "acme", "affected": 12}}
    changed = await rig.call("PATCH", "/api/v1/incidents/INC-1", body, want=200)
    await rig.advance(minutes=2)
    await rig.quiet()

    assert changed["fields"] == {"customer": "acme", "affected": "12"}
    assert "Search is slow for acme" in (await rig.pagerduty())[0]["title"]
    (alert,) = await rig.opsgenie()
    assert "Search is slow for acme" in alert["message"]
    assert alert["details"]["customer"] == "acme"
    assert await rings(rig) == before
    told = [line for line in await rig.timeline() if line["kind"] == "amended"]
    assert [line["data"]["field"] for line in told] == ["title", "fields.customer", "fields.affected"]
    assert (told[0]["data"]["before"], told[0]["data"]["after"]) == (
        "Search is slow",
        "Search is slow for acme",
    )

    await rig.alert(**LOW, description="a repeat says more")
    assert (await rig.incident())["title"] == "Search is slow for acme"


async def test_a_person_calls_it_worse_and_the_holder_is_asked_again(begin: Begin) -> None:
    """Acknowledged as high, called SEV-1: routed again, open again, rung again (S6)."""
    rig = await begin()
    await rig.alert(**LOW)
    await rig.quiet()
    await rig.call("POST", "/api/v1/incidents/INC-1/acknowledge", {}, want=200)
    await rig.quiet()
    before = await rings(rig)
    await rig.advance(minutes=10)
    raised = await rig.call("PATCH", "/api/v1/incidents/INC-1", {"severity": "SEV-1"}, want=200)
    await rig.quiet()

    assert (raised["severity"], raised["status"]) == ("critical", "open")
    assert await rings(rig) > before
    kinds = await rig.kinds()
    assert kinds.index("severity_rose") < kinds.index("routed", kinds.index("severity_rose"))
    assert "reopened" in kinds


async def test_a_declared_incident_takes_its_fields_along(begin: Begin) -> None:
    """They are with the page from the start."""
    rig = await begin()
    body = {"title": "Broken", "severity": "high", "services": ["user-auth"], "fields": {"customer": "acme"}}
    made = await rig.call("POST", "/api/v1/incidents", body, want=201)
    await rig.quiet()

    assert made["fields"] == {"customer": "acme"}
    assert (await rig.opsgenie())[0]["details"]["customer"] == "acme"
