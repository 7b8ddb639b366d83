"""`im connector health` and `im connector discover`, against the sandbox."""

from __future__ import annotations

import json

from rig import Begin
from stories.conftest import HUB
from terminal import im


async def test_the_health_of_a_connector_and_its_history(begin: Begin) -> None:
    rig = await begin()
    await rig.alert(title="web is slow", severity="high", service_name="web", dedup_key="k")

    async def told() -> bool:
        one = await rig.call("GET", "/api/v1/connectors/prod-pagerduty", want=200)
        return bool(one["attempts"] and one["last_webhook_at"])

    await rig.until(told, "the page is there, and its webhook here")
    await rig.quiet()
    said = await im(rig, "connector", "health", "prod-pagerduty")
    lines = said.out.splitlines()
    assert lines[0] == "Health: Healthy"
    assert lines[1].startswith("API Connectivity: ✓ Connected (")
    assert lines[2:4] == [
        "Authentication: ✓ Valid API key",
        "Service Access: ✓ PGEN001 accessible, and 5 more",
    ]
    assert lines[4].startswith("Webhook: ✓ Reading back instead: TOCSIN_PUBLIC_URL is not set")
    assert "Error Rate: 0% (0 errors in 24h)" in lines
    assert said.code == 0
    shown = await rig.call("GET", "/api/v1/connectors/prod-pagerduty/health?window=1h&ask=false", want=200)
    (beat,) = shown["history"]
    assert (beat["errors"], beat["success_rate"], shown["bucket"]) == (0, 1.0, "minute")
    assert beat["attempts"] >= 1
    assert beat["webhooks"] >= 1
    long = await rig.call("GET", "/api/v1/connectors/prod-pagerduty/health?window=30d&ask=false", want=200)
    assert long["bucket"] == "hour"
    refused = await rig.call("GET", "/api/v1/connectors/prod-pagerduty/health?window=31d", want=422)
    assert refused["faults"][0]["field"] == "window"


async def test_what_is_ill_is_told_with_its_cause(begin: Begin) -> None:
    rig = await begin(config=HUB.replace("base_url: ${PAGERDUTY_URL}", "base_url: http://127.0.0.1:9"))
    said = await im(rig, "connector", "health", "prod-pagerduty")
    assert said.code == 8
    assert said.out.splitlines()[0] == "Health: Unhealthy"
    assert "✗ PagerDuty API: cannot connect to 127.0.0.1:9" in said.out
    every = await im(rig, "connector", "health", tty=False)
    assert every.code == 8
    assert [line.split("\t")[1] for line in every.out.splitlines()[1:]] == ["unhealthy", "healthy", "healthy"]
    assert "prod-pagerduty: not healthy" in every.err


async def test_what_is_there_is_proposed_and_what_is_accepted_is_mapped(begin: Begin) -> None:
    """PR-10: by name, with the reason; written by the one door of the configuration."""
    bare = HUB.replace(
        "      service_mappings: {payment-service: PPAY001, database: PDAT001, web: PWEB001, default: PGEN001}\n",
        "",
    )
    rig = await begin(config=bare)
    said = await im(rig, "connector", "discover", "prod-pagerduty", "-o", "json")
    found = json.loads(said.out)
    assert {one["id"] for one in found["things"] if one["kind"] == "service"} == {
        "PGEN001",
        "PPAY001",
        "PDAT001",
        "PWEB001",
    }
    assert {
        one["name"]: (one["value"], one["reason"])
        for one in found["proposals"]
        if one["setting"] == "service_mappings"
    } == {
        "payment-service": ("PPAY001", "the same words"),
        "database": ("PDAT001", "the same name"),
        "web": ("PWEB001", "the same name"),
    }
    assert (await im(rig, "connector", "discover", "prod-pagerduty", "--apply", tty=False)).code == 2
    done = await im(rig, "connector", "discover", "prod-pagerduty", "--apply", "--yes")
    assert done.code == 0, done
    assert "mapped; version 2 of the configuration is in force" in done.err
    mapped = rig.daemon.hub.policy.connectors["prod-pagerduty"].settings["custom"]["service_mappings"]
    assert mapped == {"payment-service": "PPAY001", "database": "PDAT001", "web": "PWEB001"}
    again = await rig.call("GET", "/api/v1/connectors/prod-pagerduty/discover", want=200)
    assert [one for one in again["proposals"] if one["setting"] == "service_mappings"] == []
    teams = await rig.call("GET", "/api/v1/connectors/prod-opsgenie/discover", want=200)
    assert "team:Payments" in [one["value"] for one in teams["things"]]
    wrong = {"accept": [{"setting": "api_key", "name": "web", "value": "x"}]}
    refused = await rig.call("POST", "/api/v1/connectors/prod-pagerduty/discover", wrong, want=422)
    assert refused["faults"][0]["field"] == "accept.0.setting"
