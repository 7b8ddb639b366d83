"""An incident born at a provider is recorded here, and pages nobody twice (S42)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rig import Begin, Rig

HUB = (Path(__file__).parents[2] / "src/tocsin/demo/hub.yaml").read_text()
IMPORTS = HUB.replace("    type: pagerduty\n", "    type: pagerduty\n    import_incidents: true\n")
TOLD_ELSEWHERE = IMPORTS.replace(
    "routing:\n", 'routing:\n  - {name: born elsewhere, when: \'alert.origin == "prod-pagerduty"\', page: {all: [prod-opsgenie]}}\n'
)  # fmt: skip


async def born(rig: Rig, service: str = "PWEB001", **more: Any) -> Any:
    """Another tool opens an incident at PagerDuty."""
    incident = {
        "type": "incident", "title": "Certificate expires", "service": {"id": service, "type": "service_reference"}, **more,
    }  # fmt: skip
    headers = {"Authorization": "Token token=another-tool", "From": "ada@example.com"}
    async with rig.http.post(
        f"{rig.sandbox.pagerduty_url}/incidents", json={"incident": incident}, headers=headers
    ) as answer:
        assert answer.status == 201, await answer.text()
        made = (await answer.json())["incident"]
    await rig.advance(seconds=1)  # the webhooks on their way arrive
    await rig.quiet()
    return made


async def listed(rig: Rig) -> list[Any]:
    found = await rig.call("GET", "/api/v1/incidents?status=open,mitigated,resolved,closed", want=200)
    return list(found["items"])


async def test_it_is_recorded_and_both_sides_stay_in_step(begin: Begin) -> None:
    """S42: Ours by the mapped service, without an alert, paged by nobody else; acknowledged there, resolved here."""
    rig = await begin(config=IMPORTS)
    made = await born(rig)
    (one,) = await listed(rig)

    assert (one["title"], one["origin"], one["services"]) == (
        "Certificate expires",
        "prod-pagerduty",
        ["web"],
    )
    assert (one["alerts"], [p["remote_id"] for p in one["providers"]]) == (0, [made["id"]])
    assert await rig.opsgenie() == []
    assert await rig.mails() == []

    await rig.control("POST", f"/pagerduty/incidents/{made['id']}/acknowledge", {"user": "bo@example.com"})
    await rig.advance(seconds=1)
    await rig.quiet()
    assert (await rig.incident())["status"] == "mitigated"
    await rig.call("POST", "/api/v1/incidents/INC-1/resolve", {}, want=200)
    await rig.quiet()
    assert [page["status"] for page in await rig.pagerduty()] == ["resolved"]


async def test_a_rule_that_names_origin_pages_elsewhere(begin: Begin) -> None:
    """S42: only such a rule does."""
    rig = await begin(config=TOLD_ELSEWHERE)
    await born(rig)
    (alert,) = await rig.opsgenie()

    assert alert["message"] == "Certificate expires"
    assert len(await rig.pagerduty()) == 1


async def test_other_tools_incidents_stay_theirs(begin: Begin) -> None:
    """A service that is not mapped, and a connector that does not import: nothing is opened."""
    rig = await begin(config=IMPORTS.replace("default: PGEN001}", "default: PDAT001}").replace("service_id: PGEN001", "service_id: PDAT001"))  # fmt: skip
    await born(rig, "PGEN001")
    assert await listed(rig) == []


async def test_without_the_setting_nothing_is_imported(begin: Begin) -> None:
    rig = await begin()
    await born(rig)

    assert await listed(rig) == []


async def test_what_we_made_ourselves_opens_nothing(begin: Begin) -> None:
    """S42: Our own page comes back by webhook as triggered: one incident, not two."""
    rig = await begin(config=IMPORTS)
    await rig.alert(title="Login is down", severity="critical", service_name="user-auth")
    await rig.quiet()

    assert [one["name"] for one in await listed(rig)] == ["INC-1"]


async def test_what_carries_our_correlation_id_attaches(begin: Begin) -> None:
    """S42: Something forwards our incident to Opsgenie: it is the same one, lives there too, and can be acknowledged there."""
    rig = await begin(
        config=HUB.replace("    type: opsgenie\n", "    type: opsgenie\n    import_incidents: true\n")
    )
    await rig.alert(title="Pages are slow", severity="high", service_name="web")
    await rig.quiet()
    ours = await rig.incident()
    body = {
        "message": "fwd: Pages are slow", "details": {"correlation_id": ours["correlation_id"]},
        "responders": [{"type": "team", "name": "Ops"}],
    }  # fmt: skip
    async with rig.http.post(
        f"{rig.sandbox.opsgenie_url}/v2/alerts", json=body, headers={"Authorization": "GenieKey another"}
    ) as answer:
        assert answer.status == 202
    await rig.advance(seconds=1)
    await rig.quiet()
    (alert,) = await rig.opsgenie()
    assert [one["name"] for one in await listed(rig)] == ["INC-1"]

    await rig.control("POST", f"/opsgenie/alerts/{alert['id']}/acknowledge", {"user": "bo@example.com"})
    await rig.advance(seconds=1)
    await rig.quiet()
    assert (await rig.incident())["status"] == "mitigated"
    assert [page["status"] for page in await rig.pagerduty()] == ["acknowledged"]
