"""Fifty alerts in the five seconds in which PagerDuty is away: each is paged, once, without hammering it (S29, S31, S33)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rig import Begin, Rig

from .conftest import HUB

MANY, SECONDS, CALLS_MOST = 50, 5, 60
BY_DAY = datetime(2026, 11, 16, 7, 0, tzinfo=UTC)
"""Business hours of the application team in Kolkata: PagerDuty first, then Opsgenie, then mail."""
ALONE = HUB.replace(
    "{failover: [prod-pagerduty, prod-opsgenie, ops-mail], within: 3s}", "{all: [prod-pagerduty]}"
).replace("last_resort: [ops-mail]", "last_resort: []")
OUTAGES = [
    pytest.param({"kind": "500"}, id="500"),
    pytest.param({"kind": "429", "retry_after": SECONDS}, id="429, with Retry-After"),
    pytest.param({"kind": "hang", "seconds": 300}, id="hang"),
    pytest.param({"kind": "refused"}, id="refused"),
    pytest.param({"kind": "reset"}, id="reset"),
]


async def outage(rig: Rig, fault: dict[str, Any]) -> tuple[int, list[Any]]:
    """The fifty and the five seconds; how often PagerDuty was called in them, and those calls that it saw."""
    await rig.control("DELETE", "/calls")
    await rig.fault("pagerduty", **fault)
    many = [
        {"title": f"Checkout {n}", "source": "probe", "severity": "high", "service_name": "web"}
        for n in range(MANY)
    ]
    await rig.call("POST", "/api/v1/alerts/batch", many, want=202)
    for _ in range(SECONDS):
        await decided(rig)
        if fault["kind"] != "hang":
            await rig.quiet()
        await rig.advance(seconds=1)
    (struck,) = [one["struck"] for one in (await rig.control("GET", "/faults"))["faults"]]
    # a refused connection never reaches the sandbox, a hanging call is not in our record yet
    return max(struck, await tried(rig)), await rig.calls("pagerduty")


async def decided(rig: Rig) -> None:
    async def all_are() -> bool:
        found = await rig.call("GET", "/api/v1/incidents?q=Checkout&limit=100", want=200)
        return len(found["items"]) == MANY

    await rig.until(all_are, "fifty incidents", seconds=30)


async def tried(rig: Rig) -> int:
    """Calls at PagerDuty that have come to an end, by the hub's own record."""

    async def ask(connection: Any) -> int:
        return int(
            await connection.fetchval(
                "SELECT coalesce(sum(calls), 0) FROM delivery WHERE connector = 'prod-pagerduty'"
            )
        )

    return await rig.daemon.hub.database.read(ask)


async def rings(rig: Rig) -> dict[str, int]:
    """Title -> how often somebody was rung for it, both providers together."""
    found: dict[str, int] = {}
    for one in (*await rig.pagerduty(), *await rig.opsgenie()):
        title = str(one.get("title") or one.get("message"))
        if title.startswith("Checkout "):
            found[title] = found.get(title, 0) + one["notification_count"]
    return found


async def over(rig: Rig) -> None:
    """PagerDuty is back, and whatever waited for it has had its time."""
    await rig.heal()
    for _ in range(6):
        await rig.advance(seconds=10)
        await rig.quiet()


def kept(calls: list[Any], retry_after: int) -> bool:
    """Nothing was sent between the first answer of 429 and the end of its Retry-After, by the providers' clock,
    which stands between our steps: what has the first one's instant was under way with it."""
    at = [datetime.fromisoformat(call["at"]) for call in calls]
    return bool(at) and all(
        moment == at[0] or moment >= at[0] + timedelta(seconds=retry_after) for moment in at
    )


@pytest.mark.parametrize("fault", OUTAGES)
async def test_s31_each_is_paged_by_the_next_one_at_once_and_once(
    begin: Begin, fault: dict[str, Any]
) -> None:
    """S31: With a second target: all fifty rang before PagerDuty was back, and none rings again when it is."""
    rig = await begin(at=BY_DAY)
    calls, seen = await outage(rig, fault)
    wanted = {f"Checkout {n}": 1 for n in range(MANY)}

    async def all_rang() -> bool:
        return await rings(rig) == wanted

    await rig.until(all_rang, "each has rung once, while PagerDuty is away", seconds=30)
    assert 0 < calls <= CALLS_MOST
    assert "retry_after" not in fault or kept(seen, fault["retry_after"])
    await over(rig)
    assert await rings(rig) == wanted


@pytest.mark.parametrize("fault", OUTAGES)
async def test_s33_with_no_other_target_each_waits_and_is_paged_once(
    begin: Begin, fault: dict[str, Any]
) -> None:
    """Nothing is lost and nothing is doubled when PagerDuty alone can be asked; it is called sixty times at most."""
    rig = await begin(at=BY_DAY, config=ALONE)
    calls, seen = await outage(rig, fault)
    assert sum((await rings(rig)).values()) == 0
    assert 0 < calls <= CALLS_MOST
    assert "retry_after" not in fault or kept(seen, fault["retry_after"])
    await over(rig)
    assert await rings(rig) == {f"Checkout {n}": 1 for n in range(MANY)}
