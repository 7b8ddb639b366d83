"""Does the simulated Events API queue, deduplicate and drop as PagerDuty documents it?"""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import House

WEB = "sandboxpweb001routingkey00000000"
PAY = "sandboxppay001routingkey00000000"


def event(
    action: str = "trigger", key: str | None = "k", routing_key: str = WEB, **payload: Any
) -> dict[str, Any]:
    body = {"summary": "Checkout is slow", "source": "web-1", "severity": "error", **payload}
    made: dict[str, Any] = {"routing_key": routing_key, "event_action": action, "payload": body}
    return made | ({"dedup_key": key} if key else {})


async def incidents(house: House) -> list[dict[str, Any]]:
    return list((await house.control("GET", "/pagerduty/incidents")).json["incidents"])


async def test_repeats_join_the_open_alert_and_ring_once(house: House) -> None:
    for _ in range(3):
        assert (await house.events("POST", "/v2/enqueue", event())).status == 202
    (only,) = await incidents(house)
    assert (only["alerts"][0]["count"], only["notification_count"], only["incident_key"]) == (3, 1, None)
    found = (await house.pd("GET", "/incidents?incident_key=k")).json["incidents"]
    assert [incident["id"] for incident in found] == [only["id"]]


async def test_the_same_dedup_key_on_another_routing_key_is_another_alert(house: House) -> None:
    await house.events("POST", "/v2/enqueue", event())
    await house.events("POST", "/v2/enqueue", event("resolve", routing_key=PAY))
    await house.events("POST", "/v2/enqueue", event(routing_key=PAY))
    assert [i["status"] for i in await incidents(house)] == ["triggered", "triggered"]


async def test_acknowledge_and_resolve_follow_the_key_and_a_later_trigger_is_new(house: House) -> None:
    for action in ("trigger", "acknowledge", "resolve", "acknowledge", "trigger"):
        assert (await house.events("POST", "/v2/enqueue", event(action))).status == 202
    assert [i["status"] for i in await incidents(house)] == ["resolved", "triggered"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(event("acknowledge", "nobody"), id="acknowledge of an unknown key"),
        pytest.param(event("resolve", "nobody"), id="resolve of an unknown key"),
        pytest.param(event(routing_key="x" * 32), id="trigger for an unknown routing key"),
    ],
)
async def test_dropped_without_a_word(house: House, body: dict[str, Any]) -> None:
    answer = await house.events("POST", "/v2/enqueue", body)
    assert (answer.status, answer.json["message"]) == (202, "Event processed")
    assert await incidents(house) == []


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param(event(routing_key="short"), "Length of 'routing_key'", id="short routing key"),
        pytest.param(event("explode"), "'event_action'", id="unknown action"),
        pytest.param(event(summary=""), "'payload.summary'", id="no summary"),
        pytest.param(event(summary="x" * 1025), "Length of 'payload.summary'", id="summary too long"),
        pytest.param(event(severity="bad"), "'payload.severity'", id="unknown severity"),
        pytest.param(event("resolve", None), "'dedup_key'", id="resolve without a key"),
        pytest.param([1], "JSON parse error", id="no object"),
    ],
)
async def test_refused_with_a_list_of_texts(house: House, body: Any, text: str) -> None:
    answer = await house.events("POST", "/v2/enqueue", body)
    assert answer.status == 400
    assert any(error.startswith(text) for error in answer.json["errors"])


async def test_a_key_is_made_for_a_trigger_without_one_and_changes_are_kept(house: House) -> None:
    assert len((await house.events("POST", "/v2/enqueue", event(key=None))).json["dedup_key"]) == 32
    change = {"routing_key": WEB, "payload": {"summary": "deployed 1.2"}}
    assert (await house.events("POST", "/v2/change/enqueue", change)).status == 202
    assert (await house.control("GET", "/pagerduty/changes")).json["changes"][0]["payload"] == {
        "summary": "deployed 1.2"
    }


async def test_grouped_alerts_share_an_incident_that_ends_with_the_last(house: House) -> None:
    await house.control("POST", "/pagerduty/services/PWEB001", {"grouping_seconds": 300})
    for key in ("a", "b"):
        await house.events("POST", "/v2/enqueue", event(key=key))
    await house.events("POST", "/v2/enqueue", event("resolve", "a"))
    (shared,) = await incidents(house)
    assert (shared["status"], shared["alert_counts"]) == (
        "triggered",
        {"all": 2, "triggered": 1, "resolved": 1},
    )
    await house.events("POST", "/v2/enqueue", event("resolve", "b"))
    assert (await incidents(house))[0]["status"] == "resolved"


async def test_120_events_a_minute_pass_and_the_next_waits(house: House) -> None:
    for _ in range(120):
        assert (await house.events("POST", "/v2/enqueue", event())).status == 202
    refused = await house.events("POST", "/v2/enqueue", event())
    assert (refused.status, "Retry-After" in refused.headers) == (429, True)
    assert (await house.events("POST", "/v2/enqueue", event(routing_key=PAY))).status == 202
    await house.advance(61)
    assert (await house.events("POST", "/v2/enqueue", event())).status == 202
