"""Does ordered trouble strike as ordered, and is it written down?"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from .conftest import BOT, House, until

WANTED = {"incident": {"type": "incident", "title": "t", "service": {"id": "PGEN001"}, "incident_key": "k"}}
LOST = (aiohttp.ClientError, TimeoutError, OSError)


async def create(house: House) -> Any:
    return await house.pd("POST", "/incidents", WANTED, **BOT)


async def stored(house: House) -> int:
    return len((await house.control("GET", "/pagerduty/incidents")).json["incidents"])


@pytest.mark.parametrize(
    ("vendor", "kind", "status", "header"),
    [
        pytest.param("pagerduty", "500", 500, None, id="pagerduty 500"),
        pytest.param("pagerduty", "429", 429, "ratelimit-reset", id="pagerduty 429 with headers"),
        pytest.param("pagerduty", "429_bare", 429, None, id="pagerduty 429 without"),
        pytest.param("opsgenie", "503", 503, None, id="opsgenie 503"),
        pytest.param("opsgenie", "429", 429, "X-RateLimit-Period-In-Sec", id="opsgenie 429"),
    ],
)
async def test_answers_with_a_status_as_often_as_ordered(
    house: House, vendor: str, kind: str, status: int, header: str | None
) -> None:
    await house.fault(vendor, kind, times=2, retry_after=7)
    caller, path = (house.pd, "/incidents") if vendor == "pagerduty" else (house.og, "/v2/alerts")
    answers = [await caller("GET", path) for _ in range(3)]
    assert [answer.status for answer in answers] == [status, status, 200]
    waits = [
        name
        for name in answers[0].headers
        if "reset" in name.lower() or name in ("Retry-After", "X-RateLimit-Period-In-Sec")
    ]
    assert (header in waits) if header else (waits == [])
    if header:
        assert answers[0].headers[header] == "7"


async def test_a_fault_meets_only_its_operation_or_path(house: House) -> None:
    await house.fault("pagerduty", "500", operation="acknowledge")
    await house.fault("pagerduty", "502", operation="^/services")
    made = await create(house)
    assert made.status == 201
    assert (await house.pd("GET", "/services")).status == 502
    assert (await house.update(made.json["incident"], status="acknowledged")).status == 500
    assert (await house.update(made.json["incident"], status="resolved")).status == 200


@pytest.mark.parametrize(
    ("kind", "applied"),
    [
        pytest.param("timeout_after_write", 1, id="lost after it was done"),
        pytest.param("reset", 0, id="reset before it was done"),
        pytest.param("hang", 0, id="never answered"),
    ],
)
async def test_the_answer_is_lost(house: House, kind: str, applied: int) -> None:
    await house.fault("pagerduty", kind, operation="create", times=1, seconds=0.1)
    with pytest.raises(LOST):
        await create(house)
    assert await stored(house) == applied
    (call,) = (await house.control("GET", "/calls?vendor=pagerduty")).json["calls"]
    assert (call["fault"], call["status"], call["operation"]) == (kind, None, "create")
    assert (await create(house)).status == (400 if applied else 201)


async def test_a_hang_lasts_until_it_is_lifted(house: House) -> None:
    fault = await house.fault("opsgenie", "hang")
    waiting = asyncio.create_task(house.og("POST", "/v2/alerts", {"message": "m"}))
    done, _ = await asyncio.wait([waiting], timeout=0.2)
    assert not done
    assert (await house.control("DELETE", f"/faults/{fault}")).status == 204
    with pytest.raises(LOST):
        await waiting
    assert (await house.og("GET", "/v2/alerts")).status == 200


async def test_refused_really_closes_the_socket_and_opens_the_same_one_again(house: House) -> None:
    fault = await house.fault("pagerduty", "refused")
    for caller, path in ((house.pd, "/services"), (house.events, "/v2/enqueue")):
        with pytest.raises(aiohttp.ClientConnectorError):
            await caller("GET", path)
    assert (await house.og("GET", "/v2/alerts")).status == 200
    await house.control("DELETE", f"/faults/{fault}")
    assert (await house.pd("GET", "/services")).status == 200
    await house.fault("pagerduty_events", "refused", seconds=0.2)
    assert (await house.pd("GET", "/services")).status == 200
    with pytest.raises(aiohttp.ClientConnectorError):
        await house.events("POST", "/v2/enqueue", {})

    async def lifted() -> bool:
        return not (await house.control("GET", "/faults")).json["faults"]

    await until(lifted)
    assert (await house.events("POST", "/v2/enqueue", {})).status == 400


async def test_created_but_nobody_was_rung(house: House) -> None:
    await house.fault("any", "created_not_notified", operation="create")
    incident = await house.incident()
    alert = await house.alert(responders=[{"type": "team", "name": "Ops"}])
    await house.advance(1000)
    assert (await house.whole(incident))["notification_count"] == alert["notification_count"] == 0


async def test_half_a_json_and_a_slow_answer(house: House) -> None:
    await house.fault("pagerduty", "invalid_json", operation="create", times=1)
    with pytest.raises(json.JSONDecodeError):
        await create(house)
    await house.fault("pagerduty", "latency", operation="read", delay_ms=150)
    assert (await house.pd("GET", "/services")).status == 200
    assert (await house.control("GET", "/calls")).json["calls"][-1]["elapsed_ms"] >= 150
    assert await stored(house) == 1


@pytest.mark.parametrize(
    ("order", "says"),
    [
        pytest.param(
            {"vendor": "pagerduty", "kind": "explode"}, "kind 'explode' is unknown", id="unknown kind"
        ),
        pytest.param({"vendor": "pager", "kind": "500"}, "vendor 'pager' is unknown", id="unknown vendor"),
        pytest.param({"vendor": "any", "kind": "500", "times": -1}, "times must be", id="negative times"),
        pytest.param({"vendor": "any", "kind": "500", "operation": "("}, "no pattern", id="broken pattern"),
        pytest.param(
            {"vendor": "any", "kind": "500", "often": 1}, "unknown field 'often'", id="unknown field"
        ),
    ],
)
async def test_an_order_that_makes_no_sense_says_why(house: House, order: Any, says: str) -> None:
    answer = await house.control("POST", "/faults", order)
    assert (answer.status, says in answer.json["error"]) == (400, True)


async def test_limits_have_headers_and_can_be_set_and_switched_off(house: House) -> None:
    await house.control("POST", "/limits", {"pagerduty_rest": 3})
    answers = [await house.pd("GET", "/services") for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert answers[3].json["error"]["code"] == 2020
    assert (await house.pd("GET", "/services", Authorization="Token token=another")).status == 200
    await house.advance(61)
    assert (await house.pd("GET", "/services")).status == 200
    await house.control("POST", "/limits", {"opsgenie_alert": 1})
    assert [(await house.og("GET", "/v2/alerts")).status for _ in range(2)] == [200, 429]
    await house.control("POST", "/limits", {"enabled": False})
    last = await house.pd("GET", "/services")
    assert (last.status, "ratelimit-limit" in last.headers) == (200, False)
    assert (await house.control("POST", "/limits", {"nonsense": 1})).status == 400
