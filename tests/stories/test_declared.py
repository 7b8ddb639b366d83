"""One declared incident of several services is one at each provider for each service, linked (RO-6, S20, S35)."""

from __future__ import annotations

from functools import partial

from rig import Begin


async def test_each_service_has_its_own_incident_there_by_its_own_mapping(begin: Begin) -> None:
    """Three services: three incidents at PagerDuty, each at the service that is mapped and asked by its policy, and three
    alerts at Opsgenie; all carry one correlation id and name the three. Acknowledged there one by one, it is acknowledged
    here with the last; resolved here, all are."""
    rig = await begin()
    body = {
        "title": "Cluster failure",
        "severity": "SEV-1",
        "services": ["user-auth", "database", "payment-service"],
    }
    made = await rig.call("POST", "/api/v1/incidents", body, want=201)
    await rig.quiet()
    pages = {page["service"]["id"]: page for page in await rig.pagerduty()}
    alerts = await rig.opsgenie()
    assert set(pages) == {"PGEN001", "PDAT001", "PPAY001"}
    assert len(alerts) == 3
    assert {page["escalation_policy"]["id"] for page in pages.values()} == {"PGENEP1", "PDATEP1", "PPAYEP1"}
    for page in pages.values():
        assert made["correlation_id"] in str(page)
        assert "user-auth, database, payment-service" in str(page)
        assert page["notifications"]
    assert {alert["details"]["correlation_id"] for alert in alerts} == {made["correlation_id"]}
    assert {alert["details"]["services"] for alert in alerts} == {"user-auth, database, payment-service"}

    async def had(services: int) -> bool:
        parts = [part["status"] for part in (await rig.incident())["parts"]]
        return parts.count("mitigated") == services

    for n, page in enumerate(pages.values(), start=1):
        assert (await rig.incident())["status"] == "open"
        await rig.control(
            "POST", f"/pagerduty/incidents/{page['id']}/acknowledge", {"user": "bo@example.com"}
        )
        await rig.until(partial(had, n), f"{n} of the services are had")
    assert (await rig.incident())["status"] == "mitigated"

    await rig.call("POST", "/api/v1/incidents/INC-1/resolve", {"note": "quorum is back"}, want=200)
    await rig.quiet()
    assert {page["status"] for page in await rig.pagerduty()} == {"resolved"}
    assert {alert["status"] for alert in await rig.opsgenie()} == {"closed"}
