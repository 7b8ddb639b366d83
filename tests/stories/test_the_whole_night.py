"""Everything in one night: the database goes in a burst, one of two hubs is killed, the clock is set, the other is down
for two hours, and yesterday's backup is restored (S46 to S49, TR-1, TR-2)."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from away import back, copied, lost, restored
from plug import Plug
from rig import Begin, Rig
from tocsin.store import anchors

HUB = (Path(__file__).parents[2] / "src/tocsin/demo/hub.yaml").read_text()
LADDER = HUB.replace(
    "  standard:\n",
    "  standard:\n    - {all: [prod-pagerduty]}\n    - {after: 5m, all: [prod-opsgenie]}\n    - {after: 5m, all: [ops-mail]}\n  was_standard:\n",
)
HOUR = timedelta(hours=1)


@pytest.fixture
async def wire(database_url: str) -> AsyncIterator[Plug]:
    """The second hub's way to the database."""
    wire = Plug(database_url)
    await wire.plug_in()
    yield wire
    await wire.close()


async def pour(rig: Rig, titles: list[str], *, at: str = "", times: int = 1) -> None:
    """Each `times` times, in batches of 500 at most; all of it accepted."""
    many = [{"source": "probe", "severity": "medium", "title": title} for title in titles * times]
    for start in range(0, len(many), 500):
        await rig.call("POST", "/api/v1/alerts/batch", many[start : start + 500], want=202, at=at)


async def counted(rig: Rig, expected: dict[str, int]) -> None:
    """Every alert is there, with this many repeats."""

    async def so() -> bool:
        listed = await rig.call("GET", "/api/v1/alerts?limit=200", want=200)
        return {a["title"]: a["count"] for a in listed["items"]} == expected

    await rig.until(so, "each event is counted", seconds=30)


async def pages(rig: Rig) -> tuple[Counter[str], Counter[str]]:
    """How many pages each title has at PagerDuty and at Opsgenie. How often each rang is theirs: in two hours
    PagerDuty escalates by itself."""
    return (
        Counter(page["title"] for page in await rig.pagerduty()),
        Counter(page["message"] for page in await rig.opsgenie()),
    )


async def steps(rig: Rig) -> dict[str, int]:
    """How many steps after the first were asked, by title."""
    listed = await rig.call("GET", "/api/v1/incidents?limit=100", want=200)
    return {i["title"]: (await rig.kinds(i["name"])).count("escalated") for i in listed["items"]}


async def test_the_hubs_worst_night(begin: Begin, plug: Plug, wire: Plug, database_url: str) -> None:
    """Nothing that was accepted is lost, nobody is paged twice, one step is asked at a time, and the hold says what it
    keeps back."""
    assert LADDER != HUB
    rig = await begin(config=LADDER, dsn=plug.dsn, webhooks=False)
    other = await rig.start_beside(wire.dsn)
    place = other.url

    # a burst at both, and the database goes in the middle of it; then the second hub is killed, its journal unread
    burst = [f"Burst {n}" for n in range(8)]
    await pour(rig, burst[:2])
    await pour(rig, burst[2:4], at=place)
    await wire.pull()
    await lost(rig, plug)
    await pour(rig, burst[4:])
    unread = [f"Unread {n}" for n in range(4)]
    await pour(rig, unread, at=place)
    await rig.stop_beside()
    await back(rig, plug)
    await counted(rig, dict.fromkeys(burst, 0))
    after_burst = await pages(rig)

    # the clock is set an hour ahead: no step is asked for that
    await rig.daemon.hub.database.transact(lambda c: anchors.move(c, HOUR, rig.clock() + HOUR))
    rig.clock.at += HOUR
    rig.ring()
    await rig.quiet()
    after_the_clock = await steps(rig)
    copy = await copied(rig, plug, database_url)

    # the database goes again, 3,000 events are kept, and nothing runs for two hours
    await lost(rig, plug)
    kept = [f"Kept {n}" for n in range(3)]
    await pour(rig, kept, times=1000)
    await rig.daemon.stop()
    await rig.advance_without_hub(hours=2)
    await plug.plug_in()
    await wire.plug_in()
    await rig.start_hub()
    await rig.start_beside(wire.dsn)
    await counted(rig, dict.fromkeys([*burst, *unread], 0) | dict.fromkeys(kept, 999))
    await rig.advance(seconds=11)
    await rig.quiet()
    in_the_morning, asked = await pages(rig), await steps(rig)
    mails = [mail["subject"] for mail in await rig.mails()]

    # and yesterday's backup takes the database's place
    await rig.stop_beside()
    await restored(rig, plug, database_url, copy)
    held = await rig.call("GET", "/api/v1/health", want=200)
    await rig.call("POST", "/api/v1/resume", {}, want=200)
    await rig.advance(seconds=11)
    await rig.quiet()

    assert after_burst == (Counter(burst), Counter())
    assert after_the_clock == dict.fromkeys(burst, 0)
    assert in_the_morning == (Counter([*burst, *unread, *kept]), Counter(burst)), await rig.story()
    assert asked == dict.fromkeys(burst, 1) | dict.fromkeys([*unread, *kept], 0), await rig.story()
    assert mails == [], "nothing is late for having been held here"
    assert held["hold"] is not None
    assert await pages(rig) == in_the_morning
