"""Each webhook can be found in the log with what it was found to be and what followed."""

from __future__ import annotations

from typing import Any

import pytest
import structlog

from rig import Begin, Rig
from tocsin.engine import logs


@pytest.fixture(autouse=True)
def kept() -> Any:
    """As `im serve` sets its log up."""
    logs.set_up("json")
    yield
    structlog.reset_defaults()


@pytest.fixture
async def rig(begin: Begin) -> Rig:
    return await begin(public=True)


async def lines(rig: Rig, query: str) -> list[Any]:
    return list((await rig.call("GET", f"/api/v1/logs?limit=500&{query}", want=200))["items"])[::-1]


async def test_what_came_from_a_provider_and_what_followed(rig: Rig) -> None:
    await rig.alert(title="checkout is down", severity="critical", service_name="payment-service")
    await rig.quiet()
    page = (await rig.pagerduty())[0]
    await rig.control("POST", f"/pagerduty/incidents/{page['id']}/acknowledge", {"user": "Ada"})

    async def heard() -> bool:
        followed = await lines(rig, "component=webhook&filter=pagerduty")
        return any(line["data"].get("event_type") == "incident.acknowledged" for line in followed)

    await rig.until(heard, "the acknowledgement is in the log")
    found = await lines(rig, "component=webhook&filter=pagerduty")
    assert {line["connector"] for line in found} == {"prod-pagerduty"}
    assert {line["data"]["result"] for line in found} >= {"accepted", "applied"}
    applied = next(line for line in found if line["data"].get("event_type") == "incident.acknowledged")
    assert applied["data"]["delivery"]
    assert "INC-1" in applied["text"] or "acknowledge" in applied["text"]

    sent = await lines(rig, "component=delivery&incident=INC-1")
    assert {"create"} <= {line["data"]["kind"] for line in sent}
    assert all(line["data"]["took_ms"] >= 0 for line in sent)


async def test_what_was_not_taken_says_why(rig: Rig) -> None:
    url = rig.daemon.url
    for path, headers, status in (
        ("prod-pagerduty", {}, 401),
        ("prod-pagerduty", {"x-webhook-subscription": "PSUB", "x-pagerduty-signature": "v1=00"}, 503),
        ("nobody", {}, 404),
    ):
        async with rig.http.post(f"{url}/connectors/{path}/webhook", data=b"{}", headers=headers) as answer:
            assert answer.status == status

    async def all_there() -> bool:
        return len(await lines(rig, "component=webhook&level=warning")) >= 3

    await rig.until(all_there, "the refusals are in the log")
    found = {line["data"]["result"]: line for line in await lines(rig, "component=webhook&level=warning")}
    assert set(found) == {"stranger", "bad signature", "no such connector"}
    assert found["stranger"]["connector"] == "prod-pagerduty"
    assert found["no such connector"]["connector"] == ""
