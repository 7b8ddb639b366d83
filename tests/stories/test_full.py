"""A sender is refused: only what is full says 429, and the hub tells of it by itself (S17)."""

import asyncio

import pytest

from rig import KEYS, Begin


@pytest.mark.parametrize(
    ("full", "status", "said"),
    [
        pytest.param(True, 429, "throttle exceeded", id="the disk is full"),
        pytest.param(False, 503, "unavailable", id="it is stopping"),
    ],
)
async def test_s17_a_pagerduty_client_is_told_in_its_own_words(
    begin: Begin, full: bool, status: int, said: str
) -> None:
    """S17: 429 for what is full alone, counted and told as an alarm that names the sender; 503 otherwise; both with when
    to come again."""
    rig = await begin()
    hub = rig.daemon.hub
    if full:
        hub.refused.no_room = True
    else:
        (door,) = [task for task in rig.daemon._tasks if task.get_name() == "door"]
        door.cancel()
        await asyncio.wait([door])
    event = {
        "routing_key": KEYS["PD_IN_KEY"], "event_action": "trigger", "dedup_key": "a",
        "payload": {"summary": "Disk", "source": "db-1", "severity": "critical"},
    }  # fmt: skip
    async with rig.http.post(f"{rig.daemon.url}/v2/enqueue", json=event) as answer:
        told = await answer.json()
        assert (answer.status, told["status"]) == (status, said)
        assert int(answer.headers["Retry-After"]) > 0
    if not full:
        return
    hub.refused.no_room = False

    async def alarmed() -> bool:
        listed = (await rig.call("GET", "/api/v1/incidents"))["items"]
        return any("refuses alerts: its disk is full" in one["title"] for one in listed)

    await rig.until(alarmed, "the hub says so itself")
    async with rig.http.get(f"{rig.daemon.url}/metrics") as answer:
        text = await answer.text()
    assert 'tocsin_requests_refused_total{full="disk",integration="pagerduty-senders"} 1.0' in text
